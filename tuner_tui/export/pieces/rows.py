"""Reading the data file."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from tuner_tui.export.pieces.settings import COLUMNS, HERE


def read_rows(file: str) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a JSON, JSON lines, CSV, TSV or Parquet file with their numbers, counted from 1."""
    path = HERE / Path(file).expanduser()
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(path).to_pylist()
    else:
        text = path.read_bytes().decode("utf-8-sig")
        if suffix in (".csv", ".tsv"):
            table = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if suffix == ".tsv" else ",")
            rows = [{key: value for key, value in row.items() if key is not None} for row in table]
        elif text.lstrip().startswith("["):
            rows = json.loads(text)
        else:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    return [(number, with_our_names(row)) for number, row in enumerate(rows, 1)]


def with_our_names(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its columns under the names used here as well (COLUMNS: our name -> your column)."""
    return {**row, **{ours: row[theirs] for ours, theirs in COLUMNS.items() if theirs in row}}


class Unusable(ValueError):
    """A row that fits no known form; it is counted and left out."""


def filled(value: Any) -> str:
    """Text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise Unusable("text is missing")
    return value


def turns_of(value: Any) -> list[dict[str, str]]:
    """A conversation as role and content, from OpenAI's or ShareGPT's keys."""
    names = {"human": "user", "function": "tool", "observation": "tool"} | dict.fromkeys(
        ("gpt", "chatgpt", "bing", "bard", "model", "bot", "function_call"), "assistant"
    )
    if not isinstance(value, list) or not value or not all(isinstance(turn, dict) for turn in value):
        raise Unusable("not a list of turns")
    turns = []
    for turn in value:
        name = str(turn.get("role") or turn.get("from"))
        role = names.get(name, name)
        content = turn.get("content", turn.get("value"))
        if role not in ("system", "user", "assistant", "tool", "developer") or not isinstance(content, str):
            raise Unusable("a turn without role or text")
        turns.append({"role": role, "content": content})
    return turns


def answer_of(value: Any) -> str:
    """The text of an answer given as text, as one turn or as a conversation that ends with it."""
    if isinstance(value, list):
        return filled(turns_of(value)[-1]["content"])
    return filled(value.get("content") if isinstance(value, dict) else value)
