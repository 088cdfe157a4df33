"""Slopes within and between families: against R, against least squares on deviations, and their feedback."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.process.within_between import fit_shape, fit_within_between, split
from mpg_research.mixed import fit_mixed
from mpg_research.statistics.predetermined import predetermined_slope

ORACLES = Path(__file__).parents[2] / "oracles" / "process"
RELATIVE = 1e-4  # of the oracles' README, for mixed models


@pytest.fixture(scope="module")
def males() -> pd.DataFrame:
    data = pd.read_csv(ORACLES / "males.csv")
    for name in ("union", "married"):
        if data[name].dtype == object or str(data[name].dtype).startswith("str"):
            data[name] = (data[name].str.lower() == "yes").astype(float)
        own = data.groupby("nr")[name].transform("mean")
        data[f"{name}_b"], data[f"{name}_w"] = own, data[name] - own
    return data


@pytest.mark.parametrize("which", ["rewb", "mundlak"])
def test_the_split_is_that_of_r(males: pd.DataFrame, which: str) -> None:
    oracle = json.loads((ORACLES / "within_between_males.json").read_text())[which]
    fit = fit_mixed(oracle["formula"], males)
    for name, value in oracle["fixef"].items():
        ours = "Intercept" if name == "(Intercept)" else name
        assert fit.fixed.loc[ours, "estimate"] == pytest.approx(value, rel=RELATIVE)
        assert fit.fixed.loc[ours, "std_error"] == pytest.approx(oracle["se"][name], rel=RELATIVE)
    assert fit.log_likelihood >= oracle["loglik"] - 1e-6


def test_the_slope_within_is_that_of_r(males: pd.DataFrame) -> None:
    """One cause beside the year: the same as R's within estimator, by our own columns."""
    rows = males.rename(columns={"nr": "unit", "year": "months", "wage": "outcome", "union": "cause"})
    found = fit_within_between(rows.assign(worker=rows["unit"]), curve=False)
    assert found is not None
    assert found.rows.loc["within", "estimate"] == pytest.approx(deviations(rows), rel=1e-8)


def deviations(rows: pd.DataFrame) -> float:
    """The slope of the cause by least squares on deviations from the family's own means."""
    own = rows.groupby("unit")[["outcome", "cause", "months"]].transform("mean")
    away = (rows[["outcome", "cause", "months"]] - own).to_numpy(dtype=float)
    return float(np.linalg.lstsq(away[:, 1:], away[:, 0], rcond=None)[0][0])


def made(seed: int, n: int = 60) -> pd.DataFrame:
    """Families of unequal length, with levels of their own that the cause hangs on."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n), rng.integers(2, 14, n))
    months = np.concatenate([np.arange(size) for size in np.bincount(unit)]).astype(float)
    level = rng.normal(0, 3, n)[unit]
    cause = 0.8 * level + rng.normal(0, 1, len(unit)) - 0.2 * months
    outcome = 50 - 2 * level + 0.5 * cause - 0.4 * months + rng.normal(0, 1, len(unit))
    return pd.DataFrame(
        {"unit": unit, "months": months, "cause": cause, "outcome": outcome, "worker": unit // 5}
    )


@pytest.mark.parametrize("seed", range(5))
def test_unequal_families_do_not_move_the_slope_within(seed: int) -> None:
    rows = made(seed)
    found = fit_within_between(rows, curve=False)
    assert found is not None
    assert found.rows.loc["within", "estimate"] == pytest.approx(deviations(rows), rel=1e-6)
    parts = split(rows)
    np.testing.assert_allclose(parts["within"] + parts["between"], rows["cause"])


@pytest.mark.parametrize("seed", range(5))
def test_what_is_a_familys_own_moves_neither_slope_within(seed: int) -> None:
    rows = made(seed)
    shifted = rows.assign(outcome=rows["outcome"] + 7.0 * rows["unit"])
    for column in ("outcome", "cause"):
        moved = rows.assign(**{column: rows[column] + 3.0 * (rows["unit"] % 7)})
        one, other = (
            predetermined_slope(each["outcome"], each["cause"], each["unit"], each["worker"])
            for each in (rows, moved)
        )
        assert one.estimate == pytest.approx(other.estimate, rel=1e-6)
    one, other = (fit_within_between(each) for each in (rows, shifted))
    assert one is not None
    assert other is not None
    assert one.rows.loc["within", "estimate"] == pytest.approx(other.rows.loc["within", "estimate"], rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_forward_and_backward_deviations_are_those_of_a_loop(seed: int) -> None:
    rows = made(seed, n=25)
    top = bottom = 0.0
    for _, mine in rows.groupby("unit"):
        y, x = mine["outcome"].to_numpy(), mine["cause"].to_numpy()
        for place in range(1, len(mine) - 1):
            ahead = len(mine) - 1 - place
            scale = np.sqrt(ahead / (ahead + 1))
            instrument = x[place] - x[:place].mean()
            top += instrument * scale * (y[place] - y[place + 1 :].mean())
            bottom += instrument * scale * (x[place] - x[place + 1 :].mean())
    found = predetermined_slope(rows["outcome"], rows["cause"], rows["unit"], rows["worker"])
    assert found.estimate == pytest.approx(top / bottom)
    turned = rows.sample(frac=1, random_state=seed).sort_values(["months"], kind="stable")
    again = predetermined_slope(turned["outcome"], turned["cause"], turned["unit"], turned["worker"])
    assert again.estimate == pytest.approx(found.estimate)
    assert again.std_error == pytest.approx(found.std_error)


def test_a_slope_is_not_given_where_there_is_none() -> None:
    rows = made(1)
    assert fit_within_between(rows.assign(cause=rows.groupby("unit")["cause"].transform("mean"))) is None
    assert fit_within_between(rows[rows["unit"] < 5]) is None
    assert fit_within_between(rows.assign(outcome=3.0)) is None
    assert np.isnan(predetermined_slope([1.0], [1.0], [1], [1]).estimate)


@pytest.mark.parametrize(("bent", "expected"), [(0.0, False), (0.6, True)])
def test_a_bend_is_seen_where_there_is_one(bent: float, expected: bool) -> None:
    rows = made(3, n=200)
    away = split(rows)["within"]
    rows = rows.assign(outcome=rows["outcome"] + bent * away**2)
    found = fit_within_between(rows)
    assert found is not None
    shape = fit_shape(found, (-1.0, 1.0))
    assert shape is not None
    assert (shape.p_bends < 0.001) == expected
    assert shape.rows["at"].tolist() == [-1.0, 1.0]
