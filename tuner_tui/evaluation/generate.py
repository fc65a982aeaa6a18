"""Answers are greedy, batched and in the order asked, whatever order the batches were computed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tuner_tui.evaluation.example import Example, encode, prompt_text
from tuner_tui.evaluation.pieces import in_pieces

BATCH = 32


def answers(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    *,
    max_new_tokens: int,
    between: Callable[[], None] = lambda: None,
) -> list[str]:
    """Greedy answers, one an example; prompts of like length share a batch, padded on the left.

    `between` is called before each batch and may raise to stop early.
    """
    ids = [encode(tokenizer, example, prompt_text(tokenizer, example)) for example in examples]
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    found = [""] * len(ids)
    with inference(model):
        for start in range(0, len(order), BATCH):
            between()
            chunk = order[start : start + BATCH]
            texts = in_pieces(
                [ids[index] for index in chunk], lambda rows: _generate(model, tokenizer, rows, max_new_tokens)
            )
            for index, text in zip(chunk, texts, strict=True):
                found[index] = text
    return found


@contextmanager
def inference(model: Any) -> Iterator[None]:
    """No gradients, dropout off, key-value cache on; everything as it was afterwards."""
    import torch

    training, cache = model.training, getattr(model.config, "use_cache", True)
    model.eval()
    model.config.use_cache = True
    try:
        with torch.no_grad():  # inference_mode would leave tensors that training cannot use
            yield
    finally:
        model.config.use_cache = cache
        model.train(training)


def _generate(model: Any, tokenizer: Any, prompts: Sequence[list[int]], max_new_tokens: int) -> list[str]:
    import torch

    width = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    rows = [[pad] * (width - len(row)) + row for row in prompts]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in prompts]
    output = model.generate(
        input_ids=torch.tensor(rows, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        temperature=None,
        top_p=None,
        top_k=None,
        pad_token_id=pad,
        eos_token_id=end_tokens(model, tokenizer),
    )
    texts = tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
    return [str(text).strip() for text in texts]


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the tokenizer's and those of the model's generation settings."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    ends = configured if isinstance(configured, list) else [configured]
    return sorted({int(end) for end in [*ends, tokenizer.eos_token_id] if end is not None})
