"""Logistic regressions against R (geepack, glm, a maximised penalised likelihood), and where none exist."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.statistics.logistic import clustered_logistic, penalised_logistic
from mpg_research.statistics.multiplicity import benjamini_hochberg, holm

ORACLE = Path(__file__).parents[1] / "oracles" / "analysis"
REFERENCE = json.loads((ORACLE / "logistic.json").read_text(encoding="utf-8"))
# Both sides come to rest by Newton's method, whose last step squares the error.
SAME = 1e-8


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(ORACLE / "logistic.csv")


def test_errors_for_clusters_equal_those_of_geepack(data: pd.DataFrame) -> None:
    known = REFERENCE["clustered"]
    design = np.column_stack([np.ones(len(data)), data["x"], data["rare"]])
    found = clustered_logistic(design, data["happened"] == 1, data["cluster"])
    assert (found.converged, found.df) == (True, known["df"])
    for name in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(found, name), known[name], rtol=SAME, err_msg=name)


def test_weights_count_persons_as_in_glm(data: pd.DataFrame) -> None:
    design = np.column_stack([np.ones(len(data)), data["x"]])
    found = penalised_logistic(design, data["happened"], weight=data["weight"])
    assert found.converged
    np.testing.assert_allclose(found.estimate, REFERENCE["weighted"], rtol=SAME)


def test_a_ridge_is_the_maximum_of_the_penalised_likelihood(data: pd.DataFrame) -> None:
    columns = data[["x", "rare"]].to_numpy(dtype=float)
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    design = np.column_stack([np.ones(len(data)), scaled])
    found = penalised_logistic(design, data["happened"], penalty=0.5)
    np.testing.assert_allclose(found.estimate, REFERENCE["ridge"]["estimate"], rtol=SAME)
    np.testing.assert_allclose(found.covariance, REFERENCE["ridge"]["covariance"], rtol=SAME)


def test_adjusted_p_values_equal_p_adjust_and_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    for ours, name, theirs in ((benjamini_hochberg, "bh", "fdr_bh"), (holm, "holm", "holm")):
        np.testing.assert_allclose(ours(REFERENCE["p"]), REFERENCE[name], rtol=1e-12)
        rng = np.random.default_rng(7)
        for _ in range(5):
            p = rng.uniform(size=rng.integers(1, 9)).round(1)  # with ties
            p[rng.random(len(p)) < 0.2] = np.nan
            adjusted = ours(p)
            assert (np.isnan(adjusted) == np.isnan(p)).all()
            known = ~np.isnan(p)
            if known.any():
                np.testing.assert_allclose(adjusted[known], multipletests(p[known], method=theirs)[1])


def told_apart(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Data of which some line has all yes on one side and all no on the other, at least for one rare kind."""
    n = int(rng.integers(20, 200))
    other = rng.normal(size=n) * 10 ** rng.uniform(-2, 2)
    kind = rng.integers(0, 3)
    if kind == 0:  # a rare group of which everybody, or nobody, has it
        column = (rng.random(n) < 0.1).astype(float)
        column[:2] = 1
        happened = np.where(column == 1, rng.random() < 0.5, rng.random(n) < 0.4)
    elif kind == 1:  # a limit beyond which everybody has it
        column = rng.normal(size=n) * 10 ** rng.uniform(-2, 2)
        happened = column > np.median(column)
    else:  # the same along a line of two columns
        column = rng.normal(size=n) * np.abs(other).mean()
        happened = column + other > 0
    happened = happened.astype(bool)
    happened[2:4] = happened[2:4] if happened.any() and not happened.all() else ~happened[2:4]
    order = rng.permutation(n)
    return np.column_stack([np.ones(n), other, column])[order], happened[order]


def test_where_yes_and_no_are_told_apart_there_are_no_numbers() -> None:
    rng = np.random.default_rng(31)
    for _ in range(60):
        design, happened = told_apart(rng)
        found = clustered_logistic(design, happened, rng.integers(0, 12, len(design)))
        assert not found.converged
        assert np.isnan([found.estimate, found.std_error, found.p_value]).all()


def test_one_person_on_the_other_side_brings_the_numbers_back() -> None:
    rng = np.random.default_rng(32)
    group = np.repeat([0.0, 1.0], [150, 12])
    happened = np.where(group == 1, True, rng.random(162) < 0.4)
    happened[-1] = False
    found = clustered_logistic(np.column_stack([np.ones(162), group]), happened, np.arange(162) % 30)
    assert found.converged
    # Of a group the log-odds is that of its share.
    assert found.estimate.sum() == pytest.approx(np.log(11), abs=1e-8)


@pytest.mark.parametrize("kind", ["one class", "one cluster", "collinear", "few rows", "no rows"])
def test_what_cannot_be_fitted_says_so_without_numbers(kind: str) -> None:
    rng = np.random.default_rng(33)
    n = {"few rows": 2, "no rows": 0}.get(kind, 60)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    happened, clusters = rng.random(n) < 0.5, np.arange(n) % 9
    if kind == "one class":
        happened[:] = True
    if kind == "one cluster":
        clusters[:] = 1
    if kind == "collinear":
        x = np.column_stack([x, 3 * x[:, 1] - 1])
    found = clustered_logistic(x, happened, clusters)
    assert not found.converged
    assert np.isnan(found.estimate).all()
    assert found.estimate.shape == (x.shape[1],)
