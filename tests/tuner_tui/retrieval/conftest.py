"""Every test has a home of its own, and our words are loaded as in every command."""

from pathlib import Path

import pytest

import tuner_tui.words  # noqa: F401


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))
