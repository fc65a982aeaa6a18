"""A real local server that stalls, errs and lies: the client waits no longer than it must and keeps what it got."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tuner_tui.words  # noqa: F401  errors speak its words
from advisor.errors import InputError
from tuner_tui.evaluation.endpoint import Endpoint

ASKED = [{"role": "user", "content": "hi"}]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    plan: list[str] = []
    seen: list[dict[str, object]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(asked | {"authorization": self.headers.get("Authorization")})
        how = self.server.plan.pop(0)
        if how == "stall":
            threading.Event().wait(5)
            return
        body = {
            "good": json.dumps({"choices": [{"message": {"content": " 안녕 "}}], "usage": {"total_tokens": 7}}),
            "lie": '{"choices": []}',
            "torn": '{"choices": [',
        }.get(how, "")
        self.send_response(int(how) if how.isdigit() else 200)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    found.plan, found.seen = [], []
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def endpoint(server: Server, **options: object) -> Endpoint:
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    return Endpoint(url, "m", sleep=lambda _: None, **options)  # type: ignore[arg-type]


def test_errors_lies_and_torn_answers_are_asked_again(server: Server) -> None:
    server.plan = ["500", "lie", "torn", "good"]
    client = endpoint(server)
    assert client.answer(ASKED, max_tokens=4) == "안녕"
    assert (client.sent, client.tokens) == (4, 7)


def test_a_stalled_server_costs_the_timeout_and_no_more(server: Server) -> None:
    server.plan = ["stall", "good"]
    start = time.monotonic()
    assert endpoint(server, timeout_s=0.5).answer(ASKED, max_tokens=4) == "안녕"
    assert time.monotonic() - start < 4


def test_a_refusal_is_not_asked_again_and_names_the_reason(server: Server) -> None:
    server.plan = ["401"]
    with pytest.raises(InputError) as error:
        endpoint(server).answer(ASKED, max_tokens=4)
    assert "HTTP 401" in error.value.text("en")
    assert len(server.seen) == 1


def test_an_answer_is_asked_for_once_and_a_torn_cache_is_no_harm(server: Server, tmp_path: Path) -> None:
    cache = tmp_path / "answers.jsonl"
    server.plan = ["good"]
    endpoint(server, cache=cache).answer(ASKED, max_tokens=4)
    with cache.open("a") as file:
        file.write('{"key": "x", "ans')
    assert endpoint(server, cache=cache).answer(ASKED, max_tokens=4) == "안녕"
    assert len(server.seen) == 1


def test_a_limit_of_requests_holds_and_the_key_comes_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "k-1")
    server.plan = ["good", "good"]
    client = endpoint(server, limit=1, key_env="MY_KEY")
    client.answer(ASKED, max_tokens=4)
    assert server.seen[0]["authorization"] == "Bearer k-1"
    with pytest.raises(InputError) as error:
        client.answer([{"role": "user", "content": "more"}], max_tokens=4)
    assert "limit" in error.value.text("en")
    with pytest.raises(InputError):
        endpoint(server, key_env="NOT_SET_ANYWHERE")
