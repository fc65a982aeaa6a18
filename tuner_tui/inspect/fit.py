"""A label is planned only on data of the kind that it learns from; what is missing is said before anything runs."""

from __future__ import annotations

from pathlib import Path

from advisor.errors import InputError
from advisor.methods import Label, Objective
from tuner_tui.inspect.report import Inspection
from tuner_tui.safe import clean

PAIRS = ("instruction_pairs", "verifiable_rewards")
PREFERRED = "preference_pairs"
NEEDS: dict[Objective, tuple[str, ...]] = {
    Objective.CPT: ("documents",),
    Objective.SFT: PAIRS,
    Objective.DOMAIN_QA: PAIRS,
    Objective.STYLE: PAIRS,
    Objective.REFUSAL: PAIRS,
    Objective.DISTILL: ("instruction_pairs", "unlabeled_inputs", "verifiable_rewards"),
    Objective.DPO: (PREFERRED,),
    Objective.ORPO: (PREFERRED,),
    Objective.RLHF_PPO: (PREFERRED,),
    Objective.KTO: ("binary_feedback", PREFERRED),
    Objective.GRPO: ("verifiable_rewards", "instruction_pairs"),
}
READ_BY_TRAINING = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
STOPS_READING = (
    "bad_json", "cut_last_line", "cut_document", "nan_literal", "too_deep", "row_too_large", "not_object",
    "duplicate_keys", "not_utf8", "encoding", "renamed", "cut_stream", "reformed", "mixed_encoding", "expanded",
    "bad_row", "open_quote", "stray_quotes", "separator", "duplicate_columns",
)  # fmt: skip
"""Problems that inspection reads past and training does not."""


def check_fits(found: Inspection, label: Label, path: str, stage: int | None = None) -> None:
    """InputError when no row is usable, the kind is not what a stage learns from, or it cannot be read.

    `stage`: the only one of a chain that learns from it; without it all of them do.
    """
    learning = [stages[0] for stages in (label.stages if stage is None else label.stages[stage : stage + 1])]
    for objective in learning:
        wanted = NEEDS[objective]
        if objective is Objective.SFT and any(PREFERRED in NEEDS[other] for other in learning):
            wanted = (*wanted, PREFERRED)  # the chosen answers are learned, then compared
        if found.kind not in wanted:
            raise InputError(
                "planned.wrong_data" if len(label.stages) == 1 else "planned.wrong_stage",
                path=clean(path),
                kind=found.kind or found.format,
                objective=objective.value,
                label=str(label),
                wanted=", ".join(wanted),
            )
    if found.usable_rows < 2:
        first = found.problems[0].text if found.problems else ""
        raise InputError("planned.too_few", path=clean(path), rows=found.usable_rows, problem=first)
    why = _unread(found, path)
    if why:
        raise InputError("planned.prepare_first", path=clean(path), why=clean(why, 300))


def _unread(found: Inspection, path: str) -> str:
    """What keeps training from reading the file as it is; "" when nothing does."""
    for code in STOPS_READING:
        problem = found.problem(code)
        if problem is not None:
            return problem.text
    suffix = Path(path).suffix.lower()
    if suffix not in READ_BY_TRAINING:
        return suffix or path
    if any(column not in found.columns for column in found.mapping.values()):
        return ", ".join(found.mapping.values())
    pair = {"prompt", "chosen", "rejected"} <= {*found.columns, *found.fields}
    needs = found.format in ("hh_rlhf", "ultrafeedback", "openai_preference") and not pair
    return found.format if needs else ""
