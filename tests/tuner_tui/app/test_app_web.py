"""`tuner web` answers only its own pages on loopback; the quick question leaves its answer behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from advisor.facts import Goal
from tuner_tui.commands.web import trusted
from tuner_tui.inline import InlineApp

OURS = {"127.0.0.1:8000", "localhost:8000"}


@pytest.mark.parametrize(
    ("host", "origin", "answered"),
    [
        ("127.0.0.1:8000", None, True),
        ("localhost:8000", "http://localhost:8000", True),
        ("127.0.0.1:8000", "https://evil.example", False),
        ("evil.example:8000", None, False),
        (None, None, False),
        ("127.0.0.1:8000", "null", False),
    ],
)
def test_only_our_own_pages_are_answered(host: str | None, origin: str | None, answered: bool) -> None:
    assert trusted(host, origin, OURS) is answered


def test_the_server_stands_on_loopback_and_refuses_foreign_pages(tmp_path: Path) -> None:
    pytest.importorskip("textual_serve")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, "-m", "tuner_tui", "web", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"TUNER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        assert child.stderr is not None
        opened = next(word for word in child.stderr.readline().split() if word.startswith(address)).rstrip(".,")
        assert _status(address, {}) == 403, "another user of this machine has no key"
        assert _status(f"{address}?key=wrong", {}) == 403
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert browser.open(opened, timeout=10).status == 200
        assert browser.open(address, timeout=10).status == 200, "the cookie stays"
        assert _status(address, {"Origin": "https://evil.example"}) == 403
        assert _status(f"{address}ws", {"Host": "evil.example"}) == 403
    finally:
        child.terminate()
        child.wait(30)


def _status(address: str, headers: dict[str, str]) -> int:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert time.monotonic() < end, "the server never came up"
            time.sleep(0.05)


async def test_the_quick_question_ends_with_the_advice_in_words(until) -> None:
    app = InlineApp(lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("space", "enter")
        await until(pilot, lambda: app.wizard.facts.goals == [Goal.INJECT_FACTS])
        await pilot.press("enter", "enter", "5", "0", "enter", "1", "2", "0", "enter", "8", "enter")
        await until(pilot, lambda: not app.is_running or app.return_value)
    assert app.wizard.facts.data.documents == 120
    assert app.wizard.facts.model.params_b == 8
    assert "rag" in (app.return_value or "")
