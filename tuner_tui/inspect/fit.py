"""A label is planned only on data of the kind that it learns from; what is missing is said before anything runs."""

from __future__ import annotations

from advisor.errors import InputError
from advisor.methods import Label, Objective
from tuner_tui.inspect.report import Inspection
from tuner_tui.safe import clean

PAIRS = ("instruction_pairs", "verifiable_rewards")
SUPERVISED = (*PAIRS, "preference_pairs")
NEEDS: dict[Objective, tuple[str, ...]] = {
    Objective.CPT: ("documents",),
    Objective.SFT: PAIRS,
    Objective.DOMAIN_QA: PAIRS,
    Objective.STYLE: PAIRS,
    Objective.REFUSAL: PAIRS,
    Objective.DISTILL: ("instruction_pairs", "unlabeled_inputs", "verifiable_rewards"),
    Objective.DPO: ("preference_pairs",),
    Objective.ORPO: ("preference_pairs",),
    Objective.RLHF_PPO: ("preference_pairs",),
    Objective.KTO: ("binary_feedback", "preference_pairs"),
    Objective.GRPO: ("verifiable_rewards", "instruction_pairs"),
}


def check_fits(found: Inspection, label: Label, path: str) -> None:
    """InputError when no row is usable, or the kind of data is not what the first stage learns from."""
    objective = label.stages[0][0]
    if found.kind is None or found.kind not in NEEDS[objective]:
        raise InputError(
            "planned.wrong_data",
            path=clean(path),
            kind=found.kind or found.format,
            objective=objective.value,
            wanted=", ".join(NEEDS[objective]),
        )
    if found.usable_rows < 2:
        first = found.problems[0].text if found.problems else ""
        raise InputError("planned.too_few", path=clean(path), rows=found.usable_rows, problem=first)
