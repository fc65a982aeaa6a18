"""What a recipe's rules come to on its data and machine: other tools take numbers, so each rule is worked out once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from advisor.kernels import PLAIN as PLAIN_LOSS
from advisor.methods import Objective
from advisor.recipe import Attention, Batching, Check, ModelSpec, Precision, Recipe
from tuner_tui.export.outcome import Task
from tuner_tui.export.rows import Rows, rows_of
from tuner_tui.export.settings import beta_of, folder

EVALUATIONS = 4
PREFERENCE = (Objective.DPO, Objective.ORPO, Objective.RLHF_PPO)
REINFORCED = (Objective.GRPO, Objective.RLHF_PPO)
# Values that ask for nothing beyond what every tool does by itself.
PLAIN = {
    "train.batching": Batching.PADDED,
    "train.attention": Attention.AUTO,
    "train.keep_best": False,
    "train.report_to": [],
}


class Concrete(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe in numbers. `cpu`: the target machine has no GPU. `chat`: prompts are conversations.

    `warmup_steps` and `eval_steps` below 1 are shares of all steps, whose number is known only once rows are packed.
    `save_steps` is a multiple of `eval_steps` where the best checkpoint is kept, which must have been measured.
    `earlier`: the folder of an adapter that goes on. `tries`: answers to one prompt. `long`: where texts are longer
    than a row, all rows as token ids.
    `pad`: the token that our training pads with where the tokenizer has none of its own (or only the end token).
    """

    recipe: Recipe
    model: str
    train: list[Any]
    held_out: list[Any]
    chat: bool
    cpu: bool
    precision: Precision
    steps: int
    warmup_steps: int | float
    eval_steps: int | float
    save_steps: int
    beta: float
    tokenizer: Any = None
    earlier: str | None = None
    tries: int = 1
    long: tuple[list[dict[str, Any]], list[dict[str, Any]]] | None = None
    pad: str | None = None

    @property
    def objective(self) -> Objective:
        """The objective of the only stage."""
        return self.recipe.parsed_label.objectives[0]

    @property
    def compares(self) -> bool:
        """Whether rows hold a chosen and a rejected answer."""
        return self.objective in PREFERENCE

    @property
    def technique(self) -> str:
        """How weights move."""
        return str(self.recipe.parsed_label.technique)

    @property
    def attention(self) -> Attention | None:
        """The kernel that the recipe names; None where the tool is to choose."""
        wanted = self.recipe.train.attention
        return None if wanted is Attention.AUTO else wanted

    @property
    def batching(self) -> Batching:
        """How rows share a pass; `auto` is grouped, since nobody knows whether the machine has FlashAttention."""
        train = self.recipe.train
        if self.objective not in PLAIN_LOSS or train.packing:
            return Batching.PADDED
        return Batching.GROUPED if train.batching is Batching.AUTO else train.batching

    def rendered(self, turns: list[Any], *, open_ended: bool) -> str:
        """Turns by the model's template, as a text to which a tokenizer adds the beginning by itself."""
        text = str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=open_ended))
        return text.removeprefix(self.tokenizer.bos_token or "")

    @property
    def quant(self) -> str | None:
        """`nf4_double`, `nf4` or `int8` for QLoRA, else None."""
        return (self.recipe.adapter.quant or "nf4_double") if self.technique == "qlora" else None


def concrete(task: Task) -> Concrete:
    """Work the recipe out; InputError when its data cannot be read."""
    rows = rows_of(task)
    recipe, source, train, held_out = rows.recipe, task.source, rows.train, rows.held_out
    objective = recipe.parsed_label.objectives[0]
    if objective is Objective.KTO:
        from tuner_tui.training.kto import shuffled

        train, held_out = shuffled(train, recipe.seed), shuffled(held_out, recipe.seed)
    long = long_texts(rows) if objective is Objective.CPT else None
    count = len(long[0]) if long else len(train) * tries(recipe)
    steps, cpu = total_steps(recipe, count), without_gpu(task)
    packed = recipe.train.packing and recipe.train.max_steps is None
    looks = recipe.train.eval_steps or max(steps // EVALUATIONS, 1)
    return Concrete(
        recipe=recipe,
        model=folder(source, recipe.model.id),
        tokenizer=rows.tokenizer,
        earlier=folder(source, recipe.model.adapter) if recipe.model.adapter else None,
        train=train,
        held_out=held_out,
        chat=not isinstance(train[0].prompt, str),
        cpu=cpu,
        precision=precision(recipe, cpu),
        steps=steps,
        warmup_steps=recipe.train.warmup_ratio if packed else math.ceil(recipe.train.warmup_ratio * steps),
        eval_steps=1 / EVALUATIONS if packed and recipe.train.eval_steps is None else looks,
        save_steps=measured(recipe, looks, recipe.train.save_steps or steps),
        beta=beta_of(recipe),
        tries=tries(recipe),
        long=long,
        pad=rows.tokenizer.pad_token if own_pad(recipe.model) != rows.tokenizer.pad_token else None,
    )


def tries(recipe: Recipe) -> int:
    """Answers to one prompt that a method of reinforcement compares; 1 for all others."""
    if recipe.parsed_label.objectives[0] not in REINFORCED:
        return 1
    from tuner_tui.training.grpo import GENERATIONS

    return recipe.train.generations or GENERATIONS


def long_texts(rows: Rows) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """Texts as the tokens that are learned, in pieces of at most `max_length`; None where each is one piece."""
    from tuner_tui.training.cpt import rows as pieces

    length = rows.recipe.train.max_length
    train, held_out = (list(pieces(part, rows.tokenizer, length)) for part in (rows.train, rows.held_out))
    return (train, held_out) if len(train) > len(rows.train) or len(held_out) > len(rows.held_out) else None


def measured(recipe: Recipe, looks: int, saves: int) -> int:
    """Steps between checkpoints; where the best is kept, only at steps that are evaluated."""
    return looks if recipe.train.keep_best and saves % looks else saves


def own_pad(spec: ModelSpec) -> str | None:
    """The pad token that the model's tokenizer comes with."""
    from transformers import AutoTokenizer

    from tuner_tui.training.model import from_hub

    found = from_hub(AutoTokenizer, spec).pad_token
    return None if found is None else str(found)


def total_steps(recipe: Recipe, rows: int) -> int:
    """Optimizer steps, counted as our own training counts them."""
    from tuner_tui.training.arguments import total_steps

    return total_steps(recipe.train, rows)


def without_gpu(task: Task) -> bool:
    """Whether the file is written for a machine without a GPU: the run's own machine, else the facts', else no."""
    if task.source.run is not None and task.source.run.events_path.exists():
        lines = task.source.run.events_path.read_bytes().splitlines()
        events = (json.loads(line) for line in lines if b'"start"' in line)
        return any(event.get("t") == "start" and event.get("device") == "cpu" for event in events)
    facts = task.source.recipe.facts
    return facts is not None and facts.hardware is not None and facts.hardware.gpus == []


def precision(recipe: Recipe, cpu: bool) -> Precision:
    """The number format, `auto` decided: fp32 on a CPU, bf16 on a GPU."""
    if recipe.train.precision is not Precision.AUTO:
        return recipe.train.precision
    return Precision.FP32 if cpu else Precision.BF16


def unexpressed(task: Task, target: str, said: Iterable[str]) -> dict[str, str]:
    """Keys of the recipe that hold a value and that the target's file does not say, each with that value."""
    said = set(said)
    found = {
        key: task.say("unsaid", target=target, value=value)
        for key, value in in_effect(task.source.recipe).items()
        if key not in said
    }
    return {**found, "evaluation": task.say("unsaid_evaluation", target=target)}


def in_effect(recipe: Recipe) -> dict[str, Any]:
    """Every key that has a part in the training, with its value."""
    full = recipe.parsed_label.technique == "full"
    parts = {"train": recipe.train, "model": recipe.model} | ({} if full else {"adapter": recipe.adapter})
    found = {
        f"{part}.{name}": getattr(struct, name) for part, struct in parts.items() for name in struct.__struct_fields__
    }
    if recipe.train.max_steps is not None:
        found.pop("train.epochs")  # max_steps wins
    if recipe.launch.world > 1:
        found |= {f"launch.{name}": getattr(recipe.launch, name) for name in recipe.launch.__struct_fields__}
    if recipe.parsed_label.objectives[0] is Objective.GRPO and recipe.reward.check is Check.PYTHON:
        found["reward.timeout_s"] = recipe.reward.timeout_s
    kept = {**found, "seed": recipe.seed}.items()
    return {key: value for key, value in kept if value is not None and (key not in PLAIN or value != PLAIN[key])}


def beyond_script(task: Task) -> dict[str, str]:
    """What is in effect and the stand-alone script does not do."""
    known = in_effect(task.source.recipe)
    said = {key for key in known if not key.startswith("launch.") and key != "reward.timeout_s"}
    return {key: why for key, why in unexpressed(task, "train.py", said).items() if key != "evaluation"}
