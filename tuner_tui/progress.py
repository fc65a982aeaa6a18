"""How far a reading is, in one value that costs nothing to import."""

from __future__ import annotations

from typing import NamedTuple


class Progress(NamedTuple):
    """Rows read so far, and the share of the file's bytes (None: not known)."""

    rows: int
    share: float | None
