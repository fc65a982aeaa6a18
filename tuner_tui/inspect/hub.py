"""A data set named by its hub id is read from the machine's own cache; nothing here reaches for the network."""

from __future__ import annotations

import re
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.hub_cache import hub_cache, snapshot
from tuner_tui.safe import clean

ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def cached(path: Path) -> Path:
    """The folder to read: the path itself where it exists, else the cached snapshot of the hub id that it spells.

    InputError tells how to download a data set that is named but not here.
    """
    name = str(path)
    if path.exists() or path.is_symlink() or not ID.fullmatch(name) or name.startswith("."):
        return path
    home = hub_cache() / ("datasets--" + name.replace("/", "--"))
    newest = snapshot(home)
    if newest is None:
        if path.suffix:
            return path
        raise InputError("inspect.not_cached", name=clean(name), cache=clean(str(hub_cache())))
    return newest
