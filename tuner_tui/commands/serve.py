"""`tuner serve RUN`: an OpenAI-compatible server on this machine only, with the run's own weights, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.commands import ExitCode, say
from tuner_tui.export.server import HOST, Server, missing_parts
from tuner_tui.export.serving import KEY
from tuner_tui.export.source import Source, find_source
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.spawn import child_environment
from tuner_tui.words import language, words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run and the port."""
    told = words().say
    parser.add_argument("run", help=told("runs.help.run"))
    parser.add_argument("--port", type=int, default=8000, help=told("serve.help.port"))
    parser.epilog = told("serve.help.key", variable=KEY)


def run(args: argparse.Namespace) -> int:
    """Merge where needed, start transformers' own server, say when it answers, wait for Ctrl-C."""
    source = find_source(args.run)
    source.weights()
    missing = missing_parts()
    if missing:
        say(words().fault("serve.needs", missing=", ".join(missing)))
        return ExitCode.REFUSED
    refuse_taken(args.port)
    assert source.run is not None
    folder, code = weights(source.run)
    return code if folder is None else serve(source, folder, args.port)


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
    if not up_to_date(kept / "merged", run.adapter):
        say(words().say("serve.merging"))
        flags = ["--to=merged", f"--out={kept}", "--overwrite"]
        command = [sys.executable, "-P", "-m", "tuner_tui.export", *flags, "--", str(run.path)]
        environment = {**child_environment(os.environ), "TUNER_LANG": language(), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment)
        if done.returncode != 0:
            (kept / "merged" / "config.json").unlink(missing_ok=True)  # what did not pass is never served
            return None, done.returncode
    return kept / "merged", 0


def up_to_date(merged: Path, adapter: Path) -> bool:
    """Whether the merged weights are there and made after the adapter, which a resumed run writes again."""
    made = merged / "config.json"
    written = max((path.stat().st_mtime for path in adapter.glob("*.safetensors")), default=0.0)
    return made.is_file() and made.stat().st_mtime >= written


def serve(source: Source, folder: Path, port: int) -> int:
    """Run the server until it ends or Ctrl-C."""
    own = os.environ.get(KEY)
    key = own or secrets.token_urlsafe(24)
    try:
        with Server(folder, name=source.name, port=port, key=key) as server:
            if server.ready():
                shown = words().say("serve.own_key", variable=KEY) if own else key
                say(words().say("serve.ready", url=f"{server.url}/v1", model=source.name, key=shown))
            say(words().fault("serve.ended", code=server.wait()))
            return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.DONE
