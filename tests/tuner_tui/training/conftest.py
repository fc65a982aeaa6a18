"""One little world for all training tests; signals and the environment are as they were afterwards."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import little


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("little")
    little.make(folder)
    return folder


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TUNER_LANG", "en")
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    kept, environ = [signal.getsignal(number) for number in signals], dict(os.environ)
    yield
    for number, handler in zip(signals, kept, strict=True):
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environ)
