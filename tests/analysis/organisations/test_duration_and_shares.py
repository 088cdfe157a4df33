"""Duration with help that goes on, and shares with their funnel plots: against R, formulas, known truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from mpg_research import load_study
from mpg_research.analysis import compare_organisations
from mpg_research.statistics.proportions import wilson_interval
from mpg_research.statistics.providers.expected_shares import expected_shares
from mpg_research.statistics.providers.funnel_limits import proportion_limits
from mpg_research.statistics.providers.robust_levels import robust_covariance
from mpg_research.statistics.providers.share_funnel import make_share_funnel, simulate_share_alarms
from mpg_research.statistics.providers.standardisation import fit_fixed_providers
from mpg_research.statistics.survival.restricted_mean import pseudo_times, restricted_mean
from mpg_research.study import shipped_example
from mpg_research.study.model import Study

FOLDER = Path(__file__).parents[2] / "oracles" / "organisations"
#: Closed formulas in double precision; a pseudo-observation is n times a difference of two of them.
EXACT = 1e-9
HORIZON = 24.0


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "duration.csv")


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    found = json.loads((FOLDER / "duration.json").read_text())
    return {key: np.array(value) for key, value in found.items()}


def test_restricted_mean_and_what_each_one_adds(months: pd.DataFrame, theirs: dict[str, np.ndarray]) -> None:
    found = restricted_mean(months["months"], months["ended"], horizon=HORIZON)
    assert found.mean == pytest.approx(theirs["mean"][0], rel=EXACT)
    # survival divides by d fewer in the last product; its standard error agrees to rounding of the formula.
    assert found.std_error == pytest.approx(theirs["se"][0], rel=1e-6)
    added = pseudo_times(months["months"], months["ended"], horizon=HORIZON)
    assert added == pytest.approx(theirs["pseudo"], abs=1e-8)


def test_levels_of_organisations_and_their_robust_covariance(
    months: pd.DataFrame, theirs: dict[str, np.ndarray]
) -> None:
    outcome = pseudo_times(months["months"], months["ended"], horizon=HORIZON)
    codes = pd.factorize(months["place"], sort=True)[0]
    age = months[["age"]].to_numpy()
    fit = fit_fixed_providers(outcome, codes, age)
    assert fit.at_average == pytest.approx(theirs["level"], rel=EXACT)
    assert fit.slopes[0] == pytest.approx(theirs["slope"], rel=1e-8)
    assert robust_covariance(fit, outcome, age).ravel() == pytest.approx(theirs["robust"], rel=1e-8)


def test_simple_durations() -> None:
    assert restricted_mean([6.0, 12.0], [True, True], horizon=HORIZON).mean == pytest.approx(9)
    assert restricted_mean([30.0, 40.0], [True, False], horizon=HORIZON).mean == pytest.approx(24)
    assert pseudo_times([30.0, 40.0], [True, False], horizon=HORIZON).tolist() == [24.0, 24.0]
    with pytest.raises(ValueError, match="two or more"):
        pseudo_times([3.0], [True], horizon=HORIZON)


@pytest.mark.parametrize("seed", range(4))
def test_leaving_out_one_at_a_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 25))
    time, ended = np.maximum(np.round(rng.exponential(12, n)), 1), rng.random(n) < 0.6
    whole = restricted_mean(time, ended, horizon=HORIZON).mean
    others = [
        restricted_mean(np.delete(time, i), np.delete(ended, i), horizon=HORIZON).mean for i in range(n)
    ]
    assert pseudo_times(time, ended, horizon=HORIZON) == pytest.approx(n * whole - (n - 1) * np.array(others))


def test_confounded_duration_is_undone_although_some_is_not_seen() -> None:
    """Equal organisations, older children at the later ones; older children are helped longer."""
    rng = np.random.default_rng(3)
    place = np.repeat(np.arange(6), 300)
    age = place + rng.normal(0, 2, place.size)
    stop, seen = np.maximum(8 + age + rng.normal(0, 2, place.size), 0.5), rng.uniform(10, 40, place.size)
    outcome = pseudo_times(np.minimum(stop, seen), stop <= seen, horizon=HORIZON)
    plain = fit_fixed_providers(outcome, place)
    adjusted = fit_fixed_providers(outcome, place, age[:, None])
    assert np.ptp(plain.at_average) > 4
    assert np.ptp(adjusted.at_average) < 0.8


@pytest.mark.parametrize("g", [6, 14])
def test_slopes_of_shares_are_those_within_organisations(g: int) -> None:
    """Where families with a higher risk go to better organisations, those keep their quality."""
    rng = np.random.default_rng(4)
    place = np.repeat(np.arange(g), 3000)
    risk, quality = rng.normal(size=place.size) + place / g * 3, place / g * 1.5
    chance = expit(-1 + 0.8 * risk - quality)
    event = (rng.random(place.size) < chance).astype(float)

    def worst_less_best(expected: np.ndarray) -> float:
        gap = event - expected
        return float(gap[place == 0].mean() - gap[place == g - 1].mean())

    within = expected_shares(event, risk[:, None], provider=place).chance
    alone = expected_shares(event, risk[:, None]).chance
    truth = worst_less_best(expit(-1 + 0.8 * risk - quality.mean()))
    assert worst_less_best(within) == pytest.approx(truth, abs=0.04)
    assert worst_less_best(alone) < truth - 0.06
    assert within.mean() == pytest.approx(event.mean())


def test_share_limits_are_those_of_the_score_test() -> None:
    """Without case mix a share lies beyond a limit where its Wilson interval leaves out the target."""
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(8), rng.integers(20, 200, 8))
    event = (rng.random(codes.size) < 0.3).astype(float)
    found = make_share_funnel(event, np.full(codes.size, event.mean()), codes)
    assert found.n_effective == pytest.approx(found.size)
    assert found.adjusted == pytest.approx(found.observed / found.size)
    assert found.funnel.target == pytest.approx(event.mean())
    plain = found.funnel.limits(0.95, adjusted=False)
    score = proportion_limits(found.size, target=event.mean(), level=0.95)
    # The funnel knows that a unit is part of the mean it is compared with: a little narrower.
    shrink = np.sqrt(1 - found.size / found.size.sum())
    assert plain.high - event.mean() == pytest.approx((score.high - event.mean()) * shrink)
    wilson = wilson_interval(found.observed, found.size)
    outside = (wilson.conf_low > event.mean()) | (wilson.conf_high < event.mean())
    beyond = (found.adjusted > score.high) | (found.adjusted < score.low)
    assert outside.tolist() == beyond.tolist()


@pytest.mark.parametrize("tau2", [0.0, 0.01])
def test_shares_beyond_the_lines_are_nominal(tau2: float) -> None:
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(40), rng.integers(30, 120, 40))
    chance = expit(-0.5 + rng.normal(0, 0.7, codes.size))
    alarms = simulate_share_alarms(chance, codes, tau2=tau2, n_simulations=400, rng=7)
    # 16,000 simulated shares: three standard errors are .005.
    assert alarms.share["unadjusted 95"] == pytest.approx(0.05, abs=0.008)
    assert alarms.share["adjusted 95"] == pytest.approx(0.05, abs=0.01 if tau2 else 0.02)
    assert alarms.share["adjusted 99.8"] < 0.005
    assert alarms.any["false discovery"] < 0.05 + 0.035


def test_lines_allow_for_the_error_of_what_is_expected() -> None:
    """Equal organisations, families of a higher risk at the later ones: the slope's error counts."""
    beyond, without = [], []
    for seed in range(300):
        rng = np.random.default_rng([9, seed])
        place = np.repeat(np.arange(6), 40)
        risk = rng.normal(size=(place.size, 1)) + np.linspace(-1.5, 1.5, 6)[place][:, None]
        event = (rng.random(place.size) < expit(-1 + 0.6 * risk[:, 0])).astype(float)
        hoped = expected_shares(event, risk, provider=place)
        allowing = make_share_funnel(event, hoped.chance, place, carried=hoped.carried)
        beyond.append(allowing.funnel.beyond(0.95, adjusted=False))
        plain = make_share_funnel(event, hoped.chance, place).funnel
        without.append(plain.beyond(0.95, adjusted=False))
    # 1,800 organisations: a share of .05 has a standard error of .005.
    assert np.mean(beyond) == pytest.approx(0.05, abs=0.02)
    assert np.mean(without) > np.mean(beyond) + 0.01
    alarms = simulate_share_alarms(
        hoped.chance, place, tau2=0.0, carried=hoped.carried, n_simulations=500, rng=1
    )
    assert alarms.share["unadjusted 95"] == pytest.approx(0.05, abs=0.015)


def test_a_share_that_differs_is_found() -> None:
    rng = np.random.default_rng(8)
    codes = np.repeat(np.arange(20), 150)
    event = (rng.random(codes.size) < np.where(codes == 7, 0.6, 0.3)).astype(float)
    found = make_share_funnel(event, expected_shares(event, np.zeros((codes.size, 0))).chance, codes)
    assert np.flatnonzero(found.funnel.false_discovery.flagged).tolist() == [7]
    assert found.ratio[7] == pytest.approx(2, abs=0.3)
    with pytest.raises(ValueError, match="needs clients"):
        make_share_funnel([0, 1], [0.5, 0.5], [0, 2])


def test_indicators_of_the_example(study: Study) -> None:
    tables = {name: table.data for name, table in compare_organisations(study).tables.items()}
    duration = tables["indicators"].query("indicator == 'duration'")
    assert duration["difference"] @ duration["n_group"] == pytest.approx(0, abs=1e-9)
    assert (duration["estimate"] - duration["expected"]).to_numpy() == pytest.approx(duration["difference"])
    assert duration["estimate"].between(0, HORIZON).all()
    shares = tables["share_indicators"].set_index(["organisation", "indicator"])
    funnel = tables["share_funnel"].set_index(["organisation", "indicator"])
    # What fewer than ten families have, or lack, has no plot.
    assert set(funnel.index) <= set(shares.index)
    assert {"reliably_improved", "dropped_out"} <= set(funnel.index.get_level_values("indicator"))
    overall = tables["share_funnel_summary"].query("quantity == 'target'").set_index("indicator")["value"]
    assert (shares["observed_difference_low"] <= 0).all()
    assert (shares["observed_difference_high"] >= 0).all()
    gap = shares["observed_difference"]
    outside = (gap < shares["observed_difference_low"]) | (gap > shares["observed_difference_high"])
    assert (outside == (shares["observed_beyond_chance"] != "no")).all()
    clear = shares["observed_demonstrable"] != "no"
    assert (shares.loc[clear, "observed_demonstrable"] == shares.loc[clear, "observed_beyond_chance"]).all()
    for name, rows in shares.groupby("indicator"):
        # Indirect standardisation: over all families as many are observed as expected (in an incidence also
        # those count who started too late to be in n_group).
        if name != "dropped_out":
            assert rows["observed_difference"] @ rows["n_group"] == pytest.approx(0, abs=1e-6)
        if name not in funnel.index.get_level_values("indicator"):
            continue
        mine = funnel.xs(name, level="indicator")
        assert mine["ratio"].to_numpy() == pytest.approx(rows["share_observed"] / rows["expected_share"])
        assert abs(mine["adjusted_share"].mean() - overall[name]) < 0.1
        assert mine["share_observed"].to_numpy() == pytest.approx(rows["share_observed"].to_numpy())
    by_month = tables["response_by_month"].set_index(["organisation", "months"])
    assert by_month["share_measured"].between(0, 1).all()
    at_primary = by_month.xs(12.0, level="months")
    for key, row in shares.xs("measured", level="indicator").iterrows():
        assert at_primary.loc[key, "share_measured"] == pytest.approx(row["share_observed"])
        assert at_primary.loc[key, "n_group"] == row["n_group"]
    helped = tables["families_by_step"].pivot(index="organisation", columns="step", values="n_families")
    assert (helped["helped"] >= helped["in_comparison"]).all()
    compared = tables["by_organisation"].set_index("organisation")["n_families"]
    assert helped["in_comparison"].to_dict() == compared.to_dict()
    raw = pd.read_csv(shipped_example() / "episodes.csv", dtype=str)
    assert helped["helped"].sum() >= raw["family"].nunique()
    steps = tables["share_funnel_steps"].groupby("indicator")["check"].size()
    assert set(steps) == {6}


def test_below_five_organisations_shares_have_no_funnel(study: Study) -> None:
    scores = study.scores[study.scores["organisation"].isin(study.organisations[:4])]
    found = compare_organisations(replace(study, scores=scores), case_mix=())
    assert "share_indicators" in found.tables
    assert not [name for name in found.tables if name.startswith("share_funnel")]


def test_without_ends_there_is_no_duration_and_no_drop_out(study: Study) -> None:
    episodes = study.tables["episodes"].drop(columns=["end", "end_reason"])
    found = compare_organisations(replace(study, tables={**study.tables, "episodes": episodes}), case_mix=())
    assert "duration" not in set(found.tables["indicators"].data["indicator"])
    assert "dropped_out" not in set(found.tables["share_indicators"].data["indicator"])


def test_no_funnel_is_drawn_around_a_share_of_few_families(study: Study) -> None:
    episodes = study.tables["episodes"].copy()
    dropped = episodes["end_reason"].isin(["early_client", "early_provider"])
    episodes.loc[episodes.index[dropped][6:], "end_reason"] = "as_planned"
    few = replace(study, tables={**study.tables, "episodes": episodes})
    tables = {name: table.data for name, table in compare_organisations(few, case_mix=()).tables.items()}
    assert "dropped_out" in set(tables["share_indicators"]["indicator"])
    for name in ("share_funnel", "share_funnel_lines", "share_funnel_summary", "share_funnel_steps"):
        drawn = set(tables[name]["indicator"])
        assert "reliably_improved" in drawn, name
        assert "dropped_out" not in drawn, name
    # Without case mix an organisation's place is its number of families: lines must not begin or end there.
    for _, lines in tables["share_funnel_lines"].groupby("indicator"):
        ends = lines["n_effective"].agg(["min", "max"]).to_numpy()
        assert np.allclose(ends % 10, 0) or np.isclose(ends[0], 5)
