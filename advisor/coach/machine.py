"""The machine under the run: a cause outside the recipe is named as such, and only when readings of minutes agree."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from advisor.coach.rule import STOP, Evidence, watches
from advisor.coach.telemetry import STRAYS, Load, Telemetry, course, values

NVIDIA = ("NVIDIA, GPU slowdown and maximum operating temperature in nvidia-smi -q -d TEMPERATURE", None)
PYTORCH = ("PyTorch, performance tuning guide: data loading that starves the device", None)

BUSY_PCT, IDLE_PCT, READINGS = 40.0, 20.0, 30
WAITS, WAIT_STEPS, WORTH_S = 0.4, 20, 0.03
HOT_C, TOO_HOT_C, SLOWER, HEAT_READINGS = 83.0, 90.0, 1.08, 10
CREEP, CREEP_SHARE = 0.015, 0.10
SLOW_CREEP = 0.002
FEW_READINGS, FEW_TIMES = 10, 3
MARGIN = 2.0
LOOKS = 5


def _by_device(t: Telemetry) -> list[list[Load]]:
    """The readings of each device by itself: two GPUs are never one series."""
    found: dict[str | None, list[Load]] = {}
    for load in t.loads:
        found.setdefault(load.device, []).append(load)
    return list(found.values())


def _known(loads: Sequence[Load], what: Callable[[Load], float | None]) -> list[float]:
    return [value for load in loads if (value := what(load)) is not None]


def waiting_share(t: Telemetry) -> float | None:
    """The share of the latest steps' time that went by until their rows were there; None = not told."""
    lasted = dict(t.step_s)
    known = [(waited, whole) for step, waited in t.waits if waited is not None and (whole := lasted.get(step))]
    # One long wait is no habit: a resumed run looks for its place in the data once.
    known = sorted(known[-READINGS:])[:-1]
    if len(known) < WAIT_STEPS:
        return None
    waited = sum(waited for waited, _ in known)
    # Milliseconds are what putting a batch together takes: a share of them says only that the model is tiny.
    return min(1.0, waited / sum(whole for _, whole in known)) if waited >= WORTH_S * len(known) else 0.0


@watches("COA020", sources=(PYTORCH,), figures={"busy": BUSY_PCT})
def gpu_waits(t: Telemetry) -> Evidence | None:
    """The GPU stands idle for most of the time that it trains."""
    waited = waiting_share(t)
    if waited is not None and waited >= WAITS:
        return None  # rows_come_too_slowly says why
    # A small model is done before the next work is given to it: where rows are known to be there, less is asked.
    limit = BUSY_PCT if waited is None or waited >= WAITS / 4 else IDLE_PCT
    for loads in _by_device(t):
        if any(load.source == "host" or load.device == "cpu" for load in loads):
            continue
        busy = _known(loads, lambda load: load.util_pct)[-120:]
        if len(busy) >= READINGS and statistics.median(busy) < limit:
            return {"busy": round(statistics.median(busy))}
    return None


@watches("COA026", sources=(PYTORCH,), figures={"waits": WAITS})
def rows_come_too_slowly(t: Telemetry) -> Evidence | None:
    """Much of each step goes by before its rows are there: training is starved by its data."""
    waited = waiting_share(t)
    return {"share": round(100 * waited)} if waited is not None and waited >= WAITS else None


@watches("COA021", sources=(NVIDIA,), figures={"hot": HOT_C})
def throttled_by_heat(t: Telemetry) -> Evidence | None:
    """The GPU is at its thermal limit and the steps take longer than before, by more than chance."""
    heats = [_known(loads, lambda load: load.temp_c)[-READINGS:] for loads in _by_device(t)]
    hot = max((statistics.median(heat) for heat in heats if len(heat) >= HEAT_READINGS), default=0.0)
    pace = course(t.step_s)
    slower = pace.last / pace.best if pace is not None and pace.best > 0 else 1.0
    sure = pace is not None and pace.last - pace.best > STRAYS * pace.stray
    if hot < HOT_C or (hot < TOO_HOT_C and (slower < SLOWER or not sure)):
        return None
    return {"heat": round(hot), "slower": round(100 * (slower - 1))}


@watches("COA022", action=STOP)
def memory_creeps(t: Telemetry) -> Evidence | None:
    """The memory held grows window by window, long after everything was allocated once."""
    return next((found for loads in _by_device(t) if (found := _creeping(loads, t.eta_s))), None)


def _creeping(loads: Sequence[Load], eta_s: float | None) -> Evidence | None:
    """Evidence when a device's memory grew in each of five windows: by much, or so that it is full before the end.

    Few readings must show more: what is allocated once may still be coming in.
    """
    held = [load for load in loads if load.held_bytes is not None]
    held = held[len(held) // 4 :]
    if len(held) < FEW_READINGS:
        return None
    times = 1 if len(held) >= READINGS else FEW_TIMES
    size = len(held) // 5
    levels = [max(load.held_bytes or 0.0 for load in held[at * size : (at + 1) * size]) for at in range(5)]
    total = next((load.total_bytes for load in reversed(loads) if load.total_bytes), None)
    least = min(after - before for before, after in pairwise(levels))
    much = least >= times * CREEP * levels[0] and levels[-1] >= (1 + times * CREEP_SHARE) * levels[0]
    span = held[-1].at - held[0].at
    # The slowest of the windows tells the pace: growth that is dying down reaches no end.
    full = levels[-1] + (least * 5 / span if span > 0 else 0.0) * (eta_s or 0.0) > (total or float("inf"))
    if not much and not (full and times == 1 and least >= SLOW_CREEP * levels[0]):
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
