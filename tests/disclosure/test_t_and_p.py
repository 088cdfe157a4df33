"""t and p from each other, against scipy."""

import warnings

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student_t

from mpg_research.disclosure.rules.t_and_p import statistic_of, two_sided


def test_p_values_are_those_of_scipy() -> None:
    rng = np.random.default_rng(4)
    df = np.concatenate([rng.uniform(1, 6, 300), 10 ** rng.uniform(0, 5, 300), np.full(100, np.inf)])
    statistic = rng.choice([-1, 1], 700) * 10 ** rng.uniform(-3, 1.3, 700)
    exact = np.where(np.isinf(df), 2 * norm.sf(np.abs(statistic)), 2 * student_t.sf(np.abs(statistic), df))
    known = exact > 1e-280
    assert known.sum() > 600
    assert np.abs(two_sided(statistic, df) / exact - 1)[known].max() < 2e-5


def test_a_statistic_follows_from_its_p_value_wherever_one_begins() -> None:
    rng = np.random.default_rng(5)
    df = np.concatenate([rng.uniform(2, 10, 300), 10 ** rng.uniform(1, 4, 300), np.full(100, np.inf)])
    p_value = 10 ** rng.uniform(-8, -1e-4, 700)
    exact = np.where(np.isinf(df), norm.isf(p_value / 2), student_t.isf(p_value / 2, df))
    for near in (exact * rng.uniform(0.8, 1.25, 700), exact + 0.05):
        found = statistic_of(p_value, df, near=near)
        assert np.isfinite(found).mean() > 0.99
        apart = np.abs(found - exact)[np.isfinite(found)]
        assert (apart < 1e-3 * (1 + exact[np.isfinite(found)])).all()


def test_far_out_and_wrong_beginnings_warn_of_nothing() -> None:
    """A page would show the warning; where no t can be found that is said by its absence."""
    p_value = np.array([1e-300, 1e-320, 1e-12, 0.9, 0.05, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for df in (1.0, 3.0, 50.0, 1e6, np.inf):
            for near in (1e-9, 3.0, 60.0, 1e8):
                found = statistic_of(p_value, np.full(6, df), near=np.full(6, near))
                again = two_sided(np.nan_to_num(found), np.full(6, df))
                there = np.isfinite(found)
                assert np.allclose(np.log(again[there]), np.log(p_value[there]), rtol=1e-4, atol=1e-4)
