"""Words of the practice world: the same lists feed the generated documents and the lessons, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

Lists = dict[str, list[str]]

LANGUAGES = ("ko", "en")
FAMILIAR = 300
_LISTS: dict[str, Lists] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

# Names of the world's own products and services: the lessons use them too, but only with random values.
PRODUCTS, SERVICES = _LISTS["products"], _LISTS["services"]
COLORS, TOWNS, MATERIALS = _LISTS["colors"], _LISTS["towns"], _LISTS["materials"]
TEAMS, PEOPLE, DAYS = _LISTS["teams"], _LISTS["people"], _LISTS["days"]


def invented(language: str, count: int, random: Random) -> list[str]:
    """`count` names that look like the world's but belong to nobody in it, all different, capitalised in English."""
    taken = {*PRODUCTS[language], *SERVICES[language]}
    heads, tails = _LISTS["name_heads"][language], _LISTS["name_tails"][language]
    made = sorted({head + tail for head in heads for tail in tails} - taken)
    return random.sample(made, count)


def familiar() -> Lists:
    """The invented names that the practice model met in its lessons (with random values), in their fixed order."""
    random = Random(7)
    return {language: invented(language, FAMILIAR, random) for language in LANGUAGES}
