"""Success is a checked claim: the steps were done, the numbers are finite, the held-out score rose."""

from __future__ import annotations

from typing import Any

import msgspec

from advisor.methods import Objective
from advisor.recipe import Metric
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.interval import mean
from tuner_tui.evaluation.measure import Measured
from tuner_tui.evaluation.paired import difference
from tuner_tui.evaluation.refusals import Refusals, count_refusals
from tuner_tui.redact import redacted, redactor
from tuner_tui.runs.adjust import adjustment_of
from tuner_tui.runs.directory import write_atomic
from tuner_tui.runs.rehearsed import rehearsal_of
from tuner_tui.training.checkpoint import file_hash
from tuner_tui.training.job import Job
from tuner_tui.training.page import page
from tuner_tui.training.result import versions

WORSE_NATS = 0.5  # per token: e^0.5 = 1.6 times as surprised by every word of the wanted answers


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished run measured. `best`: the step whose weights were taken, None = the last.

    `seconds` is training alone, `peak_bytes` what this process held at most.
    """

    before: Measured
    after: Measured
    held_out: list[Example]
    steps: int
    planned: int
    tokens: int
    seconds: float
    finite: bool
    peak_bytes: int | None
    peak_source: str | None
    best: int | None = None
    kept_before: Measured | None = None
    kept_after: Measured | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of success, with the value it was judged by."""

    id: str
    passed: bool
    text: str
    value: Any


def checks(job: Job, outcome: Outcome) -> list[Check]:
    """The conditions, in words of the run's language."""
    rose = outcome.after.improved_on(outcome.before)
    numbers = {"before": outcome.before.score, "after": outcome.after.score}
    key = "rose" if rose else "ceiling" if outcome.before.at_ceiling else "did_not_rise"
    return [
        _check(job, "steps", outcome.steps >= outcome.planned, done=outcome.steps, planned=outcome.planned),
        _check(job, "finite", outcome.finite),
        Check(
            id="score",
            passed=rose,
            text=job.say(f"training.check.{key}", metric=job.words.metric(outcome.after.metric), **numbers),
            value=numbers,
        ),
        *_sound(job, outcome),
        *_refuses(job, outcome),
    ]


def _sound(job: Job, outcome: Outcome) -> list[Check]:
    """A ranking alone can be won by a model that says nothing sensible: its wanted answers must stay likely."""
    before, after = outcome.before.loss, outcome.after.loss
    if outcome.after.metric is not Metric.PREFERENCE or before is None or after is None:
        return []
    return [_check(job, "sound", after <= before + WORSE_NATS, before=before, after=after)]


def refusals(job: Job, outcome: Outcome) -> tuple[Refusals, Refusals] | None:
    """Right and wrong refusals before and after; None where refusing is not the objective or nothing was answered."""
    said = (outcome.before.answers, outcome.after.answers)
    if Objective.REFUSAL not in job.label.objectives or any(len(each) != len(outcome.held_out) for each in said):
        return None
    wanted = [example.completion for example in outcome.held_out]
    return count_refusals(wanted, said[0]), count_refusals(wanted, said[1])


def _refuses(job: Job, outcome: Outcome) -> list[Check]:
    """To refuse what was answered before, more often than chance would, is no success (XSTest, Röttger et al. 2024)."""
    counted = refusals(job, outcome)
    if counted is None or not counted[0].to_answer:
        return []
    before, after = (each.wrongly for each in counted)
    found = difference(after, before)
    worse = found.real and found.mean > 0
    numbers = {"before": mean(before), "after": mean(after), "count": len(after)}
    return [_check(job, "over_refusal", not worse, **numbers)]


def _check(job: Job, name: str, passed: bool, **values: Any) -> Check:
    verdict = "yes" if passed else "no"
    return Check(id=name, passed=passed, text=job.say(f"training.check.{name}_{verdict}", **values), value=values)


def write_report(job: Job, outcome: Outcome) -> dict[str, Any]:
    """Write report.json and report.html; returns the report."""
    judged = checks(job, outcome)
    report = {
        "id": job.run.id,
        "label": job.recipe.label,
        "model": job.recipe.model.id,
        "success": all(check.passed for check in judged),
        "checks": msgspec.to_builtins(judged),
        "before": _score(outcome.before),
        "after": _score(outcome.after),
        "kept": _kept(outcome),
        "refusals": _refusals(job, outcome),
        "samples": _samples(job, outcome),
        "steps": outcome.steps,
        "best_step": outcome.best,
        "seconds": round(outcome.seconds, 2),
        "tokens": outcome.tokens,
        "peak": {"bytes": outcome.peak_bytes, "source": outcome.peak_source, **_counted_on(outcome.peak_source)},
        "rehearsal": msgspec.to_builtins(rehearsal_of(job.run)),
        "adjusted": msgspec.to_builtins(adjustment_of(job.run)),
        "versions": versions(),
        "recipe_sha256": file_hash(job.run.recipe_path),
        "numbers": NUMBERS,
    }
    report = dict(redacted(report, redactor()))
    write_atomic(job.run.report_path, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    write_atomic(job.run.path / "report.html", page(job, report).encode())
    return report


def _counted_on(source: str | None) -> dict[str, str | None]:
    """The GPU and the driver that counted the peak: later estimates are corrected for the same ones only."""
    if source != "nvml":
        return {}
    import torch

    from tuner_tui.probe import nvml

    library = nvml.start(nvml.load()).library
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"gpu": name, "driver": nvml.driver_versions(library)[0] if library else None}


NUMBERS = {
    "before": "measured",
    "after": "measured",
    "steps": "measured",
    "seconds": "measured",
    "tokens": "measured",
    "peak": "measured",
    "refusals": "measured",
    "low": "computed",
    "high": "computed",
}


def _score(found: Measured) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("metric", "score", "low", "high", "items", "loss")}


def _kept(outcome: Outcome) -> dict[str, Any] | None:
    """What an earlier run could do, before and after this one; None when nothing earlier was named."""
    if outcome.kept_before is None or outcome.kept_after is None:
        return None
    return {"before": _score(outcome.kept_before), "after": _score(outcome.kept_after)}


def _refusals(job: Job, outcome: Outcome) -> dict[str, Any] | None:
    """Right and wrong refusals before and after; None where refusing is not the objective."""
    counted = refusals(job, outcome)
    if counted is None:
        return None
    names = ("refused", "over_refused", "to_refuse", "to_answer")
    told = ({name: getattr(each, name) for name in names} for each in counted)
    return dict(zip(("before", "after"), told, strict=True))


def _samples(job: Job, outcome: Outcome) -> list[dict[str, str]]:
    count = min(job.recipe.evaluation.samples, len(outcome.held_out), len(outcome.after.answers))
    shown = zip(outcome.held_out[:count], outcome.before.answers, outcome.after.answers, strict=False)
    return [
        {"prompt": example.question, "reference": example.completion, "before": before, "after": after}
        for example, before, after in shown
    ]
