"""Live bytes: every storage counts once while anything holds it, rounded as CUDA's allocator rounds."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512
"""CUDA's caching allocator hands out multiples of this (`kMinBlockSize` in c10/cuda/CUDACachingAllocator.cpp)."""


def _summing() -> bool:
    """Whether autograd's engine itself is adding two gradients of one tensor (`InputBuffer::accumulate`).

    A layer that is computed again inside the backward pass adds with gradients enabled.
    """
    return torch._C._current_graph_task_id() != -1 and not torch.is_grad_enabled()


def _bytes(storage: Any) -> int:
    return -(-int(storage.nbytes()) // BLOCK) * BLOCK


class LiveBytes(TorchDispatchMode):  # type: ignore[misc]
    """Counts live storage bytes; `peak` is the most since `mark` was last called."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()
        self._ends: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.add.Tensor and _summing():
            self._replace(args[0], out)
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.watch(leaf)
        return out

    def watch(self, tensor: torch.Tensor) -> None:
        """Count a tensor's storage, once."""
        storage = tensor.untyped_storage()
        if storage in self._seen:
            return
        size = _bytes(storage)
        self._seen.add(storage)
        self.now += size
        self.peak = max(self.peak, self.now)
        self._ends[storage] = weakref.finalize(storage, self._free, size)

    def _replace(self, old: torch.Tensor, new: torch.Tensor) -> None:
        """Two gradients that meet are summed in place by the engine, but not where tensors are fake."""
        ends = self._ends.pop(old.untyped_storage(), None)
        if ends is not None:
            ends.detach()
            self._free(_bytes(old.untyped_storage()))
        self.watch(new)

    def _free(self, size: int) -> None:
        self.now -= size

    def mark(self) -> int:
        """The peak so far, in bytes; counting of the next phase's peak starts from what is live now."""
        peak, self.peak = self.peak, self.now
        return peak
