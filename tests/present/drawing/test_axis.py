import math
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as some

from mpg_research.present.drawing.axis import Axis, nice_ticks
from mpg_research.present.drawing.clipping import clip_line, clip_polygon

NUMBERS = some.floats(-1e9, 1e9, allow_nan=False)


@given(NUMBERS, some.floats(1e-6, 1e9), some.integers(2, 8))
@example(1.0, 400000001.0, 2)
def test_ticks_lie_between_the_ends_at_equal_steps(low: float, span: float, most: int) -> None:
    assume(span > 1e-6 * abs(low))  # or the numbers themselves are too coarse for steps
    high = low + span
    ticks, digits = nice_ticks(low, high, most=most)
    assert 1 <= len(ticks) <= most + 1
    room = 1e-6 * span + 1e-6 * max(abs(low), abs(high)) * 1e-6
    assert all(low - room <= tick <= high + room for tick in ticks)
    steps = [after - before for before, after in pairwise(ticks)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)
    if steps:
        assert round(steps[0] / 10.0 ** math.floor(math.log10(steps[0]) + 1e-4), 2) in (1.0, 2.0, 5.0)
    if max(abs(low), abs(high)) < 1e3 and span > 1e-3:  # written with these decimals, no two look alike
        assert len({f"{tick:.{digits}f}" for tick in ticks}) == len(ticks)


def test_ticks_are_the_numbers_that_they_say() -> None:
    assert nice_ticks(0, 1) == ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 1)
    assert nice_ticks(0, 0.34)[0] == [0.0, 0.1, 0.2, 0.3]
    assert nice_ticks(0, 2, whole=True)[0] == [0.0, 1.0, 2.0]
    assert nice_ticks(3, 3) == ([3], 0)
    assert nice_ticks(math.nan, 1) == ([], 0)


@pytest.mark.parametrize(
    "values", [[], [4.0], [0.0], [-3.0, -3.0], [1e12, 1e12], [math.nan], [5e-324, 5e-324]]
)
def test_an_axis_always_has_room(values: list[float]) -> None:
    axis = Axis()
    axis.see(values)
    low, high = axis.ends()
    assert low < high
    assert all(low <= value <= high for value in values if math.isfinite(value))
    assert axis.texts(6)


def test_given_ends_stand_and_ticks_outside_them_are_left_out() -> None:
    axis = Axis(low=0.0, high=1.0, ticks=[(0.0, "a"), (0.5, "b"), (1.5, "c")])
    axis.see([7.0])
    assert axis.ends() == (0.0, 1.0)
    assert [text for _, text in axis.texts(6)] == ["a", "b"]


POINT = some.tuples(some.floats(-5, 5), some.floats(-5, 5))
BOX = (-1.0, -2.0, 3.0, 1.5)


def within(points: list[tuple[float, float]]) -> bool:
    return all(BOX[0] - 1e-9 <= x <= BOX[2] + 1e-9 and BOX[1] - 1e-9 <= y <= BOX[3] + 1e-9 for x, y in points)


@given(some.lists(POINT, min_size=2, max_size=6))
def test_of_a_line_what_lies_inside_is_left(points: list[tuple[float, float]]) -> None:
    pieces = clip_line(points, BOX)
    assert all(within(piece) for piece in pieces)
    kept = {point for piece in pieces for point in piece}
    assert all(point in kept for point in points if within([point]))
    if within(points):
        assert pieces == [points]


@given(some.lists(POINT, min_size=3, max_size=6))
def test_of_a_shape_what_lies_inside_is_left(points: list[tuple[float, float]]) -> None:
    kept = clip_polygon(points, BOX)
    assert within(kept)
    if within(points):
        assert kept == points
