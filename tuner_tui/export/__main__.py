"""The export child: one JSON document on stdout, whatever libraries print goes to stderr, true exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui import crash
from tuner_tui.export.outcome import Document, Refused, Task, document
from tuner_tui.export.place import Place
from tuner_tui.export.source import find_source
from tuner_tui.export.targets import Target, find_target
from tuner_tui.safe import clean
from tuner_tui.words import language, words


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.export RUN|RECIPE --to TARGET --out DIR [--overwrite] [--json]`."""
    parser = argparse.ArgumentParser(prog="python -m tuner_tui.export")
    parser.add_argument("source")
    parser.add_argument("--to", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    code, done, told = answer(args, language())
    if done is None:
        print(clean(told, 1 << 20, lines=True), file=sys.stderr)
        return code
    text = msgspec.json.encode(done).decode() if args.json else "\n".join(lines(done))
    with stdout:
        stdout.write(text + "\n")
    return code


def answer(args: argparse.Namespace, lang: str) -> tuple[int, Document | None, str]:
    """The exit code, the document when files were written, and the words when not."""
    try:
        done = attempt(find_target(args.to), args)
    except InputError as error:
        return 2, None, error.text(lang)
    except Refused as error:
        return 3, None, words(lang).say(f"errors.{error.code}", **error.params)
    except KeyboardInterrupt:
        return 130, None, ""
    except Exception as error:
        crash.tell(error, "export")
        detail = (str(error).strip().splitlines() or [""])[0][:300]
        return 1, None, words(lang).say("export.failed", kind=type(error).__name__, detail=detail)
    return 0 if done.success else 1, done, ""


def attempt(target: Target, args: argparse.Namespace) -> Document:
    """Make one export; nothing of it remains when it fails before its checks could run."""
    source = find_source(args.source)
    if target.weights:
        source.weights()
    place = Place(args.out, target.entries, overwrite=args.overwrite)
    try:
        module: Any = importlib.import_module(f"tuner_tui.export.{target.module}")
        outcome = module.export(Task(source=source, place=place, words=words()))
        files = place.commit()
    except BaseException:
        place.discard()
        raise
    return document(target.name, source, place.final, files, outcome)


def lines(done: Document) -> list[str]:
    """The document in words."""
    say = words().say
    rows = [say("export.done" if done.success else "export.not_proven", target=done.target, out=clean(done.out, 300))]
    rows += [f"  {clean(file.path, 300)}  {file.bytes}" for file in done.files]
    rows += [f"  {say('export.pass' if check.passed else 'export.fail')}  {clean(check.text)}" for check in done.checks]
    rows += [f"  {say('export.unexpressed')}  {key}: {clean(why)}" for key, why in done.unexpressed.items()]
    return rows + [f"  {clean(note)}" for note in done.notes]


if __name__ == "__main__":
    sys.exit(main())
