"""Log-probabilities count the answer and its end token, never the prompt and never the padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from tuner_tui.evaluation.example import Example, encode_pair, pieces
from tuner_tui.evaluation.generate import inference
from tuner_tui.evaluation.pieces import in_pieces

LOGITS_PER_BATCH = 64_000_000  # numbers of one batch's logits: 256 MB as fp32


class Likelihood(msgspec.Struct, frozen=True):
    """Summed log-probability of one answer in nats, and over how many tokens."""

    log_prob: float
    tokens: int


def likelihoods(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[tuple[Example, str]],
    *,
    max_length: int,
    between: Callable[[], None] = lambda: None,
    heard: Callable[[int], None] = lambda done: None,
) -> list[Likelihood]:
    """How likely the model finds each (example, answer), cut at `max_length` tokens as in training.

    Running text is not cut but read in pieces, as in training; the first token of each is predicted by none.
    `between` is called before each batch; `heard` after each, with how many are scored.
    """
    coded = [encode_pair(tokenizer, example, answer) for example, answer in pairs]
    parts = [
        (at, part, min(shared, max_length))
        for at, ((ids, shared), (example, _)) in enumerate(zip(coded, pairs, strict=True))
        for part in ([ids[:max_length]] if example.prompt else pieces(ids, max_length))
    ]
    found = [Likelihood(0.0, 0)] * len(coded)
    done = 0
    with inference(model):
        for chunk in _batches([len(ids) for _, ids, _ in parts], _room(model)):
            between()
            pad = tokenizer.pad_token_id
            scored = in_pieces([parts[index][1:] for index in chunk], partial(_score, model, pad))
            for index, part in zip(chunk, scored, strict=True):
                so_far = found[parts[index][0]]
                found[parts[index][0]] = Likelihood(so_far.log_prob + part.log_prob, so_far.tokens + part.tokens)
            done += len(chunk)
            heard(min(done, len(coded)))
    return found


def _room(model: Any) -> int:
    """Padded tokens that one batch may hold for its logits to stay small."""
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    return max(LOGITS_PER_BATCH // vocabulary, 1)


def _batches(lengths: list[int], room: int) -> list[list[int]]:
    """Indices grouped by like length, at most `room` padded tokens a batch (one row may exceed it alone)."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not batches or (len(batches[-1]) + 1) * lengths[index] > room:
            batches.append([])
        batches[-1].append(index)
    return batches


def _score(model: Any, pad: int, rows: Sequence[tuple[list[int], int]]) -> list[Likelihood]:
    import torch

    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in rows], device=model.device)
    attend = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows], device=model.device)
    # Position t predicts token t + 1, so token `shared` is predicted at `shared - 1`; token 0 never is.
    logits = model(input_ids=ids, attention_mask=attend, use_cache=False).logits[:, -width:-1].float()
    log_probs = torch.log_softmax(logits, dim=-1).gather(-1, ids[:, 1:, None])[..., 0]
    scored = []
    for index, (row, shared) in enumerate(rows):
        start = max(shared, 1)
        part = log_probs[index, start - 1 : len(row) - 1]
        scored.append(Likelihood(float(part.sum()), len(row) - start))
    return scored
