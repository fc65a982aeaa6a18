"""A process that behaves like a training child, in seconds: `standin.py SCENARIO RUN_DIR [--resume]`."""

import json
import signal
import sys
import time
from pathlib import Path

from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.events import EventKind, EventWriter, ExitReason
from tuner_tui.runs.supervisor import claim

TOTAL = 20
HOSTILE = "\x1b]52;c;ZWNobyBwd25lZA==\x07\x1b[31m\x9b2J\u202etxt"


def main(scenario: str, run: RunDir, resume: bool) -> int:
    """Play one scenario; the exit code is the process's."""
    asked = []
    if scenario == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif scenario != "ignores_file":
        signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    print("standin:", scenario, flush=True)
    if scenario == "hostile":
        print(HOSTILE, flush=True)
    with EventWriter(run.events_path) as events:
        claim(run)
        if scenario == "dies_at_once":
            return 3
        events.emit(EventKind.START, id=run.id, label="ft/sft:lora", total=TOTAL, resumed=resume)
        events.emit(EventKind.PHASE, name="train" if scenario != "hostile" else HOSTILE)
        return play(scenario, run, events, asked)


def play(scenario: str, run: RunDir, events: EventWriter, asked: list[int]) -> int:
    """The steps and the end."""
    step = 0
    while scenario in ("endless", "deaf", "ignores_file") or step < TOTAL:
        step += 1
        events.emit(EventKind.STEP, step=step, total=TOTAL, loss=1 / step, lr=1e-4, step_s=0.01, tokens_per_s=100.0)
        if scenario in ("endless", "deaf", "ignores_file"):
            time.sleep(0.01)
        heard = run.stop_path.exists() and scenario == "endless"
        if heard or (asked and scenario == "endless"):
            events.emit(EventKind.CHECKPOINT, step=step, path=f"checkpoints/{step}")
            events.emit(EventKind.EXIT, reason=ExitReason.STOPPED, code=0, text="stopped")
            return 0
    if scenario == "hostile":
        events.emit(EventKind.WARN, code=HOSTILE, text=HOSTILE)
        events.emit(EventKind.EVAL, when="before", metric=HOSTILE, score=0.1, items=3)
        return 9
    if scenario == "bad_input":
        events.emit(EventKind.EXIT, reason=ExitReason.ERROR, code=2, text="row 3 is wrong")
        return 2
    if scenario == "oom":
        events.emit(EventKind.EXIT, reason=ExitReason.OOM, code=1)
        return 1
    report(run, success=scenario == "success")
    events.emit(EventKind.EXIT, reason=ExitReason.DONE, code=0)
    return 0


def report(run: RunDir, success: bool) -> None:
    """The claim."""
    score = {"metric": "exact_match", "low": 0.0, "high": 1.0, "items": 10, "loss": 1.0}
    checks = [
        {"id": "steps", "passed": True, "text": "all steps were done", "value": TOTAL},
        {"id": "rose", "passed": success, "text": "the held-out score did not rise", "value": 0.0},
    ]
    after = 0.9 if success else 0.1
    claim = {
        "success": success,
        "checks": checks,
        "before": {**score, "score": 0.1},
        "after": {**score, "score": after},
    }
    run.report_path.write_text(json.dumps({"id": run.id, **claim}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], RunDir(Path(sys.argv[2])), "--resume" in sys.argv))
