"""A label in words: `ft/style:lora` is said as people say it, and the label itself stays beside it where it matters."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len, set_cell_size

from advisor.errors import InputError
from advisor.methods import Approach, parse_label
from tuner_tui.safe import ELLIPSIS, clean

Sayer = Callable[..., str]

FIELD_TERMS = {
    "adapter.rank": ("rank",),
    "adapter.alpha": ("alpha",),
    "adapter.dropout": ("dropout",),
    "adapter.dora": ("dora",),
    "adapter.rslora": ("rslora",),
    "adapter.quant": ("nf4",),
    "data.replay": ("replay",),
    "data.replay_share": ("replay",),
    "train.epochs": ("epochs",),
    "train.max_steps": ("epochs",),
    "train.learning_rate": ("learning_rate",),
    "train.scheduler": ("scheduler",),
    "train.warmup_ratio": ("warmup",),
    "train.weight_decay": ("weight_decay",),
    "train.max_grad_norm": ("grad_norm",),
    "train.optimizer": ("optimizer",),
    "train.micro_batch": ("batch",),
    "train.grad_accum": ("batch",),
    "train.packing": ("packing",),
    "train.batching": ("packing",),
    "train.grad_ckpt": ("grad_ckpt",),
    "train.precision": ("bf16",),
    "train.beta": ("beta",),
}
"""The terms that help explains where a field of the recipe has the cursor."""


def spoken(label: str, say: Sayer) -> str:
    """`Fine-tuning: style, LoRA`; a label that cannot be read is given back as it is."""
    try:
        parsed = parse_label(label)
    except InputError:
        return clean(label, 80)
    approach = say(f"label.{parsed.approach.value}")
    if not parsed.tunes:
        return approach
    stages = " > ".join(" + ".join(say(f"label.{each.value}") for each in stage) for stage in parsed.stages)
    return f"{approach}: {stages}, {say(f'label.{parsed.technique}')}"


def short(label: str, say: Sayer) -> str:
    """`Style · LoRA`, `SFT > DPO · QLoRA`, `RAG + SFT · LoRA`: for lists, where every cell counts."""
    try:
        parsed = parse_label(label)
    except InputError:
        return clean(label, 80)
    if not parsed.tunes:
        return say(f"short.{parsed.approach.value}")
    stages = " > ".join("+".join(say(f"short.{each.value}") for each in stage) for stage in parsed.stages)
    retrieved = f"{say('short.rag')} + " if parsed.approach == Approach.RAG_FT else ""
    return f"{retrieved}{stages} · {say(f'short.{parsed.technique}')}"


def cut_to(text: str, width: int) -> str:
    """A text of exactly `width` cells: filled up, or cut with an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + ELLIPSIS, width)


def terms(label: str) -> list[str]:
    """The terms of a label that help explains."""
    try:
        parsed = parse_label(label)
    except InputError:
        return []
    found = [parsed.approach.value, *(each.value for each in parsed.objectives)]
    return [*found, parsed.technique.value] if parsed.technique else found
