"""The tests send Ctrl-C to real processes, so it must reach them wherever the tests themselves were started from."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# A shell's background job ignores SIGINT and hands that down; a handler here is reset for every child.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same cases at every run: a new find is looked for on purpose (`--hypothesis-profile=default`), not by chance.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the soak takes (`tests/faults/test_soak.py`)."""
    parser.addoption("--soak", type=float, default=60.0, metavar="SECONDS", help="how long the soak test watches")
