"""The report as one HTML file that loads nothing, runs nothing, and treats every text from a model as text."""

from __future__ import annotations

from html import escape
from typing import Any

from tuner_tui.training.job import Job

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5dae1; --good: #12715b; --bad: #a4262c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --paper: #14171b; --line: #363d47; --good: #5fd0ae; --bad: #ff8a80 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 52rem; padding: 2rem 1.25rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Noto Sans KR", sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere }
.yes { color: var(--good) }
.no { color: var(--bad) }
.note { opacity: .75 }
ul { list-style: none; padding: 0 }
pre { white-space: pre-wrap; margin: 0; font: inherit; font-variant-numeric: tabular-nums }
"""


def page(job: Job, report: dict[str, Any]) -> str:
    """The whole page, in the run's language."""
    say = job.say
    verdict = "success" if report["success"] else "no_success"
    mark = "yes" if report["success"] else "no"
    parts = [
        f"<h1>{escape(report['id'])}</h1><p class=note>{escape(report['label'])} · {escape(report['model'])}</p>",
        f"<p class={mark}><b>{escape(say(f'training.page.{verdict}'))}</b></p>",
        _checks(report["checks"]),
        f"<h2>{escape(say('training.page.scores'))}</h2>{_scores(job, report)}",
        f"<h2>{escape(say('training.page.samples'))}</h2>{_samples(job, report['samples'])}",
        f"<h2>{escape(say('training.page.facts'))}</h2>{_facts(job, report)}",
    ]
    title = escape(f"{report['id']} — tuner")
    head = (
        f"<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>{title}</title>"
    )
    top = f"<!doctype html><html lang={job.words.lang}><head>{head}<style>{STYLE}</style></head>"
    return f"{top}<body>{''.join(parts)}</body></html>\n"


def _checks(found: list[dict[str, Any]]) -> str:
    rows = (
        f"<li class={'yes' if check['passed'] else 'no'}>{'✓' if check['passed'] else '✗'} {escape(check['text'])}</li>"
        for check in found
    )
    return f"<ul>{''.join(rows)}</ul>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td><pre>{escape(cell)}</pre></td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _scores(job: Job, report: dict[str, Any]) -> str:
    say = job.say
    head = [
        "",
        str(report["after"]["metric"]),
        say("training.page.interval"),
        say("training.page.loss"),
        say("training.page.items"),
    ]
    rows = []
    for when in ("before", "after"):
        found = report[when]
        loss = "—" if found["loss"] is None else f"{found['loss']:.3f}"
        interval = f"{found['low']:.3f} … {found['high']:.3f}"
        rows.append([say(f"training.page.{when}"), f"{found['score']:.3f}", interval, loss, str(found["items"])])
    return _table(head, rows) + _refusals(job, report["refusals"])


def _refusals(job: Job, counted: dict[str, Any] | None) -> str:
    """How often what should be refused is, and what should be answered; "" where refusing is not the objective."""
    if counted is None:
        return ""
    say, rows = job.say, []
    for when in ("before", "after"):
        found = counted[when]
        shares = [found["refused"], found["over_refused"]]
        rows.append([say(f"training.page.{when}"), *("—" if each is None else f"{each:.3f}" for each in shares)])
    head = ["", say("training.page.refused", count=found["to_refuse"])]
    return _table([*head, say("training.page.over_refused", count=found["to_answer"])], rows)


def _samples(job: Job, samples: list[dict[str, str]]) -> str:
    head = [job.say(f"training.page.{name}") for name in ("prompt", "before", "after", "reference")]
    return _table(head, [[each["prompt"], each["before"], each["after"], each["reference"]] for each in samples])


def _facts(job: Job, report: dict[str, Any]) -> str:
    say, peak = job.say, report["peak"]["bytes"]
    rows = [
        [say("training.page.steps"), str(report["steps"])],
        [say("training.page.seconds"), f"{report['seconds']:.1f}"],
        [say("training.page.tokens"), str(report["tokens"])],
        [say("training.page.peak"), "—" if peak is None else f"{peak / 2**30:.2f} GiB ({report['peak']['source']})"],
        [say("training.page.versions"), ", ".join(f"{name} {value}" for name, value in report["versions"].items())],
        *_adjusted(job, report["adjusted"]),
        ["recipe sha256", report["recipe_sha256"]],
    ]
    return _table([say("training.page.fact"), say("training.page.measured")], rows)


def _adjusted(job: Job, found: dict[str, Any] | None) -> list[list[str]]:
    """What the run did differently since memory ran out; nothing where it did not."""
    if found is None:
        return []
    told = [f"{name} {str(found[name]).lower()}" for name in ("micro_batch", "grad_accum", "grad_ckpt")]
    told += [f"max_length {found['max_length']}"] if found["max_length"] else []
    return [[job.say("training.page.adjusted", times=found["times"]), ", ".join(told)]]
