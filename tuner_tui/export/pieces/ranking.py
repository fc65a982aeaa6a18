"""How the held-out rows judge the model: by how much its greedy answers please the reward model."""

from typing import Any

import torch

from tuner_tui.export.pieces.answer import answered
from tuner_tui.export.pieces.model import DEVICE
from tuner_tui.export.pieces.split import Examples


def judged(trainer: Any, tokenizer: Any, held_out: Examples) -> tuple[float, str]:
    """The held-out figure and its name."""
    scores = [score(trainer.reward_funcs[0], tokenizer, answered(trainer.model, tokenizer, each)) for each in held_out]
    return sum(scores) / len(scores), "reward"


def score(scorer: Any, tokenizer: Any, told: dict[str, Any]) -> float:
    """What the reward model gives to one answer."""
    if isinstance(told["prompt"], str):
        text = told["prompt"] + told["answer"]
    else:
        turns = [*told["prompt"], {"role": "assistant", "content": told["answer"]}]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(DEVICE)
    with torch.no_grad():
        return float(scorer(**ids).logits[0, 0])
