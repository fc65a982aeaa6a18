"""Builds an index again and again, killed (SIGKILL) at its 1st, 2nd, 3rd ... touch of a file; prints what was found.

`python killed.py DOCS STORE STRIDE`: dies at every STRIDE-th touch. One JSON line: how often it died, and how often
something of the killed build was there to go on from.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy  # noqa: F401  loaded before the forks

from advisor.answering import RetrievalSpec, Terms
from tuner_tui.retrieval import build as building
from tuner_tui.retrieval.index import Index

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
QUESTIONS = ("price of item 3", "항목 5 재질", "item 7 now", "gone")
building.SEGMENT_CHUNKS = 3
SPEC = RetrievalSpec(terms=Terms.BIGRAMS)


def found(index: Index) -> list[list[tuple[str, str, float]]]:
    """All that can be found, with scores."""
    return [[(f.chunk.cited, f.chunk.text, f.score) for f in index.search(asked, 50)] for asked in QUESTIONS]


def write(docs: Path, state: int) -> None:
    """The documents in one of two states: some changed, one gone, one new."""
    shutil.rmtree(docs, ignore_errors=True)
    docs.mkdir()
    for number in range(12):
        if (state, number) not in ((1, 4), (0, 11)):
            changed = " It is sold now." if state and number % 5 == 2 else ""
            said = f"The price of item {number} is {number * 7} won.{changed}\n\n항목 {number}의 재질은 돌."
            (docs / f"{number}.md").write_text(f"# Item {number}\n\n{said}", encoding="utf-8")
            os.utime(docs / f"{number}.md", ns=(0, 10**18 + (10**9 if changed else 0)))


def killed_at(docs: Path, store: Path, touch: int) -> bool:
    """Build in a child that dies at that touch; whether it did."""
    child = os.fork()
    if child == 0:
        left = [touch]

        def hook(event: str, args: tuple[object, ...]) -> None:
            if event in EVENTS and str(store) in str(args[0]):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        building.build(docs, SPEC, store=store)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def main(docs: Path, store: Path, stride: int) -> None:
    """Kill a first build and a later one at every touch; both go on, and find what a fresh build finds."""
    wanted = {}
    for state in (0, 1):
        write(docs, state)
        wanted[state] = found(building.build(docs, SPEC, store=store / f"fresh-{state}"))
    tries = resumed = 0
    for before in (None, 0):
        touch, died = 1 - stride, True
        while died:
            touch += stride
            place = store / f"{before}-{touch}"
            if before is not None:
                write(docs, before)
                building.build(docs, SPEC, store=place)
            write(docs, 1)
            died = killed_at(docs, place, touch)
            whole = len([each for each in (place / "segments").glob("*") if each.name.isdigit()]) if died else 0
            resumed += whole > 0
            assert found(building.build(docs, SPEC, store=place)) == wanted[1], (before, touch)
            assert not list(place.rglob(".new-*")), (before, touch)
            tries += died
            shutil.rmtree(place)
    print(json.dumps({"tries": tries, "resumed": resumed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
