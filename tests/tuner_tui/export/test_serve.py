"""A served run answers over OpenAI's protocol what its report says that it answers, to whoever has its key."""

import asyncio
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import MakeRun, export, run_module

from tuner_tui.commands.serve import up_to_date
from tuner_tui.export.server import free_port, missing_parts
from tuner_tui.export.serving import KEY, Gate

SERVING = not missing_parts()


@pytest.mark.slow
@pytest.mark.skipif(not SERVING, reason="needs transformers[serving]")
def test_the_served_model_answers_as_the_report_says(make_run: MakeRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    port = free_port()
    command = [sys.executable, "-m", "tuner_tui.cli", "serve", str(run), "--port", str(port), "--lang", "en"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", KEY: "sesame"}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    assert server.stderr is not None
    try:
        heard = []
        for line in server.stderr:
            heard.append(line)
            if "Ready at" in line:
                break
        assert "Ready at" in heard[-1], "".join(heard)[-3000:]
        for sample in json.loads((run / "report.json").read_text())["samples"]:
            assert asked(port, "any name", sample["prompt"], "sesame") == sample["after"]
            whole, streamed = by_client(port, sample["prompt"], "sesame")
            assert whole == sample["after"]
            # Bytes that make no character (this model says such) are told in whole answers only.
            assert streamed.replace("\ufffd", "") == whole.replace("\ufffd", "").strip()
        with pytest.raises(openai().AuthenticationError):
            by_client(port, "What colour is item 1?", "guess")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            asked(port, "any name", "What colour is item 1?", "guess")
        assert "sesame" not in "".join(heard)
    finally:
        server.send_signal(signal.SIGINT)
        server.stderr.read()
        assert server.wait() == 0


def openai() -> Any:
    """The real client library, which serving needs as well."""
    return importlib.import_module("openai")


def by_client(port: int, question: str, key: str) -> tuple[str, str]:
    """The answer as OpenAI's own client gets it, at once and streamed; the model is the one that it lists."""
    library = openai()
    client = library.OpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key=key, http_client=library.DefaultHttpxClient(trust_env=False)
    )
    [model] = client.models.list().data
    turns = [{"role": "user", "content": question}]
    rest = {"model": model.id, "messages": turns, "temperature": 0, "max_tokens": 12}
    whole = client.chat.completions.create(**rest).choices[0].message.content
    pieces = client.chat.completions.create(**rest, stream=True)
    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    return whole.strip(), streamed.strip()


def asked(port: int, model: str, question: str, key: str) -> str:
    turns = [{"role": "user", "content": question}]
    body = {"model": model, "messages": turns, "temperature": 0, "max_tokens": 12, "stream": False}
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), head)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as reply:
        return str(json.load(reply)["choices"][0]["message"]["content"]).strip()


@pytest.mark.slow
@pytest.mark.skipif(not SERVING, reason="needs transformers[serving]")
def test_an_export_to_serve_from_is_asked_through_its_server(make_run: MakeRun, tmp_path: Path) -> None:
    code, said, words = export(make_run("ft/sft:lora"), "vllm", tmp_path)
    assert code == 0, (said, words[-2000:])
    served = next(check for check in said["checks"] if check["id"] == "served_parity")
    assert served["value"]["prompts"] == 8
    assert served["value"]["differences"] == []


def through_the_gate(scope: dict[str, Any], body: bytes = b"") -> tuple[int, bytes, bytes | None]:
    """Status and body of the answer, and the body that reached the server behind, None when none did."""
    reached: list[bytes] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answered"})

    halves = [
        {"type": "http.request", "body": body[:5], "more_body": True},
        {"type": "http.request", "body": body[5:], "more_body": False},
    ]

    async def receive() -> Any:
        return halves.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    gate = Gate(app, key="sesame", name="mine", folder="/weights")
    named = [(b"host", b"127.0.0.1:8000"), *scope.get("headers", [])]
    whole = {"type": "http", "method": "POST", "path": "/v1/chat/completions", **scope, "headers": named}
    asyncio.run(gate(whole, receive, send))
    return sent[0]["status"], sent[1]["body"], reached[0] if reached else None


def test_without_the_key_nothing_reaches_the_server() -> None:
    for headers in ([], [(b"authorization", b"Bearer guess")], [(b"authorization", b"sesame")]):
        for path in ("/v1/chat/completions", "/v1/models", "/load_model", "/health"):
            status, body, reached = through_the_gate({"headers": headers, "path": path})
            assert (status, reached) == (401, None)
            assert json.loads(body)["error"]["code"] == "invalid_api_key"


def test_a_page_of_a_browser_another_host_and_another_protocol_do_not_reach_it_even_with_the_key() -> None:
    key = (b"authorization", b"Bearer sesame")
    for odd in ((b"origin", b"http://127.0.0.1:8000"), (b"host", b"evil.example:8000"), (b"host", b"127.0.0.1.evil")):
        status, _, reached = through_the_gate({"headers": [key, odd]})
        assert (status, reached) == (403, None)
    sent: list[Any] = []

    async def closed(message: Any) -> None:
        sent.append(message)

    gate = Gate(None, key="sesame", name="mine", folder="/weights")
    asyncio.run(gate({"type": "websocket", "headers": [key]}, None, closed))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_body_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_tui.export.serving.BODY_BYTES", 100)
    status, _, reached = through_the_gate({"headers": [(b"authorization", b"Bearer sesame")]}, b"x" * 101)
    assert (status, reached) == (413, None)


def test_the_one_model_is_known_by_any_name_and_listed() -> None:
    headers = [(b"authorization", b"Bearer sesame")]
    asked = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "색?"}]}).encode()
    status, body, reached = through_the_gate({"headers": headers}, asked)
    assert (status, body) == (200, b"answered")
    assert reached is not None
    assert json.loads(reached) == {**json.loads(asked), "model": "/weights"}
    status, body, reached = through_the_gate({"headers": headers, "method": "GET", "path": "/v1/models"})
    assert [model["id"] for model in json.loads(body)["data"]] == ["mine"]
    assert reached is None


def test_weights_merged_before_the_run_went_on_are_not_served_again(tmp_path: Path) -> None:
    merged, adapter = tmp_path / "merged", tmp_path / "adapter"
    for folder, file in ((merged, "config.json"), (adapter, "adapter_model.safetensors")):
        folder.mkdir()
        (folder / file).touch()
    os.utime(adapter / "adapter_model.safetensors", (100, 100))
    os.utime(merged / "config.json", (200, 200))
    assert up_to_date(merged, adapter)
    os.utime(adapter / "adapter_model.safetensors", (300, 300))
    assert not up_to_date(merged, adapter)


@pytest.mark.skipif(SERVING, reason="the parts are installed")
def test_missing_parts_are_named(make_run: MakeRun) -> None:
    done = run_module("tuner_tui.cli", "serve", make_run("ft/sft:lora"))
    assert done.returncode == 3
    assert "transformers[serving]" in done.stderr


def test_a_recipe_cannot_be_served(make_run: MakeRun) -> None:
    done = run_module("tuner_tui.cli", "serve", make_run("ft/sft:lora") / "recipe.yaml")
    assert done.returncode == 2
    assert "tuner run" in done.stderr
