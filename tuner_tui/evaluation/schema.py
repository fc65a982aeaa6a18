"""JSON Schema, the part that data needs: a keyword that is not known here is refused, never passed over.

https://json-schema.org/draft/2020-12: types, enum and const, objects, arrays, limits, patterns, combinations, and
`$ref` within the document. Annotations mean nothing and are allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from advisor.errors import InputError

TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": lambda value: _is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
ANNOTATIONS = frozenset(
    ("$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "format")
)


def check_schema(schema: Any, root: Any = None) -> None:
    """InputError when the schema uses what this validator does not know, anywhere in it."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise InputError("training.schema", detail=type(schema).__name__)
    root = schema if root is None else root
    for name, value in schema.items():
        if name not in ANNOTATIONS and name not in KEYWORDS and name != "$ref":
            raise InputError("training.schema", detail=name)
        try:
            _check_value(name, value, root)
        except (AttributeError, KeyError, IndexError, TypeError, re.error) as error:
            raise InputError("training.schema", detail=f"{name}: {error}") from None


def _check_value(name: str, value: Any, root: Any) -> None:
    """What a keyword holds: schemas, types, a reference that leads somewhere, patterns that are patterns."""
    if name in ("$defs", "definitions", "properties", "patternProperties"):
        for part in value.values():
            check_schema(part, root)
    elif name in ("items", "additionalProperties", "not", "contains", "propertyNames"):
        check_schema(value, root)
    elif name in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for part in value:
            check_schema(part, root)
    elif name == "$ref":
        _find(root, value)
    elif name == "type":
        _ = [TYPES[kind] for kind in ([value] if isinstance(value, str) else value)]
    for pattern in value if name == "patternProperties" else [value] if name == "pattern" else ():
        re.compile(pattern)


def satisfies(value: Any, schema: Any, root: Any = None) -> bool:
    """Whether a decoded JSON value is what the schema describes."""
    if isinstance(schema, bool):
        return schema
    root = schema if root is None else root
    if "$ref" in schema and not satisfies(value, _find(root, schema["$ref"]), root):
        return False
    return all(KEYWORDS[name](value, wanted, schema, root) for name, wanted in schema.items() if name in KEYWORDS)


def _find(root: Any, reference: str) -> Any:
    if not reference.startswith("#"):
        raise InputError("training.schema", detail=reference)
    found = root
    for part in reference[1:].split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _same(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _type(value: Any, wanted: Any, *_: Any) -> bool:
    return any(TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _limit(kind: str, holds: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """A keyword that says something of one type only; other types satisfy it."""
    return lambda value, wanted, *_: not TYPES[kind](value) or holds(value, wanted)


def _multiple(value: float, wanted: float) -> bool:
    return abs(value / wanted - round(value / wanted)) < 1e-9


def _unique(value: list[Any], wanted: bool) -> bool:
    return not wanted or not any(_same(a, b) for at, a in enumerate(value) for b in value[:at])


def _properties(value: Any, wanted: dict[str, Any], schema: Any, root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(satisfies(value[name], part, root) for name, part in wanted.items() if name in value)


def _by_pattern(value: Any, wanted: dict[str, Any], schema: Any, root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(
        satisfies(value[key], part, root) for name, part in wanted.items() for key in value if re.search(name, key)
    )


def _additional(value: Any, wanted: Any, schema: Any, root: Any) -> bool:
    if not isinstance(value, dict):
        return True
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    rest = [key for key in value if key not in named and not any(re.search(name, key) for name in patterns)]
    return all(satisfies(value[key], wanted, root) for key in rest)


def _items(value: Any, wanted: Any, schema: Any, root: Any) -> bool:
    first = len(schema.get("prefixItems", ()))
    return not isinstance(value, list) or all(satisfies(each, wanted, root) for each in value[first:])


def _prefix(value: Any, wanted: list[Any], schema: Any, root: Any) -> bool:
    if not isinstance(value, list):
        return True
    return all(satisfies(each, part, root) for each, part in zip(value, wanted, strict=False))


KEYWORDS: dict[str, Callable[..., bool]] = {
    "type": _type,
    "enum": lambda value, wanted, *_: any(_same(value, each) for each in wanted),
    "const": lambda value, wanted, *_: _same(value, wanted),
    "minimum": _limit("number", lambda value, wanted: value >= wanted),
    "maximum": _limit("number", lambda value, wanted: value <= wanted),
    "exclusiveMinimum": _limit("number", lambda value, wanted: value > wanted),
    "exclusiveMaximum": _limit("number", lambda value, wanted: value < wanted),
    "multipleOf": _limit("number", _multiple),
    "minLength": _limit("string", lambda value, wanted: len(value) >= wanted),
    "maxLength": _limit("string", lambda value, wanted: len(value) <= wanted),
    "pattern": _limit("string", lambda value, wanted: re.search(wanted, value) is not None),
    "minItems": _limit("array", lambda value, wanted: len(value) >= wanted),
    "maxItems": _limit("array", lambda value, wanted: len(value) <= wanted),
    "uniqueItems": _limit("array", _unique),
    "minProperties": _limit("object", lambda value, wanted: len(value) >= wanted),
    "maxProperties": _limit("object", lambda value, wanted: len(value) <= wanted),
    "required": _limit("object", lambda value, wanted: all(name in value for name in wanted)),
    "properties": _properties,
    "patternProperties": _by_pattern,
    "additionalProperties": _additional,
    "propertyNames": lambda value, wanted, schema, root: (
        not isinstance(value, dict) or all(satisfies(key, wanted, root) for key in value)
    ),
    "items": _items,
    "prefixItems": _prefix,
    "contains": lambda value, wanted, schema, root: (
        not isinstance(value, list) or any(satisfies(each, wanted, root) for each in value)
    ),
    "anyOf": lambda value, wanted, schema, root: any(satisfies(value, part, root) for part in wanted),
    "allOf": lambda value, wanted, schema, root: all(satisfies(value, part, root) for part in wanted),
    "oneOf": lambda value, wanted, schema, root: sum(satisfies(value, part, root) for part in wanted) == 1,
    "not": lambda value, wanted, schema, root: not satisfies(value, wanted, root),
}
