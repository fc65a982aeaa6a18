"""`tuner compare --endpoint`, whole: what an endpoint does ends its own lane only, and nothing is paid for twice."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import little
import pytest

from advisor.recipe import encode_recipe


class Server(ThreadingHTTPServer):
    daemon_threads = True
    good = 3
    asked = 0
    heard: list[Any]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"])
        self.server.asked += 1
        fine = self.server.asked <= self.server.good
        reply = {"choices": [{"message": {"content": "x"}}], "model": "someone-else"}
        body = json.dumps(reply if fine else {"error": "no"}).encode()
        self.send_response(200 if fine else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    found.heard = []
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def compare(recipe: Path, server: Server, *more: str) -> tuple[int, Any, str]:
    (recipe.parent / "told.txt").write_text("Be kind.\n", encoding="utf-8")
    command = [sys.executable, "-m", "tuner_tui", "compare", str(recipe), "--lanes", "zero_shot,api", "--json", *more]
    command += [
        "--details",
        "--instruction",
        f"@{recipe.parent / 'told.txt'}",
        "--endpoint",
        f"http://127.0.0.1:{server.server_address[1]}/v1",
        "--endpoint-model",
        "m",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "TUNER_LANG": "en"}
    )
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr


@pytest.mark.slow
def test_a_refusing_endpoint_costs_its_lane_and_is_asked_only_for_the_rest_later(world: Path, server: Server) -> None:
    recipe = world / "recipe.yaml"
    recipe.write_text(encode_recipe(little.recipe(world, "ft/sft:lora", "pairs", "exact_match")), encoding="utf-8")
    code, found, words = compare(recipe, server)
    assert code == 1, words
    assert [lane["label"] for lane in found["lanes"]] == ["zero_shot"]
    assert [(each["label"], each["answered"]) for each in found["failed"]] == [("api", 3)]
    assert "HTTP 401" in found["failed"][0]["text"]
    assert "prompting" in found["verdict"]["text"]
    asked = server.asked
    assert asked in (4, 5), "the refused one, and the one that was on its way beside it"
    server.good = 100
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    code, found, words = compare(
        recipe, server, "--price", "1,1", "--cap", "1", "--judge", "m", "--judge-endpoint", url
    )
    assert code == 0, words
    assert [lane["label"] for lane in found["lanes"]] == ["zero_shot", "api"]
    assert server.asked == asked + 9 + 2 * 12
    assert [(each["label"], each["win_rate"]) for each in found["judged"]] == [("api", 0.5)]
    assert "someone-else says that it answered" in words
    assert found["lanes"][1]["cost_per_1k"] > 0
    assert {(turns[0]["role"], turns[0]["content"]) for turns in server.heard[: asked + 9]} == {("system", "Be kind.")}


@pytest.mark.slow
def test_a_cap_ends_the_lane_before_it_is_passed(world: Path, server: Server) -> None:
    recipe = world / "recipe.yaml"
    recipe.write_text(encode_recipe(little.recipe(world, "ft/sft:lora", "pairs", "exact_match")), encoding="utf-8")
    server.good = 100
    code, found, _ = compare(recipe, server, "--price", "100,100", "--cap", "0.05")
    assert code == 1
    assert 0 < found["failed"][0]["answered"] < 12
    assert "cap" in found["failed"][0]["text"]
