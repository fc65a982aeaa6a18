"""A process that tells a rich run through real events: `player.py SCENARIO RUN_DIR`."""

import sys
import time
from pathlib import Path

from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.events import EventKind, EventWriter, ExitReason

TRAP = "[red]x[/] \x1b]52;c;ZQ==\x07\x1b[31m \u202e\u2066rtl 한글 🦊 " + "길" * 300
GIB = 1 << 30


def main(scenario: str, run: RunDir) -> int:
    """Steps with everything that a panel can show; `endless` waits for the stop file."""
    print("player:", TRAP, flush=True)
    with EventWriter(run.events_path) as events:
        events.emit(
            EventKind.START, id=run.id, label="ft/dpo:qlora", objective="dpo", technique="qlora", total=60,
            model="m", device="NVIDIA Test", parameters=8_000_000_000, trainable=40_000_000, versions={"torch": "2"},
        )  # fmt: skip
        events.emit(EventKind.PHASE, name="train")
        for step in range(1, 61):
            loss = float("nan") if step == 31 else 2.0 / step + 0.1
            events.emit(
                EventKind.STEP, step=step, total=60, epoch=step / 20, loss=loss, lr=2e-4 * (1 - step / 60),
                grad_norm=1.0 + step % 5, tokens=step * 100, tokens_per_s=1234.5, step_s=0.5,
                rewards_margin=step / 60, rewards_accuracy=min(1.0, step / 30),
            )  # fmt: skip
            if step % 10 == 0:
                events.emit(EventKind.EVAL, step=step, loss=2.2 / step + 0.2)
                events.emit(EventKind.SAMPLE, step=step, prompt=TRAP, text=f"now {step}", base="base", reference=TRAP)
                for device in ("cuda:0", "cuda:1"):
                    events.emit(
                        EventKind.GPU, device=device, source="nvml", used_bytes=20 * GIB, total_bytes=24 * GIB,
                        process_bytes=17 * GIB, util_pct=97.0, temp_c=65.0, power_w=310.0,
                    )  # fmt: skip
        events.emit(EventKind.CHECKPOINT, step=60, path="checkpoints/60")
        events.emit(EventKind.WARN, code="trap", text=TRAP)
        if scenario in ("coached", "endless"):
            evidence = {"best_step": 10, "best": "0.42", "now": "0.51"}
            events.emit(
                EventKind.COACH, id="COA008", text="said in another language", action="stop", step=60, evidence=evidence
            )
        while scenario == "endless" and not run.stop_path.exists():
            time.sleep(0.01)
        events.emit(EventKind.EXIT, reason=ExitReason.STOPPED if scenario == "endless" else ExitReason.DONE, code=0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], RunDir(Path(sys.argv[2]))))
