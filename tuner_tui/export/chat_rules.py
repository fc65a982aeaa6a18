"""The documented rules for rows of hosted tuning, each broken one named with its file and row.

Sources: OpenAI cookbook, Chat_finetuning_data_prep (names of the rules); OpenAI guides on supervised and preference
tuning; Microsoft's Azure OpenAI fine-tuning guide (byte-order mark, below 512 MB, at least 10 examples, two outputs).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

LEAST_ROWS = 10
MOST_BYTES = 512 * 2**20
KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "weight", "refusal"}
ROLES = {"system", "developer", "user", "assistant", "tool", "function"}
OUTPUT_ROLES = {"assistant", "tool"}
BOM = b"\xef\xbb\xbf"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule. `row` counts from 1; 0 means the whole file. `found` is what was there instead."""

    file: str
    row: int
    rule: str
    found: str = ""


def problems(path: Path, *, preference: bool, azure: bool = False, enough: bool = True) -> list[Problem]:
    """All broken rules of a file; `enough` asks for the least number of rows as well."""
    raw = path.read_bytes()
    found = [Problem(file=path.name, row=0, rule=rule, found=what) for rule, what in _whole(raw, azure)]
    rows = [line for line in raw.removeprefix(BOM).decode("utf-8").split("\n") if line.strip()]
    if enough and len(rows) < LEAST_ROWS:
        found.append(Problem(file=path.name, row=0, rule="too_few", found=str(len(rows))))
    for number, line in enumerate(rows, 1):
        broken = _preference(line) if preference else _chat(line)
        found += [Problem(file=path.name, row=number, rule=rule, found=what) for rule, what in broken]
    return found


Broken = Iterator[tuple[str, str]]


def _whole(raw: bytes, azure: bool) -> Broken:
    if azure != raw.startswith(BOM):
        yield ("no_bom" if azure else "bom"), ""
    if len(raw) >= MOST_BYTES:
        yield "too_large", str(len(raw))


def _chat(line: str) -> Broken:
    row = _object(line)
    if row is None:
        yield "data_type", line[:40]
        return
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "missing_messages_list", ", ".join(row)
        return
    for message in messages:
        yield from _message(message, ROLES)
    if not any(isinstance(message, dict) and message.get("role") == "assistant" for message in messages):
        yield "example_missing_assistant_message", ""


def _preference(line: str) -> Broken:
    row = _object(line)
    if row is None:
        yield "data_type", line[:40]
        return
    asked = row.get("input")
    messages = asked.get("messages") if isinstance(asked, dict) else None
    if not isinstance(messages, list) or not messages:
        yield "missing_messages_list", ", ".join(row)
        return
    for message in messages:
        yield from _message(message, ROLES)
    for name in ("preferred_output", "non_preferred_output"):
        output = row.get(name)
        if not isinstance(output, list) or not output:
            yield "missing_output", name
            continue
        for message in output:
            yield from _message(message, OUTPUT_ROLES)
        if not any(isinstance(message, dict) and message.get("role") == "assistant" for message in output):
            yield "example_missing_assistant_message", name


def _message(message: Any, roles: set[str]) -> Broken:
    if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
        yield "message_missing_key", str(message)[:40]
        return
    unknown = message.keys() - KEYS
    if unknown:
        yield "message_unrecognized_key", ", ".join(sorted(unknown))
    if message["role"] not in roles:
        yield "unrecognized_role", str(message["role"])
    calls = message.get("tool_calls") or message.get("function_call")
    if not calls and (not isinstance(message["content"], str) or not message["content"]):
        yield "missing_content", str(message["content"])[:40]
    if "weight" in message and (message["weight"] not in (0, 1) or message["role"] != "assistant"):
        yield "weight", str(message["weight"])


def _object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None
