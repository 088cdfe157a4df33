"""Factors that cross within parts of the data only: the sums over the parts are what the whole is."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import CAR1, fit_mixed
from mpg_research.mixed.likelihood import separate_route
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.separate_route import SeparateRoute

FORMULA = "score ~ months + (1 + months | organisation:year) + (1 | worker) + (1 | family)"
SCALES = {"rtol": 1e-9, "atol": 1e-10}


def crossed_within(rng: np.random.Generator, *, organisations: int = 5) -> pd.DataFrame:
    """Workers and years cross within organisations; families lie in a year and change workers at times."""
    rows: list[dict[str, Any]] = []
    for organisation in range(organisations):
        of_worker, of_year = rng.normal(0, 1, 4), rng.normal(0, 1, (3, 2))
        for family in range(int(rng.integers(8, 15))):
            year, worker, level = rng.integers(3), rng.integers(4), rng.normal(0, 2)
            for month in range(int(rng.integers(2, 7))):
                worker = rng.integers(4) if rng.random() < 0.2 else worker
                mean = level + of_worker[worker] + of_year[year] @ (1, 0.2 * month)
                rows.append(
                    {
                        "organisation": f"o{organisation}", "year": f"y{year}", "months": float(month),
                        "worker": f"o{organisation}w{worker}", "family": f"o{organisation}f{family}",
                        "score": 20 + mean + rng.normal(),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=1).reset_index(drop=True)


def both_ways(data: pd.DataFrame, formula: str, method: str, residual: Any) -> tuple[Engine, Engine]:
    """The engine of one problem, as a whole and by parts."""
    with patch.object(separate_route, "FEWEST_COLUMNS", 10**9):
        whole = fit_mixed(formula, data, residual=residual).solution
        engine = Engine(whole.problem, method)  # type: ignore[arg-type]
    with patch.object(separate_route, "FEWEST_COLUMNS", 0):
        parts = Engine(whole.problem, method)  # type: ignore[arg-type]
    assert isinstance(engine.route, CrossedRoute)
    assert isinstance(parts.route, SeparateRoute)
    return engine, parts


@pytest.mark.parametrize("residual", [None, CAR1("months", within="family")])
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_everything_equals_the_whole(method: str, residual: Any) -> None:
    rng = np.random.default_rng(5)
    data = crossed_within(rng)
    formula = FORMULA
    if residual is not None:  # series must lie within the groups of the largest factor
        formula = formula.replace("(1 | family)", "(1 + months | family)")
        data["worker"] = data.groupby("family")["worker"].transform("first")
        data = data.drop_duplicates(["family", "months"])
        data.loc[data.index[::9], "worker"] = data["organisation"] + "w0"
    whole, parts = both_ways(data, formula, method, residual)
    assert len(parts.route.parts) >= 5
    for draw in range(4):
        internal = whole.start() * rng.uniform(0.2, 2.0, whole.start().size) + rng.normal(0, 0.1)
        if draw == 3:
            internal[: whole.n_theta] *= rng.random(whole.n_theta) > 0.4  # singular corners
        (state, found), (own_state, own) = whole.at(internal), parts.at(internal)
        np.testing.assert_allclose(own.deviance, found.deviance, rtol=1e-12)
        np.testing.assert_allclose(own.beta, found.beta, **SCALES)
        one, other = whole.value_and_gradient(internal), parts.value_and_gradient(internal)
        np.testing.assert_allclose(other[1], one[1], rtol=1e-8, atol=1e-8)
        weights = np.append(-found.beta, 1.0)
        for name, more in (
            ("slopes", (whole.inner(found),)), ("modes", (weights,)), ("scores", ()),
            ("informations", ()), ("posterior_variances", ()),
        ):  # fmt: skip
            expected = getattr(whole.route, name)(state, *more)
            got = getattr(parts.route, name)(own_state, *more)
            for term_expected, term_got in zip(expected, got, strict=True):
                np.testing.assert_allclose(term_got, term_expected, rtol=1e-7, atol=1e-8, err_msg=name)
        directions = whole.tangents(internal)
        expected = whole.derivatives(state, directions, internal)
        got = parts.derivatives(own_state, directions, internal)
        for name in ("p", "q", "trace", "trace_2"):
            np.testing.assert_allclose(
                getattr(got, name), getattr(expected, name), rtol=1e-7, atol=1e-7, err_msg=name
            )


def test_a_fit_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = crossed_within(np.random.default_rng(8), organisations=7)
    whole = fit_mixed(FORMULA, data, df="satterthwaite")
    assert isinstance(whole.solution.engine.route, CrossedRoute)
    monkeypatch.setattr(separate_route, "FEWEST_COLUMNS", 0)
    parts = fit_mixed(FORMULA, data, df="satterthwaite")
    assert isinstance(parts.solution.engine.route, SeparateRoute)
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(parts.solution.beta, whole.solution.beta, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(parts.solution.covariance, whole.solution.covariance, rtol=1e-3, atol=1e-7)


def test_what_hangs_together_stays_together() -> None:
    data = crossed_within(np.random.default_rng(2), organisations=4)
    data.loc[data["worker"] == "o1w0", "worker"] = "o0w0"  # one worker helps at two organisations
    with patch.object(separate_route, "FEWEST_COLUMNS", 0):
        problem = fit_mixed(FORMULA, data).solution.problem
        route = Engine(problem, "REML").route
    assert isinstance(route, SeparateRoute)
    assert sorted(len(rows) for rows in route.rows) == sorted(
        [
            int(data["organisation"].isin(["o0", "o1"]).sum()),
            *data["organisation"].value_counts()[["o2", "o3"]],
        ]
    )
