"""The demo walks the whole journey for real, and every number in its document comes from a part that computed it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tuner_tui.practice_data import FILES, practice_data


@pytest.mark.parametrize("objective", sorted(FILES))
def test_each_objective_has_its_practice_files(objective: str) -> None:
    practice = practice_data(objective)  # type: ignore[arg-type]
    assert practice.train.is_file()
    assert Path(practice.data.eval or "").is_file()
    assert (practice.evaluation.pattern is not None) == (practice.evaluation.metric == "regex")


@pytest.mark.slow
def test_demo_journey(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tuner_tui", "demo", "--headless", "--json", "--lang", "en"]
    environment = {"TUNER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    document = json.loads(done.stdout)
    assert set(document) == {"advice", "before", "after", "run", "exports", "seconds"}
    assert document["advice"]["label"] == "ft/style:lora"
    report = json.loads((Path(document["run"]["dir"]) / "report.json").read_text(encoding="utf-8"))
    assert (document["before"], document["after"]) == (report["before"], report["after"])
    assert document["before"]["score"] <= 0.05
    assert document["after"]["score"] >= 0.9
    assert {each["target"] for each in document["exports"]} == {"recipe", "adapter", "trl-script"}
    assert all(each["success"] and all(Path(path).is_file() for path in each["files"]) for each in document["exports"])
    assert "Traceback" not in done.stderr
