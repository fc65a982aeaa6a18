"""What a model says to a prompt, token by token, one prompt at a time, as it will be served: the unit of comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

TOP = 10


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt and its greedy answer.

    `ids` are the answer's tokens without the end token, `stopped` whether the model itself ended it. `top` holds,
    for each token (the end included), the likeliest tokens with their log-probabilities in nats; empty when the
    answerer does not tell them.
    """

    prompt: str
    prompt_ids: list[int]
    ids: list[int]
    text: str
    stopped: bool
    top: list[dict[int, float]] = []


def transcripts(model: Any, tokenizer: Any, examples: Iterable[Any], *, max_new_tokens: int) -> list[Transcript]:
    """Greedy transcripts of the examples' prompts, each rendered by this tokenizer's own template."""
    from tuner_tui.evaluation.example import encode, prompt_text
    from tuner_tui.evaluation.generate import inference

    found = []
    with inference(model):
        for example in examples:
            text = prompt_text(tokenizer, example)
            ids = encode(tokenizer, example, text)
            found.append(_one(model, tokenizer, text, ids, max_new_tokens))
    return found


def _one(model: Any, tokenizer: Any, prompt: str, ids: list[int], max_new_tokens: int) -> Transcript:
    import torch

    from tuner_tui.evaluation.generate import end_tokens

    ends = end_tokens(model, tokenizer)
    asked = torch.tensor([ids], device=model.device)
    out = model.generate(
        input_ids=asked,
        attention_mask=torch.ones_like(asked),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        temperature=None,
        top_p=None,
        top_k=None,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=ends,
        output_logits=True,
        return_dict_in_generate=True,
    )
    said = out.sequences[0, len(ids) :].tolist()
    stopped = bool(said) and said[-1] in ends
    kept = said[:-1] if stopped else said
    text = str(tokenizer.decode(kept, skip_special_tokens=True)).strip()
    top = [_top(logits[0]) for logits in out.logits]
    return Transcript(prompt=prompt, prompt_ids=ids, ids=kept, text=text, stopped=stopped, top=top)


def _top(logits: Any) -> dict[int, float]:
    best = logits.float().log_softmax(-1).topk(min(TOP, logits.shape[-1]))
    return dict(zip(best.indices.tolist(), best.values.tolist(), strict=True))


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where two answers part. `token` counts from 0; `gap` is by how many nats the reference preferred its own token,
    None when it did not consider the other one or does not tell."""

    item: int
    what: str
    token: int | None = None
    reference: str | None = None
    export: str | None = None
    gap: float | None = None


def differences(
    tokenizer: Any, reference: Sequence[Transcript], export: Sequence[Transcript], *, by_text: bool = False
) -> list[Difference]:
    """All items whose prompt, answer or end differ; `by_text` where the answerer gives text and no tokens."""
    pairs = enumerate(zip(reference, export, strict=True))
    found = [_difference(tokenizer, item, left, right, by_text) for item, (left, right) in pairs]
    return [each for each in found if each is not None]


def _difference(tokenizer: Any, item: int, left: Transcript, right: Transcript, by_text: bool) -> Difference | None:
    if left.prompt != right.prompt:
        return Difference(item=item, what="prompt", reference=left.prompt, export=right.prompt)
    if left.prompt_ids != right.prompt_ids:
        return split(tokenizer, item, left.prompt_ids, right.prompt_ids)
    if by_text:
        return _by_text(tokenizer, item, left, right)
    at = _first(left.ids, right.ids)
    if left.ids == right.ids and left.stopped == right.stopped:
        return None
    ours, theirs = _token(left, at), _token(right, at)
    return Difference(
        item=item,
        what="token" if ours is not None and theirs is not None else "stop",
        token=at,
        reference=_shown(tokenizer, ours),
        export=_shown(tokenizer, theirs),
        gap=_gap(left, right, at),
    )


def _by_text(tokenizer: Any, item: int, left: Transcript, right: Transcript) -> Difference | None:
    """Answer and end as a server tells them; where the texts part is counted in tokens of the answers cut anew."""
    if left.text == right.text:
        return None if left.stopped == right.stopped else Difference(item=item, what="stop", token=len(left.ids))
    ours, theirs = (tokenizer.encode(text, add_special_tokens=False) for text in (left.text, right.text))
    at = _first(ours, theirs)
    told = left.top[at] if ours == left.ids and at < len(left.top) else {}
    other = theirs[at] if at < len(theirs) else None
    return Difference(
        item=item,
        what="text",
        token=at,
        reference=_shown(tokenizer, ours[at] if at < len(ours) else None),
        export=_shown(tokenizer, other),
        gap=max(told.values()) - told[other] if other in told else None,
    )


def split(tokenizer: Any, item: int, ours: Sequence[int], theirs: Sequence[int]) -> Difference:
    """Where the same prompt is cut into other tokens; the reference's tokenizer shows both."""
    at = _first(ours, theirs)
    left, right = (_shown(tokenizer, ids[at]) if at < len(ids) else None for ids in (ours, theirs))
    return Difference(item=item, what="prompt", token=at, reference=left, export=right)


def _first(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """The first place where two lists of tokens differ; the shorter one's end where one begins the other."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(ours), len(theirs)))


def _token(said: Transcript, at: int) -> int | None:
    return said.ids[at] if at < len(said.ids) else None


def _shown(tokenizer: Any, token: int | None) -> str | None:
    return None if token is None else str(tokenizer.decode([token]))


def _gap(left: Transcript, right: Transcript, at: int) -> float | None:
    """How much likelier the reference found its own next token (the end counted) than the export's."""
    if at >= len(left.top) or at >= len(right.top):
        return None
    chosen = max(right.top[at], key=lambda token: right.top[at][token])
    best = max(left.top[at].values())
    return best - left.top[at][chosen] if chosen in left.top[at] else None
