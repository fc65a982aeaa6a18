"""A 4-bit model learns after an evaluation as it did before one."""

from pathlib import Path
from typing import Any

import little
import msgspec

from advisor.recipe import Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.generate import answers
from tuner_tui.training.model import begin, load_tokenizer


def gradient(model: Any, ids: Any) -> dict[str, Any]:
    model.train()
    model.zero_grad(set_to_none=True)
    model(input_ids=ids, labels=ids).loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def test_an_evaluation_between_steps_does_not_cut_gradients_of_a_quantized_model(world: Path) -> None:
    import torch
    from peft import get_peft_model

    recipe = msgspec.convert(little.recipe(world, "ft/sft:qlora", "pairs", "loss"), Recipe)
    base, added = begin(recipe, "cpu")
    model, tokenizer = get_peft_model(base, added), load_tokenizer(recipe.model)
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    ids = torch.arange(5, 37).reshape(4, 8)
    before = gradient(model, ids)
    answers(model, tokenizer, [Example(row=1, prompt="say apple", completion="apple!")], max_new_tokens=4)
    after = gradient(model, ids)
    assert before.keys() == after.keys()
    for name, found in before.items():
        assert found.abs().max() > 0, name
        torch.testing.assert_close(after[name], found, rtol=1e-4, atol=1e-6)
