"""Amounts on their way out: a solver looks for what one family cost, and nothing is finer than the base."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from mpg_research.analysis import columns as declare
from mpg_research.analysis.columns import Column
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, ReleasedTable, release
from mpg_research.disclosure.applied_rules import rules_applied
from mpg_research.disclosure.earlier import as_released_before, describe_released
from tests.disclosure.made_results import NAMES, flow_of, made_policy, result_of

KEYS = tuple(NAMES)
GROUPS = tuple("abcdef")
PAYERS = ("municipality", "state", "school")
READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
IDS = [reader.role for reader in READERS]


@dataclass(frozen=True)
class Costs:
    """What every family costs each payer, and the tables that an analysis makes of it."""

    families: pd.DataFrame
    base: int

    def rows(self, *keys: str) -> pd.DataFrame:
        """Total, its two largest parts and the families of every group."""
        by = [*keys, "family"]
        of_family = self.families.groupby(by, sort=False)["amount"].sum().reset_index()
        found = []
        for key, group in of_family.groupby(list(keys), sort=False) if keys else [((), of_family)]:
            parts = np.sort(np.abs(group["amount"].to_numpy()))[::-1]
            found.append((*key, group["amount"].sum(), parts[0], parts[1], parts.sum(), len(group)))
        names = [*keys, "total", "total_largest", "total_second", "total_absolute", "n_families"]
        frame = pd.DataFrame(found, columns=names)
        return frame.assign(mean_cost=frame["total"] / frame["n_families"])


def study(seed: int, *, signed: bool = False, keys: tuple[str, ...] = GROUPS) -> Costs:
    """Organisations and payers; one family here and there makes up nearly all of a sum."""
    rng = np.random.default_rng(seed)
    rows = []
    for key in keys:
        size = int(rng.integers(12, 40))
        even = rng.random() < 0.6
        for payer in PAYERS:
            cost = np.exp(rng.normal(7, 0.5 if even else 1.5, size)) * (rng.random(size) < 0.9)
            if rng.random() < 0.15:
                cost *= rng.choice([0.05, 1.0])
                cost[int(rng.integers(size))] += np.exp(rng.normal(10.7, 0.5))
            cost = cost * rng.choice([1, 1, -1], size) if signed else cost
            rows += [(key, payer, f"{key}{place}", amount) for place, amount in enumerate(cost)]
    frame = pd.DataFrame(rows, columns=["organisation", "payer", "family", "amount"])
    return Costs(frame, int(rng.choice([1, 100, 1000])))


def tables_of(costs: Costs, *, signed: bool = False, groups: bool = False) -> list[ResultTable]:
    """By organisation and payer, by organisation, and by payer: each adds up to the next."""
    total = declare.money_total(signed=signed, own=True)
    mean = declare.money("mean_cost", own=True)
    split = (total[0].but(follows="by_organisation.total"), *total[1:], mean)
    key = declare.coded("organisation", adds_up="families") if groups else declare.EACH_ORGANISATION
    payer = declare.coded("payer", adds_up="counts")
    made = [
        ("by_organisation", ("organisation",), (key, *total, mean)),
        ("by_both", ("organisation", "payer"), (key, payer, *split)),
        ("by_payer", ("payer",), (payer, *total, mean)),
        ("all", (), (declare.key_column("what"), *total, mean)),
    ]  # fmt: skip
    tables = []
    for name, keys, columns in made:
        data = costs.rows(*keys)
        data = data if keys else data.assign(what="all")
        if not signed:
            data = data.drop(columns="total_absolute")
        if "organisation" not in keys:
            data = data.assign(n_organisations=len(KEYS))
            columns = (*columns, declare.N_ORGANISATIONS)
        tables.append(ResultTable(name, data, columns))
    return tables


def sensitive(rows: pd.DataFrame) -> np.ndarray:
    """By the definition: another family could tell the largest part to within 10 %, or it is over half."""
    others = rows["total_absolute"] - rows["total_largest"] - rows["total_second"]
    near = others < 0.1 * rows["total_largest"]
    return (near | (rows["total_largest"] > 0.5 * rows["total_absolute"])).to_numpy()


def highest(
    shown: dict[str, ReleasedTable],
    base: int,
    cell: tuple[str, str],
    known: tuple[float, ...] | None,
    at: int,
) -> float:
    """The highest that the sum of a cell can be by everything that was released (amounts of zero or more)."""
    cells = [(key, payer) for key in GROUPS for payer in PAYERS]
    place = {each: number for number, each in enumerate(cells)}
    limits, bounds = [], []

    def add(members: list[tuple[str, str]], value: float) -> None:
        row = np.zeros(len(cells))
        row[[place[each] for each in members]] = 1.0
        limits.extend([row, -row])
        bounds.extend([value + base / 2, -(value - base / 2)])

    for table in shown.values():
        for _, row in table.data.iterrows():
            if np.isnan(row["total"]):
                continue
            add([each for each in cells if each[0] == row.get("organisation", each[0])
                 and each[1] == row.get("payer", each[1])], row["total"])  # fmt: skip
    for number, value in enumerate(known or ()):  # a reader that knows what its own families cost
        row = np.zeros(len(cells))
        row[place[GROUPS[at], PAYERS[number]]] = 1.0
        limits.extend([row, -row])
        bounds.extend([value, -value])
    if not limits:
        return np.inf
    aim = np.zeros(len(cells))
    aim[place[cell]] = -1.0
    solved = linprog(aim, A_ub=np.array(limits), b_ub=bounds, bounds=(0, None), method="highs")
    return np.inf if solved.status == 3 else -float(solved.fun)


@pytest.mark.parametrize("knows", [False, True], ids=["outsider", "organisation"])
def test_a_solver_cannot_tell_what_one_family_cost(knows: bool) -> None:
    """Whatever is hidden stays so open that the runner-up cannot tell the largest part to within 10 %."""
    tried = 0
    for seed in range(6 if knows else 20):
        costs = study(seed)
        result = result_of("costs", *tables_of(costs, groups=not knows), flow=flow_of(300, 250))
        policy = made_policy(rounding=5, round_money_to=costs.base)
        shown = release(result, READERS[0], policy=policy).tables
        shown = {name: table for name, table in shown.items() if name != "sample_flow"}
        exact = costs.rows("organisation", "payer")
        for row in exact[sensitive(exact)].itertuples():
            if row.total == 0:
                continue
            for at in range(len(GROUPS)) if knows else (0,):
                if knows and GROUPS[at] == row.organisation:
                    continue
                own = exact[exact["organisation"] == GROUPS[at]].set_index("payer")["total"]
                known = tuple(own[payer] for payer in PAYERS) if knows else None
                most = highest(shown, costs.base, (row.organisation, row.payer), known, at)
                assert most - row.total_second >= 1.1 * row.total_largest - 1e-6, (seed, row)
                tried += 1
    assert tried > 20


def test_without_cover_the_solver_finds_it() -> None:
    """That it finds nothing above says something: with the sensitive rows alone hidden it does find."""
    found = 0
    for seed in range(10):
        costs = study(seed)
        exact = costs.rows("organisation", "payer")
        open_tables = {}
        for name, keys in (("by_both", ("organisation", "payer")), ("by_payer", ("payer",))):
            rows = costs.rows(*keys)
            rows.loc[sensitive(rows), "total"] = np.nan

            class Open:
                data = rows

            open_tables[name] = Open
        for row in exact[sensitive(exact)].itertuples():
            most = highest(open_tables, 1, (row.organisation, row.payer), None, 0)  # type: ignore[arg-type]
            found += most - row.total_second < 1.1 * row.total_largest
    assert found > 3


@pytest.mark.parametrize("reader", READERS, ids=IDS)
@pytest.mark.parametrize("signed", [False, True], ids=["costs", "nets"])
def test_no_sum_that_one_family_makes_up_is_shown(reader: Audience, signed: bool) -> None:
    hidden = 0
    for seed in range(8):
        costs = study(seed, signed=signed)
        result = result_of("costs", *tables_of(costs, signed=signed, groups=True))
        shown = release(result, reader, policy=made_policy(rounding=5, round_money_to=costs.base)).tables
        for name, keys in (("by_organisation", ("organisation",)), ("by_both", ("organisation", "payer")),
                           ("by_payer", ("payer",)), ("all", ())):  # fmt: skip
            if name not in shown:
                continue
            rows, data = costs.rows(*keys), shown[name].data
            assert len(rows) == len(data)
            told = data.loc[sensitive(rows)]
            assert told[["total", "mean_cost", "n_families"]].isna().all(axis=None)
            assert data[["total_largest", "total_second"]].isna().all(axis=None)
            hidden += len(told)
            amounts = data[["total", "mean_cost"]].to_numpy()
            amounts = amounts[np.isfinite(amounts)]
            assert np.allclose(amounts / costs.base, np.round(amounts / costs.base), atol=1e-9)
            if name == "by_both" and len(told):
                assert "dominated" in rules_applied(shown[name])
    assert hidden > 8


@pytest.mark.parametrize("reader", READERS, ids=IDS)
def test_organisations_of_which_one_is_dominated(reader: Audience) -> None:
    """Rows of real organisations, with letters or names: no reader gets the one that a family makes up."""
    for seed in range(8):
        costs = study(seed, keys=KEYS)
        released = release(result_of("costs", *tables_of(costs)), reader, policy=made_policy(rounding=5))
        exact = costs.rows("organisation")
        bad = exact[sensitive(exact)]
        table = released.tables.get("by_organisation")
        if table is None or bad.empty:
            continue
        if len(table.data) == 1:  # of itself an organisation sees what may be shown of it
            assert table.data["total"].isna().all() == (reader.organisation in set(bad["organisation"]))
            continue
        values = table.data["total"].dropna().to_numpy()
        assert not any(np.abs(values - total).min(initial=np.inf) <= 50 for total in bad["total"])
        assert table.data["total"].isna().sum() >= 2  # the sum of all is known


@pytest.mark.parametrize("seed", range(6))
def test_means_are_guarded_as_the_sums_they_stand_for(seed: int) -> None:
    """Sums, or the same divided by the families of each row: the same rows are hidden."""
    costs = study(seed)
    rows = costs.rows("organisation").drop(columns=["mean_cost", "total_absolute"])
    parts = ["total", "total_largest", "total_second"]
    means = rows.assign(**{name: rows[name] / rows["n_families"] for name in parts})
    key = declare.coded("organisation", adds_up="families")
    hidden = []
    for data, per_family in ((rows, False), (means, True)):
        table = ResultTable("costs", data, (key, *declare.money_total(per_family=per_family)))
        shown = release(result_of("costs", table), READERS[0], policy=made_policy(rounding=5)).tables
        hidden.append(shown["costs"].data["total"].isna().tolist() if "costs" in shown else None)
    assert hidden[0] == hidden[1]


def test_the_reason_for_a_table_of_dominated_rows() -> None:
    rows = pd.DataFrame({"row": [0, 1], "total": [1e5, 2e5], "total_largest": [9e4, 1.5e5],
                         "total_second": [100.0, 900.0], "n_families": [40, 50]})  # fmt: skip
    table = ResultTable("costs", rows, (declare.key_column("row"), *declare.money_total()))
    for reader in READERS:
        shown = release(result_of("costs", table), reader, policy=made_policy(rounding=5))
        assert shown.reason_for("costs").code == "dominated"


@pytest.mark.parametrize(
    ("column", "is_shown"),
    [
        (declare.money("mean_cost"), True),
        (declare.money("mean_cost", about=""), False),
        (declare.money("mean_cost", about="elsewhere"), False),
        (declare.money("mean_cost", about="other"), False),
        (declare.money("mean_cost", about="", minus=("total", "other")), True),
        (Column(name="mean_cost", meaning="model", in_money=True), True),
    ],
)
def test_an_amount_that_comes_from_no_known_sum_is_not_shown(column: Column, is_shown: bool) -> None:
    rows = pd.DataFrame({"row": [0], "total": [5e4], "total_largest": [2e3], "total_second": [1.9e3],
                         "mean_cost": [1e3], "other": [4.9e4], "n_families": [50]})  # fmt: skip
    other = declare.modelled("other", in_money=True)
    table = ResultTable("costs", rows, (declare.key_column("row"), *declare.money_total(), column, other))
    data = release(result_of("costs", table), READERS[0], policy=made_policy(rounding=5)).tables["costs"].data
    assert bool(data["mean_cost"].notna().all()) is is_shown


@pytest.mark.parametrize("reader", [*READERS, Audience("researcher", private=True)])
@pytest.mark.parametrize("base", [1, 100, 250])
@pytest.mark.parametrize("rounding", [0, 5])
def test_every_amount_is_rounded_to_the_base(reader: Audience, base: int, rounding: int) -> None:
    rng = np.random.default_rng(base)
    n = 60
    first, second = rng.normal(0, 9e3, n), rng.normal(0, 9e3, n)
    low, high = first - second - rng.gamma(2, 900, n), first - second + rng.gamma(2, 900, n)
    data = pd.DataFrame({"row": range(n), "cost_a": first, "cost_b": second, "apart": first - second,
                         "apart_low": low, "apart_high": high, "std_error": rng.gamma(2, 30, n),
                         "threshold": 1234.5, "points": rng.normal(0, 3, n), "n_families": 300})  # fmt: skip
    apart = declare.modelled("apart", minus=("cost_a", "cost_b"), in_money=True)
    columns = (
        declare.key_column("row"), declare.modelled("cost_a", in_money=True),
        declare.modelled("cost_b", in_money=True), apart, *declare.ends(apart),
        declare.modelled("std_error", is_error=True, in_money=True),
        declare.setting("threshold", in_money=True), declare.modelled("points"),
    )  # fmt: skip
    policy = made_policy(rounding=rounding, round_money_to=base)
    table = release(result_of("costs", ResultTable("costs", data, columns)), reader, policy=policy).tables[
        "costs"
    ]
    shown = table.data
    if reader.private:
        assert np.array_equal(shown["cost_a"], first)
        return
    for name in ("cost_a", "cost_b", "apart", "apart_low", "apart_high", "std_error"):
        steps = shown[name] / base
        assert np.allclose(steps, np.round(steps), atol=1e-9), name
        assert np.abs(shown[name] - data[name]).max() <= base + 1e-6
        assert set(table.marks[name]) == {"rounded"}
    assert np.allclose(shown["apart"], shown["cost_a"] - shown["cost_b"])
    assert (shown["apart_low"] <= low + 1e-6).all()
    assert (shown["apart_high"] >= high - 1e-6).all()
    assert (shown["std_error"] > 0).all()
    assert (shown["threshold"] == 1234.5).all()


def test_what_was_released_before_keeps_its_reason() -> None:
    costs = study(4)
    result = result_of("costs", *tables_of(costs, groups=True))
    shown = release(result, READERS[1], policy=made_policy(rounding=5))
    assert any(table.has_dominated for table in shown.tables.values())
    again = as_released_before(describe_released(shown), shown, result)
    for name, table in again.tables.items():
        assert table.has_dominated == shown.tables[name].has_dominated
        assert rules_applied(table) == rules_applied(shown.tables[name])
