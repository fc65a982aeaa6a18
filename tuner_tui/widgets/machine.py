"""A machine in words, in one line or in full: what is not known is left out or said to be unknown, never made up."""

from __future__ import annotations

from typing import Any

from textual.content import Content

from tuner_tui.safe import clean
from tuner_tui.widgets.labels import Sayer


def one_line(machine: Any, say: Sayer) -> str:
    """GPU or its absence, cores, memory, disk."""
    parts = [_gpus(machine.hardware.gpus, say)]
    if machine.cpu.usable or machine.cpu.threads:
        parts.append(say("machine.cores", cores=f"{machine.cpu.usable or machine.cpu.threads:g}"))
    if machine.hardware.ram_gb:
        parts.append(say("machine.ram", gb=f"{machine.hardware.ram_gb:.0f}"))
    if machine.hardware.disk_gb:
        parts.append(say("machine.disk", gb=f"{machine.hardware.disk_gb:.0f}"))
    return " · ".join(parts)


def _gpus(gpus: Any, say: Sayer) -> str:
    if gpus is None:
        return say("machine.gpu_unknown")
    if not gpus:
        return say("machine.no_gpu")
    first = gpus[0]
    count = f"{len(gpus)} x " if len(gpus) > 1 else ""
    vram = f" {first.vram_gb:.0f} GiB" if first.vram_gb else ""
    return f"{count}{clean(first.name or say('machine.gpu'), 40)}{vram}"


def details(machine: Any, say: Sayer) -> Content:
    """Everything that the probe read, one thing a line."""
    lines: list[tuple[str, str]] = []
    for gpu in machine.gpus or ():
        lines += _gpu_lines(gpu, say)
    if not machine.gpus:
        lines.append((_gpus(machine.gpus, say), "$warning" if machine.gpus is None else ""))
    if machine.nvml_error:
        lines.append((clean(machine.nvml_error, 200), "$text-muted"))
    if machine.driver:
        cuda = clean(machine.cuda or "?", 20)
        lines.append((say("machine.driver", driver=clean(machine.driver, 40), cuda=cuda), "$text-muted"))
    lines += [(line, "$text-muted") for line in _host_lines(machine, say)]
    lines += [(_process(process, say), "$secondary") for process in (machine.processes or ())[:6]]
    return Content("\n").join(Content.styled(text, style) for text, style in lines)


def _gpu_lines(gpu: Any, say: Sayer) -> list[tuple[str, str]]:
    name = clean(gpu.name or say("machine.gpu"), 60)
    lines = [(f"{gpu.index}  {name}" + ("" if gpu.visible else f" ({say('machine.hidden')})"), "bold")]
    if gpu.vram_gb is not None and gpu.free_gb is not None:
        lines.append(("   " + say("machine.vram", total=f"{gpu.vram_gb:.1f}", free=f"{gpu.free_gb:.1f}"), ""))
    live = [
        "" if gpu.util_pct is None else say("machine.util", pct=f"{gpu.util_pct:.0f}"),
        "" if gpu.temp_c is None else f"{gpu.temp_c:.0f} °C",
        "" if gpu.power_w is None else f"{gpu.power_w:.0f} W",
    ]
    said = " · ".join(each for each in live if each)
    return [*lines, ("   " + said, "$text-muted")] if said else lines


def _host_lines(machine: Any, say: Sayer) -> list[str]:
    lines = [clean(machine.cpu.model, 60)] if machine.cpu.model else []
    if machine.cpu.usable or machine.cpu.threads:
        lines.append(say("machine.cores", cores=f"{machine.cpu.usable or machine.cpu.threads:g}"))
    for name in ("ram", "swap", "disk"):
        space = getattr(machine, name)
        if space.total_gb:
            free = "?" if space.free_gb is None else f"{space.free_gb:.1f}"
            lines.append(say(f"machine.space.{name}", total=f"{space.total_gb:.1f}", free=free))
    if machine.ram.limit_gb:
        lines.append(say("machine.limit", gb=f"{machine.ram.limit_gb:.1f}"))
    return lines


def _process(process: Any, say: Sayer) -> str:
    used = "?" if process.used_gb is None else f"{process.used_gb:.1f}"
    name = clean(process.name or "?", 40)
    return say("machine.process", gpu=process.gpu, pid=process.pid, name=name, gb=used)
