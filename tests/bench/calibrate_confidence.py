"""Fit the constants of advisor/confidence.py: `python tests/bench/calibrate_confidence.py CASES.jsonl`.

Each published case is asked 60 times with a random part of its facts hidden (none to seven tenths of them). Hiding
facts makes the advice wrong sometimes; a logistic curve in the margin and in the weight of what is unknown is fitted to
whether the answer stayed acceptable. Prints the constants and, by tenth of confidence, the mean and the share right.
"""

import copy
import json
import random
import sys
from math import exp
from pathlib import Path
from typing import Any

from advisor.candidates import LABELS, NAMES
from advisor.case import Case
from advisor.confidence import margin, unknowns
from advisor.facts import facts_from
from advisor.tally import tally

HIDDEN = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
ROUNDS, STEPS = 10, 4000


def hide(facts: dict[str, Any], share: float, chance: random.Random) -> dict[str, Any]:
    """The facts with about this share of them unknown."""
    hidden = copy.deepcopy(facts)
    for section in ("knowledge", "data", "model", "constraints", "history"):
        for key in hidden.get(section, {}):
            if chance.random() < share:
                hidden[section][key] = None
    if chance.random() < share:
        hidden["hardware"]["gpus"] = None
    if len(hidden["goals"]) > 1 and chance.random() < share:
        hidden["goals"].pop(chance.randrange(len(hidden["goals"])))
    return hidden


def accepted(label: str, patterns: list[str]) -> bool:
    """Whether a label is among the patterns (`:*` = any technique)."""
    return any(label == p or (p.endswith(":*") and label.rpartition(":")[0] == p[:-2]) for p in patterns)


def observations(path: str) -> list[tuple[int, float, bool]]:
    """(margin, weight of what is unknown, whether it was right) for every case and hiding."""
    chance, found = random.Random(0), []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        for share in HIDDEN * ROUNDS:
            asked = Case(facts_from(hide(case["facts"], share, chance), case["id"]))
            result = tally(asked)
            right = accepted(NAMES[result.winner], case["acceptable"])
            found.append((min(margin(result), 40), unknowns(asked, LABELS[result.winner]), right))
    return found


def fit(rows: list[tuple[int, float, bool]]) -> tuple[float, float, float]:
    """Base, points per point of margin, and loss per unknown, by gradient descent on the log loss."""
    base, per_point, per_unknown = 1.0, 0.05, 0.3
    for _ in range(STEPS):
        errors = [(right - 1 / (1 + exp(-(base + per_point * m - per_unknown * u))), m, u) for m, u, right in rows]
        base += 0.3 * sum(e for e, _, _ in errors) / len(rows)
        per_point += 0.001 * sum(e * m for e, m, _ in errors) / len(rows)
        per_unknown -= 0.05 * sum(e * u for e, _, u in errors) / len(rows)
    return base, per_point, per_unknown


def main() -> None:
    """Fit and print."""
    rows = observations(sys.argv[1])
    base, per_point, per_unknown = fit(rows)
    print(f"BASE {base:.2f}  PER_POINT {per_point:.3f}  PER_UNKNOWN {per_unknown:.2f}")
    chances = [(1 / (1 + exp(-(base + per_point * m - per_unknown * u))), right) for m, u, right in rows]
    for tenth in range(10):
        inside = [pair for pair in chances if int(pair[0] * 10) == tenth]
        if inside:
            mean, right = sum(c for c, _ in inside) / len(inside), sum(r for _, r in inside) / len(inside)
            print(f"{tenth / 10:.1f}: {len(inside):4} answers, confidence {mean:.2f}, right {right:.2f}")


if __name__ == "__main__":
    main()
