"""A reward is earned by what a program can check, never by how an answer reads; a check that fails earns nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Check, RewardSpec
from tuner_tui.evaluation import scorers
from tuner_tui.evaluation.schema import check_schema, satisfies

NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")
Judge = Callable[[Sequence[str], Sequence[str], Sequence[str]], list[float]]


def judge_of(spec: RewardSpec) -> Judge:
    """(prompts, answers, references) -> rewards of 0..1, one an answer; InputError when the recipe names no way."""
    if spec.check is Check.PYTHON:
        from tuner_tui.evaluation.verdict import Verdicts

        return Verdicts(*_function(spec), timeout_s=spec.timeout_s)
    if spec.check is Check.JSON and spec.schema:
        return _each(_schema(spec.schema))
    if spec.check is Check.REGEX:
        return _each(_pattern(spec))
    return _each({Check.EXACT: scorers.exact_match, Check.NUMERIC: numeric, Check.JSON: same_json}[spec.check])


def rewards(spec: RewardSpec, prompts: Sequence[str], answers: Sequence[str], references: Sequence[str]) -> list[float]:
    """The rewards of some answers, whatever runs for them ended; InputError when the recipe names no way."""
    judge = judge_of(spec)
    try:
        return judge(prompts, answers, references)
    finally:
        close = getattr(judge, "close", None)
        if close is not None:
            close()


def _each(score: Callable[[str, str], float]) -> Judge:
    def judge(prompts: Sequence[str], answers: Sequence[str], references: Sequence[str]) -> list[float]:
        return [score(answer, reference) for answer, reference in zip(answers, references, strict=True)]

    return judge


def _pattern(spec: RewardSpec) -> Callable[[str, str], float]:
    if not spec.pattern:
        raise InputError("training.reward_pattern")
    try:
        wanted = re.compile(spec.pattern, re.MULTILINE)
    except re.error as error:
        raise InputError("training.reward_regex", pattern=spec.pattern, detail=error) from None
    return lambda answer, _: float(wanted.search(answer) is not None)


def _schema(file: str) -> Callable[[str, str], float]:
    """1 when an answer is JSON of the schema in `file`."""
    try:
        schema = msgspec.json.decode(Path(file).expanduser().read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise InputError("training.schema_file", path=file, detail=error) from None
    check_schema(schema)

    def check(answer: str, _: str) -> float:
        value = _json(answer)
        return float(value is not _NOT_JSON and satisfies(value, schema))

    return check


def _function(spec: RewardSpec) -> tuple[Path, str]:
    file, colon, name = (spec.python or "").rpartition(":")
    path = Path(file).expanduser()
    if not colon or not name.isidentifier() or not path.is_file():
        raise InputError("training.reward_python", value=spec.python or "")
    return path.absolute(), name


def number_in(text: str) -> float | None:
    """The last number that a text names, thousands separators allowed; None when it names none."""
    found = NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def numeric(answer: str, reference: str) -> float:
    """1 when the answer's last number equals the reference's within one part in a million (GSM8K's convention)."""
    got, wanted = number_in(answer), number_in(reference)
    if got is None or wanted is None:
        return 0.0
    return float(abs(got - wanted) <= 1e-6 * max(1.0, abs(wanted)))


def same_json(answer: str, reference: str) -> float:
    """1 when both are JSON and mean the same; key order and spacing do not count."""
    got, wanted = _json(answer), _json(reference)
    return float(got is not _NOT_JSON and got == wanted)


_NOT_JSON: Any = object()


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.strip())
    except msgspec.DecodeError:
        return _NOT_JSON
