"""A run's view is a pure fold over its events: the same events give the same view however they were batched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tuner_tui.runs.series import Growing, Points, Series
from tuner_tui.safe import clean

MAX_MESSAGES = 200
MAX_SAMPLES = 24
MAX_CHECKPOINTS = 200
MAX_EXTRAS = 32
SMOOTHING = 0.9

_STEP_FIELDS = frozenset(
    {"v", "t", "at", "step", "total", "epoch", "tokens", "tokens_per_s", "step_s", "data_s", "nonfinite"}
)
_NAMED = {"loss": "loss", "lr": "learning_rate", "grad_norm": "grad_norm"}


class GpuReading(msgspec.Struct, frozen=True, kw_only=True):
    """The latest reading of one device; `peak_bytes` is the most this process was seen to hold. None = not known.

    `source` is `nvml` (the driver's count) or `host` (process and machine memory, no GPU).
    """

    device: str
    source: str | None = None
    used_bytes: int | None = None
    total_bytes: int | None = None
    process_bytes: int | None = None
    peak_bytes: int | None = None
    util_pct: float | None = None
    temp_c: float | None = None
    power_w: float | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One held-out score with its interval, as the evaluation measured it."""

    metric: str | None = None
    score: float | None = None
    low: float | None = None
    high: float | None = None
    items: int | None = None
    loss: float | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One answer during training. The texts are cleaned but foreign: draw them without markup."""

    step: int | None = None
    prompt: str = ""
    text: str = ""
    base: str | None = None
    reference: str | None = None


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """What one of a run's processes last measured for itself."""

    rank: int
    tokens_per_s: float | None = None
    step_s: float | None = None
    bytes: int | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """What a watcher may know about a run. Times in unix seconds, `eta_s` in seconds, unknown is None.

    Series are tuples of `(step, value)`, thinned to a few thousand points; a value that was not finite is None and
    counted in `nonfinite`. `memory` is by device, over unix seconds.
    """

    id: str | None = None
    label: str | None = None
    model: str | None = None
    objective: str | None = None
    technique: str | None = None
    optimizer: str | None = None
    parameters: int | None = None
    trainable: int | None = None
    device: str | None = None
    versions: dict[str, str] = {}
    started: float | None = None
    updated: float | None = None
    phase: str | None = None
    step: int = 0
    total: int | None = None
    epoch: float | None = None
    loss: float | None = None
    tokens: int | None = None
    tokens_per_s: float | None = None
    step_s: float | None = None
    nonfinite: int = 0
    series: dict[str, Series] = {}
    memory_series: dict[str, Series] = {}
    gpus: dict[str, GpuReading] = {}
    ranks: tuple[Rank, ...] = ()
    samples: tuple[Sample, ...] = ()
    scores: dict[str, Score] = {}
    messages: tuple[tuple[str, str], ...] = ()
    coach: tuple[dict[str, str | None], ...] = ()
    checkpoints: tuple[tuple[int, str], ...] = ()
    exit_reason: str | None = None
    exit_code: int | None = None
    exit_text: str | None = None

    @property
    def losses(self) -> Points:
        """Training loss by step."""
        return self._points("loss")

    @property
    def eval_losses(self) -> Points:
        """Held-out loss by step."""
        return self._points("eval_loss")

    @property
    def learning_rates(self) -> Points:
        """Learning rate by step."""
        return self._points("learning_rate")

    @property
    def grad_norms(self) -> Points:
        """Gradient norm before clipping, by step."""
        return self._points("grad_norm")

    @property
    def extras(self) -> dict[str, Points]:
        """What only this method reports (for example rewards_margin), by name."""
        return {name[6:]: part.all for name, part in self.series.items() if name.startswith("extra:")}

    @property
    def memory(self) -> dict[str, Points]:
        """Bytes held by this process (else by the device), by device, over unix seconds."""
        return {name: part.all for name, part in self.memory_series.items()}

    @property
    def eta_s(self) -> float | None:
        """Seconds until the last step at the present pace; None when not known."""
        if self.exit_reason or self.total is None or not self.step_s:
            return None
        return max(0, self.total - self.step) * self.step_s

    def _points(self, name: str) -> Points:
        return self.series[name].all if name in self.series else ()


def fold(view: RunView, events: Iterable[Mapping[str, Any]]) -> RunView:
    """The view after these events. Pure; fields of the wrong type are treated as unknown, never an error."""
    state = _Fold(view)
    for event in events:
        state.take(event)
    return state.frozen()


class _Fold:
    """The open state of one fold: series grow in place here, so that a batch copies each of them once."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.now: dict[str, Any] = {}
        self.series: dict[str, Growing] = {}
        self.memory: dict[str, Growing] = {}
        self.names = {name for name in view.series if name.startswith("extra:")}

    def take(self, event: Mapping[str, Any]) -> None:
        """Fold in one event; unknown kinds change nothing but the time."""
        at = number(event, "at")
        if at is not None:
            self.now["updated"] = at
        handle = _KINDS.get(event.get("t", ""))
        if handle is not None:
            handle(self, event)

    def frozen(self) -> RunView:
        """The view with everything folded in."""
        if self.series:
            grown = {name: part.frozen() for name, part in self.series.items()}
            self.now["series"] = {**self.view.series, **grown}
        if self.memory:
            grown = {name: part.frozen() for name, part in self.memory.items()}
            self.now["memory_series"] = {**self.view.memory_series, **grown}
        return msgspec.structs.replace(self.view, **self.now) if self.now else self.view

    def _get(self, name: str) -> Any:
        return self.now[name] if name in self.now else getattr(self.view, name)

    def _grow(self, name: str) -> Growing:
        part = self.series.get(name)
        if part is None:
            part = self.series[name] = Growing(self.view.series.get(name, Series()))
        return part

    def _put(self, fields: Mapping[str, Any]) -> None:
        self.now.update({name: value for name, value in fields.items() if value is not None})

    def _start(self, event: Mapping[str, Any]) -> None:
        names = ("id", "label", "model", "objective", "technique", "optimizer", "device")
        texts = {name: text(event, name) for name in names}
        counts = {name: integer(event, name) for name in ("total", "parameters", "trainable")}
        versions = event.get("versions")
        if isinstance(versions, Mapping):
            versions = {clean(name, 60): clean(value, 60) for name, value in versions.items()}
        else:
            versions = None
        self._put({**texts, **counts, "versions": versions})
        if self._get("started") is None:
            self._put({"started": number(event, "at")})
        # A new attempt: the end of the one before is history.
        self.now.update(exit_reason=None, exit_code=None, exit_text=None, step_s=None)

    def _phase(self, event: Mapping[str, Any]) -> None:
        self._put({"phase": text(event, "name", 40)})

    def _step(self, event: Mapping[str, Any]) -> None:
        step = integer(event, "step")
        if step is None:
            return
        now = self.now
        now["step"] = step
        for name, value in event.items():
            if name in _STEP_FIELDS:
                continue
            finite = value if value.__class__ is float and math.isfinite(value) else _number(value)
            known = _NAMED.get(name)
            if known is None:
                self._extra(name, step, value, finite)
            else:
                self._grow(known).add(step, finite)
        if "loss" in event:
            now["loss"] = number(event, "loss")
        if event.get("nonfinite"):
            now["nonfinite"] = self._get("nonfinite") + 1
        self._pace(event)

    def _ranks(self, event: Mapping[str, Any]) -> None:
        told = [each for each in event.get("ranks") or () if isinstance(each, Mapping)]
        found = [
            Rank(
                rank=rank,
                tokens_per_s=number(each, "tokens_per_s"),
                step_s=number(each, "step_s"),
                bytes=integer(each, "bytes"),
            )
            for each in told
            if (rank := integer(each, "rank")) is not None
        ]
        self.now["ranks"] = tuple(found)

    def _extra(self, name: str, step: int, value: Any, finite: float | None) -> None:
        key = f"extra:{clean(name, 40)}"
        if finite is None and value is not None:
            return
        if key not in self.names:
            if len(self.names) >= MAX_EXTRAS:
                return
            self.names.add(key)
        self._grow(key).add(step, finite)

    def _pace(self, event: Mapping[str, Any]) -> None:
        now = self.now
        for name in ("total", "tokens"):
            value = event.get(name)
            if value.__class__ is int:
                now[name] = value
        for name in ("epoch", "tokens_per_s"):
            finite = number(event, name)
            if finite is not None:
                now[name] = finite
        took = number(event, "step_s")
        if took is not None and took >= 0:
            before = self._get("step_s")
            now["step_s"] = took if before is None else SMOOTHING * before + (1 - SMOOTHING) * took

    def _gpu(self, event: Mapping[str, Any]) -> None:
        device = clean(event.get("device", "?"), 40)
        gpus: dict[str, GpuReading] = self._get("gpus")
        used, mine = integer(event, "used_bytes"), integer(event, "process_bytes")
        last = gpus[device].peak_bytes if device in gpus else None
        seen = [value for value in (last, integer(event, "peak_bytes"), mine) if value is not None]
        reading = GpuReading(
            device=device,
            source=text(event, "source", 20),
            used_bytes=used,
            total_bytes=integer(event, "total_bytes"),
            process_bytes=mine,
            peak_bytes=max(seen, default=None),
            util_pct=number(event, "util_pct"),
            temp_c=number(event, "temp_c"),
            power_w=number(event, "power_w"),
        )
        self.now["gpus"] = {**gpus, device: reading}
        held, at = mine if mine is not None else used, number(event, "at")
        if held is not None and at is not None:
            if device not in self.memory:
                self.memory[device] = Growing(self.view.memory_series.get(device, Series()))
            self.memory[device].append(at, held)

    def _eval(self, event: Mapping[str, Any]) -> None:
        when = event.get("when")
        if when in ("before", "after"):
            numbers = {name: number(event, name) for name in ("score", "low", "high", "loss")}
            score = Score(metric=text(event, "metric", 60), items=integer(event, "items"), **numbers)
            self.now["scores"] = {**self._get("scores"), when: score}
            return
        step = integer(event, "step")
        if step is not None:
            self._grow("eval_loss").add(step, number(event, "loss"))

    def _sample(self, event: Mapping[str, Any]) -> None:
        sample = Sample(
            step=integer(event, "step"),
            prompt=text(event, "prompt", lines=True) or "",
            text=text(event, "text", lines=True) or "",
            base=text(event, "base", lines=True),
            reference=text(event, "reference", lines=True),
        )
        self.now["samples"] = (*self._get("samples"), sample)[-MAX_SAMPLES:]

    def _checkpoint(self, event: Mapping[str, Any]) -> None:
        step, path = integer(event, "step"), text(event, "path")
        if step is not None and path is not None:
            self.now["checkpoints"] = (*self._get("checkpoints"), (step, path))[-MAX_CHECKPOINTS:]

    def _warn(self, event: Mapping[str, Any]) -> None:
        self._message("warn", text(event, "text") or text(event, "code"))

    def _coach(self, event: Mapping[str, Any]) -> None:
        advice = {name: text(event, name) for name in ("id", "text", "action")}
        self.now["coach"] = (*self._get("coach"), advice)[-MAX_MESSAGES:]
        self._message("coach", advice["text"])

    def _exit(self, event: Mapping[str, Any]) -> None:
        reason = text(event, "reason", 40) or "error"
        words = text(event, "text")
        self.now.update(exit_reason=reason, exit_code=integer(event, "code"), exit_text=words)
        self._message("exit", words)

    def _message(self, kind: str, words: str | None) -> None:
        if words:
            self.now["messages"] = (*self._get("messages"), (kind, words))[-MAX_MESSAGES:]


# A table of functions, not of one fold's own methods: those would refer back to it, and every fold with all its points
# would lie about until the collector of cycles comes by, which in a large process it hardly does.
_KINDS = {
    "step": _Fold._step,
    "gpu": _Fold._gpu,
    "ranks": _Fold._ranks,
    "start": _Fold._start,
    "phase": _Fold._phase,
    "eval": _Fold._eval,
    "sample": _Fold._sample,
    "checkpoint": _Fold._checkpoint,
    "warn": _Fold._warn,
    "coach": _Fold._coach,
    "exit": _Fold._exit,
}


def number(event: Mapping[str, Any], name: str) -> float | None:
    """A finite number, else None."""
    return _number(event.get(name))


def _number(value: Any) -> float | None:
    if value.__class__ is float:
        return value if math.isfinite(value) else None
    return value if value.__class__ is int else None


def integer(event: Mapping[str, Any], name: str) -> int | None:
    """A whole number, else None."""
    value = _number(event.get(name))
    return int(value) if value is not None else None


def text(event: Mapping[str, Any], name: str, max_len: int = 4000, *, lines: bool = False) -> str | None:
    """A cleaned text, else None."""
    value = event.get(name)
    return clean(value, max_len, lines=lines) if isinstance(value, str) else None
