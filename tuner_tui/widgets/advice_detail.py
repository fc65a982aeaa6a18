"""An answer in full, or why a candidate was not it: every sentence comes from the advice, with its rule and source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tuner_tui.safe import clean
from tuner_tui.widgets.advice_panel import confidence
from tuner_tui.widgets.labels import Sayer, cut_to, short, spoken

Part = Content | tuple[str, str]

MARKS = {"recommended": ("*", "bold $primary"), "possible": ("+", "$success"), "vetoed": ("x", "$error")}


def answer(advice: Any, say: Sayer) -> Content:
    """The advised method: why, what to watch, what to do, what would change it."""
    sure = confidence(advice.confidence, say)
    parts: list[Part] = [
        (spoken(advice.label, say), "bold $primary"),
        (f"   {advice.label}\n", "$text-muted"),
        (f"{sure}\n", "$text-muted"),
        *_measures(next((each for each in advice.ranking if each.label == advice.label), None), say),
    ]
    return Content.assemble(*parts, *_for(advice, say))


def _for(advice: Any, say: Sayer) -> list[Part]:
    parts: list[Part] = _heading("advice.why", say)
    for at, reason in enumerate(advice.reasons):
        parts += [*_gap(at), *reason_parts(reason, say)]
    if advice.warnings:
        parts += _heading("advice.warnings", say)
        parts += [(f"! {clean(each.text, 600)}\n", "$warning") for each in advice.warnings]
    parts += _heading("advice.plan", say)
    parts += [(f"{number}. {clean(step, 600)}\n", "") for number, step in enumerate(advice.plan, 1)]
    if advice.flips:
        parts += _heading("advice.flips", say)
        for flip in advice.flips:
            parts += [(f"- {clean(flip.change, 300)}", ""), (f"  ->  {spoken(flip.label, say)}\n", "$accent")]
    return [*parts, *_sources(advice.reasons, say)]


def candidate(advice: Any, ranked: Any, say: Sayer, *, choose: bool = True) -> Content:
    """Another method: its verdict, what it needs, and the rules that decided against it."""
    mark, style = MARKS.get(str(ranked.verdict), ("", ""))
    parts: list[Part] = [
        (spoken(ranked.label, say), "bold"),
        (f"   {ranked.label}\n", "$text-muted"),
        (f"{mark} {say(f'advice.{ranked.verdict}')}\n", style),
        *_measures(ranked, say),
        *_against(advice, ranked, say),
    ]
    if choose:
        parts.append(("\n" + say("advice.choose", key="F5") + "\n", "$text-muted"))
    return Content.assemble(*parts, *_sources_against(advice, ranked, say))


def _against(advice: Any, ranked: Any, say: Sayer) -> list[Part]:
    parts: list[Part] = _heading("advice.vetoes" if str(ranked.verdict) == "vetoed" else "advice.against", say)
    words = {reason.rule: reason for reason in (*advice.reasons, *advice.against)}
    for at, rule in enumerate(ranked.rules):
        parts += [*_gap(at), *(reason_parts(words[rule], say) if rule in words else [(f"{rule}\n", "")])]
    if not ranked.rules:
        parts.append((say("advice.nothing_against") + "\n", "$text-muted"))
    return parts


def _sources_against(advice: Any, ranked: Any, say: Sayer) -> list[Part]:
    words = {reason.rule: reason for reason in (*advice.reasons, *advice.against)}
    return _sources((words[rule] for rule in ranked.rules if rule in words), say)


def reason_parts(reason: Any, say: Sayer) -> list[Part]:
    """A reason: what, how well it is founded, and whose work it rests on."""
    founded = say(f"advice.status.{reason.status}")
    works = "; ".join(clean(work.title, 120) for work in reason.sources) or clean(reason.source, 300)
    return [(f"- {clean(reason.text, 800)}\n", ""), (f"  {reason.rule} · {founded} · {works}\n", "$text-muted")]


def _sources(reasons: Iterable[Any], say: Sayer) -> list[Part]:
    """Where the works stand, each once."""
    works = {work.url: work.title for reason in reasons for work in reason.sources if work.url}
    lines = [(f"{clean(title, 120)}\n{clean(url, 300)}\n", "$text-muted") for url, title in works.items()]
    return [*_heading("advice.sources", say), *lines] if lines else []


def side(advice: Any, ranked: Any, say: Sayer) -> Content:
    """One half of a comparison: the same rows for every method, then what speaks for or against it."""
    mark, style = MARKS.get(str(ranked.verdict), ("", ""))
    memory, hours = ranked.memory_gb, ranked.hours
    values = {
        "verdict": (f"{mark} {say(f'advice.{ranked.verdict}')}", style),
        "points": (str(ranked.score), ""),
        "memory": (f"{memory.likely:.3g} GiB ({memory.low:.3g}-{memory.high:.3g})" if memory else "", "$secondary"),
        "time": (f"{hours.low:.2g}-{hours.high:.2g} h" if hours else "", ""),
    }
    heads = {name: say(f"compare.{name}") for name in values}
    wide = max(map(cell_len, heads.values())) + 2
    parts: list[Part] = []
    for name, (value, value_style) in values.items():
        head = heads[name] + " " * (wide - cell_len(heads[name]))
        shown = (value, value_style) if value else (say("compare.unknown"), "$text-muted")
        parts += [(head, "$text-muted"), shown, ("\n", "")]
    if ranked.label == advice.label:
        return Content.assemble(*parts, *_for(advice, say))
    return Content.assemble(*parts, *_against(advice, ranked, say), *_sources_against(advice, ranked, say))


def line(ranked: Any, width: int, say: Sayer, marked: bool = False) -> Content:
    """One row of the ranking, `width` cells: a sign for the verdict, the method, its memory at the right."""
    mark, style = MARKS.get(str(ranked.verdict), (" ", ""))
    memory = f" {ranked.memory_gb.likely:.3g} GiB" if ranked.memory_gb else ""
    dim = "$text-muted" if str(ranked.verdict) == "vetoed" else ""
    name = cut_to(short(ranked.label, say), max(8, width - 2 - len(memory)))
    return Content.assemble(
        (mark, style),
        (">" if marked else " ", "bold $accent"),
        (name, "bold" if marked else dim),
        (memory, "$text-muted"),
    )


def _measures(ranked: Any, say: Sayer) -> list[Part]:
    parts: list[Part] = []
    if ranked is not None and ranked.memory_gb is not None:
        memory = {name: f"{getattr(ranked.memory_gb, name):.3g}" for name in ("low", "likely", "high")}
        parts.append((say("advice.memory", **memory) + "\n", "$secondary"))
    if ranked is not None and ranked.hours is not None:
        parts.append((say("advice.hours", low=f"{ranked.hours.low:.2g}", high=f"{ranked.hours.high:.2g}") + "\n", ""))
    return parts


def _gap(at: int) -> list[Part]:
    """A blank line before each reason but the first."""
    return [("\n", "")] if at else []


def _heading(key: str, say: Sayer) -> list[Part]:
    return [(f"\n{say(key)}\n", "bold $primary")]
