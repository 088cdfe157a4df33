"""Shares with one kind of end by a month: against R, leave-one-out by hand, and simulated truth."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from mpg_research.statistics.proportions import wilson_interval
from mpg_research.statistics.providers.expected_shares import expected_shares
from mpg_research.statistics.providers.robust_levels import robust_covariance
from mpg_research.statistics.providers.share_funnel import make_share_funnel
from mpg_research.statistics.providers.standardisation import fit_fixed_providers
from mpg_research.statistics.survival.cumulative_incidence import (
    cumulative_incidence,
    pseudo_incidence,
    variance_by_moment,
    view_inflation,
)
from mpg_research.statistics.survival.restricted_mean import restricted_mean, unseen_time

OWN = Path(__file__).parents[2] / "oracles" / "organisations"
MGUS = Path(__file__).parents[4] / "shared" / "oracles" / "process"
#: Closed formulas in double precision on either side.
EXACT = 1e-8
#: The package holds slopes finite by a penalty of a hundredth of a family, R does not.
PENALTY = 2e-4


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(OWN / "incidence.csv")


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    found = json.loads((OWN / "incidence.json").read_text())
    return {key: np.array(value) for key, value in found.items()}


def own_pseudo(data: pd.DataFrame) -> np.ndarray:
    pseudo = np.zeros(len(data))
    for _, mine in data.groupby("place"):
        pseudo[mine.index] = pseudo_incidence(mine["months"], mine["ended"], mine["dropped"], at=12.0)
    return pseudo


def test_incidence_and_its_error_are_those_of_survival(
    data: pd.DataFrame, theirs: dict[str, np.ndarray]
) -> None:
    found = cumulative_incidence(data["months"], data["ended"], data["dropped"], at=12.0)
    assert [found.estimate, found.std_error] == pytest.approx(theirs["all"], abs=EXACT)
    for place, (_, mine) in enumerate(data.groupby("place")):
        found = cumulative_incidence(mine["months"], mine["ended"], mine["dropped"], at=12.0)
        assert found.estimate == pytest.approx(theirs["own"][place], abs=EXACT)
        assert found.std_error == pytest.approx(theirs["own_se"][place], abs=EXACT)
    assert own_pseudo(data) == pytest.approx(theirs["pseudo"], abs=EXACT)


def test_what_is_expected_by_case_mix_is_that_of_the_regression_in_r(
    data: pd.DataFrame, theirs: dict[str, np.ndarray]
) -> None:
    codes = pd.factorize(data["place"], sort=True)[0]
    age, pseudo = data["age"].to_numpy(), own_pseudo(data)
    found = expected_shares(pseudo, age[:, None], provider=codes, robust=True)
    expected = np.bincount(codes, found.chance) / np.bincount(codes)
    assert expected == pytest.approx(theirs["expected"], abs=PENALTY)

    def at(slope: float) -> np.ndarray:
        share = pseudo.mean()
        level = brentq(lambda low: expit(low + slope * age).mean() - share, -30, 30, xtol=1e-13)
        return np.bincount(codes, expit(level + slope * age)) / np.bincount(codes)

    slope, step = float(theirs["slope"][0]), 1e-5
    moves = (at(slope + step) - at(slope - step)) / (2 * step)
    errors = np.abs(moves) * theirs["slope_se"][0]
    assert np.sqrt(np.diagonal(found.carried)) == pytest.approx(errors, rel=5e-3)


@pytest.mark.skipif(not MGUS.is_dir(), reason="the oracles are not beside this clone")
def test_progression_of_mgus_with_death_competing() -> None:
    with (MGUS / "mgus2.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    theirs = json.loads((MGUS / "mgus2.json").read_text())
    progressed = np.array([row["pstat"] == "1" for row in rows])
    time = np.array([float(row["ptime" if row["pstat"] == "1" else "futime"]) for row in rows])
    ended = progressed | np.array([row["death"] == "1" for row in rows])
    sex = np.array([f"sex={row['sex']}" for row in rows])
    number = 0
    for kind, event in (("pcm", progressed), ("death", ended & ~progressed)):
        for table in ("aj_overall", "aj_by_sex"):
            for row in theirs[table][kind]:
                mine = sex == row["strata"] if "sex" in row["strata"] else np.ones(len(rows), dtype=bool)
                found = cumulative_incidence(time[mine], ended[mine], event[mine], at=row["time"])
                assert found.estimate == pytest.approx(row["cif"], abs=EXACT)
                assert found.std_error == pytest.approx(row["se"], abs=EXACT)
                number += 1
    assert number == 30
    # One minus the Kaplan-Meier curve of one kind of end overstates it.
    naive = cumulative_incidence(time, progressed, progressed, at=360.0).estimate
    assert naive > 1.5 * cumulative_incidence(time, ended, progressed, at=360.0).estimate


@pytest.mark.parametrize("seed", range(6))
def test_leaving_out_one_at_a_time(seed: int) -> None:
    """Few persons, many ties, ends of an uncertain kind, times of 0 and without end."""
    rng = np.random.default_rng(seed)
    for _ in range(25):
        n = int(rng.integers(2, 14))
        time = np.where(rng.random(n) < 0.1, np.inf, np.round(rng.exponential(6, n)))
        ended = (rng.random(n) < 0.7) & np.isfinite(time)
        kind = rng.choice([0.0, 1.0, 0.3], n)

        def share(keep: np.ndarray, data: tuple[np.ndarray, ...] = (time, ended, kind)) -> float:
            return cumulative_incidence(*(column[keep] for column in data), at=12.0).estimate

        whole = share(np.arange(n))
        others = np.array([share(np.delete(np.arange(n), i)) for i in range(n)])
        pseudo = pseudo_incidence(time, ended, kind, at=12.0)
        assert pseudo == pytest.approx(n * whole - (n - 1) * others, abs=1e-12)
        if not np.any(ended & (kind == 0.3)):
            _, parts = variance_by_moment(time, ended, kind, at=12.0)
            assert parts.sum() == pytest.approx(whole * (1 - whole), abs=1e-12)


def test_seen_to_the_end_it_is_a_plain_share() -> None:
    rng = np.random.default_rng(3)
    time, kind = rng.uniform(0, 24, 80), rng.random(80) < 0.4
    found = cumulative_incidence(time, np.ones(80, dtype=bool), kind, at=12.0)
    by_then = (kind & (time <= 12)).astype(float)
    assert found.estimate == pytest.approx(by_then.mean())
    assert found.std_error == pytest.approx(by_then.std() / np.sqrt(80))
    assert pseudo_incidence(time, np.ones(80, dtype=bool), kind, at=12.0) == pytest.approx(by_then, abs=1e-9)
    reach = np.full(80, 24.0)
    moments, parts = variance_by_moment(time, np.ones(80, dtype=bool), kind, at=12.0)
    assert view_inflation(moments, parts, reach, at=12.0) == pytest.approx(1.0)
    assert view_inflation(moments, parts, np.full(80, 11.0), at=12.0) == np.inf


def test_nobody_and_impossible_times() -> None:
    assert cumulative_incidence([5.0, 9.0], [False, False], [np.nan, np.nan], at=12.0).estimate == 0
    assert pseudo_incidence([5.0, 9.0], [False, False], [0, 0], at=12.0).tolist() == [0.0, 0.0]
    for time in ([], [np.nan], [-1.0]):
        with pytest.raises(ValueError, match="must all be known"):
            cumulative_incidence(time, [True] * len(time), [1] * len(time), at=12.0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        cumulative_incidence([5.0], [True], [np.nan], at=12.0)
    with pytest.raises(ValueError, match="two or more"):
        pseudo_incidence([5.0], [True], [1], at=12.0)


@pytest.mark.parametrize(("joined", "n"), [(13.0, 25), (16.0, 70)])
def test_limits_of_a_share_hold_where_few_could_reach_the_month(joined: float, n: int) -> None:
    rng = np.random.default_rng(4)

    def ends(number: int) -> tuple[np.ndarray, np.ndarray]:
        planned, drop = np.maximum(2, rng.normal(11, 3, number)), rng.exponential(33, number)
        return np.minimum(planned, drop), drop < planned

    end, dropped = ends(200_000)
    true = float((dropped & (end <= 12)).mean())
    held, errors = [], []
    for _ in range(400):
        end, dropped = ends(n)
        reach = rng.uniform(0, joined, n)
        if reach.max() < 12:
            continue
        data = (np.minimum(end, reach), end <= reach, dropped)
        share = cumulative_incidence(*data, at=12.0).estimate
        size = n / view_inflation(*variance_by_moment(*data, at=12.0), reach, at=12.0)
        limits = wilson_interval([share * size], [size])
        held.append(limits.conf_low[0] <= true <= limits.conf_high[0])
        errors.append(share - true)
    # Three standard errors of .95 over 400 studies; the bias in standard errors of its own.
    assert np.mean(held) == pytest.approx(0.95, abs=0.033)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors)) + 0.005


def test_an_inflated_share_has_wider_limits() -> None:
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(5), 40)
    event = (rng.random(200) < 0.3).astype(float)
    plain = make_share_funnel(event, np.full(200, event.mean()), codes)
    wider = make_share_funnel(event, np.full(200, event.mean()), codes, inflation=[4.0, 1, 1, 1, 1])
    assert wider.n_effective == pytest.approx([10, 40, 40, 40, 40])
    assert plain.n_effective == pytest.approx([40] * 5)
    assert abs(wider.funnel.z[0]) < abs(plain.funnel.z[0])


def test_rows_of_one_family_are_one_look_at_it() -> None:
    """Every family twice, with the same outcome: the covariance is that of the families once."""
    rng = np.random.default_rng(6)
    codes, x = np.repeat(np.arange(3), 12), rng.normal(size=(36, 2))
    y = rng.normal(size=36) + x @ [0.5, -1.0]
    once = robust_covariance(fit_fixed_providers(y, codes, x), y, x)
    y2, codes2, x2 = np.tile(y, 2), np.tile(codes, 2), np.tile(x, (2, 1))
    fit = fit_fixed_providers(y2, codes2, x2)
    twice = robust_covariance(fit, y2, x2, cluster=np.tile(np.arange(36), 2))
    assert twice == pytest.approx(once, abs=1e-12)
    assert np.all(np.diagonal(robust_covariance(fit, y2, x2)) < 0.6 * np.diagonal(once))


def test_what_lies_beyond_the_last_moment_bounds_the_mean() -> None:
    time, ended = [3.0, 6.0, 10.0, 10.0], [True, True, False, False]
    whole, beyond = restricted_mean(time, ended, horizon=24.0).mean, unseen_time(time, ended, horizon=24.0)
    assert beyond == pytest.approx(0.5 * 14)
    assert whole - beyond == pytest.approx((3 + 6 + 10 + 10) / 4)
    assert unseen_time([3.0, 30.0], [True, False], horizon=24.0) == 0
    assert unseen_time([3.0, 9.0], [True, True], horizon=24.0) == 0
