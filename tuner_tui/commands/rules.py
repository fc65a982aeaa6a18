"""`tuner rules`: the rules behind the advice, each with what it reads, what it says and where it comes from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from advisor.cautions import BY_ID as CAUTIONS_BY_ID
from advisor.cautions import CAUTIONS
from advisor.cautions.caution import Warner
from advisor.errors import InputError
from advisor.explain import number
from advisor.rules import BY_ID, RULES, Rule
from advisor.words import Words
from tuner_tui.commands import ExitCode, print_json
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tuner rules`."""
    parser.add_argument("id", nargs="?", metavar="ID")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Print all rules in a line each, or one in full; 2 for an unknown id."""
    say = words()
    chosen: list[Rule | Warner] = [_find(args.id)] if args.id else [*RULES, *CAUTIONS]
    if args.json:
        documents = [document(unit, say) for unit in chosen]
        print_json(documents[0] if args.id else documents)
    elif args.id:
        print("\n".join(_page(document(chosen[0], say), say)))
    else:
        print("\n".join(_line(unit, say) for unit in chosen))
    return ExitCode.DONE


def _find(name: str) -> Rule | Warner:
    known: dict[str, Rule | Warner] = {**BY_ID, **CAUTIONS_BY_ID}
    found = known.get(name.upper()) or known.get(name.lower())
    if found is None:
        near = get_close_matches(name.upper(), BY_ID, n=3, cutoff=0.3)
        near += get_close_matches(name.lower(), CAUTIONS_BY_ID, n=2, cutoff=0.5)
        raise InputError("rules.unknown", rule=name, near=", ".join(near or [RULES[0].id]))
    return found


def _line(unit: Rule | Warner, say: Words) -> str:
    if isinstance(unit, Warner):
        return f"{unit.id}  ({say.say('rules.warning')})"
    return f"{unit.id}  {say.say(f'rule.{unit.id}.name')}"


def text_with_figures(rule: Rule, say: Words) -> str:
    """A rule's words with its published figures; the numbers of a case stay as `{names}`."""
    filled = {key: number(value) for key, value in rule.figures.items()}
    return say.table[f"rule.{rule.id}.text"].format_map(_Kept(filled))


class _Kept(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def document(unit: Rule | Warner, say: Words) -> dict[str, Any]:
    """One rule or warning as data. A warning decides nothing, so it has no figures and no status of its own."""
    sources = [{"title": title, "url": url} for title, url in unit.sources]
    if isinstance(unit, Warner):
        text = say.table[f"warning.{unit.id}"]
        return {"id": unit.id, "kind": "warning", "situation": unit.situation, "text": text, "sources": sources}
    return {
        "id": unit.id,
        "kind": "rule",
        "situation": unit.situation,
        "name": say.say(f"rule.{unit.id}.name"),
        "text": text_with_figures(unit, say),
        "reads": list(unit.reads),
        "figures": unit.figures,
        "status": unit.status.value,
        "sources": sources,
    }


def _page(page: dict[str, Any], say: Words) -> Iterator[str]:
    status = say.say(f"advise.status.{page['status']}") if "status" in page else say.say("rules.warning")
    yield f"{page['id']}  {page.get('name', '')}  ({status})".replace("    ", "  ")
    yield ""
    yield page["text"]
    yield ""
    if "reads" in page:
        yield f"{say.say('rules.facts')}: {', '.join(page['reads']) or say.say('rules.none')}"
    if page.get("figures"):
        figures = ", ".join(f"{key} {number(value)}" for key, value in page["figures"].items())
        yield f"{say.say('rules.figures')}: {figures}"
    yield f"{say.say('rules.sources')}:"
    yield from (f"  {work['title']}  {work['url'] or ''}".rstrip() for work in page["sources"])
