"""What every child process of this package begins with: threads, no network for local models, a device."""

from __future__ import annotations

import os

from advisor.recipe import Recipe


def device_for(recipe: Recipe) -> str:
    """Set this process up before torch is loaded; the device to work on."""
    from tuner_tui.training.model import is_local
    from tuner_tui.training.threads import idle_threads, use_threads

    threads = idle_threads(recipe.train.threads)
    use_threads(threads)
    if is_local(recipe.model):
        os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    torch.set_num_threads(threads)
    return "cuda" if torch.cuda.is_available() else "cpu"
