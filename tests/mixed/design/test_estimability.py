"""What the data cannot estimate stays empty, wherever a combination of the fixed effects is evaluated."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.mixed.design.coding import build_matrix
from mpg_research.mixed.design.estimability import Estimability

FORMULAS = (
    "a * b + x",
    "a * b * x",
    "a + b:x + a:b",
    "a * b + x + double",
    "a * x + b * double",
    "x + double + C(k) + a",
    "a:b + cr(x, df=4) + a:x",
)


def _frame(rng: np.random.Generator) -> pd.DataFrame:
    """Cells at random, some of them empty; a covariate twice; a category that is a coarser one's."""
    cells = [(a, b) for a in "pqr" for b in "uvw"]
    present = [cell for cell in cells if rng.uniform() < 0.7] or cells[:2]
    chosen = [present[i] for i in rng.integers(0, len(present), 120)]
    frame = pd.DataFrame(chosen, columns=["a", "b"])
    frame["x"] = rng.normal(5, 2, 120)
    frame["double"] = 3 - 2 * frame["x"] if rng.uniform() < 0.5 else rng.normal(size=120)
    frame["k"] = frame["a"].map({"p": 1, "q": 2, "r": 2})
    frame["family"] = rng.integers(0, 15, 120)
    frame["y"] = rng.normal(size=120) + rng.normal(size=15)[frame["family"]]
    return frame


def _in_row_space(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Dense: what is left of each row beside the rows of X, in the columns' own units."""
    unit = np.maximum(np.sqrt(np.mean(x**2, axis=0)), 1e-12)
    unit[np.all(x == 0, axis=0)] = 1.0
    _, values, basis = np.linalg.svd(x / unit, full_matrices=False)
    basis = basis[values > 1e-9 * values[0]]
    scaled = rows * (1.0 / unit)
    # a combination c is estimable if c = X't: in scaled columns c / unit = (X / unit)'t
    rest = scaled - scaled @ basis.T @ basis
    size = np.maximum(np.linalg.norm(scaled, axis=1), 1e-12)
    return np.asarray(np.linalg.norm(rest, axis=1) < 1e-6 * size)


def _all_columns(fit: MixedFit, data: pd.DataFrame) -> np.ndarray:
    design = fit.design
    return build_matrix(design.fixed, design.read(data, design.fixed.columns), len(data))[0]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_combination_is_estimated_if_and_only_if_it_lies_in_the_row_space(formula: str) -> None:
    rng = np.random.default_rng(len(formula))
    empty = there = 0
    for _ in range(8):
        data = _frame(rng)
        fit = fit_mixed(f"y ~ {formula} + (1 | family)", data)
        x = _all_columns(fit, data)
        levels = {name: sorted(set(data[name])) for name in ("a", "b")}
        grid = pd.DataFrame([(a, b) for a in levels["a"] for b in levels["b"]], columns=["a", "b"])
        grid = grid.merge(pd.DataFrame({"x": [4.0, 6.5]}), how="cross")
        grid["double"] = np.where(rng.uniform(size=len(grid)) < 0.5, 3 - 2 * grid["x"], 1.0)
        grid["k"] = rng.choice(sorted(set(data["k"])), len(grid))
        rows = _all_columns(fit, grid)
        wanted = _in_row_space(x, rows)
        for interval in (None, "confidence", "prediction"):
            found = fit.predict(grid, interval=interval)["estimate"]
            assert found.notna().tolist() == wanted.tolist()
        names = dict(zip(fit.design.estimability.kept.tolist(), fit.problem.x_names, strict=True))
        names |= dict(zip(fit.design.estimability.dropped.tolist(), fit.design.aliased, strict=True))
        titles = [names[column] for column in range(x.shape[1])]
        everything = rng.normal(size=(6, len(rows))) * (rng.uniform(size=(6, len(rows))) < 0.2)
        mixed = np.vstack([everything @ rows, rows[:3] - rows[3:6], rng.normal(size=(2, x.shape[1]))])
        weights = pd.DataFrame(mixed, columns=titles)
        found = fit.estimate(weights)["estimate"].notna().to_numpy()
        if fit.design.aliased:
            sizes = np.linalg.norm(mixed, axis=1) > 0
            assert found[sizes].tolist() == _in_row_space(x, mixed[sizes]).tolist()
        robust = fit.cluster_robust(combinations=weights, kind="CR0")["estimate"].notna().to_numpy()
        assert robust.tolist() == found.tolist()
        empty, there = empty + int((~wanted).sum()), there + int(wanted.sum())
    assert there > 20
    assert empty > 10


def test_differences_and_slopes_are_judged_for_themselves() -> None:
    rng = np.random.default_rng(5)
    data = _frame(rng)
    data = data[~((data["a"] == "p") & (data["b"] == "u"))]
    fit = fit_mixed("y ~ a * b + x + (1 | family)", data)
    means = fit.means(["a", "b"], at={"x": [4.0, 6.0]})
    frame = means.frame
    lost = (frame["a"] == "p") & (frame["b"] == "u")
    assert frame.loc[lost, "estimate"].isna().all()
    # the mean of an empty cell is unknown, what x does to it is not
    by_x = means.contrasts(within=("a", "b")).frame
    assert by_x["estimate"].notna().all()
    assert by_x["estimate"].to_numpy() == pytest.approx(-2 * fit.fixed.loc["x", "estimate"])
    between = means.contrasts(within=("x",), adjust="holm").frame
    touched = between["contrast"].str.contains("p, u")
    assert between.loc[touched, "estimate"].isna().all()
    known = between.loc[~touched & between["estimate"].notna()]
    assert len(known) > 4
    slopes = fit.slopes("x", by=["a", "b"])
    assert slopes.frame["estimate"].notna().all()


def test_a_column_twice_in_tiny_and_huge_units() -> None:
    rng = np.random.default_rng(6)
    data = _frame(rng)
    for unit in (1e-7, 1.0, 1e7):
        made = data.assign(x=data["x"] * unit, double=5 * unit + 2 * unit * data["x"])
        fit = fit_mixed("y ~ x + double + a + (1 | family)", made)
        assert fit.design.aliased == ("double",)
        at = pd.DataFrame({"x": [4 * unit] * 2, "double": [13 * unit, 14 * unit], "a": made["a"].iloc[0]})
        assert fit.predict(at)["estimate"].notna().tolist() == [True, False]
        # x alone cannot move without its double
        assert fit.slopes("x").frame["estimate"].isna().all()
        assert fit.means("a").frame["estimate"].notna().all()


def test_an_empty_combination_is_empty_in_means_and_predictions() -> None:
    rng = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    for family in range(40):
        organisation = ("A", "B", "C")[family % 3]
        for phase in ("early", "late") if organisation != "C" else ("early",):
            rows += [{"family": family, "organisation": organisation, "phase": phase} for _ in range(3)]
    data = pd.DataFrame(rows)
    data["score"] = 20 + rng.normal(size=len(data)) + rng.normal(size=40)[data["family"]]
    fit = fit_mixed("score ~ organisation * phase + (1 | family)", data)
    new = pd.DataFrame({"organisation": ["C", "A"], "phase": ["late", "late"], "family": [2, 0]})
    for options in ({}, {"interval": "confidence"}, {"interval": "prediction", "random_effects": "all"}):
        found = fit.predict(new, **options)
        assert found.iloc[0].isna().all()
        assert np.isfinite(found["estimate"].iloc[1])
    means = fit.means(["organisation", "phase"]).frame
    assert means.loc[(means["organisation"] == "C") & (means["phase"] == "late"), "estimate"].isna().all()
    (missing,) = fit.design.aliased
    assert fit.estimate(pd.DataFrame({missing: [1.0]}))["estimate"].isna().all()
    with pytest.raises(ModelError, match="cannot estimate"):
        fit.test(pd.DataFrame({missing: [1.0]}))


def test_without_dropped_columns_everything_can_be_estimated() -> None:
    whole = Estimability(np.arange(3), np.arange(0), np.empty((3, 0)))
    rows = np.random.default_rng(1).normal(size=(4, 3))
    assert whole.reduced(rows).tolist() == rows.tolist()
