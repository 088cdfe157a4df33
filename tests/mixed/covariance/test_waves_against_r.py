"""Compound symmetry and unstructured residuals against nlme: gls, and lme where random effects are beside."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import CompoundSymmetry, MixedFit, Unstructured, VarianceBy, fit_mixed

FOLDER = Path(__file__).resolve().parents[2] / "oracles" / "mixed"
STORED = json.loads((FOLDER / "mmrm.json").read_text())
DATA = pd.read_csv(FOLDER / "mmrm.csv")
# Both evaluate closed forms at the same parameters.
SAME = 1e-8
# nlme stops when the log-likelihood no longer changes by 1e-7 or so; the estimates lie within its root.
SEARCH = 3e-4

UN, CS = Unstructured("wave", within="family"), CompoundSymmetry(within="family")
FULL = "score ~ C(wave) * arm"
MODELS: dict[str, tuple[str, Any, Any]] = {
    "un_reml": (FULL, UN, "REML"),
    "un_ml": (FULL, UN, "ML"),
    "cs_reml": (FULL, CS, "REML"),
    "cs_ml": (FULL, CS, "ML"),
    "cs_negative": ("share ~ wave + arm", CS, "REML"),
    "csh_reml": (FULL, (CS, VarianceBy("wave")), "REML"),
    "un_nested": (f"{FULL} + (1 | organisation)", UN, "REML"),
    "cs_nested": (f"{FULL} + (1 | organisation)", CS, "REML"),
    "cs_slope": ("score ~ wave * arm + (0 + days | family)", CS, "REML"),
}


def fitted(name: str, **options: Any) -> MixedFit:
    formula, residual, method = MODELS[name]
    return fit_mixed(formula, DATA, residual=residual, method=method, **options)


def stored_theta(name: str) -> np.ndarray:
    """nlme's parameters in our order: the random standard deviation over sigma, correlations, ratios."""
    found = STORED[name]
    random = [sd / found["sigma"] for sd in found.get("random_sd", {}).values()]
    return np.concatenate(
        [random, np.atleast_1d(found["correlation"]), np.atleast_1d(found.get("ratio") or [])]
    )


def standard_errors(fit: MixedFit, name: str) -> np.ndarray:
    """As nlme has them: gls by ML divides by the rows less the fixed effects all the same."""
    n, p = fit.n_observations, len(fit.fixed)
    factor = n / (n - p) if MODELS[name][2] == "ML" else 1.0
    return np.asarray(np.sqrt(factor * np.diagonal(fit.solution.covariance)))


@pytest.mark.parametrize("name", MODELS)
def test_at_the_parameters_of_nlme(name: str) -> None:
    stored = STORED[name]
    there = fitted(name, theta=stored_theta(name))
    assert there.log_likelihood == pytest.approx(stored["loglik"], abs=SAME)
    assert there.residual_sd == pytest.approx(stored["sigma"], rel=1e-6)
    assert there.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=1e-6)
    assert standard_errors(there, name) == pytest.approx(stored["se"], rel=1e-6)
    assert there.residuals("pearson").to_numpy()[:12] == pytest.approx(stored["pearson"], rel=1e-5, abs=1e-6)
    if name.startswith("un"):  # nlme frees residuals of compound symmetry by another root of the same matrix
        normalised = there.residuals("normalised").to_numpy()[:12]
        assert normalised == pytest.approx(stored["normalised"], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_search_ends_where_that_of_nlme_does(name: str) -> None:
    stored, fit = STORED[name], fitted(name)
    assert fit.convergence
    assert fit.log_likelihood > stored["loglik"] - SAME
    assert fit.log_likelihood == pytest.approx(stored["loglik"], abs=1e-5)
    found = np.concatenate([fit.random["sd"] / fit.residual_sd, list(fit.residual_parameters.values())])
    assert found == pytest.approx(stored_theta(name), rel=SEARCH, abs=1e-4)
    assert fit.residual_sd == pytest.approx(stored["sigma"], rel=SEARCH)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=SEARCH, abs=1e-4)
    assert standard_errors(fit, name) == pytest.approx(stored["se"], rel=SEARCH)


def test_a_random_intercept_is_compound_symmetry_that_is_positive() -> None:
    fit, other = fitted("cs_reml"), fit_mixed(f"{FULL} + (1 | family)", DATA)
    assert fit.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-7)
    (correlation,) = fit.residual_parameters.values()
    assert correlation == pytest.approx(float(other.icc()["icc"].iloc[0]), rel=1e-5)
    columns = ["estimate", "std_error", "df"]
    assert fit.fixed[columns].to_numpy() == pytest.approx(other.fixed[columns].to_numpy(), rel=1e-4)
    kenward, roger = (
        fit_mixed(formula, DATA, residual=residual, df="kenward-roger").fixed[columns].to_numpy()
        for formula, residual in ((FULL, CS), (f"{FULL} + (1 | family)", None))
    )
    assert kenward == pytest.approx(roger, rel=1e-4)
    # and where it is negative a random intercept ends at zero
    negative = fitted("cs_negative")
    (correlation,) = negative.residual_parameters.values()
    assert -1 / 3 < correlation < -0.2
    intercept = fit_mixed("share ~ wave + arm + (1 | family)", DATA)
    assert intercept.random["sd"].iloc[0] == 0
    assert negative.log_likelihood > intercept.log_likelihood + 10
