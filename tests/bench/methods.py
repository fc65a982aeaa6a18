"""Every tuning method on the practice data, planned by our rules and run for real: `python tests/bench/methods.py`.

One Markdown row a method: held-out score before and after, training seconds, whether every check passed. Name methods
(LABEL, or LABEL with KEY=VALUE changes to the plan in one argument) to run only those. Nothing is looked up: each row
is read from the report of the run just made.
"""

import json
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

METHODS = (
    *(f"ft/sft:{technique}" for technique in ("full", "lora", "qlora", "prefix", "prompt")),
    "ft/sft:lora adapter.dora=true",
    "ft/sft:lora adapter.rslora=true",
    *("ft/cpt:full", "ft/cpt:lora", "ft/cpt:lora train.packing=true"),
    *(f"ft/{kind}:lora" for kind in ("style", "domain_qa", "refusal", "sft+refusal", "dpo", "orpo", "kto")),
    *("ft/grpo:lora", "ft/rlhf_ppo:lora", "ft/distill:lora"),
    *("ft/sft>dpo:lora", "ft/cpt>sft>dpo:lora", "rag_ft/domain_qa:lora"),
)
LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes")
TUNER = (sys.executable, "-m", "tuner_tui")


def run(method: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Plan and run one method as a user would; the exit code and the report."""
    label, *changes = method.split()
    recipe = folder / "recipe.yaml"
    if "distill" in label:
        changes.append(f"teacher.model={teacher(folder)}")
    asked = [f"--set={change}" for change in changes]
    subprocess.run(
        [*TUNER, "plan", "--practice", "--label", label, "--out", str(recipe), *asked], check=True, capture_output=True
    )
    done = subprocess.run([*TUNER, "run", str(recipe), "--json"], capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    found = json.loads(last)
    return done.returncode, (found.get("report") or {}) | {"dir": found.get("dir")}


def teacher(folder: Path) -> Path:
    """A model that knows more than the student: the practice model after full supervised tuning."""
    known = folder / "teacher"
    known.mkdir()
    code, found = run("ft/sft:full", known)
    assert code == 0, found
    return Path(found["dir"]) / "model"


def row(method: str, code: int, found: dict[str, Any], wall: float) -> str:
    """One line of the table."""
    if "before" not in found:
        return f"| {method} | | | | | | exit {code} |"
    before, after = found["before"], found["after"]
    shown = [f"{side['score']:.3f} ({side['low']:.3f} to {side['high']:.3f})" for side in (before, after)]
    figures = [str(found["steps"]), f"{found['seconds']:.0f} / {wall:.0f}", "yes" if found["success"] else "no"]
    return f"| {' | '.join([f'`{method}`', after['metric'], *shown, *figures])} |"


def main() -> None:
    """Print the table row by row; exit 1 when a method did not succeed."""
    failed = 0
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    print(f"{time.strftime('%Y-%m-%d')}, CPU, {versions}\n")
    print("| method | metric | before (95 %) | after (95 %) | steps | training / whole s | success |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for method in sys.argv[1:] or METHODS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            code, found = run(method, Path(folder))
        failed += code != 0
        print(row(method, code, found, time.monotonic() - begun), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
