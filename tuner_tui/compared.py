"""A comparison in words, the same in the terminal, in the app and on its page: no figure is told in two ways."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any

from advisor.words import Words
from tuner_tui.safe import clean

SHOWN = 10


def table(document: dict[str, Any], told: Words, room: int | None = None) -> str:
    """The comparison for a person in `room` cells: one line a lane, then retrieval, then the verdict."""
    parts = ["\n".join(part) for part in lanes_tables(document, told, room)]
    lines = ["\n\n".join(parts), *figures(document["lanes"], told, room), *notes(document, told)]
    return "\n".join([*lines, "", document["verdict"]["text"]])


def room_here() -> int | None:
    """Cells of a line on the terminal that reads; None where what is printed goes into a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def lanes_tables(document: dict[str, Any], told: Words, room: int | None = None) -> list[list[str]]:
    """Head and one line a lane; columns that do not fit into `room` cells stand in tables of their own below."""
    rows = lane_rows(document["lanes"], told.say)
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    parts: list[list[int]] = [[0]]
    for at in range(1, len(widths)):
        taken = sum(widths[other] + 2 for other in parts[-1])
        if room is not None and len(parts[-1]) > 1 and taken + widths[at] > room:
            parts.append([0])
        parts[-1].append(at)
    return [_aligned([[row[at] for at in part] for row in rows]) for part in parts]


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
    lines += _made(document.get("made") or {}, told)
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


def _made(made: dict[str, Any], told: Words) -> list[str]:
    """What had to be made before anything could be asked, and how long it took."""
    lines = []
    if made.get("index"):
        index = made["index"]
        took = [(name, index[f"{name}_s"]) for name in ("build", "update") if index[f"{name}_s"] is not None]
        parts = [told.say(f"compare.table.index_{name}", seconds=_seconds(seconds)) for name, seconds in took]
        lines.append(" ".join([told.say("compare.table.index", files=index["files"]), *parts]))
    if made.get("training_s") is not None:
        lines.append(told.say("compare.table.training", seconds=_seconds(made["training_s"])))
    return lines


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


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


def figures(lanes: list[dict[str, Any]], told: Words, room: int | None = None) -> list[str]:
    """Every other figure of the same answers, a line each and a column a lane; none where nothing else was counted.

    Where the columns do not fit into `room` cells, a line each: the figure, then lane by lane.
    """
    names = dict.fromkeys(name for lane in lanes for name in lane.get("also", {}) if name != lane["metric"])
    if not names:
        return []
    head = [told.say("compare.page.also"), *(told.say(f"compare.lane.{lane['label']}") for lane in lanes)]
    rows = [
        [told.metric(name), *(f"{lane['also'][name]:.3f}" if name in lane["also"] else "—" for lane in lanes)]
        for name in names
    ]
    table = _aligned([head, *rows])
    if room is not None and max(map(_width, table)) > room:
        table = [f"{row[0]}: " + ", ".join(map(" ".join, zip(head[1:], row[1:], strict=True))) for row in rows]
    return ["", *table, ""]


def _aligned(rows: list[list[str]]) -> list[str]:
    """Each column as wide as its widest cell."""
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    cells = [[cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(row).rstrip() for row in cells]


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


def lane_rows(lanes: list[dict[str, Any]], say: Callable[..., str]) -> list[list[str]]:
    """Head and one row a lane; what answers cost has a column where any lane's is known."""
    priced = any(lane.get("cost_per_1k") is not None for lane in lanes)
    names = ["lane", "", "interval", "latency", "tokens", *(["cost"] if priced else []), "memory", "difference"]
    metric = say(f"metric.{lanes[0]['metric']}.short")
    return [[say(f"compare.table.{name}") if name else metric for name in names]] + [
        [
            say(f"compare.lane.{lane['label']}"),
            f"{lane['score']:.3f}",
            f"{lane['low']:.3f} … {lane['high']:.3f}",
            f"{lane['latency_ms']['p50']:.0f} / {lane['latency_ms']['p95']:.0f}",
            f"{lane['tokens_per_request']:.0f}",
            *([_dollars(lane.get("cost_per_1k"))] if priced else []),
            "—" if lane["peak_gb"] is None else f"{lane['peak_gb']:.2f}",
            _behind(lane["difference_to_best"], say),
        ]
        for lane in lanes
    ]


def _dollars(cost: float | None) -> str:
    """Three digits that count, however cheap."""
    return "—" if cost is None else f"{cost:.3g}"


def _behind(gap: dict[str, Any], say: Callable[..., str]) -> str:
    if not gap["real"]:
        return say("compare.table.none")
    chance = "p < 0.001" if gap["p"] < 0.001 else f"p {gap['p']:.3f}"
    return f"{gap['mean']:.3f} ({chance})"


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
