"""Tables of prices: each fault is told once, where it stands; whatever the table holds besides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ConfigError
from mpg_research.statistics.economics.discounting import DUTCH_RATE_COSTS, DUTCH_RATE_EFFECTS
from mpg_research.study import check_study, load_study
from mpg_research.study.config.costs import CostsConfig
from mpg_research.study.config.study_toml import read_config
from mpg_research.study.schemas import COST_KINDS, DISTRIBUTIONS, PAYERS
from tests.study.small import STUDY, small_study

TABLES = "".join(
    f'[tables.{name}]\nfile = "{name}.csv"\n' for name in ("care", "events", "prices", "price_index")
)
CARE = "family,month,contact_hours,n_agencies,network_meeting\n001,2024-03-01,2.5,3,1\n001,2024-04-01,3,2,0\n"
EVENTS = "family,date,event\n001,2024-04-10,placement\n001,2024-05-10,eviction\n"
ITEMS = ("contact_hour", "network_meeting", "agency_month", "placement", "eviction")
YEARS = range(2015, 2026)
Table = pd.DataFrame


def price_table(rng: np.random.Generator) -> Table:
    """Prices without fault: all items in one year, some in others too, of several payers, with a range."""
    rows = []
    latest = int(rng.integers(2016, 2026))
    for item in ITEMS:
        payers = rng.choice(list(PAYERS), int(rng.integers(1, 4)), replace=False)
        for year in {latest, int(rng.integers(2015, latest + 1))}:
            for payer in payers:
                price = round(float(np.exp(rng.normal(6, 2))) + 1, 2)
                shape = str(rng.choice(list(DISTRIBUTIONS)))
                low, high = ("", "") if shape == "fixed" else (price * 0.6, price * 1.5)
                kind = str(rng.choice(list(COST_KINDS)))
                rows.append((item, year, "unit", price, payer, kind, "invented", shape, low, high))
    names = ("item", "year", "unit", "unit_price", "payer", "kind", "source")
    names += ("distribution", "price_low", "price_high")
    frame = pd.DataFrame(rows, columns=list(names), dtype=object)
    return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)


def index_table() -> Table:
    return pd.DataFrame({"year": list(YEARS), "index": [100 + 2.5 * n for n in range(len(YEARS))]})


def folder_of(tmp_path: Path, prices: Table, index: Table | None = None, costs: str = "") -> Path:
    tables = (
        TABLES
        if index is not None
        else TABLES.replace('[tables.price_index]\nfile = "price_index.csv"\n', "")
    )
    files: dict[str, Any] = {
        "care__csv": CARE,
        "events__csv": EVENTS,
        "prices__csv": prices.to_csv(index=False),
    }
    if index is not None:
        files["price_index__csv"] = index.to_csv(index=False)
    return small_study(tmp_path, toml=STUDY + tables + costs, **files)


def put(column: str, *values: object) -> Callable[[Table, int, np.random.Generator], None]:
    """One of these values in a row of a column."""

    def change(frame: Table, row: int, rng: np.random.Generator) -> None:
        frame.loc[row, column] = values[int(rng.integers(len(values)))]

    return change


def twice(frame: Table, row: int, rng: np.random.Generator) -> None:
    frame.loc[len(frame)] = frame.loc[row]
    frame.loc[len(frame) - 1, "unit_price"] = float(frame.loc[row, "unit_price"]) * rng.choice([1.0, 0.5])
    frame.loc[len(frame) - 1, ["distribution", "price_low", "price_high"]] = ["fixed", "", ""]


def certain(frame: Table, row: int, *, shape: str = "fixed", low: object = "", high: object = "") -> None:
    frame.loc[row, ["distribution", "price_low", "price_high"]] = [shape, low, high]


def with_sign(frame: Table, row: int, rng: np.random.Generator) -> None:
    certain(frame, row)
    price = f"{float(frame.loc[row, 'unit_price']):.2f}"
    forms = (f"€ {price}", f"€{price}", f"{price} euro", f"EUR {price}", f"$ {price}", f"{price} €")
    frame.loc[row, "unit_price"] = forms[int(rng.integers(len(forms)))]


def not_positive(frame: Table, row: int, rng: np.random.Generator) -> None:
    certain(frame, row)
    frame.loc[row, "unit_price"] = rng.choice([0.0, -1.0, -round(float(rng.gamma(2, 100)), 2)])


def missing(frame: Table, row: int, rng: np.random.Generator) -> None:
    certain(frame, row)
    frame.loc[row, "unit_price"] = ""


def outside(frame: Table, row: int, rng: np.random.Generator) -> None:
    price = float(frame.loc[row, "unit_price"])
    low, high = [(1.1, 1.5), (0.5, 0.9), (1.5, 0.5), (-0.5, 1.5), (1.0, 1.0)][int(rng.integers(5))]
    shape = str(rng.choice([shape for shape in DISTRIBUTIONS if shape != "fixed"]))
    certain(frame, row, shape=shape, low=round(price * low, 4), high=round(price * high, 4))


def half_a_range(frame: Table, row: int, rng: np.random.Generator) -> None:
    price = float(frame.loc[row, "unit_price"])
    ends = [(price / 2, ""), ("", price * 2), ("", "")][int(rng.integers(3))]
    certain(frame, row, shape="gamma", low=ends[0], high=ends[1])


def idle_range(frame: Table, row: int, rng: np.random.Generator) -> None:
    price = float(frame.loc[row, "unit_price"])
    certain(frame, row, shape=str(rng.choice(["", "fixed"])), low=price / 2, high=price * 2)


def misspelt(frame: Table, row: int, rng: np.random.Generator) -> None:
    frame.loc[len(frame)] = frame.loc[row]
    frame.loc[len(frame) - 1, "item"] = rng.choice(["contact_hours", "Placement", "rent", "custody"])


# What is spoilt, the code of the one finding, and whether it stops the run.
FAULTS: dict[str, tuple[Callable[[Table, int, np.random.Generator], None], str, bool]] = {
    "missing price": (missing, "missing_value", True),
    "zero or negative": (not_positive, "price_not_positive", True),
    "currency": (with_sign, "currency_in_number", True),
    "two prices": (twice, "duplicate_prices", True),
    "payer": (put("payer", "bank", "gemeentes", "nobody", "7"), "unknown_code", True),
    "kind": (put("kind", "private", "fiskal", "money"), "unknown_code", True),
    "distribution": (put("distribution", "normal", "gama", "beta"), "unknown_code", True),
    "outside the range": (outside, "price_outside_range", True),
    "half a range": (half_a_range, "price_range_missing", True),
    "idle range": (idle_range, "price_range_unused", False),
    "no source": (put("source", "", " "), "price_without_source", False),
    "no payer": (put("payer", ""), "price_without_payer", False),
    "no kind": (put("kind", ""), "price_without_kind", False),
    "unused": (misspelt, "price_without_use", False),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_one_message(fault: str, seed: int, tmp_path: Path) -> None:
    change, code, stops = FAULTS[fault]
    rng = np.random.default_rng([seed, list(FAULTS).index(fault)])
    prices = price_table(rng)
    row = int(rng.integers(len(prices)))
    change(prices, row, rng)
    wrong = len(prices) - 1 if fault in ("two prices", "unused") else row
    report = check_study(folder_of(tmp_path, prices, index_table()))
    assert {problem.code for problem in report.problems} - {"few_families"} == {code}
    told = next(problem for problem in report.problems if problem.code == code)
    assert (told.file, told.row, told.severity) == ("prices.csv", wrong + 2, "error" if stops else "warning")
    assert told.found
    assert told.expected
    assert told.remedy
    assert report.ok is not stops


@pytest.mark.parametrize("seed", range(6))
def test_prices_without_fault_say_nothing(seed: int, tmp_path: Path) -> None:
    prices = price_table(np.random.default_rng(seed))
    study = load_study(folder_of(tmp_path, prices, index_table()))
    assert set(study.checks.counts) <= {"few_families"}
    read = study.tables["prices"]
    assert read["unit_price"].tolist() == prices["unit_price"].astype(float).tolist()
    assert read["payer"].tolist() == prices["payer"].tolist()
    assert study.tables["price_index"]["index"].tolist() == index_table()["index"].tolist()


@pytest.mark.parametrize("seed", range(6))
def test_a_gap_in_the_index_is_refused_and_names_the_years(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    index, prices = index_table(), price_table(rng)
    gone = rng.choice(index["year"].to_numpy()[1:-1], int(rng.integers(1, 4)), replace=False)
    report = check_study(folder_of(tmp_path, prices, index[~index["year"].isin(gone)]))
    told = [problem for problem in report.errors if problem.code == "index_gap"]
    assert len(told) == 1
    assert ", ".join(str(year) for year in sorted(gone)) in told[0].found


@pytest.mark.parametrize(
    ("change", "code"), [("zero", "index_not_positive"), ("twice", "duplicate_price_index")]
)
def test_an_index_that_cannot_be(change: str, code: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    index, prices = index_table(), price_table(rng)
    if change == "zero":
        index.loc[4, "index"] = 0
    else:
        index.loc[len(index)] = index.loc[3]
    assert {each.code for each in check_study(folder_of(tmp_path, prices, index)).errors} == {code}


@pytest.mark.parametrize("seed", range(4))
def test_mixed_years_take_an_index_that_holds_them(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    prices = price_table(rng)
    latest = prices["year"].max()
    item = str(rng.choice(ITEMS))
    prices = prices[(prices["item"] != item) | (prices["year"] != latest)]
    prices = pd.concat([prices, pd.DataFrame([(item, 2014, "unit", 10.0, "state", "fiscal", "x", "", "", "")],
                                             columns=prices.columns)])  # fmt: skip
    for name, index, code in (
        ("none", None, "mixed_price_years"), ("short", index_table(), "index_too_short"),
        ("whole", pd.DataFrame({"year": range(2014, 2026), "index": range(100, 112)}), ""),
    ):  # fmt: skip
        report = check_study(folder_of(tmp_path / name, prices, index))
        told = [*report.errors, *report.warnings]
        assert {each.code for each in told} - {"few_families"} == ({code} if code else set())
        assert report.ok is (code != "index_too_short")  # the study's own index is to reach its prices
        if code:
            assert item in next(each.found for each in told if each.code == code)


@pytest.mark.parametrize("item", ITEMS)
def test_what_occurs_and_has_no_price_is_told(item: str, tmp_path: Path) -> None:
    prices = price_table(np.random.default_rng(3)).query("item != @item")
    report = check_study(folder_of(tmp_path, prices, index_table()))
    told = [each for each in report.warnings if each.code == "item_without_price"]
    assert len(told) == 1
    assert item in told[0].found


def test_the_old_name_of_the_payer_is_understood(tmp_path: Path) -> None:
    prices = price_table(np.random.default_rng(5)).rename(columns={"payer": "actor"})
    prices["actor"] = prices["actor"].str.replace("_", " ")
    read = load_study(folder_of(tmp_path, prices, index_table())).tables["prices"]
    assert set(read["payer"]) <= set(PAYERS)
    assert "actor" not in read
    new = '[tables.prices.columns]\nactor = "wie"\n'
    with pytest.raises(ConfigError, match="called payer now"):
        read_config(folder_of(tmp_path / "named", prices, index_table(), new))


def test_a_former_name_beside_the_new_one_may_not_contradict_it(tmp_path: Path) -> None:
    prices = price_table(np.random.default_rng(5))
    same = prices.assign(actor=prices["payer"].str.replace("_", " "))
    assert check_study(folder_of(tmp_path / "same", same, index_table())).ok
    other = same.assign(actor=same["actor"].where(same.index != same.index[2], "nobody"))
    report = check_study(folder_of(tmp_path / "other", other, index_table()))
    (told,) = report.errors
    assert (told.code, told.row) == ("two_names_of_a_column", 4)


@pytest.mark.parametrize("written", ["30,000", "30.000"])
def test_a_price_that_may_be_two_numbers_is_said_once(written: str, tmp_path: Path) -> None:
    prices = price_table(np.random.default_rng(5)).astype(object).reset_index(drop=True)
    prices["unit_price"] = "100"
    prices[["distribution", "price_low", "price_high"]] = "", "", ""
    prices.loc[1, ["unit_price", "distribution", "price_low", "price_high"]] = (
        written,
        "gamma",
        "20000",
        "40000",
    )
    report = check_study(folder_of(tmp_path, prices, index_table()))
    assert [each.code for each in report.errors] == ["ambiguous_decimal"]


@pytest.mark.parametrize(("column", "said"), [("thin_lin", "no column"), ("organisation", "no groups")])
def test_a_comparison_group_that_is_none_is_told_beforehand(column: str, said: str, tmp_path: Path) -> None:
    settings = f'[costs]\notherwise = "comparison_group"\notherwise_column = "{column}"\n'
    prices = price_table(np.random.default_rng(5))
    (told,) = check_study(folder_of(tmp_path, prices, index_table(), settings)).errors
    assert told.code == "no_comparison_column"
    assert said in told.found
    assert "otherwise_column" in told.found


@pytest.mark.parametrize(("months", "told"), [(0, 2), (2, 1), (6, 0)])
def test_costs_before_the_help_are_declared_or_told(months: int, told: int, tmp_path: Path) -> None:
    """Family 001 starts on 2024-01-15: events of four months and of one month before it."""
    events = EVENTS + "001,2023-09-20,placement\n001,2023-12-20,placement\n"
    folder = folder_of(
        tmp_path,
        price_table(np.random.default_rng(6)),
        index_table(),
        f"[costs]\nbefore_help_months = {months}.0\n",
    )
    named = [f"{line},{1 if place else 'episode'}" for place, line in enumerate(events.splitlines())]
    (folder / "events.csv").write_text("\n".join(named))
    report = check_study(folder)
    found = [each for each in report.warnings if each.code == "event_before_start"]
    assert len(found) == told
    assert all("before_help_months" in each.remedy for each in found)


def test_the_rates_are_those_with_a_source() -> None:
    costs = CostsConfig()
    assert (costs.discount_costs, costs.discount_effects) == (DUTCH_RATE_COSTS, DUTCH_RATE_EFFECTS)
    assert costs.payers == (*PAYERS, "not_given")
    assert CostsConfig(perspective="municipal").payers == ("municipality",)


ASSUMPTION = '[[costs.fewer_agencies]]\nlabel = "a"\nagencies_at_most = 2\nsource = "ours"\n'


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ('[costs]\nperspective = "bank"\n', "societal"),
        ("[costs]\ndiscount_costs = 1.0\n", "less than 1"),
        ("[costs]\nthresholds = [200.0, 100.0]\n", "increase"),
        ("[costs]\nround_to = 0\n", "at least 1"),
        ('[costs]\notherwise = "stated"\n', "otherwise_source"),
        ("[costs]\notherwise_share = 0.2\n", "beside otherwise_share"),
        ('[costs]\nevidence = "strong"\n', "key of"),
        (ASSUMPTION, "three assumptions"),
        ("[costs.optimism.weak]\nshare = 1.2\n", "at most 1"),
        ("[costs.optimism.weak]\nshare = 0.2\n", "source"),
        ("[costs]\nhorizon = 12\n", "horizon_months"),
    ],
)
def test_settings_that_cannot_be(costs: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        read_config(small_study(tmp_path, toml=STUDY + costs))


def test_settings_that_can_be(tmp_path: Path) -> None:
    costs = (
        '[costs]\nyear = 2024\nperspective = "municipal"\nthresholds = [50.0, 100.0]\n'
        'otherwise = "published"\n'
        'otherwise_share = 0.3\notherwise_source = "a paper"\nevidence = "weak"\n'
        '[costs.optimism.weak]\nshare = 0.4\nsource = "ours"\n' + ASSUMPTION * 3
    )
    read = read_config(small_study(tmp_path, toml=STUDY + costs)).costs
    assert read.optimism["weak"].share == 0.4
    assert len(read.fewer_agencies) == 3
