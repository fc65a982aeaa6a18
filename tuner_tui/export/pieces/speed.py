"""What makes training faster and changes nothing else: which rows share a pass, and by which kernels."""

from importlib.util import find_spec
from typing import Any

from tuner_tui.export.pieces.config import settle_steps
from tuner_tui.export.pieces.model import DEVICE, attention
from tuner_tui.export.pieces.settings import BATCHING, GRAD_ACCUM, LIGER, MAX_LENGTH, MICRO_BATCH, PACKING, SEED
from tuner_tui.training.order import Grouped


def batching() -> str:
    """`auto` decided for this machine: laid end to end where FlashAttention is, else rows of like length together."""
    if PACKING or BATCHING != "auto":
        return "padded" if PACKING else BATCHING
    return "padding_free" if attention() == "flash_attention_2" else "grouped"


def plain() -> dict[str, Any]:
    """Arguments of the SFT trainer beside those that every trainer takes."""
    liger = DEVICE == "cuda" and find_spec("liger_kernel") is not None if LIGER is None else LIGER
    found: dict[str, Any] = {"packing": PACKING, "eval_packing": False, "use_liger_kernel": liger}
    # TRL cuts no padding-free rows: `settle` does.
    return found | ({"padding_free": True, "max_length": None} if batching() == "padding_free" else {})


def settle(trainer: Any) -> Any:
    """Give the trainer its order of rows, and step counts that fit the rows as they were packed."""
    if batching() == "padding_free":
        trainer.train_dataset, trainer.eval_dataset = cut(trainer.train_dataset), cut(trainer.eval_dataset)
    if batching() == "grouped":
        lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
        order = Grouped(lengths, MICRO_BATCH * GRAD_ACCUM, SEED)
        trainer._get_train_sampler = lambda dataset=None: order
    if PACKING:
        settle_steps(trainer.args, len(trainer.train_dataset))
    return trainer


def cut(dataset: Any) -> Any:
    """Rows cut to the longest length that is trained on; those with nothing left to learn are dropped."""
    short = dataset.map(lambda row: {name: row[name][:MAX_LENGTH] for name in ("input_ids", "labels")})
    return short.filter(lambda row: any(label != -100 for label in row["labels"]))
