"""Costs of the synthetic study: drawn as the truth says, and an effect that can be found again."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.simulate.costs import COST_EFFECT
from mpg_research.simulate.study import simulate_study
from mpg_research.study import check_study, load_study

EXAMPLE = Path(__file__).parents[2] / "data" / "example"
ITEMS = {"hours": "contact_hours", "agency_months": "n_agencies", "meetings": "network_meeting"}
KEYS = ["family", "episode"]
#: Standard errors that the mean of what was drawn may lie from what was expected.
NEAR = 4.0


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype={"family": str, "episode": str})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One study without and with the planted effect."""
    folder = tmp_path_factory.mktemp("costs")
    settings = {"seed": 12, "families": 5000, "organisations": 4, "truth_families": 0}
    return simulate_study(folder / "plain", **settings), simulate_study(
        folder / "planted", cost_effect=True, **settings
    )


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "planted"])
def test_hours_agencies_and_meetings_are_drawn_as_the_truth_says(which: int, both: tuple[Path, Path]) -> None:
    truth, care = read(both[which], "truth/costs").set_index(KEYS), read(both[which], "care")
    taken = care.groupby(KEYS)[list(ITEMS.values())].sum().reindex(truth.index)
    assert (care.groupby(KEYS).size().reindex(truth.index) == truth["n_months"]).all()
    for expected, column in ITEMS.items():
        for part in (truth.index, truth.index[truth["organisation"] == truth["organisation"].iloc[-1]]):
            apart = (taken[column] - truth[expected])[part]
            assert abs(apart.mean()) < NEAR * apart.std() / np.sqrt(len(apart)), (expected, apart.mean())


def during_help(folder: Path, events: pd.DataFrame) -> pd.DataFrame:
    """Events up to the last day of help; help that goes on has none after it."""
    ends = pd.to_datetime(read(folder, "episodes").set_index(KEYS)["end"])
    end = ends.reindex(pd.MultiIndex.from_frame(events[KEYS])).to_numpy()
    return events[np.isnat(end) | (pd.to_datetime(events["date"]).to_numpy() <= end)]


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "planted"])
@pytest.mark.parametrize("event", ["placement", "eviction"])
def test_events_during_help_happen_as_often_as_the_truth_says(
    event: str, which: int, both: tuple[Path, Path]
) -> None:
    """In all, and where help is short or long, chances are small or large, in the first period and later."""
    truth, events = read(both[which], "truth/costs").set_index(KEYS), read(both[which], "events")
    inside = during_help(both[which], events[events["event"] == event])
    happened = inside.groupby(KEYS).size().reindex(truth.index).fillna(0)
    assert happened.sum() == len(inside)
    chance = truth[f"chance_of_{event}_in_help"]
    large, long = chance > chance.median(), truth["n_months"] > truth["n_months"].median()
    again = truth.index.get_level_values("episode") == "2"
    last = truth["organisation"] == truth["organisation"].iloc[-1]
    for part in (chance > 0, large, ~large, long, ~long, again, ~again, last, ~last):
        error = np.sqrt((chance * (1 - chance))[part].sum())
        assert abs(happened[part].sum() - chance[part].sum()) < NEAR * error
    # All that there are, also after the help, are more: the truth does not hold those.
    every = (events["event"] == event).sum()
    assert every - chance.sum() > NEAR * np.sqrt((chance * (1 - chance)).sum())


def test_the_planted_effect_is_in_the_tables_and_nothing_else_moves(both: tuple[Path, Path]) -> None:
    plain, planted = both
    known = tomllib.loads((planted / "truth" / "costs.toml").read_text())["planted"]
    assert {name: known[name] for name in COST_EFFECT} == COST_EFFECT
    for name in ("episodes", "measurements", "interventions", "prices", "price_index", "goals"):
        assert (plain / f"{name}.csv").read_bytes() == (planted / f"{name}.csv").read_bytes()
    organisation = read(plain, "episodes").set_index(KEYS)["organisation"]
    hours = [read(each, "care").set_index([*KEYS, "month"])["contact_hours"] for each in both]
    there = (organisation.reindex(hours[0].index.droplevel(2)) == known["organisation"]).to_numpy()
    assert np.allclose(hours[1][there], hours[0][there] * COST_EFFECT["hours_ratio"], atol=0.006)
    assert (hours[1][~there] == hours[0][~there]).all()
    events = [read(each, "events").merge(organisation.reset_index(), on=KEYS) for each in both]
    counts = [each.groupby(["organisation", "event"]).size().unstack().fillna(0) for each in events]
    here = known["organisation"]
    before, after = (each.loc[here, "placement"] for each in counts)
    share = 1 - COST_EFFECT["placements_prevented"]
    assert abs(after - share * before) < NEAR * np.sqrt(before * share * (1 - share))
    assert counts[0].drop(index=here).equals(counts[1].drop(index=here))


def test_expected_cost_of_care_is_that_of_the_prices(both: tuple[Path, Path]) -> None:
    """By hand: each item's prices over its payers, brought to the year by the index."""
    folder = both[1]
    truth, prices = read(folder, "truth/costs"), pd.read_csv(folder / "prices.csv")
    index = pd.read_csv(folder / "price_index.csv").set_index("year")["index"]
    level = prices["unit_price"] * index[2024] / index.reindex(prices["year"]).to_numpy()
    price = level.groupby(prices["item"]).sum()
    cost = (
        truth["hours"] * price["contact_hour"]
        + truth["agency_months"] * price["agency_month"]
        + truth["meetings"] * price["network_meeting"]
    )
    assert np.allclose(cost, truth["expected_cost_of_care"], atol=0.5)


def test_the_example_has_invented_prices_and_no_fault_in_them(both: tuple[Path, Path]) -> None:
    for folder in (EXAMPLE, both[1]):
        prices, index = (pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("prices", "price_index"))
        assert prices["source"].str.startswith("synthetic").all()
        assert index["source"].str.startswith("synthetic").all()
        assert {"fiscal", "economic", "social"} == set(prices["kind"])
        assert prices["payer"].nunique() >= 4
        counts = check_study(folder).counts
        assert not [code for code in counts if "price" in code or "index" in code or "currency" in code]
        assert len(load_study(folder).tables["price_index"]) == len(index)
