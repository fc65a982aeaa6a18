"""`tuner advise`: facts in, advice with reasons out. One facts document, or one per line with `--batch`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from advisor.advice import Advice, Ranked, Verdict
from advisor.engine import recommend
from advisor.errors import InputError
from advisor.facts import decode_facts, facts_from
from advisor.words import Words
from tuner_tui.commands import ExitCode, print_json, read_text
from tuner_tui.contract import ADVICE, promised
from tuner_tui.words import language, words

_SHOWN = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tuner advise`."""
    parser.add_argument("--facts", required=True, metavar="FILE|-")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--batch", action="store_true")
    parser.add_argument("--details", action="store_true", help=words().say("cli.help.details"))
    parser.add_argument("--no-flips", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Print the advice; 2 for facts that cannot be read."""
    text, source = read_text(args.facts)
    lang, flips = language(), not args.no_flips
    if args.batch:
        _batch(text, source, lang, flips, args.details)
        return ExitCode.DONE
    advice = recommend(decode_facts(text, source), lang=lang, flips=flips)
    if args.json:
        print_json(promised(advice, ADVICE, details=args.details))
    else:
        print("\n".join(_lines(advice, words(lang))))
    return ExitCode.DONE


def _batch(text: bytes, source: str, lang: str, flips: bool, details: bool) -> None:
    encoder = msgspec.json.Encoder()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{source}:{number}"
        facts = facts_from(_document(line, source, number), place)
        advice = promised(recommend(facts, lang=lang, flips=flips), ADVICE, details=details)
        sys.stdout.buffer.write(encoder.encode(advice) + b"\n")
    sys.stdout.buffer.flush()


def _document(line: bytes, source: str, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise InputError("advise.line", source=source, line=number, detail=str(error)) from None


def _lines(advice: Advice, say: Words) -> Iterator[str]:
    percent = say.say("advise.confidence", percent=round(advice.confidence * 100))
    yield f"{say.say('advise.answer')}: {advice.label} ({percent})"
    yield f"\n{say.say('advise.reasons')}"
    for reason in advice.reasons:
        yield f"  {reason.rule}  {reason.text}"
        yield f"          {say.say('advise.source')}: {reason.source}"
    yield from _section(say.say("advise.plan"), [f"{at}. {step}" for at, step in enumerate(advice.plan, 1)])
    yield from _section(say.say("advise.warnings"), [f"! {caution.text}" for caution in advice.warnings])
    yield from _section(say.say("advise.ranking"), [_ranked(row, say) for row in shown(advice.ranking)])
    for title, unknown in (("advise.ask", True), ("advise.flips", False)):
        lines = [f"{flip.change} -> {flip.label}" for flip in advice.flips if flip.unknown is unknown]
        yield from _section(say.say(title), lines)


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"\n{title}"
        yield from (f"  {line}" for line in lines)


def shown(ranking: list[Ranked]) -> list[Ranked]:
    """The best of each approach and plan, not every technique of the same plan: what a person compares."""
    kept: dict[str, Ranked] = {}
    for row in ranking[1:]:
        kept.setdefault(row.label.partition(":")[0], row)
    rows = list(kept.values())
    approaches = {row.label.partition("/")[0]: row for row in reversed(rows)}
    chosen = [*rows[:_SHOWN], *(row for row in approaches.values() if row not in rows[:_SHOWN])]
    return sorted(chosen, key=rows.index)


def _ranked(row: Ranked, say: Words) -> str:
    words_ = [f"{row.label:<28}"]
    if row.verdict == Verdict.VETOED:
        words_.append(say.say("advise.ruled_out"))
    if row.memory_gb:
        need = row.memory_gb
        words_.append(say.say("advise.memory", low=need.low, likely=need.likely, high=need.high))
    why = ", ".join(f"{rule} {say.say(f'rule.{rule}.name')}" for rule in row.rules)
    return "  ".join([*words_, why or say.say("advise.as_good")])
