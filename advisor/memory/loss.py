"""Logits and loss: bytes at the end of the forward pass, by objective and by the way the loss is computed."""

from __future__ import annotations

from advisor.memory.spec import Loss, Spec, litgpt
from advisor.memory.weights import head_adapted
from advisor.methods import Objective, Technique

TILE_TOKENS = 4096
TILE_VOCAB = 32768
"""TRL 1.16's fused head works on tiles of this size (`trl/kernels/chunked_logprob.py`)."""
PAIRS = frozenset({Objective.DPO, Objective.ORPO})
WITH_REFERENCE = frozenset({Objective.DPO, Objective.KTO})


def rows(spec: Spec) -> int:
    """Rows of one micro-batch that pass with gradients: a pair is two rows."""
    return spec.micro_batch * (2 if spec.objective in PAIRS else 1)


def length(spec: Spec) -> int:
    """Tokens of one row, virtual tokens of prompt tuning included."""
    return spec.seq_len + (spec.rank if spec.technique is Technique.PROMPT else 0)


def tokens(spec: Spec) -> int:
    """Tokens of one micro-batch that pass with gradients."""
    return rows(spec) * length(spec)


def loss_bytes(spec: Spec) -> float:
    """The most that logits, their loss and their gradient hold beside the layers' activations."""
    n, vocab, hidden = tokens(spec), spec.arch.vocab, spec.arch.hidden
    if spec.loss is Loss.FULL_LOGITS:
        # Autocast keeps the copy of a frozen fp32 head until the head's backward pass is done.
        return n * vocab * per_logit(spec) + (2.0 * vocab * hidden if spec.prepared and spec.autocast else 0.0)
    half = 4 if spec.precision == "fp32" else 2
    moving = spec.full or head_adapted(spec)
    trained = (4.0 + _cast_back(spec)) * vocab * hidden if moving else 0.0
    if spec.loss is Loss.LIGER:
        return liger_chunk(n, vocab, hidden) * vocab * (half + 8) + half * n * hidden + trained
    tile = min(n, TILE_TOKENS) * min(vocab, TILE_VOCAB) * half
    return tile + (4 + half) * n * hidden + trained


def _cast_back(spec: Spec) -> float:
    """Bytes a weight of the head's gradient in the weights' own format, beside the fp32 sum that it is made from."""
    return 0.0 if spec.mixed or spec.precision == "fp32" or spec.loss is Loss.LIGER else 2.0


def per_logit(spec: Spec) -> float:
    """Bytes per logit when the loss's backward pass begins: log-softmax and two gradients in fp32 (4 + 4 + 4).

    A loop of one's own holds the half-precision logits besides; a trainer has let go of them by then. A reference's
    logits are gone by then too: they are less than the gradients.
    """
    if spec.objective not in BY_LOG_PROBS:
        return _LITGPT if litgpt(spec) else 12.0 + kept_logit(spec)
    # A trainer's autocast hands out fp32 logits (accelerate, convert_outputs_to_fp32): logits, the gradients of their
    # gather and of their log-sum, row by row and stacked. In half precision TRL keeps one log-softmax instead.
    # Its backward pass stacks the rows' gradients when the log-softmaxes are gone again.
    whole = spec.precision == "fp32" or spec.prepared or spec.autocast or spec.mixed
    capped = kept_logit(spec) if spec.arch.softcaps_logits else 0.0
    return (16.0 if whole else 4.0 + 2.0 / rows(spec)) + capped


_LITGPT = 10.0
"""litgpt's head works in chunks whose half-precision logits (2) become fp32 (4: Fabric's `convert_output`) while the
last step's (4) are still bound: traced on litgpt's own code, within 0.4 % (median) of 21 published peaks."""


def kept_logit(spec: Spec) -> float:
    """Bytes per logit that outlive the loss's backward pass: the answer itself, and Gemma 2's tanh of it."""
    whole = 4.0 if spec.precision == "fp32" or spec.prepared else 2.0
    capped = whole if spec.arch.softcaps_logits else 0.0
    if litgpt(spec):
        return 4.0 + capped
    if spec.autocast or spec.mixed or spec.objective in BY_LOG_PROBS:
        return capped
    return whole + capped


BY_LOG_PROBS = frozenset({Objective.DPO, Objective.ORPO, Objective.KTO, Objective.GRPO, Objective.RLHF_PPO})


def liger_chunk(n: int, vocab: int, hidden: int) -> int:
    """Rows of one chunk in Liger's fused cross entropy (`liger_kernel/ops/fused_linear_cross_entropy.py`)."""
    factor = -(-vocab // hidden)
    size = -(-n // factor)
    return min(1 << max(size - 1, 0).bit_length(), n)


def generation_cache(spec: Spec) -> float:
    """Keys and values of all rows while completions are sampled."""
    if spec.objective not in (Objective.GRPO, Objective.RLHF_PPO):
        return 0.0
    return 2.0 * spec.arch.attending * (spec.arch.k_width + spec.arch.v_width) * spec.micro_batch * spec.seq_len
