"""A data file that cannot be trained on is refused before anything starts, with the row that says why."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.methods import Objective

Row = dict[str, Any]
Shape = tuple[tuple[str, ...], ...]

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
SNIPPET = 60

_TURNS = ("messages", "conversations")
_PAIRS: Shape = (
    ("messages",),
    ("conversations",),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("question", "answer"),
)
_ASKED: Shape = (("messages",), ("prompt",), ("instruction",), ("question",))
_SHAPES: dict[Objective, Shape] = {
    Objective.SFT: (*_PAIRS, ("prompt", "chosen"), ("prompt", "answer")),
    Objective.DOMAIN_QA: _PAIRS,
    Objective.STYLE: _PAIRS,
    Objective.REFUSAL: _PAIRS,
    Objective.DISTILL: _ASKED,
    Objective.DPO: (("chosen", "rejected"),),
    Objective.ORPO: (("chosen", "rejected"),),
    Objective.KTO: (("prompt", "completion", "label"), ("chosen", "rejected")),
    Objective.RLHF_PPO: (("chosen", "rejected"),),
    Objective.GRPO: (("prompt", "answer"), ("prompt", "completion"), ("question", "answer")),
    Objective.CPT: (("text",),),
}


def check_rows(path: Path, objective: Objective, mapping: dict[str, str], key: str) -> int:
    """How many rows the file has; InputError names file and row when one cannot be used.

    `mapping` is our field name -> the file's column, `key` the recipe's key that named the file. Blank answers are
    left to the training, which drops them and says so. Parquet is left to the training too.
    """
    check_file(path, key)
    if path.suffix.lower() == ".parquet":
        return 1
    shape = _SHAPES.get(objective)
    count = 0
    for number, line, row in _rows(path):
        count += 1
        if shape is not None:
            _check_shape(path, number, line, row, shape, mapping)
    if not count:
        raise InputError("runs.data.empty", path=str(path), key=key)
    return count


def check_answered(path: Path, mapping: dict[str, str]) -> None:
    """InputError where rows have no answer, and no teacher is named who gives one (distillation)."""
    if path.suffix.lower() == ".parquet":
        return
    blank = [number for number, _, row in _rows(path) if _fitting(row, _SHAPES[Objective.SFT], mapping) is None]
    if blank:
        raise InputError("training.no_teacher", count=len(blank), row=blank[0])


def check_file(path: Path, key: str) -> None:
    """InputError unless the path is a readable, not empty file of a known kind."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError("runs.data.missing", path=str(path), key=key) from None
    except OSError as error:
        raise InputError("runs.data.unreadable", path=str(path), key=key, detail=error.strerror or str(error)) from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError("runs.data.not_a_file", path=str(path), key=key)
    if not os.access(path, os.R_OK):
        raise InputError("runs.data.unreadable", path=str(path), key=key, detail=os.strerror(13))
    if path.suffix.lower() not in SUFFIXES:
        raise InputError("runs.data.suffix", path=str(path), key=key, allowed=", ".join(SUFFIXES))
    if status.st_size == 0:
        raise InputError("runs.data.empty", path=str(path), key=key)


def _rows(path: Path) -> Iterator[tuple[int, int | None, Row]]:
    """Row number from 1 (blank lines do not count), line number where rows are lines, and the row."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _table(path, "\t" if suffix == ".tsv" else ",")
    with path.open("rb") as file:
        head = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"PK", b"\x1f\x8b")) or b"\0" in head:
        raise InputError("runs.data.not_text", path=str(path))
    return _array(path) if head.startswith(b"[") else _lines(path)


def _lines(path: Path) -> Iterator[tuple[int, int | None, Row]]:
    number = 0
    with path.open("rb") as file:
        for line, raw in enumerate(file, 1):
            if line == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if raw.strip():
                number += 1
                yield number, line, _mapping(path, number, line, _decode(path, number, line, raw))


def _array(path: Path) -> Iterator[tuple[int, int | None, Row]]:
    try:
        rows = msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InputError("runs.data.array", path=str(path), detail=str(error)) from None
    for number, row in enumerate(rows, 1):
        yield number, None, _mapping(path, number, None, row)


def _table(path: Path, separator: str) -> Iterator[tuple[int, int | None, Row]]:
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file, delimiter=separator), 1):
                yield number, None, {name: value for name, value in row.items() if name is not None}
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("runs.data.array", path=str(path), detail=str(error)) from None


def _decode(path: Path, number: int, line: int, raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        from tuner_tui.safe import clean

        snippet = clean(raw.decode(errors="replace").strip(), SNIPPET)
        raise InputError(
            "runs.data.row_syntax", path=str(path), row=number, line=line, detail=str(error), snippet=snippet
        ) from None


def _mapping(path: Path, number: int, line: int | None, row: Any) -> Row:
    if not isinstance(row, dict):
        raise InputError("runs.data.row_not_object", path=str(path), row=_place(number, line), found=_kind(row))
    return row


def _check_shape(path: Path, number: int, line: int | None, row: Row, shape: Shape, mapping: dict[str, str]) -> None:
    fits = _fitting(row, shape, mapping)
    if fits is None:
        from tuner_tui.safe import clean

        found = clean(", ".join(map(str, row)), 120) or "-"
        wanted = " | ".join(" + ".join(names) for names in shape)
        raise InputError("runs.data.row_keys", path=str(path), row=_place(number, line), found=found, wanted=wanted)
    for name in fits:
        if name == "label":
            continue
        theirs = mapping.get(name, name)
        value = row.get(theirs, row.get(name))
        wanted_kind = list if name in _TURNS else (str, list, dict, type(None))
        if not isinstance(value, wanted_kind):
            raise InputError(
                "runs.data.row_value", path=str(path), row=_place(number, line), key=theirs, found=_kind(value)
            )


def _fitting(row: Row, shape: Shape, mapping: dict[str, str]) -> tuple[str, ...] | None:
    """The first group of fields that the row has all of."""
    has = row.keys() | {ours for ours, theirs in mapping.items() if theirs in row}
    return next((names for names in shape if has.issuperset(names)), None)


def _place(number: int, line: int | None) -> str:
    return str(number) if line in (None, number) else f"{number} (:{line})"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true/false"
    named: Iterable[tuple[Any, str]] = (((int, float), "number"), (str, "text"), (list, "list"), (dict, "object"))
    return next((word for kind, word in named if isinstance(value, kind)), "null")
