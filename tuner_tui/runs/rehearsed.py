"""What a rehearsal measured stands in the run's folder, so that the same recipe is not measured twice."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tuner_tui.runs.directory import RunDir, write_atomic

FILE = "rehearsal.json"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """The peak of one stage in bytes, what torch had allocated (GPU only), and its seconds; all measured."""

    name: str
    peak_bytes: int
    allocated_bytes: int | None = None
    seconds: float


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """One rehearsal. `change` is what had to differ from the recipe to fit, None = nothing.

    `estimate_bytes` was computed before (None where it cannot be, and without a GPU, whose memory it is about).
    """

    device: str
    source: str
    stages: list[Stage]
    peak_bytes: int
    estimate_bytes: int | None = None
    rows: int | None = None
    longest_tokens: int | None = None
    change: dict[str, Any] | None = None


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`rehearsal.json`: what was measured, and of which recipe."""

    recipe_sha256: str
    found: Rehearsal


def rehearsal_of(run: RunDir) -> Rehearsal | None:
    """What was measured of the run's recipe as it stands; None when it was not rehearsed."""
    try:
        kept = msgspec.json.decode((run.path / FILE).read_bytes(), type=_Kept)
        return kept.found if kept.recipe_sha256 == _hash(run) else None
    except (OSError, msgspec.MsgspecError):
        return None


def keep(run: RunDir, found: Rehearsal) -> None:
    """Write down what was measured of the run's recipe."""
    write_atomic(run.path / FILE, msgspec.json.encode(_Kept(recipe_sha256=_hash(run), found=found)))


def changes(found: Rehearsal) -> str:
    """What had to differ, as options of `tuner run`."""
    return " ".join(f"--set {key}={str(value).lower()}" for key, value in (found.change or {}).items())


def _hash(run: RunDir) -> str:
    return hashlib.sha256(run.recipe_path.read_bytes()).hexdigest()
