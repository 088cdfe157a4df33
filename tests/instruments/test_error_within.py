"""Error of measurement around a family's own course: what was drawn, and an analysis of variance."""

import numpy as np
import pytest

from mpg_research.instruments.error_within import error_within


def answers(
    rng: np.random.Generator, loadings: np.ndarray, *, error: float, families: int = 300, moments: int = 6
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items with a level and a slope of each family and item, swings they share, and error."""
    who, months = np.repeat(np.arange(families), moments), np.tile(2.0 * np.arange(moments), families)
    n = len(loadings)
    lasting = rng.normal(0, 1.5, (families, n)) + rng.normal(size=(families, 1))
    slopes = rng.normal(-0.1, 0.1, (families, 1))
    swings = rng.normal(size=(len(who), 1)) * loadings
    x = lasting[who] + slopes[who] * months[:, None] + swings + rng.normal(0, error, (len(who), n))
    return x, who, months


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("unequal", [0.0, 0.6])
def test_the_error_that_was_drawn_is_found(seed: int, unequal: float) -> None:
    """Also where items hang on the swing unequally, and whatever lasts of an item."""
    rng = np.random.default_rng(seed)
    loadings = 1 + unequal * np.linspace(-1, 1, 8)
    found = error_within(*answers(rng, loadings, error=0.9))
    assert found.variance == pytest.approx(8 * 0.81, rel=0.05)
    assert abs(found.variance - 8 * 0.81) < 4 * found.std_error
    # Of normal errors: sqrt(2 / degrees of freedom), some 300 x 4 x 7 of them.
    assert found.std_error == pytest.approx(8 * 0.81 * np.sqrt(2 / (300 * 4 * 7)), rel=0.6)
    assert (found.n_families, found.n_measurements) == (300, 1800)


def test_with_equal_items_it_is_close_to_an_analysis_of_variance() -> None:
    """Family by moment by item, by hand: the mean square of what is left."""
    x, who, months = answers(np.random.default_rng(7), np.ones(6), error=1.2)
    cube = x.reshape(300, 6, 6)
    rest = cube - cube.mean(axis=1, keepdims=True) - cube.mean(axis=2, keepdims=True)
    rest = rest + cube.mean(axis=(1, 2), keepdims=True)
    mean_square = (rest**2).sum() / (300 * 5 * 5)
    assert error_within(x, who, months).variance == pytest.approx(6 * mean_square, rel=0.03)


def test_order_units_and_missing_answers() -> None:
    rng = np.random.default_rng(3)
    x, who, months = answers(rng, np.ones(5), error=1.0, families=60)
    found = error_within(x, who, months)
    order = rng.permutation(len(x))
    same = error_within(10 * x[order] + 3, who[order], months[order] / 12)
    assert same.variance == pytest.approx(100 * found.variance, rel=1e-5)
    x[::7, 2] = np.nan
    fewer = error_within(x, who, months)
    assert fewer.n_measurements < found.n_measurements
    assert fewer.variance == pytest.approx(found.variance, rel=0.15)


@pytest.mark.parametrize(("families", "moments", "items"), [(19, 6, 5), (60, 2, 5), (60, 6, 2)])
def test_too_little_to_tell(families: int, moments: int, items: int) -> None:
    drawn = answers(np.random.default_rng(1), np.ones(items), error=1.0, families=families, moments=moments)
    assert np.isnan(error_within(*drawn).variance)


def test_an_item_that_never_varies_has_no_answer() -> None:
    x, who, months = answers(np.random.default_rng(1), np.ones(4), error=1.0, families=60)
    x[:, 1] = 2.0
    assert np.isnan(error_within(x, who, months).variance)
