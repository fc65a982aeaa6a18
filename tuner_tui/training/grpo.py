"""Reinforcement learning from checkable answers: of several tries at a prompt, those that earn more gain.

GRPO, Shao et al. 2024; TRL's loss (DAPO, Yu et al. 2025). `micro_batch` x `grad_accum` counts answers, not prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.rewards import Judge, judge_of
from tuner_tui.evaluation.troubles import Troubles
from tuner_tui.training.arguments import arguments
from tuner_tui.training.earning import Telling
from tuner_tui.training.formats import checkable
from tuner_tui.training.job import Job

GENERATIONS = 8

read = checkable


def generations(job: Job) -> int:
    """Answers to one prompt; InputError when a step's answers cannot be shared out evenly."""
    count, train = job.recipe.train.generations or GENERATIONS, job.recipe.train
    if train.micro_batch * train.grad_accum % count:
        raise InputError("training.generations", count=count, answers=train.micro_batch * train.grad_accum)
    return count


def work(job: Job, rows: int) -> int:
    """Answers that one pass over `rows` prompts trains on."""
    return rows * generations(job)


def rows(examples: Sequence[Example]) -> Any:
    """Prompts with what their answers are checked against."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                "prompt": example.prompt if isinstance(example.prompt, str) else list(example.prompt),
                "reference": example.completion,
                "row": example.row,
            }
            for example in examples
        ]
    )


def settings(job: Job, count: int) -> dict[str, Any]:
    """Keyword arguments of TRL's online trainers; the held-out claim is ours, so theirs is off."""
    known = arguments(job, count)
    known.pop("max_length")
    return {
        **known,
        "eval_strategy": "no",
        "num_generations": generations(job),
        "max_completion_length": job.recipe.evaluation.max_new_tokens,
        "temperature": 1.0,
        "beta": job.recipe.train.beta or 0.0,
    }


def reward_of(judge: Judge, tell: Callable[[Troubles], None]) -> Any:
    """TRL's form of a reward function; `tell` hears of what could not be checked so far."""

    def reward(prompts: list[Any], completions: list[Any], reference: list[str], **rest: Any) -> list[float]:
        asked = [said(prompt) for prompt in prompts]
        earned = judge(asked, [said(completion).strip() for completion in completions], reference)
        tell(judge.troubles)
        return earned

    return reward


def said(turns: Any) -> str:
    """The last text of a conversation, or the text itself."""
    return str(turns) if isinstance(turns, str) else str(turns[-1]["content"])


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's GRPO trainer, ready to train."""
    from trl import GRPOConfig, GRPOTrainer

    return GRPOTrainer(
        model=model,
        reward_funcs=reward_of(judge_of(job.recipe.reward), Telling(job)),
        args=GRPOConfig(**settings(job, work(job, len(train)))),
        train_dataset=rows(train),
        processing_class=tokenizer,
        peft_config=peft,
    )


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.GRPO)
