"""Measurements are asked for by name (`make bench`): a busy machine must not fail the tests."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever lies in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("bench")
