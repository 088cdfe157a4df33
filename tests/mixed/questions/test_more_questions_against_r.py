"""Indicators, only terms, logicals and cluster-robust errors: against emmeans, lmerTest and clubSandwich.

The reference values come from questions.R in tests/oracles/mixed, on the synthetic data beside it.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, MixedFit, VarianceBy, fit_mixed

HERE = Path(__file__).resolve().parents[2] / "oracles" / "mixed"
STORED: dict[str, Any] = json.loads((HERE / "questions.json").read_text())

# At R's theta the same closed forms are computed in another order of operations.
SAME = 1e-7
# lmerTest differentiates numerically.
DF = 1e-5


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    data = pd.read_csv(HERE / "families.csv")
    data["girl"] = (data["sex"] == "girl").astype(float)
    data["late"] = data["months"] > 5
    data["wave"] = data.groupby("family").cumcount() + 1
    return data


def at_stored(name: str, formula: str, data: pd.DataFrame, **options: Any) -> MixedFit:
    return fit_mixed(formula, data, theta=np.atleast_1d(STORED[name]["theta"]), **options)


@pytest.mark.parametrize("weights", ["equal", "proportional"])
def test_an_indicator_counts_as_two_levels_in_means(data: pd.DataFrame, weights: Any) -> None:
    fit = at_stored("indicator", "score ~ months * organisation + girl + (1 | family)", data)
    ours = fit.means("organisation", weights=weights).frame
    theirs = pd.DataFrame(STORED["indicator"][weights])
    assert ours["organisation"].tolist() == theirs["organisation"].tolist()
    for mine, yours in (("estimate", "emmean"), ("std_error", "SE"), ("conf_low", "lower.CL")):
        assert ours[mine].to_numpy() == pytest.approx(theirs[yours].to_numpy(), rel=SAME)
    assert ours["df"].to_numpy() == pytest.approx(theirs["df"].to_numpy(), rel=DF)
    focal = fit.means("girl", weights="equal").frame
    assert focal["girl"].tolist() == [0.0, 1.0]
    theirs = pd.DataFrame(STORED["indicator"]["focal"])
    assert focal["estimate"].to_numpy() == pytest.approx(theirs["emmean"].to_numpy(), rel=SAME)


@pytest.mark.parametrize(
    ("name", "formula", "options"),
    [
        ("only_term", "score ~ organisation + (1 | family)", {"weights": "precision"}),
        ("logical", "score ~ months * late + organisation + (1 | family)", {}),
    ],
)
def test_type_three_tests(data: pd.DataFrame, name: str, formula: str, options: dict[str, Any]) -> None:
    stored = STORED[name]
    ours = at_stored(name, formula, data, **options).tests()
    assert ours.index.tolist() == stored["term"]
    assert ours["statistic"].to_numpy() == pytest.approx(stored["f"], rel=SAME)
    assert ours["df"].tolist() == stored["df"]
    assert ours["df_denominator"].to_numpy() == pytest.approx(stored["denominator"], rel=DF)


ROBUST = {
    "robust_nested": ("score ~ months * sex + age + (1 | organisation / worker)", "organisation", None),
    "robust_family": ("score ~ months * organisation + age + (1 + months | family)", "family", None),
    "robust_variance": ("score ~ months * organisation + age + (1 | family)", "family", VarianceBy("sex")),
    "robust_serial": (
        "score ~ months + organisation + (1 | family)",
        "family",
        AR1("wave", within="family"),
    ),
}


@pytest.mark.parametrize("kind", ["CR0", "CR2"])
@pytest.mark.parametrize("name", ROBUST)
def test_cluster_robust_errors_are_those_of_clubsandwich(data: pd.DataFrame, name: str, kind: Any) -> None:
    formula, group, residual = ROBUST[name]
    fit = at_stored(name, formula, data, residual=residual)
    ours, stored = fit.cluster_robust(group, kind=kind), STORED[name][kind]
    covariance = np.array(stored["covariance"])
    assert ours["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diagonal(covariance)), rel=SAME)
    assert ours["df"].to_numpy() == pytest.approx(stored["df"], rel=SAME)
    assert ours["p_value"].to_numpy() == pytest.approx(stored["p_value"], rel=1e-6)
    # a difference takes the covariances with it
    weights = np.eye(len(ours))[1] - np.eye(len(ours))[2]
    both = fit.cluster_robust(group, kind=kind, combinations=weights)
    assert both["std_error"][0] == pytest.approx(np.sqrt(weights @ covariance @ weights), rel=SAME)
