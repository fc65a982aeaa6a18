"""Every word a user reads comes from a locale file, and a missing one is an error, never an empty string."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

LANGUAGES = ("en", "ko")
_FOLDERS: list[Path] = [Path(__file__).parent / "locale"]


def add_folder(folder: Path) -> None:
    """Let another package's `locale/` folder add its words (and forget what was loaded before)."""
    if folder not in _FOLDERS:
        _FOLDERS.append(folder)
        words.cache_clear()


class Words:
    """The words of one language: `LANG/*.json` files of flat key -> text, merged."""

    def __init__(self, lang: str, table: dict[str, str]) -> None:
        self.lang = lang
        self.table = table

    def say(self, key: str, /, **params: object) -> str:
        """The text of `key` with its `{placeholders}` filled; KeyError when the key is unknown."""
        text = self.table[key]
        return text.format(**params) if params else text

    def metric(self, name: str) -> str:
        """The short name of a metric as it stands in a sentence; a name that is not ours stays as it is."""
        return self.table.get(f"metric.{name}.short", name)

    def fault(self, key: str, /, **params: object) -> str:
        """The text of a failure, followed by its code: the key, which `tuner explain` expands."""
        return f"{self.say(key, **params)} [{key}]"

    def has(self, key: str) -> bool:
        """Whether this language has the key."""
        return key in self.table


def load_folder(folder: Path, lang: str) -> dict[str, str]:
    """All words of one folder in one language; a key defined twice is an error."""
    table: dict[str, str] = {}
    for path in sorted((folder / lang).glob("*.json")):
        part = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        twice = table.keys() & part.keys()
        if twice:
            raise ValueError(f"{path}: keys defined twice: {sorted(twice)}")
        table.update(part)
    return table


@cache
def words(lang: str) -> Words:
    """The words of a language; an unknown language falls back to English."""
    lang = lang if lang in LANGUAGES else "en"
    table: dict[str, str] = {}
    for folder in _FOLDERS:
        table.update(load_folder(folder, lang))
    return Words(lang, table)
