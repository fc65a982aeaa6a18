"""Every tuning method on the practice data, planned by our rules and run for real: `python tests/bench/methods.py`.

One Markdown row a method: held-out score before and after, training seconds, whether every check passed. Name labels to
run only those. Nothing is looked up: each row is read from the report of the run just made.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LABELS = (
    *(f"ft/sft:{technique}" for technique in ("full", "lora", "qlora", "prefix", "prompt")),
    *(f"ft/{kind}:lora" for kind in ("style", "domain_qa", "refusal", "cpt", "distill", "dpo", "orpo", "kto")),
    *("ft/grpo:lora", "ft/rlhf_ppo:lora", "ft/sft>dpo:lora", "rag_ft/domain_qa:lora"),
)


def run(label: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Plan and run one label as a user would; the exit code and the report."""
    tuner, recipe = [sys.executable, "-m", "tuner_tui"], folder / "recipe.yaml"
    plan = [*tuner, "plan", "--practice", "--label", label, "--out", str(recipe)]
    if "distill" in label:
        from tuner_tui import paths

        plan += ["--set", f"teacher.model={paths.samples() / 'model'}"]
    subprocess.run(plan, check=True, capture_output=True)
    done = subprocess.run([*tuner, "run", str(recipe), "--json"], capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    return done.returncode, json.loads(last).get("report") or {}


def main() -> None:
    """Print the table row by row; exit 1 when a method did not succeed."""
    failed = 0
    print("| method | metric | before | after | steps | seconds | success |\n|---|---|---|---|---|---|---|")
    for label in sys.argv[1:] or LABELS:
        with tempfile.TemporaryDirectory() as folder:
            code, found = run(label, Path(folder))
        failed += code != 0
        if not found:
            print(f"| {label} | | | | | | exit {code} |", flush=True)
            continue
        before, after = found["before"], found["after"]
        cells = [label, after["metric"], f"{before['score']:.3f}", f"{after['score']:.3f}"]
        cells += [str(found["steps"]), f"{found['seconds']:.0f}", "yes" if found["success"] else "no"]
        print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
