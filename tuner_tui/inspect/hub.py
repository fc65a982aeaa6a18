"""A data set named by its hub id is read from the machine's own cache; nothing here reaches for the network."""

from __future__ import annotations

import os
import re
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.safe import clean

ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def cached(path: Path) -> Path:
    """The folder to read: the path itself where it exists, else the cached snapshot of the hub id that it spells.

    InputError tells how to download a data set that is named but not here.
    """
    name = str(path)
    if path.exists() or path.is_symlink() or not ID.fullmatch(name) or name.startswith("."):
        return path
    home = _cache() / ("datasets--" + name.replace("/", "--"))
    snapshot = _snapshot(home)
    if snapshot is None:
        if path.suffix:
            return path
        raise InputError("inspect.not_cached", name=clean(name), cache=clean(str(_cache())))
    return snapshot


def _cache() -> Path:
    """Where huggingface_hub keeps what it downloads: HF_HUB_CACHE, HF_HOME/hub, else below the user's cache folder."""
    direct = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if direct:
        return Path(direct).expanduser()
    home = os.environ.get("HF_HOME")
    base = Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return base.expanduser() / "hub"


def _snapshot(home: Path) -> Path | None:
    """The snapshot that `main` names, else the newest."""
    try:
        named = home / "snapshots" / (home / "refs" / "main").read_text().strip()
        if named.is_dir():
            return named
    except OSError:
        pass
    folders = [path for path in (home / "snapshots").glob("*") if path.is_dir()]
    return max(folders, key=lambda path: path.stat().st_mtime, default=None)
