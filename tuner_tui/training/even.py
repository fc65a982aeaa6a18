"""Several processes end an epoch with the rows that one process would: what fills up their last batch counts nothing.

Without it accelerate repeats rows of the epoch's beginning there, which then count twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Sampler

from tuner_tui.training.job import Job

IGNORED = -100
FILLER_TOKENS = 2


class Filled(Sampler[int]):  # type: ignore[misc]  # torch is untyped here
    """The rows of an epoch in their order, then the fillers that stand behind them in the dataset."""

    def __init__(self, order: Any, fillers: Sequence[int]) -> None:
        self._order, self._fillers = order, fillers

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader at the beginning of an epoch."""
        self._order.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._order) + len(self._fillers)

    def __iter__(self) -> Iterator[int]:
        yield from self._order
        yield from self._fillers


def fill_up(job: Job, trainer: Any) -> None:
    """Add rows whose labels are all ignored until every process gets equally many whole batches.

    Only a loss by token knows such rows; a preference loss takes each pair as one, and repeats some.
    """
    dataset = trainer.train_dataset
    if job.world == 1 or "labels" not in dataset.column_names:
        return
    rows = len(dataset)
    missing = -rows % (job.recipe.train.micro_batch * job.world)
    if not missing:
        return
    from datasets import Dataset, concatenate_datasets

    order = _order(job, trainer, rows)
    filler = {**dataset[0], **_silent(dataset[0])}
    fillers = Dataset.from_list([filler] * missing, features=dataset.features)
    trainer.train_dataset = concatenate_datasets([dataset, fillers])
    filled = Filled(order, range(rows, rows + missing))
    trainer._get_train_sampler = lambda dataset=None: filled


def _silent(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that trains nothing: the first tokens of a real one, no label among them."""
    count = min(FILLER_TOKENS, len(row["input_ids"]))
    cut = {name: value[:count] for name, value in row.items() if isinstance(value, list)}
    lengths = {"seq_lengths": [count]} if "seq_lengths" in row else {}  # of a packed row's texts
    return {**cut, **lengths, "labels": [IGNORED] * count}


def _order(job: Job, trainer: Any, rows: int) -> Any:
    """The trainer's own order of its rows; where that is by chance, as accelerate draws it for one process."""
    import torch
    from accelerate.data_loader import SeedableRandomSampler

    order = trainer._get_train_sampler(trainer.train_dataset)
    if hasattr(order, "set_epoch"):
        return order
    return SeedableRandomSampler(range(rows), generator=torch.Generator(), data_seed=job.recipe.seed)
