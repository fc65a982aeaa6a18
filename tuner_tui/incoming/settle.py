"""What no table can say: shares and counts, number formats, kernels, trackers, and what a tool takes by itself."""

from __future__ import annotations

from typing import Any

from tuner_tui.incoming.draft import Draft, number
from tuner_tui.incoming.method import LIGER
from tuner_tui.incoming.names import ATTENTION, BETA, DEFAULTS, GROUP_DEFAULTS, PREFERENCE_RATE, SCHEDULERS, TRACKERS

COUNTS = ("train.log_steps", "train.eval_steps", "train.save_steps", "train.keep_checkpoints", "train.max_steps")
WHOLE = (*COUNTS, "train.micro_batch", "train.grad_accum", "train.max_length", "adapter.rank", "adapter.alpha", "seed")


def settle(draft: Draft, names: dict[str, str]) -> None:
    """Rules that hold for the numbers of every tool. `names`: which key of theirs is which of ours."""
    for theirs, ours in names.items():
        if theirs in draft.known:
            _fits(draft, theirs, ours)
    if draft.get("model.revision") == "main":
        draft.drop("model.revision")
    for rule in (_warmup, _precision, _checkpointing, _attention, _trackers, _batching, _liger, _threads):
        rule(draft)


def _fits(draft: Draft, theirs: str, ours: str) -> None:
    """A share where a recipe counts, a mode where it says yes or no, a schedule that needs more than its name."""
    value = draft.get(ours)
    if ours in WHOLE and isinstance(value, float) and value == int(value):
        draft.put(ours, int(value))
    elif ours in COUNTS and isinstance(value, float):
        _take_back(draft, theirs, ours)
    if ours in COUNTS and isinstance(value, int | float) and value <= 0:
        draft.drop(ours)  # -1 and 0 mean never, or no limit
    if ours == "train.grad_ckpt" and isinstance(value, str):
        draft.put(ours, True)
        draft.known.discard(theirs)
    if ours == "train.scheduler" and value not in SCHEDULERS:
        _take_back(draft, theirs, ours)


def _take_back(draft: Draft, theirs: str, ours: str) -> None:
    draft.drop(ours)
    draft.known.discard(theirs)


def _warmup(draft: Draft) -> None:
    steps, total = number(draft.raw.get("warmup_steps")), draft.get("train.max_steps")
    if not isinstance(steps, int | float) or draft.get("train.warmup_ratio") is not None:
        return
    if steps < 1:
        draft.take("warmup_steps", "train.warmup_ratio", steps)
    elif total:
        draft.take("warmup_steps", "train.warmup_ratio", steps / total)


def _precision(draft: Draft) -> None:
    raw, known = draft.raw, draft.known
    known |= {"bf16", "fp16"}
    if raw.get("bf16") is True or raw.get("pure_bf16"):
        draft.put("train.precision", "bf16")
    elif raw.get("fp16"):
        draft.put("train.precision", "fp16")
    elif raw.get("bf16") is False or (raw.get("fp16") is False and draft.tool == "llamafactory"):
        draft.put("train.precision", "fp32")


def _checkpointing(draft: Draft) -> None:
    if "disable_gradient_checkpointing" in draft.raw:
        draft.take("disable_gradient_checkpointing", "train.grad_ckpt", not draft.raw["disable_gradient_checkpointing"])


def _attention(draft: Draft) -> None:
    for key in ("attn_implementation", "flash_attn"):
        wanted = ATTENTION.get(str(draft.raw.get(key)))
        if wanted:
            draft.take(key, "train.attention", wanted)
    for key, kernel in (("flash_attention", "flash"), ("sdp_attention", "sdpa"), ("eager_attention", "eager")):
        if draft.tool == "axolotl" and isinstance(draft.raw.get(key), bool):
            draft.known.add(key)
            if draft.raw[key]:
                draft.put("train.attention", kernel)


def _trackers(draft: Draft) -> None:
    raw = draft.raw
    told = raw.get("report_to", [])
    listed = [told] if isinstance(told, str) else list(told)
    named = [name for name in listed if name in TRACKERS]
    if set(listed) <= {*TRACKERS, "none"}:
        draft.known.add("report_to")
    if draft.tool == "axolotl":
        # A project's name alone starts its tracker, and has no place in a recipe itself.
        projects = {"wandb": "wandb_project", "mlflow": "mlflow_experiment_name", "trackio": "trackio_project_name"}
        named += [name for name in TRACKERS if raw.get(f"use_{name}") or raw.get(projects.get(name, ""))]
        draft.known |= {f"use_{name}" for name in TRACKERS}
    if named:
        draft.put("train.report_to", list(dict.fromkeys(named)))


def _batching(draft: Draft) -> None:
    raw = draft.raw
    for key, wanted, batching in (
        ("group_by_length", True, "grouped"),
        ("train_sampling_strategy", "group_by_length", "grouped"),
        ("padding_free", True, "padding_free"),
        ("batch_flattening", True, "padding_free"),
    ):
        if raw.get(key) == wanted:
            draft.take(key, "train.batching", batching)
        elif raw.get(key) in (False, "random"):
            draft.known.add(key)


def _liger(draft: Draft) -> None:
    plugins = draft.raw.get("plugins")
    if draft.tool == "axolotl" and isinstance(plugins, list) and LIGER in plugins:
        draft.put("train.liger", True)
        draft.known |= {"plugins"} if plugins == [LIGER] else set()
        draft.known |= {key for key, value in draft.raw.items() if key.startswith("liger_") and value is True}


def _threads(draft: Draft) -> None:
    env = draft.raw.get("env")
    if isinstance(env, dict) and env.keys() == {"OMP_NUM_THREADS"} and str(env["OMP_NUM_THREADS"]).isdigit():
        draft.take("env", "train.threads", int(env["OMP_NUM_THREADS"]))


def by_default(draft: Draft, objective: str, technique: str) -> dict[str, Any]:
    """What the tool itself takes where its file says nothing, put into the recipe; returned by the recipe's keys."""
    wanted = dict(DEFAULTS[draft.tool])
    rank = draft.get("adapter.rank")
    if draft.tool == "llamafactory" and rank:
        wanted["adapter.alpha"] = 2 * rank
    if draft.tool == "trl" and objective not in ("sft", "cpt"):
        wanted["train.learning_rate"] = PREFERENCE_RATE
    if objective in ("dpo", "orpo", "kto"):
        wanted["train.beta"] = BETA
    if objective == "grpo":
        wanted |= GROUP_DEFAULTS
    if draft.get("train.max_steps"):
        wanted.pop("train.epochs")
    open_ended = {
        key: value
        for key, value in wanted.items()
        if draft.get(key) is None and (technique != "full" or not key.startswith("adapter."))
    }
    if "warmup_steps" in draft.raw and "warmup_steps" not in draft.known:
        open_ended.pop("train.warmup_ratio", None)  # listed as what has no place
        draft.put("train.warmup_ratio", 0.0)
    for key, value in open_ended.items():
        draft.put(key, value)
    return open_ended
