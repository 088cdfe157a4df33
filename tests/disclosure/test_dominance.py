"""Sums of money: nobody can tell the largest contribution from them, by trying what each family could do."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import columns as declare
from mpg_research.analysis.columns import Column
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.rules.dominance import P_PERCENT, dominated
from tests.disclosure.made_results import made_policy, result_of

READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
FIRST, SECOND = (Column(name=name, meaning="extreme", csv_only=True) for name in ("first", "second"))


def told_by_another(contributions: np.ndarray, p_percent: float) -> bool:
    """Whether any family can tell that of any other to within p %: the sum less its own is at most that."""
    total = contributions.sum()
    return any(
        total - contributions[knower] - contributions[target] < p_percent / 100 * contributions[target]
        for knower, target in permutations(range(len(contributions)), 2)
    )


def costs(seed: int, n_rows: int = 40) -> list[np.ndarray]:
    """Contributions per row: even and uneven, of ten families and more, some of one family nearly alone."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_rows):
        spread = rng.choice([0.3, 1.0, 2.5, 5.0, 12.0])
        rows.append(np.round(np.exp(rng.normal(6, spread, int(rng.integers(10, 40)))), 2))
    return rows


def table_of(rows: list[np.ndarray], total: Column, *, with_largest: bool = True) -> ResultTable:
    data = pd.DataFrame(
        {
            "row": range(len(rows)),
            "total": [each.sum() for each in rows],
            "mean_cost": [each.mean() for each in rows],
            "n_families": [len(each) for each in rows],
        }
    )
    columns = [declare.key_column("row"), total, Column(name="mean_cost", meaning="money", about="total")]
    if with_largest:
        data["first"] = [np.sort(each)[-1] for each in rows]
        data["second"] = [np.sort(each)[-2] for each in rows]
        columns += [FIRST, SECOND]
    return ResultTable("costs", data, tuple(columns))


TOTAL = Column(name="total", meaning="money", is_total=True, largest=("first", "second"))


@pytest.mark.parametrize("p_percent", [1.0, 10.0, 40.0])
def test_a_sum_is_dominated_where_some_family_could_tell_anothers_part(p_percent: float) -> None:
    told = tried = 0
    for seed in range(6):
        rows = costs(seed)
        parts = [np.sort(each) for each in rows]
        found = dominated(
            np.array([each.sum() for each in rows]),
            np.array([each[-1] for each in parts]),
            np.array([each[-2] for each in parts]),
            p_percent=p_percent,
        )
        expected = [told_by_another(each, p_percent) for each in rows]
        assert found.tolist() == expected
        told, tried = told + sum(expected), tried + len(rows)
    assert 0 < told < tried


@pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])
@pytest.mark.parametrize("rounding", [0, 5])
def test_no_dominated_sum_and_no_contribution_is_released(reader: Audience, rounding: int) -> None:
    rows = costs(11)
    shown = release(result_of("costs", table_of(rows, TOTAL)), reader, policy=made_policy(rounding=rounding))
    data = shown.tables["costs"].data.set_index("row")
    told = np.array([told_by_another(each, P_PERCENT) or each.max() > each.sum() / 2 for each in rows])
    assert 0 < told.sum() < len(told)
    assert data.loc[told, ["total", "mean_cost", "n_families"]].isna().all(axis=None)
    assert data.loc[~told, "total"].notna().all()
    assert data[["first", "second"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "total",
    [
        Column(name="total", meaning="money", is_total=True),
        Column(name="total", meaning="money", is_total=True, largest=("first",)),
        Column(name="total", meaning="money", is_total=True, largest=("first", "elsewhere")),
    ],
)
def test_a_sum_of_which_the_largest_parts_are_not_known_is_never_shown(total: Column) -> None:
    table = table_of(costs(2), total, with_largest=len(total.largest) > 0)
    shown = release(result_of("costs", table), READERS[0], policy=made_policy(rounding=5))
    assert "costs" not in shown.tables
    assert shown.reason_for("costs").code == "all_suppressed"


def test_missing_or_impossible_contributions_hide_the_sum() -> None:
    largest = np.array([np.nan, 30.0, 20.0, 80.0, 0.0, 30.0])
    second = np.array([10.0, np.nan, 30.0, 40.0, 0.0, -5.0])
    assert dominated(np.array([100.0, 100.0, 100.0, 100.0, 0.0, 100.0]), largest, second).all()


def test_only_money_is_a_total() -> None:
    with pytest.raises(ValueError, match="only money"):
        Column(name="total", meaning="mean", is_total=True)
