"""Tails and quantiles against scipy.stats."""

import numpy as np
import pytest
from scipy import stats

from mpg_research.mixed import distributions as ours

DF = np.array([1.0, 2.5, 30.0, 1e6, np.inf])
# Both are accurate to nearly all digits; they take different routes.
SAME = 1e-9


def test_student() -> None:
    for statistic in (0.0, 0.3, -2.2, 8.0):
        wanted = 2 * stats.t.sf(abs(statistic), DF)
        assert ours.t_p_value(statistic, DF) == pytest.approx(wanted, rel=SAME)
    for probability in (0.5, 0.9, 0.975, 0.9995):
        found = ours.t_quantile(probability, DF)
        assert found == pytest.approx(stats.t.ppf(probability, DF), rel=SAME, abs=1e-12)
    assert np.isnan(ours.t_p_value(np.nan, 3.0))
    assert np.isnan(ours.t_p_value(1.0, np.nan))


def test_f_and_chi_square() -> None:
    assert ours.f_tail(3.2, 2, 11.5) == pytest.approx(stats.f.sf(3.2, 2, 11.5), rel=SAME)
    assert ours.f_tail(3.2, 2, np.inf) == pytest.approx(stats.chi2.sf(6.4, 2), rel=SAME)
    assert ours.chi2_tail(5.5, 3) == pytest.approx(stats.chi2.sf(5.5, 3), rel=SAME)
    assert ours.chi2_quantile(0.95, 1) == pytest.approx(stats.chi2.ppf(0.95, 1), rel=SAME)
    assert ours.normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), rel=SAME)
