"""Mean costs against a dense computation and simulated truths; parts, orders, and what has no answer."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.economics.describe import describe_costs
from mpg_research.analysis.economics.family_costs import FamilyCosts, family_costs
from mpg_research.analysis.economics.follow_up import FollowUp
from mpg_research.analysis.economics.mean_tables import EVERYBODY, apart, cost_window, mean_tables
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import NotApplicableError
from mpg_research.simulate.study import simulate_study
from mpg_research.study import load_study
from mpg_research.study.model import SampleFlow
from tests.analysis.economics.cost_studies import CONSTANTS, PLANS, Plan, draw_study, draw_tables
from tests.analysis.economics.dense_costs import dense_mean
from tests.analysis.made_studies import made_study


def only(table, column="mean_cost"):
    (value,) = table.data[column]
    return float(value)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory):
    study = draw_study(tmp_path_factory.mktemp("plain"), np.random.default_rng(3), Plan(families=120))
    return study, describe_costs(study, horizon_months=9)


def test_the_mean_is_that_of_bang_and_tsiatis_worked_out_with_loops(plain):
    _, found = plain
    costs = found.families
    time = costs.followed["months"].to_numpy()
    amounts = costs.amounts(np.arange(10.0))
    assert only(found.tables["costs"]) == pytest.approx(dense_mean(amounts, time, 9), rel=1e-9)
    complete = amounts[time >= 9].sum(axis=1).mean()
    assert only(found.tables["costs"]) != pytest.approx(complete, rel=1e-3), "not that of the complete"


def test_parts_add_up_to_the_whole(plain):
    _, found = plain
    whole = only(found.tables["costs"])
    for name in ("phase", "payer", "kind", "item", "month"):
        assert found.tables[f"costs_by_{name}"].data["mean_cost"].sum() == pytest.approx(whole, rel=1e-9)
    for name in ("costs", "costs_by_payer", "costs_by_month"):
        data = found.tables[name].data
        assert (data["largest"] >= data["second_largest"]).all()
        assert (data["largest"] <= data["mean_cost"] * (1 + 1e-9)).all()


def test_the_order_of_rows_and_the_names_of_families_mean_nothing(tmp_path):
    tables = draw_tables(np.random.default_rng(5), PLANS["plain"])
    turned = {name: table.iloc[::-1] for name, table in tables.items()}
    for table in turned.values():
        if "family" in table:
            table["family"] = "z" + table["family"].astype(str).str[::-1]
    one, other = (
        describe_costs(made_study(tmp_path / name, these, constants=CONSTANTS))
        for name, these in (("one", tables), ("other", turned))
    )
    for name in ("costs", "costs_by_payer", "costs_by_month", "cost_spread", "costs_by_organisation"):
        values = [found.tables[name].data.select_dtypes("number") for found in (one, other)]
        np.testing.assert_allclose(*values, rtol=1e-9)


@pytest.mark.parametrize("name", PLANS)
def test_every_kind_of_study_is_described_and_released(tmp_path, name):
    study = draw_study(tmp_path, np.random.default_rng(7), PLANS[name])
    found = describe_costs(study)
    mean = found.tables["costs"].data.iloc[0]
    assert 0 <= mean["mean_cost_low"] <= mean["mean_cost"] <= mean["mean_cost_high"]
    assert found.provenance.parameters["horizon_months"] >= 1
    assert ("cost_funnel" in found.tables) <= (PLANS[name].organisations >= 5)
    assert ("costs_before_help" in found.tables) == (PLANS[name].before > 0)
    for who in ("researcher", "funder"):
        released = release(found, Audience(who), policy=policy_of(study))
        for table in released.tables.values():
            assert not {"largest", "second_largest"} & set(table.data.columns[table.data.notna().any()])


def test_a_horizon_longer_than_anybody_is_followed_is_cut_and_said(tmp_path):
    study = draw_study(tmp_path, np.random.default_rng(1), PLANS["nobody_ended_and_short"])
    found = describe_costs(study, horizon_months=24)
    assert found.provenance.parameters["horizon_months"] < 7
    assert "costs_for_less_long" in {note.code for note in found.notes}


def _without(tables, *names):
    return {name: table for name, table in tables.items() if name not in names}


def test_what_cannot_be_told_is_said_kindly(tmp_path):
    tables = draw_tables(np.random.default_rng(2), PLANS["plain"])
    foreign = tables["prices"].assign(item="something_else").drop_duplicates(["year", "payer"])
    of_school = tables["prices"].assign(payer="school").drop_duplicates(["item", "year"])
    late = draw_tables(np.random.default_rng(2), Plan(longest=20, ends=0.0, again=0.0))
    cases = {
        "no_prices": (_without(tables, "prices"), ""),
        "no_prices_of_payer": ({**tables, "prices": of_school}, '[costs]\nperspective = "state"'),
        "prices_without_index": (_without(tables, "price_index"), "[costs]\nyear = 2024"),
        "nothing_to_price": (_without(tables, "care", "events", "interventions"), ""),
        "nothing_priced": ({**tables, "prices": foreign}, ""),
        "costs_not_followed": (late, ""),
    }
    for code, (these, more) in cases.items():
        study = made_study(tmp_path / code, these, constants=CONSTANTS, more=more)
        with pytest.raises(NotApplicableError) as raised:
            describe_costs(study)
        assert raised.value.code == code


def test_what_has_no_price_is_counted_and_said(plain):
    study, found = plain
    rows = found.tables["without_price"].data.set_index("cost_item")
    events = study.tables["events"]
    there = set(found.families.followed["family"])
    expected = events[(events["event"] == "renewed_referral") & events["family"].isin(there)]
    assert rows.loc["renewed_referral", "n_records"] == len(expected)
    assert rows.loc["renewed_referral", "n_families"] == expected["family"].nunique()
    assert "items_without_price" in {note.code for note in found.notes}


def test_payers_who_pay_for_few_stand_together():
    rows = pd.DataFrame(
        {
            "unit": [*range(40), *range(40), 3, 5], "month": [0] * 40 + [1] * 40 + [0, 1],
            "payer": ["municipality"] * 80 + ["state", "school"],
        }
    ).astype({"payer": "category"})  # fmt: skip
    window = cost_window(_made(rows, np.full(40, 12.0)), asked=2, minimum=10, level=0.95)
    assert apart(window, 10) == {EVERYBODY: ["school", "state", "municipality"]}
    assert set(apart(window, 1)) == {"municipality", "school", "state"}


def _made(rows: pd.DataFrame, months: np.ndarray, workers: np.ndarray | None = None) -> FamilyCosts:
    amount = rows.get("amount", 1.0)
    full = rows.assign(amount=amount, discounted=amount, phase="during", kind="fiscal", item="hour")
    for name in ("phase", "kind", "item", *(() if "payer" in rows else ("payer",))):
        full[name] = full[name].astype("category") if name in full else pd.Categorical(["state"] * len(full))
    n = len(months)
    followed = pd.DataFrame(
        {"family": np.arange(n).astype(str), "organisation": "k", "months": months,
         "worker": np.arange(n).astype(str) if workers is None else workers}
    )  # fmt: skip
    return FamilyCosts(
        rows=full, followed=followed, prices=full[:0], without_price=full[:0], year=2024, payers=(), rate=0.0,
        recorded=frozenset(), left_out={}, notes=(),
        follow_up=FollowUp(followed, followed[:0], SampleFlow(), calendar=True, ends_unknown=0),
    )  # fmt: skip


def test_limits_hold_the_truth_where_costs_are_skewed_and_follow_up_stops():
    """Families differ (lognormal), workers differ, help stops at random: none of it is a model of ours."""
    rng, held, months = np.random.default_rng(11), [], 12
    truth = 12 * 400.0
    for _ in range(150):
        n, workers = 300, np.repeat(np.arange(30), 10).astype(str)
        level = np.repeat(rng.normal(0, 0.2, 30), 10) + rng.normal(0, 0.9, n)
        mean = 400.0 * np.exp(level - (0.2**2 + 0.9**2) / 2)
        amounts = rng.gamma(0.5, 2.0, (n, months)) * mean[:, None]
        time = np.where(rng.random(n) < 0.35, rng.uniform(0.5, 12, n), 14.0)
        unit, month = np.nonzero(np.arange(months) < time[:, None])
        rows = pd.DataFrame({"unit": unit, "month": month, "amount": amounts[unit, month]})
        window = cost_window(_made(rows, time, workers), asked=12, minimum=10, level=0.95)
        found = mean_tables(window, minimum=10)[0].data.iloc[0]
        held.append(found["mean_cost_low"] <= truth <= found["mean_cost_high"])
    assert 0.88 <= np.mean(held) <= 0.99  # three binomial standard errors around 93 to 95 %


def test_care_costs_what_the_simulation_drew_it_from(tmp_path):
    folder = simulate_study(tmp_path / "truth", seed=21, families=300, organisations=4, truth_families=0)
    truth = pd.read_csv(Path(folder) / "truth" / "costs.csv", dtype={"family": str, "episode": str})
    costs = family_costs(load_study(folder), year=2024, rate=0.0)
    care = costs.rows[costs.rows["item"].isin(["contact_hour", "agency_month", "network_meeting"])]
    taken = care.groupby("family", observed=True)["amount"].sum()
    apart = (taken - truth.groupby("family")["expected_cost_of_care"].sum().reindex(taken.index)).dropna()
    assert len(apart) > 250
    assert abs(apart.mean()) < 4 * apart.std() / np.sqrt(len(apart))
    assert costs.rows["discounted"].sum() == pytest.approx(costs.rows["amount"].sum())
