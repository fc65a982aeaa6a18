"""Why the model was made this way: the facts and the rules that decided, as the advisor gives them today."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import yaml

from tuner_tui.export.outcome import Task
from tuner_tui.hub_cache import hub_cache, snapshot


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


def model_folder(name: str, base: Path) -> Path:
    """Where a model's files lie: its folder (relative to `base`), else its snapshot in the hub's cache."""
    folder = base / Path(name).expanduser()
    if folder.is_dir():
        return folder
    return snapshot(hub_cache() / f"models--{name.replace('/', '--')}") or folder


def licence_of(folder: Path) -> str | None:
    """The licence that a folder (a model's or a data set's) names in its card's metadata; None when it names none."""
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


def base_licence(task: Task) -> str | None:
    """The licence that the base model names."""
    return licence_of(model_folder(task.source.recipe.model.id, task.source.path.parent))


def front_licence(task: Task) -> dict[str, str]:
    """The metadata's licence, where the base model names one."""
    named = base_licence(task)
    return {"license": named} if named else {}


def licences(task: Task) -> str:
    """What is known about the licences of base and data; data's is that of a data set's card beside it."""
    base = base_licence(task) or task.say("card.unknown")
    data = task.source.file(task.source.recipe.data.train)
    named = licence_of(data.parent)
    parts = [task.say("card.base_licence", base=json.dumps(base, ensure_ascii=False))]
    if named is None:
        parts.append(task.say("card.data_unknown", data=data.name))
    else:
        parts.append(task.say("card.data_licence", data=data.name, licence=json.dumps(named, ensure_ascii=False)))
    return " ".join(parts)
