"""Organisations by costs and effects, and an intervention beside each effect: against plain computations."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm

from mpg_research import compare_costs_and_effects, emulate_target_trial, load_study, weigh_costs_and_benefits
from mpg_research.analysis.economics.family_costs import family_costs
from mpg_research.analysis.value import effects_of_groups
from mpg_research.analysis.value.compare import CostsAndEffects
from mpg_research.analysis.value.compared import Compared
from mpg_research.analysis.value.comparison_tables import choice_tables, difference_tables, ratio_tables
from mpg_research.analysis.value.organisation_differences import draw_organisations
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.economics.group_differences import (
    Regression,
    group_contrasts,
    group_differences,
    regression_of,
)
from mpg_research.statistics.economics.net_benefit import JointDifference
from mpg_research.study import shipped_example
from tests.analysis.economics.priced_studies import example, priced

COLUMN = "single_parent"


@cache
def by_organisation() -> CostsAndEffects:
    return compare_costs_and_effects(
        priced(), by="organisation", effect="months_without_placement", horizon_months=3, case_mix=(),
        replications=100,
    )  # fmt: skip


def drawn_groups(seed: int, k: int, workers: int) -> tuple[Regression, Regression, np.ndarray]:
    """Costs and effects of families of k groups, workers in one group each, of different sizes."""
    rng = np.random.default_rng(seed)
    home = np.sort(rng.integers(0, k, workers))
    home[: 2 * k] = np.repeat(np.arange(k), 2)
    worker = rng.integers(0, workers, max(40 * k, 2 * workers))
    worker[:workers] = np.arange(workers)
    group, mix = home[worker], rng.normal(size=(worker.size, 2))
    both = rng.gamma(1.5, 900, worker.size), rng.normal(size=worker.size) + mix[:, 0]
    shared = rng.normal(size=workers)[worker]
    cost, effect = (
        regression_of(y + 0.5 * shared, group, case_mix=mix, clusters=worker.astype(str), n_groups=k)
        for y in both
    )
    return cost, effect, group


@pytest.mark.parametrize(("k", "workers"), [(3, 12), (6, 30), (4, 200)])
def test_contrasts_are_those_of_regressions_with_another_group_first(k: int, workers: int) -> None:
    cost, effect, group = drawn_groups(k, k, workers)
    one, other = 1, k - 1
    pair = np.eye(k)[[one]] - np.eye(k)[[other]]
    found = group_contrasts(cost, effect, np.vstack([np.eye(k) - 1 / k, pair]))
    # Each from the mean adds up to zero, whatever the sizes of the groups.
    assert sum(each.cost for each in found[:k]) == pytest.approx(0, abs=1e-6)
    assert found[-1].effect == pytest.approx(found[one].effect - found[other].effect)
    renamed = (group - other) % k  # the other one first
    mix = cost.design[:, k:]
    again = group_differences(*(
        regression_of(part.outcome, renamed, case_mix=mix, clusters=part.clusters, n_groups=k)
        for part in (cost, effect)
    )).between((one - other) % k)  # fmt: skip
    assert found[-1].cost == pytest.approx(again.cost)
    assert found[-1].covariance == pytest.approx(again.covariance)
    assert (found[-1].df_cost, found[-1].df_effect) == pytest.approx((again.df_cost, again.df_effect))


def test_the_difference_from_the_mean_is_that_of_plain_means() -> None:
    """Without case mix, over three months, which all families are followed for."""
    study = priced()
    costs = family_costs(study)
    rows = costs.rows[(costs.rows["month"] >= 0) & (costs.rows["month"] < 3)]
    total = rows.groupby(rows["family"].astype(str))["discounted"].sum()
    home = costs.followed.set_index(costs.followed["family"].astype(str))["organisation"].astype(str)
    means = total.reindex(home.index).fillna(0.0).groupby(home).mean()
    table = by_organisation().tables["cost_from_mean"].data.set_index("organisation")
    own = means.reindex(table.index)
    assert table["estimate"].to_numpy() == pytest.approx((own - own.mean()).to_numpy())
    values = by_organisation().tables["value_from_mean"].data
    effects = by_organisation().tables["effect_from_mean"].data.set_index("organisation")["estimate"]
    expected = values["may_cost"] * values["organisation"].map(effects) - values["organisation"].map(
        table["estimate"]
    )
    assert values["estimate"].to_numpy() == pytest.approx(expected.to_numpy())


def test_draws_have_the_tails_of_the_intervals_and_add_up() -> None:
    each = [
        JointDifference(value, value / 100, np.diag([400.0, 0.04]), df, df, 20)
        for value, df in ((-10.0, 3.0), (0.0, 8.0), (10.0, 100.0))
    ]
    cost, effect, _ = drawn_groups(5, 3, 20)
    found = group_differences(cost, effect)
    draws = draw_organisations(found, each, n=40000, rng=np.random.default_rng(1))
    centred = np.eye(3) - 1 / 3
    errors = np.sqrt(np.diag(centred @ found.covariance[0, 0] @ centred))
    for place, one in enumerate(each):
        own = (draws.cost[:, place] - one.cost) / errors[place]
        # Quartiles of t with these degrees of freedom.
        quartile = {3.0: 0.765, 8.0: 0.706, 100.0: 0.677}[one.df]
        assert np.quantile(own, [0.25, 0.75]) == pytest.approx([-quartile, quartile], abs=0.03)
    chances = by_organisation().tables["chances"].data.groupby("may_cost")["chance_best"].sum()
    assert chances.to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize("effect", ["reliably_improved", "months_without_placement"])
def test_an_intervention_beside_another_effect_has_the_weights_of_the_trial(effect: str) -> None:
    found = compare_costs_and_effects(priced(), effect=effect, replications=50)
    beside = compare_costs_and_effects(priced(), replications=50)
    costs = "cost_differences"
    assert found.tables[costs].data["estimate"].iloc[0] == pytest.approx(
        beside.tables[costs].data["estimate"].iloc[0]
    )
    rows = found.compared.effect
    plain = sm.WLS(rows.outcome, rows.design, weights=rows.weight).fit()
    assert found.tables["effect_differences"].data["estimate"].iloc[0] == pytest.approx(plain.params[1])
    trial = emulate_target_trial(example(), interventions=["any"], replicates=2)
    answer = next(each for each in trial.emulation.answers if each.month == found.compared.months)
    assert len(rows.outcome) == int(answer.found.seen.sum())
    if effect == "reliably_improved":
        assert set(rows.outcome) <= {0.0, 1.0}
        # Who improved reliably improved more than who did not: the rule is one of the change.
        change = trial.emulation.data.sign * answer.change[answer.found.seen]
        assert change[rows.outcome == 1].min() > change[rows.outcome == 0].max()
        return
    # Months up to the next placement, found for each trial by itself.
    study = priced()
    events = study.tables["events"]
    placed = events[events["event"] == "placement"].groupby("family")["date"].apply(list)
    start = study.tables["episodes"].drop_duplicates(["family", "episode"]).set_index("family")["start"]
    seen = np.flatnonzero(answer.found.seen)
    trials = answer.found.trials
    for row, place in enumerate(seen[:60]):
        family = str(trial.emulation.data.family[trials.course[place]])
        if (study.tables["episodes"]["family"] == family).sum() > 1:
            continue
        after = [
            (date - start[family]).days / 30.4375 - trials.start[place] for date in placed.get(family, [])
        ]
        expected = min([each for each in after if each >= 0] + [found.compared.months])
        assert rows.outcome[row] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("group", [0, 1])
def test_a_difference_that_one_family_makes_up_is_not_shown(group: int) -> None:
    """Whichever of the two groups it is in, and nothing that the difference follows from either."""
    study, reader = priced(), Audience("funder")
    found = compare_costs_and_effects(study, by=COLUMN, effect="months_without_placement", replications=50)
    compared: Compared = found.compared
    outcome = np.full(compared.cost.outcome.size, 500.0)
    policy = policy_of(study)

    def tables(costs: np.ndarray) -> CostsAndEffects:
        changed = replace(compared, cost=replace(compared.cost, outcome=costs))
        both = group_differences(changed.cost, changed.effect)
        rng = np.random.default_rng(1)
        draws = type("Drawn", (), {})()
        draws.cost, draws.effect = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
        made = [
            *difference_tables(changed, both, level=0.95),
            *ratio_tables(changed, both, draws, level=0.95),
            *choice_tables(changed, both, draws, np.array([0.0, 500.0]), level=0.95),
        ]
        return replace(found, tables={table.name: table for table in made})

    even = outcome + np.random.default_rng(3).gamma(2, 100, outcome.size)
    shown = release(tables(even), reader, policy=policy).tables["cost_differences"].data
    assert shown["estimate"].notna().all()
    outcome = np.where(compared.code == group, 1.0, even)
    outcome[np.flatnonzero(compared.code == group)[0]] = 1e6
    hidden = release(tables(outcome), reader, policy=policy)
    assert "cost_differences" not in hidden.tables
    assert hidden.reason_for("cost_differences").code == "dominated"  # type: ignore[union-attr]
    for name, columns in (
        ("net_benefit", ["estimate", "conf_low"]), ("region", ["region_cost"]),
        ("decisions", ["perfect_information"]), ("acceptability", ["expected_loss", "chance_best"]),
        ("ratios", ["step_ratio"]),
    ):  # fmt: skip
        if name in hidden.tables:
            assert hidden.tables[name].data[columns].isna().all(axis=None), name
    assert hidden.tables["effect_differences"].data["estimate"].notna().all()


@pytest.mark.parametrize("months", [3, 9])
def test_families_followed_for_less_than_the_start_are_counted(months: int) -> None:
    study = priced()
    found = weigh_costs_and_benefits(study, start_months=months)
    short = int((family_costs(study).followed["months"] < months).sum())
    told = [note.values["n_families"] for note in found.notes if note.code == "families_followed_too_short"]
    assert told == ([short] if short else [])
    last = found.flow.steps[-1]
    assert last.n_families == len(family_costs(study).followed) - short
    assert (last.code == "followed_at_start") is bool(short)


def test_an_organisation_without_events_is_told_of_and_counts_where_the_study_says_so() -> None:
    """Whether nothing happened or nobody wrote it down, the study may say; else a note says what is taken."""
    study = priced()
    home = study.tables["episodes"].drop_duplicates("family").set_index("family")["organisation"].astype(str)
    events = study.tables["events"]
    silent = sorted(set(home))[0]
    kept = events[(events["family"].map(home) != silent).to_numpy()].reset_index(drop=True)
    asked = {"by": "organisation", "effect": "months_without_placement", "replications": 20}
    found = {}
    for meaning in ("not_recorded", "none_happened"):
        told = priced(without_events=meaning)
        found[meaning] = compare_costs_and_effects(
            replace(told, tables={**told.tables, "events": kept}), **asked
        )
    codes = {name: {note.code: note.values for note in each.notes} for name, each in found.items()}
    for code in ("organisations_outside_effect", "costs_at_silent_organisations"):
        assert codes["not_recorded"][code] == {"n_organisations": 1}
        assert code not in codes["none_happened"]
    there = {name: set(each.tables["effect_from_mean"].data["organisation"]) for name, each in found.items()}
    assert there["none_happened"] - there["not_recorded"] == {silent}
    effects = found["none_happened"].tables["effect_from_mean"].data.set_index("organisation")["estimate"]
    # Whoever has no placement has the most months without, given the case mix.
    assert effects.idxmax() == silent
    few = codes["not_recorded"]["organisations_few_workers"]["n_organisations"]
    assert 0 < few <= home.nunique()


def test_more_groups_than_one_model_of_points_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects_of_groups, "_MOST_NUMBERS", 1_000)
    with pytest.raises(NotApplicableError, match="too many for one model of points"):
        compare_costs_and_effects(load_study(shipped_example()), by="organisation", effect="points")
