"""A Slurm job that trains the bundle: `sbatch job.sbatch` from its folder, one node, one GPU where one is needed."""

from __future__ import annotations

import re
import shlex

from tuner_tui.export.bundle import bundle, local_model
from tuner_tui.export.concrete import beyond_script, without_gpu
from tuner_tui.export.outcome import Outcome, Task


def export(task: Task) -> Outcome:
    """Write `slurm/`: the bundle and `job.sbatch`."""
    checks = bundle(task, "slurm")
    task.place.write("slurm/job.sbatch", job(task))
    notes = [task.say("note.peer", folder="slurm", command="sbatch job.sbatch"), *local_model(task)]
    return Outcome(checks=checks, notes=[*notes, task.say("note.slurm_time")], unexpressed=beyond_script(task))


def job(task: Task) -> str:
    """The batch script. No time limit is written, because none is known: the cluster's default holds."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", task.source.name)[:60] or "tuner"
    gpu = [] if without_gpu(task) else ["#SBATCH --gres=gpu:1"]
    return "\n".join(
        [
            "#!/bin/bash",
            f"#SBATCH --job-name={name}",
            "#SBATCH --nodes=1",
            "#SBATCH --ntasks=1",
            "#SBATCH --cpus-per-task=4",
            *gpu,
            "#SBATCH --output=%x-%j.log",
            "set -euo pipefail",
            'cd "${SLURM_SUBMIT_DIR:-.}"',
            "if [ ! -d venv ]; then python3 -m venv venv && venv/bin/pip install -r requirements.txt; fi",
            'export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-4}"',
            f'srun venv/bin/python train.py --out {shlex.quote(name)}-"$SLURM_JOB_ID"',
            "",
        ]
    )
