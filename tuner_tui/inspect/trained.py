"""One row as the model reads it, with what the loss counts told apart from what it does not."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.inspect.rowcheck import check
from tuner_tui.inspect.sample import numbered
from tuner_tui.inspect.scan import Scan
from tuner_tui.inspect.source import open_source, recognised
from tuner_tui.inspect.talk import talk_of
from tuner_tui.inspect.tokens import Counter, Piece
from tuner_tui.safe import clean


def trained_view(path: Path | str, row: int, model: Path | str, mapping: dict[str, str] | None = None) -> list[Piece]:
    """The tokens of row `row` (from 1) under the model's template; InputError when that row is not usable."""
    counter = Counter(Path(model).expanduser())
    source = open_source(Path(path).expanduser())
    shape, early = recognised(source, mapping or {})
    scan, start = Scan(shape, mapping or {}), 0
    for block in chain(early, source.blocks):
        if start + len(block.rows) >= row:
            found = dict(numbered(start, block.rows)).get(row)
            named = scan.renamed(found)
            talk = talk_of(named, shape) if found is not None and not any(check(named, shape)) else None
            if talk is None:
                break
            return counter.pieces(talk)
        start += len(block.rows)
    raise InputError("inspect.no_row", path=clean(str(path)), row=row, rows=start)


def runs_of(pieces: list[Piece]) -> list[tuple[bool, str]]:
    """Neighbouring pieces joined: (trained, text), the text safe to draw."""
    runs: list[tuple[bool, str]] = []
    for piece in pieces:
        if runs and runs[-1][0] == piece.trained:
            runs[-1] = (piece.trained, runs[-1][1] + piece.text)
        else:
            runs.append((piece.trained, piece.text))
    return [(trained, clean(text, 100_000, lines=True)) for trained, text in runs]
