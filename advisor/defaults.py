"""Every number of a new recipe comes from a rule over size, rows and lengths, and the recipe says which (`why`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from advisor.facts import Facts
from advisor.kernels import Kernels, kernels
from advisor.methods import Objective, Technique, parse_label
from advisor.rates import learning_rate, reward_rate
from advisor.recipe import (
    AdapterSpec,
    Check,
    DataSpec,
    EvalSpec,
    Metric,
    ModelSpec,
    Recipe,
    RewardSpec,
    Stage,
    TrainSpec,
)
from advisor.room import room
from advisor.setting import PREFERENCE, REINFORCED, SMALL_B, VIRTUAL, Known, Material, Setting
from advisor.words import words

KNOWLEDGE = (Objective.CPT, Objective.DOMAIN_QA)

BATCH = 16
ANSWERS = 8
VIRTUAL_TOKENS = 20
EPOCH_STEPS_LEAST = 10
EXAMPLES_SEEN, EXAMPLES_SEEN_PREFERENCE = 3000, 1500
CONTEXT = 4096
LENGTH_STEP = 64
CHECKS = 5
PATIENCE = 3


def plan_recipe(
    facts: Facts | None,
    label: str,
    model: ModelSpec,
    data: DataSpec,
    *,
    rows: int | None,
    tokens_p95: int | None,
    name: str,
    known: Known | None = None,
    own: Sequence[Material] = (),
    lang: str = "en",
) -> Recipe:
    """A complete recipe; `rows` are usable training rows, `tokens_p95` their 95th percentile. InputError: bad label.

    `own`: for a chain whose stages have files of their own, one for each of them.
    """
    parsed = parse_label(label)
    here = Setting(facts or Facts(), parsed, rows, tokens_p95, known or Known(), words(lang))
    kept = _kept(rows, data)
    objective = parsed.stages[0][0] if parsed.stages else Objective.SFT
    adapter = adapter_spec(here)
    train = train_spec(here, objective, kept)
    if data.eval is None and parsed.stages:
        here.because("data.eval_fraction", "eval_fraction", share=f"{data.eval_fraction:.0%}")
    if Objective.DISTILL in parsed.objectives and here.known.kind == "unlabeled_inputs":
        here.because("teacher", "no_teacher")
    return Recipe(
        name=name,
        label=str(parsed),
        model=model,
        data=data,
        adapter=adapter,
        train=train,
        evaluation=evaluation_spec(here, parsed.stages[-1][0] if parsed.stages else Objective.SFT),
        reward=_reward(here, kept),
        stages=_stages(here, kept, own),
        facts=facts,
        why=here.why,
    )


def _kept(rows: int | None, data: DataSpec) -> int | None:
    """Training rows after the held-out share is taken away."""
    if rows is None or data.eval is not None:
        return rows
    return max(rows - max(round(rows * data.eval_fraction), 1), 1)


def _stages(here: Setting, rows: int | None, own: Sequence[Material]) -> list[Stage]:
    """For a chain, each stage with the numbers of its own rows; RLHF begins with a supervised stage."""
    if here.label.stages == ((Objective.RLHF_PPO,),):
        return _supervised_first(here, rows)
    if len(here.label.stages) < 2:
        return []
    stages = []
    for at, stage in enumerate(here.label.stages):
        there = here.beside(own[at] if own else None)
        kept = _kept(own[at].rows, own[at].data) if own else rows
        train = train_spec(there, stage[0], kept)
        here.take(f"stages.{at}", there.why)
        stages.append(Stage(objective="+".join(stage), data=own[at].data if own else None, train=train))
    return stages


def _supervised_first(here: Setting, rows: int | None) -> list[Stage]:
    """What is reinforced must first be said: the chosen answers are learned before they are compared."""
    there = here.beside()
    train = train_spec(there, Objective.SFT, rows)
    here.because("stages", "supervised_first")
    here.take("stages.0", there.why)
    return [Stage(objective=Objective.SFT.value, train=train), Stage(objective=Objective.RLHF_PPO.value)]


def _reward(here: Setting, rows: int | None) -> RewardSpec:
    """What is checked; RLHF's reward model is trained like any other on pairs, not at reinforcement's small rate."""
    if here.known.numbered:
        here.because("reward.check", "check_numeric")
        return RewardSpec(check=Check.NUMERIC)
    if Objective.RLHF_PPO not in here.label.objectives:
        return RewardSpec()
    there = here.beside()
    known = here.known
    value = reward_rate(here.technique, width=known.hidden_size, family=known.family, params_b=here.params_b)
    train = msgspec.structs.replace(
        train_spec(there, Objective.DPO, rows), learning_rate=value, beta=None, patience=None, keep_best=False
    )
    for field in ("train.beta", "train.patience", "train.keep_best", "train.eval_steps"):
        there.why.pop(field, None)
    there.because("train.learning_rate", "rate_reward", rate=f"{value:g}")
    here.take("reward", there.why)
    return RewardSpec(train=train)


def adapter_spec(here: Setting) -> AdapterSpec:
    """Rank by how much must be learned: behaviour fits in little, knowledge and much data need room."""
    if here.technique is Technique.FULL:
        return AdapterSpec()
    if here.technique in VIRTUAL:
        here.because("adapter.rank", "virtual_tokens")
        return AdapterSpec(rank=VIRTUAL_TOKENS, alpha=VIRTUAL_TOKENS)
    rank = adapter_rank(here)
    dropout = 0.05 if here.large and (here.rows or 0) < 2000 and here.rows is not None else 0.0
    here.because("adapter.rank", "rank_wide" if rank == 64 else "rank", rank=rank)
    here.because("adapter.alpha", "alpha", alpha=2 * rank)
    here.because("adapter.targets", "targets")
    if dropout:
        here.because("adapter.dropout", "dropout", rows=here.rows)
    if here.technique is Technique.QLORA:
        here.because("adapter.quant", "quant")
    quant = "nf4_double" if here.technique is Technique.QLORA else None
    return AdapterSpec(rank=rank, alpha=2 * rank, dropout=dropout, quant=quant)


def adapter_rank(here: Setting) -> int:
    """Rank of the adapter, or how many virtual tokens stand before each row."""
    if here.technique in VIRTUAL:
        return VIRTUAL_TOKENS
    small = here.params_b is not None and here.params_b < SMALL_B
    wide = bool(set(here.label.objectives) & set(KNOWLEDGE)) or (here.rows or 0) > 20_000
    return 64 if wide and not small else 16


def train_spec(here: Setting, objective: Objective, rows: int | None) -> TrainSpec:
    """Hyperparameters of one stage on `rows` training rows."""
    length = max_length(here)
    batch = batch_size(here, objective, rows)
    found = room(here, objective, batch, length, adapter_rank(here))
    epochs = epoch_count(here, objective, rows)
    seen = rows * ANSWERS if rows is not None and objective in REINFORCED else rows
    steps = math.ceil(seen / batch) * epochs if seen is not None else None
    often = max(steps // CHECKS, 1) if steps else None
    if often:
        here.because("train.eval_steps", "eval_steps", steps=steps, often=often)
    preference = objective in PREFERENCE
    if preference:
        here.because("train.beta", "beta_orpo" if objective is Objective.ORPO else "beta")
    warmup = 0.1 if preference else 0.05
    here.because("train.warmup_ratio", "warmup_preference" if preference else "warmup")
    norm = 0.3 if here.technique is Technique.QLORA and here.large else 1.0
    here.because("train.max_grad_norm", "norm_qlora" if norm < 1 else "norm")
    here.because("train.scheduler", "scheduler")
    here.because("train.precision", "precision" if here.gpu else "precision_cpu")
    if not here.gpu:
        here.because("train.threads", "threads")
    speed = quick(here, objective, rows, batch, length)
    judged = objective not in REINFORCED
    if judged:
        here.because("train.patience", "patience", patience=PATIENCE)
    here.because("train.keep_best", "keep_best" if judged else "keep_last")
    return TrainSpec(
        epochs=float(epochs),
        learning_rate=rate(here, objective, steps),
        warmup_ratio=warmup,
        max_grad_norm=norm,
        optimizer=found.optimizer,
        micro_batch=found.rows,
        grad_accum=max(batch // found.rows, 1),
        max_length=length,
        packing=speed.packing,
        batching=speed.batching,
        attention=speed.attention,
        liger=speed.liger,
        grad_ckpt=found.grad_ckpt,
        beta=0.1 if preference else None,
        log_steps=max((steps or 0) // 200, 1),
        eval_steps=often,
        save_steps=often,
        patience=PATIENCE if judged else None,
        keep_best=judged,
    )


def quick(here: Setting, objective: Objective, rows: int | None, batch: int, length: int) -> Kernels:
    """Batching and kernels, with their reasons kept."""
    mean = here.known.tokens_mean
    tokens = round(rows * mean) if rows is not None and mean is not None else None
    found = kernels(objective, here.technique, gpu=here.gpu, tokens=tokens, length=length, batch=batch)
    for field, reason in found.why.items():
        here.because(field, reason, length=length)
    return found


def rate(here: Setting, objective: Objective, steps: int | None) -> float:
    """The learning rate, with its reason kept."""
    found = learning_rate(
        objective,
        here.technique,
        width=here.known.hidden_size,
        family=here.known.family,
        params_b=here.params_b,
        steps=steps,
    )
    width = f"{found.width}" if found.width_known else f"~{found.width}"
    params = {"rate": f"{found.value:g}", "width": width, "gain": f"{found.gain:g}", "power": f"{found.power:g}"}
    here.because("train.learning_rate", found.reason, objective=objective.value, **params)
    return found.value


def max_length(here: Setting) -> int:
    """Room for the longest row where rows are alike, else for 95 % of them; never more than the model's context."""
    context = here.known.context or CONTEXT
    longest, p95 = here.known.tokens_max, here.p95
    if longest is not None and (p95 is None or longest <= 2 * p95):
        wanted, reason = longest, "length_longest"
    elif p95 is not None:
        wanted, reason = p95, "length_p95"
    else:
        wanted, reason = min(1024, context), "length_unknown"
    length = min(-(-wanted // LENGTH_STEP) * LENGTH_STEP, context)
    if wanted > context:
        reason = "length_context"
    here.because("train.max_length", reason, wanted=wanted, length=length, context=context)
    return max(length, 1)


def batch_size(here: Setting, objective: Objective, rows: int | None) -> int:
    """Rows an optimizer step: 16, more where data is plentiful, fewer where an epoch would have too few steps.

    Where answers are made in training, a step holds whole groups of ANSWERS; KTO compares rows and needs two.
    """
    if objective in REINFORCED:
        here.because("train.grad_accum", "batch_answers", batch=BATCH, answers=ANSWERS)
        return BATCH
    if rows is None or BATCH * EPOCH_STEPS_LEAST <= rows <= 10_000:
        here.because("train.grad_accum", "batch_full" if here.technique is Technique.FULL else "batch", batch=BATCH)
        return BATCH
    if rows > 10_000:
        batch = 32 if rows <= 50_000 else 64
        here.because("train.grad_accum", "batch_many", batch=batch, rows=rows)
        return batch
    least = 2 if objective is Objective.KTO else 1
    batch = max(1 << max((rows // EPOCH_STEPS_LEAST).bit_length() - 1, 0), least)
    here.because("train.grad_accum", "batch_few", batch=batch, rows=rows, least=EPOCH_STEPS_LEAST)
    return batch


def epoch_count(here: Setting, objective: Objective, rows: int | None) -> int:
    """Passes over the data: few rows are seen more often, many rows once."""
    if objective in REINFORCED:
        epochs, reason = 1, "epochs_once"
    elif rows is None:
        epochs, reason = (1 if objective in PREFERENCE or objective is Objective.CPT else 3), "epochs_unknown"
    elif objective in PREFERENCE:
        epochs, reason = min(max(math.ceil(EXAMPLES_SEEN_PREFERENCE / rows), 1), 5), "epochs_preference"
    elif objective is Objective.CPT:
        epochs, reason = min(max(math.ceil(500 / rows), 1), 10), "epochs_cpt"
    elif rows > 20_000:
        epochs, reason = (2 if rows <= 100_000 else 1), "epochs_many"
    else:
        epochs, reason = min(max(math.ceil(EXAMPLES_SEEN / rows), 3), 15), "epochs"
    if here.technique in VIRTUAL and objective not in REINFORCED:
        epochs, reason = min(epochs * 3, 30), "epochs_virtual"
    here.because("train.epochs", reason, epochs=epochs, rows=rows)
    return epochs


def evaluation_spec(here: Setting, objective: Objective) -> EvalSpec:
    """How the claim is checked: as the data says, else by what the objective promises."""
    if here.known.evaluation is not None:
        here.because("evaluation.metric", "metric_given")
        return here.known.evaluation
    metric, reason = Metric.LOSS, "metric_loss"
    if objective in (Objective.DPO, Objective.ORPO, Objective.RLHF_PPO):
        metric, reason = Metric.PREFERENCE, "metric_preference"
    elif objective is Objective.KTO:
        metric, reason = Metric.PREFERENCE, "metric_verdict"
    elif objective is Objective.DOMAIN_QA:
        metric, reason = Metric.TOKEN_F1, "metric_f1"
    elif here.known.numbered:
        metric, reason = Metric.REWARD, "metric_number"
    elif here.known.kind == "verifiable_rewards" or objective is Objective.GRPO:
        metric, reason = Metric.EXACT_MATCH, "metric_exact"
    here.because("evaluation.metric", reason)
    longest = here.known.answer_tokens_max
    tokens = min(max(-(-longest * 5 // 4 // 16) * 16, 16), 512) if longest else 128
    small = here.params_b is not None and here.params_b < SMALL_B
    items = 200 if here.gpu else 96 if small else 32
    here.because("evaluation.max_items", "items", items=items)
    return EvalSpec(metric=metric, max_items=items, max_new_tokens=tokens)
