"""Where things live: TUNER_HOME when set, else the platform's data and config folders."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder of runs, drafts and settings."""
    chosen = os.environ.get("TUNER_HOME")
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_data_path

    return user_data_path("tuner")


def runs() -> Path:
    """The folder that holds one folder per run."""
    return home() / "runs"


def samples() -> Path:
    """The practice material: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_samples"
    return installed if installed.is_dir() else package.parent / "samples"
