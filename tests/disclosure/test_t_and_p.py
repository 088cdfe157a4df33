"""t and p from each other, against scipy."""

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
