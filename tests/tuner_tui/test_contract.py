"""The keys on stdout are those of DESIGN.md 4.2, written out here once more so that a change must be meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.cli import main
from tuner_tui.contract import COMPARED, promised

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FACTS = SAMPLES / "facts" / "practice.yaml"


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    assert main([*args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_advice(capsys: pytest.CaptureFixture[str]) -> None:
    advice = printed(capsys, "advise", "--facts", str(FACTS))
    assert list(advice) == (
        "label approach objectives technique confidence plan reasons warnings ranking flips".split()  # noqa: SIM905
    )
    assert set(advice["reasons"][0]) == {"rule", "text", "source", "evidence"}
    assert set(advice["warnings"][0]) == {"id", "text"}
    assert set(advice["ranking"][0]) == {"label", "verdict", "score", "memory_gb", "hours", "rules"}
    assert set(advice["flips"][0]) == {"change", "label"}
    assert "against" in printed(capsys, "advise", "--facts", str(FACTS), "--details")


def test_estimate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = json.loads((SAMPLES / "model" / "config.json").read_text(encoding="utf-8"))
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"id": "one", "model": {"config": config}, "technique": "lora"}), encoding="utf-8")
    estimate = printed(capsys, "estimate", "--spec", str(spec))
    assert set(estimate) == {"id", "peak_gb", "allocated_gb", "parts", "step_s", "tokens_per_s", "assumptions"}
    assert set(estimate["peak_gb"]) == set(estimate["allocated_gb"]) == {"low", "likely", "high"}
    detailed = printed(capsys, "estimate", "--spec", str(spec), "--details")
    assert {"dominating", "tier", "calibrated", "calibrated_by"} <= set(detailed)


def test_inspection(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "inspect", str(SAMPLES / "data" / "style.train.jsonl"))
    keys = {"kind", "format", "rows", "usable_rows", "fields", "tokens", "duplicates", "problems", "facts"}
    assert set(found) == keys
    assert set(found["problems"][0]) == {"code", "severity", "count", "rows", "text"}


def test_comparison_is_narrowed_and_complete() -> None:
    lane = dict.fromkeys(COMPARED["lanes"], 1) | {"latency_ms": {"p50": 1, "p95": 2}, "difference_to_best": None}
    verdict = {"label": "rag", "goal_met": True, "agrees_with_advice": None, "text": "t"}
    document = {"items": 1, "lanes": [lane], "verdict": verdict, "answers": []}
    narrowed = promised(document, COMPARED)
    assert set(narrowed) == {"items", "lanes", "verdict"}
    assert "difference_to_best" not in narrowed["lanes"][0]
    assert promised(document, COMPARED, details=True) == document
    with pytest.raises(KeyError):
        promised({"items": 1}, COMPARED)
