"""One training step as the trainer does it, in phases; each phase's peak is read from the live bytes."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from advisor.memory import Spec
from advisor.memory.loss import BY_LOG_PROBS, WITH_REFERENCE, rows
from advisor.memory.spec import Loss
from tuner_tui.trace.build import fill, half_of, skeleton
from tuner_tui.trace.live import LiveBytes
from tuner_tui.trace.stand_ins import ChunkedHead, LigerHead, dropout


def trace(spec: Spec, config: dict[str, Any], layers: int) -> dict[str, int]:
    """Bytes at the peak of each phase, and what stays, at so many layers."""
    _speak_of_cuda()
    model = skeleton(spec, config, layers)
    depth = Depth(model, layers)
    with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes() as live:
        fill(model, spec)
        found = {"static": live.now}
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = _optimizer(trained, spec)
        _micro_step(model, spec, live, depth)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        found["held"] = live.now
        if spec.grad_accum > 1:
            _micro_step(model, spec, live, depth)
        found["before"] = live.now
        live.mark()
        found |= _micro_step(model, spec, live, depth)
        found["after"] = live.now
        optimizer.step()
        found["step"] = live.mark()
    return found


def _speak_of_cuda() -> None:
    """PEFT asks for CUDA's autocast by name; under a trace the processor's stands for it. Dropout is CUDA's kernel."""
    torch.nn.functional.dropout = dropout
    real = torch.is_autocast_enabled

    def enabled(device: str = "cpu") -> bool:
        return bool(real(device))

    if getattr(real, "__name__", "") != "enabled":
        torch.is_autocast_enabled = enabled


class Depth:
    """Where the backward pass is: peaks at the top layer, the bottom one and below it each grow evenly with depth,
    the largest of them does not.
    """

    def __init__(self, model: nn.Module, layers: int) -> None:
        self.layers = layers
        self.live: LiveBytes | None = None
        self._peaks: list[int] = []
        lists = (one for one in model.modules() if isinstance(one, nn.ModuleList) and len(one) == layers)
        for layer in next(lists, ()):
            layer.register_forward_pre_hook(self._entered, with_kwargs=True)

    def _entered(self, module: Any, args: Any, options: Any) -> None:
        hidden = args[0] if args else options.get("hidden_states")
        again = torch._C._current_graph_task_id() != -1
        if not again and isinstance(hidden, torch.Tensor) and hidden.requires_grad:
            hidden.register_hook(self._passed)

    def _passed(self, grad: Any) -> None:
        if self.live is not None:
            self._peaks.append(self.live.mark())

    def backward(self, loss: Any, live: LiveBytes) -> dict[str, int]:
        """Go backward; bytes at the peak of each part of it."""
        self.live = live
        self._peaks = []
        loss.backward()
        self.live, peaks = None, [*self._peaks, live.mark()]
        whole = len(peaks) > self.layers
        if len(peaks) < self.layers:
            return dict.fromkeys(("backward", "bottom", "end"), max(peaks))
        return {"backward": peaks[0], "bottom": peaks[self.layers - 1], "end": max(peaks[self.layers - 1 + whole :])}


def _micro_step(model: nn.Module, spec: Spec, live: LiveBytes, depth: Depth) -> dict[str, int]:
    loss, _kept = _loss(model, spec)
    forward = live.mark()
    return {"forward": forward, **depth.backward(loss, live)}


def _loss(model: nn.Module, spec: Spec) -> tuple[Any, Any]:
    """The loss, and what the loop still holds while it goes backward: a loop of one's own holds the model's answer."""
    ids = torch.zeros(rows(spec), spec.seq_len, dtype=torch.long)
    casts = torch.autocast("cpu", half_of(spec)) if spec.autocast or spec.mixed else contextlib.nullcontext()
    with casts:
        if spec.loss is Loss.FULL_LOGITS:
            return _full(model, spec, ids)
        hidden, weight = _hidden(model, spec, ids)
        head = ChunkedHead if spec.loss is Loss.CHUNKED else LigerHead
        losses = head.apply(hidden.reshape(-1, hidden.shape[-1]), weight, half_of(spec))
    if spec.objective in WITH_REFERENCE and not spec.full:
        with torch.no_grad(), casts:
            _hidden(model, spec, ids)
    return losses.mean(), None


def _full(model: nn.Module, spec: Spec, ids: torch.Tensor) -> tuple[Any, Any]:
    if spec.objective not in BY_LOG_PROBS:
        answer = model(input_ids=ids, labels=ids)
        return answer.loss, None if spec.autocast or spec.mixed else answer
    logits = model(input_ids=ids).logits
    chosen = _log_probs(logits, ids)
    if spec.objective in WITH_REFERENCE and not spec.full:
        with torch.no_grad():
            _log_probs(model(input_ids=ids).logits, ids)
    return chosen.float().mean(), None


def _log_probs(logits: Any, ids: torch.Tensor) -> Any:
    """As TRL's `selective_log_softmax`: row by row; logits in fp32 where a trainer's autocast hands them out so."""
    logits = logits[:, -ids.shape[1] :]
    if torch.is_autocast_enabled("cpu"):
        logits = logits.float()
    if logits.dtype is torch.float32:
        chosen = logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
        return chosen - torch.stack([torch.logsumexp(row, dim=-1) for row in logits])
    rows_ = [
        torch.log_softmax(row, dim=-1).gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
        for row, wanted in zip(logits, ids, strict=True)
    ]
    return torch.stack(rows_)


def _hidden(model: nn.Module, spec: Spec, ids: torch.Tensor) -> tuple[Any, Any]:
    """The last hidden state through the model's own forward, and the head's weight, as TRL's fused head takes them."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    caught: list[Any] = []
    head = base.get_output_embeddings()

    def catch(hidden: Any) -> Any:
        caught.append(hidden)
        return hidden.new_zeros(hidden.shape[0], 1, 1)

    head.forward, own = catch, head.forward
    try:
        model(input_ids=ids)
    finally:
        head.forward = own
    weight = head.weight if hasattr(head, "weight") else head.get_base_layer().weight
    return caught[0], weight


def _optimizer(trained: list[Any], spec: Spec) -> Any:
    name = spec.optimizer
    if "8bit" in name or "paged" in name:
        return _InPlace(trained, "paged" if "paged" in name else "8bit")
    if name == "sgd":
        return torch.optim.SGD(trained, lr=1e-3, foreach=False)
    if name in ("adamw_torch", "adamw_torch_foreach"):
        return torch.optim.AdamW(trained, lr=1e-3, foreach=True)
    return _InPlace(trained, "fused")


class _InPlace:
    """An optimizer that steps in place and needs nothing but its states: torch's fused AdamW, or bitsandbytes' 8-bit.

    8-bit states are one byte a weight and one scale for each 256; paged states are not on the GPU.
    """

    def __init__(self, trained: list[Any], kind: str) -> None:
        self.trained, self.kind = trained, kind
        self.states: list[torch.Tensor] = []

    def step(self) -> None:
        """Make the states, once."""
        if self.states or self.kind == "paged":
            return
        for weight in self.trained:
            if self.kind == "fused":
                self.states += [torch.empty_like(weight) for _ in range(2)]
                continue
            count = weight.numel()
            self.states += [torch.empty(count, dtype=torch.uint8) for _ in range(2)]
            self.states += [torch.empty(-(-count // 256), dtype=torch.float32) for _ in range(2)]

    def zero_grad(self, *, set_to_none: bool) -> None:
        """Forget gradients."""
        for weight in self.trained:
            weight.grad = None
