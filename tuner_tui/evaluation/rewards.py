"""A reward is earned by what a program can check, never by how an answer reads; a check that fails earns nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from advisor.errors import InputError
from advisor.recipe import Check, RewardSpec
from tuner_tui.evaluation import scorers
from tuner_tui.evaluation.limit import at_most
from tuner_tui.evaluation.schema import check_schema, satisfies
from tuner_tui.evaluation.troubles import Troubles

NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")
SCHEMA_BYTES = 1 << 20


class Judge(Protocol):
    """(prompts, answers, references) -> rewards of 0..1, one an answer; `troubles`: those that could not be checked."""

    troubles: Troubles

    def __call__(self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[str]) -> list[float]: ...

    def close(self) -> None:
        """End whatever runs for it."""


def judge_of(spec: RewardSpec) -> Judge:
    """The judge that a recipe names; InputError when it names none that can be."""
    if spec.check is Check.PYTHON:
        from tuner_tui.evaluation.verdict import Verdicts

        return Verdicts(*_function(spec), timeout_s=spec.timeout_s)
    if spec.check is Check.JSON and spec.schema:
        return Checks(_schema(spec.schema), spec.timeout_s)
    if spec.check is Check.REGEX:
        return Checks(_pattern(spec), spec.timeout_s)
    known = {Check.EXACT: scorers.exact_match, Check.NUMERIC: numeric, Check.JSON: same_json}
    return Checks(known[spec.check], spec.timeout_s)


def rewards(
    spec: RewardSpec,
    prompts: Sequence[str],
    answers: Sequence[str],
    references: Sequence[str],
    tell: Callable[[Troubles], None] = lambda troubles: None,
) -> list[float]:
    """The rewards of some answers, whatever runs for them ended; InputError when the recipe names no way.

    `tell` hears of those that could not be checked.
    """
    judge = judge_of(spec)
    try:
        earned = judge(prompts, answers, references)
    finally:
        judge.close()
    if judge.troubles.any:
        tell(judge.troubles)
    return earned


class Checks:
    """Checks of our own, each within `limit_s`: a pattern or a schema can need forever for one odd answer."""

    def __init__(self, score: Callable[[str, str], float], limit_s: float) -> None:
        self._score, self._limit_s, self.troubles = score, limit_s, Troubles()

    def __call__(self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[str]) -> list[float]:
        """Rewards of 0..1, one an answer."""
        return [self._one(answer, reference) for answer, reference in zip(answers, references, strict=True)]

    def close(self) -> None:
        """Nothing runs."""

    def _one(self, answer: str, reference: str) -> float:
        self.troubles.asked += 1
        try:
            with at_most(self._limit_s):
                return self._score(answer, reference)
        except TimeoutError:
            self.troubles.failed("late", f"{self._limit_s:g} s")
        except Exception as error:  # a schema's own mistakes, such as a limit that is no number
            self.troubles.failed("raised", f"{type(error).__name__}: {error}")
        return 0.0


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
        with Path(file).expanduser().open("rb") as opened:
            text = opened.read(SCHEMA_BYTES + 1)
        if len(text) > SCHEMA_BYTES:
            raise InputError("training.schema_file", path=file, detail=f"> {SCHEMA_BYTES >> 20} MiB")
        schema = msgspec.json.decode(text)
        check_schema(schema)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise InputError("training.schema_file", path=file, detail=error) from None

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
