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
from tuner_tui import paths
from tuner_tui.commands import ExitCode
from tuner_tui.runs.directory import RunDir
from tuner_tui.safe import clean

LANES = ("zero_shot", "few_shot", "rag", "ft", "rag_ft", "api", "api_rag")
Tell = Callable[[str], None]
Heard = Callable[[dict[str, Any] | None], None]
BEAT_S, SHOWN = 0.2, 10


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
            html.write_bytes(out.with_suffix(".html").read_bytes())
        document: dict[str, Any] = msgspec.json.decode(out.read_bytes())
    return document | {"next_advice": advised_after(recipe, document["history"])}


def advised_after(recipe: Recipe, history: dict[str, str]) -> str | None:
    """The label that is advised once the facts know what was measured; None without facts."""
    if recipe.facts is None:
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
    """The recipe of a run."""
    return decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path))


def table(document: dict[str, Any], told: Words) -> str:
    """The comparison for a person: one line a lane, then retrieval, then the verdict."""
    lines = lanes_table(document, told) + figures(document["lanes"], told) + notes(document, told)
    return "\n".join([*lines, "", document["verdict"]["text"]])


def lanes_table(document: dict[str, Any], told: Words, room: int | None = None) -> list[str]:
    """Head and one line a lane; where they do not fit into `room` cells the last columns are left out."""
    head = ["lane", None, "interval", "latency", "tokens", "memory", "difference"]
    metric = told.metric(document["lanes"][0]["metric"])
    rows = [[told.say(f"compare.table.{name}") if name else metric for name in head]]
    rows += [_row(lane, told) for lane in document["lanes"]]
    widths = [max(_width(row[at]) for row in rows) for at in range(len(head))]
    shown = len(head)
    while room is not None and shown > 2 and sum(widths[:shown]) + 2 * (shown - 1) > room:
        shown -= 1
    return _aligned(rows, shown)


def notes(document: dict[str, Any], told: Words) -> list[str]:
    """Lanes that failed, retrieval by itself, groups, judge, forgetting, tasks, and the advice after this."""
    skipped = document.get("skipped") or []
    lines = [told.say("compare.table.skipped", text=clean(text, 600)) for text in skipped[:SHOWN]]
    lines += [clean(text, 600) for text in document.get("troubles") or []]
    if document.get("seen"):
        lines.append(told.say("compare.table.seen", seen=document["seen"], items=document["items"]))
    for each in document.get("failed") or []:
        lane = told.say(f"compare.lane.{each['label']}")
        lines.append(
            told.say("compare.table.failed", lane=lane, answered=each["answered"], text=clean(each["text"], 400))
        )
    found = document.get("retrieval")
    if found:
        recall = found["recall"]
        numbers = {"first": f"{recall['1']:.3f}", "third": f"{recall['3']:.3f}", "mrr": f"{found['mrr']:.3f}"}
        lines.append(told.say("compare.table.retrieval", **numbers, items=found["items"], chunks=found["chunks"]))
        lines += _retrievers(found, told)
    lines += _groups(document["lanes"], told) + _judged(document, told)
    return lines + _beside(document, told) + _tasks(document, told)


def _judged(document: dict[str, Any], told: Words) -> list[str]:
    """A line a lane that a judge compared with the first one."""
    return [
        told.say(
            "compare.table.judged",
            lane=told.say(f"compare.lane.{each['label']}"),
            over=told.say(f"compare.lane.{each['over']}"),
            **{name: f"{each[name]:.3f}" for name in ("win_rate", "low", "high", "agreement")},
        )
        for each in document.get("judged") or []
    ]


def _retrievers(found: dict[str, Any], told: Words) -> list[str]:
    """Every way to search beside the one that was used, and whose the wrong answers are."""
    lines = []
    for name, score in found["by"].items() if len(found["by"]) > 1 else ():
        recall = {f"r{depth}": f"{value:.3f}" for depth, value in score["recall"].items()}
        lines.append(told.say("index.score", name=name, mrr=f"{score['mrr']:.3f}", ms=f"{score['ms']:.1f}", **recall))
    for lane, split in found["blame"].items():
        numbers = {f"{name}_score": _figure(part["score"]) for name, part in split.items()}
        counts = {name: part["items"] for name, part in split.items()}
        lines.append(told.say("compare.table.blame", lane=told.say(f"compare.lane.{lane}"), **counts, **numbers))
    return lines


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _tasks(document: dict[str, Any], told: Words) -> list[str]:
    """A line a metric of the named tasks: base, and tuned where there is one."""
    return [
        told.say(
            "compare.table.task",
            task=clean(each["task"], 80),
            metric=clean(each["metric"], 60),
            base=f"{each['base']:.3f}",
            tuned="—" if each["tuned"] is None else f"{each['tuned']:.3f}",
        )
        for each in document.get("tasks") or []
    ]


def figures(lanes: list[dict[str, Any]], told: Words) -> list[str]:
    """Every other figure of the same answers, a line each and a column a lane; none where nothing else was counted."""
    names = dict.fromkeys(name for lane in lanes for name in lane.get("also", {}) if name != lane["metric"])
    if not names:
        return []
    head = [told.say("compare.page.also"), *(told.say(f"compare.lane.{lane['label']}") for lane in lanes)]
    rows = [
        [told.metric(name), *(f"{lane['also'][name]:.3f}" if name in lane["also"] else "—" for lane in lanes)]
        for name in names
    ]
    return ["", *_aligned([head, *rows]), ""]


def _aligned(rows: list[list[str]], shown: int | None = None) -> list[str]:
    """Each column as wide as its widest cell; `shown` columns, None = all."""
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    cells = [[cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(row[:shown]).rstrip() for row in cells]


def _groups(lanes: list[dict[str, Any]], told: Words) -> list[str]:
    """A line a group that the rows name: each lane's score on it."""
    return [
        told.say(
            "compare.table.group",
            group=clean(group, 40),
            scores=", ".join(
                f"{told.say('compare.lane.' + lane['label'])} {lane['groups'][group]:.3f}" for lane in lanes
            ),
        )
        for group in (lanes[0].get("groups") or {})
    ]


def _beside(document: dict[str, Any], told: Words) -> list[str]:
    """What tuning did to general prompts, and what the advice is now that this was measured."""
    lines, kept = [], document.get("kept")
    if kept:
        numbers = {name: f"{kept[name]:.3f}" for name in ("likeness", "low", "high", "nats_before", "nats_after")}
        lines.append(told.say("compare.table.kept", items=kept["items"], **numbers))
    if document.get("next_advice"):
        lines.append(told.say("compare.table.next", label=document["next_advice"]))
    return lines


def _row(lane: dict[str, Any], told: Words) -> list[str]:
    gap = lane["difference_to_best"]
    behind = f"{gap['mean']:.3f} (p {gap['p']:.3f})" if gap["real"] else told.say("compare.table.none")
    return [
        told.say(f"compare.lane.{lane['label']}"),
        f"{lane['score']:.3f}",
        f"{lane['low']:.3f} … {lane['high']:.3f}",
        f"{lane['latency_ms']['p50']:.0f} / {lane['latency_ms']['p95']:.0f}",
        f"{lane['tokens_per_request']:.0f}",
        "—" if lane["peak_gb"] is None else f"{lane['peak_gb']:.2f}",
        behind,
    ]


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
