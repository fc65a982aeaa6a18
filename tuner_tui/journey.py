"""The practice journey without a screen: advice, plan, run, proof and exports, each computed by the part it shows."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from advisor.advice import Advice
from advisor.facts import Facts, decode_facts
from advisor.methods import parse_label
from advisor.recipe import Recipe
from advisor.words import Words
from tuner_tui import paths
from tuner_tui.practice_data import practice_data
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.outcome import Outcome, outcome_of
from tuner_tui.runs.outcome import tell as tell_end
from tuner_tui.safe import clean
from tuner_tui.words import words

Tell = Callable[[str], None]
TARGETS = ("recipe", "adapter", "trl-script")
REASONS = 3


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """One export: where it lies and whether every check of it passed."""

    target: str
    out: str
    success: bool
    files: list[str]


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """What `tuner demo --json` prints. `before` and `after` are the report's; None when the run has no report."""

    advice: Advice
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    run: Outcome
    exports: list[Exported]
    seconds: float

    @property
    def success(self) -> bool:
        """The run is a checked success and every export passed its checks."""
        return self.run.success and all(each.success for each in self.exports)


def journey(lang: str, tell: Tell) -> Journey:
    """Walk the whole journey on the shipped model and data; progress goes to `tell`."""
    began = time.monotonic()
    told = words(lang)
    facts = practice_facts()
    tell(told.say("demo.advise"))
    advice = _advise(facts, lang)
    tell(told.say("demo.advised", label=advice.label))
    run = create_run(practice_recipe(facts, advice.label))
    tell(told.say("demo.run", run=run.id, path=run.path))
    outcome = _run(run, told, tell)
    report = outcome.report or {}
    exports = _export(run, told, tell) if outcome.success else []
    return Journey(
        advice=advice,
        before=report.get("before"),
        after=report.get("after"),
        run=outcome,
        exports=exports,
        seconds=round(time.monotonic() - began, 1),
    )


def practice_facts() -> Facts:
    """The practice company's facts, on the hardware of this machine."""
    from tuner_tui.probe import probe

    path = paths.samples() / "facts" / "practice.yaml"
    facts = decode_facts(path.read_bytes(), str(path))
    return msgspec.structs.replace(facts, hardware=probe().hardware)


def _advise(facts: Facts, lang: str) -> Advice:
    from advisor.engine import recommend

    return recommend(facts, lang=lang)


def practice_recipe(facts: Facts, label: str, **data: str | None) -> Recipe:
    """The recipe that the plan's rules make of the practice data for this label, checked before anything starts.

    `data`: what differs from the label's own practice data; the rules count the rows that will be trained on.
    """
    from advisor.defaults import plan_recipe
    from tuner_tui.inspect import inspect
    from tuner_tui.runs.preflight import prepare

    parsed = parse_label(label)
    practice = practice_data(parsed.objectives[-1], parsed.approach)
    used = msgspec.structs.replace(practice.data, **data)
    found = inspect(Path(used.train))
    recipe = plan_recipe(
        facts,
        label,
        practice.model,
        used,
        rows=found.usable_rows,
        tokens_p95=found.tokens.p95 if found.tokens else None,
        name="practice",
    )
    return prepare(msgspec.structs.replace(recipe, evaluation=practice.evaluation), "practice")


def _run(run: RunDir, told: Words, tell: Tell) -> Outcome:
    from tuner_tui.runs.foreground import counted_interrupts, follow
    from tuner_tui.runs.supervisor import launch

    with counted_interrupts() as interrupts:
        launch(run)
        follow(run, interrupts, told, tell)
    outcome = outcome_of(run)
    for line in [] if outcome.success else tell_end(run, outcome, told):
        tell(line)
    return outcome


def _export(run: RunDir, told: Words, tell: Tell) -> list[Exported]:
    exports = []
    for target in TARGETS:
        out = run.path / "exports" / target
        tell(told.say("demo.export", target=target))
        command = [sys.executable, "-P", "-m", "tuner_tui.export", run.id, "--to", target, "--out", str(out), "--json"]
        with (run.path / f"export-{target}.log").open("wb") as log:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=False)
        exports.append(_exported(target, out, done))
    return exports


def _exported(target: str, out: Path, done: subprocess.CompletedProcess[bytes]) -> Exported:
    document = msgspec.json.decode(done.stdout) if done.stdout.strip() else {}
    files = [str(each["path"]) for each in document.get("files", [])]
    success = done.returncode == 0 and document.get("success") is True
    return Exported(target=target, out=str(out), success=success, files=files)


def table(done: Journey, told: Words) -> str:
    """The end of the journey for a person: advice and reasons, before and after, where everything lies."""
    lines = ["", told.say("demo.table.advice", label=done.advice.label)]
    for reason in done.advice.reasons[:REASONS]:
        lines += [f"  - {reason.text}", f"    [{reason.rule}] {'; '.join(work.title for work in reason.sources)}"]
    if done.before and done.after:
        lines += [
            "",
            told.say("demo.table.scores", metric=told.metric(done.after["metric"]), items=done.after["items"]),
        ]
        lines += [told.say(f"demo.table.{when}", **_scores(scores)) for when, scores in _both(done)]
        lines += _answers(done, told)
    lines += ["", told.say("demo.table.run", path=done.run.dir)]
    lines += [_exported_line(each, done, told) for each in done.exports]
    return "\n".join([*lines, "", told.say("demo.table.seconds", seconds=done.seconds)])


def _exported_line(each: Exported, done: Journey, told: Words) -> str:
    if each.success:
        return told.say("demo.table.export", target=each.target, out=each.out)
    log = Path(done.run.dir) / f"export-{each.target}.log"
    return told.say("demo.table.export_failed", target=each.target, log=log)


def _both(done: Journey) -> list[tuple[str, dict[str, Any]]]:
    return [("before", done.before or {}), ("after", done.after or {})]


def _scores(scores: dict[str, Any]) -> dict[str, str]:
    return {name: f"{scores[name]:.3f}" for name in ("score", "low", "high")}


def _answers(done: Journey, told: Words) -> list[str]:
    samples = (done.run.report or {}).get("samples") or []
    if not samples:
        return []
    first = samples[0]
    shown = {name: clean(str(first.get(name) or "-"), 160) for name in ("prompt", "before", "after")}
    return ["", told.say("demo.table.sample", **shown)]
