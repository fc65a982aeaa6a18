"""Which practice file suits which objective, and how its held-out answers are scored: one table, used by all."""

from __future__ import annotations

from pathlib import Path

import msgspec

from advisor.methods import Approach, Objective
from advisor.recipe import DataSpec, EvalSpec, Metric, ModelSpec
from tuner_tui import paths

FILES = {
    Objective.CPT: ("corpus", Metric.LOSS),
    Objective.SFT: ("instructions", Metric.EXACT_MATCH),
    Objective.DOMAIN_QA: ("questions", Metric.EXACT_MATCH),
    Objective.STYLE: ("style", Metric.REGEX),
    Objective.REFUSAL: ("refusal", Metric.EXACT_MATCH),
    Objective.DPO: ("preference", Metric.PREFERENCE),
    Objective.ORPO: ("preference", Metric.PREFERENCE),
    Objective.KTO: ("feedback", Metric.PREFERENCE),
    Objective.RLHF_PPO: ("preference", Metric.PREFERENCE),
    Objective.GRPO: ("checkable", Metric.EXACT_MATCH),
    Objective.DISTILL: ("unlabeled", Metric.LOSS),
}
GROUNDED = dict.fromkeys((Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE), ("grounded", Metric.EXACT_MATCH))
"""With retrieval: answers that rest on the documents as they are (one in five of `questions` is older than they)."""
ANSWER_TOKENS = 64


class PracticeData(msgspec.Struct, frozen=True, kw_only=True):
    """The practice model and the data and scoring of one objective."""

    model: ModelSpec
    data: DataSpec
    evaluation: EvalSpec

    @property
    def train(self) -> Path:
        """The file that is trained on."""
        return Path(self.data.train)


def practice_data(objective: Objective, approach: Approach = Approach.FT) -> PracticeData:
    """The shipped files for one objective, tuned with retrieval or without, as absolute paths."""
    name, metric = (FILES | GROUNDED if approach is Approach.RAG_FT else FILES)[objective]
    samples = paths.samples()
    return PracticeData(
        model=ModelSpec(id=str(samples / "model")),
        data=DataSpec(
            train=str(samples / "data" / f"{name}.train.jsonl"),
            eval=str(samples / "data" / f"{name}.test.jsonl"),
            docs=str(samples / "world"),
        ),
        evaluation=EvalSpec(metric=metric, pattern=_pattern(name), max_items=96, max_new_tokens=ANSWER_TOKENS),
    )


def _pattern(name: str) -> str | None:
    """The regular expression beside the data that says what a right answer looks like, where there is one."""
    path = paths.samples() / "data" / f"{name}.metric.json"
    return str(msgspec.json.decode(path.read_bytes())["pattern"]) if path.is_file() else None
