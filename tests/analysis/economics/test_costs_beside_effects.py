"""Costs beside effects: against plain sums, full refits and the emulated trial; and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research import compare_costs_and_effects, emulate_target_trial
from mpg_research.analysis.economics.family_costs import family_costs
from mpg_research.analysis.value.compared import compare_column
from mpg_research.analysis.value.price_sensitivity import price_differences, tornado_table
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.statistics.economics.group_differences import group_differences, group_replications
from mpg_research.study.which_scores import Scores
from tests.analysis.economics.priced_studies import example, priced, with_prices

COLUMN = "single_parent"


def test_an_intervention_has_the_effect_of_the_emulated_trial() -> None:
    found = compare_costs_and_effects(priced(), replications=50)
    trial = emulate_target_trial(example(), interventions=["any"], replicates=2)
    there = trial.tables["differences"].data.set_index("approach").loc["weighted"]
    mine = found.tables["effect_differences"].data.iloc[0]
    assert mine["estimate"] == pytest.approx(-there["estimate"])
    assert mine["std_error"] == pytest.approx(there["std_error"])
    assert mine["df"] == pytest.approx(there["df"])
    # One regression per threshold is the joint one: the rows are the same.
    joint, single = (found.tables[name].data for name in ("net_benefit", "net_benefit_regression"))
    for column in ("estimate", "std_error", "conf_low"):
        assert joint[column].to_numpy() == pytest.approx(single[column].to_numpy())


def test_without_case_mix_the_difference_is_that_of_plain_means() -> None:
    """Over three months, which all families are followed for."""
    study = priced()
    costs = family_costs(study)
    assert costs.followed["months"].min() > 3
    found = compare_costs_and_effects(
        study, by=COLUMN, effect="months_without_placement", horizon_months=3, case_mix=(), replications=50
    )
    rows = costs.rows[(costs.rows["month"] >= 0) & (costs.rows["month"] < 3)]
    total = rows.groupby(rows["family"].astype(str))["discounted"].sum()
    table = study.tables["episodes"].sort_values("start").drop_duplicates("family")
    group = table.set_index(table["family"].astype(str))[COLUMN]
    values = total.reindex(group.index).fillna(0.0)
    values, group = values[group.notna()], group[group.notna()].astype(bool)
    plain = values[group].mean() - values[~group].mean()
    assert found.tables["cost_differences"].data["estimate"].iloc[0] == pytest.approx(plain)


@pytest.mark.parametrize("effect", ["points", "months_without_placement"])
def test_prices_add_up_and_move_the_difference_in_proportion(effect: str) -> None:
    wide = {"unit_price": 100.0, "payer": "municipality", "price_low": 80.0, "price_high": 130.0}
    study = with_prices(example(), [{"item": "contact_hour", "distribution": "gamma", **wide}])
    costs = family_costs(study)
    shared = {"effect": effect, "horizon": 12, "case_mix": (), "rate": 0.0, "scores": Scores()}
    compared = compare_column(study, costs, COLUMN, **shared)  # type: ignore[arg-type]
    found = group_differences(compared.cost, compared.effect)
    assert price_differences(compared).sum() == pytest.approx(found.cost[1])
    tornado = tornado_table(compared, 1)
    assert tornado is not None
    row = tornado.data.set_index("priced_item").loc["contact_hour"]
    dearer = with_prices(example(), [{"item": "contact_hour", "unit_price": 130.0, "payer": "municipality"}])
    again = compare_column(dearer, family_costs(dearer), COLUMN, **shared)  # type: ignore[arg-type]
    assert row["at_high"] == pytest.approx(group_differences(again.cost, again.effect).cost[1])
    assert row["base"] == pytest.approx(found.cost[1])


def test_replications_are_those_of_regressions_on_drawn_families() -> None:
    """A plain loop over draws; full refits of everything are in benchmarks/costs_and_effects.md."""
    study = priced()
    costs = family_costs(study)
    compared = compare_column(
        study, costs, COLUMN, effect="months_without_placement", horizon=12, case_mix=("n_children",),
        rate=0.0, scores=Scores(),
    )  # fmt: skip
    drawn = group_replications(compared.cost, compared.effect, replications=400, rng=5)
    workers = np.unique(compared.cost.clusters)
    rng = np.random.default_rng(6)
    refitted = []
    for _ in range(60):
        chosen = rng.choice(workers, workers.size)
        rows = np.concatenate([np.flatnonzero(compared.cost.clusters == each) for each in chosen])
        again = np.linalg.lstsq(compared.cost.design[rows], compared.cost.outcome[rows], rcond=None)[0]
        refitted.append(again[1])
    assert np.std(refitted) == pytest.approx(drawn.cost[:, 1].std(), rel=0.3)
    assert drawn.parts.sum(axis=1) == pytest.approx(drawn.cost)


def test_uncertain_prices_widen_what_is_drawn_and_are_worth_knowing() -> None:
    wide = {"unit_price": 100.0, "payer": "municipality", "price_low": 30.0, "price_high": 250.0}
    found = {
        name: compare_costs_and_effects(
            with_prices(example(), [{"item": "contact_hour", "distribution": name, **wide}]), replications=600
        )
        for name in ("fixed", "lognormal")
    }
    items = {name: set(each.tables["price_ranges"].data["priced_item"]) for name, each in found.items()}
    assert items["lognormal"] - items["fixed"] == {"contact_hour"}
    # What knowing a price is worth is told where it is an amount that is shown, of the rest always once.
    for each in found.values():
        told = each.tables["information"].data
        assert {"effect", "use"} <= set(told["parameter"])
        assert (told.loc[told["parameter"] == "price", "worth"] >= 50).all()
    # Intervals and net benefits are at the stated prices.
    one, other = (each.tables["net_benefit"].data for each in found.values())
    assert one["estimate"].to_numpy() == pytest.approx(other["estimate"].to_numpy())


def test_order_of_rows_does_not_matter() -> None:
    study = priced()
    rng = np.random.default_rng(3)
    shuffled = replace(
        study,
        tables={
            name: table.iloc[rng.permutation(len(table))].reset_index(drop=True)
            for name, table in study.tables.items()
        },
    )
    one, other = (
        compare_costs_and_effects(each, by="region", effect="points", replications=20)
        for each in (study, shuffled)
    )
    for name in ("cost_differences", "effect_differences"):
        ours, theirs = one.tables[name].data, other.tables[name].data
        assert ours["compared_group"].tolist() == theirs["compared_group"].tolist()
        assert ours["estimate"].to_numpy() == pytest.approx(theirs["estimate"].to_numpy(), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "regio"}, "region"),
        ({"by": "start"}, "makes groups"),
        ({"by": "child_age"}, "at most 8 groups"),
        ({"effect": "happiness"}, "expected one of points"),
        ({"by": COLUMN, "horizon_months": 2.5}, "whole number of months"),
        ({"thresholds": (-1.0,)}, "0 or more"),
    ],
)
def test_impossible_arguments_are_refused_with_what_was_expected(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        compare_costs_and_effects(example(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("missing", "options", "code"),
    [
        ("prices", {}, "no_prices"),
        ("events", {"by": COLUMN, "effect": "months_without_placement"}, "no_events_for_effect"),
        ("interventions", {}, "no_interventions_to_compare"),
        ("", {"by": COLUMN, "horizon_months": 200}, "horizon_too_far"),
        ("", {"month": 6.0}, "intervention_not_compared"),
    ],
)
def test_what_is_missing_is_said(missing: str, options: dict[str, object], code: str) -> None:
    study = example()
    tables = {name: table for name, table in study.tables.items() if name != missing}
    with pytest.raises(NotApplicableError) as error:
        compare_costs_and_effects(replace(study, tables=tables), **options)  # type: ignore[arg-type]
    assert error.value.code == code


def test_prices_of_what_nobody_used_in_time_are_no_costs() -> None:
    """Something with a price is used, but only after the months that are looked at."""
    study = priced()
    first = study.tables["episodes"].groupby("family")["start"].min()
    events = study.tables["events"]
    late = events[((events["date"] - events["family"].map(first)).dt.days > 150).to_numpy()]
    items = set(study.tables["prices"]["item"].astype(str))
    only = with_prices(study, [{"item": "placement", "payer": "municipality", "unit_price": 1e4}],
                       drop=tuple(items))  # fmt: skip
    late = replace(only, tables={**only.tables, "events": late.reset_index(drop=True)})
    with pytest.raises(NotApplicableError) as error:
        compare_costs_and_effects(late, by=COLUMN, effect="points", horizon_months=3, replications=20)
    assert error.value.code == "nothing_priced"
