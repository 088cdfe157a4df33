"""The columns of a table as plain arrays: the rows, groups and marks of the frame that they came from."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import columns as declare
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.rules.cells import cells_of, frames_of
from mpg_research.disclosure.rules.organisation_rules import deviations
from tests.disclosure.made_results import made_policy, result_of

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
COLUMNS = (
    declare.ORGANISATION,
    declare.MONTHS.but(adds_up=""),
    declare.modelled("apart"),
    declare.observed_share("share"),
)


def table_of(rng: np.random.Generator, *, kind: str) -> pd.DataFrame:
    """Six organisations at two moments; what is ``apart`` is so from their mean or from nothing."""
    names = ("linde", "eik", "berk", "es", "iep", "wilg")
    rows = pd.MultiIndex.from_product([names, [6.0, 12.0]], names=["organisation", "months"])
    data = pd.DataFrame(index=rows).reset_index()
    data["apart"] = rng.normal(0, 2, len(data)).round(3)
    if kind == "mean":
        data["apart"] -= data.groupby("months")["apart"].transform(kind)
    data["n_families"] = rng.integers(12, 80, len(data))
    data["share"] = rng.integers(10, data["n_families"] - 1) / data["n_families"]
    return data.sample(frac=1, random_state=int(rng.integers(1 << 30))).reset_index(drop=True)


@pytest.mark.parametrize("kind", ["mean", "median", "nothing"])
def test_deviations_are_those_that_add_up_to_zero_or_have_it_in_the_middle(kind: str) -> None:
    for seed in range(20):
        data = table_of(np.random.default_rng(seed), kind=kind)
        sums = data.groupby("months")["apart"].sum().abs()
        assert (sums < 1e-6).all() == (kind == "mean")
        assert deviations(cells_of(ResultTable("made", data, COLUMNS))) == (kind == "mean")
        odd = data[data["organisation"] != "wilg"].copy()  # of an even number the middle is between two
        if kind == "median":
            odd["apart"] -= odd.groupby("months")["apart"].transform("median")
        assert deviations(cells_of(ResultTable("made", odd, COLUMNS))) == (kind == "median")


def test_rows_that_are_moved_keep_their_numbers_marks_and_groups() -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        data = table_of(rng, kind="nothing")
        cells = cells_of(ResultTable("made", data, COLUMNS))
        hidden = rng.random(len(data)) < 0.3
        cells.hide(hidden, "share")
        cells.put(~hidden, "apart", np.full(len(data), 1.5), mark=True)
        assert len(cells.groups(["months"])) == 2
        for _ in range(2):
            order = rng.permutation(cells.length)[: cells.length - 2]
            cells.take(order)
            data, hidden = data.iloc[order].reset_index(drop=True), hidden[order]
        numbers, marks = frames_of(cells)
        assert np.array_equal(cells.exact("apart"), data["apart"])
        assert numbers["organisation"].tolist() == data["organisation"].tolist()
        assert numbers["share"].equals(data["share"].where(~hidden))
        assert (marks["share"] == np.where(hidden, "suppressed", "")).all()
        assert (marks["apart"] == np.where(hidden, "", "rounded")).all()
        for rows in cells.groups(["months"]):
            assert data["months"].iloc[rows].nunique() == 1


@pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])
@pytest.mark.parametrize("rounding", [0, 5])
def test_numbers_are_judged_as_such_whatever_they_are_typed_as(reader: Audience, rounding: int) -> None:
    """A column of objects with numbers in it was taken for text, and passed as it was."""
    for seed in range(5):
        data = table_of(np.random.default_rng(seed), kind="nothing")
        data.loc[1, "n_families"] = 4
        typed = data.astype({"share": object, "n_families": object})
        one, other = (
            release(
                result_of("made", ResultTable("made", each, COLUMNS)),
                reader,
                policy=made_policy(rounding=rounding),
            ).tables["made"]
            for each in (data, typed)
        )
        pd.testing.assert_frame_equal(one.data, other.data)
        pd.testing.assert_frame_equal(one.marks, other.marks)


@pytest.mark.parametrize("rounding", [0, 5])
def test_a_table_without_rows_passes(rounding: int) -> None:
    data = table_of(np.random.default_rng(1), kind="nothing").iloc[:0]
    for typed in (data, data.astype(object)):
        policy = made_policy(rounding=rounding, public_groups=True)
        shown = release(result_of("made", ResultTable("made", typed, COLUMNS)), READERS[1], policy=policy)
        assert list(shown.tables["made"].data.columns) == [
            *data.columns[:3],
            "share",
            "n_families",
            "suppressed",
        ]
