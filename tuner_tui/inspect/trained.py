"""One row as the model reads it, with what the loss counts told apart from what it does not."""

from __future__ import annotations

from pathlib import Path

from advisor.errors import InputError
from tuner_tui.inspect.one import row_at
from tuner_tui.inspect.tokens import Counter, Piece
from tuner_tui.safe import clean


def trained_view(
    path: Path | str,
    row: int,
    model: Path | str,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
) -> list[Piece]:
    """The tokens of row `row` (from 1) under the model's template; InputError when that row is not usable."""
    counter = Counter(Path(model).expanduser())
    found = row_at(path, row, mapping, encoding)
    if found.talk is None:
        raise InputError("inspect.row_not_usable", path=clean(str(path)), row=row, problem=(found.fault or ("?",))[0])
    return counter.pieces(found.talk)


def runs_of(pieces: list[Piece]) -> list[tuple[bool, str]]:
    """Neighbouring pieces joined: (trained, text), the text safe to draw."""
    runs: list[tuple[bool, str]] = []
    for piece in pieces:
        if runs and runs[-1][0] == piece.trained:
            runs[-1] = (piece.trained, runs[-1][1] + piece.text)
        else:
            runs.append((piece.trained, piece.text))
    return [(trained, clean(text, 100_000, lines=True)) for trained, text in runs]
