"""Arbitrary combinations of the fixed effects: the same numbers by name, by matrix and by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, fit_mixed


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    rng = np.random.default_rng(5)
    family = np.repeat(np.arange(30), 4)
    months = np.tile(np.arange(4.0), 30)
    arm = np.array(["care", "usual"])[family % 2]
    y = 20 - months * (arm == "care") + rng.normal(0, 2, 30)[family] + rng.normal(0, 1, 120)
    data = pd.DataFrame({"family": family, "months": months, "arm": arm, "y": y})
    return fit_mixed("y ~ months * arm + (1 | family)", data, df="kenward-roger")


def test_a_combination_is_the_sum_of_its_parts(fit: MixedFit) -> None:
    weights = np.array([0.0, 1.0, 0.0, 1.0])
    found = fit.estimate(weights)
    assert found.shape == (1, 7)
    assert found["estimate"][0] == pytest.approx(weights @ fit.fixed["estimate"])
    assert found["std_error"][0] == pytest.approx(np.sqrt(weights @ fit.covariance.to_numpy() @ weights))
    # with one restriction F is t squared, with the same denominator degrees of freedom
    joint = fit.test(weights)
    assert joint.statistic == pytest.approx(found["statistic"][0] ** 2)
    assert joint.df_denominator == pytest.approx(found["df"][0])


def test_a_frame_names_coefficients_and_rows(fit: MixedFit) -> None:
    named = pd.DataFrame({"months:arm[T.usual]": [0.0, 1.0], "months": 1.0}, index=["care", "usual"])
    found = fit.estimate(named)
    assert list(found.index) == ["care", "usual"]
    slopes = fit.slopes("months", by="arm").frame
    assert found["estimate"].to_numpy() == pytest.approx(slopes["estimate"].to_numpy())
    assert found["df"].to_numpy() == pytest.approx(slopes["df"].to_numpy())
    assert fit.test(named).df == 2


def test_the_level_and_what_cannot_be_estimated(fit: MixedFit) -> None:
    wide, narrow = fit.estimate(np.eye(4), level=0.99), fit.estimate(np.eye(4), level=0.5)
    assert np.all(wide["conf_low"] < narrow["conf_low"])
    pd.testing.assert_frame_equal(fit.estimate(np.eye(4)), fit.fixed.reset_index(drop=True))
    assert fit.estimate(np.full((1, 4), np.nan)).isna().all(axis=None)


@pytest.mark.parametrize(
    ("combinations", "words"),
    [
        (np.eye(3), "expected 4 weights per row"),
        (np.zeros((2, 2, 4)), "expected 4 weights per row"),
        (["months", "arm"], "must be numbers"),
        (np.full(4, np.inf), "must be finite"),
        (pd.DataFrame({"month": [1.0]}), "name the coefficient 'month'"),
        (pd.DataFrame([[1.0, 2.0]], columns=["months", "months"]), "'months' twice"),
    ],
)
def test_wrong_combinations_are_refused_in_words(fit: MixedFit, combinations: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        fit.estimate(combinations)
    with pytest.raises(ModelError, match=words):
        fit.test(combinations)


def test_a_wrong_level_is_refused(fit: MixedFit) -> None:
    with pytest.raises(ModelError, match="between 0 and 1"):
        fit.estimate(np.eye(4), level=95)
