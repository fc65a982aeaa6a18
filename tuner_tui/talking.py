"""A conversation with a child process: one question, all its answers; the child ends with the conversation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import structs

from advisor.recipe import Recipe
from tuner_tui import paths
from tuner_tui.bakeoff import Failed, failure_code
from tuner_tui.safe import clean


class Talking:
    """Base and tuned weights of a recipe, loaded in a child; Failed when it cannot begin or is gone."""

    def __init__(self, recipe: Recipe, tuned: str | None) -> None:
        self._recipe, self._tuned = recipe, tuned

    def __enter__(self) -> Self:
        home = paths.home() / "compare"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=home)
        self._log = Path(self._folder.name) / "log"
        request = Path(self._folder.name) / "request.json"
        asked = {
            "recipe": msgspec.to_builtins(structs.replace(self._recipe, facts=None)),
            "tuned": self._tuned,
        }
        request.write_bytes(msgspec.json.encode(asked))
        command = [sys.executable, "-P", "-m", "tuner_tui.evaluation.chat", str(request)]
        with self._log.open("wb") as errors:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        try:
            begun = self._until("ready")
            self.columns: list[str] = begun[-1]["columns"]
            self.skipped = [clean(str(each["text"]), 600) for each in begun if each["t"] == "skipped"]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.terminate()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()

    def ask(self, question: str) -> dict[str, Any]:
        """`{question, answers{column: text}, cites{column: passage}, passages[{cited, text}], error}`.

        `cites` has the columns with documents, None: it rests on no passage; `error` is None if all is well.
        """
        self._send({"question": question})
        events = self._until("done")
        return {
            "question": question,
            "answers": {each["column"]: each["text"] for each in events if each["t"] == "answer"},
            "cites": {each["column"]: each["cites"] for each in events if each["t"] == "answer" and "cites" in each},
            "passages": next((each["passages"] for each in events if each["t"] == "passages"), []),
            "error": next((clean(each["text"], 2000) for each in events if each["t"] == "error"), None),
        }

    def forget(self) -> None:
        """Begin a new conversation."""
        self._send({"new": True})
        self._until("done")

    def _send(self, asked: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(msgspec.json.encode(asked) + b"\n")
            self._child.stdin.flush()
        except OSError:
            raise self._gone("") from None

    def _until(self, last: str) -> list[dict[str, Any]]:
        """Events up to the one named `last`, whatever else the child prints."""
        assert self._child.stdout is not None
        events: list[dict[str, Any]] = []
        for line in self._child.stdout:
            try:
                event = msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue
            if isinstance(event, dict) and "t" in event:
                events.append(event)
                if event["t"] == last:
                    return events
        raise self._gone(next((str(each["text"]) for each in events if each["t"] == "error"), ""))

    def _gone(self, said: str) -> Failed:
        code = self._child.wait()
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return Failed(failure_code(code), clean(said or (lines[-1] if lines else "?"), 2000))
