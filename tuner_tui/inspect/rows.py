"""Rows come in order and none is lost: one that cannot be read keeps its number and says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import msgspec

from tuner_tui.inspect.encoding import eastern
from tuner_tui.inspect.linewise import are_plain, count_of, line_ends
from tuner_tui.inspect.opened import ROW_BYTES_MAX
from tuner_tui.inspect.private import hidden


class Bad(msgspec.Struct, frozen=True):
    """A row that cannot be read: the problem's code and what the reader said."""

    code: str
    detail: str = ""


class Mended(msgspec.Struct, frozen=True):
    """A row that could be read after a repair, which the code names."""

    row: Any
    code: str
    detail: str = ""


class Block:
    """Rows in file order; `lines` are their bytes, `raw` all of them where every line may be sound.

    `rows` (decoded values, `Bad` or `Mended`) and `lines` are made when they are first asked for: whoever reads `raw`
    itself never pays for them. `ends` are the places in `raw` where lines end; `packed` says that rows are lines of a
    file, whose repeats are found by few of their bytes and confirmed later. `offset` is where in the text they begin.
    """

    __slots__ = ("_lines", "_rows", "ends", "offset", "packed", "raw")

    def __init__(
        self,
        rows: list[Any] | None,
        lines: list[bytes] | None,
        raw: bytes | None = None,
        *,
        ends: Any = None,
        packed: bool = False,
        offset: int = 0,
    ) -> None:
        self._rows, self._lines, self.raw, self.ends, self.packed = rows, lines, raw, ends, packed
        self.offset = offset

    def __len__(self) -> int:
        return len(self.ends) if self._lines is None else len(self._lines)

    @property
    def lines(self) -> list[bytes]:
        """The bytes of each row."""
        if self._lines is None:
            self._lines = (self.raw or b"").split(b"\n")[:-1]
        return self._lines

    @property
    def size(self) -> int:
        """Bytes of all rows with their line ends."""
        return len(self.raw) if self.raw is not None else sum(map(len, self.lines)) + len(self)

    @property
    def rows(self) -> list[Any]:
        """The rows, decoded."""
        if self._rows is None:
            self._rows, self._lines, self.raw = _decoded(self.raw or b"", self.lines, self.offset)
        return self._rows


class _Refused(ValueError):
    pass


CUT = b"\0"
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def json_lines(chunks: Iterator[bytes], begin: int = 0) -> Iterator[Block]:
    """Blocks of rows, one a line; blank lines are not rows. `begin` is where in the file the chunks begin."""
    for offset, raw in _whole_lines(chunks, begin):
        ends = line_ends(raw)
        if raw.endswith(b"\n") and are_plain(raw, ends):
            yield Block(None, None, raw, ends=ends, packed=True, offset=offset)
            continue
        lines = raw.split(b"\n")
        if not lines[-1]:
            lines.pop()
        block = Block(*_decoded(raw, lines, offset), packed=True, offset=offset)
        if len(block):
            yield block


def _decoded(raw: bytes, lines: list[bytes], offset: int) -> tuple[list[Any], list[bytes], bytes | None]:
    """Decoded at once where every line is sound (in C), else line by line."""
    try:
        rows = _decoder.decode_lines(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        rows = None
    if rows is not None and len(rows) == len(lines):
        return rows, lines, raw
    starts = accumulate((len(line) + 1 for line in lines), initial=offset)
    placed = [(at, line) for at, line in zip(starts, lines, strict=False) if line.strip()]
    lines = [line for _, line in placed]
    if rows is not None and len(rows) == len(lines):
        return rows, lines, raw
    last_is_cut = not raw.endswith(b"\n")
    rows = [_line(line, last_is_cut and at == len(lines) - 1, start) for at, (start, line) in enumerate(placed)]
    return rows, lines, None


def _line(line: bytes, may_be_cut: bool, start: int) -> Any:
    if len(line) > ROW_BYTES_MAX:
        return Bad("row_too_large")
    try:
        return _decoder.decode(line)
    except RecursionError:
        return Bad("too_deep")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _second_look(line, may_be_cut, start, str(error))


def _second_look(line: bytes, may_be_cut: bool, start: int, detail: str) -> Any:
    """The standard library reads NaN and lone surrogates, so that they can be named."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        if may_be_cut and error.end >= len(line):
            return Bad("cut_last_line")
        return _in_another_encoding(line) or Bad("not_utf8", f"byte {start + error.start + 1}")
    try:
        row = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except _Refused as error:
        return Bad("nan_literal", str(error))
    except RecursionError:
        return Bad("too_deep")
    except ValueError as error:
        if may_be_cut and line.lstrip()[:1] in (b"{", b"["):
            return Bad("cut_last_line")
        place = getattr(error, "pos", 0)
        byte = start + len(text[:place].encode()) + 1
        return Bad(
            "bad_json", f"{getattr(error, 'msg', detail)}, column {place + 1}, byte {byte}{_snippet(text, place)}"
        )
    return mended(row)


def _in_another_encoding(line: bytes) -> Mended | None:
    """A line in Korean, Japanese or Chinese Windows' encoding among lines of UTF-8."""
    name = eastern(line)
    try:
        row = None if name is None else _decoder.decode(line.decode(name))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if row is None else Mended(row, "mixed_encoding", str(name))


def _snippet(text: str, place: int) -> str:
    """What stands before the fault, unless it may hold what must not be shown."""
    return f": …{text[max(place - 24, 0) : place + 8]}…" if hidden(text) == text else ""


def _finite(number: str) -> float:
    value = float(number)
    if abs(value) == float("inf"):
        raise _Refused(number[:20])
    return value


def _refuse_constant(name: str) -> Any:
    raise _Refused(name)


def mended(row: Any) -> Any:
    """The row with lone surrogates replaced, marked as mended; a number out of range is refused."""
    try:
        clean = _replaced(row)
        return Mended(clean, "lone_surrogate") if clean != row else row
    except RecursionError:
        return Bad("too_deep")


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if _has_surrogate(value) else value
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    return value


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _whole_lines(chunks: Iterator[bytes], begin: int) -> Iterator[tuple[int, bytes]]:
    """The bytes cut after line ends, about a chunk at a time, and where they begin; of an over-long line only the
    beginning is gathered, and what stands for the rest (CUT) makes it no row."""
    parts: list[bytes] = []
    held = 0
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if not end:
            if held <= ROW_BYTES_MAX:
                parts.append(chunk)
            held += len(chunk)
            continue
        first = chunk.find(b"\n") + 1
        if held + first > ROW_BYTES_MAX:
            parts += [chunk[: first - 1]] if held <= ROW_BYTES_MAX else []
            yield begin, b"".join([*parts, CUT, b"\n"])
            begin, parts, held, chunk, end = begin + held + first, [], 0, chunk[first:], end - first
        if end:
            parts.append(chunk[:end])
            yield begin, b"".join(parts)
        begin += held + end
        parts, held = [chunk[end:]], len(chunk) - end
    if held:
        yield begin, b"".join([*parts, CUT] if held > ROW_BYTES_MAX else parts)


def duplicate_keys(block: Block, keys: int | None = None) -> list[int]:
    """Indices of rows in which a key stands twice (the last would win silently); `keys` = keys in all, where known.

    Outside strings `":` follows each key and nothing else; inside, the quote is escaped. So counting it finds the
    suspects fast, and only they are parsed again.
    """
    if block.raw is not None:
        known = sum(map(_keys_in, block.rows)) if keys is None else keys
        if count_of(block.raw, 58) == known:
            return []
        marks = block.raw.count(b'":')
        if marks == known or marks - block.raw.count(b'\\":') == known:
            return []
    return [
        at
        for at, (row, line) in enumerate(zip(block.rows, block.lines, strict=True))
        if isinstance(row, dict) and _colons(line) != _keys_in(row) and _has_twice(line)
    ]


def _colons(raw: bytes) -> int:
    return raw.count(b'":') - raw.count(b'\\":')


def _keys_in(value: Any) -> int:
    if isinstance(value, dict):
        total = len(value)
        for item in value.values():
            if isinstance(item, dict | list):
                total += _keys_in(item)
        return total
    if isinstance(value, list):
        return sum(_keys_in(item) for item in value if isinstance(item, dict | list))
    return 0


def _has_twice(line: bytes) -> bool:
    twice = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice = twice or len({key for key, _ in pairs}) < len(pairs)
        return dict(pairs)

    try:
        json.loads(line, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return False
    return twice
