"""A SkyPilot task that trains the bundle on the first cloud that has the GPU."""

from __future__ import annotations

from typing import Any

from tuner_tui.export.bundle import bundle, local_model
from tuner_tui.export.concrete import beyond_script, without_gpu
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.peer_file import write_yaml

GPU = "L4:1"  # 24 GB, the smallest GPU with bf16 that clouds commonly rent


def export(task: Task) -> Outcome:
    """Write `skypilot/`: the bundle and `task.yaml`."""
    checks = bundle(task, "skypilot")
    resources: dict[str, Any] = {"cpus": "4+"} if without_gpu(task) else {"accelerators": GPU}
    content = {
        "name": "tuner",
        "resources": resources,
        "workdir": ".",
        "setup": "pip install -r requirements.txt",
        "run": "python train.py --out out",
    }
    checks.append(write_yaml(task, "skypilot/task.yaml", content))
    notes = [task.say("note.peer", folder="skypilot", command="sky launch task.yaml")]
    return Outcome(
        checks=checks, notes=[*notes, task.say("note.sky_gpu"), *local_model(task)], unexpressed=beyond_script(task)
    )
