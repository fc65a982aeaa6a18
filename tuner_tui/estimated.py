"""An estimate in words: peak, parts, time, money, and whether it fits."""

from __future__ import annotations

from typing import Any

from advisor.catalog import find_gpu
from advisor.catalog.gpus import CHECKED
from advisor.memory import Estimate, Spec
from advisor.memory.fitting import Change, smallest_change, smallest_gpu, verdict
from advisor.memory.loss import tokens
from advisor.memory.spec import ours
from tuner_tui.safe import clean
from tuner_tui.words import words


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


def money(spec: Spec, found: Estimate, price: float | None) -> list[str]:
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


def fit(spec: Spec, found: Estimate, room: float | None) -> list[str]:
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
