"""Where things lie in a JSON document is told chunk by chunk, by the brackets and commas that stand outside strings.

A piece of an array is cut only after a whole item, so what is held is one item and a chunk, however large the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from tuner_tui.inspect.opened import ROW_BYTES_MAX

QUOTE, OPEN, CLOSE, COMMA = 1, 2, 3, 4
KINDS = bytes({34: QUOTE, 91: OPEN, 123: OPEN, 93: CLOSE, 125: CLOSE, 44: COMMA}.get(byte, 0) for byte in range(256))
OUTLINE_BYTES, OUTLINE_SPANS = 1 << 20, 1000


class Depth:
    """How deep in arrays and objects a text is, from its beginning on."""

    def __init__(self) -> None:
        self.depth = 0
        self._inside = 0
        self._escaped = False

    def feed(self, chunk: bytes) -> tuple[Any, Any, Any]:
        """Places of the brackets and commas of the next chunk, their kinds, and the depth after each."""
        import numpy

        kinds = numpy.frombuffer(self._bare(chunk).translate(KINDS), dtype=numpy.uint8)
        places = numpy.flatnonzero(kinds)
        found = kinds[places]
        quotes = found == QUOTE
        before = (numpy.cumsum(quotes) + self._inside) & 1
        self._inside = int(before[-1]) if len(before) else self._inside
        outside = ~quotes & (before == 0)
        places, found = places[outside], found[outside]
        steps = (found == OPEN).astype(numpy.int64) - (found == CLOSE)
        depths = numpy.cumsum(steps) + self.depth
        self.depth = int(depths[-1]) if len(depths) else self.depth
        return places, found, depths

    def _bare(self, chunk: bytes) -> bytes:
        """The chunk with what a backslash escapes blanked."""
        if self._escaped:
            chunk = b" " + chunk[1:]
        if b"\\" not in chunk:
            self._escaped = False
            return chunk
        chunk = chunk.replace(b"\\\\", b"  ")
        self._escaped = chunk.endswith(b"\\")
        return chunk.replace(b'\\"', b"  ")


class Piece(NamedTuple):
    """Whole items with what stands between them; `over` says that an item was too large and let go."""

    raw: bytes
    over: bool = False


def pieces(chunks: Iterable[bytes], level: int) -> Iterator[Piece]:
    """The text cut after items of this depth (1: of an array; 0: one document after another); the last is the rest."""
    depth, held, size, over = Depth(), list[bytes](), 0, False
    for chunk in chunks:
        places, kinds, depths = depth.feed(chunk)
        ends = _ends(places, kinds, depths, level)
        if not len(ends):
            size += len(chunk)
            over = over or size > ROW_BYTES_MAX
            held = [] if over else [*held, chunk]
            continue
        begin = 0
        if over:
            begin, over = int(ends[0]), False
            yield Piece(b"", over=True)
        cut = int(ends[-1])
        yield Piece(b"".join([*held, chunk[begin:cut]]))
        held, size = [chunk[cut:]], len(chunk) - cut
    yield Piece(b"".join(held), over=over)


def _ends(places: Any, kinds: Any, depths: Any, level: int) -> Any:
    """Where items of a depth end: after brackets that close them; of numbers and texts, before the commas."""
    ends = places[(kinds == CLOSE) & (depths == level)] + 1
    return ends if len(ends) or level == 0 else places[(kinds == COMMA) & (depths == level)]


class Span(NamedTuple):
    """A value of an object: its key, its first byte (`[` or `{`), where it begins and ends in the text."""

    name: str
    first: bytes
    begin: int
    end: int


class Outline(NamedTuple):
    """An object's arrays and objects, how many keys it has, whether more documents follow it."""

    spans: list[Span]
    keys: int
    followed: bool = False


def outline(chunks: Iterable[bytes]) -> Outline | None:
    """What an object holds, from a text that is let go as it is read; None where it is damaged or no plain object.

    An array that breaks off at the end of the text counts as if it ended there.
    """
    depth, skeleton, spans, at = Depth(), list[bytes](), list[tuple[bytes, int, int]](), 0
    last, size, begun = 0, 0, None
    for chunk in chunks:
        places, kinds, depths = depth.feed(chunk)
        crossing = ((kinds == OPEN) & (depths == 2)) | ((kinds == CLOSE) & (depths <= 1))
        last = 0
        for place, kind, after in zip(
            places[crossing].tolist(), kinds[crossing].tolist(), depths[crossing].tolist(), strict=True
        ):
            if after == 0 and chunk[place + 1 :].strip():
                return Outline([], 0, followed=True)
            if kind == OPEN:
                skeleton.append(chunk[last : place + 1])
                begun = (chunk[place : place + 1], at + place)
            elif after == 1 and begun is not None:
                spans.append((*begun, at + place + 1))
                last, begun = place, None
        if begun is None:
            skeleton.append(chunk[last:])
        size = sum(map(len, skeleton))
        if size > OUTLINE_BYTES or len(spans) > OUTLINE_SPANS:
            return None
        skeleton, at = [b"".join(skeleton)], at + len(chunk)
    if begun is not None:
        spans.append((*begun, at))
        skeleton.append(b"]}")
    return _named(b"".join(skeleton), spans)


def _named(skeleton: bytes, spans: list[tuple[bytes, int, int]]) -> Outline | None:
    try:
        found = msgspec.json.decode(skeleton, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    names = [name for name, value in found.items() if isinstance(value, list | dict)]
    if len(names) != len(spans):
        return None
    return Outline([Span(name, *span) for name, span in zip(names, spans, strict=True)], len(found))


def within(chunks: Iterable[bytes], begin: int, end: int) -> Iterator[bytes]:
    """The bytes from `begin` to `end` of a text."""
    at = 0
    for chunk in chunks:
        if at + len(chunk) > begin:
            yield chunk[max(begin - at, 0) : end - at]
        at += len(chunk)
        if at >= end:
            return
