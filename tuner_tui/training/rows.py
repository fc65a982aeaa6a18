"""A file is read row by row with its row number, so that every complaint can name the row."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError

Row = tuple[int, dict[str, Any]]
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
CELL_CHARS_MAX = 1 << 26
"""Of a table's cell, as the inspection reads it."""


def read_rows(path: Path) -> list[Row]:
    """All rows of a JSON, JSON lines, CSV, TSV or Parquet file, counted from 1; InputError names file and row."""
    if not path.exists():
        raise InputError("training.data_missing", path=path)
    if not path.is_file():
        raise InputError("training.data_not_file", path=path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError("training.data_suffix", path=path, allowed=", ".join(SUFFIXES))
    rows = list(_parquet(path)) if suffix == ".parquet" else list(_text_rows(path, suffix))
    if not rows:
        raise InputError("training.data_empty", path=path)
    return rows


def _text_rows(path: Path, suffix: str) -> Iterator[Row]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("training.data_encoding", path=path, byte=error.start) from None
    except OSError as error:
        raise InputError("training.data_unreadable", path=path, detail=error.strerror or str(error)) from None
    if suffix in (".csv", ".tsv"):
        return _table(text, "\t" if suffix == ".tsv" else ",")
    if text.lstrip().startswith("["):
        return _array(path, text)
    return _lines(path, text)


def _table(text: str, separator: str) -> Iterator[Row]:
    import csv
    import io

    csv.field_size_limit(CELL_CHARS_MAX)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    for number, row in enumerate(reader, 1):
        yield number, {key.strip(): value for key, value in row.items() if key is not None}


def _array(path: Path, text: str) -> Iterator[Row]:
    try:
        rows = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InputError("training.data_row", path=path, row=1, detail=error) from None
    for number, row in enumerate(rows, 1):
        yield number, _mapping(path, number, row)


def _lines(path: Path, text: str) -> Iterator[Row]:
    number = 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        number += 1
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise InputError("training.data_row", path=path, row=number, detail=error) from None
        yield number, _mapping(path, number, row)


def _mapping(path: Path, number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError("training.data_not_mapping", path=path, row=number, found=type(row).__name__)
    return row


def _parquet(path: Path) -> Iterator[Row]:
    lib: Any = importlib.import_module("pyarrow.lib")
    parquet: Any = importlib.import_module("pyarrow.parquet")

    try:
        rows = parquet.read_table(path).to_pylist()
    except (lib.ArrowException, OSError) as error:
        raise InputError("training.data_unreadable", path=path, detail=str(error).splitlines()[0]) from None
    yield from enumerate(rows, 1)
