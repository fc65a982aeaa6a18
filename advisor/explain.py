"""Explain: every word said about an answer comes from a rule that fired, with the facts that it read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter, sub
from typing import Any

import msgspec

from advisor.advice import Hours, MemoryGb, Ranked, Reason, Verdict, Work
from advisor.candidates import LABELS, NAMES
from advisor.case import Case
from advisor.rules import RULES, Rule
from advisor.rules.fit import needs
from advisor.tally import BARRED, SIZE, VETO, Tally
from advisor.timing import hours_of
from advisor.words import Words

MOST_REASONS = 8
VETO_WEIGHT = 40
"""What a veto counts when reasons are sorted: as much as the strongest votes."""

_READERS = {path: attrgetter(path) for rule in RULES for path in rule.reads}


def rivals(result: Tally) -> list[int]:
    """The answers that the winner must be better than: the best of each other approach, objective and technique.

    What only memory rules out counts by its votes, so that "it does not fit" can be the reason; what other rules rule
    out comes last, and so is a rival only where its whole approach is ruled out.
    """
    best: dict[object, int] = {}
    won = LABELS[result.winner]
    for at in sorted(range(SIZE), key=lambda at: -_without_memory(result, at)):
        label = LABELS[at]
        if label.approach != won.approach:
            best.setdefault(label.approach, at)
        elif label.stages != won.stages:
            best.setdefault("stages", at)
        elif label.technique != won.technique:
            best.setdefault("technique", at)
    return list(best.values())


_FITS = tuple(at for at, rule in enumerate(RULES) if rule.id.startswith("FIT"))


def _without_memory(result: Tally, at: int) -> int:
    total = result.totals[at]
    if total > BARRED:
        return total
    return total - VETO * sum(1 for rule in _FITS if result.rows[rule].points[at] <= BARRED)


def merit(total: int) -> int:
    """A sum of points without its vetoes."""
    return total if total > BARRED else total - round(total / VETO) * VETO


def weights(result: Tally) -> dict[int, int]:
    """By rule position: points by which each rule favours the winner over its rivals on average."""
    others, won = rivals(result), result.winner
    found: dict[int, int] = {}
    for at, row in enumerate(result.rows):
        if result.outcomes[at] is None:
            continue
        mine = row.points[won]
        total = sum(min(VETO_WEIGHT, mine - row.points[other]) for other in others)
        found[at] = round(total / max(len(others), 1))
    return found


def reasons(case: Case, result: Tally, say: Words) -> list[Reason]:
    """Why the winner: the rules that favour it, the weightiest first. A rule without a known fact is none."""
    weighed = [(weight, at) for at, weight in weights(result).items() if weight > 0]
    weighed.sort(key=lambda pair: (-pair[0], pair[1]))
    founded = [(weight, at) for weight, at in weighed if not RULES[at].reads or evidence(case, RULES[at])]
    return [reason(case, result, at, weight, say) for weight, at in (founded or weighed)[:MOST_REASONS]]


def reason(case: Case, result: Tally, at: int, weight: int, say: Words) -> Reason:
    """One rule that fired, in words with this case's numbers."""
    rule, outcome = RULES[at], result.outcomes[at]
    assert outcome is not None
    return Reason(
        rule=rule.id,
        text=rule_text(rule, say, outcome.params),
        source=rule.source,
        evidence=evidence(case, rule),
        name=say.say(f"rule.{rule.id}.name"),
        status=rule.status.value,
        weight=weight,
        sources=[Work(title=title, url=url) for title, url in rule.sources],
    )


def rule_text(rule: Rule, say: Words, params: Any) -> str:
    """A rule's words, filled with its published figures and the case's numbers."""
    filled = {**rule.figures, **params}
    return say.say(f"rule.{rule.id}.text", **{key: in_words(value, say) for key, value in filled.items()})


def in_words(value: object, say: Words) -> str:
    """A fact's value by its words, a list of keys of words as the words, a number as people write it."""
    if isinstance(value, StrEnum):
        return say.say(f"value.{value}")
    return ", ".join(map(say.say, value)) if isinstance(value, tuple) else number(value)


def number(value: object) -> str:
    """A number as people write it in both languages: thousands separated, no needless zeros."""
    if value is None:
        return "?"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def evidence(case: Case, rule: Rule) -> dict[str, Any]:
    """The facts that a rule read, where they are known (a data kind of unknown number is `null`: some)."""
    found = {}
    for path in rule.reads:
        value = _READERS[path](case.facts)
        if value is not None or path.startswith("data."):
            found[path] = msgspec.to_builtins(value)
    return found


def ranking(case: Case, result: Tally, for_winner: list[str]) -> tuple[list[Ranked], list[int]]:
    """Every candidate in order, and the positions of the rules named against any of them."""
    won, fired = result.winner, [at for at, outcome in enumerate(result.outcomes) if outcome is not None]
    columns = list(zip(*(result.rows[at].points for at in fired), strict=True))
    ids, mine, memory = [RULES[at].id for at in fired], columns[won], memory_of(case)
    hours = hours_of(case) or _NO_HOURS
    ranked, named = [], set[int]()
    for at in result.order():
        total = result.totals[at]
        decisive = [] if at == won else _decisive(columns[at], mine, total <= BARRED)
        named.update(decisive)
        ranked.append(
            Ranked(
                label=NAMES[at],
                verdict=_verdict(at == won, total),
                score=merit(total),
                memory_gb=memory[at],
                hours=hours[at] if total > BARRED else None,
                rules=for_winner if at == won else [ids[index] for index in decisive],
            )
        )
    return ranked, sorted(fired[index] for index in named)


def _verdict(won: bool, total: int) -> Verdict:
    if won:
        return Verdict.RECOMMENDED
    return Verdict.VETOED if total <= BARRED else Verdict.POSSIBLE


def _decisive(column: tuple[int, ...], mine: tuple[int, ...], barred: bool) -> list[int]:
    """What spoke against a candidate: all vetoes, else the rule that cost it most against the winner."""
    if barred:
        return [index for index, points in enumerate(column) if points <= BARRED]
    behind = list(map(sub, column, mine))
    least = min(behind)
    return [behind.index(least)] if least < 0 else []


_NO_MEMORY: tuple[MemoryGb | None, ...] = (None,) * SIZE
_NO_HOURS: tuple[Hours | None, ...] = (None,) * SIZE


def memory_of(case: Case) -> tuple[MemoryGb | None, ...]:
    """By candidate, GiB per GPU with all the machine's GPUs (one where the machine is unknown or has none)."""
    if case.params_b is None:
        return _NO_MEMORY
    return _memory(case.params_b, len(case.gpus) if case.gpus else 1)


@lru_cache(maxsize=256)
def _memory(params_b: float, n_gpus: int) -> tuple[MemoryGb | None, ...]:
    found: dict[int, MemoryGb] = {}
    for need in needs(params_b, n_gpus):
        if need is not None and id(need) not in found:
            found[id(need)] = MemoryGb(low=round(need.low, 2), likely=round(need.likely, 2), high=round(need.high, 2))
    return tuple(found[id(need)] if need is not None else None for need in needs(params_b, n_gpus))


def against(case: Case, result: Tally, named: Iterable[int], say: Words) -> list[Reason]:
    """The words of the rules that `ranking` names against candidates."""
    return [reason(case, result, at, 0, say) for at in named]
