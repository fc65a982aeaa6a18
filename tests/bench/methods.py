"""Every tuning method on the practice data, planned by our rules and run for real: `python tests/bench/methods.py`.

One Markdown row a method: held-out score before and after, training seconds, whether every check passed. Name methods
(LABEL, or LABEL with KEY=VALUE changes to the plan in one argument) to run only those. Nothing is looked up: each row
is read from the report of the run just made.

Measured on this code (2026-11-30; distillation and retrieval 2026-12-01; two busy cores, one thread a run; torch
2.13.0+cpu, transformers 5.23.0, trl 1.16.0, peft 0.21.2, bitsandbytes 0.50.2):

| method | metric | before (95 %) | after (95 %) | steps | training / whole s | success |
|---|---|---|---|---|---|---|
| `ft/sft:full` | exact_match | 0.312 (0.219 to 0.406) | 1.000 (1.000 to 1.000) | 210 | 50 / 61 | yes |
| `ft/sft:lora` | exact_match | 0.312 (0.219 to 0.406) | 1.000 (1.000 to 1.000) | 168 | 52 / 71 | yes |
| `ft/sft:qlora` | exact_match | 0.312 (0.219 to 0.406) | 1.000 (1.000 to 1.000) | 210 | 42 / 54 | yes |
| `ft/sft:prefix` | exact_match | 0.312 (0.219 to 0.406) | 0.625 (0.521 to 0.719) | 630 | 165 / 186 | yes |
| `ft/sft:prompt` | exact_match | 0.312 (0.219 to 0.406) | 0.990 (0.969 to 1.000) | 630 | 246 / 267 | yes |
| `ft/sft:lora` with DoRA | exact_match | 0.312 (0.219 to 0.406) | 1.000 (1.000 to 1.000) | 210 | 49 / 61 | yes |
| `ft/sft:lora` with rsLoRA | exact_match | 0.312 (0.219 to 0.406) | 0.990 (0.969 to 1.000) | 210 | 43 / 54 | yes |
| `ft/cpt:full` | loss | 6.571 (5.995 to 7.474) | 2.319 (1.938 to 2.960) | 120 | 9 / 17 | yes |
| `ft/cpt:lora` | loss | 6.571 (5.995 to 7.474) | 1.619 (1.436 to 1.907) | 120 | 8 / 16 | yes |
| `ft/cpt:lora`, packed | loss | 6.571 (5.995 to 7.474) | 1.569 (1.390 to 1.840) | 120 | 8 / 17 | yes |
| `ft/style:lora` | regex | 0.000 (0.000 to 0.000) | 0.990 (0.969 to 1.000) | 210 | 31 / 41 | yes |
| `ft/domain_qa:lora` | exact_match | 0.000 (0.000 to 0.000) | 0.115 (0.052 to 0.188) | 228 | 24 / 34 | yes |
| `ft/refusal:lora` | exact_match | 0.490 (0.385 to 0.594) | 0.771 (0.677 to 0.854) | 210 | 22 / 33 | yes |
| `ft/sft+refusal:lora` | exact_match | 0.490 (0.385 to 0.594) | 0.771 (0.677 to 0.854) | 210 | 22 / 33 | yes |
| `ft/dpo:lora` | preference_accuracy | 0.406 (0.312 to 0.500) | 1.000 (0.962 to 1.000) | 120 | 62 / 74 | yes |
| `ft/orpo:lora` | preference_accuracy | 0.406 (0.312 to 0.500) | 1.000 (0.962 to 1.000) | 120 | 34 / 46 | yes |
| `ft/kto:lora` | preference_accuracy | 0.503 (0.418 to 0.586) | 0.990 (0.982 to 0.997) | 120 | 45 / 56 | yes |
| `ft/grpo:lora` | exact_match | 0.146 (0.073 to 0.219) | 0.500 (0.396 to 0.604) | 240 | 140 / 155 | yes |
| `ft/rlhf_ppo:lora` | preference_accuracy | 0.406 (0.312 to 0.500) | 1.000 (0.962 to 1.000) | 450 | 123 / 162 | yes |
| `ft/distill:lora` | loss | 0.275 (0.263 to 0.290) | 0.000 (0.000 to 0.000) | 210 | 93 / 266 | yes |
| `ft/sft>dpo:lora` | preference_accuracy | 0.406 (0.312 to 0.500) | 1.000 (0.962 to 1.000) | 288 | 94 / 115 | yes |
| `ft/cpt>sft>dpo:lora` | preference_accuracy | 0.406 (0.312 to 0.500) | 1.000 (0.962 to 1.000) | 450 | 109/130 | yes |
| `rag_ft/domain_qa:lora` | exact_match | 0.000 (0.000 to 0.038) | 0.990 (0.969 to 1.000) | 210 | 293 / 327 | yes |
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
    verdict = ("yes" if found["success"] else "no") + refused(found.get("refusals"))
    figures = [str(found["steps"]), f"{found['seconds']:.0f} / {wall:.0f}", verdict]
    return f"| {' | '.join([f'`{method}`', after['metric'], *shown, *figures])} |"


def refused(told: dict[str, Any] | None) -> str:
    """Refusals that were right and wrong, before and after, where refusing is learned."""
    if told is None:
        return ""
    before, after = told["before"], told["after"]
    right = f"refused {before['refused']:.0%}, then {after['refused']:.0%} of {after['to_refuse']}"
    return f"; {right}, wrongly {before['over_refused']:.0%}, then {after['over_refused']:.0%} of {after['to_answer']}"


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
