"""Lines as plain text: what is drawn is what was given, a gap stays a gap, and nothing is wider than its box."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_tui.widgets import plot

RISING = [(x, float(x)) for x in range(17)]


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    rows = plot.draw(RISING, 6, 3)
    assert rows[-1][0] not in (" ", chr(0x2800))
    assert rows[0][-1] not in (" ", chr(0x2800))
    assert rows[0][0] == " "
    assert rows[-1][-1] == " "


def test_a_value_that_is_missing_leaves_a_gap_and_does_not_move_the_bounds() -> None:
    whole = [(x, 1.0 + x % 2) for x in range(40)]
    holed = [(x, (None if 16 <= x < 24 else y)) for x, y in whole]
    assert plot.bounds([holed]) == plot.bounds([whole])
    rows = plot.draw(holed, 20, 4)
    assert all(row[9:11] == "  " for row in rows)
    assert any(row[:6].strip() for row in rows)
    assert any(row[14:].strip() for row in rows)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_never_poisons_the_bounds(bad: float) -> None:
    assert plot.bounds([[(0, 1.0), (1, bad), (2, 3.0)]]) == plot.bounds([[(0, 1.0), (2, 3.0)]])
    assert all(math.isfinite(y) for _, y in plot.smooth([(0, 1.0), (1, bad), (2, 3.0)]) if y is not None)


def test_nothing_finite_draws_nothing() -> None:
    assert plot.draw([(0, None), (1, math.nan)], 5, 2) == ["     ", "     "]
    assert plot.bounds([[]]) is None


def test_a_spike_among_a_hundred_thousand_points_is_drawn() -> None:
    points = [(x, 100.0 if x == 51_234 else 1.0) for x in range(100_000)]
    assert plot.draw(points, 60, 8)[0].strip()


def test_a_terminal_without_braille_gets_ascii() -> None:
    rows = plot.draw(RISING, 6, 3, ascii_only=True)
    assert "".join(rows).isascii()
    assert "".join(rows).strip()


def test_a_logarithm_that_does_not_exist_is_a_gap() -> None:
    assert plot.logarithmic([(0, 100.0), (1, 0.0), (2, -1.0), (3, None)]) == [(0, 2.0), (1, None), (2, None), (3, None)]


def test_smoothing_starts_at_the_first_value_and_keeps_a_constant() -> None:
    assert [y for _, y in plot.smooth([(0, 2.0), (1, 2.0), (2, 2.0)])] == pytest.approx([2.0, 2.0, 2.0])


values = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(st.lists(values, max_size=60), st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_whatever_comes_the_box_is_filled_exactly(
    ys: list[float | None], width: int, height: int, ascii_only: bool
) -> None:
    rows = plot.draw(list(enumerate(ys)), width, height, ascii_only=ascii_only)
    assert len(rows) == height
    assert all(len(row) == width for row in rows)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_on_an_axis_takes_at_most_eight_characters(value: float) -> None:
    assert len(plot.short(value)) <= 8


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.0, "1234"), (9999.0, "9999"), (48_000, "48k"), (2e-5, "2e-5"), (1.984e-4, "1.98e-4"), (0.0234, "0.0234")],
)
def test_a_number_is_written_as_people_read_it(value: float, shown: str) -> None:
    assert plot.short(value) == shown
