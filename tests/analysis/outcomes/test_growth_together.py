"""Two outcomes in one growth model: against R nlme, dense covariances, and a made-up truth."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.outcomes.growth_together import (
    EFFECTS,
    fit_together,
    random_correlation,
    stack,
)
from mpg_research.mixed import ResidualStructure, Unstructured, VarianceBy, fit_mixed
from mpg_research.statistics.two_outcomes.correlation_limits import Correlation
from mpg_research.statistics.two_outcomes.fit import Fitted
from tests.analysis.outcomes.outcome_studies import measurement_rows
from tests.statistics.change_oracles import claus
from tests.statistics.process_oracles import known

#: nlme 3.1-162 on the model of fit_together; script and output.
NLME = Path(__file__).parents[2] / "oracles" / "outcomes" / "growth_together.json"
LEVELS, WAVES = ("level_1", "level_2"), ("wave_1", "wave_2")
TOGETHER, APART = Unstructured("outcome", within="family:moment"), VarianceBy("outcome")


def drawn(seed: int) -> pd.DataFrame:
    """250 families; slopes go together by -.6, residuals of one moment by -.3."""
    ids = np.array([f"f{number:03d}" for number in range(250)])
    rows = measurement_rows(np.random.default_rng(seed), ids)
    rows = rows.rename(columns={"date": "months", "total": "score"})
    return stack(*(rows[rows["instrument"] == name] for name in ("burden", "strength")), lag=2.0)


def of_slopes(fit: Fitted | None) -> Correlation:
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
    apart = [fit_mixed(formula, rows, residual=APART, df="normal") for rows in studies]
    theirs = [correlations(covariance(each.random, EFFECTS).tolist())[0, 1] for each in apart]
    assert np.mean(theirs) < mean - 0.04


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
    assert -0.5 * fit.deviance == pytest.approx(wanted["log_likelihood"], abs=1e-5)
    beta, spread = fit.model.fixed(fit.vector)
    names = ("level_1", "level_2", "slope_1", "slope_2", "bend_1", "bend_2")
    for place, name in enumerate(names):
        assert beta[place] == pytest.approx(wanted["estimate"][name], rel=1e-4)
        assert np.sqrt(spread[place, place]) == pytest.approx(wanted["std_error"][name], rel=1e-4)
    # nlme's search stops at 1e-10 of the likelihood: four digits of a covariance.
    assert tuple(wanted["random_names"]) == EFFECTS
    assert fit.covariance == pytest.approx(np.array(wanted["random_covariance"]), rel=1e-3)
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
