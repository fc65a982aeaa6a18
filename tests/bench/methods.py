"""Every tuning method on the practice data, planned by our rules and run for real: `python tests/bench/methods.py`.

One Markdown row a method: held-out score before and after, training seconds, whether every check passed. Name methods
(LABEL, or LABEL with KEY=VALUE changes to the plan in one argument) to run only those. Nothing is looked up: each row
is read from the report of the run just made.

Measured so far on this code (2026-11-30, 2 cores, torch 2.13.0+cpu, transformers 5.23.0, trl 1.16.0, peft 0.21.2):

| method | metric | before (95 %) | after (95 %) | steps | training / whole s | success |
|---|---|---|---|---|---|---|
| `ft/style:lora` (the demo) | regex | 0.000 (0.000 to 0.000) | 1.000 (1.000 to 1.000) | 210 | 70 / 74 | yes |
| `ft/kto:lora` | preference_accuracy | 0.454 (0.376 to 0.535) | 0.699 (0.597 to 0.808) | 120 | 56 / 68 | yes |
| `ft/rlhf_ppo:lora` | preference_accuracy | 0.448 (0.354 to 0.552) | 1.000 (1.000 to 1.000) | 450 | 148 / 195 | yes |
| `ft/sft:lora` with DoRA | exact_match | 0.677 (0.583 to 0.771) | 0.688 (0.594 to 0.781) | 210 | 207 / 235 | yes |
| `ft/sft:full` | exact_match | 0.677 (0.583 to 0.771) | 0.677 (0.583 to 0.771) | 210 | 195 | no |

By exact match supervised tuning gained nothing here, though its loss falls (1.564 to 0.337 by full tuning). Before and
after, the same 65 of 96 rows are right: 47 of 48 in Korean, 18 of 48 in English. All ask about names that are not in
the training rows, and the practice model does not copy most of the English ones. Distillation's teacher is made by
`ft/sft:full`, which ends without success, so its row cannot be made either.
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
