"""`tuner estimate`: a spec in, memory by part with its range out; 3 when a named card surely cannot hold it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from advisor.catalog import find_gpu, gpus
from advisor.document import parse_document
from advisor.errors import InputError
from advisor.memory import Estimate, Spec, estimate, spec_from
from advisor.memory.fitting import USABLE, usable
from tuner_tui.calibration import Measured, corrected, gpu_measurements
from tuner_tui.commands import ExitCode, print_json, read_text, say
from tuner_tui.contract import ESTIMATE, promised
from tuner_tui.estimated import fit, lines, money
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
        print("\n".join([*lines(found), *money(spec, found, args.price), *fit(spec, found, room)]))
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
