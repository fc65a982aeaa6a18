"""A problem in words, in any language at any time: what it needs beside the problem is kept with the inspection."""

from __future__ import annotations

from tuner_tui.inspect.report import Inspection, Problem
from tuner_tui.words import words

SHOWN_ROWS = 5


def told(found: Inspection, problem: Problem, lang: str | None) -> str:
    """The first rows and the remedy; of what was counted in a sample, that it was."""
    code, say = problem.code, words(lang).say
    rows, detail = named(problem.rows, problem.count), found.details.get(code, "")
    text = say(f"inspect.problem.{code}", count=problem.count, rows=rows, detail=detail)
    looked = found.looked.get(code)
    return text if looked is None else f"{text} {say('inspect.problem.of_sample', looked=looked)}"


def named(rows: list[int], count: int) -> str:
    """The first rows, and whether there are more."""
    shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
    return f"{shown}, …" if count > SHOWN_ROWS else shown
