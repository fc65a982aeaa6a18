"""Memory that runs out in an evaluation costs time, never the answer."""

from collections.abc import Sequence

import pytest

from tuner_tui.evaluation.pieces import in_pieces


@pytest.mark.parametrize("room", [1, 2, 3, 8])
def test_every_row_is_answered_in_order_whatever_fits(room: int) -> None:
    def work(rows: Sequence[int]) -> list[int]:
        if len(rows) > room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return [row * row for row in rows]

    assert in_pieces(range(8), work) == [row * row for row in range(8)]


def test_a_single_row_that_is_too_much_is_told() -> None:
    def work(rows: Sequence[int]) -> list[int]:
        raise MemoryError

    with pytest.raises(MemoryError):
        in_pieces([1, 2], work)


def test_another_error_is_not_tried_again() -> None:
    calls = []

    def work(rows: Sequence[int]) -> list[int]:
        calls.append(len(rows))
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        in_pieces([1, 2, 3], work)
    assert calls == [3]
