"""Fit: nothing is ever advised that the machine cannot hold, and what is unknown rules nothing out."""

from __future__ import annotations

from functools import lru_cache

from advisor.candidates import FULL, LABELS, LORA, QLORA, TUNES, Target
from advisor.case import Case
from advisor.memory import Range, for_method, least_for_method
from advisor.methods import Label, Objective, Technique
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import LLAMA_FACTORY, QLORA_PAPER, TORCH_FINETUNE

USABLE = 0.94
"""Share of a card's printed memory that a process gets: a 16 GB T4 reports 15.0 GiB."""
CPU_LIMIT_B = 0.2
"""Largest model for training without a GPU: 1 M tokens x 6 x 0.2 B = 1.2 PFLOP, hours at 100 GFLOP/s."""
_RAM_SHARE = 0.75

_HEAVIEST = (Objective.RLHF_PPO, Objective.GRPO, Objective.DPO, Objective.KTO, Objective.ORPO)
"""Objectives by what they hold beside the model, the most first; all others cost what SFT costs."""


def heaviest(label: Label) -> Objective:
    """The objective of a label whose stage needs the most memory."""
    return next((kind for kind in _HEAVIEST if kind in label.objectives), Objective.SFT)


_LOADS: tuple[tuple[Technique, Objective] | None, ...] = tuple(
    (label.technique, heaviest(label)) if label.technique else None for label in LABELS
)
_DISTINCT = sorted({load for load in _LOADS if load})


@lru_cache(maxsize=512)
def needs(params_b: float, n_gpus: int) -> tuple[Range | None, ...]:
    """GiB per GPU for every candidate on so many GPUs, None for those that do not train."""
    known = {load: for_method(params_b, *load, n_gpus=n_gpus) for load in _DISTINCT}
    return tuple(known[load] if load else None for load in _LOADS)


Room = tuple[tuple[int, float], ...]
"""Ways to use the machine: (number of GPUs, usable GiB on the smallest of them)."""


def room_of(c: Case) -> Room | None:
    """How much each choice of the largest 1..n cards offers per card; None where anything is unknown."""
    if c.gpus is None or not c.gpus:
        return None
    sizes = []
    for gpu in c.gpus:
        if gpu.vram_gb is None:
            return None
        usable = gpu.vram_gb * USABLE
        sizes.append(usable if gpu.free_gb is None else min(usable, gpu.free_gb))
    sizes.sort(reverse=True)
    distinct = {size: count for count, size in enumerate(sizes, 1)}
    return tuple((count, size) for size, count in distinct.items())


@lru_cache(maxsize=512)
def _placed(params_b: float, room: Room) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Candidates that fit nowhere (the least that they need is above the room), and those that may not (high)."""
    beyond, tight = set(), set()
    for load in _DISTINCT:
        if all(least_for_method(params_b, *load, n_gpus=count) > size for count, size in room):
            beyond.add(load)
        elif all(for_method(params_b, *load, n_gpus=count).high > size for count, size in room):
            tight.add(load)
    return _candidates(beyond), _candidates(tight)


def _candidates(loads: set[tuple[Technique, Objective]]) -> Target:
    return tuple(at for at in TUNES if _LOADS[at] in loads)


def _smallest(c: Case, technique: Technique) -> float:
    assert c.params_b is not None
    count = len(c.gpus) if c.gpus else 1
    return round(for_method(c.params_b, technique, Objective.SFT, n_gpus=count).likely, 1)


@rule(
    "FIT001",
    reads=("model.params_b", "model.access", "hardware.gpus"),
    sources=(LLAMA_FACTORY, TORCH_FINETUNE, QLORA_PAPER),
    figures={"full_gb_per_b": 16, "lora_gb_per_b": 2, "qlora_gb_per_b": 0.75},
)
def memory_exceeded(c: Case) -> Outcome | None:
    """The peak memory of these methods is above what the GPUs hold."""
    room = room_of(c)
    if not c.local or c.params_b is None or room is None:
        return None
    beyond, _ = _placed(c.params_b, room)
    if not beyond:
        return None
    count, size = room[-1]
    return veto(
        beyond,
        size=c.params_b,
        gpus=count,
        usable=round(size, 1),
        full=_smallest(c, Technique.FULL),
        lora=_smallest(c, Technique.LORA),
        qlora=_smallest(c, Technique.QLORA),
    )


@rule(
    "FIT002",
    reads=("model.params_b", "model.access", "hardware.gpus"),
    sources=(LLAMA_FACTORY, QLORA_PAPER),
    status=Status.PRACTICE,
    figures={"usable_share": USABLE},
)
def memory_tight(c: Case) -> Outcome | None:
    """These methods fit by the likely estimate and not by the high one: a long row may break the run."""
    room = room_of(c)
    if not c.local or c.params_b is None or room is None:
        return None
    _, tight = _placed(c.params_b, room)
    return vote((tight, -12), usable=round(room[-1][1], 1)) if tight else None


@rule(
    "FIT003",
    reads=("model.params_b", "model.access", "hardware.gpus"),
    sources=(TORCH_FINETUNE,),
    status=Status.JUDGEMENT,
    figures={"limit": CPU_LIMIT_B},
)
def no_gpu(c: Case) -> Outcome | None:
    """Without a GPU only models of the size of a practice model train in hours."""
    if not c.local or c.gpus is None or c.gpus:
        return None
    if c.params_b is None:
        return vote((TUNES, -20))
    return veto(TUNES) if c.params_b > CPU_LIMIT_B else None


@rule(
    "FIT004",
    reads=("model.params_b", "model.access", "hardware.gpus", "hardware.ram_gb"),
    sources=(TORCH_FINETUNE,),
    status=Status.PRACTICE,
    figures={"share": 75},
)
def processor_memory_exceeded(c: Case) -> Outcome | None:
    """Training on the processor happens in main memory, and these methods need more than there is."""
    ram = c.facts.hardware.ram_gb
    if not c.local or c.gpus != [] or c.params_b is None or ram is None or c.params_b > CPU_LIMIT_B:
        return None
    usable = ram * _RAM_SHARE
    beyond = tuple(at for at in TUNES if (need := needs(c.params_b, 1)[at]) is not None and need.likely > usable)
    return veto(beyond, ram=ram, usable=round(usable, 1)) if beyond else None


@rule(
    "FIT005",
    reads=("model.params_b", "model.access", "hardware.gpus"),
    sources=(TORCH_FINETUNE, LLAMA_FACTORY),
    status=Status.JUDGEMENT,
    figures={"full_gb_per_b": 16},
)
def memory_unknown(c: Case) -> Outcome | None:
    """The model's size or the GPUs' memory is unknown: full tuning, which needs most, is not assumed to fit."""
    unknown = c.params_b is None or (c.gpus != [] and room_of(c) is None)
    return vote((FULL, -12), (LORA, 0), (QLORA, 0)) if c.local and unknown else None
