"""One row of a file, found by its number without holding the others."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.rowcheck import check
from tuner_tui.inspect.rows import Bad, Mended
from tuner_tui.inspect.scan import Scan
from tuner_tui.inspect.shape import Shape
from tuner_tui.inspect.source import open_source, recognised
from tuner_tui.inspect.talk import Talk, talk_of
from tuner_tui.safe import clean

CELL_CHARS = 20_000


class OneRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it stands: `cells` are its columns as text that is safe to draw, `fault` the code and detail of why it
    is left out (None: it is usable), `talk` what it asks and answers where it is usable."""

    number: int
    cells: list[tuple[str, str]]
    fault: tuple[str, str] | None
    shape: Shape
    talk: Talk | None = None


def row_at(path: Path | str, number: int, mapping: dict[str, str] | None = None, encoding: str | None = None) -> OneRow:
    """Row `number` (from 1); InputError when there is no such row."""
    source = open_source(Path(path).expanduser(), encoding)
    shape, early = recognised(source, mapping or {})
    scan, start = Scan(shape, mapping or {}), 0
    for block in chain(early, source.blocks):
        if start + len(block) >= number > start:
            return _seen(number, block.rows[number - start - 1], scan)
        start += len(block)
    raise InputError("inspect.no_row", path=clean(str(path)), row=number, rows=start)


def _seen(number: int, value: Any, scan: Scan) -> OneRow:
    if isinstance(value, Mended):
        value = value.row
    if isinstance(value, Bad):
        return OneRow(number=number, cells=[], fault=(value.code, value.detail), shape=scan.shape)
    if not isinstance(value, dict):
        odd = ("not_object", type(value).__name__)
        return OneRow(number=number, cells=[("", shown(value))], fault=odd, shape=scan.shape)
    named = scan.renamed(value)
    fault = next(iter(check(named, scan.shape)), None)
    talk = talk_of(named, scan.shape) if fault is None else None
    cells = [(clean(name, 80), shown(cell)) for name, cell in value.items()]
    return OneRow(number=number, cells=cells, fault=fault, shape=scan.shape, talk=talk)


def shown(value: Any) -> str:
    """A cell as text that is safe to draw."""
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return clean(text, CELL_CHARS, lines=True)
