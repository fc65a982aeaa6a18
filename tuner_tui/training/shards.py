"""Weights that several processes share are checkpointed whole: a run goes on from them as one process's would.

Shards are torch's own `fully_shard` on every device, so that what is tested on gloo is what runs on GPUs. Every
process takes part in each gathering; the first of each machine writes.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from advisor.recipe import Precision, Strategy
from tuner_tui.training.job import Job

OPTIMIZER, SCHEDULER = "optimizer.pt", "scheduler.pt"


def shard(job: Job, trainer: Any) -> None:
    """For FSDP2: each layer, then the rest, split among the processes; the trainer wraps nothing around it."""
    if job.world == 1 or job.recipe.launch.strategy is not Strategy.FSDP2:
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method

    from tuner_tui.training.model import torch_dtype

    mesh = init_device_mesh(job.device, (job.world,))
    narrow = None if job.precision is Precision.FP32 else torch_dtype(job.precision)
    split = functools.partial(fully_shard, mesh=mesh, mp_policy=MixedPrecisionPolicy(param_dtype=narrow))
    for layer in _layers(trainer.model):
        split(layer)
    split(trainer.model)
    register_fsdp_forward_method(trainer.model, "generate")
    trainer.accelerator.prepare_model = lambda model, **options: model
    _checkpoint_whole(job, trainer)


def _layers(model: Any) -> list[Any]:
    """The decoder's layers: the longest list of modules."""
    from torch.nn import ModuleList

    lists = [module for module in model.modules() if isinstance(module, ModuleList)]
    return list(max(lists, key=len, default=[]))


def is_sharded(model: Any) -> bool:
    """Whether any weight is spread over processes."""
    from torch.distributed.tensor import DTensor

    return any(isinstance(weight, DTensor) for weight in model.parameters())


def whole_state(job: Job, model: Any) -> dict[str, Any] | None:
    """All weights of a sharded model on the CPU of each machine's first process, with an adapter the trained ones only.

    None where nothing is sharded. Every process calls it.
    """
    if not is_sharded(model):
        return None
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    wanted = trained if _has_adapter(model) else model.state_dict().keys()
    return {name: _whole(job, part) for name, part in model.state_dict().items() if name in wanted}


def _whole(job: Job, part: Any) -> Any:
    """What the processes hold of a tensor put together; only who writes keeps it."""
    from torch.distributed.tensor import DTensor

    whole = part.full_tensor() if isinstance(part, DTensor) else part
    return whole.cpu() if job.leads else whole.new_empty(0)


def _part(whole: Any, like: Any) -> Any:
    """This process's part of a whole tensor, spread as `like` is; what has another shape stays whole."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(like, DTensor) or whole.shape != like.shape:
        return whole
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def put(model: Any, folder: Path) -> None:
    """The whole weights of a checkpoint into a sharded model: each process keeps its own part of them."""
    import torch
    from safetensors.torch import load_file

    pattern = "adapter_model.safetensors" if _has_adapter(model) else "model*.safetensors"
    state = {name: whole for part in sorted(folder.glob(pattern)) for name, whole in load_file(part).items()}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            whole = state.pop(name.replace(".default.", ".") if _has_adapter(model) else name, None)
            if whole is not None:
                weight.copy_(_part(whole, weight))
    if state:
        raise RuntimeError(f"{folder.name}: {sorted(state)[:3]}")


def _has_adapter(model: Any) -> bool:
    return hasattr(model, "peft_config")


def _checkpoint_whole(job: Job, trainer: Any) -> None:
    """Let the trainer save and load whole weights and whole optimizer states."""
    save = trainer._save

    def save_whole(output_dir: str | None = None, state_dict: Any = None) -> None:
        save(output_dir, state_dict=whole_state(job, trainer.model))

    trainer._save = save_whole
    trainer._save_optimizer_and_scheduler = functools.partial(_write_optimizer, job, trainer)
    trainer._load_from_checkpoint = lambda folder, model=None: put(trainer.model, Path(folder))
    trainer._load_optimizer_and_scheduler = functools.partial(_read_optimizer, trainer)


def _write_optimizer(job: Job, trainer: Any, folder: str) -> None:
    import torch

    found = trainer.optimizer.state_dict()
    states = {
        index: {name: _whole(job, value) if torch.is_tensor(value) else value for name, value in state.items()}
        for index, state in found["state"].items()
    }
    if job.leads:
        torch.save({**found, "state": states}, Path(folder) / OPTIMIZER)
        torch.save(trainer.lr_scheduler.state_dict(), Path(folder) / SCHEDULER)


def _read_optimizer(trainer: Any, folder: str | None) -> None:
    """What `_write_optimizer` wrote; without a checkpoint there is nothing to read."""
    if folder is None:
        return
    import torch

    found = torch.load(Path(folder) / OPTIMIZER, weights_only=True, map_location="cpu")
    weights = [weight for group in trainer.optimizer.param_groups for weight in group["params"]]
    for index, state in found["state"].items():
        state.update({name: _part(value, weights[index]) for name, value in state.items() if torch.is_tensor(value)})
    trainer.optimizer.load_state_dict(found)
    trainer.lr_scheduler.load_state_dict(torch.load(Path(folder) / SCHEDULER, weights_only=True))
