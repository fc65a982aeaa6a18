"""`tuner index PATH`: documents made searchable, asked, and retrieval scored by itself; a killed build goes on."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import msgspec

from advisor.answering import RetrievalSpec, retrieval_from
from advisor.errors import InputError
from advisor.recipe import decode_recipe
from advisor.words import Words
from tuner_tui import bakeoff, paths
from tuner_tui.commands import ExitCode, print_json, read_text, say
from tuner_tui.safe import clean
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to index, how, and what to ask of it."""
    told = words().say
    parser.add_argument("path", help=told("index.help.path"))
    parser.add_argument("--recipe", metavar="FILE", help=told("index.help.recipe"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=told("index.help.set"))
    parser.add_argument("--ask", action="append", default=[], metavar="TEXT", help=told("index.help.ask"))
    parser.add_argument("--questions", metavar="FILE", help=told("index.help.questions"))
    parser.add_argument("--store", metavar="DIR", help=told("index.help.store"))
    parser.add_argument("--json", action="store_true", help=told("index.help.json"))


def run(args: argparse.Namespace) -> int:
    """Build in a child process, tell what was built and found."""
    told = words()
    request = request_of(args)
    home = paths.home() / "compare"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        place, out = Path(folder) / "request.json", Path(folder) / "result.json"
        place.write_bytes(msgspec.json.encode({**request, "out": str(out)}))
        try:
            work(place, Path(folder) / "log", told)
        except bakeoff.Failed as failure:
            say(str(failure))
            return failure.code
        document: dict[str, Any] = msgspec.json.decode(out.read_bytes())
    if args.json:
        print_json(document)
    else:
        show(document)
    return ExitCode.DONE


def work(request: Path, log: Path, told: Words) -> None:
    """The child, its progress said; bakeoff.Failed when it could not."""
    command = [sys.executable, "-P", "-m", "tuner_tui.retrieval", str(request)]
    trouble = ""
    env = {**os.environ, "TUNER_LANG": told.lang}
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=env) as child,
    ):
        assert child.stdout is not None
        try:
            for line in child.stdout:
                event = msgspec.json.decode(line)
                if event["t"] == "read":
                    say(told.say("index.read", done=event["done"], total=event["total"]))
                elif event["t"] == "error":
                    trouble = clean(str(event["text"]), 2000)
        except BaseException:
            child.terminate()
            raise
    if child.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise bakeoff.Failed(bakeoff.failure_code(child.returncode), trouble or clean(last[-1] if last else "?"))


def request_of(args: argparse.Namespace) -> dict[str, Any]:
    """What the child is asked for; InputError names what is wrong."""
    spec, tokenizer = RetrievalSpec(), None
    if args.recipe:
        recipe = decode_recipe(*read_text(args.recipe))
        spec, tokenizer = recipe.retrieval, recipe.model.id
    spec = retrieval_from(spec, args.set)
    named = {
        name: str(Path(value).expanduser().absolute())
        for name in ("embedding", "reranker", "chunk_tokenizer")
        if (value := getattr(spec, name)) and Path(value).expanduser().is_dir()
    }
    spec = msgspec.structs.replace(spec, **named)
    return {
        "docs": str(Path(args.path).expanduser().absolute()),
        "spec": msgspec.to_builtins(spec),
        "tokenizer": spec.chunk_tokenizer or tokenizer,
        "store": str(Path(args.store).expanduser().absolute()) if args.store else None,
        "asked": args.ask,
        "named": questions(args.questions) if args.questions else [],
    }


def questions(path: str) -> list[tuple[str, str]]:
    """(question, document) of JSON lines with `question` and `doc`; rows without a document are passed over."""
    raw, name = read_text(path)
    found = []
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
            asked = row["question"]
        except (msgspec.DecodeError, KeyError, TypeError):
            raise InputError("retrieval.question", path=name, row=number) from None
        if row.get("doc") is not None:
            found.append((str(asked), unicodedata.normalize("NFC", str(row["doc"]))))
    if not found:
        raise InputError("retrieval.no_questions", path=name)
    return found


def show(document: dict[str, Any]) -> None:
    """The index, what was found, and the scores, for a person."""
    told = words().say
    print(told("index.built", files=document["files"], chunks=document["chunks"], seconds=document["seconds"]))
    chunked = document["chunked"]
    unit = told("index.characters") if chunked["by"] == "characters" else told("index.tokens", model=chunked["by"])
    print(told("index.chunked", size=chunked["size"], unit=clean(unit, 200), overlap=chunked["overlap"]))
    print(told("index.terms.bigrams" if document["terms"] == "bigrams" else "index.terms.kiwi", name=document["terms"]))
    if document["embedding"]:
        print(told("index.embedding", **{k: clean(str(v), 200) for k, v in document["embedding"].items()}))
    print(told("index.store", path=clean(document["store"], 400)))
    if document["left_out"]:
        names = ", ".join(clean(each, 80) for each in document["left_out"][:5])
        print(told("index.left_out", count=len(document["left_out"]), names=names))
    for each in document["skipped"]:
        print(told("index.skipped", text=clean(each["text"], 600)))
    for asked in document["found"]:
        print(f"\n{clean(asked['question'], 400)}")
        for each in asked["passages"]:
            print(f"  {each['score']:8.4f}  {clean(each['cited'], 200)}  {clean(each['text'], 120)}")
    for name, score in (document["scores"] or {"by": {}})["by"].items():
        recall = {f"r{depth}": f"{value:.3f}" for depth, value in score["recall"].items()}
        print(told("index.score", name=name, mrr=f"{score['mrr']:.3f}", ms=f"{score['ms']:.1f}", **recall))
