"""The app as tests drive it: its own home folder, real parts outside, and a wait with a deadline instead of sleeps."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TUNER_LANG", raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


Until = Callable[..., Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """`await until(pilot, condition)`: let the app work until the condition holds; fails after the deadline."""

    async def wait(pilot: Any, condition: Callable[[], Any], within_s: float = 60.0) -> None:
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, "the app never got there"
            await pilot.pause(0.02)

    return wait
