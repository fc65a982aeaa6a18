"""Timing: hours of training by candidate, low to high; any unknown that they rest on gives no number.

Low = one epoch of rows of 200 tokens at the fast end of the estimate, high = three epochs of 1,024 at the slow end
(corpora and rewards are gone through once). The plan's own recipe gives a narrower range, the rehearsal a measured one.
"""

from __future__ import annotations

from functools import lru_cache

from advisor.advice import Hours
from advisor.candidates import LABELS
from advisor.case import Case
from advisor.catalog import GpuKind, find_gpu
from advisor.duration import step_seconds
from advisor.memory.quick import nominal
from advisor.memory.spec import ours
from advisor.methods import Label, Objective, Technique

SHORT, LONG = 200, 1024
"""Tokens of a row: a short question with its answer, and the length that memory is estimated for."""
EPOCHS = 3
_BATCH = 4
_ONCE = frozenset({Objective.CPT, Objective.GRPO, Objective.RLHF_PPO})


def hours_of(case: Case) -> tuple[Hours | None, ...] | None:
    """By candidate; None where the size of the model or the kind of GPU is not known."""
    name = _kind_of_gpu(case)
    if not case.local or case.params_b is None or name is None or not case.gpus:
        return None
    rows = {objective: _rows(case, objective) for objective in Objective}
    return tuple(_hours(label, case.params_b, len(case.gpus), name, rows) for label in LABELS)


def _kind_of_gpu(case: Case) -> str | None:
    names = {gpu.name for gpu in case.gpus or []}
    name = names.pop() if len(names) == 1 else None
    return name if name and find_gpu(name) else None


def _rows(case: Case, objective: Objective) -> int | None:
    """Rows that a stage goes through; None = some, number unknown, or none."""
    counts: dict[Objective, int | None] = {
        Objective.DPO: case.prefs,
        Objective.ORPO: case.prefs,
        Objective.KTO: case.binary or case.prefs,
        Objective.RLHF_PPO: case.unlabeled or case.prefs,
        Objective.GRPO: case.verifiable,
        Objective.DISTILL: case.unlabeled or case.pairs,
        Objective.CPT: case.corpus_tokens // LONG if case.corpus_tokens else None,
    }
    return counts.get(objective, case.pairs) or None


def _hours(label: Label, params_b: float, n_gpus: int, name: str, rows: dict[Objective, int | None]) -> Hours | None:
    if label.technique is None:
        return None
    low = high = 0.0
    for stage in label.stages:
        count = rows[stage[0]]
        if count is None:
            return None
        fast, slow = _row_seconds(params_b, n_gpus, name, label.technique, stage[0])
        low += fast * count / 3600
        high += slow * count * (1 if stage[0] in _ONCE else EPOCHS) / 3600
    return Hours(low=float(f"{low:.2g}"), high=float(f"{high:.2g}"))


@lru_cache(maxsize=1024)
def _row_seconds(
    params_b: float, n_gpus: int, name: str, technique: Technique, objective: Objective
) -> tuple[float, float]:
    kind = find_gpu(name)
    assert kind is not None
    short = LONG if objective == Objective.CPT else SHORT
    return (
        _seconds(params_b, n_gpus, kind, technique, objective, short)[0],
        _seconds(params_b, n_gpus, kind, technique, objective, LONG)[1],
    )


def _seconds(
    params_b: float, n_gpus: int, kind: GpuKind, technique: Technique, objective: Objective, tokens: int
) -> tuple[float, float]:
    spec = ours(technique, nominal(params_b), objective=objective, seq_len=tokens, micro_batch=_BATCH, n_gpus=n_gpus)
    step = step_seconds(spec, kind)
    rows = _BATCH * n_gpus
    return step.low / rows, step.high / rows
