"""A trainer whose model is a hash chain: `worker.py RUN_DIR [--resume]`.

Everything around the model is the shipped code: event writer with its coach, sealed checkpoints, rotation, endings.
Each acknowledged event is also noted in `acknowledged`, so that a test can tell what may not be lost.
"""

import hashlib
import os
import signal
import sys
import time
from pathlib import Path

from tuner_tui.runs.coach import CoachedWriter
from tuner_tui.runs.directory import RunDir, write_atomic
from tuner_tui.runs.events import EventKind, ExitReason
from tuner_tui.training.checkpoint import PARTIAL, clear_partial, newest_valid, rotate, seal
from tuner_tui.training.failure import Ending, ending_of
from tuner_tui.words import words

TOTAL = 60
SAVE_EVERY = 10
STEP_S = 0.002
PAUSE_S = 0.02
ORIGIN = {"recipe_sha256": "r", "data_sha256": "d", "threads": 1}


class Worker:
    """One attempt."""

    def __init__(self, run: RunDir, events: CoachedWriter) -> None:
        self.run = run
        self.events = events
        self.asked = False
        self.notes = os.open(run.path / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def tell(self, kind: EventKind, **fields: object) -> None:
        """Write an event; only then is it acknowledged."""
        self.events.emit(kind, **fields)
        os.write(self.notes, f"{kind.value} {fields.get('step', fields.get('name', ''))}\n".encode())

    def pause(self, phase: str) -> None:
        self.tell(EventKind.PHASE, name=phase)
        time.sleep(PAUSE_S)

    @property
    def stopping(self) -> bool:
        return self.asked or self.run.stop_path.exists()

    def save(self, step: int, state: str) -> None:
        folder = self.run.checkpoints / PARTIAL / f"checkpoint-{step}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state").write_text(state)
        (folder / "bulk").write_bytes(state.encode() * 600)
        path = seal(self.run.checkpoints, step, eval_loss=None, **ORIGIN)
        rotate(self.run.checkpoints, 2)
        self.tell(EventKind.CHECKPOINT, step=step, path=str(path.relative_to(self.run.path)))

    def work(self, resume: bool) -> Ending:
        self.pause("prepare")
        self.run.checkpoints.mkdir(exist_ok=True)
        clear_partial(self.run.checkpoints)
        self.pause("load")
        found, manifest, _ = newest_valid(self.run.checkpoints) if resume else (None, None, [])
        step = manifest.step if manifest else 0
        state = (found / "state").read_text() if found else "0" * 64
        self.tell(EventKind.START, id=self.run.id, label="ft/sft:lora", total=TOTAL, resumed=resume)
        self.pause("baseline")
        self.tell(EventKind.PHASE, name="train")
        while step < TOTAL:
            step += 1
            state = hashlib.sha256(f"{state}{step}".encode()).hexdigest()
            time.sleep(STEP_S)
            self.tell(EventKind.STEP, step=step, total=TOTAL, loss=2.0 - step / TOTAL, lr=1e-3, step_s=STEP_S)
            if step % SAVE_EVERY == 0:
                self.save(step, state)
            if self.stopping and step < TOTAL:
                self.save(step, state)
                return Ending(ExitReason.STOPPED, 130, "stopped")
        for phase in ("evaluate", "save", "report"):
            self.pause(phase)
        write_atomic(self.run.report_path, f'{{"success": true, "state": "{state}"}}'.encode())
        return Ending(ExitReason.DONE, 0, "done")


def main(run: RunDir, resume: bool) -> int:
    """Like the training child's own: an ending for everything that can be caught."""
    with CoachedWriter(run.events_path, words("en")) as events:
        worker = Worker(run, events)
        signal.signal(signal.SIGTERM, lambda number, frame: setattr(worker, "asked", True))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            ending = worker.work(resume)
        except BaseException as error:
            clear_partial(run.checkpoints)
            ending = ending_of(error, words("en").say, "en")
        events.emit(EventKind.EXIT, reason=ending.reason, code=ending.code, text=ending.text)
    return ending.code


if __name__ == "__main__":
    sys.exit(main(RunDir(Path(sys.argv[1])), "--resume" in sys.argv))
