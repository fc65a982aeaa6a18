"""A recipe's forecast, and what runs measured beside what is computed for them: the estimate held against reality."""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path

from advisor.catalog import find_gpu, gpus
from advisor.errors import InputError
from advisor.memory import Range
from advisor.memory.fitting import USABLE, verdict
from advisor.recipe import decode_recipe
from tuner_tui.calibration import Measured, measured_runs
from tuner_tui.commands import ExitCode, print_json, read_text
from tuner_tui.estimated import lines
from tuner_tui.forecast import Device, Forecast, forecast, named_device
from tuner_tui.safe import clean
from tuner_tui.words import language, words


def show(args: argparse.Namespace) -> int:
    """Print a recipe's forecast; 3 when its likely peak is more than the device holds."""
    text, source = read_text(args.recipe)
    base = Path.cwd() if source == "stdin" else Path(source).absolute().parent
    if args.price is not None and not 0 <= args.price < 1e6:
        raise InputError("estimate.price", value=args.price)
    found = forecast(
        decode_recipe(text, source), base, device=_device(args), usd_per_h=args.price, lang=language()
    )  # fmt: skip
    if args.json:
        print_json(found)
    else:
        print("\n".join([*_lines(found), *lines(found.estimate)]))
    room = found.device.room_gb
    return ExitCode.REFUSED if room is not None and found.estimate.peak_gb.likely > room else ExitCode.DONE


def _device(args: argparse.Namespace) -> Device | None:
    """The card that was named, or None for this machine's own."""
    kind = find_gpu(args.gpu) if args.gpu else None
    if args.gpu and kind is None:
        raise InputError("estimate.unknown_gpu", name=clean(args.gpu, 60), known=", ".join(gpu.name for gpu in gpus()))
    if kind is None:
        return None if args.vram is None else Device(kind="gpu", room_gb=args.vram * USABLE)
    return named_device(kind)


def _lines(found: Forecast) -> list[str]:
    """Device, verdict, steps, hours and money in words."""
    say, unknown = words().say, words().say("estimate.unknown")
    device, room = found.device, found.device.room_gb
    name = clean(device.name or say(f"estimate.device.{device.kind}"), 60)
    rows = [say("estimate.on", name=name, room=unknown if room is None else f"{room:.1f}")]
    if room is not None:
        rows.append(say(f"estimate.fit.{verdict(found.estimate.peak_gb, room)}", room=f"{room:.1f}"))
    rows.append(
        say(
            "estimate.data",
            rows=unknown if found.rows is None else found.rows,
            longest=unknown if found.longest_tokens is None else found.longest_tokens,
            steps=unknown if found.steps is None else found.steps,
        )
    )
    if found.hours is None:
        return [*rows, say("estimate.no_time")]
    rows.append(say("estimate.time", by=clean(found.timed_by or "", 60), **_span(found.hours, _time)))
    if found.kwh is not None:
        rows.append(say("estimate.energy", **_span(found.kwh, _number)))
    if found.usd is not None:
        key = "estimate.money_given" if found.price_checked is None else "estimate.money_assumed"
        price = _number(found.usd_per_h or 0.0)
        rows.append(say(key, price=price, day=found.price_checked, **_span(found.usd, _number)))
    return rows


def _span(span: Range, form: object) -> dict[str, str]:
    assert callable(form)
    return {"low": form(span.low), "likely": form(span.likely), "high": form(span.high)}


def _number(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _time(hours: float) -> str:
    """Hours as a person says them: 42 s, 12 min, 3.5 h."""
    seconds = hours * 3600
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{hours:.1f} h"


def show_runs(args: argparse.Namespace) -> int:
    """What finished runs measured beside what is computed for them."""
    found = measured_runs()
    if args.json:
        print_json(found)
    else:
        print("\n".join(_run_lines(found)))
    return ExitCode.DONE


def _run_lines(found: list[Measured]) -> list[str]:
    say = words().say
    if not found:
        return [say("estimate.runs.none")]
    rows = [
        say(
            "estimate.runs.one",
            run=clean(one.run, 40),
            method=f"{one.objective}:{one.technique}",
            device=say(f"estimate.device.{one.device}"),
            measured=f"{one.measured_gb:.2f}",
            likely=f"{one.computed_gb.likely:.2f}",
            low=f"{one.computed_gb.low:.2f}",
            high=f"{one.computed_gb.high:.2f}",
            error=f"{100 * (1 / one.ratio - 1):+.0f}",
        )
        for one in found
    ]
    errors = [abs(1 / one.ratio - 1) for one in found]
    inside = sum(one.computed_gb.low <= one.measured_gb <= one.computed_gb.high for one in found)
    middle = f"{100 * statistics.median(errors):.1f}"
    return [*rows, say("estimate.runs.all", count=len(found), median=middle, inside=inside)]
