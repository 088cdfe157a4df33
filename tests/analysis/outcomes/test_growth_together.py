"""Two outcomes in one growth model: against R nlme, dense covariances, and a made-up truth."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.outcomes.cross_lagged import CrossLagged
from mpg_research.analysis.outcomes.growth_together import (
    EFFECTS,
    Correlation,
    fit_together,
    random_correlation,
    stack,
)
from mpg_research.mixed import MixedFit, ResidualStructure, Unstructured, VarianceBy, fit_mixed
from tests.analysis.outcomes.outcome_studies import measurement_rows
from tests.statistics.change_oracles import claus
from tests.statistics.process_oracles import known

#: nlme 3.1-162 on the model of fit_together; script and output.
NLME = Path(__file__).parents[2] / "oracles" / "outcomes" / "growth_together.json"
LEVELS, WAVES = ("level_1", "level_2"), ("wave_1", "wave_2")
TOGETHER, APART = Unstructured("outcome", within="family:moment"), VarianceBy("outcome")


def random_delta(rng: np.random.Generator) -> np.ndarray:
    return np.append(rng.normal(0, 0.6, 4), rng.normal(0, 0.4, 2))


@pytest.mark.parametrize("seed", range(6))
def test_covariances_follow_the_recursion(seed: int) -> None:
    """z(t) = A z(t - 1) + u(t), worked out moment by moment, gives the same matrix."""
    rng = np.random.default_rng(seed)
    structure, delta = CrossLagged("place", within="family"), random_delta(rng)
    values = structure.natural(delta)
    carried = values[:4].reshape(2, 2)
    spread = np.array([[1, values[4] * values[5]], [values[4] * values[5], values[5] ** 2]])
    new = spread - carried @ spread @ carried.T
    assert np.linalg.eigvalsh(new).min() > 0  # stationary
    size = 6
    whole = np.zeros((2 * size, 2 * size))
    for moment in range(size):
        here = slice(2 * moment, 2 * moment + 2)
        whole[here, here] = spread
        for later in range(moment + 1, size):
            whole[2 * later : 2 * later + 2, here] = carried @ whole[2 * later - 2 : 2 * later, here]
    whole = np.tril(whole) + np.tril(whole, -1).T
    places = np.sort(rng.choice(2 * size, 7, replace=False)).astype(float)
    chosen = places.astype(int)
    found = structure.matrix(delta, places[None])[0]
    np.testing.assert_allclose(found, whole[np.ix_(chosen, chosen)], atol=1e-12)
    np.testing.assert_allclose(structure.from_natural(values), delta, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_slopes_are_the_differences_of_the_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    structure, delta = CrossLagged("place", within="family"), random_delta(rng)
    places, weights = np.array([[0.0, 1.0, 2.0, 5.0, 8.0]]), rng.normal(size=(1, 5, 5))
    slopes = structure.slopes(delta, places)
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-6
        apart = structure.matrix(delta + step, places) - structure.matrix(delta - step, places)
        np.testing.assert_allclose(slopes[k], apart / 2e-6, atol=1e-8)
    pulled = structure.pulled(delta, places, weights)
    np.testing.assert_allclose(pulled, np.tensordot(slopes, weights, axes=3), atol=1e-12)


def drawn(seed: int) -> pd.DataFrame:
    """250 families; slopes go together by -.6, residuals of one moment by -.3."""
    ids = np.array([f"f{number:03d}" for number in range(250)])
    rows = measurement_rows(np.random.default_rng(seed), ids)
    rows = rows.rename(columns={"date": "months", "total": "score"})
    return stack(*(rows[rows["instrument"] == name] for name in ("burden", "strength")), lag=2.0)


def of_slopes(fit: MixedFit | None) -> Correlation:
    assert fit is not None
    return random_correlation(fit, "slope_1", "slope_2", level=0.95)


def test_slopes_that_go_together_are_found() -> None:
    found = of_slopes(fit_together(drawn(3), carries_over=False))
    assert found.conf_low < -0.6 < found.conf_high
    assert found.conf_high - found.conf_low < 0.4


def test_slopes_that_go_together_are_found_on_average_and_within_their_limits() -> None:
    """Without a correlation within the moment the model takes part of it for one of the slopes."""
    studies = [drawn(seed) for seed in range(100, 112)]
    found = [of_slopes(fit_together(rows, carries_over=False)) for rows in studies]
    mean = np.mean([each.estimate for each in found])
    # The estimates have a standard deviation of about .05: this is four standard errors of their mean.
    assert mean == pytest.approx(-0.6, abs=0.06)
    # Eight of twelve or fewer come by 2 in 1,000 at a coverage of 95 %.
    assert sum(each.conf_low < -0.6 < each.conf_high for each in found) >= 9
    fixed = "level_1 + level_2 + slope_1 + slope_2 + bend_1 + bend_2"
    formula = f"score ~ 0 + {fixed} + (0 + {' + '.join(EFFECTS)} | family)"
    apart = [of_slopes(fit_mixed(formula, rows, residual=APART, df="normal")) for rows in studies]
    assert np.mean([each.estimate for each in apart]) < mean - 0.04


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Claus and others (2020): 43 patients, BDI and HAMD at four waves, below each other."""
    parts = []
    for outcome in ("bdi", "hamd"):
        ids, table = claus(outcome)
        place, wave = np.nonzero(np.isfinite(table))
        months = wave.astype(float)
        parts.append(
            pd.DataFrame({"family": np.array(ids)[place], "months": months, "score": table[place, wave]})
        )
    rows = stack(*parts, lag=1.0)
    # The oracle counts waves, not years.
    return rows.assign(**{f"wave_{name}": rows[f"level_{name}"] * rows["months"] for name in ("1", "2")})


@pytest.mark.parametrize(
    ("name", "effects", "residual", "exact", "likely"),
    [
        ("independent_residuals", LEVELS, APART, 1e-4, 1e-6),
        ("correlated_residuals", LEVELS, TOGETHER, 1e-4, 1e-6),
        # Almost singular: the README of the oracles says 1 %, and the likelihood to 1e-3.
        ("intercepts_and_slopes", (*LEVELS, *WAVES), APART, 1e-2, 1e-3),
    ],
)
def test_stacked_outcomes_are_those_of_nlme(
    patients: pd.DataFrame,
    name: str,
    effects: tuple[str, ...],
    residual: ResidualStructure,
    exact: float,
    likely: float,
) -> None:
    wanted = known("bivariate_growth_claus")[name]
    formula = f"score ~ 0 + {' + '.join((*LEVELS, *WAVES))} + (0 + {' + '.join(effects)} | family)"
    fit = fit_mixed(formula, patients, residual=residual, df="normal")
    theirs = dict(zip((*LEVELS, *WAVES), ("dvbdi", "dvhamd", "dvbdi:t", "dvhamd:t"), strict=True))
    for ours, other in theirs.items():
        assert fit.fixed.loc[ours, "estimate"] == pytest.approx(wanted["fixef"][other], rel=exact)
        assert fit.fixed.loc[ours, "std_error"] == pytest.approx(wanted["se"][other], rel=exact)
    assert fit.log_likelihood >= wanted["loglik"] - likely
    found = covariance(fit.random, effects)
    sd = np.sqrt(np.diagonal(found))
    # The likelihood is flat in these: where it is as high as nlme's, they agree less closely.
    assert found / np.outer(sd, sd) == pytest.approx(correlations(wanted["random_cov"]), abs=5 * exact)
    assert sd == pytest.approx(np.sqrt(np.diagonal(wanted["random_cov"])), rel=5 * exact)
    if residual is TOGETHER:
        ratio, correlation = wanted["sd_ratio"]["hamd"], wanted["residual_correlation"]
        assert sorted(fit.solution.residual_parameters) == pytest.approx([correlation, ratio], rel=exact)


def test_the_model_of_both_is_that_of_nlme(patients: pd.DataFrame) -> None:
    """fit_together itself: slopes, bends and residuals that are correlated within the moment."""
    wanted = json.loads(NLME.read_text(encoding="utf-8"))
    fit = fit_together(patients, carries_over=False)
    assert fit is not None
    assert fit.log_likelihood == pytest.approx(wanted["log_likelihood"], abs=1e-5)
    for name, value in wanted["estimate"].items():
        assert fit.fixed.loc[name, "estimate"] == pytest.approx(value, rel=1e-4)
        assert fit.fixed.loc[name, "std_error"] == pytest.approx(wanted["std_error"][name], rel=1e-4)
    # nlme's search stops at 1e-10 of the likelihood: four digits of a covariance.
    assert tuple(wanted["random_names"]) == EFFECTS
    found = covariance(fit.random, EFFECTS)
    assert found == pytest.approx(np.array(wanted["random_covariance"]), rel=1e-3)
    expected = correlations(wanted["random_covariance"])
    for place, first in enumerate(EFFECTS):
        for other in range(place):
            pair = random_correlation(fit, first, EFFECTS[other], level=0.95)
            assert pair.estimate == pytest.approx(expected[place, other], abs=1e-3)
            assert pair.conf_low < pair.estimate < pair.conf_high


def covariance(random: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    found = np.full((len(names), len(names)), np.nan)
    for row in random.itertuples():
        i, j = names.index(row.term_1), names.index(row.term_2)
        found[i, j] = found[j, i] = row.covariance
    return found


def correlations(given: list[list[float]]) -> np.ndarray:
    matrix = np.array(given)
    sd = np.sqrt(np.diagonal(matrix))
    return matrix / np.outer(sd, sd)
