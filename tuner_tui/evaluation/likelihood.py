"""Log-probabilities count the answer and its end token, never the prompt and never the padding."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from tuner_tui.evaluation.example import Example, encode_pair, pieces
from tuner_tui.evaluation.generate import inference
from tuner_tui.evaluation.pieces import in_pieces

LOGITS_PER_BATCH = 64_000_000  # numbers of one batch's logits: 256 MB as fp32
CPU_TOKENS = 2048  # a processor's caches hold no more: 128 rows took 2.7 s in batches of 19,000 tokens, 1.3 s in these


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
    """Padded tokens that one batch may hold for its logits to stay small, on a processor for its caches."""
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    most = max(LOGITS_PER_BATCH // vocabulary, 1)
    return min(most, CPU_TOKENS) if model.device.type == "cpu" else most


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

    width, starts = max(len(ids) for ids, _ in rows), [max(shared, 1) for _, shared in rows]
    ids = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in rows], device=model.device)
    attend = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows], device=model.device)
    # Position t predicts token t + 1, so token `shared` is predicted at `shared - 1`; token 0 never is. What stands
    # before the first answer of the batch predicts nothing that is asked: its logits are not made.
    first = min(min(starts), width - 1) - 1 if width > 1 else 0
    most = {"logits_to_keep": width - first} if _keeps_last(model) else {}
    logits = model(input_ids=ids, attention_mask=attend, use_cache=False, **most).logits[:, first - width :]
    where = [(row, at) for row, (row_ids, _) in enumerate(rows) for at in range(starts[row], len(row_ids))]
    if not where:
        return [Likelihood(0.0, 0)] * len(rows)
    row, token = torch.tensor(where, device=model.device).T
    scored = torch.log_softmax(logits[row, token - 1 - first].float(), dim=-1)
    log_probs = scored.gather(-1, ids[row, token][:, None])[:, 0]
    counts = [max(len(row_ids) - start, 0) for (row_ids, _), start in zip(rows, starts, strict=True)]
    return [Likelihood(float(part.sum()), len(part)) for part in log_probs.split(counts)]


def _keeps_last(model: Any) -> bool:
    """Whether the model can be asked for the logits of the last positions only."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(inner.forward).parameters
