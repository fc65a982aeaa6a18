"""Why the model was made this way: the facts and the rules that decided, as the advisor gives them today."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import yaml

from tuner_tui.export.outcome import Task


def advised(task: Task) -> str:
    """The facts, the advice and its reasons as Markdown; or that the recipe carries no facts."""
    facts = task.source.recipe.facts
    if facts is None:
        return task.say("card.no_facts")
    from advisor.engine import recommend

    advice = recommend(facts, lang=task.words.lang, flips=False)
    same = advice.label == task.source.recipe.label
    known = yaml.safe_dump(_known(msgspec.to_builtins(facts)), sort_keys=False, allow_unicode=True)
    verdict = task.say("card.as_advised" if same else "card.not_advised", label=advice.label)
    rules = [f"- `{reason.rule}` {reason.text} ({reason.source})" for reason in advice.reasons]
    return "\n".join([f"```yaml\n{known}```", "", verdict, "", *rules])


def _known(facts: object) -> object:
    """Facts without what is not known."""
    if not isinstance(facts, dict):
        return facts
    kept = {key: _known(value) for key, value in facts.items()}
    return {key: value for key, value in kept.items() if value is not None and value not in ({}, [])}


def licence_of(folder: Path) -> str | None:
    """The licence that a base model's folder names in its card's metadata; None when it names none."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    text = card.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("---\n"):
        return None
    try:
        head = yaml.safe_load(text[4:].partition("\n---")[0])
    except yaml.YAMLError:
        return None
    named = head.get("license") if isinstance(head, dict) else None
    return named if isinstance(named, str) else None


def front_licence(task: Task) -> dict[str, str]:
    """The metadata's licence, where the base model names one."""
    named = licence_of(task.source.file(task.source.recipe.model.id))
    return {"license": named} if named else {}


def licences(task: Task) -> str:
    """What is known about the licences of base and data."""
    base = licence_of(task.source.file(task.source.recipe.model.id)) or task.say("card.unknown")
    data = Path(task.source.recipe.data.train).name
    return task.say("card.licences", base=json.dumps(base, ensure_ascii=False), data=data)
