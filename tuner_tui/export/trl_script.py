"""One Python file repeats the run without tuner: same rows, same split, same masks, same numbers, same losses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from advisor.methods import Objective, Technique
from tuner_tui.export.concrete import beyond_script
from tuner_tui.export.outcome import Check, Outcome, Task
from tuner_tui.export.rows import as_learned, fingerprint
from tuner_tui.export.script_text import script
from tuner_tui.export.staged import stages_of
from tuner_tui.safe import clean

JUDGED = ("split", "model", "answer", "loss", "speak", "config")
ONLINE = ("answer", "speak", "config", "online")
SUPERVISED = ("rows", "pairs", *JUDGED, "order", "speed", "sft", "main")
PIECES = {
    **dict.fromkeys(
        (Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL, Objective.DISTILL), SUPERVISED
    ),
    Objective.CPT: ("rows", "texts", *JUDGED, "order", "speed", "cpt", "main"),
    Objective.KTO: ("rows", "liked", "feedback", *JUDGED, "kto", "main"),
    Objective.DPO: ("rows", "preferences", *JUDGED, "compared", "dpo", "main"),
    Objective.ORPO: ("rows", "preferences", *JUDGED, "compared", "orpo", "main"),
    Objective.GRPO: ("rows", "pairs", "split", "model", "rewards", *ONLINE, "earning", "grpo", "main"),
    Objective.RLHF_PPO: ("rows", "preferences", "split", "model", *ONLINE, "ranking", "compared", "rlhf", "main"),
}


def export(task: Task) -> Outcome:
    """Write `train.py`, for a chain of stages `chain/` with a script for each, and let them say what they train on."""
    stages = stages_of(task)
    notes = [task.say("note.script")]
    if len(stages) == 1:
        return Outcome(checks=[write(task, "train.py")], notes=notes, unexpressed=beyond_script(task))
    checks = [write(stage, f"chain/{stage.source.recipe.name}/train.py") for stage in stages]
    names = [stage.source.recipe.name for stage in stages]
    task.place.write("chain/run.sh", in_order(names)).chmod(0o755)
    missing = {key: why for stage in stages for key, why in beyond_script(stage).items()}
    return Outcome(checks=checks, notes=[task.say("note.chain")], unexpressed=missing)


def write(task: Task, name: str) -> Check:
    """Write one script, with its rows beside it where the recipe's own files do not hold them."""
    folder = name.removesuffix("train.py")
    pieces = pieces_of(task)
    known, beside = as_learned(task, folder)
    return reads_the_same(known, task.place.write(name, script(known, pieces, bundled=beside)))


def in_order(names: list[str]) -> str:
    """A shell script that trains one stage after the other."""
    lines = [f'python3 {name}/train.py --out {name}/out "$@"' for name in names]
    return "\n".join(["#!/bin/sh", "# Every stage begins with what the one before left.", "set -e",
                      'cd "$(dirname "$0")"', *lines, ""])  # fmt: skip


def pieces_of(task: Task) -> tuple[str, ...]:
    """The pieces that the recipe's label needs; InputError when there are none for it."""
    return PIECES[task.source.one_stage(PIECES, Technique, goes_on=True)]


def reads_the_same(task: Task, path: Path) -> Check:
    """Run the script's own `--check-data` in a fresh process and compare with our rows."""
    wanted = fingerprint(task)
    done = subprocess.run(
        [sys.executable, "-I", str(path), "--check-data"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    said = (done.stdout.strip().splitlines() or [""])[-1]
    found = json.loads(said) if done.returncode == 0 and said.startswith("{") else {}
    if not found:
        print(clean(done.stderr, 1 << 20, lines=True), file=sys.stderr)
    same = found == wanted
    return task.check("script_rows", same, value={"ours": wanted, "script": found}, rows=wanted["train"])
