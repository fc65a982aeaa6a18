"""A served run answers over OpenAI's protocol what its report says that it answers, on this machine only."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tiny_runs import MakeRun, run_module

SERVING = all(importlib.util.find_spec(name) for name in ("fastapi", "uvicorn", "openai"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.skipif(not SERVING, reason="needs transformers[serving]")
def test_the_served_model_answers_as_the_report_says(make_run: MakeRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    port = free_port()
    command = [sys.executable, "-m", "tuner_tui.cli", "serve", str(run), "--port", str(port), "--lang", "en"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
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
            assert asked(port, str(run / "served" / "merged"), sample["prompt"]) == sample["after"]
    finally:
        server.send_signal(signal.SIGINT)
        server.stderr.read()
        assert server.wait() == 0


def asked(port: int, model: str, question: str) -> str:
    turns = [{"role": "user", "content": question}]
    body = {"model": model, "messages": turns, "temperature": 0, "max_tokens": 12, "stream": False}
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), head)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as reply:
        return str(json.load(reply)["choices"][0]["message"]["content"]).strip()


@pytest.mark.skipif(SERVING, reason="the parts are installed")
def test_missing_parts_are_named(make_run: MakeRun) -> None:
    done = run_module("tuner_tui.cli", "serve", make_run("ft/sft:lora"))
    assert done.returncode == 3
    assert "transformers[serving]" in done.stderr


def test_a_recipe_cannot_be_served(make_run: MakeRun) -> None:
    done = run_module("tuner_tui.cli", "serve", make_run("ft/sft:lora") / "recipe.yaml")
    assert done.returncode == 2
    assert "tuner run" in done.stderr
