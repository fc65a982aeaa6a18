"""The comparison as one HTML file that loads nothing and runs nothing; every text from data or a model stays text."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from tuner_tui.training.page import STYLE

Say = Callable[..., str]
WIDTH, ROW, LEFT = 640, 34, 190
MORE = """
svg { width: 100%; height: auto } text { fill: currentColor; font: 13px system-ui, "Noto Sans KR", sans-serif }
.bar { fill: var(--good); opacity: .35 } .best { opacity: .8 } .goal { stroke: var(--bad); stroke-dasharray: 4 3 }
.span { stroke: currentColor; stroke-width: 2 } .axis { stroke: var(--line) }
input[name=show] { margin: 0 .3rem 0 1rem } tbody tr { display: none }
#all:checked ~ table tr, #split:checked ~ table tr.split { display: table-row }
 .plain tbody tr { display: table-row } section table { margin-top: .75rem }
"""


def page(document: dict[str, Any], *, goal: float, lang: str, say: Say) -> str:
    """The whole page: verdict, scores with their intervals, figures, and every question side by side."""
    title = escape(say("compare.page.title"))
    body = [
        f"<h1>{title}</h1><p><b>{escape(document['verdict']['text'])}</b></p>",
        chart(document["lanes"], goal, say),
        f"<h2>{escape(say('compare.page.figures'))}</h2>{_figures(document['lanes'], say)}",
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
    names = ("lane", "interval", "latency", "tokens", "memory", "difference")
    head = [say(f"compare.table.{name}") for name in names]
    head.insert(1, str(lanes[0]["metric"]))
    rows = []
    for lane in lanes:
        gap = lane["difference_to_best"]
        behind = f"{gap['mean']:.3f} (p {gap['p']:.3f})" if gap["real"] else say("compare.table.none")
        rows.append(
            [
                say(f"compare.lane.{lane['label']}"),
                f"{lane['score']:.3f}",
                f"{lane['low']:.3f} … {lane['high']:.3f}",
                f"{lane['latency_ms']['p50']:.0f} / {lane['latency_ms']['p95']:.0f}",
                f"{lane['tokens_per_request']:.0f}",
                "—" if lane["peak_gb"] is None else f"{lane['peak_gb']:.2f}",
                behind,
            ]
        )
    return _table(head, [("", row) for row in rows], "plain")


def _answers(document: dict[str, Any], say: Say) -> str:
    """All questions, and by one press only those on which the lanes differ."""
    labels = [lane["label"] for lane in document["lanes"]]
    head = [say("training.page.prompt"), say("training.page.reference")]
    head += [say(f"compare.lane.{label}") for label in labels]
    rows = []
    for row in document["answers"]:
        said = [row["lanes"].get(label) for label in labels]
        scores = {each["score"] for each in said if each}
        cells = [f"{_mark(each['score'])} {each['answer']}" if each else "—" for each in said]
        rows.append(("split" if len(scores) > 1 else "", [row["question"], row["reference"], *cells]))
    choose = (
        f"<input type=radio name=show id=split checked><label for=split>{escape(say('compare.page.split'))}</label>"
        f"<input type=radio name=show id=all><label for=all>{escape(say('compare.page.all'))}</label>"
    )
    return f"<section>{choose}{_table(head, rows, 'side')}</section>"


def _mark(score: float) -> str:
    return "✓" if score >= 1 else "✗" if score <= 0 else f"{score:.2f}"


def _table(head: list[str], rows: list[tuple[str, list[str]]], kind: str) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr class='{mark}'>" + "".join(f"<td><pre>{escape(cell)}</pre></td>" for cell in cells) + "</tr>"
        for mark, cells in rows
    )
    return f"<table class={kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
