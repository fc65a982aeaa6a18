"""The traced tier, seen from outside: a child process traces two depths, and the depths in between are a line."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Any

import msgspec

from advisor.memory import GIB, Estimate, Range, Spec, estimate
from advisor.memory.answer import ordered
from advisor.memory.peak import allocated, answer, outside, variants
from advisor.memory.weights import held

BELOW, ABOVE = 0.94, 1.08
"""Spread of measurements around a trace: kernels' buffers and versions of the modelling code."""
DEPTHS = (2, 4)
LIMIT_S = 300.0
MOST_BYTES = 1 << 20
PHASES = ("forward", "backward", "bottom", "end", "step")
_LATE = ("bottom", "end", "step")
"""Phases when (nearly) all gradients are there."""


class Traced(msgspec.Struct, frozen=True):
    """The estimate, and the reason when it had to come from arithmetic after all."""

    estimate: Estimate
    fallback: str | None = None


class Tracer:
    """One child process that traces one spec after another; it starts with the first and ends with the block."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Tracer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            with contextlib.suppress(OSError):
                assert self._child.stdin
                self._child.stdin.close()
            self._child.kill()
            self._child.wait()
            self._child = None

    def trace(self, spec: Spec, raw: dict[str, Any], config: dict[str, Any], lang: str = "en") -> Traced:
        """Trace a spec; any failure falls back to arithmetic and says why."""
        try:
            layers = self._ask({**raw, "model": {"config": config}})
        except (OSError, ValueError) as error:
            return Traced(estimate(spec, lang), str(error)[:300])
        return Traced(_told(spec, layers, lang))

    def _ask(self, raw: dict[str, Any]) -> dict[int, dict[str, int]]:
        child = self._child or self._start()
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps({"spec": raw, "layers": list(DEPTHS)}).encode() + b"\n")
        child.stdin.flush()
        line = self._line(child.stdout)
        found = json.loads(line)
        if "error" in found:
            raise ValueError(found["error"])
        return {int(depth): phases for depth, phases in found["layers"].items()}

    def _line(self, out: Any) -> bytes:
        """The child's answer within LIMIT_S, whole: half a line does not hold up the estimate either."""
        ends, found = time.monotonic() + LIMIT_S, b""
        while not found.endswith(b"\n"):
            if not select.select([out], [], [], max(0.0, ends - time.monotonic()))[0]:
                self.close()
                raise ValueError(f"no answer in {LIMIT_S:.0f} s")
            more = os.read(out.fileno(), 1 << 16)
            if not more or len(found) > MOST_BYTES:
                self.close()
                raise ValueError("the tracing process ended before it answered")
            found += more
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tuner_tui.trace"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=environ,
        )
        return self._child


def trace(spec: Spec, raw: dict[str, Any], config: dict[str, Any], lang: str = "en") -> Traced:
    """Trace one spec in a process of its own."""
    with Tracer() as tracer:
        return tracer.trace(spec, raw, config, lang)


def _told(spec: Spec, layers: dict[int, dict[str, int]], lang: str) -> Estimate:
    beside = held(spec).reference + _of_the_stack(spec)
    whole = {name: size + beside for name, size in extrapolated(layers, spec.arch.layers).items()}
    phase = max(PHASES, key=lambda name: whole[name])
    span, wide = _range(spec, whole[phase])
    framework, driver, parts = outside(spec, span, _parts(spec, whole, phase), wide)
    return msgspec.structs.replace(answer(spec, framework, driver, parts, lang), tier="trace")


def _of_the_stack(spec: Spec) -> float:
    """Bytes that another stack's code, or several GPUs, hold beside what one traced process does, by arithmetic."""
    plain = msgspec.structs.replace(spec, inputs_kept=False, fused_qkv=False, n_gpus=1)
    return allocated(spec).total - allocated(plain).total


def _range(spec: Spec, traced: float) -> tuple[Range, bool]:
    """The range around so many traced bytes, in GiB, and whether other versions of the libraries widen it."""
    here = allocated(spec).total
    others = [traced + allocated(other).total - here for other in variants(spec)]
    low, high = min([traced, *others]) * BELOW, max([traced, *others]) * ABOVE
    return ordered(low / GIB, traced / GIB, high / GIB), bool(others)


def extrapolated(layers: dict[int, dict[str, int]], depth: int) -> dict[str, float]:
    """Each phase's bytes at a depth, from the line through the two traced ones."""
    few, more = (layers[n] for n in DEPTHS)
    slope = {name: (more[name] - few[name]) / (DEPTHS[1] - DEPTHS[0]) for name in few}
    return {name: few[name] + slope[name] * (depth - DEPTHS[0]) for name in few}


def _parts(spec: Spec, whole: dict[str, float], phase: str) -> dict[str, float]:
    """Bytes by part: what the trace holds between steps by the formats' own sizes, the rest by what it was for."""
    h = held(spec)
    parts = {"weights": h.weights + h.reference, "adapters": h.adapters, "optimizer": h.states, "buckets": h.buckets}
    rest = whole[phase] - sum(parts.values())
    gradients = min(h.gradients if phase in _LATE or spec.grad_accum > 1 else 0.0, max(rest, 0.0))
    return {**parts, "gradients": gradients, "activations": max(rest - gradients, 0.0)}
