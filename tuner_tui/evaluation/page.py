"""The comparison as one HTML file that loads nothing and runs nothing; every text from data or a model stays text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from tuner_tui.compared import lane_rows
from tuner_tui.training.page import STYLE

Say = Callable[..., str]
WIDTH, ROW, LEFT = 640, 34, 190
MORE = """
svg { width: 100%; height: auto } text { fill: currentColor; font: 13px system-ui, "Noto Sans KR", sans-serif }
.bar { fill: var(--good); opacity: .35 } .best { opacity: .8 } .goal { stroke: var(--bad); stroke-dasharray: 4 3 }
.span { stroke: currentColor; stroke-width: 2 } .axis { stroke: var(--line) }
input[name=show] { margin: 0 .3rem 0 1rem } tbody tr { display: none }
#all:checked ~ table tr, #split:checked ~ table :is(tr.win, tr.loss), #win:checked ~ table tr.win,
#loss:checked ~ table tr.loss, #tie:checked ~ table tr.tie { display: table-row }
section { overflow-x: auto } tr.win td:first-child { box-shadow: inset 3px 0 var(--good) }
tr.loss td:first-child { box-shadow: inset 3px 0 var(--bad) } label { white-space: nowrap }
 .plain tbody tr { display: table-row } section table, table + table { margin-top: .75rem }
"""


def page(document: dict[str, Any], *, goal: float, lang: str, say: Say, notes: Sequence[str] = ()) -> str:
    """The whole page: verdict, scores with their intervals, figures, and every question side by side.

    `notes` say what else was measured (retrieval, groups, judge, forgetting, tasks) and what could not be.
    """
    title = escape(say("compare.page.title"))
    body = [
        f"<h1>{title}</h1><p><b>{escape(document['verdict']['text'])}</b></p>",
        chart(document["lanes"], goal, say),
        f"<h2>{escape(say('compare.page.figures'))}</h2>{_figures(document['lanes'], say)}",
        _beside(document, say),
        "".join(f"<p>{escape(note)}</p>" for note in notes),
        f"<h2>{escape(say('compare.page.answers'))}</h2>{_answers(document, say)}",
    ]
    head = (
        f"<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>{title}</title>"
    )
    return (
        f"<!doctype html><html lang={lang}><head>{head}<style>{STYLE}{MORE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def chart(lanes: list[dict[str, Any]], goal: float, say: Say) -> str:
    """Bars of 0..1 with their 95 % intervals and the goal; a loss has no such scale and no chart."""
    if any(not 0 <= lane["high"] <= 1 for lane in lanes):
        return ""
    room, height = WIDTH - LEFT - 60, ROW * len(lanes) + 24
    best = max(lane["score"] for lane in lanes)
    parts = [f"<svg viewBox='0 0 {WIDTH} {height}' role=img aria-label='{escape(say('compare.page.chart'))}'>"]
    for at, lane in enumerate(lanes):
        top, x = ROW * at + 6, LEFT + room * lane["score"]
        low, high, middle = LEFT + room * lane["low"], LEFT + room * lane["high"], top + 11
        name = say(f"compare.lane.{lane['label']}")
        mark = "bar best" if lane["score"] == best else "bar"
        parts += [
            f"<text x=0 y={middle + 5}>{escape(name)}</text>",
            f"<rect class='{mark}' x={LEFT} y={top} width={x - LEFT:.1f} height=22 />",
            f"<line class=span x1={low:.1f} x2={high:.1f} y1={middle} y2={middle} />",
            f"<text x={LEFT + room + 10} y={middle + 5}>{lane['score']:.3f}</text>",
        ]
    line, bottom = LEFT + room * goal, ROW * len(lanes) + 4
    parts.append(f"<line class=goal x1={line:.1f} x2={line:.1f} y1=0 y2={bottom} />")
    parts.append(f"<text x={line - 20:.1f} y={bottom + 15}>{escape(say('compare.page.goal'))}</text></svg>")
    return "".join(parts)


def _figures(lanes: list[dict[str, Any]], say: Say) -> str:
    head, *rows = lane_rows(lanes, say)
    return _table(head, [("", row) for row in rows], "plain")


def _beside(document: dict[str, Any], say: Say) -> str:
    """Every other figure of the same answers, a row each."""
    lanes, parts = document["lanes"], []
    names = [
        name for name in dict.fromkeys(key for lane in lanes for key in lane["also"]) if name != lanes[0]["metric"]
    ]
    if names:
        head = [say("compare.page.also"), *(say(f"compare.lane.{lane['label']}") for lane in lanes)]
        cells = [
            [
                say(f"metric.{name}.short"),
                *(f"{lane['also'][name]:.3f}" if name in lane["also"] else "—" for lane in lanes),
            ]
            for name in names
        ]
        parts.append(_table(head, [("", row) for row in cells], "plain"))
    return "".join(parts)


def _answers(document: dict[str, Any], say: Say) -> str:
    """All questions; by one press those that the lane of the verdict won, lost, or shared with the best other one."""
    labels = [lane["label"] for lane in document["lanes"]]
    chosen = document["verdict"]["label"]
    head = [say("training.page.prompt"), say("training.page.reference")]
    head += [say(f"compare.lane.{label}") for label in labels]
    sign = -1.0 if document["lanes"][0]["metric"] == "loss" else 1.0
    rows = []
    for row in document["answers"]:
        said = [row["lanes"].get(label) for label in labels]
        cells = [_said(each, say) if each else "—" for each in said]
        asked = "\n".join([row["question"], *(f"[{cited}]" for cited in row.get("passages", []))])
        rows.append((outcome_for(row, chosen, sign), [asked, row["reference"], *cells]))
    return f"<section>{_choose([kind for kind, _ in rows], chosen, say)}{_table(head, rows, 'side')}</section>"


def _said(each: dict[str, Any], say: Say) -> str:
    """An answer with its mark, the passage that it rests on, and whose a wrong one is."""
    lines = [f"{_mark(each['score'])} {each['answer']}"]
    if "cites" in each:
        lines.append(say("chat.rests", cited=each["cites"]) if each["cites"] else say("chat.rests_on_none"))
    if each.get("blame"):
        lines.append(say(f"compare.page.blame_{each['blame']}"))
    return "\n".join(lines)


def outcome_for(row: dict[str, Any], chosen: str, sign: float = 1.0) -> str:
    """`win` where the chosen lane scored more than every other one, `loss` where one scored more, else `tie`."""
    scores = {label: sign * each["score"] for label, each in row["lanes"].items()}
    own = scores.pop(chosen, None)
    if own is None or not scores:
        return "tie"
    best = max(scores.values())
    return "win" if own > best else "loss" if own < best else "tie"


def _choose(kinds: list[str], chosen: str, say: Say) -> str:
    """One button a kind, with how many there are; they work without a script."""
    counts = {kind: kinds.count(kind) for kind in ("win", "loss", "tie")}
    counts = {"split": counts["win"] + counts["loss"], **counts, "all": len(kinds)}
    first = "split" if counts["split"] else "all"
    lane = say(f"compare.lane.{chosen}")
    return "".join(
        f"<input type=radio name=show id={name}{' checked' if name == first else ''}>"
        f"<label for={name}>{escape(say(f'compare.page.{name}', lane=lane))} ({count})</label>"
        for name, count in counts.items()
    )


def _mark(score: float) -> str:
    return "✓" if score >= 1 else "✗" if score <= 0 else f"{score:.2f}"


def _table(head: list[str], rows: list[tuple[str, list[str]]], kind: str) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr class='{mark}'>" + "".join(f"<td><pre>{escape(cell)}</pre></td>" for cell in cells) + "</tr>"
        for mark, cells in rows
    )
    return f"<table class={kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
