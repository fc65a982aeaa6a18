"""The words of the face and the hands: this package's locale folder joined to the advisor's."""

from __future__ import annotations

import os
from pathlib import Path

import advisor.words
from advisor.words import Words

advisor.words.add_folder(Path(__file__).parent / "locale")


def language(asked: str | None = None) -> str:
    """The language to speak: asked for, else TUNER_LANG, else the locale's, else English."""
    chosen = asked or os.environ.get("TUNER_LANG") or _from_locale()
    return "ko" if chosen.lower().startswith("ko") else "en"


def _from_locale() -> str:
    return next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "en")


def words(lang: str | None = None) -> Words:
    """The words of one language."""
    return advisor.words.words(language(lang))
