"""One Python file repeats the run without tuner: same rows, same split, same masks, same numbers, same losses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from advisor.methods import Objective, Technique
from tuner_tui.export.concrete import beyond_script
from tuner_tui.export.outcome import Check, Outcome, Task
from tuner_tui.export.script_text import script
from tuner_tui.safe import clean

SUPERVISED = ("rows", "pairs", "split", "model", "speak", "config", "order", "speed", "sft", "main")
PIECES = {
    **dict.fromkeys(
        (Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL, Objective.DISTILL), SUPERVISED
    ),
    Objective.CPT: ("rows", "texts", "split", "model", "speak", "config", "order", "speed", "cpt", "main"),
    Objective.KTO: ("rows", "feedback", "split", "model", "speak", "config", "kto", "main"),
    Objective.DPO: ("rows", "preferences", "split", "model", "speak", "config", "compared", "dpo", "main"),
    Objective.ORPO: ("rows", "preferences", "split", "model", "speak", "config", "compared", "orpo", "main"),
}


def export(task: Task) -> Outcome:
    """Write `train.py`, and let it say which rows it would train on."""
    path = task.place.write("train.py", script(task, pieces_of(task)))
    return Outcome(
        checks=[reads_the_same(task, path)], notes=[task.say("note.script")], unexpressed=beyond_script(task)
    )


def pieces_of(task: Task) -> tuple[str, ...]:
    """The pieces that the recipe's label needs; InputError when there are none for it."""
    return PIECES[task.source.one_stage(PIECES, Technique)]


def reads_the_same(task: Task, path: Path) -> Check:
    """Run the script's own `--check-data` in a fresh process and compare with our rows."""
    from tuner_tui.export.rows import fingerprint

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
