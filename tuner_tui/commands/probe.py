"""`tuner probe`: what this machine has, in words or as JSON; an unknown field is said to be unknown."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from tuner_tui.commands import ExitCode, print_json
from tuner_tui.probe import GpuProcess, GpuState, Machine, probe
from tuner_tui.safe import clean
from tuner_tui.words import words

BAR = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help=words().say("probe.help.json"))


def run(args: argparse.Namespace) -> int:
    """Probe once and print."""
    machine = probe()
    if args.json:
        print_json(document(machine))
    else:
        print("\n".join(lines(machine)))
    return ExitCode.DONE


def document(machine: Machine) -> dict[str, Any]:
    """The contract: `hardware` as in the facts and, beside it, the same keys with everything else that is known."""
    whole: dict[str, Any] = msgspec.to_builtins(machine)
    return {**whole, "ram_gb": machine.hardware.ram_gb, "disk_gb": machine.hardware.disk_gb}


def lines(machine: Machine) -> list[str]:
    """The machine in words, one line a thing."""
    say = words().say
    rows = [*_gpu_lines(machine)]
    if machine.cuda_visible_devices is not None:
        rows.append(say("probe.visible", value=clean(machine.cuda_visible_devices, 60) or '""'))
    if machine.driver or machine.cuda:
        rows.append(say("probe.driver", driver=_text(machine.driver), cuda=_text(machine.cuda)))
    for process in machine.processes or ():
        rows.append(_process_line(process))
    rows.append(say("probe.cpu", model=_text(machine.cpu.model), usable=_number(machine.cpu.usable)))
    rows.append(say("probe.ram", total=_number(machine.hardware.ram_gb), free=_number(machine.ram.free_gb)))
    if machine.ram.limit_gb is not None:
        rows.append(say("probe.limit", limit=_number(machine.ram.limit_gb), total=_number(machine.ram.total_gb)))
    rows.append(say("probe.swap", total=_number(machine.swap.total_gb), free=_number(machine.swap.free_gb)))
    rows.append(say("probe.disk", free=_number(machine.disk.free_gb), path=clean(machine.disk.path or "?", 80)))
    rows += [say("probe.wsl")] if machine.wsl else []
    rows += [say("probe.unified")] if machine.unified else []
    return rows


def _gpu_lines(machine: Machine) -> list[str]:
    say = words().say
    if machine.gpus is None:
        return [say("probe.gpu_unreadable", detail=clean(machine.nvml_error or "?", 120))]
    if not machine.gpus:
        return [say("probe.no_gpu")]
    return [_gpu_line(gpu) for gpu in machine.gpus]


def _gpu_line(gpu: GpuState) -> str:
    say = words().say
    name = f"{gpu.index}:{gpu.slice_index}" if gpu.slice_index is not None else str(gpu.index)
    parts = [
        say("probe.gpu", index=name, name=_text(gpu.name), total=_number(gpu.vram_gb), free=_number(gpu.free_gb)),
        say("probe.capability", value=_text(gpu.compute_capability)),
        say("probe.bf16" if gpu.bf16 else "probe.no_bf16") if gpu.bf16 is not None else None,
        say("probe.busy", value=_number(gpu.util_pct)) if gpu.util_pct is not None else None,
        say("probe.temp", value=_number(gpu.temp_c)) if gpu.temp_c is not None else None,
        say("probe.power", value=_number(gpu.power_w), limit=_number(gpu.power_limit_w)) if gpu.power_w else None,
        say("probe.mig") if gpu.mig else None,
        None if gpu.visible else say("probe.hidden"),
    ]
    return _bar(gpu.used_gb, gpu.vram_gb) + ", ".join(part for part in parts if part)


def _bar(used: float | None, total: float | None) -> str:
    """Memory in use as a bar; "" where it is not known."""
    if used is None or not total:
        return ""
    filled = min(BAR, round(BAR * used / total))
    return f"[{'█' * filled}{'·' * (BAR - filled)}] "


def _process_line(process: GpuProcess) -> str:
    key = "probe.own" if process.own else "probe.neighbour"
    return words().say(
        key,
        gpu=process.gpu,
        pid=process.pid,
        name=_text(process.name),
        user=_text(process.user),
        used=_number(process.used_gb),
    )


def _text(value: str | None) -> str:
    return clean(value, 80) if value else words().say("probe.unknown")


def _number(value: float | None) -> str:
    return words().say("probe.unknown") if value is None else f"{value:g}"
