"""Flips: what would change the answer, found by trying single changes of fact, never written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import structs

from advisor.advice import Flip
from advisor.candidates import NAMES
from advisor.case import Case
from advisor.facts import Access, BaseSuccess, Changes, Facts, Goal, Gpu, Kind, Latency, Privacy, Tried
from advisor.rules import RULES
from advisor.tally import Tally, repack, winner_of
from advisor.words import Words

MOST = 12

_VRAM = (6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 40.0, 48.0, 80.0, 141.0)
_COUNTS: dict[str, tuple[int, ...]] = {
    "documents": (0, 100),
    "instruction_pairs": (0, 10, 50, 100, 200, 500, 1000, 5000, 20_000, 100_000),
    "preference_pairs": (0, 100, 1000, 10_000, 30_000),
    "binary_feedback": (0, 100, 1000, 10_000),
    "verifiable_rewards": (0, 10, 100, 1000),
    "unlabeled_inputs": (0, 1000, 10_000),
}
_PARAMS = (0.5, 1.0, 3.0, 8.0, 14.0, 32.0, 70.0)
_TOKENS = (10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000)
_TRIED = (Tried.UNTRIED, Tried.WORKS, Tried.WORKS_BUT_COSTLY, Tried.INSUFFICIENT)
_TASKS = (1, 2, 100)


class Change(NamedTuple):
    """One fact changed: its path, the new value as people say it, the changed facts, and whether it was unknown."""

    path: str
    value: Any
    facts: Facts
    unknown: bool


_READERS: dict[str, tuple[int, ...]] = {}


def _asked(path: str) -> tuple[int, ...]:
    """The rules that read a fact, by position."""
    if path not in _READERS:
        _READERS[path] = tuple(at for at, rule in enumerate(RULES) if path in rule.reads)
    return _READERS[path]


def search(case: Case, result: Tally, say: Words) -> list[Flip]:
    """The nearest change of each fact, in each direction, after which another label wins; unknown facts first."""
    found: list[Flip] = []
    for walk in _walks(case.facts):
        for change in walk:
            packed = repack(result, Case(change.facts), _asked(change.path))
            if packed == result.packed:
                continue
            winner = winner_of(packed)
            if winner != result.winner:
                found.append(_flip(case.facts, change, NAMES[winner], say))
                break
    found.sort(key=lambda flip: not flip.unknown)
    return _without_repeats(found)[:MOST]


def _without_repeats(flips: list[Flip]) -> list[Flip]:
    seen: set[tuple[str, str]] = set()
    kept = []
    for flip in flips:
        key = (flip.fact, flip.label)
        if key not in seen:
            kept.append(flip)
            seen.add(key)
    return kept


def _walks(facts: Facts) -> Iterator[Iterable[Change]]:
    """Series of ever larger changes of one fact in one direction; the first that flips is the smallest."""
    yield from _hardware(facts)
    yield from _data(facts)
    yield from _numbers(facts, "model", "params_b", _near(facts.model.params_b))
    yield from _numbers(facts, "knowledge", "corpus_tokens", _TOKENS)
    yield from _numbers(facts, "constraints", "n_tasks", _TASKS)
    for section, key, options in _CHOICES:
        yield from _choices(facts, section, key, options)
    yield from _goals(facts)


_CHOICES: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("history", "prompting", _TRIED),
    ("history", "rag", _TRIED),
    ("history", "sft", _TRIED),
    ("history", "base_success", tuple(BaseSuccess)),
    ("history", "teacher", (True, False)),
    ("knowledge", "changes", tuple(Changes)),
    ("knowledge", "needs_citations", (True, False)),
    ("knowledge", "fits_in_context", (True, False)),
    ("model", "access", tuple(Access)),
    ("model", "kind", tuple(Kind)),
    ("constraints", "latency", tuple(Latency)),
    ("constraints", "privacy", tuple(Privacy)),
    ("constraints", "keep_general_ability", (True, False)),
)


def _set(facts: Facts, section: str, key: str, value: Any) -> Facts:
    part = structs.replace(getattr(facts, section), **{key: value})
    return structs.replace(facts, **{section: part})


def _steps(now: float | None, ladder: tuple[Any, ...]) -> list[list[Any]]:
    """The rungs above `now` going up, and those below going down; all of them going up when `now` is unknown."""
    if now is None:
        return [[rung] for rung in ladder]
    return [[rung for rung in ladder if rung > now], [rung for rung in reversed(ladder) if rung < now]]


def _near(params_b: float | None) -> tuple[float, ...]:
    """The sizes of model that are a small change: one rung up and two down (each new size costs twenty estimates)."""
    if params_b is None:
        return _PARAMS
    below = [rung for rung in _PARAMS if rung < params_b]
    above = [rung for rung in _PARAMS if rung > params_b]
    return (*below[-2:], *above[:1])


def _numbers(facts: Facts, section: str, key: str, ladder: tuple[Any, ...]) -> Iterator[Iterable[Change]]:
    now = getattr(getattr(facts, section), key)
    for rungs in _steps(now, ladder):
        yield (Change(f"{section}.{key}", rung, _set(facts, section, key, rung), now is None) for rung in rungs)


def _data(facts: Facts) -> Iterator[Iterable[Change]]:
    for key, ladder in _COUNTS.items():
        yield from _numbers(facts, "data", key, ladder)


def _choices(facts: Facts, section: str, key: str, options: tuple[Any, ...]) -> Iterator[Iterable[Change]]:
    now = getattr(getattr(facts, section), key)
    for option in options:
        if option != now:
            yield [Change(f"{section}.{key}", option, _set(facts, section, key, option), now is None)]


def _goals(facts: Facts) -> Iterator[Iterable[Change]]:
    for goal in Goal:
        present = goal in facts.goals
        goals = [other for other in facts.goals if other != goal] if present else [*facts.goals, goal]
        if goals:
            yield [Change("goals", f"-{goal}" if present else f"+{goal}", structs.replace(facts, goals=goals), False)]


def _hardware(facts: Facts) -> Iterator[Iterable[Change]]:
    if facts.model.access != Access.OPEN and facts.hardware.gpus:
        return
    gpus = facts.hardware.gpus
    path = "hardware.gpus"
    if not gpus:
        rungs = [(_machine(facts, [Gpu(vram_gb=size)]), size) for size in _VRAM]
        yield (Change(path, f"1x{size:g}", changed, gpus is None) for changed, size in rungs)
        return
    known = [gpu.vram_gb for gpu in gpus]
    now = None if None in known else min(size for size in known if size is not None)
    for sizes in _steps(now, _VRAM):
        yield (Change(path, f"{len(gpus)}x{size:g}", _resized(facts, gpus, size), now is None) for size in sizes)
    if now is not None:
        counts = [count for count in (2, 4, 8) if count > len(gpus)]
        yield (Change(path, f"{count}x{now:g}", _machine(facts, [gpus[0]] * count), False) for count in counts)


def _resized(facts: Facts, gpus: list[Gpu], size: float) -> Facts:
    return _machine(facts, [Gpu(name=None, vram_gb=size)] * len(gpus))


def _machine(facts: Facts, gpus: list[Gpu]) -> Facts:
    return structs.replace(facts, hardware=structs.replace(facts.hardware, gpus=gpus))


def _flip(facts: Facts, change: Change, after: str, say: Words) -> Flip:
    value = change.value if isinstance(change.value, bool | int | float) else str(change.value)
    text = _goal_text(change, say) if change.path == "goals" else _fact_text(facts, change, say)
    return Flip(change=text, label=after, fact=change.path, value=value, unknown=change.unknown)


def _fact_text(facts: Facts, change: Change, say: Words) -> str:
    fact, value = say.say(f"fact.{change.path}"), value_text(change.path, change.value, say)
    if change.unknown:
        return say.say("flip.unknown", fact=fact, value=value)
    now = value_text(change.path, _now(facts, change.path), say)
    return say.say("flip.known", fact=fact, value=value, now=now)


def _goal_text(change: Change, say: Words) -> str:
    goal = say.say(f"value.{change.value[1:]}")
    return say.say("flip.goal_added" if change.value[0] == "+" else "flip.goal_removed", goal=goal)


def _now(facts: Facts, path: str) -> Any:
    if path == "hardware.gpus":
        return gpus_value(facts.hardware.gpus)
    section, key = path.split(".")
    return getattr(getattr(facts, section), key)


def gpus_value(gpus: list[Gpu] | None) -> str | None:
    """The machine in short: `2x24` (count x GB of the smallest), `0` without GPUs, None when unknown."""
    if gpus is None:
        return None
    sizes = [gpu.vram_gb for gpu in gpus if gpu.vram_gb is not None]
    return f"{len(gpus)}x{min(sizes):g}" if sizes else ("?" if gpus else "0")


def value_text(path: str, value: Any, say: Words) -> str:
    """A fact's value in words."""
    if value is None:
        return say.say("value.some" if path.startswith("data.") else "value.unknown")
    if path == "hardware.gpus":
        if value in ("0", "?"):
            return say.say("value.no_gpu" if value == "0" else "value.unknown")
        count, _, size = str(value).partition("x")
        return say.say("value.gpus", count=count, size=size)
    if isinstance(value, bool):
        return say.say("value.yes" if value else "value.no")
    if path == "model.params_b":
        return say.say("value.billions", count=f"{value:g}")
    if isinstance(value, int | float):
        return f"{value:,}"
    return say.say("value.some_success" if value == BaseSuccess.SOME else f"value.{value}")
