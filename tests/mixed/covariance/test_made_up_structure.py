"""A structure that nobody thought of: one class, written here, and everything a fit can be asked follows."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from mpg_research.mixed import SeriesStructure, VarianceBy, fit_mixed
from mpg_research.mixed.covariance.structures import bind_residual
from tests.mixed.dense_checks import EXACT, differences
from tests.mixed.random_models import RandomModel, random_model

Array = NDArray[Any]
# Derivatives by differences of order four, and differences of these.
FIRST, SECOND = 1e-7, 1e-5


@dataclass(frozen=True)
class Growing(SeriesStructure):
    """Correlations that fall off as the square of the time between; a spread that grows with time."""

    position: str
    within: str
    names = ("nearness", "growth")

    def natural(self, delta: Array) -> Array:
        return np.array([0.9 / (1.0 + np.exp(-delta[0])), delta[1]])

    def from_natural(self, values: Array) -> Array:
        return np.array([np.log(values[0] / (0.9 - values[0])), values[1]])

    def matrix(self, delta: Array, places: Array) -> Array:
        return growing(self.natural(delta), places)


def growing(values: Array, places: Array) -> Array:
    """The matrix of a series, or of many."""
    near, growth = values
    apart = places[..., :, None] - places[..., None, :]
    grown = np.exp(growth * (places[..., :, None] + places[..., None, :]))
    return np.asarray(grown * np.where(apart == 0, 1.0, near * np.exp(-(apart**2))))


def with_growing(model: RandomModel, seed: int, *, stratum: bool) -> RandomModel:
    """The model with the made-up structure for its residuals."""
    rng = np.random.default_rng(seed)
    family = model.plain.random[0].codes
    n = family.size
    place, sex = rng.permutation(n) / 7.0, rng.permutation(np.arange(n) % 2)
    parts: tuple[Any, ...] = (Growing("place", within="family"),)
    parameters = np.array([rng.uniform(0.1, 0.8), rng.normal(0, 0.2)])
    if stratum:
        parts, parameters = (*parts, VarianceBy("sex")), np.append(parameters, 1.7)
    bound = bind_residual(parts, {"place": place, "family": family, "sex": sex})

    def matrix(values: Array) -> Array:
        found = np.where(family[:, None] == family, growing(values[:2], place), 0.0)
        sd = np.where(sex == 1, values[2] if stratum else 1.0, 1.0)
        return np.asarray(found * np.outer(sd, sd))

    n_theta = sum(factor.size for factor in (model.plain_theta,))
    return replace(
        model,
        problem=replace(model.problem, residual=bound),
        plain=replace(model.plain, residual=bound),
        theta=np.append(model.theta[:n_theta], parameters),
        residual=matrix,
        residual_parameters=parameters,
    )


@pytest.mark.parametrize("stratum", [False, True])
@pytest.mark.parametrize("layout", ["one level", "three nested", "no random effects"])
def test_everything_equals_the_dense_formulas(layout: str, stratum: bool) -> None:
    wrong = []
    for seed in range(7300, 7303):
        made = with_growing(random_model(seed, layout=layout, structure="none"), seed, stratum=stratum)
        for name, value in differences(made).items():
            limit = SECOND if "observed" in name else FIRST if "gradient" in name or "der" in name else EXACT
            limit = FIRST if "expected" in name else limit
            if not value < limit:
                wrong.append(f"{name} off by {value:.1e} in {made.label}")
    assert wrong == []


def courses() -> pd.DataFrame:
    """Synthetic courses of 40 families that spread more and more."""
    rng = np.random.default_rng(3)
    rows = []
    for family in range(40):
        place = np.sort(rng.uniform(0, 4, rng.integers(2, 7)))
        noise = np.linalg.cholesky(growing(np.array([0.6, 0.15]), place)) @ rng.normal(size=place.size)
        rows += [
            (f"F{family}", "ab"[family % 2], t, 20 - t + 2 * e) for t, e in zip(place, noise, strict=True)
        ]
    data = pd.DataFrame(rows, columns=["family", "arm", "place", "score"])
    return data.sample(frac=1, random_state=1).reset_index(drop=True)


def test_it_is_fitted_and_asked_like_any_other() -> None:
    data = courses()
    fit = fit_mixed("score ~ place * arm", data, residual=Growing("place", within="family"), method="ML")
    assert fit.convergence
    x, y = fit.problem.x, fit.problem.y
    family, place = data["family"].to_numpy(), data["place"].to_numpy()

    def dense(values: Array) -> tuple[float, Array, Array, float]:
        r = np.where(family[:, None] == family, growing(values, place), 0.0)
        inverse = np.linalg.inv(r)
        phi = np.linalg.inv(x.T @ inverse @ x)
        beta = phi @ x.T @ inverse @ y
        sigma2 = float((y - x @ beta) @ inverse @ (y - x @ beta)) / len(y)
        value = np.linalg.slogdet(r)[1] + len(y) * (1 + np.log(2 * np.pi * sigma2))
        return float(value), beta, phi, sigma2

    best = minimize(
        lambda at: dense(np.array([0.9 / (1 + np.exp(-at[0])), at[1]]))[0], [0.5, 0.1], method="BFGS"
    )
    assert fit.deviance == pytest.approx(best.fun, abs=1e-6)
    assert fit.deviance <= best.fun + 1e-9
    values = np.array(list(fit.residual_parameters.values()))
    assert tuple(fit.residual_parameters) == ("nearness", "growth")
    _, beta, phi, sigma2 = dense(values)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(beta, rel=1e-8)
    assert fit.solution.covariance == pytest.approx(sigma2 * phi, rel=1e-6)
    # a new observation
    new = pd.DataFrame({"place": [0.0, 3.0], "arm": "b"})
    predicted = fit.predict(new, interval="prediction")
    row = np.array([1.0, 3.0, 1.0, 3.0])
    wanted = row @ (sigma2 * phi) @ row + sigma2 * np.exp(2 * values[1] * 3.0)
    assert predicted["std_error"].iloc[1] ** 2 == pytest.approx(wanted, rel=1e-8)
    # standardised residuals are free of it
    r = np.where(family[:, None] == family, growing(values, place), 0.0)
    rest = y - x @ beta
    assert np.sum(fit.residuals("normalised") ** 2) == pytest.approx(rest @ np.linalg.inv(r) @ rest / sigma2)
    drawn = fit.simulate(4000, rng=1) - x @ beta
    own = family == "F0"
    assert np.cov(drawn[:, own].T) / sigma2 == pytest.approx(r[np.ix_(own, own)], abs=0.25)
    assert list(fit.bootstrap(10, rng=2).frame.index[-2:]) == ["nearness", "growth"]
    for rule in ("satterthwaite", "kenward-roger"):
        again = fit_mixed("score ~ place * arm", data, residual=Growing("place", within="family"), df=rule)  # type: ignore[arg-type]
        assert np.all(again.fixed["df"].between(10, len(data)))
    assert "nearness" in fit.summary()
    assert fit.influence("family").shape[0] == 40
