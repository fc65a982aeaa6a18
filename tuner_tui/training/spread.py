"""One run on several processes makes the steps that one process would make; a launch that quietly did less is refused.

`accelerate launch --cpu` starts one process however many are asked for, and FSDP asked of accelerate on a CPU becomes
plain data parallel (both seen): so the world's size and the wrapped model's type are looked at before the first step.
Shards are torch's own `fully_shard` on every device, so that what is tested on gloo is what runs on GPUs. The last
step of an epoch may differ: where its rows cannot be shared out evenly, accelerate repeats some.
"""

from __future__ import annotations

import os
from typing import Any, Self

from msgspec import structs

from advisor.errors import InputError
from advisor.methods import Technique
from advisor.recipe import Recipe, Strategy
from tuner_tui.runs.events import EventKind
from tuner_tui.training.job import Job


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

    InputError when other than the recipe's processes were started, or the batch cannot be shared out.
    """
    count, train = recipe.launch.world, recipe.train
    if count != world():
        raise InputError("training.world", wanted=count, found=world())
    if count == 1:
        return recipe
    if recipe.launch.strategy is not Strategy.DDP and recipe.parsed_label.technique is not Technique.FULL:
        raise InputError("training.shard_adapter", strategy=recipe.launch.strategy)
    if train.grad_accum % count == 0:
        each = structs.replace(train, grad_accum=train.grad_accum // count)
    elif train.micro_batch % count == 0:
        each = structs.replace(train, micro_batch=train.micro_batch // count)
    else:
        batch = train.micro_batch * train.grad_accum
        raise InputError("training.uneven", processes=count, batch=batch)
    return structs.replace(recipe, train=each)


def arguments(job: Job) -> dict[str, Any]:
    """Trainer arguments of the strategy; shards of our own leave checkpoints to the end of the run."""
    strategy = job.recipe.launch.strategy
    if job.world == 1 or strategy is Strategy.DDP:
        return {"ddp_find_unused_parameters": False} if job.world > 1 else {}
    if strategy is Strategy.ZERO3:
        from importlib.util import find_spec

        if find_spec("deepspeed") is None:
            raise InputError("training.no_deepspeed")
        auto = dict.fromkeys(("train_micro_batch_size_per_gpu", "gradient_accumulation_steps"), "auto")
        return {"deepspeed": {**auto, "zero_optimization": {"stage": 3}, "bf16": {"enabled": "auto"}}}
    return {"save_strategy": "no"}


def shard(job: Job, trainer: Any) -> None:
    """For FSDP2: each layer, then the rest, split among the processes; the trainer wraps nothing around it."""
    if job.world == 1 or job.recipe.launch.strategy is not Strategy.FSDP2:
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(job.device, (job.world,))
    for layer in _layers(trainer.model):
        fully_shard(layer, mesh=mesh)
    fully_shard(trainer.model, mesh=mesh)
    trainer.accelerator.prepare_model = lambda model, **options: model


def _layers(model: Any) -> list[Any]:
    """The decoder's layers: the longest list of modules."""
    from torch.nn import ModuleList

    lists = [module for module in model.modules() if isinstance(module, ModuleList)]
    return list(max(lists, key=len, default=[]))


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


def tell_ranks(job: Job, step: int, **measured: float | int | None) -> None:
    """One `ranks` event with what every process measured for itself."""
    if job.world == 1:
        return
    import torch.distributed as dist

    found: list[Any] = [None] * job.world
    dist.all_gather_object(found, {"rank": job.rank, **measured})
    job.events.emit(EventKind.RANKS, step=step, ranks=found)


def whole_state(model: Any) -> dict[str, Any] | None:
    """All weights of a sharded model on the CPU of rank 0; None where nothing is sharded. Every rank calls it."""
    from torch.distributed.tensor import DTensor

    if not any(isinstance(weight, DTensor) for weight in model.parameters()):
        return None
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state: dict[str, Any] = get_model_state_dict(model, options=options)
    return state


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
