"""Residual structures through fit_mixed: against nlme, and the rows' formulas against dense matrices."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from mpg_research.errors import ModelError
from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, compare_fits, fit_mixed
from tests.mixed import dense
from tests.mixed.oracle_models import ORACLES, needs_oracles, reference

MODELS = reference("nlme.json")
# nlme stops its search at about 1e-6 in the log-likelihood.
LIKELIHOOD = 1e-4
ESTIMATE = 1e-3
# Closed forms on both sides; the dense ones invert matrices of the size of the data.
DENSE = 1e-6

FORMULAS = {
    "orthodont_lme_ri": ("distance ~ age * Sex + (1 | Subject)", None),
    "orthodont_lme_rs": ("distance ~ age * Sex + (age | Subject)", None),
    "orthodont_varIdent": ("distance ~ age * Sex + (1 | Subject)", VarianceBy("Sex")),
    "orthodont_varIdent_rs": ("distance ~ age * Sex + (age | Subject)", VarianceBy("Sex")),
    "ovary": (
        "follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time) + (sin(2 * pi * Time) || Mare)",
        None,
    ),
    "sleep_ar1": ("Reaction ~ Days + (1 | Subject)", AR1("Days", within="Subject")),
    "bodyweight": ("weight ~ Time * C(Diet) + (Time | Rat)", None),
}


def fitted(name: str) -> MixedFit:
    assert ORACLES is not None
    data = pd.read_csv(ORACLES / MODELS[name]["csv"])
    data["row"] = np.arange(len(data))
    key = max((key for key in FORMULAS if name.lower().startswith(key.lower())), key=len)
    formula, residual = FORMULAS[key]
    if name.endswith("car1"):
        residual = CAR1("Time", within="Rat")
    elif name.endswith("ar1") and key == "ovary":
        residual = AR1("row", within="Mare")
    chosen = {"Sex": "Male"} if "Sex" in formula else None
    return fit_mixed(formula, data, residual=residual, reference=chosen)


@needs_oracles
@pytest.mark.parametrize("name", sorted(MODELS))
def test_agrees_with_nlme(name: str) -> None:
    model = MODELS[name]
    fit = fitted(name)
    assert fit.log_likelihood >= model["logLik"] - LIKELIHOOD
    assert fit.log_likelihood == pytest.approx(model["logLik"], abs=1e-3)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(list(model["fixef"].values()), rel=ESTIMATE)
    assert fit.fixed["std_error"].to_numpy() == pytest.approx(list(model["se"].values()), rel=ESTIMATE)
    assert fit.aic == pytest.approx(model["AIC"], abs=2e-3)
    assert fit.objective(fit.theta) == pytest.approx(fit.deviance, rel=1e-10)
    if "cor" in model:
        assert next(iter(fit.residual_parameters.values())) == pytest.approx(model["cor"]["Phi"], abs=1e-3)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    rows = []
    for family in range(14):
        months = np.sort(rng.choice(np.arange(0, 24, 0.5), 6, replace=False))
        noise = rng.normal(0, 1.5 if family % 2 else 0.8, 6)
        for step in range(1, 6):
            noise[step] += 0.6 * noise[step - 1]
        y = 10 + 0.2 * months + rng.normal(0, 1.5) + noise
        rows += [
            (f"F{family}", "ab"[family % 2], m, wave, v)
            for wave, (m, v) in enumerate(zip(months, y, strict=True))
        ]
    frame = pd.DataFrame(rows, columns=["family", "arm", "months", "wave", "y"])
    frame["phase"] = np.where(frame["wave"] < 3, "early", "late")
    frame["weight"] = rng.uniform(0.5, 2.0, len(frame))
    return frame.sample(frac=1, random_state=1).reset_index(drop=True)


STRUCTURES = {
    "ar1": AR1("wave", within="family"),
    "car1": CAR1("months", within="family"),
    "variance": VarianceBy("arm"),
    "ar1 and variance": (AR1("wave", within="family"), VarianceBy("arm")),
    "car1 and variance": (VarianceBy("phase"), CAR1("months", within="family")),
}
FORMULA = "y ~ months + (1 | family)"


def relative_residual(fit: MixedFit, data: pd.DataFrame, structure: Any) -> np.ndarray:
    """R by its definition, weights included."""
    values = list(fit.residual_parameters.values())
    r, root = np.eye(len(data)), 1 / np.sqrt(data["weight"].to_numpy())
    for part in structure if isinstance(structure, tuple) else (structure,):
        if isinstance(part, VarianceBy):
            root = root * np.where(data[part.column].isin(["b", "late"]), values[-1], 1.0)
        else:
            time = data[part.columns[0]].to_numpy(float)
            same = data["family"].to_numpy()[:, None] == data["family"].to_numpy()
            r = np.where(same, values[0] ** np.abs(time[:, None] - time), 0.0)
    return root[:, None] * r * root


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_rows_match_the_dense_formulas(data: pd.DataFrame, name: str) -> None:
    structure = STRUCTURES[name]
    fit = fit_mixed(FORMULA, data, residual=structure, weights="weight")
    r = relative_residual(fit, data, structure)
    problem, sigma2 = fit.problem, fit.residual_sd**2
    z = dense.expand(problem.random[0])
    g = float(fit.random["covariance"].iloc[0])
    v = sigma2 * r + g * z @ z.T
    inverse = np.linalg.inv(v)
    covariance = np.linalg.inv(problem.x.T @ inverse @ problem.x)
    beta = covariance @ problem.x.T @ inverse @ problem.y
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(beta, rel=DENSE)
    assert fit.solution.covariance == pytest.approx(covariance, rel=DENSE)
    rest = problem.y - problem.x @ beta
    modes = g * z.T @ inverse @ rest
    assert fit.random_effects("family").modes.ravel() == pytest.approx(modes, rel=DENSE, abs=1e-9)
    conditional = rest - z @ modes
    assert fit.residuals().to_numpy() == pytest.approx(conditional, rel=DENSE, abs=1e-9)
    pearson = conditional / np.sqrt(sigma2 * np.diagonal(r))
    assert fit.residuals("pearson").to_numpy() == pytest.approx(pearson, rel=DENSE, abs=1e-9)
    normalised = fit.residuals("normalised").to_numpy()
    assert normalised @ normalised == pytest.approx(conditional @ np.linalg.inv(sigma2 * r) @ conditional)
    found = fit.predict(random_effects="all", interval="confidence")["std_error"].to_numpy() ** 2
    truth = dense.DenseFit(beta, covariance, sigma2, 0.0, v, ((z, g * np.eye(z.shape[1])),))
    for row in (0, 17, 60):
        wanted = dense.prediction_variance(problem, truth, problem.x[row], [z[row]])
        assert found[row] == pytest.approx(wanted, rel=1e-5)
    draws = fit.simulate(6000, rng=2) - problem.x @ beta
    pairs = np.cov(draws.T)[:3, :3]
    # The sd of a covariance from 6,000 draws is below 2 % of the variances.
    assert pairs == pytest.approx(v[:3, :3], abs=0.08 * v.diagonal().max())


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_influence_is_what_leaving_out_does(data: pd.DataFrame, name: str) -> None:
    fit = fit_mixed(FORMULA, data, residual=STRUCTURES[name])
    rest = data[data["family"] != "F3"]
    again = fit_mixed(FORMULA, rest, residual=STRUCTURES[name], theta=fit.theta, df="normal")
    change = (again.fixed["estimate"] - fit.fixed["estimate"]) / np.sqrt(np.diagonal(fit.solution.covariance))
    ours = fit.influence("family").loc["F3", [f"change[{term}]" for term in fit.fixed.index]]
    assert ours.to_numpy(float) == pytest.approx(change.to_numpy(), rel=1e-5, abs=1e-8)


def test_a_new_row_gets_the_variance_of_its_stratum(data: pd.DataFrame) -> None:
    fit = fit_mixed(FORMULA, data, residual=VarianceBy("arm"))
    ratio = next(iter(fit.residual_parameters.values()))
    new = pd.DataFrame({"months": [3.0, 3.0], "arm": ["a", "b"]})
    confidence = fit.predict(new, interval="confidence")["std_error"] ** 2
    prediction = fit.predict(new, interval="prediction")["std_error"] ** 2
    family = fit.random["covariance"].iloc[0]
    wanted = fit.residual_sd**2 * np.array([1, ratio**2]) + family
    assert (prediction - confidence).to_numpy() == pytest.approx(wanted, rel=1e-8)
    with pytest.raises(ModelError, match="unknown"):
        fit.predict(new.assign(arm="c"), interval="prediction")
    with pytest.raises(ModelError, match="do not have"):
        fit.predict(new[["months"]], interval="prediction")


def test_a_structure_is_compared_with_independence(data: pd.DataFrame) -> None:
    plain = fit_mixed(FORMULA, data)
    serial = fit_mixed(FORMULA, data, residual=STRUCTURES["ar1"])
    found = compare_fits(plain, serial)
    assert found.df == 1
    assert found.statistic == pytest.approx(plain.deviance - serial.deviance)
    with pytest.raises(ModelError, match="different residual structures"):
        compare_fits(fit_mixed("y ~ 1 + (1 | family)", data, residual=STRUCTURES["car1"]), serial)


def test_missing_waves_and_wrong_structures(data: pd.DataFrame) -> None:
    holes = data.assign(wave=data["wave"].where(data.index > 4))
    fit = fit_mixed(FORMULA, holes, residual=STRUCTURES["ar1"])
    assert fit.n_dropped == 5
    with pytest.raises(ModelError, match="which the data do not have"):
        fit_mixed(FORMULA, data, residual=AR1("visit", within="family"))
    with pytest.raises(ModelError, match="residual must be"):
        fit_mixed(FORMULA, data, residual="AR1")
    assert "correlation of neighbouring waves" in fit.summary()
    assert "correlation of neighbouring waves" in fit.bootstrap(5, rng=1).frame.index


def _deviance(fit: MixedFit, serial: float, log_theta: float) -> float:
    return fit.objective([np.exp(log_theta), serial])


def test_profile_holds_with_a_structure(data: pd.DataFrame) -> None:
    fit = fit_mixed(FORMULA, data, residual=STRUCTURES["ar1"], method="ML")
    found = fit.profile()
    name = "correlation of neighbouring waves"
    assert found.loc[name, "conf_low"] < fit.residual_parameters[name] < found.loc[name, "conf_high"]
    for limit in ("conf_low", "conf_high"):
        serial = found.loc[name, limit]
        held = minimize_scalar(partial(_deviance, fit, serial), bracket=(-2.0, 0.5))
        assert held.fun - fit.deviance == pytest.approx(3.8415, abs=0.01)
        value = found.loc["months", limit]
        moved = fit_mixed(
            "moved ~ 1 + (1 | family)",
            data.assign(moved=data["y"] - value * data["months"]),
            residual=STRUCTURES["ar1"],
            method="ML",
        )
        # The chi-square quantile at 95 % with one degree of freedom.
        assert moved.deviance - fit.deviance == pytest.approx(3.8415, abs=0.01)
