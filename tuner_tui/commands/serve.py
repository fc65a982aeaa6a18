"""`tuner serve RUN`: an OpenAI-compatible server on this machine only, with the run's own weights, until Ctrl-C."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.commands import ExitCode, say
from tuner_tui.export.source import find_source
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.supervisor import child_environment
from tuner_tui.words import language, words

HOST = "127.0.0.1"
NEEDED = ("fastapi", "uvicorn", "openai")
READY_S = 600.0
LOOK_S = 0.5
SERVER = "import sys; from transformers.cli.transformers import main; sys.exit(main())"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run and the port."""
    told = words().say
    parser.add_argument("run", help=told("runs.help.run"))
    parser.add_argument("--port", type=int, default=8000, help=told("serve.help.port"))


def run(args: argparse.Namespace) -> int:
    """Merge where needed, start transformers' own server, say when it answers, wait for Ctrl-C."""
    source = find_source(args.run)
    source.weights()
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        say(words().say("serve.needs", missing=", ".join(missing)))
        return ExitCode.REFUSED
    refuse_taken(args.port)
    assert source.run is not None
    folder, code = weights(source.run)
    return code if folder is None else serve(folder, args.port)


def refuse_taken(port: int) -> None:
    """InputError when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise InputError("serve.port", port=port, detail=str(error)) from None


def weights(run: RunDir) -> tuple[Path | None, int]:
    """The folder of whole weights and 0; None and the exit code when merging them did not pass its checks."""
    if (run.model / "config.json").is_file():
        return run.model, 0
    kept = run.path / "served"
    if not (kept / "merged" / "config.json").is_file():
        say(words().say("serve.merging"))
        command = [sys.executable, "-P", "-m", "tuner_tui.export", "--to=merged", f"--out={kept}", "--", str(run.path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment())
        if done.returncode != 0:
            return None, done.returncode
    return kept / "merged", 0


def environment() -> dict[str, str]:
    """The child's environment, in this language; whole weights need no network."""
    return {**child_environment(os.environ), "TUNER_LANG": language(), "HF_HUB_OFFLINE": "1"}


def serve(folder: Path, port: int) -> int:
    """Run the server until it ends or Ctrl-C."""
    command = [sys.executable, "-P", "-c", SERVER, "serve", str(folder), "--host", HOST, "--port", str(port)]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment())
    try:
        if answers(server, port):
            say(words().say("serve.ready", url=f"http://{HOST}:{port}/v1", model=folder))
        code = server.wait()
        say(words().say("serve.ended", code=code))
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.DONE
    finally:
        stop(server)


def answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server says that it is healthy; False when it ended or took too long."""
    until = time.monotonic() + READY_S
    # No proxy stands between this machine and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while server.poll() is None and time.monotonic() < until:
        try:
            with opener.open(f"http://{HOST}:{port}/health", timeout=5) as reply:
                return bool(json.load(reply))
        except (OSError, ValueError, urllib.error.URLError):
            time.sleep(LOOK_S)
    return False


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server: asked first, then made to."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
