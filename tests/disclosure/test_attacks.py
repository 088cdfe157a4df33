"""What a reader can work out from a released table with a pencil: nothing small, whoever reads it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import columns as declare
from mpg_research.analysis.columns import Column
from mpg_research.analysis.growth.rule import GrowthRule, spline_term
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, ReleasedTable, release
from tests.disclosure.made_results import flow_of, made_policy, result_of

FUNDER, LINDE = Audience("funder"), Audience("organisation", "linde")
#: Who sees names, and by which rule; nobody sees a small number.
RULES = ({}, {"public_groups": True}, {"name_organisations_to_funder": True})
#: Shares are rounded to the first of these that is no smaller than one family.
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
KEYS = ("linde", "eik", "beuk", "den", "els")


def released(table: ResultTable, reader: Audience, minimum: int = 10, **rules: object) -> ReleasedTable:
    policy = made_policy(minimum_families=minimum, **rules)
    return release(result_of("made", table), reader, policy=policy).tables[table.name]


def small_in(found: ReleasedTable, minimum: int) -> list[tuple[float, float]]:
    """Shares with their numbers which, as they are rounded, fit one small count and no other."""
    data, marks, wrong = found.data, found.marks, []
    for row in range(len(data)):
        share, number = data["rate"].iloc[row], data["n_families"].iloc[row]
        own = "organisation" in data and data["organisation"].iloc[row] == "own"  # it knows its own families
        if own or np.isnan(share) or np.isnan(number):
            continue
        near = max(10, minimum) / 2 if marks["n_families"].iloc[row] == "rounded" else 0.0
        sizes = np.arange(max(number - near, 1.0), number + near + 1)
        fits = set()
        for size in sizes:
            step = next((each for each in STEPS if each >= 1 / size), 1.0)
            for count in range(int(size) + 1):
                rounded = marks["rate"].iloc[row] == "rounded"
                written = round(round(count / size / step) * step, 6) if rounded else count / size
                if abs(written - share) < 1e-9:
                    fits.add(count)
        small = {count for count in fits if 0 < count < minimum}
        if len(fits) == 1 and small:
            wrong.append((share, number))
    return wrong


@pytest.mark.parametrize("rules", RULES, ids=["unnamed", "public", "named"])
@pytest.mark.parametrize("minimum", [3, 10, 30])
def test_a_share_does_not_give_a_small_number(rules: dict[str, bool], minimum: int) -> None:
    rng = np.random.default_rng(minimum)
    rate = declare.observed_share("rate")
    for _ in range(12):
        sizes = rng.integers(minimum, 8 * minimum, len(KEYS))
        shares = rng.integers(0, sizes + 1) / sizes
        for row in range(3):  # small ones and nearly all
            shares[row] = (rng.integers(1, minimum) % sizes[row]) / sizes[row]
        by_organisation = pd.DataFrame({"organisation": KEYS, "rate": shares, "n_families": sizes})
        pooled = pd.DataFrame({"row": range(len(KEYS)), "rate": shares, "n_families": sizes})
        for data, key in (
            (by_organisation, declare.EACH_ORGANISATION),
            (pooled, declare.key_column("row")),
        ):
            for reader in (FUNDER, LINDE):
                table = ResultTable("made", data, (key, rate))
                found = released(table, reader, minimum, **rules)
                assert small_in(found, minimum) == []


def test_each_row_has_the_number_that_its_share_is_of() -> None:
    """Where rows are shares of different numbers, each goes with its own."""
    rows = {
        "few": declare.observed_share("value", of="n_few"),
        "many": declare.observed_share("value", of="n_many"),
    }
    data = pd.DataFrame({"what": ["few", "many"], "value": [0.5, 0.5], "n_families": 100})
    data = data.assign(n_few=[20, 8], n_many=[8, 200])
    counts = [declare.number_of(name, of="measurements") for name in ("n_few", "n_many")]
    columns = (declare.coded("what"), declare.by_row("value", "what", rows), *counts)
    for reader in (Audience("researcher"), FUNDER):
        found = released(ResultTable("made", data, columns), reader).data
        assert list(found["value"].isna()) == [False, False]
    swapped = data.assign(n_few=[8, 20], n_many=[200, 8])
    for reader in (Audience("researcher"), FUNDER):
        found = released(ResultTable("made", swapped, columns), reader).data
        assert list(found["value"].isna()) == [True, True]


@pytest.mark.parametrize("hidden", ["whole", "part", "apart"])
def test_a_difference_does_not_give_its_hidden_part(hidden: str) -> None:
    """Whichever of a difference and its two parts is the value of one family, at most one other is shown."""
    data = pd.DataFrame({"row": [0], "whole": [38.0], "part": [21.4], "apart": [16.6], "n_families": [80]})

    def column(name: str, **about: object) -> Column:
        return Column(name=name, meaning="extreme" if name == hidden else "model", **about)  # type: ignore[arg-type]

    columns = (
        declare.key_column("row"),
        column("whole"),
        column("part"),
        column("apart", minus=("whole", "part")),
        declare.modelled("other"),
    )
    found = released(ResultTable("made", data.assign(other=1.0), columns), FUNDER).data
    assert found[["whole", "part", "apart"]].notna().sum(axis=1).iloc[0] <= 1


def test_a_chain_of_other_forms_is_hidden_with_what_they_are_about() -> None:
    data = pd.DataFrame({"row": [0], "top": [38.0], "half": [19.0], "quarter": [9.5], "n_families": [80]})
    columns = (
        declare.key_column("row"), Column(name="top", meaning="extreme"), declare.modelled("other"),
        declare.modelled("quarter", about="half"), declare.modelled("half", about="top"),
    )  # fmt: skip
    found = released(ResultTable("made", data.assign(other=1.0), columns), FUNDER).data
    assert found[["top", "half", "quarter"]].isna().all(axis=None)
    assert found["other"].notna().all()


@pytest.mark.parametrize("minimum", [10, 30])
@pytest.mark.parametrize("rules", RULES[1:], ids=["public", "named"])
def test_two_numbers_of_families_beside_each_other_differ_by_nothing_small(
    rules: dict[str, bool], minimum: int
) -> None:
    data = pd.DataFrame({"organisation": KEYS, "n_families": [140, 90, 95, 120, 101]})
    data = data.assign(n_reached=data["n_families"] - np.array([0, 3, minimum - 1, minimum, 40]))
    columns = (declare.EACH_ORGANISATION, declare.number_of("n_reached", of="families"))
    found = released(ResultTable("made", data, columns), FUNDER, minimum, **rules)
    marks = found.marks.set_axis(found.data["organisation"])["n_reached"]
    assert [marks[key] for key in KEYS] == ["", "rounded", "rounded", "", ""]


def test_totals_are_rounded_to_what_may_be_shown() -> None:
    """With 30 families or more, two totals that lie 20 apart are not told apart by tens."""
    table = ResultTable(
        "made", pd.DataFrame({"row": [0], "other": [1.0], "n_families": [260]}),
        (declare.key_column("row"), declare.modelled("other")),
    )  # fmt: skip
    result = result_of("made", table, flow=flow_of(400, 340, 240))
    found = release(result, FUNDER, policy=made_policy(minimum_families=30)).tables["made"]
    assert found.marks["n_families"].iloc[0] == "rounded"
    assert found.data["n_families"].iloc[0] % 30 == 0


@pytest.mark.parametrize("knots", ["root", (0, 1, 4, 12)])
def test_a_formula_tells_no_knots_that_were_computed(knots: Any) -> None:
    """Knots lie at moments at which families were measured; those that somebody chose are no secret."""
    rng = np.random.default_rng(3)
    rule = GrowthRule(knots=knots)
    for _ in range(20):
        months = np.sort(rng.uniform(0, 24, 200))
        own = spline_term(months, rule.knots)
        common = spline_term(months, "root", n_knots=3)
        told = rule.told(f"score ~ {own} * organisation + (1 + {common} | family)")
        assert told.count("knots=root") == (2 if knots == "root" else 1)
        assert ("knots=(0, 1, 4, 12)" in told) is (knots != "root")
        assert "." not in told
