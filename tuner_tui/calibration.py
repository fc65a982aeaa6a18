"""What runs on this machine measured corrects later estimates of the same kind, and says by how much."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import msgspec

from advisor.catalog import find_gpu
from advisor.duration import flops_per_step
from advisor.errors import InputError
from advisor.memory import GIB, Estimate, Range, Spec, estimate, of_recipe
from advisor.memory.host import host_memory
from advisor.memory.loss import rows
from advisor.recipe import Recipe, decode_recipe, recipe_from
from tuner_tui import paths

_MOST = 50
FILE = "measured.jsonl"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run: what it held (GiB, by a GPU's driver or as resident memory) and what is computed for it.

    `step_s` are its measured seconds a step, `flops_per_s` what that amounts to at its mean row length.
    """

    run: str
    device: str
    technique: str
    objective: str
    torch: str
    measured_gb: float
    computed_gb: Range
    step_s: float | None = None
    flops_per_s: float | None = None
    gpu: str | None = None
    driver: str | None = None
    attn: str | None = None
    loss: str | None = None

    @property
    def ratio(self) -> float:
        """Measured over computed."""
        return self.measured_gb / self.computed_gb.likely


def measured_runs(root: Path | None = None, *, device: str | None = None, most: int = _MOST) -> list[Measured]:
    """The newest finished runs (of one device: gpu or cpu) that measured their peak; unreadable ones are left out."""
    found: list[Measured] = []
    for path in sorted((root or paths.runs()).glob("*/report.json"), reverse=True):
        one = _measured(path.parent, device)
        if one is not None:
            found.append(one)
        if len(found) == most:
            break
    return found


def remember(recipe: Recipe, measured: dict[str, Any], file: Path | None = None) -> None:
    """Keep what a rehearsal on a GPU measured (`allocated_bytes`, `longest_tokens`, and what names the machine).

    One JSON line with the recipe, so that it is compared with what later versions compute for it.
    """
    line = msgspec.json.encode({**_machine(), **measured, "recipe": msgspec.to_builtins(recipe)}) + b"\n"
    path = file or paths.home() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as out:
        out.write(line)


def _machine() -> dict[str, str | None]:
    """What names this machine's stack: the first GPU, its driver, torch; None = not known."""
    from importlib import metadata

    from tuner_tui.probe import probe

    found = probe()
    gpus = found.hardware.gpus or []
    try:
        torch = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch = None
    return {"gpu": gpus[0].name if gpus else None, "driver": found.driver, "torch": torch}


def remembered(file: Path | None = None) -> list[Measured]:
    """What rehearsals measured here, newest first; a line that cannot be read any more is left out."""
    path = file or paths.home() / FILE
    lines = path.read_bytes().splitlines() if path.is_file() else []
    found = (_remembered(line) for line in reversed(lines[-_MOST:]))
    return [one for one in found if one is not None]


def _remembered(line: bytes) -> Measured | None:
    try:
        raw = msgspec.json.decode(line)
        recipe = recipe_from(raw["recipe"], FILE)
        config = msgspec.json.decode((Path(recipe.model.id) / "config.json").read_bytes())
        spec = of_recipe(recipe, config, seq_len=raw.get("longest_tokens"))
        return Measured(
            run=str(raw.get("at", FILE)),
            device="gpu",
            technique=spec.technique.value,
            objective=spec.objective.value,
            torch=str(raw.get("torch", "?")),
            measured_gb=raw["allocated_bytes"] / GIB,
            computed_gb=estimate(spec).allocated_gb,
            gpu=raw.get("gpu"),
            driver=raw.get("driver"),
            attn=spec.attn.value,
            loss=spec.loss.value,
        )
    except (OSError, msgspec.MsgspecError, InputError, KeyError, TypeError, IndexError):
        return None


def _measured(folder: Path, device: str | None) -> Measured | None:
    try:
        report: dict[str, Any] = msgspec.json.decode((folder / "report.json").read_bytes())
        peak = report.get("peak") or {}
        if not peak.get("bytes") or device not in (None, "gpu" if peak.get("source") == "nvml" else "cpu"):
            return None
        recipe = decode_recipe((folder / "recipe.yaml").read_bytes(), str(folder))
        config = msgspec.json.decode((Path(recipe.model.id) / "config.json").read_bytes())
        on_gpu = peak.get("source") == "nvml"
        spec = _as_it_ran(of_recipe(recipe, config, half=on_gpu), recipe, folder, report)
    except (OSError, msgspec.MsgspecError, InputError, AttributeError, IndexError, ValueError):
        return None
    step = _step_seconds(report)
    return Measured(
        run=folder.name,
        device="gpu" if on_gpu else "cpu",
        technique=spec.technique.value,
        objective=spec.objective.value,
        torch=str((report.get("versions") or {}).get("torch", "?")),
        measured_gb=peak["bytes"] / GIB,
        computed_gb=estimate(spec).peak_gb if on_gpu else host_memory(spec)[1],
        step_s=step,
        flops_per_s=_speed(spec, report, step),
        gpu=_text(peak.get("gpu")),
        driver=_text(peak.get("driver")),
        attn=spec.attn.value,
        loss=spec.loss.value,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _as_it_ran(spec: Spec, recipe: Recipe, folder: Path, report: dict[str, Any]) -> Spec:
    """The spec at the length of the longest rows that the data really had."""
    from tuner_tui.inspect import inspect

    data = Path(recipe.data.train)
    if not data.is_absolute() or not data.exists():
        return spec
    model = Path(recipe.model.id)
    found = inspect(data, mapping=recipe.data.mapping or None, model=model if model.is_dir() else None)
    longest = found.tokens.max if found.tokens else None
    return msgspec.structs.replace(spec, seq_len=min(spec.seq_len, longest)) if longest else spec


def _step_seconds(report: dict[str, Any]) -> float | None:
    steps, seconds = report.get("steps"), report.get("seconds")
    return seconds / steps if isinstance(steps, int) and steps > 0 and isinstance(seconds, int | float) else None


def _speed(spec: Spec, report: dict[str, Any], step: float | None) -> float | None:
    """Floating-point operations a second over the whole training loop."""
    total, steps = report.get("tokens"), report.get("steps")
    if not step or not isinstance(total, int) or not isinstance(steps, int):
        return None
    mean = total / steps / max(rows(spec) * spec.grad_accum, 1)
    usual = msgspec.structs.replace(spec, seq_len=max(1, min(spec.seq_len, round(mean))))
    return flops_per_step(usual) / step


def gpu_measurements() -> list[Measured]:
    """Everything that was measured on GPUs here: rehearsals by the allocator, runs by the driver."""
    return [*remembered(), *measured_runs(device="gpu")]


def corrected(found: Estimate, spec: Spec, runs: list[Measured] | None = None) -> Estimate:
    """The estimate times what GPU runs of the same technique, attention, loss and GPU measured here.

    Unchanged where nothing was measured. What a measurement does not name counts as the same. The stack (driver and
    torch) is the newest measurement's: after an upgrade, older ones no longer count.

    `calibrated` is the weight of the measurements: one run counts half, more count more.
    """
    known = gpu_measurements() if runs is None else runs
    alike = [one for one in known if _alike(one, spec)]
    counted = [one for one in alike if _same_stack(one, alike[0])]
    if not counted:
        return found
    same = [one.ratio for one in counted]
    weight = 1 - 0.5 ** len(same)
    factor = 1 + weight * (statistics.median(same) - 1)
    return msgspec.structs.replace(
        found,
        peak_gb=_scaled(found.peak_gb, factor, weight),
        allocated_gb=_scaled(found.allocated_gb, factor, weight),
        parts={**found.parts, "calibration": round(found.peak_gb.likely * (factor - 1), 4)},
        tier="measured",
        calibrated=round(weight, 3),
        calibrated_by={"runs": len(same), **{key: _common(counted, key) for key in _STACK}},
    )


_STACK = ("gpu", "driver", "torch", "attn", "loss")


def _common(runs: list[Measured], key: str) -> str | None:
    """What all of the runs that recorded it say; None where none did."""
    found = {getattr(one, key) for one in runs} - {None, "?"}
    return str(found.pop()) if len(found) == 1 else None


def _alike(one: Measured, spec: Spec) -> bool:
    if one.technique != spec.technique.value or one.device != "gpu":
        return False
    if one.attn not in (None, spec.attn.value) or one.loss not in (None, spec.loss.value):
        return False
    named, measured = (find_gpu(name) if name else None for name in (spec.gpu, one.gpu))
    return named is None or measured is None or named.name == measured.name


def _same_stack(one: Measured, newest: Measured) -> bool:
    pairs = ((one.driver, newest.driver), (one.torch, newest.torch), (one.gpu, newest.gpu))
    return all(mine == other or None in (mine, other) or "?" in (mine, other) for mine, other in pairs)


def _scaled(span: Range, factor: float, weight: float) -> Range:
    """Moved by the factor, and drawn together by half the weight."""
    keep = 1 - weight / 2
    likely = span.likely * factor
    return Range(
        round(likely - (span.likely - span.low) * factor * keep, 3),
        round(likely, 3),
        round(likely + (span.high - span.likely) * factor * keep, 3),
    )
