"""Merged weights are the trained model in one folder: what was trained on (quantized or not) is what is merged into."""

from __future__ import annotations

import contextlib
import gc
import shutil
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.methods import Technique
from advisor.recipe import Recipe
from tuner_tui.export import adapter
from tuner_tui.export.card import card
from tuner_tui.export.outcome import Check, Outcome, Task
from tuner_tui.export.parity import held_out, parity, tokenizer_of
from tuner_tui.export.proof import base_changed, device, prepare, prove
from tuner_tui.export.transcript import Transcript, transcripts

MERGEABLE = (Technique.FULL, Technique.LORA, Technique.QLORA)


def export(task: Task) -> Outcome:
    """Merge, save, load back by plain transformers, and compare token by token with the run's own model."""
    checks = merge(task, task.place.path / "merged")
    return Outcome(checks=checks, notes=[task.say("note.merged", folder="merged"), *base_changed(task)])


def merge(task: Task, folder: Path) -> list[Check]:
    """Write the merged model with tokenizer and card to `folder`; returns its checks."""
    recipe = task.source.recipe
    weights = task.source.weights()
    if recipe.parsed_label.technique not in MERGEABLE:
        raise InputError("export.cannot_merge", label=recipe.label)
    prepare(recipe)
    if recipe.parsed_label.technique is Technique.FULL:
        shutil.copytree(weights, folder)
        reference = trained_says(task, weights)
    else:
        reference = write(task, folder)
    (folder / "README.md").write_text(card(task, "merged"), encoding="utf-8")
    checks = [] if reference is None else [same_tokens(task, folder, reference)]
    return checks + prove(task, lambda recipe, device: plain(folder, device), folder)


def write(task: Task, folder: Path) -> list[Transcript] | None:
    """Save base and adapter as one; returns what base + adapter said before, None when the data is gone."""
    recipe, weights = task.source.recipe, task.source.weights()
    tokenizer = tokenizer_of(weights)
    with contextlib.chdir(task.source.path.parent):
        said = says(task, adapter.load(recipe, weights, device()), tokenizer)
        gc.collect()
        merged = joined(recipe, weights)
    merged.config.use_cache = True
    merged.to(stored_format(recipe)).save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return said


def joined(recipe: Recipe, weights: Path) -> Any:
    """Base and adapter as one model in fp32.

    A quantized base is dequantized first: the adapter was trained on those weights, not on the original ones, so
    merging into the original would give a model that nobody trained or measured.
    """
    import torch
    from peft import PeftModel

    from tuner_tui.training.model import load_model

    base = load_model(recipe, device())
    if recipe.parsed_label.technique is Technique.QLORA:
        base = base.dequantize(dtype=torch.float32)
    return PeftModel.from_pretrained(base.float(), str(weights)).merge_and_unload(safe_merge=True)


def stored_format(recipe: Recipe) -> Any:
    """The number format of the base model's own files: the export is as exact as its base, not more."""
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(recipe.model.id, revision=recipe.model.revision)
    return getattr(config, "dtype", None) or torch.float32


def trained_says(task: Task, weights: Path) -> list[Transcript] | None:
    """What the run's fully tuned model says."""
    return says(task, plain(weights, device()), tokenizer_of(weights))


def says(task: Task, model: Any, tokenizer: Any) -> list[Transcript] | None:
    """Transcripts of the held-out prompts; None when the data is gone (the proof then says so)."""
    try:
        asked = held_out(task, tokenizer)
    except InputError:
        return None
    return transcripts(model, tokenizer, asked, max_new_tokens=task.source.recipe.evaluation.max_new_tokens)


def same_tokens(task: Task, folder: Path, reference: list[Transcript]) -> Check:
    """The check `parity` of the folder, loaded as anyone loads it."""
    tokenizer = tokenizer_of(folder)
    model = plain(folder, device())
    said = says(task, model, tokenizer) or []
    return parity(task, tokenizer, reference, said)


def plain(folder: Path, device: str) -> Any:
    """The model of a folder as plain transformers loads it, in the format of its files."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto").to(device)
