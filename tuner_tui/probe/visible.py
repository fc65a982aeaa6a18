"""CUDA_VISIBLE_DEVICES as CUDA itself reads it: unset = all, empty = none, the first bad entry ends the list."""

from __future__ import annotations


def is_visible(setting: str | None, index: int, uuid: str | None) -> bool:
    """Whether CUDA will use this device. Entries are indices or unique UUID prefixes ("GPU-...", "MIG-...").

    Source: CUDA C++ programming guide, "CUDA environment variables".
    """
    if setting is None:
        return True
    for entry in (part.strip() for part in setting.split(",")):
        if entry.isdecimal():
            if int(entry) == index:
                return True
        elif entry.startswith(("GPU-", "MIG-")):
            if uuid is not None and uuid.startswith(entry):
                return True
        else:
            return False
    return False
