"""The combinations of coefficients that means are: against means, standard errors, averaged predictions."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import MixedFit, fit_mixed

FORMULAS = (
    "score ~ months * arm + age + (1 | family)",
    "score ~ cr(months, knots=(0, 3, 9)) * arm + sex + months:sex + (1 + months | family)",
    "score ~ arm + sex + arm:sex + log1p(months) + age:arm + (1 | family)",
    # twice the same column: what moves one without the other cannot be estimated
    "score ~ months + arm + age + months_again + (1 | family)",
)


def measured(seed: int) -> pd.DataFrame:
    """Families of unequal size in arms of unequal size."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for family in range(60):
        arm, sex, age = (
            rng.choice(["a", "b", "c"], p=[0.5, 0.3, 0.2]),
            rng.choice(["m", "v"]),
            rng.normal(8, 3),
        )
        own = rng.normal(0, 2)
        for month in range(int(rng.integers(2, 11))):
            rows.append(
                {
                    "family": f"f{family}", "months": float(month), "months_again": 2.0 * month, "arm": arm,
                    "sex": sex, "age": age, "score": 20 - 0.3 * month + own + rng.normal(),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module", params=range(len(FORMULAS)))
def fit(request: pytest.FixtureRequest) -> MixedFit:
    return fit_mixed(FORMULAS[request.param], measured(request.param))


def questions(fit: MixedFit) -> list[tuple[list[str], dict[str, Any]]]:
    known = {column.name for column in fit.design.fixed_columns}
    asked: list[tuple[list[str], dict[str, Any]]] = [
        (["arm"], {"months": [0.0, 4.5, 9.0]}),
        (["months"], {"months": [1.0, 2.0]}),
        (["arm", "sex"], {"months": [3.0]}),
        (["arm"], {"arm": ["c", "a"]}),
    ]
    return [each for each in asked if {*each[0], *each[1]} <= known]


def test_they_give_the_means_and_their_standard_errors(fit: MixedFit) -> None:
    covariance = fit.inference.covariance
    for variables, at in questions(fit):
        rows = fit.mean_combinations(variables, at=at)
        means = fit.means(variables, at=at).frame
        assert rows.shape == (len(means), len(fit.inference.beta))
        np.testing.assert_allclose(rows @ fit.inference.beta, means["estimate"], rtol=1e-9)
        spread = np.sqrt(np.einsum("ip,pq,iq->i", rows, covariance, rows))
        np.testing.assert_allclose(spread, means["std_error"], rtol=1e-7)


def test_they_are_predictions_averaged_over_all_categories_alike(fit: MixedFit) -> None:
    data = measured(FORMULAS.index(fit.formula))
    columns = {column.name: column.kind for column in fit.design.fixed_columns}
    for variables, at in questions(fit):
        rows = fit.mean_combinations(variables, at=at)
        means = fit.means(variables, at=at).frame
        others = [
            name for name, kind in columns.items() if kind != "numeric" and name not in {*variables, *at}
        ]
        numbers = [name for name, kind in columns.items() if kind == "numeric" and name not in means.columns]
        levels = [sorted(data[name].unique()) for name in others]
        for row, (_, mean) in zip(rows, means.iterrows(), strict=True):
            grid = pd.DataFrame(list(product(*levels)), columns=others)
            grid = grid.assign(**{name: mean[name] for name in {*variables, *at}})
            grid = grid.assign(**{name: data[name].mean() for name in numbers})
            grid = grid.reset_index(drop=True)
            by_hand = fit.predict(grid)["estimate"].mean(skipna=False)
            assert row @ fit.inference.beta == pytest.approx(by_hand, rel=1e-8, nan_ok=True)
