"""An export is called good only by checks that ran; what a target cannot express is listed, never dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from advisor.words import Words
from tuner_tui.export.place import Place
from tuner_tui.export.source import Source


class Refused(Exception):
    """What was asked for cannot be done here, though nothing is wrong with it; `code` as in InputError."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried with the export, in words, with what was found."""

    id: str
    passed: bool
    text: str
    value: Any = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a target's module returns. `unexpressed`: keys of the recipe the target has no word for, and why."""

    checks: list[Check]
    notes: list[str] = []
    unexpressed: dict[str, str] = {}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a target's module works with."""

    source: Source
    place: Place
    words: Words

    def say(self, key: str, /, **params: Any) -> str:
        """Words of the export, in the user's language."""
        return self.words.say(f"export.{key}", **params)

    def check(self, name: str, passed: bool, value: Any = None, **params: Any) -> Check:
        """A check with the words `export.check.NAME_yes` or `_no`."""
        text = self.say(f"check.{name}_{'yes' if passed else 'no'}", **params)
        return Check(id=name, passed=passed, text=text, value=value)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the export."""

    path: str
    bytes: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What `tuner export --json` prints. `success`: every check passed."""

    target: str
    source: str
    out: str
    success: bool
    files: list[Written]
    checks: list[Check]
    notes: list[str]
    unexpressed: dict[str, str]


def document(target: str, source: Source, out: Path, files: list[Path], outcome: Outcome) -> Document:
    """The document of one finished export."""
    return Document(
        target=target,
        source=source.run.id if source.run else str(source.path),
        out=str(out),
        success=all(check.passed for check in outcome.checks),
        files=[Written(path=str(path), bytes=path.stat().st_size) for path in files],
        checks=outcome.checks,
        notes=outcome.notes,
        unexpressed=outcome.unexpressed,
    )
