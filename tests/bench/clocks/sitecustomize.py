"""On PYTHONPATH, whatever process trains writes a line at the end of each step, and ours also where a phase begins.

One JSON object a line into `$TUNER_CLOCKS/PID.jsonl`: `name`, wall seconds (`at`), processor seconds of the whole
process with all its threads (`cpu`). The same code times our run and the plain script, from outside both.
"""

import importlib.abc
import importlib.util
import json
import os
import sys
import time

PLACES = {
    "transformers.trainer_callback": ("CallbackHandler", "on_step_end"),
    "tuner_tui.training.job": ("Job", "phase"),
}


def write(name):
    line = {"name": name, "at": time.time(), "cpu": time.process_time()}
    with open(os.path.join(os.environ["TUNER_CLOCKS"], f"{os.getpid()}.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def timed(kind, method):
    inner = getattr(kind, method)

    def outer(self, *args, **kwargs):
        write(args[0] if method == "phase" else "step")
        return inner(self, *args, **kwargs)

    setattr(kind, method, outer)


class Watcher(importlib.abc.MetaPathFinder):
    """Lets a module of PLACES be found as ever, and times its method once it has been run."""

    def find_spec(self, name, path, target=None):
        if name not in PLACES:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            kind, method = PLACES[name]
            timed(getattr(module, kind), method)

        spec.loader.exec_module = exec_module
        return spec


if os.environ.get("TUNER_CLOCKS"):
    sys.meta_path.insert(0, Watcher())
