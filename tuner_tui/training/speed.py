"""What makes a run faster and changes nothing else: which rows share a pass, and by which kernels they are computed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from advisor.errors import InputError
from advisor.kernels import PLAIN
from advisor.recipe import Attention, Batching, Precision, Recipe, TrainSpec
from tuner_tui.training.job import Job

AMPERE = (8, 0)


def flash_works(precision: Precision, device: str) -> bool:
    """Whether FlashAttention is installed and this GPU computes it (Ampere or newer, 16 bits)."""
    import torch

    if device != "cuda" or precision is Precision.FP32 or find_spec("flash_attn") is None:
        return False
    return bool(torch.cuda.get_device_capability() >= AMPERE)


def attention(train: TrainSpec, precision: Precision, device: str) -> str | None:
    """transformers' name of the kernel, None = its own choice (SDPA); InputError when the one asked for cannot run."""
    if train.attention is Attention.AUTO:
        return "flash_attention_2" if flash_works(precision, device) else None
    if train.attention is Attention.FLASH:
        if not flash_works(precision, device):
            raise InputError("training.no_flash")
        return "flash_attention_2"
    return train.attention.value


def batching(recipe: Recipe, precision: Precision, device: str) -> Batching:
    """`auto` decided for this machine. Only a plain language-modelling loss knows another way than padding."""
    label, train = recipe.parsed_label, recipe.train
    if label.stages[0][0] not in PLAIN or train.packing:
        return Batching.PADDED
    if train.batching is not Batching.AUTO:
        return train.batching
    flash = attention(train, precision, device) == "flash_attention_2"
    return Batching.PADDING_FREE if flash else Batching.GROUPED


def plain(job: Job) -> dict[str, Any]:
    """Arguments of TRL's SFT trainer beside those that every trainer takes."""
    train = job.recipe.train
    found: dict[str, Any] = {"packing": train.packing, "eval_packing": False, "use_liger_kernel": _liger(job)}
    if batching(job.recipe, job.precision, job.device) is Batching.PADDING_FREE:
        # TRL cuts no rows then: `settle` does.
        found |= {"padding_free": True, "max_length": None}
    return found


def _liger(job: Job) -> bool:
    """Where it is installed and there is a GPU, unless the recipe says; InputError when asked for in vain."""
    asked, there = job.recipe.train.liger, find_spec("liger_kernel") is not None
    if asked and not there:
        raise InputError("training.no_liger")
    return (there and job.device == "cuda") if asked is None else asked


def settle(job: Job, trainer: Any) -> None:
    """Give the trainer its order of rows, and step counts that fit the rows as they were packed."""
    kind = batching(job.recipe, job.precision, job.device)
    if kind is Batching.PADDING_FREE:
        trainer.train_dataset = _cut(trainer.train_dataset, job.recipe.train.max_length)
        trainer.eval_dataset = _cut(trainer.eval_dataset, job.recipe.train.max_length)
    put_in_order(job, trainer)
    if job.recipe.train.packing:
        _recount(job, trainer)


def put_in_order(job: Job, trainer: Any) -> None:
    """The order in which the trainer takes its present rows; to be called again when it is given others."""
    if batching(job.recipe, job.precision, job.device) is Batching.GROUPED:
        from tuner_tui.training.order import Grouped

        train = job.recipe.train
        lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
        order = Grouped(lengths, train.micro_batch * train.grad_accum * job.world, job.recipe.seed)
        trainer._get_train_sampler = lambda dataset=None: order


def _cut(dataset: Any, length: int) -> Any:
    """Rows cut to `length` tokens; what has nothing left to learn is dropped, as TRL does with padded rows."""
    columns = ("input_ids", "labels")
    cut = dataset.map(lambda row: {name: row[name][:length] for name in columns})
    return cut.filter(lambda row: any(label != -100 for label in row["labels"]))


def _recount(job: Job, trainer: Any) -> None:
    """Packed rows are fewer than texts: warm-up and the steps between evaluations follow their number."""
    from tuner_tui.training.arguments import arguments

    known = arguments(job, len(trainer.train_dataset))
    for name in ("warmup_steps", "eval_steps", "save_steps"):
        setattr(trainer.args, name, known[name])
