"""How a run ended is a checked claim: success only when its report says so, else words that say what happened."""

from __future__ import annotations

import os
import signal
from typing import Any

import msgspec

from advisor.words import Words
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import exit_code
from tuner_tui.runs.view import RunView
from tuner_tui.runs.watch import glance
from tuner_tui.safe import clean

LOG_LINES = 12
LOG_BYTES = 1 << 14


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of `tuner run` (contract 4.2). `reason` is the exit event's; None when there is none."""

    id: str
    dir: str
    state: RunState
    reason: str | None = None
    report: dict[str, Any] | None = None

    @property
    def success(self) -> bool:
        """Whether the run did its steps, with finite numbers, and its held-out score rose."""
        return self.state is RunState.FINISHED and bool(self.report) and (self.report or {}).get("success") is True


def outcome_of(run: RunDir) -> Outcome:
    """What can be said of the run now; a report counts only once the run has finished."""
    state = state_of(run)
    view = glance(run)
    return Outcome(
        id=run.id,
        dir=str(run.path),
        state=state,
        reason=view.exit_reason if state.ended else None,
        report=run.report() if state is RunState.FINISHED else None,
    )


def tell(run: RunDir, outcome: Outcome, words: Words) -> list[str]:
    """What happened, in words, line by line, with what to do next."""
    view = glance(run)
    if outcome.state is RunState.FINISHED:
        return _finished(run, outcome, words)
    if outcome.state is RunState.STOPPED:
        return [words.say("runs.end.stopped", step=view.step, total=_total(view)), *_checkpoint(run, view, words)]
    if outcome.state is RunState.FAILED:
        key = f"runs.reason.{view.exit_reason}"
        why = view.exit_text or words.say(key if words.has(key) else "runs.reason.error")
        return [words.say("runs.end.failed", why=why), words.say("runs.end.log", path=run.log_path)]
    if outcome.state is RunState.CRASHED:
        return _crashed(run, view, words)
    return [words.say("runs.end.goes_on", state=words.say(f"runs.state.{outcome.state}"), run=run.id)]


def _finished(run: RunDir, outcome: Outcome, words: Words) -> list[str]:
    report = outcome.report
    if report is None:
        return [words.say("runs.end.no_report", path=run.report_path)]
    scores = _scores(report, words)
    if outcome.success:
        return [words.say("runs.end.success"), *scores, words.say("runs.end.kept", path=run.path)]
    failed = [check for check in _list(report.get("checks")) if not check.get("passed")]
    texts = [clean(check.get("text") or check.get("id") or "?", 400) for check in failed]
    return [words.say("runs.end.no_success"), *(f"  - {text}" for text in texts), *scores]


def _scores(report: dict[str, Any], words: Words) -> list[str]:
    before, after = (report.get(name) if isinstance(report.get(name), dict) else None for name in ("before", "after"))
    if not before or not after:
        return []
    metric = clean(after.get("metric") or "?", 60)
    return [
        words.say(
            "runs.end.scores",
            metric=words.metric(metric),
            before=_score(before.get("score")),
            after=_score(after.get("score")),
            items=after.get("items") or "?",
        )
    ]


def _crashed(run: RunDir, view: RunView, words: Words) -> list[str]:
    lines = [words.fault("runs.end.crashed", step=view.step, total=_total(view))]
    code = exit_code(run)
    if code is not None and code < 0:
        lines.append(words.say("runs.end.signal", signal=signal.Signals(-code).name))
        if -code == signal.SIGKILL:
            lines.append(words.say("runs.end.killed"))
    last = log_tail(run)
    if last:
        lines += [words.say("runs.end.log_tail", path=run.log_path), *(f"  | {line}" for line in last)]
    return [*lines, *_checkpoint(run, view, words)]


def _checkpoint(run: RunDir, view: RunView, words: Words) -> list[str]:
    if not view.checkpoints:
        return [words.say("runs.end.no_checkpoint", run=run.id)]
    return [words.say("runs.end.resume", step=view.checkpoints[-1][0], run=run.id)]


def log_tail(run: RunDir, lines: int = LOG_LINES) -> list[str]:
    """The last lines that the process printed, cleaned."""
    try:
        fd = os.open(run.log_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, LOG_BYTES, max(0, size - LOG_BYTES))
    finally:
        os.close(fd)
    # A progress bar redraws its line with carriage returns: only its last state is of interest.
    found = [line.rstrip("\r").rpartition("\r")[2] for line in data.decode(errors="replace").split("\n")]
    return [clean(line, 300) for line in found if line.strip()][-lines:]


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _score(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "?"


def _total(view: RunView) -> str:
    return "?" if view.total is None else str(view.total)
