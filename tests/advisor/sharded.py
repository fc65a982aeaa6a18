"""One of several processes that really share a model: prints what its own shards hold after a step, in bytes.

python tests/advisor/sharded.py RANK WORLD PORT fsdp2|ddp full|lora CONFIG
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(rank: int, world: int, port: int, strategy: str, technique: str, config: str) -> dict[str, int]:
    """Train one step under gloo and count."""
    import torch
    import torch.distributed as dist

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(world)}
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    model = built(json.loads(config), technique)
    whole = shared(model, strategy)
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad])
    ids = torch.zeros(1, 8, dtype=torch.long)
    before = resident()
    whole(input_ids=ids, labels=ids).loss.backward()
    grew = resident() - before
    optimizer.step()
    weights = list(model.parameters())
    found = {
        "weights": sum(size(weight) for weight in weights if technique == "full" or not weight.requires_grad),
        "adapters": sum(size(weight) for weight in weights if technique != "full" and weight.requires_grad),
        "gradients": sum(size(weight.grad) for weight in weights if weight.grad is not None),
        "states": sum(size(one) for state in optimizer.state.values() for one in state.values() if one.dim()),
        "grew": grew,
    }
    dist.barrier()
    dist.destroy_process_group()
    return found


def built(config: dict[str, Any], technique: str) -> Any:
    """The real model in fp32, with the real adapter where one is asked for."""
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
    if technique == "full":
        return model
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))


def shared(model: Any, strategy: str) -> Any:
    """The model as torch shares it: layer by layer, then the rest; or copied whole."""
    if strategy == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(model)
    from torch.distributed.fsdp import fully_shard

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    for layer in base.model.layers:
        fully_shard(layer)
    return fully_shard(model)


def size(tensor: Any) -> int:
    """Bytes of the part that this process holds."""
    own = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return int(own.numel() * own.element_size())


def resident() -> int:
    """Bytes of memory that this process holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    rank, world, port, strategy, technique, config = sys.argv[1:]
    print(json.dumps(main(int(rank), int(world), int(port), strategy, technique, config)))
