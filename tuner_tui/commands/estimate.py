"""`tuner estimate`: a spec in, memory by part with its range out; 3 when a named card surely cannot hold it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from advisor.catalog import find_gpu, gpus
from advisor.catalog.gpus import CHECKED
from advisor.document import parse_document
from advisor.errors import InputError
from advisor.memory import Estimate, Spec, estimate, spec_from
from advisor.memory.fitting import USABLE, Change, smallest_change, smallest_gpu, usable, verdict
from advisor.memory.loss import tokens
from advisor.memory.spec import ours
from tuner_tui.calibration import Measured, corrected, gpu_measurements
from tuner_tui.commands import ExitCode, print_json, read_text, say
from tuner_tui.contract import ESTIMATE, promised
from tuner_tui.model_shapes import find_config
from tuner_tui.safe import clean
from tuner_tui.traced import Tracer
from tuner_tui.words import language, words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tuner estimate`."""
    say = words().say
    parser.add_argument("--spec", metavar="FILE|-", help=say("estimate.help.spec"))
    parser.add_argument("--recipe", metavar="FILE", help=say("estimate.help.recipe"))
    parser.add_argument("--runs", action="store_true", help=say("estimate.help.runs"))
    parser.add_argument("--price", type=float, metavar="USD", help=say("estimate.help.price"))
    parser.add_argument("--model", metavar="ID|DIR", help=say("estimate.help.model"))
    parser.add_argument("--technique", metavar="NAME", help=say("estimate.help.technique"))
    parser.add_argument("--json", action="store_true", help=say("estimate.help.json"))
    parser.add_argument("--batch", action="store_true", help=say("estimate.help.batch"))
    parser.add_argument("--details", action="store_true", help=say("cli.help.details"))
    parser.add_argument("--trace", action="store_true", help=say("estimate.help.trace"))
    parser.add_argument("--table", action="store_true", help=say("estimate.help.table"))
    parser.add_argument("--gpu", metavar="NAME", help=say("estimate.help.gpu"))
    parser.add_argument("--vram", type=float, metavar="GIB", help=say("estimate.help.vram"))


def run(args: argparse.Namespace) -> int:
    """Print the estimate; 2 for a spec that cannot be read, 3 when the card that was named cannot hold it."""
    if args.recipe or args.runs:
        from tuner_tui.commands import estimate_recipe

        return estimate_recipe.show_runs(args) if args.runs else estimate_recipe.show(args)
    if args.batch:
        text, source = read_text(args.spec or "-")
        return _batch(text, source, args)
    raw, source = _asked(args)
    room = _room(args, raw)
    if args.gpu:
        raw["gpu"] = args.gpu
    if args.table:
        from tuner_tui.commands.estimate_table import show

        return show(raw, source, room, as_json=args.json)
    if args.price is not None and not 0 <= args.price < 1e6:
        raise InputError("estimate.price", value=args.price)
    spec = spec_from(raw, source, find_config)
    with Tracer() as tracer:
        found = corrected(_traced(spec, raw, tracer) if args.trace else estimate(spec, language()), spec)
    if args.json:
        print_json(promised(found, ESTIMATE, details=args.details))
    else:
        print("\n".join([*lines(found), *_money(spec, found, args.price), *_fit_lines(spec, found, room)]))
    return ExitCode.REFUSED if room is not None and found.peak_gb.likely > room else ExitCode.DONE


def _asked(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    raw: Any = {}
    source = "--model"
    if args.spec:
        text, source = read_text(args.spec)
        raw = parse_document(text, source)
    elif not args.model:
        raise InputError("estimate.nothing")
    if not isinstance(raw, dict):
        raise InputError("memory.not_mapping", source=source, found=type(raw).__name__)
    raw = dict(raw)
    if args.model:
        raw["model"] = {"id": args.model}
    if args.technique:
        raw["technique"] = args.technique
    return raw, source


def _room(args: argparse.Namespace, raw: dict[str, Any]) -> float | None:
    """GiB to fit into: what was said, the named card's, or what is free on this machine now; None = not known."""
    if args.vram is not None:
        if not 0 < args.vram < 1e6:
            raise InputError("estimate.vram", value=args.vram)
        return float(args.vram) * USABLE
    name = args.gpu or raw.get("gpu")
    if isinstance(name, str):
        kind = find_gpu(name)
        if kind is None and args.gpu:
            raise InputError("estimate.unknown_gpu", name=clean(name, 60), known=", ".join(gpu.name for gpu in gpus()))
        return usable(kind.vram_gb) if kind else None
    return None


def _batch(text: bytes, source: str, args: argparse.Namespace) -> int:
    """One answer a line, in order; a line that cannot be read is answered with its error, and the end is 2."""
    encoder, runs, code = msgspec.json.Encoder(), gpu_measurements(), ExitCode.DONE
    with Tracer() as tracer:
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                answer = _answer(line, f"{source}:{number}", args, tracer, runs)
            except InputError as error:
                say(error.text(language()))
                answer, code = {"id": _id_of(line), "error": error.text(language())}, ExitCode.USAGE
            sys.stdout.buffer.write(encoder.encode(answer) + b"\n")
    sys.stdout.buffer.flush()
    return code


def _answer(line: bytes, place: str, args: argparse.Namespace, tracer: Tracer, runs: list[Measured]) -> dict[str, Any]:
    raw = _document(line, place)
    spec = spec_from(raw, place, find_config)
    found = _traced(spec, raw, tracer) if args.trace else estimate(spec, language())
    answer: dict[str, Any] = promised(corrected(found, spec, runs), ESTIMATE, details=args.details)
    return answer


def _id_of(line: bytes) -> Any:
    try:
        raw = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    found = raw.get("id") if isinstance(raw, dict) else None
    return found if isinstance(found, str | int) else None


def _traced(spec: Spec, raw: dict[str, Any], tracer: Tracer) -> Estimate:
    model = raw["model"]
    config = model.get("config") if isinstance(model, dict) else None
    if config is None:
        config = find_config(str(model["id"] if isinstance(model, dict) else model))
    done = tracer.trace(spec, raw, config or {}, language())
    if done.fallback:
        say(words().say("estimate.fallback", detail=clean(done.fallback, 200)))
    return done.estimate


def _document(line: bytes, place: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        source, _, number = place.rpartition(":")
        raise InputError("estimate.line", source=source, line=number, detail=str(error)) from None


def lines(found: Estimate) -> list[str]:
    """The estimate in words: the peak, its parts from large to small, time, and what was assumed."""
    say = words().say
    peak, own = found.peak_gb, found.allocated_gb
    rows = [
        say(
            "estimate.peak_host" if "libraries" in found.parts else "estimate.peak",
            low=_g(peak.low),
            likely=_g(peak.likely),
            high=_g(peak.high),
        ),
        say("estimate.allocated", low=_g(own.low), likely=_g(own.likely), high=_g(own.high)),
        say(f"estimate.tier.{found.tier}"),
        say("estimate.parts"),
    ]
    ranked = sorted(found.parts.items(), key=lambda item: -item[1])
    rows += [f"  {_g(value):>9}  {say(f'estimate.part.{name}')}" for name, value in ranked]
    if found.step_s and found.tokens_per_s:
        span = found.step_s
        rows.append(say("estimate.step", low=_s(span.low), high=_s(span.high), tokens=round(found.tokens_per_s)))
    rows.append(_calibration(found))
    return [*rows, say("estimate.assumptions"), *(f"  - {text}" for text in found.assumptions)]


def _money(spec: Spec, found: Estimate, price: float | None) -> list[str]:
    """US dollars for a million trained tokens, at the price that was given, else the catalogue's of a known day."""
    kind = find_gpu(spec.gpu) if spec.gpu else None
    hourly = price if price is not None else kind.usd_per_h if kind else None
    if found.step_s is None or hourly is None:
        return [words().say("estimate.no_price_time")] if price is not None else []
    share = hourly * spec.n_gpus / 3600 * 1e6 / (tokens(spec) * spec.grad_accum * spec.n_gpus)
    low, high = (_s(span * share) for span in (found.step_s.low, found.step_s.high))
    key = "estimate.per_million_given" if price is not None else "estimate.per_million"
    return [words().say(key, low=low, high=high, price=f"{hourly:g}", day=CHECKED)]


def _calibration(found: Estimate) -> str:
    """How much of the answer measurements decided, and what they were made with."""
    tell = words().say
    if found.calibrated_by is None:
        return tell("estimate.uncalibrated")
    stack = ", ".join(
        f"{key} {clean(str(one), 40)}" for key, one in found.calibrated_by.items() if key != "runs" and one
    )
    runs = found.calibrated_by["runs"]
    return tell("estimate.calibrated", percent=round(found.calibrated * 100), runs=runs, stack=stack or "?")


def _fit_lines(spec: Spec, found: Estimate, room: float | None) -> list[str]:
    """Whether it fits, else the smallest change that makes it fit; without a card, the smallest that holds it."""
    tell = words().say
    if room is None:
        card = smallest_gpu(spec)
        return [tell("estimate.smallest", name=card.name, vram=_g(card.vram_gb)) if card else tell("estimate.no_card")]
    rows = [tell(f"estimate.fit.{verdict(found.peak_gb, room)}", room=_g(room))]
    if found.peak_gb.likely > room:
        change = smallest_change(spec, room)
        keys = ", ".join(f"{key}={value}" for key, value in _told(change, spec).items()) if change else ""
        rows.append(
            tell("estimate.change", keys=keys, likely=_g(change.peak_gb.likely))
            if change
            else tell("estimate.hopeless")
        )
    return rows


def _told(change: Change, spec: Spec) -> dict[str, Any]:
    """The keys that a person has to change: what a technique brings with it by itself is left out."""
    if "technique" not in change.keys:
        return change.keys
    usual = ours(change.keys["technique"], spec.arch)
    return {k: v for k, v in change.keys.items() if k == "technique" or getattr(usual, k) != v}


def _g(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.1f}"


def _s(value: float) -> str:
    return f"{value:.3g}"
