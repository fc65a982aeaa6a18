"""Learned prompts and prefixes begin as the model's own words and answer alike, whatever shares their batch."""

from pathlib import Path

import little
import pytest

from advisor.methods import Technique
from advisor.recipe import AdapterSpec
from tuner_tui.evaluation.example import Example, for_model
from tuner_tui.evaluation.generate import answers
from tuner_tui.training.model import adapter


@pytest.mark.parametrize("technique", [Technique.PROMPT, Technique.PREFIX, Technique.LORA])
def test_an_answer_does_not_depend_on_what_shares_its_batch(world: Path, technique: Technique) -> None:
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

    set_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(world / "model")
    base = AutoModelForCausalLM.from_pretrained(world / "model")
    tuned = get_peft_model(base, adapter(technique, AdapterSpec(rank=8, alpha=8))).eval()
    asked = for_model(
        tokenizer, [Example(row=at, prompt="say " * at + word, completion="") for at, word in enumerate(little.WORDS)]
    )
    together = answers(tuned, tokenizer, asked, max_new_tokens=12)
    assert together == [answers(tuned, tokenizer, [each], max_new_tokens=12)[0] for each in asked]


def test_a_learned_prompt_begins_as_words_of_the_vocabulary(world: Path) -> None:
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(world / "model")
    words = base.get_input_embeddings().weight
    tuned = get_peft_model(base, adapter(Technique.PROMPT, AdapterSpec(rank=6, alpha=6)))
    prompt = tuned.prompt_encoder["default"].embedding.weight
    assert all((words == each).all(dim=1).any() for each in prompt)
    assert prompt.requires_grad
    assert not words.requires_grad
