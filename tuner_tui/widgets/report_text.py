"""What a report claims, in the words of the present language; a report is foreign, so every part may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from tuner_tui.runs.progress import duration
from tuner_tui.safe import clean
from tuner_tui.widgets.hanging import Row
from tuner_tui.widgets.labels import Sayer, spoken
from tuner_tui.widgets.score_panel import number, part
from tuner_tui.words import words

GIB = 1 << 30


def checks(report: dict[str, Any], lang: str, *, failed_only: bool = False) -> list[Row]:
    """One row a condition of success."""
    told = words(lang)
    found = report.get("checks")
    listed = [check for check in found if isinstance(check, dict)] if isinstance(found, list) else []
    rows = []
    for check in listed:
        passed = check.get("passed") is True
        if passed and failed_only:
            continue
        word = told.say("results.passed" if passed else "results.failed")
        label = Content.styled(f"{word}  ", "$success" if passed else "bold $error")
        rows.append((label, Content(_check(report, check, lang))))
    return rows


def _check(report: dict[str, Any], check: dict[str, Any], lang: str) -> str:
    """Our words where we know the check, so that they follow the language; else the report's own."""
    passed, name = check.get("passed") is True, str(check.get("id"))
    values = {key: number(value) for key, value in part(check, "value").items()}
    key = f"training.check.{name}_{'yes' if passed else 'no'}"
    if name == "score":
        ceiling = (values.get("before") or 0) >= 1 and part(report, "after").get("metric") != "loss"
        key = "training.check." + ("rose" if passed else "ceiling" if ceiling else "did_not_rise")
    metric = clean(part(report, "after").get("metric") or "?", 40)
    counts = {
        key: int(value) if value == int(value) and name != "score" else value
        for key, value in values.items()
        if value is not None
    }
    told = words(lang)
    try:
        return told.say(key, metric=told.metric(metric), **counts)
    except (KeyError, ValueError):
        return clean(check.get("text") or name, 300)


def facts(report: dict[str, Any], lang: str, *, brief: bool = False) -> Content:
    """The run in figures, each with its origin; `brief` names one that all share once, at the end."""
    say = words(lang).say
    peak, origins = part(report, "peak"), part(report, "numbers")
    held = number(peak.get("bytes"))
    seconds, tokens, steps = (number(report.get(name)) for name in ("seconds", "tokens", "steps"))
    rows = [
        ("steps", None if steps is None else f"{steps:,.0f}"),
        ("seconds", None if seconds is None else duration(seconds)),
        ("tokens", None if tokens is None else f"{tokens:,.0f}"),
        ("peak", None if held is None else f"{held / GIB:.2f} GiB"),
    ]
    parts: list[tuple[str, str]] = [(spoken(clean(report.get("label", "?"), 60), say) + "\n", "bold")]
    told = {name: _origin(origins, name, say) for name, _ in rows}
    shared = brief and len(set(told.values())) == 1
    for name, value in rows:
        origin = "" if shared else f" ({told[name]})"
        shown = f"{value}{origin}" if value is not None else say("results.unknown")
        parts += [(f"{say(f'results.{name}')} ", "$text-muted"), (f"{shown}\n", "")]
    parts += [(f"{say('results.all_of_it', origin=told['steps'])}\n", "$text-muted")] if shared else []
    source = f"memory.by_{peak.get('source')}"
    if words(lang).has(source):
        parts.append((say("results.peak_by", source=say(source)), "$text-muted"))
    return Content.assemble(*parts)


def _origin(origins: Mapping[str, Any], name: str, say: Sayer) -> str:
    origin = origins.get(name, "assumed")
    return say(f"origin.{origin}") if origin in ("measured", "computed", "assumed") else "?"
