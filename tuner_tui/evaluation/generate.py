"""Answers are greedy, batched and in the order asked, whatever order the batches were computed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from tuner_tui.evaluation.constrain import Constraint
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
    heard: Callable[[int], None] = lambda done: None,
    constraint: Constraint | None = None,
) -> list[str]:
    """Greedy answers, one an example; prompts of like length share a batch, padded on the left.

    With `constraint` only answers of its form are possible. `between` is called before each batch and may raise to stop
    early; `heard` after each, with how many are answered.
    """
    ids = [encode(tokenizer, example, prompt_text(tokenizer, example)) for example in examples]
    found, done = [""] * len(ids), 0
    with inference(model):
        for chunk in _batches([len(row) for row in ids], alike=has_virtual_tokens(model)):
            between()
            texts = in_pieces(
                [ids[index] for index in chunk],
                lambda rows: _generate(model, tokenizer, rows, max_new_tokens, constraint),
            )
            for index, text in zip(chunk, texts, strict=True):
                found[index] = text
            done += len(chunk)
            heard(done)
    return found


def _batches(lengths: Sequence[int], *, alike: bool) -> Iterator[list[int]]:
    """Row numbers by length, BATCH at most together; `alike`: only rows of one length."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    groups = [list(rows) for _, rows in groupby(order, lengths.__getitem__)] if alike else [order]
    for rows in groups:
        yield from (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def has_virtual_tokens(model: Any) -> bool:
    """Whether the model carries a learned prompt or prefix (PEFT).

    PEFT puts it before the padding and then lets no position ids through, so that padding on the left would move the
    prompt away from it: the same question got other answers in other batches.
    """
    return any(getattr(each, "is_prompt_learning", False) for each in getattr(model, "peft_config", {}).values())


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


def _generate(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], max_new_tokens: int, constraint: Constraint | None
) -> list[str]:
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
        logits_processor=[constraint.processor(len(rows), width)] if constraint else None,
    )
    texts = tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
    return [str(text).strip() for text in texts]


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the tokenizer's and those of the model's generation settings."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    ends = configured if isinstance(configured, list) else [configured]
    return sorted({int(end) for end in [*ends, tokenizer.eos_token_id] if end is not None})
