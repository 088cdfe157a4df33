"""The four-way answer keeps its error rate per course, uses no later wave, and has defined edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.statistics.courses.course_answer import ANSWERS, course_answers
from mpg_research.statistics.courses.sequential_boundaries import (
    bonferroni_boundary,
    sequential_boundary,
    spent_error,
)
from mpg_research.statistics.courses.waves_needed import waves_needed

SD, DELTA, PERIOD = 3.0, 3.0, 6.0
N = 3000
ALPHA = 0.05
# Three standard errors of a share of .05 among N simulated courses.
SLACK = 3 * np.sqrt(ALPHA * (1 - ALPHA) / N)


def courses(slope: float, *, waves: int = 19, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """N courses at irregular times (30 sets of them) over about as many months as waves."""
    rng = np.random.default_rng(seed)
    moments = np.tile(np.arange(float(waves)), (N, 1))
    moments[:, 1:] += np.repeat(rng.uniform(-0.4, 0.4, (30, waves - 1)), N // 30, axis=0)
    scores = 25 + rng.normal(0, 5, (N, 1)) + slope * moments + rng.normal(0, SD, moments.shape)
    return moments, scores


def ever(answer: np.ndarray, *names: str) -> float:
    return float(np.isin(answer, names).any(axis=1).mean())


def answers(slope: float, **options: float) -> np.ndarray:
    time, score = courses(slope)
    return course_answers(time, score, error_sd=SD, delta=DELTA, period=PERIOD, **options).answer


def test_without_a_trend_a_direction_is_rarely_claimed_over_the_whole_course() -> None:
    found = answers(0.0)
    wrong = ever(
        found, "improving", "deteriorating", "improving_less_than_delta", "deteriorating_less_than_delta"
    )
    assert wrong <= ALPHA + SLACK
    # The boundary is not merely cautious: by month 18 it has spent 69 % of the error rate.
    assert wrong >= 0.5 * ALPHA


@pytest.mark.parametrize("slope", [-DELTA / PERIOD, DELTA / PERIOD])
def test_a_change_of_delta_is_rarely_called_small_over_the_whole_course(slope: float) -> None:
    found = answers(slope)
    wrong_way = "improving" if slope > 0 else "deteriorating"
    small = ("stagnating", "improving_less_than_delta", "deteriorating_less_than_delta")
    assert ever(found, *small, wrong_way, wrong_way + "_less_than_delta") <= ALPHA + SLACK


@pytest.mark.parametrize("slope", [-0.25, 0.1, 0.9])
def test_any_wrong_answer_is_rare_whatever_the_trend(slope: float) -> None:
    found = answers(slope)
    right = "improving" if slope < 0 else "deteriorating"
    wrong = "deteriorating" if slope < 0 else "improving"
    mistakes = [wrong, wrong + "_less_than_delta"]
    if abs(slope) >= DELTA / PERIOD:
        mistakes += ["stagnating", right + "_less_than_delta"]
    assert ever(found, *mistakes) <= ALPHA + SLACK


def test_a_window_keeps_the_error_rate_too() -> None:
    found = answers(0.0, window=8.0)
    assert ever(found, "improving", "deteriorating") <= ALPHA + SLACK
    still = answers(DELTA / PERIOD, window=12.0)
    assert ever(still, "stagnating", "deteriorating_less_than_delta") <= ALPHA + SLACK


def test_looking_every_month_without_a_rule_would_break_the_rate() -> None:
    time, score = courses(0.0)
    found = course_answers(time, score, error_sd=SD, delta=DELTA, period=PERIOD)
    naive = np.abs(found.slope) > 1.96 * found.std_error
    assert naive.any(axis=1).mean() > 3 * ALPHA


def test_a_family_that_stands_still_is_called_stagnating_when_waves_suffice() -> None:
    needed = waves_needed(error_sd=SD, delta=DELTA, period=PERIOD)
    assert needed.stagnating is not None
    assert needed.changing is not None
    found = answers(0.0)
    share = np.mean(found[:, needed.stagnating - 1] == "stagnating")
    # "At that wave with chance .8", of which up to .05 of the courses carry a direction instead.
    assert share > 0.8 - ALPHA
    # Waves somewhat further apart than a month can bring the answer one wave earlier to a few.
    assert np.mean(found[:, needed.at_least - 2] == "stagnating") < 0.03
    assert not np.any(found[:, : needed.at_least - 3] == "stagnating")
    changed = answers(DELTA / PERIOD)[:, needed.changing - 1]
    assert np.mean(np.char.startswith(changed, "deteriorating")) > 0.8 - SLACK - 0.02
    assert set(np.unique(found[:, 1])) == {"not_enough_information"}


def test_waves_needed_grow_with_the_error() -> None:
    few, many = (waves_needed(error_sd=sd, delta=3, period=6).stagnating for sd in (1.5, 4.0))
    assert few < many
    assert waves_needed(error_sd=50, delta=1, period=6, horizon=20).stagnating is None


def test_real_but_small_is_a_class_of_its_own() -> None:
    time = np.arange(60.0)[None, :]
    for slope, expected in ((-0.2, "improving_less_than_delta"), (0.2, "deteriorating_less_than_delta")):
        found = course_answers(time, 25 + slope * time, error_sd=2, delta=DELTA, period=PERIOD)
        assert found.answer[0, -1] == expected
    mirrored = course_answers(
        time, 25 + 0.2 * time, error_sd=2, delta=DELTA, period=PERIOD, direction="higher_is_better"
    )
    assert mirrored.answer[0, -1] == "improving_less_than_delta"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(10, 40), min_size=3, max_size=10),
    st.lists(st.floats(0.01, 3), min_size=10, max_size=10),
    st.integers(1, 9),
    st.sampled_from([None, 4.0]),
)
def test_nothing_changes_when_later_waves_are_altered(
    scores: list[int], gaps: list[float], cut: int, window: float | None
) -> None:
    k = len(scores)
    cut = min(cut, k - 1)
    time = np.cumsum(gaps[:k])[None, :]
    score = np.array(scores, dtype=float)[None, :]
    options = {"error_sd": SD, "delta": DELTA, "period": PERIOD, "window": window}
    one = course_answers(time, score, **options)
    time_2, score_2 = time.copy(), score.copy()
    time_2[:, cut:] += 5.0
    score_2[:, cut:] = 10.0
    two = course_answers(time_2, score_2, **options)
    cropped = course_answers(time[:, :cut], score[:, :cut], **options)
    for name in ("answer", "slope", "conf_low", "conf_high", "margin_low"):
        np.testing.assert_array_equal(getattr(one, name)[:, :cut], getattr(two, name)[:, :cut])
        np.testing.assert_array_equal(getattr(one, name)[:, :cut], getattr(cropped, name))


def test_edges_have_defined_answers() -> None:
    nan = np.nan
    time = np.array([[0, nan, nan, nan], [0, 0, 0, 0], [0, 1, 13, 14], [0, 1, 2, 2]], dtype=float)
    score = np.array([[20, nan, nan, nan], [20, 25, 18, 22], [20, 20, 20, 20], [40, 30, 20, 20]], dtype=float)
    found = course_answers(time, score, error_sd=1.0, delta=DELTA, period=PERIOD)
    assert found.answer[0].tolist() == ["not_enough_information", "", "", ""]
    assert set(found.answer[1]) == {"not_enough_information"}
    assert found.answer[2, -1] == "stagnating"  # a gap of a year is only time between waves
    assert found.answer[3, 2] == found.answer[3, 3] == "improving"  # the second wave of one day adds no look
    assert set(np.unique(found.answer)) <= {*ANSWERS, ""}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": 0}, "delta"), ({"period": -1}, "period"), ({"level": 1}, "level"),
        ({"window": 0}, "window"), ({"error_sd": 0}, "error_sd"), ({"half_time": np.nan}, "half_time"),
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(options: dict[str, float], message: str) -> None:
    settings_ = {"error_sd": SD, "delta": DELTA, "period": PERIOD, **options}
    with pytest.raises(ValueError, match=message):
        course_answers([[0.0, 1.0]], [[20.0, 21.0]], **settings_)


def test_no_answer_is_given_while_the_error_is_unknown() -> None:
    time = np.arange(12.0)[None, :]
    error = np.where(time < 5, np.nan, 1.0)
    found = course_answers(time, 30 - 2 * time, error_sd=error, delta=DELTA, period=PERIOD)
    assert set(found.answer[0, :5]) == {"not_enough_information"}
    assert found.answer[0, -1] == "improving"


def test_waves_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        course_answers([[1.0, 0.0]], [[20.0, 21.0]], error_sd=1, delta=1, period=1)


def test_boundary_equals_pocock_and_obrien_fleming() -> None:
    # Published constants for five equally spaced looks, two-sided .05: the error that each design spends at
    # each look, put back in, must give its constant (Jennison & Turnbull 2000, tables 2.1 and 2.3).
    information = np.arange(1.0, 6.0)[None, :]
    for z in (np.full(5, 2.413), 2.040 * np.sqrt(5 / np.arange(1.0, 6.0))):
        spent = _spent_by(z)
        assert spent[-1] == pytest.approx(0.05, abs=5e-4)  # the constants are printed with three decimals
        found = sequential_boundary(information, spent[None, :], two_sided=True)[0]
        np.testing.assert_allclose(found, z, atol=0.01)


def _spent_by(z: np.ndarray) -> np.ndarray:
    """Chance to have left by each look, by simulation-free integration on a fine fixed grid."""
    grid = np.linspace(-12, 12, 4801)
    width = grid[1] - grid[0]
    kernel = np.exp(-0.5 * (grid[:, None] - grid[None, ::8]) ** 2) / np.sqrt(2 * np.pi)
    density = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)
    spent = []
    for look in range(1, 6):
        inside = np.abs(grid) < z[look - 1] * np.sqrt(look)
        density = np.where(inside, density, 0)
        spent.append(1 - density.sum() * width)
        density = kernel @ density[::8] * width * 8
    return np.array(spent)


def test_boundary_spends_what_it_may_at_irregular_looks() -> None:
    rng = np.random.default_rng(3)
    information = np.cumsum(rng.exponential(1, (1, 8)) * np.arange(1, 9) ** 2, axis=1)
    spent = spent_error(np.arange(1.0, 9.0)[None, :], error=0.1, half_time=4)
    runs = 40_000
    steps = np.diff(information, axis=1, prepend=0.0)
    z = np.cumsum(rng.normal(size=(runs, 8)) * np.sqrt(steps), axis=1) / np.sqrt(information)
    for two_sided in (True, False):
        critical = sequential_boundary(information, spent, two_sided=two_sided)
        left = ((np.abs(z) if two_sided else z) > critical).cumsum(axis=1) > 0
        # Four standard errors of a share of .08 among 40,000.
        np.testing.assert_allclose(left.mean(axis=0), spent[0], atol=0.0055)
        assert np.all(bonferroni_boundary(spent, two_sided=two_sided) >= critical - 1e-6)
