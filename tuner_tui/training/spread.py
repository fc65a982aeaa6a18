"""One run on several processes makes the steps that one process would make; a launch that quietly did less is refused.

`accelerate launch --cpu` starts one process however many are asked for, and FSDP asked of accelerate on a CPU becomes
plain data parallel (both seen): so the world's size and the wrapped model's type are looked at before the first step.
The first process of each machine writes into that machine's own run folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import Any, Self

from msgspec import structs

from advisor.errors import InputError
from advisor.recipe import Recipe, Strategy
from tuner_tui.runs.events import EventKind
from tuner_tui.runs.launching import check_launch
from tuner_tui.training.job import Job

PR_SET_PDEATHSIG = 1


def rank() -> int:
    """This process among all of the run's, from torchrun's environment; 0 without it."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes torchrun started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> int:
    """This process among those of this machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_world() -> int:
    """How many processes of the run this machine has."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def shared(recipe: Recipe) -> Recipe:
    """What each process does of the recipe, so that all make its effective batch together.

    InputError when other than the recipe's processes were started, or the launch cannot carry the recipe out.
    """
    check_launch(recipe)
    count, train = recipe.launch.world, recipe.train
    if count != world():
        raise InputError("training.world", wanted=count, found=world())
    if count == 1:
        return recipe
    if train.grad_accum % count == 0:
        each = structs.replace(train, grad_accum=train.grad_accum // count)
    else:
        each = structs.replace(train, micro_batch=train.micro_batch // count)
    return structs.replace(recipe, train=each)


def arguments(job: Job) -> dict[str, Any]:
    """Trainer arguments of the launch. Machines share no disk: on each, checkpoints are whole."""
    launch = job.recipe.launch
    if job.world == 1:
        return {}
    if launch.strategy is Strategy.ZERO3:
        auto = dict.fromkeys(("train_micro_batch_size_per_gpu", "gradient_accumulation_steps"), "auto")
        zero3 = {**auto, "zero_optimization": {"stage": 3}, "bf16": {"enabled": "auto"}}
        return {"deepspeed": zero3, "save_on_each_node": launch.nodes > 1}
    return {"ddp_find_unused_parameters": False, "save_on_each_node": launch.nodes > 1}


def check_wrapped(job: Job, trainer: Any) -> str:
    """The type of what is really trained; RuntimeError when it is not what the launch asked for."""
    import torch.distributed as dist
    from torch.distributed.fsdp import FSDPModule

    shards = [type(each).__name__ for each in trainer.model_wrapped.modules() if isinstance(each, FSDPModule)]
    found = (shards or [type(trainer.model_wrapped).__name__])[0]
    if job.world == 1:
        return found
    size = dist.get_world_size() if dist.is_initialized() else 1
    wanted = {
        Strategy.DDP: "DistributedDataParallel",
        Strategy.FSDP2: "FSDP",
        Strategy.ZERO3: "DeepSpeedEngine",
    }[job.recipe.launch.strategy]
    if size != job.world or not found.startswith(wanted):
        raise RuntimeError(f"asked for {job.world} x {wanted}, got {size} x {found}")
    return found


def agreed(job: Job, flag: bool) -> bool:
    """Whether any process says so: all stop at the same step or none does."""
    if job.world == 1:
        return flag
    import torch
    import torch.distributed as dist

    if not dist.is_initialized():
        return flag
    said = torch.tensor([int(flag)], device=job.device)
    dist.all_reduce(said, op=dist.ReduceOp.MAX)
    return bool(said.item())


def together(job: Job) -> None:
    """Wait until every process has come here."""
    import torch.distributed as dist

    if job.world > 1 and dist.is_initialized():
        dist.barrier()


def end_with_parent() -> None:
    """A process that torchrun started ends when torchrun is killed: the run is known by that one's pid (Linux only)."""
    if world() == 1 or not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def gathered(job: Job, **measured: float | int | None) -> list[dict[str, Any]]:
    """What every process measured for itself, by rank."""
    own = {"rank": job.rank, **measured}
    if job.world == 1:
        return [own]
    import torch.distributed as dist

    found: list[Any] = [None] * job.world
    dist.all_gather_object(found, own)
    return found


def summed(job: Job, number: int) -> int:
    """The sum of what all processes counted."""
    if job.world == 1:
        return number
    import torch
    import torch.distributed as dist

    counted = torch.tensor([number], device=job.device)
    dist.all_reduce(counted)
    return int(counted.item())


class Silent:
    """Stands in for the event writer in processes that only compute."""

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Say nothing."""

    def coach_by(self, recipe: Recipe) -> None:
        """No coach listens."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""


def leave() -> None:
    """Close the process group, so that no process waits for one that has ended."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
