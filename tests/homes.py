"""A home of its own for every test that starts processes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """TUNER_HOME; whatever still runs in it afterwards is ended, by identity."""
    from tuner_tui.runs.directory import list_runs
    from tuner_tui.runs.identity import alive, send

    folder = tmp_path / "home"
    monkeypatch.setenv("TUNER_HOME", str(folder))
    monkeypatch.setenv("TUNER_LANG", "en")
    yield folder
    for run in list_runs():
        info = run.info()
        if info is not None and info.identity is not None and alive(info.identity):
            send(info.identity, signal.SIGKILL)
