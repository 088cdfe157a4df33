"""Residual parameters at an end of what they can be: standard errors there, and on the way there."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, fit_mixed
from mpg_research.mixed.inference.satterthwaite_kenward_roger import kenward_roger

# Kenward-Roger adds a small-sample term to Satterthwaite's standard error: with 30 families a few per cent.
ADJUSTMENT = 0.05
CAR = CAR1("months", within="family")


def draw(seed: int, *, n: int = 30, waves: int = 6, jitter: float = 0.15, phi: float = 0.0) -> pd.DataFrame:
    """Families with a level of their own and residuals whose correlation is phi^|months|."""
    rng = np.random.default_rng(seed)
    months = np.tile(np.arange(float(waves)), (n, 1)) + rng.normal(0, jitter, (n, waves))
    noise = rng.normal(size=(n, waves))
    for t in range(1, waves):
        a = np.sign(phi) * np.abs(phi) ** (months[:, t] - months[:, t - 1]) if phi else np.zeros(n)
        noise[:, t] = a * noise[:, t - 1] + np.sqrt(1 - a * a) * noise[:, t]
    score = 20 + rng.normal(0, 4, n)[:, None] - 0.4 * months + 2 * noise
    data = pd.DataFrame({"family": np.repeat(np.arange(n), waves), "months": months.ravel()})
    data["wave"] = np.tile(np.arange(waves), n)
    data["arm"] = np.where(data["family"] % 2 == 0, "a", "b")
    data["score"] = score.ravel()
    return data[rng.uniform(size=len(data)) > 0.1].reset_index(drop=True)


def both(data: pd.DataFrame, residual: Any, formula: str = "score ~ months * arm + (1 | family)") -> MixedFit:
    """The Kenward-Roger fit, after comparing its standard errors with Satterthwaite's."""
    fit = fit_mixed(formula, data, residual=residual, df="kenward-roger")
    plain = np.sqrt(np.diagonal(fit.solution.covariance))
    ratio = fit.fixed["std_error"].to_numpy() / plain
    assert np.all(np.abs(ratio - 1) < ADJUSTMENT), (ratio, fit.residual_parameters)
    assert np.all(fit.fixed["df"] > 5)
    return fit


@pytest.mark.parametrize("phi", [0.0, 0.05, 0.6])
def test_standard_errors_are_those_of_satterthwaite_but_for_a_few_per_cent(phi: float) -> None:
    """Independent residuals give a correlation of zero in about half of the draws, or one near it."""
    at_zero = 0
    for seed in range(16):
        fit = both(draw(seed, phi=phi), CAR)
        zero = "zero_correlation" in [note.code for note in fit.notes]
        at_zero += zero
        if zero:
            alone = fit_mixed("score ~ months * arm + (1 | family)", draw(seed, phi=phi), df="kenward-roger")
            close = alone.fixed[["estimate", "std_error", "df"]].to_numpy()
            assert fit.fixed[["estimate", "std_error", "df"]].to_numpy() == pytest.approx(close, rel=0.02)
    assert (at_zero > 0) == (phi < 0.1)


@pytest.mark.parametrize(
    "structure",
    [
        AR1("wave", within="family"),
        AR1("double", within="family"),
        (CAR, VarianceBy("arm")),
        (AR1("double", within="family"), VarianceBy("phase")),
    ],
    ids=str,
)
def test_other_structures_without_correlation(structure: Any) -> None:
    for seed in range(6):
        data = draw(seed)
        data["double"] = 2 * data["wave"]
        data["phase"] = np.where(data["wave"] < 2, "early", "late")
        both(data, structure)


def test_a_few_pairs_much_nearer_than_the_others() -> None:
    """A correlation that only some pairs carry is hardly known: its curvature must not count."""
    for seed in range(8):
        data = draw(seed, jitter=0.0)
        near = data.sample(6, random_state=seed).index
        data.loc[near, "months"] += 0.9
        data["score"] += 0.01 * data["months"]
        both(data, CAR)


@pytest.mark.parametrize("names", [("usual", "zz"), ("usual", "aa")])
def test_a_stratum_that_other_effects_take_up_is_left_out(names: tuple[str, str]) -> None:
    """A stratum of two rows with an effect of their own each: whatever its variance, nothing else changes."""
    data = draw(3)
    data["first"], data["second"] = (data.index == 7).astype(float), (data.index == 8).astype(float)
    data["phase"] = np.where(data["first"] + data["second"] == 1, names[1], names[0])
    formula = "score ~ months * arm + first + second + (1 | family)"
    alone = fit_mixed(formula, data, df="kenward-roger")
    fit = fit_mixed(
        formula, data, residual=VarianceBy("phase"), df="kenward-roger", theta=[*alone.theta, 1.0]
    )
    if names[0] < names[1]:
        assert kenward_roger(fit.solution).information.kept.tolist() == [True, False, True]
    terms = [name for name in alone.fixed.index if "months" in name or "arm" in name]
    assert len(terms) == 3
    wanted = alone.fixed.loc[terms, ["std_error", "df"]].to_numpy()
    assert fit.fixed.loc[terms, ["std_error", "df"]].to_numpy() == pytest.approx(wanted, rel=1e-6)


def test_the_adjustment_is_continuous_down_to_zero() -> None:
    data = draw(4)
    base = fit_mixed("score ~ months * arm + (1 | family)", data, df="kenward-roger")
    errors = []
    for phi in (0.0, 1e-9, 1e-6, 1e-4, 1e-3, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.08, 0.1):
        fit = fit_mixed(
            "score ~ months * arm + (1 | family)",
            data,
            residual=CAR,
            df="kenward-roger",
            theta=[*base.theta, phi],
        )
        plain = np.sqrt(np.diagonal(fit.solution.covariance))
        errors.append(fit.fixed["std_error"].to_numpy() / plain)
    assert errors[0] == pytest.approx(
        base.fixed["std_error"] / np.sqrt(np.diagonal(base.solution.covariance))
    )
    assert np.max(np.abs(np.diff(np.array(errors), axis=0))) < 0.01


def test_a_correlation_near_one_does_not_blow_up() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        data = draw(seed, n=40)
        steps = rng.normal(0, 1.0, len(data)) * np.sqrt(data.groupby("family")["months"].diff().fillna(1.0))
        data["score"] = 20 + steps.groupby(data["family"]).cumsum() - 0.3 * data["months"]
        both(data, CAR)
        both(data, AR1("wave", within="family"))
