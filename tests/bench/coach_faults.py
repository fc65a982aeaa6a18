"""How often the coach is right: real trainings with planted faults and without, varied by seed, method and severity.

`python tests/bench/coach_faults.py FOLDER [--seeds N] [--only WORD] [--share I/N]` writes one event log a run into
FOLDER and prints a line a run; `--judge` judges the logs that are there. Nothing is asserted: the table is the figure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
sys.path[:0] = [str(SAMPLES.parent), str(SAMPLES / "runs")]

PRACTICE = {"full": 2.5e-4, "lora": 2.5e-3, "qlora": 2.5e-3}
DATA = {
    "sft": ("style", "instructions", "questions", "refusal"),
    "dpo": ("preference",),
    "orpo": ("preference",),
    "kto": ("feedback",),
}
SHARE = {"dpo": 0.25, "kto": 0.25, "orpo": 1.0, "sft": 1.0}


class Case(NamedTuple):
    """One run: which fault, the recipe, and what the coach must say (any of it; nothing for a healthy one)."""

    name: str
    fault: str
    recipe: dict[str, Any]
    wanted: tuple[str, ...]


def recipe(dice: random.Random, objective: str, technique: str, **train: Any) -> dict[str, Any]:
    """A usual recipe for the practice model."""
    data = dice.choice(DATA[objective])
    rate = PRACTICE[technique] * SHARE[objective] * dice.choice((0.5, 1, 2))
    usual = {
        "max_steps": dice.choice((40, 60, 100)),
        "learning_rate": rate,
        "micro_batch": dice.choice((2, 4)),
        "grad_accum": dice.choice((1, 1, 2)),
        "warmup_ratio": dice.choice((0.0, 0.03, 0.1)),
        "scheduler": dice.choice(("linear", "cosine", "constant")),
        "max_length": 192,
        "threads": 1,
    }
    return {
        "label": f"ft/{objective}:{technique}",
        "seed": dice.randrange(1000),
        "model": {"id": str(SAMPLES / "model")},
        "data": {"train": str(SAMPLES / f"data/{data}.train.jsonl"), "eval": str(SAMPLES / f"data/{data}.test.jsonl")},
        "train": {**usual, **train},
        "evaluation": {"metric": "loss", "max_items": 12, "samples": 3, "max_new_tokens": 32},
    }


def online(dice: random.Random, **train: Any) -> dict[str, Any]:
    """GRPO on the practice model, from its checkable questions."""
    made = recipe(dice, "sft", "full")
    made["label"] = "ft/grpo:full"
    made["data"] = {
        name: str(SAMPLES / f"data/checkable.{part}.jsonl") for name, part in (("train", "train"), ("eval", "test"))
    }
    made["train"] |= {
        "max_steps": 30,
        "micro_batch": 8,
        "grad_accum": 1,
        "generations": 4,
        "learning_rate": 1e-5,
        **train,
    }
    made["evaluation"] |= {"metric": "exact_match", "max_new_tokens": 24}
    return made


def few(dice: random.Random, made: dict[str, Any], folder: Path, rows: int) -> dict[str, Any]:
    """The same on a handful of rows."""
    lines = Path(made["data"]["train"]).read_text().splitlines()
    path = folder / f"few-{rows}-{dice.randrange(10**6)}.jsonl"
    path.write_text("\n".join(dice.sample(lines, rows)) + "\n")
    made["data"]["train"] = str(path)
    return made


def noise(dice: random.Random, made: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Answers that nothing foretells."""
    for name, count in (("train", 400), ("eval", 32)):
        rows = [
            {"instruction": f"say {dice.randrange(10**6)}", "output": " ".join(dice.choices("abcdefgh", k=12))}
            for _ in range(count)
        ]
        path = folder / f"noise-{dice.randrange(10**6)}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        made["data"][name] = str(path)
    return made


def cases(seeds: int, folder: Path) -> Iterator[Case]:
    """Every kind, `seeds` times, each differently."""
    for seed in range(seeds):
        dice = random.Random(seed)

        def sft(d: random.Random = dice, **train: Any) -> dict[str, Any]:
            return recipe(d, "sft", d.choice(("full", "lora", "qlora")), **train)

        for objective, technique in (
            ("sft", "full"),
            ("sft", "lora"),
            ("sft", "qlora"),
            ("dpo", "lora"),
            ("dpo", "full"),
            ("orpo", "lora"),
            ("kto", "full"),
            ("kto", "lora"),
        ):
            yield Case(f"healthy-{objective}-{technique}-{seed}", "none", recipe(dice, objective, technique), ())
        yield Case(f"healthy-grpo-{seed}", "none", online(dice), ())
        yield Case(f"nan-{seed}", "nan_step", sft(max_steps=80), ("COA001",))
        yield Case(f"nan_hidden-{seed}", "nan_hidden", sft(max_steps=80), ("COA001", "COA002"))
        yield Case(f"masked-{seed}", "masked", sft(), ("COA003",))
        yield Case(
            f"endless-{seed}", "endless", recipe(dice, "sft", "full", max_steps=200, learning_rate=1e-3), ("COA009",)
        )
        yield Case(f"diverges-{seed}", "rate_jumps", sft(max_steps=120), ("COA004", "COA005"))
        for times in (30, 100, 1000):
            technique = dice.choice(("full", "lora"))
            made = recipe(dice, "sft", technique, learning_rate=min(PRACTICE[technique] * times, 1.0))
            yield Case(f"rate_high-{times}-{seed}", "none", made, ("COA005", "COA004", "COA001", "COA015"))
        made = recipe(dice, "dpo", "lora", learning_rate=PRACTICE["lora"] * 0.25 * 50)
        yield Case(f"rate_high-dpo-{seed}", "none", made, ("COA005", "COA004", "COA001", "COA010", "COA014", "COA015"))
        for part in (100, 1000, 10000):
            technique = dice.choice(("full", "lora"))
            made = recipe(dice, "sft", technique, learning_rate=PRACTICE[technique] / part, max_steps=100)
            yield Case(f"rate_low-{part}-{seed}", "none", made, ("COA006",))
        made = recipe(dice, "dpo", "lora", learning_rate=PRACTICE["lora"] / 4000, max_steps=100)
        yield Case(f"rate_low-dpo-{seed}", "none", made, ("COA006",))
        stuck = noise(
            dice, recipe(dice, "sft", "full", max_steps=300, learning_rate=1e-3, scheduler="constant"), folder
        )
        yield Case(f"plateau-{seed}", "none", stuck, ("COA007",))
        yield Case(f"frozen-{seed}", "frozen", sft(max_steps=100), ("COA007", "COA006"))
        memorised = recipe(dice, "sft", "full", max_steps=200, learning_rate=1e-3, eval_steps=20)
        yield Case(f"overfit-{seed}", "none", few(dice, memorised, folder, dice.choice((8, 12, 20))), ("COA008",))
        slow = recipe(dice, "sft", "lora", max_steps=160, learning_rate=4e-3, eval_steps=20)
        yield Case(f"overfit-lora-{seed}", "none", few(dice, slow, folder, 10), ("COA008",))
        falls = recipe(dice, "dpo", dice.choice(("full", "lora")), max_steps=120, beta=0.02)
        falls["train"]["learning_rate"] *= dice.choice((8, 15))
        yield Case(f"dpo_falls-{seed}", "unanchored", falls, ("COA010",))
        yield Case(f"memory-{seed}", "leak", sft(max_steps=200), ("COA022",))
        late = sft(max_steps=60)
        late["facts"] = {"constraints": {"deadline_h": 0.0005}}
        yield Case(f"late-{seed}", "none", late, ("COA024",))
        yield Case(f"rewards_alike-{seed}", "no_reward", online(dice, max_steps=24), ("COA011",))
        hacked = online(dice, learning_rate=3e-4, max_steps=40)
        hacked["evaluation"]["max_new_tokens"] = 64
        yield Case(f"hacked-{seed}", "long_is_good", hacked, ("COA012",))
        yield Case(
            f"kl-{seed}",
            "long_is_good",
            online(dice, learning_rate=1e-3, beta=1e-4, max_steps=40),
            ("COA013", "COA012"),
        )
        yield Case(f"disk-{seed}", "disk_shrinks", sft(max_steps=100, save_steps=20), ("COA023",))


def play(case: Case, folder: Path) -> None:
    """Train in a fork of this process, which has the libraries loaded; keep the log."""
    from advisor.recipe import recipe_from
    from tuner_tui.runs.directory import Rehearse, create_run
    from tuner_tui.runs.preflight import prepare

    run = create_run(prepare(recipe_from(case.recipe, case.name), case.name), rehearse=Rehearse.SKIP)
    child = os.fork()
    if child == 0:
        output = os.open(run.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        import plant

        from tuner_tui.training.__main__ import main

        getattr(plant, case.fault)()
        os._exit(main([str(run.path)]))
    os.waitpid(child, 0)
    lines = [line for line in run.events_path.read_text().splitlines(keepends=True) if '"t":"coach"' not in line]
    (folder / f"{case.name}.jsonl").write_text("".join(lines))
    (folder / f"{case.name}.wanted").write_text(" ".join(case.wanted))


def judged(path: Path) -> tuple[str, bool, list[str]]:
    """The kind, whether the coach was right, and what it said."""
    from tuner_tui.runs.coach import Coach
    from tuner_tui.runs.follow import Follower

    coach = Coach()
    coach.take_all(Follower(path).poll(10**6))
    found = [finding.id for finding in coach.findings]
    wanted = set(path.with_suffix(".wanted").read_text().split())
    return path.stem.split("-")[0], bool(set(found) & wanted) if wanted else not found, found


def table(folder: Path) -> None:
    """Right of all, kind by kind."""
    right, all_ = Counter[str](), Counter[str]()
    for path in sorted(folder.glob("*.jsonl")):
        if not path.with_suffix(".wanted").exists():
            continue
        kind, good, found = judged(path)
        all_[kind] += 1
        right[kind] += good
        more = set(found) - set(path.with_suffix(".wanted").read_text().split())
        if not good or more:
            print(f"  {'missed' if not good else 'also'} {path.stem}: {found}")
    for kind in sorted(all_):
        print(f"{kind:14} {right[kind]:3} / {all_[kind]}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--share", default="0/1")
    parser.add_argument("--judge", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if not args.judge:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import tuner_tui.training.conduct  # noqa: F401
        from tuner_tui.training import dpo, grpo, kto, orpo, sft  # noqa: F401

        here, parts = map(int, args.share.split("/"))
        for at, case in enumerate(cases(args.seeds, args.folder)):
            seed = int(case.name.rsplit("-", 1)[1])
            if at % parts != here or args.only not in case.name or seed < args.first:
                continue
            if (args.folder / f"{case.name}.wanted").exists():
                continue
            since = time.monotonic()
            play(case, args.folder)
            _, good, found = judged(args.folder / f"{case.name}.jsonl")
            print(f"{'ok ' if good else 'BAD'} {case.name}: {found} {time.monotonic() - since:.0f} s", flush=True)
    table(args.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
