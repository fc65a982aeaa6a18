"""What a run leaves is loadable by plain transformers and peft, and appears whole or not at all."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from advisor.methods import Technique
from tuner_tui import __version__
from tuner_tui.training.checkpoint import flush_folder
from tuner_tui.training.job import Job
from tuner_tui.training.shards import whole_state

LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "accelerate")


def save(job: Job, model: Any, tokenizer: Any) -> Path:
    """Write `adapter/` or, for full tuning, `model/`, with the tokenizer; returns the folder."""
    state = whole_state(job, model)
    final = job.run.model if job.technique is Technique.FULL else job.run.adapter
    aside = final.with_name(f".{final.name}.partial")
    if not job.leads:
        return final
    shutil.rmtree(aside, ignore_errors=True)
    model.config.use_cache = True
    # A chain's preference stage carries a frozen copy of the adapter for reference: it is not the result.
    chosen = {"selected_adapters": ["default"]} if hasattr(model, "peft_config") else {}
    model.save_pretrained(aside, safe_serialization=True, state_dict=state, **chosen)
    tokenizer.save_pretrained(aside)
    shutil.rmtree(final, ignore_errors=True)
    aside.rename(final)
    flush_folder(job.run.path)
    return final


def versions() -> dict[str, str]:
    """The versions of what trained."""
    return {"tuner": __version__, **{name: metadata.version(name) for name in LIBRARIES}}
