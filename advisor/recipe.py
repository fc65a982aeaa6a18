"""Recipe: one file from which a run is repeated exactly. Unknown keys are refused, never ignored."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from advisor.answering import PromptSpec, RetrievalSpec
from advisor.document import parse_document
from advisor.errors import InputError
from advisor.facts import Facts
from advisor.methods import Label, Objective, parse_label
from advisor.part import Count, Name, NonNegative, Part, Positive, Rate, Share, apply_change, refuse_unknown
from advisor.upgrade import VERSION, Upgrade, upgraded


class Metric(StrEnum):
    """How held-out answers are scored. `loss` is nats per trained token, lower is better; all others 0..1.

    `reward` is the recipe's `reward`, `rubric` the grade that its `judge` gives each answer by itself.
    """

    EXACT_MATCH = "exact_match"
    TOKEN_F1 = "token_f1"
    REGEX = "regex"
    ROUGE_L = "rouge_l"
    CHRF = "chrf"
    JSON = "json_valid"
    REFUSAL = "refusal"
    REWARD = "reward"
    RUBRIC = "rubric"
    PREFERENCE = "preference_accuracy"
    LOSS = "loss"


class Precision(StrEnum):
    """Number format of the training computation; `auto` = bf16 where the GPU has it, else fp32."""

    AUTO = "auto"
    BF16 = "bf16"
    FP16 = "fp16"
    FP32 = "fp32"


class Attention(StrEnum):
    """Attention kernel; `auto` = FlashAttention where it is installed and the GPU can (Ampere or newer), else SDPA."""

    AUTO = "auto"
    FLASH = "flash"
    SDPA = "sdpa"
    EAGER = "eager"


class Batching(StrEnum):
    """How rows of unlike length share a pass. `padded`: filled up, in random order. `grouped`: filled up, rows of like
    length together. `padding_free`: laid end to end, which needs FlashAttention. `auto`: padding-free where the
    attention kernel allows it, else grouped.
    """

    AUTO = "auto"
    PADDED = "padded"
    GROUPED = "grouped"
    PADDING_FREE = "padding_free"


class Strategy(StrEnum):
    """What several processes share: gradients (`ddp`), or weights, gradients and optimizer states too."""

    DDP = "ddp"
    FSDP2 = "fsdp2"
    ZERO3 = "zero3"


class Tracker(StrEnum):
    """A viewer of training curves, by the name that transformers knows it by."""

    TENSORBOARD = "tensorboard"
    WANDB = "wandb"
    MLFLOW = "mlflow"
    TRACKIO = "trackio"


class ModelSpec(Part, frozen=True, kw_only=True):
    """Which model: a hub id or a local folder.

    `trust_remote_code`: the model's own Python files run with your rights only where this repeats the model's `id`;
    `true` alone names nobody and is refused before a run.

    `adapter` is the folder of an earlier run's adapter that training goes on from.
    """

    id: str
    revision: str | None = None
    trust_remote_code: bool | str = False
    adapter: str | None = None

    @property
    def runs_code(self) -> bool:
        """Whether this model's own code was asked for by the model's name."""
        return self.trust_remote_code == self.id


class DataSpec(Part, frozen=True, kw_only=True):
    """Which data. Without `eval`, `eval_fraction` of the training rows is held out (seeded).

    `replay` is earlier training data of which `replay_share` of the rows' number is mixed in, against forgetting;
    `replay_eval` its held-out rows, scored before and after. `fingerprint` is the SHA-256 of what `train` held when the
    recipe was planned.
    """

    train: str
    eval: str | None = None
    eval_fraction: Share = 0.1
    mapping: dict[str, str] = {}
    docs: str | None = None
    replay: str | None = None
    replay_eval: str | None = None
    replay_share: Share = 0.2
    fingerprint: str | None = None


class AdapterSpec(Part, frozen=True, kw_only=True):
    """The trained part; ignored by technique `full`. `rank` counts virtual tokens for prefix and prompt."""

    rank: Positive = 16
    alpha: Positive = 32
    dropout: Share = 0.0
    targets: str | list[str] = "all-linear"
    dora: bool = False
    rslora: bool = False
    quant: str | None = None


class TrainSpec(Part, frozen=True, kw_only=True):
    """Hyperparameters. `max_steps` (optimizer steps) wins over `epochs`; `beta` belongs to DPO, ORPO and KTO.

    `generations` is how many answers to one prompt GRPO and RLHF compare (None = 8). `liger`: fused kernels, None =
    where they are installed and there is a GPU. `patience`: evaluations without a lower held-out loss after which the
    run ends early (None = never); `keep_best`: the result is the checkpoint with the lowest held-out loss. `report_to`:
    where the curves go besides the run's own events; a tracker writes into the run's folder unless its own environment
    variables say otherwise.
    """

    max_steps: Positive | None = None
    epochs: Annotated[float, msgspec.Meta(gt=0.0, le=1e6)] = 3.0
    learning_rate: Rate = 2e-4
    scheduler: str = "cosine"
    warmup_ratio: Share = 0.05
    weight_decay: NonNegative = 0.0
    max_grad_norm: NonNegative = 1.0
    optimizer: str = "adamw_torch_fused"
    micro_batch: Positive = 8
    grad_accum: Positive = 1
    max_length: Positive = 1024
    packing: bool = False
    batching: Batching = Batching.PADDED
    attention: Attention = Attention.AUTO
    liger: bool | None = None
    grad_ckpt: bool = False
    precision: Precision = Precision.AUTO
    beta: NonNegative | None = None
    log_steps: Positive = 1
    eval_steps: Positive | None = None
    save_steps: Positive | None = None
    keep_checkpoints: Positive = 2
    patience: Positive | None = None
    keep_best: bool = False
    report_to: list[Tracker] = []
    threads: Positive | None = None
    generations: Annotated[int, msgspec.Meta(ge=2)] | None = None


class EvalSpec(Part, frozen=True, kw_only=True):
    """How the claim "it worked" is checked on held-out rows, before and after, by the same code.

    `tasks` of lm-evaluation-harness are run by a comparison too, base and tuned; `task_folder` holds tasks of your own.
    """

    metric: Metric = Metric.LOSS
    pattern: str | None = None
    max_items: Positive = 64
    max_new_tokens: Positive = 128
    samples: Count = 3
    tasks: list[str] = []
    task_folder: str | None = None


class Check(StrEnum):
    """How a program tells a right answer (GRPO)."""

    EXACT = "exact"
    NUMERIC = "numeric"
    REGEX = "regex"
    JSON = "json"
    PYTHON = "python"


class RewardSpec(Part, frozen=True, kw_only=True):
    """What earns a reward of 0..1. `pattern`: for regex; `schema`: a JSON Schema file that answers must satisfy (json;
    without it they must equal the reference); `python`: `FILE.py:FUNCTION`.

    The function gets (prompt, answer, reference) as text, returns a number, and runs in a process of its own that is
    ended after `timeout_s` seconds; such an answer earns 0. `train`: how the reward model of RLHF is trained (None = by
    the recipe's own `train`).
    """

    check: Check = Check.EXACT
    pattern: str | None = None
    schema: str | None = None
    python: str | None = None
    timeout_s: Annotated[float, msgspec.Meta(gt=0.0, le=60.0)] = 5.0
    train: TrainSpec | None = None


class TeacherSpec(Part, frozen=True, kw_only=True):
    """Whose answers are learned (distillation): a local model, or an OpenAI-compatible `endpoint`.

    `key_env` names the environment variable that holds the key; a key itself never stands in a recipe.
    """

    model: str
    endpoint: str | None = None
    key_env: str | None = None
    system: str | None = None
    max_tokens: Positive = 256


class JudgeSpec(Part, frozen=True, kw_only=True):
    """Who compares two answers: a local model (hub id or folder), or one behind an OpenAI-compatible `endpoint`.

    `rubric` says by what; `key_env` names the environment variable that holds the key.
    """

    model: str
    endpoint: str | None = None
    key_env: str | None = None
    rubric: str | None = None


class LaunchSpec(Part, frozen=True, kw_only=True):
    """On how many processes the run is spread (torchrun): `processes` on each of `nodes` machines.

    The effective batch stays the recipe's: its accumulation, else its micro-batch, is shared among the processes. With
    several nodes each of them starts the same recipe, and `main` (HOST:PORT) is where they meet.
    """

    processes: Positive = 1
    nodes: Positive = 1
    main: str | None = None
    strategy: Strategy = Strategy.DDP

    @property
    def world(self) -> int:
        """All processes."""
        return self.processes * self.nodes


class Stage(Part, frozen=True, kw_only=True):
    """One stage of a chain: its objective (`sft+refusal` where data is mixed), and its own data and train, if any."""

    objective: str
    data: DataSpec | None = None
    train: TrainSpec | None = None


class Recipe(Part, frozen=True, kw_only=True):
    """One complete, repeatable decision."""

    version: int = VERSION
    name: Name = "run"
    label: str
    seed: int = 42
    model: ModelSpec
    data: DataSpec
    adapter: AdapterSpec = AdapterSpec()
    train: TrainSpec = TrainSpec()
    evaluation: EvalSpec = EvalSpec()
    prompting: PromptSpec = PromptSpec()
    retrieval: RetrievalSpec = RetrievalSpec()
    reward: RewardSpec = RewardSpec()
    teacher: TeacherSpec | None = None
    judge: JudgeSpec | None = None
    launch: LaunchSpec = LaunchSpec()
    stages: list[Stage] = []
    facts: Facts | None = None
    why: dict[str, str] = {}

    @property
    def parsed_label(self) -> Label:
        """The label, parsed; a decoded recipe always has a legal one."""
        return parse_label(self.label)

    @property
    def in_order(self) -> tuple[tuple[Objective, ...], ...]:
        """The stages that are trained: those that the recipe names, else those of the label.

        RLHF may name one more before its own: the supervised stage that it starts from. InputError when others differ.
        """
        promised = self.parsed_label.stages
        if not self.stages:
            return promised
        named = tuple(parse_label(f"ft/{stage.objective}:full").stages[0] for stage in self.stages)
        if named != promised and not (promised[0] == (Objective.RLHF_PPO,) and named[1:] == promised):
            raise InputError("recipe.stages", label=self.label, stages=">".join(map("+".join, named)))
        return named

    def stage_data(self, at: int) -> DataSpec:
        """A stage's data (-1 = the last): its own, beside the recipe's documents if it names none, or the recipe's."""
        own = self.stages[at].data if self.stages else None
        if own is None:
            return self.data
        return msgspec.structs.replace(own, docs=own.docs or self.data.docs)


def decode_recipe(
    text: bytes | str, source: str, changes: Iterable[str] = (), upgrades: list[Upgrade] | None = None
) -> Recipe:
    """A recipe from YAML or JSON with `key=value` changes applied; InputError names source, key and remedy.

    One of an earlier version is read as what it meant; what that changed is added to `upgrades`.
    """
    raw = parse_document(text, source)
    if not isinstance(raw, dict):
        raise InputError("recipe.not_mapping", source=source, found=type(raw).__name__)
    for change in changes:
        apply_change(raw, change)
    return recipe_from(raw, source, upgrades)


def recipe_from(raw: dict[str, Any], source: str, upgrades: list[Upgrade] | None = None) -> Recipe:
    """A recipe from plain data, strictly validated."""
    raw, found = upgraded(raw, source)
    if upgrades is not None:
        upgrades += found
    _known_keys(raw, source)
    try:
        recipe = msgspec.convert(raw, Recipe)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        raise InputError("recipe.value", source=source, key=path.rstrip("`") or "?", detail=detail) from None
    parse_label(recipe.label)
    _ = recipe.in_order
    return recipe


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "model": ModelSpec,
    "data": DataSpec,
    "adapter": AdapterSpec,
    "train": TrainSpec,
    "evaluation": EvalSpec,
    "prompting": PromptSpec,
    "retrieval": RetrievalSpec,
    "reward": RewardSpec,
    "teacher": TeacherSpec,
    "judge": JudgeSpec,
    "launch": LaunchSpec,
}


def _known_keys(raw: dict[str, Any], source: str) -> None:
    refuse_unknown(raw, Recipe, "", source)
    for name, struct in _SECTIONS.items():
        if isinstance(raw.get(name), dict):
            refuse_unknown(raw[name], struct, f"{name}.", source)


def encode_recipe(recipe: Recipe) -> str:
    """The recipe as YAML: stable key order, Unicode kept, numbers that YAML 1.1 readers read as numbers."""
    import yaml

    raw = msgspec.to_builtins(recipe)
    return str(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=100))


def json_schema() -> dict[str, Any]:
    """JSON Schema of the recipe, for editors."""
    return msgspec.json.schema(Recipe)
