"""JSON and YAML from strangers: bounded in size, depth and repetition, no tags, no key twice, no code."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from advisor.errors import InputError

MAX_BYTES = 1 << 22
MAX_YAML_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_NODES = 100_000
LONGEST_NUMBER = 400
_NAME = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:')
_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)[eE][-+]?\d+$")


def parse_document(text: bytes | str, source: str) -> Any:
    """Plain data from JSON, else from YAML; InputError says where it breaks or which bound it goes beyond."""
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise InputError("document.too_large", source=source, mib=MAX_BYTES >> 20)
    try:
        found = msgspec.json.decode(raw)
    except RecursionError:
        raise InputError("document.too_deep", source=source, depth=MAX_DEPTH) from None
    except msgspec.DecodeError:
        return _yaml(raw, source)
    _refuse_twice(raw, source)
    return found


def parse_value(text: str) -> Any:
    """One value as YAML reads it; ValueError when it is none."""
    try:
        return _yaml(text.encode(errors="surrogatepass"), "value")
    except InputError as error:
        raise ValueError(str(error)) from None


def _refuse_twice(raw: bytes, source: str) -> None:
    """InputError for a JSON object with the same key twice: the last would win, and the first be lost unseen."""
    names = _NAME.findall(raw)
    if len(set(names)) == len(names):
        return  # most documents are done here; a name may stand in several objects, so the others are read again

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        known = dict(pairs)
        if len(known) < len(pairs):
            twice = next(key for at, (key, _) in enumerate(pairs) if any(key == name for name, _ in pairs[:at]))
            raise InputError("document.twice", source=source, key=twice[:80], place="?")
        return known

    try:
        json.loads(raw, object_pairs_hook=once)
    except RecursionError:
        raise InputError("document.too_deep", source=source, depth=MAX_DEPTH) from None


def _yaml(raw: bytes, source: str) -> Any:
    import yaml

    if len(raw) > MAX_YAML_BYTES:
        raise InputError("document.too_large", source=source, mib=MAX_YAML_BYTES >> 20)
    try:
        return yaml.load(raw, Loader=_loader(source))  # a SafeLoader with bounds
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "?"
        detail = getattr(error, "problem", None) or _first_line(error)
        raise InputError("document.syntax", source=source, place=place, detail=detail) from None
    except RecursionError:
        raise InputError("document.too_deep", source=source, depth=MAX_DEPTH) from None
    except (UnicodeDecodeError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("document.syntax", source=source, place="?", detail=_first_line(error)) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _loader(source: str) -> Any:
    """YAML's safe loader, which also refuses depth, repetition by aliases, rings and a key twice, and reads 1e-4."""
    import yaml

    class Bounded(yaml.SafeLoader):
        depth = nodes = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            """Count as if every alias were written out: a bomb is small only as long as nobody does that."""
            alias = self.check_event(yaml.AliasEvent)
            place = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            before, self.depth = self.nodes, self.depth + 1
            if self.depth > MAX_DEPTH:
                raise InputError("document.too_deep", source=source, depth=MAX_DEPTH)
            node: Any = super().compose_node(parent, index)
            if alias and not hasattr(node, "size"):
                raise yaml.composer.ComposerError(None, None, "a value that holds itself", place)
            self.nodes += node.size if alias else 1
            if self.nodes > MAX_NODES:
                raise InputError("document.too_many", source=source, count=MAX_NODES)
            if not alias:
                node.size = self.nodes - before
            self.depth -= 1
            return node

        def compose_scalar_node(self, anchor: Any) -> Any:
            node: Any = super().compose_scalar_node(anchor)
            if len(node.value) > LONGEST_NUMBER and node.tag.endswith((":int", ":float")):
                raise yaml.composer.ComposerError(None, None, "a number of too many digits", node.start_mark)
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
                if name in seen and name is not None and not key.tag.endswith(":merge"):
                    place = f"{key.start_mark.line + 1}:{key.start_mark.column + 1}"
                    raise InputError("document.twice", source=source, key=key.value[:80], place=place)
                seen.add(name)
            return super().construct_mapping(node, deep)

    # YAML 1.1 wants a point in 1e-4 and otherwise reads text; everyone who writes it means the number.
    Bounded.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    return Bounded
