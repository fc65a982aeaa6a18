"""A trainer whose model is a hash chain: `worker.py RUN_DIR [--resume]`.

Everything around the model is the shipped code: event writer with its coach, sealed checkpoints, rotation, endings,
the rehearsal's record, the memory monitor, an endpoint that is asked, the export's place, the index of documents.
Each acknowledged event is also noted in `acknowledged`, so that a test can tell what may not be lost.
"""

import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from tuner_tui import probe
from tuner_tui.evaluation.endpoint import Endpoint
from tuner_tui.export.place import Place
from tuner_tui.retrieval.build import build
from tuner_tui.runs.coach import CoachedWriter
from tuner_tui.runs.directory import RunDir, write_atomic
from tuner_tui.runs.events import EventKind, ExitReason
from tuner_tui.runs.rehearsed import Rehearsal, keep, rehearsal_of
from tuner_tui.runs.supervisor import claim
from tuner_tui.training import monitor
from tuner_tui.training.checkpoint import PARTIAL, clear_partial, newest_valid, rotate, seal
from tuner_tui.training.failure import Ending, ending_of
from tuner_tui.words import words

TOTAL = 60
SAVE_EVERY = 10
STEP_S = 0.002
PAUSE_S = 0.02
SLOW_S = 0.5
BALLAST_BYTES = 16 << 20
PASSAGES = 40
ORIGIN = {"recipe_sha256": "r", "data_sha256": "d", "threads": 1}


class Gone:
    """A driver's library after the GPU fell off the bus: whatever is asked fails."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"GPU is lost: {name}")


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

    def readings(self) -> list[dict[str, Any]]:
        """What the monitor reads, from a driver that may be gone."""
        library = Gone() if (self.run.path / "no-driver").exists() else None
        if (self.run.path / "slow-driver").exists():
            time.sleep(SLOW_S)
        found = probe.sample(library=library)
        return [{"device": one.device, "source": one.source, "process_bytes": one.process_bytes} for one in found]

    def rehearse(self) -> None:
        """Once a run: what it writes aside is gone before the record of it stands."""
        self.pause("rehearse")
        if rehearsal_of(self.run) is not None:
            return
        aside = self.run.checkpoints / PARTIAL / "checkpoint-1"
        aside.mkdir(parents=True)
        (aside / "bulk").write_bytes(b"0" * 38400)
        time.sleep(PAUSE_S)
        clear_partial(self.run.checkpoints)
        keep(self.run, Rehearsal(device="cpu", source="VmHWM", stages=[], peak_bytes=1))

    def ask(self, question: str) -> None:
        """An answer of a teacher or a judge, asked for once a run."""
        there = Endpoint(
            os.environ["TUNER_FAULT_URL"],
            "teacher",
            cache=self.run.path / "teacher.jsonl",
            timeout_s=0.3,
            sleep=lambda seconds: None,
        )
        assert there.answer([{"role": "user", "content": question}], max_tokens=4) == "4"

    def export(self, state: str) -> None:
        """The result, and the index of the documents: whole or not there."""
        self.pause("export")
        place = Place(self.run.path / "export", ["state", "bulk"], overwrite=True)
        place.write("state", state)
        time.sleep(PAUSE_S)
        place.write("bulk", state * 100)
        place.commit()
        self.pause("index")
        docs = self.run.path / "docs"
        docs.mkdir(exist_ok=True)
        for number in range(PASSAGES):
            (docs / f"{number}.txt").write_text(f"Passage number {number} tells of the word w{number}x.")
        found = build(docs)
        assert found.search("w7x", 1)[0].chunk.file.endswith("7.txt")

    def work(self, resume: bool) -> Ending:
        self.pause("prepare")
        self.run.checkpoints.mkdir(exist_ok=True)
        clear_partial(self.run.checkpoints)
        self.rehearse()
        self.pause("load")
        self.ask("2 + 2?")
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
            ballast = bytearray(BALLAST_BYTES)
            del ballast
            self.tell(EventKind.STEP, step=step, total=TOTAL, loss=2.0 - step / TOTAL, lr=1e-3, step_s=STEP_S)
            if step % SAVE_EVERY == 0:
                self.save(step, state)
            if self.stopping and step < TOTAL:
                self.save(step, state)
                return Ending(ExitReason.STOPPED, 130, "stopped")
        self.pause("evaluate")
        self.ask("3 + 1?")
        self.pause("save")
        self.export(state)
        self.pause("report")
        write_atomic(self.run.report_path, f'{{"success": true, "state": "{state}"}}'.encode())
        return Ending(ExitReason.DONE, 0, "done")


def main(run: RunDir, resume: bool) -> int:
    """Like the training child's own: an ending for everything that can be caught."""
    try:
        writer = CoachedWriter(run.events_path, words("en"))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    with writer as events:
        claim(run)
        worker = Worker(run, events)
        signal.signal(signal.SIGTERM, lambda number, frame: setattr(worker, "asked", True))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        monitor.readings = worker.readings
        try:
            with monitor.Monitor(events, every_s=0.05):
                ending = worker.work(resume)
        except BaseException as error:
            clear_partial(run.checkpoints)
            ending = ending_of(error, words("en").say, "en")
        events.emit(EventKind.EXIT, reason=ending.reason, code=ending.code, text=ending.text)
    return ending.code


if __name__ == "__main__":
    sys.exit(main(RunDir(Path(sys.argv[1])), "--resume" in sys.argv))
