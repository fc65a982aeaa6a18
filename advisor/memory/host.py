"""Memory of a run without a GPU: the process as the system counts it, the libraries' own share included."""

from __future__ import annotations

from advisor.memory.answer import GIB, Range, ordered
from advisor.memory.loss import TILE_TOKENS, TILE_VOCAB, tokens
from advisor.memory.peak import ABOVE, BELOW, allocated
from advisor.memory.spec import Loss, Spec

LIBRARIES_GB = (0.48, 0.52, 0.75)
"""Resident memory of Python with torch, transformers, TRL and PEFT and a model of no size: 0.51 GiB on torch 2.13."""
_TILES = 8
"""Tiles that the fused head holds at once where no Triton kernel folds them (`trl/kernels/chunked_logprob.py`)."""


def host_memory(spec: Spec) -> tuple[Range, Range, dict[str, float]]:
    """What torch holds, what the process holds (GiB), and the parts of the latter."""
    moment = allocated(spec)
    tiles = 0.0
    if spec.loss is Loss.CHUNKED:
        tiles = _TILES * 4.0 * min(tokens(spec), TILE_TOKENS) * min(spec.arch.vocab, TILE_VOCAB)
    likely = (moment.total + tiles) / GIB
    framework = ordered(moment.total / GIB * BELOW, likely, likely * ABOVE)
    process = ordered(*(base + held for base, held in zip(LIBRARIES_GB, _points(framework), strict=True)))
    parts = {name: round(value / GIB, 4) for name, value in moment.parts.items() if value > 0}
    parts["logits"] = round(parts.get("logits", 0.0) + tiles / GIB, 4)
    parts["libraries"] = LIBRARIES_GB[1]
    return framework, process, parts


def _points(span: Range) -> tuple[float, float, float]:
    return span.low, span.likely, span.high
