"""What a recipe will need before it runs: memory on this machine's device, steps, hours, energy and money."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

from advisor.catalog import CHECKED, GpuKind, find_gpu
from advisor.duration import flops_per_step, run_cost
from advisor.errors import InputError
from advisor.memory import Estimate, Range, Spec, estimate, of_recipe
from advisor.memory.fitting import usable
from advisor.memory.host import host_memory
from advisor.memory.peak import answer
from advisor.recipe import Recipe
from tuner_tui.calibration import Measured, corrected, gpu_measurements, measured_runs
from tuner_tui.model_shapes import find_config


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Where the run would happen: `kind` gpu or cpu; `room_gb` is what a process can have there, None = unknown."""

    kind: str
    name: str | None = None
    room_gb: float | None = None
    half: bool = True


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is computed before a run. `timed_by`: the catalogue's GPU, or the run here that was timed."""

    estimate: Estimate
    device: Device
    rows: int | None
    longest_tokens: int | None
    mean_tokens: float | None
    steps: int | None
    hours: Range | None
    kwh: Range | None
    usd: Range | None
    usd_per_h: float | None
    price_checked: str | None
    timed_by: str | None


def forecast(
    recipe: Recipe, base: Path, *, device: Device | None = None, usd_per_h: float | None = None, lang: str = "en"
) -> Forecast:
    """Read the model's shape and the data's lengths, and compute. InputError for a model whose shape is not known."""
    config = find_config(_place(recipe.model.id, base))
    if config is None:
        raise InputError("models.unknown", id=recipe.model.id)
    device = device or this_device()
    rows, longest, mean = _lengths(recipe, base)
    spec = of_recipe(recipe, config, half=device.half, seq_len=longest)
    runs = gpu_measurements() if device.kind == "gpu" else measured_runs(device="cpu", most=5)
    found = _memory(spec, device, runs, lang)
    steps = _steps(recipe, rows)
    told: dict[str, Any] = {"hours": None, "kwh": None, "usd": None, "usd_per_h": None, "timed_by": None}
    if steps is not None:
        told |= _time(spec, device, steps, mean, runs, usd_per_h)
    return Forecast(
        estimate=found,
        device=device,
        rows=rows,
        longest_tokens=longest,
        mean_tokens=mean,
        steps=steps,
        price_checked=CHECKED if told["usd"] is not None and usd_per_h is None else None,
        **told,
    )


def this_device() -> Device:
    """The GPU with the most free memory that CUDA lets us use, else the processor."""
    from tuner_tui.probe import probe

    machine = probe()
    gpus = [gpu for gpu in machine.gpus or () if gpu.visible]
    if gpus:
        best = max(gpus, key=lambda gpu: gpu.free_gb or 0.0)
        return Device(kind="gpu", name=best.name, room_gb=best.free_gb, half=best.bf16 is not False)
    return Device(kind="cpu", room_gb=machine.ram.free_gb, half=False)


def named_device(kind: GpuKind) -> Device:
    """A card from the catalogue."""
    return Device(kind="gpu", name=kind.name, room_gb=usable(kind.vram_gb), half=kind.bf16_tflops is not None)


def _place(name: str, base: Path) -> str:
    beside = base / Path(name).expanduser()
    return str(beside) if beside.exists() else name


def _lengths(recipe: Recipe, base: Path) -> tuple[int | None, int | None, float | None]:
    """Usable rows, the longest row's tokens and the mean; None where the data cannot be read here."""
    from tuner_tui.inspect import inspect

    path, model = Path(_place(recipe.data.train, base)), Path(_place(recipe.model.id, base))
    if not path.exists():
        return None, None, None
    try:
        found = inspect(path, mapping=recipe.data.mapping or None, model=model if model.is_dir() else None)
    except InputError:
        return None, None, None
    spread = found.tokens
    return found.usable_rows, spread.max if spread else None, float(spread.mean) if spread else None


def _steps(recipe: Recipe, rows: int | None) -> int | None:
    train = recipe.train
    if train.max_steps is not None:
        return train.max_steps
    if rows is None:
        return None
    kept = rows if recipe.data.eval else rows - math.ceil(rows * recipe.data.eval_fraction)
    return math.ceil(train.epochs * max(math.ceil(math.ceil(kept / train.micro_batch) / train.grad_accum), 1))


def _memory(spec: Spec, device: Device, runs: list[Measured], lang: str) -> Estimate:
    if device.kind == "cpu":
        return answer(spec, *host_memory(spec), lang)
    kind = find_gpu(device.name) if device.name else None
    named = msgspec.structs.replace(spec, gpu=kind.name if kind else None)
    return corrected(estimate(named, lang), spec, runs)


def _time(
    spec: Spec, device: Device, steps: int, mean: float | None, runs: list[Measured], price: float | None
) -> dict[str, Any]:
    """Hours and what follows from them; on the processor only where a run was timed here before."""
    if device.kind == "gpu":
        kind = find_gpu(device.name) if device.name else None
        if kind is None:
            return {}
        cost = run_cost(spec, kind, steps, mean_tokens=mean, usd_per_h=price)
        return {
            "hours": cost.hours, "kwh": cost.kwh, "usd": cost.usd, "usd_per_h": cost.usd_per_h, "timed_by": kind.name,
        }  # fmt: skip
    timed = [one for one in runs if one.device == "cpu" and one.flops_per_s]
    if not timed:
        return {}
    speeds = sorted(one.flops_per_s or 0.0 for one in timed)
    usual = msgspec.structs.replace(spec, seq_len=max(1, round(mean))) if mean else spec
    work = flops_per_step(usual) * steps / 3600
    middle = speeds[len(speeds) // 2]
    hours = Range(work / (speeds[-1] * 1.3), work / middle, work / (speeds[0] / 1.3))
    return {"hours": hours, "timed_by": timed[0].run}
