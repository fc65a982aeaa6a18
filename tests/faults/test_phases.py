"""The real training child is disturbed in every phase of a run, resumed each time, and ends as if undisturbed."""

import signal
import threading
import time
from pathlib import Path

import pytest
from test_kill import DEADLINE_S, ended, new_run, tiny

from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.identity import alive, send
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import launch, resume
from tuner_tui.runs.watch import glance

__all__ = ["tiny"]
PHASES = ("prepare", "load", "rehearse", "baseline", "train", "evaluate", "save", "report")


def disturb(run: RunDir, phase: str, number: signal.Signals, attempt_from: int) -> RunState:
    """Send the signal once this attempt has come to the phase; the state when the process is gone."""
    end, pause = time.monotonic() + DEADLINE_S, threading.Event()
    told = f'"name":"{phase}"'.encode()
    while told not in run.events_path.read_bytes()[attempt_from:] and not state_of(run).ended:
        assert time.monotonic() < end
        pause.wait(0.005)
    info = run.info()
    assert info is not None
    assert info.identity is not None
    send(info.identity, number)
    while alive(info.identity):
        assert time.monotonic() < end
        pause.wait(0.01)
    return state_of(run)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_every_phase_may_be_interrupted(tiny: Path, number: signal.Signals) -> None:
    whole = new_run(tiny, "ft/sft:lora", 1)
    launch(whole, keep=())
    wanted = ended(whole)
    run = new_run(tiny, "ft/sft:lora", 1)
    launch(run, keep=())
    seen: dict[str, RunState] = {}
    begin = 0
    for phase in PHASES:
        while not run.events_path.exists():
            threading.Event().wait(0.01)
        seen[phase] = disturb(run, phase, number, begin)
        if seen[phase] is RunState.FINISHED:
            break
        begin = run.events_path.stat().st_size
        resume(run)
    print({phase: str(state) for phase, state in seen.items()}, glance(run).step)
    allowed = (
        {RunState.STOPPED, RunState.FINISHED} if number is signal.SIGTERM else {RunState.CRASHED, RunState.FINISHED}
    )
    assert set(seen.values()) <= allowed
    assert len(seen) >= 4
    assert ended(run) == wanted
