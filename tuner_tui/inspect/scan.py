"""One pass over the rows in constant memory: sound blocks are judged column by column, the others row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import Any

import msgspec

from tuner_tui.inspect import reform
from tuner_tui.inspect.classes import class_of
from tuner_tui.inspect.formats import shape_of
from tuner_tui.inspect.media import COLUMNS as MEDIA
from tuner_tui.inspect.named import renamed
from tuner_tui.inspect.opened import CHUNK_BYTES, ROW_BYTES_MAX
from tuner_tui.inspect.repeats import Repeats
from tuner_tui.inspect.report import Severity
from tuner_tui.inspect.rowcheck import check, sound_roles
from tuner_tui.inspect.rows import Bad, Block, Mended, duplicate_keys
from tuner_tui.inspect.shape import DOCUMENTS, Shape
from tuner_tui.inspect.tally import Tally
from tuner_tui.inspect.typed import Typed, TypedTalks, typed_for, typed_talks

NAMED = 1000
COLUMNS_MAX = 200
EVERY = 8
"""After the first blocks, the histogram of whole rows counts every eighth block, and it eight times."""
LARGE_ROW = 1 << 20
"""Bytes of one row, about 250,000 tokens: more than nearly any model reads."""
NUMBERS = frozenset({int, float, bool})
Columns = tuple[dict[str, Any], dict[str, set[type]]]
TYPES = {str: "text", int: "number", float: "number", bool: "boolean", list: "list", dict: "object", type(None): "null"}


class Findings:
    """Problems by code: severity, how many rows, the first of them, one detail."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Severity, int, list[int], str]] = {}

    def add(self, code: str, severity: Severity, row: int | None = None, detail: str = "", count: int = 1) -> None:
        """Note a problem of one row, or of the whole file (`row` None)."""
        _, total, rows, first = self.found.get(code, (severity, 0, [], detail))
        if row is not None and len(rows) < NAMED and (not rows or rows[-1] != row):
            rows.append(row)
        self.found[code] = (severity, total + count, rows, first or detail)

    def detail(self, code: str, detail: str) -> None:
        """Say more of a problem that was noted."""
        if code in self.found:
            severity, total, rows, _ = self.found[code]
            self.found[code] = (severity, total, rows, detail)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan knows of a part of a file, its rows counted from 1, in a form that goes between processes."""

    rows: int
    unusable: int
    findings: dict[str, tuple[Severity, int, list[int], str]]
    present: dict[str, int]
    types: dict[str, list[str]]
    chars: dict[str, dict[int, int]]
    totals: dict[int, int]
    labels: dict[str, int]
    written: list[tuple[bool, str, int]]


class Scan:
    """What is known after the rows so far."""

    def __init__(self, shape: Shape, mapping: dict[str, str]) -> None:
        self.shape = shape
        self.asked_mapping = mapping
        self.mapping = {**shape.columns, **mapping}
        self.renames = {ours: theirs for ours, theirs in self.mapping.items() if ours != theirs}
        self.findings = Findings()
        self.rows = 0
        self.unusable = 0
        self.present: Counter[str] = Counter()
        self.types: dict[str, set[str]] = {}
        self.chars: dict[str, Tally] = {}
        self.totals = Tally()
        self.labels: Counter[str] = Counter()
        self.written: Counter[tuple[bool, str]] = Counter()
        self.repeats = Repeats()
        self._typed: Typed | None = None
        self._talks: TypedTalks | None = None

    def take(self, block: Block) -> None:
        """Judge the next rows."""
        if block.size > LARGE_ROW and self.shape.kind != DOCUMENTS:
            self._note_large(block)
        if not self._columns(block):
            self._one_by_one(block)
        self.repeats.add(block)
        self.rows += len(block)

    def _note_large(self, block: Block) -> None:
        for number, line in enumerate(block.lines, self.rows + 1):
            if LARGE_ROW < len(line) <= ROW_BYTES_MAX:
                self.findings.add("row_large", Severity.WARNING, number, f"{len(line) >> 20} MiB")

    def _columns(self, block: Block) -> bool:
        """The fast way: every row an object of the same keys, wanted columns all text and none blank."""
        if self.shape.check:
            plain = self.shape.check == "turns" and not self.renames and not self.shape.made
            return plain and self._as_talks(block)
        found = self._as_before(block) or self._as_one(block)
        if found is None:
            return False
        columns, kinds = found
        flat = not any({dict, list} & types for types in kinds.values())
        if not self._sound(columns, kinds) or duplicate_keys(block, len(columns) * len(block) if flat else None):
            return False
        if self._typed is None:
            self._typed = typed_for(kinds)
        self._note_columns(columns, kinds, block.offset // CHUNK_BYTES)
        return True

    def _as_talks(self, block: Block) -> bool:
        """Conversations that hold nothing but turns of two texts, all of them sound."""
        if self._talks is None and self.rows == 0:
            self._talks = typed_talks(block.rows[0] if len(block) else None)
        if self._talks is None or block.raw is None:
            return False
        found = self._talks.lengths(block.raw, len(block), sound_roles)
        if found is None or duplicate_keys(block, len(block) + 2 * found[1]):
            return False
        name, lengths = self._talks.column, found[0]
        self.types.setdefault(name, set()).add("list")
        self.present[name] += len(block)
        self.chars.setdefault(name, Tally()).update(lengths)
        self.totals.update(lengths)
        return True

    def _as_before(self, block: Block) -> Columns | None:
        """Columns of rows that are like those of the blocks before."""
        if self._typed is None or block.raw is None:
            return None
        found = self._typed.columns(block.raw, len(block))
        if found is None:
            self._typed = None
        return found

    def _as_one(self, block: Block) -> Columns | None:
        """Columns of rows that all have the same keys, whatever came before."""
        rows = block.rows
        first = rows[0] if rows else None
        if type(first) is not dict or not first or len(first) > COLUMNS_MAX:
            return None
        keys = tuple(first)
        if set(map(type, rows)) != {dict} or set(map(len, rows)) != {len(keys)}:
            return None
        if not {self.mapping.get(name, name) for name in self.shape.texts} <= first.keys():
            return None
        if not MEDIA.isdisjoint(keys) and self.shape.kind != DOCUMENTS:
            return None
        try:
            columns = self._transposed(keys, rows)
        except KeyError:
            return None
        return columns, {key: set(map(type, column)) for key, column in columns.items()}

    @staticmethod
    def _transposed(keys: tuple[str, ...], rows: list[dict[str, Any]]) -> dict[str, Any]:
        if len(keys) == 1:
            return {keys[0]: [row[keys[0]] for row in rows]}
        return dict(zip(keys, zip(*map(itemgetter(*keys), rows), strict=True), strict=True))

    def _sound(self, columns: dict[str, Any], kinds: dict[str, set[type]]) -> bool:
        for name in self.shape.texts:
            column = columns[self.mapping.get(name, name)]
            if kinds[self.mapping.get(name, name)] != {str} or not all(column) or any(map(str.isspace, column)):
                return False
        extra = kinds.get("input") if self.shape.format == "alpaca" else None
        return extra is None or extra <= {str, type(None)}

    def _note_columns(self, columns: dict[str, Any], kinds: dict[str, set[type]], place: int) -> None:
        lengths: dict[str, list[int]] = {}
        for key, column in columns.items():
            names = {TYPES.get(kind, kind.__name__) for kind in kinds[key]}
            self.types.setdefault(key, set()).update(names)
            if kinds[key] == {str}:
                lengths[key] = list(map(len, column))
                self.chars.setdefault(key, Tally()).update(lengths[key])
                self.present[key] += len(column) - lengths[key].count(0)
            elif kinds[key] <= NUMBERS:
                self.present[key] += len(column)
            else:
                self.present[key] += sum(value not in (None, "", [], {}) for value in column)
                texts = [len(value) for value in column if type(value) is str]
                if texts:
                    self.chars.setdefault(key, Tally()).update(texts)
        if lengths and place < EVERY * EVERY:
            self.totals.update(list(map(sum, zip(*lengths.values(), strict=True))))
        elif lengths and place % EVERY == 0:
            for total, count in Counter(map(sum, zip(*lengths.values(), strict=True))).items():
                self.totals.add(total, EVERY * count)

    def _one_by_one(self, block: Block) -> None:
        twice = set(duplicate_keys(block))
        for at, row in enumerate(block.rows):
            number = self.rows + at + 1
            if isinstance(row, Mended):
                self.findings.add(row.code, Severity.WARNING, number, row.detail)
                row = row.row
            if isinstance(row, Bad):
                self.findings.add(row.code, Severity.ERROR, number, row.detail)
                self.unusable += 1
                continue
            self._judge(row, number, at in twice)

    def _judge(self, row: Any, number: int, twice: bool) -> None:
        faults = [("duplicate_keys", "")] if twice else []
        named = self.renamed(row)
        faults += check(named, self.shape)
        if faults and self._is_of_another_form(row):
            faults = [("other_format", shape_of(row).format)]
        for code, detail in dict(reversed(faults)).items():
            self.findings.add(code, Severity.ERROR, number, detail)
        self.unusable += bool(faults)
        if isinstance(row, dict):
            self._note_row(row)
            if not faults:
                self._note_class(named)

    def part(self) -> Part:
        """All that is known, without the digests of the rows."""
        return Part(
            rows=self.rows,
            unusable=self.unusable,
            findings=self.findings.found,
            present=self.present,
            types={name: sorted(kinds) for name, kinds in self.types.items()},
            chars={name: tally.counts() for name, tally in self.chars.items()},
            totals=self.totals.counts(),
            labels=self.labels,
            written=[(said, form, count) for (said, form), count in self.written.items()],
        )

    def merge(self, part: Part) -> None:
        """Take what was found in the rows that follow those taken so far."""
        for code, (severity, count, rows, detail) in part.findings.items():
            for row in rows:
                self.findings.add(code, severity, row + self.rows, detail)
            self.findings.add(code, severity, detail=detail, count=count - len(rows))
        for name, kinds in part.types.items():
            self.types.setdefault(name, set()).update(kinds)
        for name, counts in part.chars.items():
            self.chars.setdefault(name, Tally()).take(counts)
        self.totals.take(part.totals)
        self.present.update(part.present)
        self.labels.update(part.labels)
        self.written.update({(said, form): count for said, form, count in part.written})
        self.unusable += part.unusable
        self.rows += part.rows

    def condemn(self, code: str, detail: str) -> None:
        """Nothing can be made of any row: all are named, and none is usable."""
        for row in range(1, min(self.rows, NAMED) + 1):
            self.findings.add(code, Severity.ERROR, row, detail)
        self.findings.add(code, Severity.ERROR, count=max(self.rows - NAMED, 0))
        self.unusable = self.rows

    def _is_of_another_form(self, row: Any) -> bool:
        """Whether a row that does not fit would be sound in a form of its own: two data sets in one file."""
        if not isinstance(row, dict) or self.shape.kind is None:
            return False
        other = shape_of(row)
        if (self.shape.format, other.format) == ("unpaired", "prompt_completion"):
            return False
        known = other.kind is not None and other.format not in (self.shape.format, "table", "text")
        return known and not other.guessed and next(check(row, other), None) is None

    def _note_class(self, named: dict[str, Any]) -> None:
        found = class_of(named, self.shape)
        if found and (found in self.labels or len(self.labels) < NAMED):
            self.labels[found] += 1
        if self.shape.format == "unpaired":
            self.written[found == "true", msgspec.json.encode(named["label"]).decode()] += 1

    def renamed(self, row: Any) -> Any:
        """The row with its columns under our names; other columns stay."""
        if not isinstance(row, dict):
            return row
        named = renamed(row, self.renames) if self.renames else row
        return reform.made(named, self.shape.made) if self.shape.made else named

    def _note_row(self, row: dict[str, Any]) -> None:
        total = 0
        for key, value in islice(row.items(), COLUMNS_MAX):
            if key not in self.types and len(self.types) >= COLUMNS_MAX:
                continue
            self.types.setdefault(key, set()).add(TYPES.get(type(value), type(value).__name__))
            self.present[key] += value not in (None, "", [], {})
            length = text_length(value)
            if length is not None:
                self.chars.setdefault(key, Tally()).add(length)
                total += length
        self.totals.add(total)


def text_length(value: Any) -> int | None:
    """Characters of a text or of all turns of a conversation; None for what holds no text."""
    if isinstance(value, str):
        return len(value)
    parts = list(_turn_texts(value)) if isinstance(value, list) else []
    return sum(map(len, parts)) if parts else None


def _turn_texts(turns: list[Any]) -> Iterator[str]:
    for turn in turns:
        if isinstance(turn, dict):
            content = turn.get("content", turn.get("value"))
            if isinstance(content, str):
                yield content
