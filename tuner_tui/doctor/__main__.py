"""`python -m tuner_tui.doctor PART...`: try parts of the training stack, one JSON line each, whatever happens."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def torch() -> dict[str, Any]:
    """Version, what it was built for, what it sees, and whether a small product comes out right."""
    import torch

    known: dict[str, Any] = {"version": torch.__version__, "cuda": torch.version.cuda, "hip": torch.version.hip}
    known |= {"available": torch.cuda.is_available(), "archs": [], "devices": []}
    if known["cuda"] and not known["available"]:
        return {**known, "detail": _why_not(torch)}
    if known["available"]:
        known["archs"] = torch.cuda.get_arch_list()
        known["devices"] = [
            {"name": torch.cuda.get_device_name(at), "capability": list(torch.cuda.get_device_capability(at))}
            for at in range(torch.cuda.device_count())
        ]
    return {**known, **_worked(torch, "cuda" if known["available"] else "cpu")}


def _why_not(torch: Any) -> str:
    try:
        torch.cuda.init()
    except Exception as error:
        return str(error).partition("\n")[0]
    return ""


def _worked(torch: Any, device: str) -> dict[str, Any]:
    try:
        product = torch.full((8, 8), 2.0, device=device) @ torch.full((8, 8), 3.0, device=device)
        return {"worked": bool((product == 48).all().item()), "device": device}
    except Exception as error:
        return {"worked": False, "detail": str(error).partition("\n")[0]}


def bitsandbytes() -> dict[str, Any]:
    """Weights survive the way to four bits and back, on the device that would train."""
    import bitsandbytes
    import torch
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = torch.linspace(-1, 1, 4096, device=device).reshape(64, 64)
    packed, state = quantize_4bit(weights, quant_type="nf4")
    error = (dequantize_4bit(packed, state) - weights).abs().mean().item()
    if not error < 0.1:
        raise RuntimeError(f"four-bit weights come back wrong (mean error {error:.3f})")
    return {"version": bitsandbytes.__version__, "device": device}


def training() -> dict[str, Any]:
    """What the trainers import."""
    import importlib.metadata

    from peft import LoraConfig, get_peft_model  # noqa: F401
    from trl import SFTTrainer  # noqa: F401

    names = ("transformers", "trl", "peft", "accelerate", "datasets")
    return {"versions": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)}


PARTS = {"torch": torch, "bitsandbytes": bitsandbytes, "training": training}


def main(names: list[str]) -> int:
    """Answer for each part on the real stdout; what libraries print goes nowhere."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in names:
        try:
            answer = PARTS[name]()
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0][:400]}
        said.write(json.dumps({"part": name, **answer}) + "\n")
        said.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
