"""Costs of single families against the same worked out row by row; nothing is lost or counted twice."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.economics.family_costs import family_costs
from tests.analysis.economics.cost_studies import CONSTANTS, PLANS, draw_study, draw_tables
from tests.analysis.economics.dense_costs import dense_rows, families_without_care, months_without_care
from tests.analysis.made_studies import EXPORT, made_study

#: Sums of the same products in another order.
NEAR = 1e-6


def by_key(costs):
    found = defaultdict(float)
    for row in costs.rows.itertuples(index=False):
        for name in ("amount", "discounted"):
            found[row.family, row.month, row.item, row.payer, row.phase, name] += getattr(row, name)
    return found


@pytest.mark.parametrize("name", PLANS)
def test_costs_are_those_worked_out_row_by_row(tmp_path, name):
    compared = 0
    for seed in range(2):
        tables = draw_tables(np.random.default_rng(seed), PLANS[name])
        study = draw_study(tmp_path / f"{name}{seed}", np.random.default_rng(seed), PLANS[name])
        costs = family_costs(study, year=2024)
        expected = dense_rows(tables, year=2024, rate=0.03, before=PLANS[name].before)
        found = by_key(costs)
        followed = set(costs.followed["family"])
        assert set(found) == {key for key, value in expected.items() if value > 0 and key[0] in followed}
        for key, value in found.items():
            assert value == pytest.approx(expected[key], rel=1e-5), key
        compared += len(found)
    assert compared > 100


@pytest.mark.parametrize("name", ["plain", "sixty_organisations"])
def test_families_of_whom_no_care_was_written_down_are_left_out_and_counted(tmp_path, name):
    """Nothing of them counts as no costs; who had help for less than a month stays."""
    found = 0
    for seed in range(2):
        tables = draw_tables(np.random.default_rng(seed), PLANS[name])
        study = draw_study(tmp_path / f"{name}{seed}", np.random.default_rng(seed), PLANS[name])
        costs = family_costs(study)
        home = tables["episodes"].drop_duplicates("family").set_index("family")["organisation"]
        recording = set(home.reindex(tables["care"]["family"].unique()))
        silent = {each for each in families_without_care(tables) if home[each] in recording}
        assert not silent & set(costs.followed["family"])
        told = [note.values["n_families"] for note in costs.notes if note.code == "families_without_care"]
        assert told == ([len(silent)] if silent else [])
        found += len(silent)
    assert found


def test_agencies_count_once_where_two_periods_share_a_month(tmp_path):
    """Hours of both rows add up; of agencies the most of them counts, in whichever row it stands."""
    shared = 0
    for seed in range(2):
        plan = PLANS["two_periods_in_a_month"]
        tables = draw_tables(np.random.default_rng(seed), plan)
        found = family_costs(draw_study(tmp_path / str(seed), np.random.default_rng(seed), plan)).rows
        found = found.drop_duplicates(["family", "episode", "month", "phase", "item", "quantity"])
        months = tables["care"].groupby(["family", "month"])
        shared += int((months.size() > 1).sum())
        used = found.groupby(["item", "family"], observed=True)["quantity"].sum()
        expected = {
            "agency_month": months["n_agencies"].max(), "contact_hour": months["contact_hours"].sum(),
            "network_meeting": months["network_meeting"].sum(),
        }  # fmt: skip
        for item, values in expected.items():
            wanted = values.groupby("family").sum()
            wanted = wanted[wanted > 0]
            assert used[item].reindex(wanted.index).to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-5)
    assert shared > 20


def test_meetings_are_those_of_the_table_in_which_an_organisation_records_them(tmp_path):
    plan = PLANS["meetings_in_either_table"]
    tables = draw_tables(np.random.default_rng(4), plan)
    study = draw_study(tmp_path / "either", np.random.default_rng(4), plan)
    found = family_costs(study)
    rows = found.rows[found.rows["item"] == "network_meeting"]
    rows = rows.drop_duplicates(["family", "episode", "month", "phase", "quantity"])
    home = tables["episodes"][["family", "episode", "organisation"]]
    events = tables["interventions"].merge(home, on=["family", "episode"])
    events = events[events["intervention"] == "network_meeting"]
    told = events["organisation"].value_counts()
    taken = rows.groupby("organisation", observed=True)["quantity"].size()
    for name in ("k00", "k01", "k02"):  # blank, blank, and filled in that there were none
        assert taken[name] == told[name] > 3
    care = tables["care"].merge(home, on=["family", "episode"])
    inside = care[care["organisation"] == "k03"]["network_meeting"].sum()
    assert rows[rows["organisation"] == "k03"]["quantity"].sum() == pytest.approx(inside, rel=1e-5)
    assert found.left_out["organisation_records_meetings_in_care"] == told["k03"]


def gaps(costs):
    return [note.values for note in costs.notes if note.code == "months_without_care"]


@pytest.mark.parametrize("name", ["plain", "before_help", "two_periods_in_a_month", "one_organisation"])
def test_months_of_help_without_care_are_counted_and_said(tmp_path, name):
    plan = PLANS[name]
    tables = draw_tables(np.random.default_rng(7), plan)
    expected = months_without_care(tables)
    study = draw_study(tmp_path / name, np.random.default_rng(7), plan)
    assert sum(expected.values()) > 10
    values = {"n_care_gaps": sum(expected.values()), "n_families": len(expected)}
    assert gaps(family_costs(study)) == [values]


def test_nothing_is_said_of_care_where_no_month_lacks_it_or_care_has_no_price(tmp_path):
    tables = draw_tables(np.random.default_rng(7), PLANS["plain"])
    episodes = tables["episodes"]
    rows = [
        {"family": row.family, "episode": row.episode, "month": month.start_time, "contact_hours": 2.0}
        for row in episodes.itertuples()
        for month in pd.period_range(row.start, EXPORT if pd.isna(row.end) else row.end, freq="M")
    ]
    full = {**tables, "care": pd.DataFrame(rows)}
    assert gaps(family_costs(made_study(tmp_path / "full", full, constants=CONSTANTS))) == []
    prices = tables["prices"]
    events = {**tables, "prices": prices[prices["item"].isin(["placement", "eviction"])]}
    assert gaps(family_costs(made_study(tmp_path / "events", events, constants=CONSTANTS))) == []


def test_months_counted_in_numbers_are_inside_help_too(tmp_path):
    plan = PLANS["months"]
    tables = draw_tables(np.random.default_rng(3), plan)
    costs = family_costs(draw_study(tmp_path / "months", np.random.default_rng(3), plan))
    until = costs.followed.set_index("family")["help_months"].to_dict()
    had = tables["care"].groupby("family")["month"].agg(set).to_dict()
    lacking = {name: set(range(int(until[name] + 1e-4))) - months for name, months in had.items()}
    lacking = {name: months for name, months in lacking.items() if months}
    values = {"n_care_gaps": sum(map(len, lacking.values())), "n_families": len(lacking)}
    assert gaps(costs) == [values]
