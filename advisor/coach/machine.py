"""The machine under the run: a cause outside the recipe is named as such, and only when readings of minutes agree."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import pairwise

from advisor.coach.rule import STOP, Evidence, watches
from advisor.coach.telemetry import Load, Telemetry, course, values

NVIDIA = ("NVIDIA, GPU slowdown and maximum operating temperature in nvidia-smi -q -d TEMPERATURE", None)
PYTORCH = ("PyTorch, performance tuning guide: data loading that starves the device", None)

BUSY_PCT, READINGS = 40.0, 30
HOT_C, TOO_HOT_C, SLOWER = 83.0, 90.0, 1.08
CREEP, CREEP_SHARE = 0.015, 0.10
MARGIN = 2.0
LOOKS = 5


def _known(loads: tuple[Load, ...], what: Callable[[Load], float | None]) -> list[float]:
    return [value for load in loads if (value := what(load)) is not None]


@watches("COA020", sources=(PYTORCH,), figures={"busy": BUSY_PCT})
def gpu_waits(t: Telemetry) -> Evidence | None:
    """The GPU stands idle for most of the time that it trains."""
    busy = _known(tuple(load for load in t.loads if load.source == "nvml"), lambda load: load.util_pct)[-120:]
    if len(busy) < READINGS or statistics.median(busy) >= BUSY_PCT:
        return None
    return {"busy": round(statistics.median(busy))}


@watches("COA021", sources=(NVIDIA,), figures={"hot": HOT_C})
def throttled_by_heat(t: Telemetry) -> Evidence | None:
    """The GPU is at its thermal limit and the steps take longer than before."""
    heat = _known(t.loads, lambda load: load.temp_c)[-READINGS:]
    if len(heat) < READINGS or (hot := statistics.median(heat)) < HOT_C:
        return None
    pace = course(t.step_s)
    slower = pace.last / pace.best if pace is not None and pace.best > 0 else 1.0
    if hot < TOO_HOT_C and slower < SLOWER:
        return None
    return {"heat": round(hot), "slower": round(100 * (slower - 1))}


@watches("COA022", action=STOP)
def memory_creeps(t: Telemetry) -> Evidence | None:
    """The memory held grows window by window, long after everything was allocated once."""
    held = _known(t.loads, lambda load: load.held_bytes)
    held = held[len(held) // 4 :]
    if len(held) < READINGS:
        return None
    size = len(held) // 5
    levels = [max(held[at * size : (at + 1) * size]) for at in range(5)]
    total = next((load.total_bytes for load in reversed(t.loads) if load.total_bytes), None)
    least = CREEP * levels[0]
    grows = all(after - before >= least for before, after in pairwise(levels))
    if not grows or levels[-1] < (1 + CREEP_SHARE) * levels[0]:
        return None
    room = None if total is None else round((total - levels[-1]) / 2**30, 1)
    return {"first": _gib(levels[0]), "now": _gib(levels[-1]), "room": "?" if room is None else room}


def _gib(count: float) -> str:
    return f"{count / 2**30:.2f}"


@watches("COA023", figures={"margin": MARGIN}, action=STOP)
def disk_fills(t: Telemetry) -> Evidence | None:
    """The disk will not hold the next checkpoints, or will be full before the run is done."""
    free = [(at, value) for at, value in t.free_disk if value is not None]
    if not free:
        return None
    now = free[-1][1]
    need = MARGIN * (t.checkpoint_bytes or 0.0)
    if need and now < need:
        return {"free": _gib(now), "need": _gib(need)}
    span = free[-1][0] - free[0][0]
    rate = (free[0][1] - now) / span if span >= 60 else 0.0
    if rate <= 0 or t.eta_s is None or now > rate * t.eta_s or len(free) < LOOKS:
        return None
    return {"free": _gib(now), "need": _gib(rate * t.eta_s)}


@watches("COA025", action="set train.max_length=*0.5")
def memory_ran_out(t: Telemetry) -> Evidence | None:
    """The run ended because memory ran out and no smaller way to make the same steps was left.

    Shorter sequences change what is learned from long rows: only whoever accepts the action takes them, never the run.
    """
    return {"step": t.step} if t.exit_reason == "oom" else None


@watches("COA024")
def past_the_deadline(t: Telemetry) -> Evidence | None:
    """At the present pace the run ends after the deadline that the recipe's facts name."""
    if t.deadline_s is None or t.eta_s is None or t.elapsed_s is None or len(values(t.step_s)) < 10:
        return None
    end_s = t.elapsed_s + t.eta_s
    return {"hours": f"{end_s / 3600:.1f}", "deadline": f"{t.deadline_s / 3600:.1f}"} if end_s > t.deadline_s else None
