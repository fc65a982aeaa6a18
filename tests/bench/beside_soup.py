"""Our advice beside Soup's on the same cases: right, neutral, wrong, and how sure each is when right and when not.

    python tests/bench/beside_soup.py SOUP CASES.jsonl

SOUP is the `soup` command of an installed soup-cli; CASES are lines with `facts`, `acceptable`, `unacceptable` and
`story`. Soup reads no facts, only a file of rows and one line of goal, so each case is prepared for it twice: rows of
the kind and number that the facts name (at most 2,000), and as goal the case's story, or the words for its goals. Soup
names a class (PROMPT_ENG, RAG, SFT, DPO, GRPO): it is right when any label of that class is acceptable, and wrong
only when none is and one is unacceptable. Technique, hardware and stages are given to it for nothing.

soup-cli 0.77.0, the 34 development cases, 2026-11-30 (sure = mean confidence when right / when not):

                                right  neutral    wrong   sure
    tuner advise                  34 100%   0   0%   0   0%   0.88 / -
    soup, the story as goal       20  59%   3   9%  11  32%   0.72 / 0.70
    soup, the goals in words      19  56%   4  12%  11  32%   0.72 / 0.69
    always ft/sft:lora            13  38%  11  32%  10  29%   - / -

These cases are the ones that our rules were developed with; published cases that are kept back judge us.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from advisor.candidates import NAMES
from advisor.engine import recommend
from advisor.facts import facts_from
from advisor.methods import parse_label

MOST_ROWS = 2_000
PREFERENCE = {"dpo", "orpo", "kto", "rlhf_ppo"}
GOALS = {
    "inject_facts": "know the facts of our company",
    "fresh_knowledge": "answer from knowledge that changes",
    "domain_language": "understand the language of our domain",
    "task_skill": "do our task well",
    "style": "write in our tone and style",
    "format": "answer in a fixed format",
    "instruction_following": "follow instructions",
    "refusal": "refuse what is not allowed",
    "preference_alignment": "give the answers that people prefer",
    "reasoning": "reason step by step to a correct answer",
    "cost_latency": "be cheaper and quicker",
}


def accepted(label: str, patterns: list[str]) -> bool:
    """Whether a label is in a list of labels, `*` standing for any technique."""
    technique_free = label.rsplit(":", 1)[0] + ":*" if "/" in label else label
    return label in patterns or technique_free in patterns


def class_of(label: str) -> str:
    """The name that Soup would have for a label."""
    parsed = parse_label(label)
    if parsed.approach in ("zero_shot", "few_shot"):
        return "PROMPT_ENG"
    if parsed.approach == "rag":
        return "RAG"
    objectives = re.split(r"[>+]", label.split("/")[1].rsplit(":", 1)[0])
    if objectives[-1] == "grpo":
        return "GRPO"
    return "DPO" if objectives[-1] in PREFERENCE else "SFT"


def verdict(labels: list[str], case: dict[str, Any]) -> str:
    """The kindest verdict over the labels that an answer may mean."""
    if any(accepted(label, case["acceptable"]) for label in labels):
        return "right"
    return "wrong" if any(accepted(label, case["unacceptable"]) for label in labels) else "neutral"


def rows_of(facts: dict[str, Any]) -> list[dict[str, str]]:
    """Rows of the kind that weighs most among what the facts name: preferences, pairs, else documents."""
    data = facts.get("data", {})

    def many(kind: str) -> int:
        return min(MOST_ROWS, data[kind] if data.get(kind) is not None else 500) if kind in data else 0

    if many("preference_pairs"):
        return [
            {"prompt": f"Request {n}", "chosen": f"A good answer {n}", "rejected": f"A bad answer {n}"}
            for n in range(many("preference_pairs"))
        ]
    pairs = max(many("instruction_pairs"), many("verifiable_rewards"))
    if pairs:
        return [{"instruction": f"Request number {n}", "output": f"The answer to it is {n}"} for n in range(pairs)]
    return [{"text": f"Document number {n} says what it says."} for n in range(max(1, many("documents")))]


def ask_soup(soup: str, rows: list[dict[str, str]], goal: str) -> tuple[str, float]:
    """Soup's class and confidence for these rows and this goal."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [soup, "advise", "run", "rows.jsonl", "--goal", goal[:4000]]
        surroundings = {"HOME": folder, "NO_COLOR": "1", "COLUMNS": "200", "PATH": "/usr/bin:/bin"}
        told = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    choice = re.search(r"Choice:\s+(\w+)", told.stdout)
    sure = re.search(r"Confidence:\s+([\d.]+)", told.stdout)
    if choice is None or sure is None:
        raise SystemExit(f"no verdict from {soup}: {(told.stdout + told.stderr)[-400:]}")
    return choice[1], float(sure[1])


def line(name: str, judged: list[tuple[str, float | None]]) -> str:
    """One row of the table."""
    count = {kind: sum(each == kind for each, _ in judged) for kind in ("right", "neutral", "wrong")}
    sure = [[at for each, at in judged if (each == "right") is right and at is not None] for right in (True, False)]
    means = " / ".join(f"{fmean(each):.2f}" if each else "-" for each in sure)
    shares = "".join(f"{number:4d} {number / len(judged):4.0%}" for number in count.values())
    return f"{name:<28}{shares}   {means}"


def main(soup: str, path: str) -> None:
    """Print the table."""
    cases = [json.loads(row) for row in Path(path).read_text(encoding="utf-8").splitlines() if row.strip()]
    meant: dict[str, list[str]] = {}
    for name in NAMES:
        meant.setdefault(class_of(name), []).append(name)
    ours, theirs, plainly, always = [], [], [], []
    for case in cases:
        advice = recommend(facts_from(case["facts"], case["id"]), flips=False)
        ours.append((verdict([advice.label], case), advice.confidence))
        always.append((verdict(["ft/sft:lora"], case), None))
        rows, words = rows_of(case["facts"]), "; ".join(GOALS[goal] for goal in case["facts"].get("goals", []))
        for judged, goal in ((theirs, case["story"]), (plainly, words)):
            choice, sure = ask_soup(soup, rows, goal)
            judged.append((verdict(meant[choice], case), sure))
    print(f"{'':<28}{'right':>9}{'neutral':>9}{'wrong':>9}   sure")
    print(line("tuner advise", ours))
    print(line("soup, the story as goal", theirs))
    print(line("soup, the goals in words", plainly))
    print(line("always ft/sft:lora", always))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2])
