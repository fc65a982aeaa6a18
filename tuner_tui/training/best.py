"""The result is the best checkpoint by held-out loss; the last weights stay only where nothing earlier was better."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tuner_tui.training.checkpoint import Manifest, candidates, manifest_of
from tuner_tui.training.job import Job
from tuner_tui.training.shards import is_sharded, put


def take_best(job: Job, trainer: Any) -> int | None:
    """Put the weights of the best checkpoint into the model; its step, or None where the last weights are the best."""
    if not job.recipe.train.keep_best:
        return None
    found = best_of(job.run.checkpoints)
    last = _last_loss(trainer)
    if found is None or last is None or found[1].step >= trainer.state.global_step:
        return None
    path, manifest = found
    if manifest.eval_loss is None or not manifest.eval_loss < last:
        return None
    load(trainer.model, path)
    job.warn("took_best", step=manifest.step, loss=f"{manifest.eval_loss:.4f}", last=f"{last:.4f}")
    return manifest.step


def best_of(checkpoints: Path) -> tuple[Path, Manifest] | None:
    """The whole checkpoint with the lowest evaluation loss, the later one of two equal ones."""
    known = [(path, manifest_of(path)) for path in candidates(checkpoints)]
    measured = [(path, manifest) for path, manifest in known if manifest is not None and manifest.eval_loss is not None]
    return min(measured, key=lambda each: each[1].eval_loss or math.inf, default=None)


def _last_loss(trainer: Any) -> float | None:
    """The evaluation loss of the very last step; None when that step was not evaluated."""
    entries = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    if not entries or entries[-1].get("step") != trainer.state.global_step:
        return None
    return float(entries[-1]["eval_loss"])


def load(model: Any, checkpoint: Path) -> None:
    """The checkpoint's weights, an adapter's or a whole model's, into `model` where it is."""
    from safetensors.torch import load_file

    if is_sharded(model):
        put(model, checkpoint)
        return
    if hasattr(model, "peft_config"):
        from peft import set_peft_model_state_dict

        device = next(model.parameters()).device
        set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors", device=str(device)))
        return
    for part in sorted(checkpoint.glob("model*.safetensors")):
        missing = model.load_state_dict(load_file(part), strict=False)
        if missing.unexpected_keys:
            raise RuntimeError(f"{part.name}: {missing.unexpected_keys[:3]}")
