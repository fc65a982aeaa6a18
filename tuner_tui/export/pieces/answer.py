"""What the model answers."""

from typing import Any

import torch

from tuner_tui.export.pieces.model import DEVICE
from tuner_tui.export.pieces.settings import MAX_NEW_TOKENS


def answered(model: Any, tokenizer: Any, example: dict[str, Any]) -> dict[str, Any]:
    """A held-out question, the wanted answer, and the greedy answer."""
    prompt = example["prompt"]
    plain = isinstance(prompt, str)
    text = prompt if plain else tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=plain).to(DEVICE)
    model.eval()
    with torch.no_grad():
        out = model.generate(**ids, max_new_tokens=MAX_NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    said = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    return {"prompt": prompt, "reference": example["completion"], "answer": said.strip()}
