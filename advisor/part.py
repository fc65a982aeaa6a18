"""A part of a recipe: a strict struct whose unknown keys are refused with the nearest known one, and changed by key."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from advisor.document import parse_value
from advisor.errors import InputError

Said = Annotated[str, msgspec.Meta(pattern=r"\S")]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]
Rate = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
# A name is part of the names of files and folders: it leads nowhere else.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^/\\\x00-\x1f\x7f]+$(?!\n)")]
NonNegative = Annotated[float, msgspec.Meta(ge=0.0, le=1e300)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a recipe is: frozen, by name, and strict."""


def refuse_unknown(part: dict[str, Any], struct: type[msgspec.Struct], prefix: str, source: str) -> None:
    """InputError for the first key that `struct` has not; `prefix` is said before it (`train.`)."""
    for key in part:
        if key not in struct.__struct_fields__:
            raise _unknown_key(str(key), struct.__struct_fields__, prefix, source)


def _unknown_key(key: str, known: tuple[str, ...], prefix: str, source: str) -> InputError:
    """Names the key and, when one of the known ones is spelt alike, that one."""
    import difflib

    allowed = ", ".join(known)
    for near in difflib.get_close_matches(key, known, n=1):
        return InputError("recipe.key", source=source, key=prefix + key, near=prefix + near, allowed=allowed)
    return InputError("recipe.no_key", source=source, key=prefix + key, allowed=allowed)


def apply_change(raw: dict[str, Any], change: str) -> None:
    """Apply one `section.key=value` in place; the value is read as YAML, and what is none (`[0-9]{3}원`) as text."""
    path, equals, value = change.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise InputError("recipe.change", change=change)
    part = raw
    for key in keys[:-1]:
        if part.get(key) is None:  # a part that the recipe leaves out
            part[key] = {}
        part = part[key]
        if not isinstance(part, dict):
            raise InputError("recipe.change", change=change)
    try:
        part[keys[-1]] = _number(parse_value(value))
    except ValueError:
        part[keys[-1]] = value.strip()


def _number(value: Any) -> Any:
    """YAML 1.1 reads 2e-4 as text; a user means a number."""
    if isinstance(value, str):
        try:
            return float(value) if value[:1] in "+-.0123456789" else value
        except ValueError:
            return value
    return value
