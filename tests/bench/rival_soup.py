"""Soup's two memory estimators and ours on the same published measurements: prints figures, and asserts nothing.

    PYTHONPATH=FOLDER_WITH_SOUP_CLI python tests/bench/rival_soup.py CASES.jsonl

Soup (`soup_cli` 0.77) is not a dependency: unpack its wheel anywhere. It is given the exact parameter count, which it
would else guess from the model's name; where a case counts what the framework holds, its flat overhead is left out.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from soup_cli.utils.hardware_fit import HardwareFitInput, estimate_peak_vram_gb
from soup_cli.utils.profiler import estimate_total

from advisor.linears import parameter_count
from advisor.memory import GIB, Spec, estimate, spec_from

CARDS_GB = (6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 80)


def settings(spec: Spec) -> dict[str, Any]:
    """The set-up in Soup's words."""
    peft = "full" if spec.full else "qlora" if spec.quant else "lora"
    optimizer = "adamw_bnb_8bit" if "8bit" in spec.optimizer else "adamw_torch"
    return {
        "params_b": parameter_count(spec.arch) / 1e9,
        "quant": {"nf4": "4bit", "nf4_double": "4bit", "int8": "8bit"}.get(spec.quant or "", "none"),
        "peft": peft,
        "optimizer": optimizer,
    }


def preflight(spec: Spec, driver: bool) -> float:
    """GiB by what `soup train` checks before it starts."""
    found = estimate_peak_vram_gb(
        HardwareFitInput(
            **settings(spec), seq_len=spec.seq_len, batch_size=spec.micro_batch, gradient_checkpointing=spec.grad_ckpt
        )
    )
    return float(found.total_gb - (0.0 if driver else found.overhead_gb)) * 1e9 / GIB


def profile(spec: Spec, driver: bool) -> float:
    """GiB by what `soup profile` prints."""
    asked = settings(spec)
    found = estimate_total(
        spec.model_name or "", asked["params_b"], asked["quant"], spec.rank, spec.rank, spec.micro_batch, spec.seq_len,
        asked["optimizer"], spec.grad_ckpt, asked["peft"],
    )  # fmt: skip
    return float(found["total_memory_gb"] - (0.0 if driver else found["overhead_gb"]))


def ours(spec: Spec, driver: bool) -> float:
    """GiB by `tuner estimate`."""
    found = estimate(spec)
    return found.peak_gb.likely if driver else found.allocated_gb.likely


def show(name: str, rows: list[tuple[float, float]]) -> None:
    """One line of figures over (estimated, measured)."""
    errors = sorted(abs(guess / size - 1) * 100 for guess, size in rows)
    bias = statistics.mean(guess / size - 1 for guess, size in rows) * 100
    below = [(guess, max((card for card in CARDS_GB if card < size), default=None)) for guess, size in rows]
    fits = [guess <= card for guess, card in below if card is not None]
    print(
        f"{name:<22} n {len(rows):>3}  mean {statistics.mean(errors):5.1f}%  median {statistics.median(errors):5.1f}%  "
        f"p90 {errors[int(0.9 * len(errors))]:5.1f}%  bias {bias:+6.1f}%  says it fits the next smaller card "
        f"{sum(fits) / max(len(fits), 1):4.0%}"
    )


def main(path: str) -> None:
    """Print a line for each estimator and class."""
    cases = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for kind in sorted({case["tolerance_class"] for case in cases}):
        for name, guess in (("ours", ours), ("soup train preflight", preflight), ("soup profile", profile)):
            rows = [
                (guess(spec_from(case["spec"], case["id"]), case["meter"] != "allocated"), case["measured_gb"])
                for case in cases
                if case["tolerance_class"] == kind and not case.get("anchor")
            ]
            show(f"{kind} {name}", rows)


if __name__ == "__main__":
    main(sys.argv[1])
