"""The comparison as any caller starts it: a child process does the work, the caller hears lines and one result."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import structs

from advisor.errors import InputError
from advisor.facts import Facts, Tried
from advisor.recipe import DataSpec, Recipe, decode_recipe
from advisor.words import Words
from tuner_tui import outfile, paths
from tuner_tui.commands import ExitCode
from tuner_tui.runs.directory import RunDir
from tuner_tui.safe import clean

LANES = ("zero_shot", "few_shot", "rag", "ft", "rag_ft", "api", "api_rag")
Tell = Callable[[str], None]
Heard = Callable[[dict[str, Any] | None], None]
BEAT_S = 0.2


class Failed(Exception):
    """The comparison failed; the exit code that says how."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


def lanes_for(recipe: Recipe, tuned: bool, chosen: str | None, *, remote: bool = False) -> list[str]:
    """The lanes as named, else all that are possible; InputError names an unknown one."""
    if chosen:
        named = [part.strip() for part in chosen.split(",") if part.strip()]
        for name in named:
            if name not in LANES:
                raise InputError("compare.lane", value=name, allowed=", ".join(LANES))
        return named
    docs = recipe.data.docs is not None
    possible = {"zero_shot": True, "few_shot": True, "rag": docs, "ft": tuned, "rag_ft": tuned and docs}
    possible |= {"api": remote, "api_rag": remote and docs}
    return [name for name, can in possible.items() if can]


def result_of(run: RunDir) -> str | None:
    """The folder of what a finished run trained."""
    return next((str(folder) for folder in (run.adapter, run.model) if folder.is_dir()), None)


def advised(recipe: Recipe) -> str | None:
    """The approach that is advised for the recipe's facts; None without facts."""
    if recipe.facts is None:
        return None
    from advisor.engine import recommend

    return str(recommend(recipe.facts, flips=False).approach)


def compare(
    recipe: Recipe,
    lanes: Sequence[str],
    *,
    tuned: str | None,
    goal: float,
    told: Words,
    tell: Tell,
    advice: str | None = None,
    html: Path | None = None,
    remote: dict[str, Any] | None = None,
    heard: Heard = lambda event: None,
    trained: DataSpec | None = None,
) -> dict[str, Any]:
    """The document of `tuner compare --json`; its page goes to `html`. InputError: bad input; Failed: the child.

    `tell` hears of each lane in words; `heard` gets every event of the child (`lane`, `shots`, `item`, `scored`), None
    in between at least every BEAT_S, and may raise to end it. `trained` is the data of the tuned weights where the
    questions are others: those that are among it are counted.
    """
    home = paths.home() / "compare"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        request, out = Path(folder) / "request.json", Path(folder) / "result.json"
        asked = {
            "recipe": msgspec.to_builtins(structs.replace(recipe, facts=None)),
            "lanes": list(lanes),
            "tuned": tuned,
            "goal": goal,
            "remote": remote and {**remote, "cache": str(home / "endpoint.jsonl")},
            "trained": trained and msgspec.to_builtins(trained),
        }
        request.write_bytes(msgspec.json.encode({"asked": asked, "advised": advice, "out": str(out)}))
        _run(request, Path(folder) / "log", told, tell, heard)
        if html is not None:
            outfile.write(html, out.with_suffix(".html").read_bytes(), outfile.is_page)
        document: dict[str, Any] = msgspec.json.decode(out.read_bytes())
    return document | {"next_advice": advised_after(recipe, document["history"])}


def advised_after(recipe: Recipe, history: dict[str, str]) -> str | None:
    """The label that is advised once the facts know what was measured; None without facts, or when it tells nothing."""
    if recipe.facts is None or not history:
        return None
    from advisor.engine import recommend

    return str(recommend(with_history(recipe.facts, history), flips=False).label)


def with_history(facts: Facts, history: dict[str, str]) -> Facts:
    """The facts with what was measured in place of what was believed."""
    return structs.replace(facts, history=structs.replace(facts.history, **{k: Tried(v) for k, v in history.items()}))


def _run(request: Path, log: Path, told: Words, tell: Tell, heard: Heard) -> None:
    command = [sys.executable, "-P", "-m", "tuner_tui.evaluation", str(request)]
    trouble = ""
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "TUNER_LANG": told.lang},
        ) as child,
    ):
        assert child.stdout is not None
        try:
            for line in _lines(child.stdout):
                trouble = _line(line, told, tell, heard) or trouble
        except BaseException:
            child.terminate()
            raise
    if child.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Failed(failure_code(child.returncode), trouble or clean(last[-1] if last else "?"))


def _lines(pipe: IO[bytes]) -> Iterator[bytes | None]:
    """The child's lines as they come, and None whenever BEAT_S went by without one."""
    rest = b""
    while True:
        if not select.select([pipe], [], [], BEAT_S)[0]:
            yield None
            continue
        got = os.read(pipe.fileno(), 1 << 16)
        *lines, rest = (rest + got).split(b"\n")
        yield from lines
        if not got:
            return


def _line(line: bytes | None, told: Words, tell: Tell, heard: Heard) -> str:
    """Tell one line of the child's progress; the text of an error."""
    if line is None:
        heard(None)
        return ""
    try:
        event = msgspec.json.decode(line)
        kind = event.pop("t")
    except (msgspec.DecodeError, KeyError, AttributeError):
        return ""
    if kind == "error":
        return clean(str(event.get("text", "")), 2000)
    heard({"t": kind, **event})
    if kind in ("lane", "scored"):
        lane = told.say(f"compare.lane.{event['lane']}")
        numbers = {name: f"{value:.3f}" for name, value in event.items() if isinstance(value, float)}
        tell(told.say(f"compare.progress.{kind}", **{**event, **numbers, "lane": lane}))
    if kind == "trouble":
        tell(clean(str(event["text"]), 600))
    if kind == "skipped":
        tell(told.say("compare.progress.skipped", count=event["count"], text=clean(str(event["text"]), 600)))
    if kind in ("broken", "other_model"):
        said = {name: clean(str(value), 400) for name, value in event.items()}
        tell(told.say(f"compare.progress.{kind}", **{**said, "lane": told.say(f"compare.lane.{event['lane']}")}))
    return ""


def failure_code(returned: int) -> int:
    """Our exit code for that of a child."""
    return ExitCode.USAGE if returned == 2 else ExitCode.FAILED


def run_recipe(recipe: Recipe, told: Words, tell: Tell) -> RunDir:
    """Train the recipe as `tuner run` does; the finished run. Failed: it did not finish."""
    from tuner_tui.runs.directory import create_run
    from tuner_tui.runs.foreground import counted_interrupts, follow
    from tuner_tui.runs.supervisor import launch

    tell(told.say("compare.training"))
    with counted_interrupts() as interrupts:
        run = create_run(recipe)
        launch(run)
        state = follow(run, interrupts, told, tell)
    if result_of(run) is None:
        text = InputError("compare.unfinished", run=run.id, state=state).text(told.lang)
        raise Failed(ExitCode.INTERRUPTED if interrupts.count else ExitCode.FAILED, text)
    return run


def recipe_of(run: RunDir) -> Recipe:
    """The recipe of a run, on the data that judges its result."""
    return judged(decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)))


def judged(recipe: Recipe) -> Recipe:
    """The recipe on its last stage's data: that of a chain's first says nothing of what came out."""
    return structs.replace(recipe, data=recipe.stage_data(-1))
