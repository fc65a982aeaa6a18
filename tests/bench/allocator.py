"""Reserved over allocated: traced steps replayed through the rules of CUDA's caching allocator; asserts nothing.

    python tests/bench/allocator.py [LAYERS]

Rules from `c10/cuda/CUDACachingAllocator.cpp` (no expandable segments): sizes rounded to 512 bytes, a small pool for up
to 1 MiB (segments of 2 MiB), else segments of 20 MiB below 10 MiB and rounded to 2 MiB above, best fit, splitting where
over 1 MiB (512 bytes in the small pool) is left, neighbours merged when freed. Steps of one length, and of lengths
drawn evenly up to it, with the cache kept or emptied every ten steps (as PEFT's method comparison does).
"""

from __future__ import annotations

import bisect
import random
import sys
import warnings
import weakref
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from advisor.memory import GIB, spec_from
from tuner_tui.trace import step
from tuner_tui.trace.build import fill, skeleton
from tuner_tui.trace.live import LiveBytes

MIB = 1 << 20
Event = tuple[int, int]
"""A storage's number, and its bytes when it begins or 0 when it ends."""


class Recorder(LiveBytes):
    """Live bytes that also writes down when each storage begins and ends."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self._many = 0

    def watch(self, tensor: torch.Tensor) -> None:
        """Count a storage, once, and note it."""
        storage = tensor.untyped_storage()
        if storage in self._seen:
            return
        super().watch(tensor)
        self._many += 1
        self.events.append((self._many, int(storage.nbytes())))
        weakref.finalize(storage, self.events.append, (self._many, 0))


class Block:
    """A piece of a segment; neighbours are linked."""

    __slots__ = ("after", "at", "before", "free", "size")

    def __init__(self, at: int, size: int) -> None:
        self.at, self.size, self.free = at, size, True
        self.before: Block | None = None
        self.after: Block | None = None


class Pool:
    """Free blocks by size and address."""

    def __init__(self, least: int) -> None:
        self.least = least
        self._by: list[tuple[int, int]] = []
        self._of: dict[tuple[int, int], Block] = {}

    def add(self, block: Block) -> None:
        """A block that nobody uses."""
        key = (block.size, block.at)
        bisect.insort(self._by, key)
        self._of[key] = block

    def remove(self, block: Block) -> None:
        """A block that is taken or merged."""
        key = (block.size, block.at)
        self._by.pop(bisect.bisect_left(self._by, key))
        del self._of[key]

    def fit(self, size: int) -> Block | None:
        """The smallest that is large enough."""
        at = bisect.bisect_left(self._by, (size, 0))
        return self._of[self._by[at]] if at < len(self._by) else None

    def whole(self) -> list[Block]:
        """Segments of which nothing is used."""
        return [block for block in self._of.values() if block.before is None and block.after is None]


class Allocator:
    """CUDA's caching allocator, sizes only."""

    def __init__(self) -> None:
        self.small, self.large = Pool(512), Pool(MIB + 1)
        self.reserved = self.peak = self.allocated = self.most = 0
        self._next = 0
        self._live: dict[int, tuple[Pool, Block]] = {}

    def run(self, events: list[Event]) -> None:
        """Replay; a storage that ends without having begun is one from before."""
        for name, size in events:
            if size:
                self.take(name, size)
            elif name in self._live:
                self.give(name)

    def take(self, name: int, size: int) -> None:
        """Allocate."""
        size = max(512, -(-size // 512) * 512)
        pool = self.small if size <= MIB else self.large
        block = pool.fit(size)
        if block is None:
            whole = 20 * MIB if size < 10 * MIB else -(-size // (2 * MIB)) * 2 * MIB
            block = self._segment(2 * MIB if pool is self.small else whole)
        else:
            pool.remove(block)
        if block.size - size >= pool.least:
            rest = Block(block.at + size, block.size - size)
            rest.before, rest.after, block.after, block.size = block, block.after, rest, size
            if rest.after:
                rest.after.before = rest
            pool.add(rest)
        block.free = False
        self._live[name] = (pool, block)
        self.allocated += block.size
        self.most = max(self.most, self.allocated)

    def _segment(self, size: int) -> Block:
        block = Block(self._next, size)
        self._next += size + MIB
        self.reserved += size
        self.peak = max(self.peak, self.reserved)
        return block

    def give(self, name: int) -> None:
        """Free, and merge with free neighbours."""
        pool, block = self._live.pop(name)
        self.allocated -= block.size
        block.free = True
        if block.before and block.before.free:
            pool.remove(block.before)
            block = self._merged(block.before, block)
        if block.after and block.after.free:
            pool.remove(block.after)
            block = self._merged(block, block.after)
        pool.add(block)

    def _merged(self, left: Block, right: Block) -> Block:
        left.size, left.after = left.size + right.size, right.after
        if right.after:
            right.after.before = left
        return left

    def empty(self) -> None:
        """Give whole segments back (`torch.cuda.empty_cache`)."""
        for pool in (self.small, self.large):
            for block in pool.whole():
                pool.remove(block)
                self.reserved -= block.size


def recorded(
    raw: dict[str, Any], config: dict[str, Any], lengths: list[int]
) -> tuple[list[Event], dict[int, list[Event]]]:
    """Events of loading and a first step, and of one later step by length."""
    step._speak_of_cuda()
    first = spec_from({**raw, "model": {"config": config}, "seq_len": lengths[0]}, "bench")
    model = skeleton(first, config, first.arch.layers)
    steps: dict[int, list[Event]] = {}
    with FakeTensorMode(allow_non_fake_inputs=True), Recorder() as live:
        fill(model, first)
        optimizer = step._optimizer([weight for weight in model.parameters() if weight.requires_grad], first)
        _one(model, raw, config, lengths[-1], optimizer)
        load = list(live.events)
        for length in lengths:
            begun = len(live.events)
            _one(model, raw, config, length, optimizer)
            steps[length] = live.events[begun:]
    return load, steps


def _one(model: Any, raw: dict[str, Any], config: dict[str, Any], length: int, optimizer: Any) -> None:
    spec = spec_from({**raw, "model": {"config": config}, "seq_len": length}, "bench")
    loss, _kept = step._loss(model, spec)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


CONFIGS = {
    "llama-3.2-3b": {"model_type": "llama", "hidden_size": 3072, "num_attention_heads": 24, "num_key_value_heads": 8,
                     "head_dim": 128, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True},
    "llama-2-7b": {"model_type": "llama", "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 32,
                   "intermediate_size": 11008, "vocab_size": 32000, "tie_word_embeddings": False},
}  # fmt: skip
_PEFT = {"technique": "lora", "rank": 32, "targets": ["q_proj", "v_proj"], "grad_ckpt": False, "attn": "sdpa",
         "optimizer": "adamw_torch", "adapter_dtype": "fp32", "loss": "full_logits"}  # fmt: skip
SETUPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("lora, nothing computed again, whole logits", "llama-3.2-3b", {**_PEFT, "micro_batch": 4}),
    ("full bf16, nothing computed again, whole logits", "llama-3.2-3b",
     {"technique": "full", "precision": "bf16", "grad_ckpt": False, "optimizer": "adamw_torch", "attn": "sdpa",
      "loss": "full_logits", "micro_batch": 4}),
    ("lora, checkpoints, whole logits", "llama-2-7b",
     {"technique": "lora", "rank": 64, "grad_ckpt": True, "optimizer": "adamw_torch", "attn": "flash",
      "adapter_dtype": "bf16", "loss": "full_logits", "lora_dropout": 0.1, "micro_batch": 4}),
    ("qlora, checkpoints, chunked loss", "llama-2-7b", {"technique": "qlora", "attn": "flash", "micro_batch": 4}),
    ("qlora prepared, checkpoints, whole logits", "llama-2-7b",
     {"technique": "qlora", "quant": "nf4", "adapter_dtype": "fp32", "loss": "full_logits", "micro_batch": 4}),
    ("full fp32 mixed, checkpoints, chunked loss", "llama-3.2-3b", {"technique": "full", "micro_batch": 4}),
)  # fmt: skip


def replayed(load: list[Event], steps: list[list[Event]], *, emptied: int = 0) -> tuple[float, float]:
    """Reserved and allocated peaks (GiB)."""
    one = Allocator()
    one.run(load)
    for at, events in enumerate(steps):
        one.run(events)
        if emptied and (at + 1) % emptied == 0:
            one.empty()
    return one.peak / GIB, one.most / GIB


def main(layers: int) -> None:
    """Print one line a set-up."""
    warnings.simplefilter("ignore")
    draw = random.Random(1)
    for name, model, raw in SETUPS:
        config = {**CONFIGS[model], "num_hidden_layers": layers}
        longest = 1024
        lengths = [longest, *sorted({64 * draw.randint(1, 15) for _ in range(12)})]
        alone, same = recorded(raw, config, [longest])
        load, steps = recorded(raw, config, lengths)
        order = [draw.choice(lengths) for _ in range(100)]
        order = [length if length != longest else lengths[1] for length in order]
        order[75] = longest
        kinds = {
            "one length": replayed(alone, [same[longest]] * 5),
            "many": replayed(load, [steps[length] for length in order]),
            "many, emptied": replayed(load, [steps[length] for length in order], emptied=10),
        }
        told = "  ".join(f"{kind} {a:.2f} / {b:.2f} = {a / b:.3f}" for kind, (a, b) in kinds.items())
        print(f"{name:<50} {told}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
