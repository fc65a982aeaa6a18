"""Where huggingface_hub keeps what it downloads, and which snapshot of a repository counts; nothing is fetched."""

from __future__ import annotations

import os
from pathlib import Path


def hub_cache() -> Path:
    """The hub's cache folder: HF_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub."""
    direct = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if direct:
        return Path(direct).expanduser()
    home = os.environ.get("HF_HOME")
    base = Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return base.expanduser() / "hub"


def snapshot(repository: Path) -> Path | None:
    """The snapshot that `main` names, else the newest one; None where nothing was downloaded.

    `repository` is a folder of the cache, such as `models--owner--name`.
    """
    try:
        named = repository / "snapshots" / (repository / "refs" / "main").read_text().strip()
        if named.is_dir():
            return named
    except OSError:
        pass
    folders = [path for path in (repository / "snapshots").glob("*") if path.is_dir()]
    return max(folders, key=lambda path: path.stat().st_mtime, default=None)
