"""A path is typed with completion from the disk; the disk is asked in a thread, so a slow mount never stops a key."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester
from textual.widgets import Input


class Completion(Suggester):
    """Completes the last part of a path when only one entry, or the first, begins with it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The longer path, or None."""
        return await asyncio.to_thread(complete, value)


def complete(value: str) -> str | None:
    """`~/da` -> `~/data/`; None when nothing begins so."""
    head, tail = os.path.split(value)
    if not value or not tail:
        return None
    folder = Path(head or ".").expanduser()
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name + ("/" if e.is_dir() else "") for e in entries if e.name.startswith(tail))
    except (OSError, ValueError):
        return None
    safe = [name for name in names if name.isprintable()]
    return os.path.join(head, safe[0]) if safe and safe[0] != tail else None


class PathInput(Input):
    """An input for a path; Right takes the completion."""

    help_key = "path_input"

    def __init__(self, name: str) -> None:
        super().__init__(id=name, max_length=4096, suggester=Completion(), select_on_focus=False)
