"""What is wrong or odd in the tables of prices: what they hold, and what of the study they are about."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mpg_research.errors import Problem, did_you_mean
from mpg_research.study.config.explain import line_of_setting
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.schemas import CARE_ITEMS, EVENTS, INTERVENTIONS, NOT_GIVEN
from mpg_research.study.tables.columns import Table

__all__ = ["NO_GROUPS", "check_prices", "price_year"]

#: Columns of episodes that no groups of families are made of.
NO_GROUPS = ("family", "episode", "organisation", "worker", "start", "end")


def check_prices(tables: Mapping[str, Table], config: StudyConfig, findings: Findings) -> None:
    """Prices that cannot be, years that cannot be laid side by side, and items with no price or no use.

    Parameters
    ----------
    tables : mapping of str to Table
        Canonical, as far as they could be read.
    config : StudyConfig
        For ``[costs]`` and the study's own codes.
    findings : Findings
        Receives the problems.
    """
    _check_comparison(tables, config, findings)
    index = tables.get("price_index")
    if index is not None:
        _check_index(index, findings)
    prices = tables.get("prices")
    if prices is None:
        return
    _check_amounts(prices, findings)
    sources = [(each.file, each.columns.get("unit_price", "unit_price")) for each in prices.places.each]
    if not any(findings.holds("ambiguous_decimal", file=file, column=column) for file, column in sources):
        _check_ranges(prices, findings)  # of prices that cannot be read nothing more is said
    _check_words(prices, findings)
    _check_years(prices, index, config, findings)
    _check_use(prices, tables, config, findings)


def _check_comparison(tables: Mapping[str, Table], config: StudyConfig, findings: Findings) -> None:
    """Whether the comparison group of [costs] is a column that makes groups of families."""
    column = config.costs.otherwise_column
    if config.costs.otherwise != "comparison_group" or column is None or "episodes" not in tables:
        return
    free = [str(name) for name in tables["episodes"].frame.columns if name not in NO_GROUPS]
    if column in free:
        return
    what = "makes no groups of families to compare" if column in NO_GROUPS else "is no column of episodes"
    remedy = did_you_mean(column, free) or "Name one, or choose another value of otherwise."
    findings.add(
        Problem(
            found=f'otherwise_column = "{column}" in [costs], which {what}',
            expected="a column of the table episodes with two values, the first of which are the families to "
            "compare with",
            remedy=remedy, file=config.file.name,
            row=line_of_setting(config.file, ("costs", "otherwise_column")), code="no_comparison_column",
        )
    )  # fmt: skip


def price_year(prices: pd.DataFrame, config: StudyConfig) -> int | None:
    """The year in whose prices amounts are: as ``[costs]`` says, else the latest of the table.

    Parameters
    ----------
    prices : DataFrame
        The canonical table.
    config : StudyConfig

    Returns
    -------
    int or None
        None where no price has a year.
    """
    if config.costs.year is not None:
        return config.costs.year
    latest = prices["year"].max()
    return None if pd.isna(latest) else int(latest)


def _check_index(index: Table, findings: Findings) -> None:
    number = index.frame["index"].to_numpy(dtype=float)
    findings.add_rows(
        "index_not_positive", index.places, "index", number <= 0,
        lambda place: f"the index number {number[place]:g}",
        expected="a number above zero (100, or another base)", remedy="Correct the cell.",
    )  # fmt: skip
    years = _whole_years(index)
    gaps = sorted(set(range(years[0], years[-1] + 1)) - set(years)) if years else []
    if gaps:
        findings.add(
            Problem(
                found=f"there is no index number of {_listed(gaps)} between {years[0]} and {years[-1]}",
                expected="one row for every year from the first to the last",
                remedy="Complete the table from its source, or end it before the gap. Nothing is filled in.",
                file=index.places.file, column=index.places.columns.get("year", "year"), code="index_gap",
            )
        )  # fmt: skip


def _check_amounts(prices: Table, findings: Findings) -> None:
    price = prices.frame["unit_price"].to_numpy(dtype=float)
    findings.add_rows(
        "price_not_positive", prices.places, "unit_price", price <= 0,
        lambda place: f"a price of {price[place]:g} for {_item(prices, place)}",
        expected="a price above zero",
        remedy="Fill in the price; what costs nothing, or has no price that is known, has no row.",
    )  # fmt: skip


def _check_ranges(prices: Table, findings: Findings) -> None:
    """Both ends or none, around the price, and a distribution that says what they mean."""
    frame = prices.frame
    price, low, high = (
        frame[name].to_numpy(dtype=float) for name in ("unit_price", "price_low", "price_high")
    )
    spread = (frame["distribution"] != "fixed").to_numpy(dtype=bool)
    shape = frame["distribution"].to_numpy(dtype=object)
    one, none = np.isnan(low) != np.isnan(high), np.isnan(low) & np.isnan(high)
    lacking = one | (spread & none)
    findings.add_rows(
        "price_range_missing", prices.places, "distribution", lacking,
        lambda place: (
            f"{_item(prices, place)} has "
            + ("no range of prices" if none[place] else "one end of a range only")
            + (f" for the distribution {shape[place]}" if spread[place] else "")
        ),
        expected="price_low and price_high, the 95 % range of the price",
        remedy="Fill in both, or leave them and the distribution empty: the price is then taken as certain.",
    )  # fmt: skip
    whole = ~one & ~none
    wrong = whole & ~np.isnan(price) & ~((low > 0) & (low <= price) & (price <= high) & (low < high))
    findings.add_rows(
        "price_outside_range", prices.places, "price_low", wrong,
        lambda place: (
            f"a range from {low[place]:g} to {high[place]:g} around the price {price[place]:g} of "
            f"{_item(prices, place)}"
        ),
        expected="price_low above zero and below price_high, and the price between them",
        remedy="Correct one of the three.",
    )  # fmt: skip
    findings.add_rows(
        "price_range_unused", prices.places, "price_low", whole & ~spread & ~wrong,
        lambda place: f"a range of prices and no distribution for {_item(prices, place)}",
        expected="gamma, lognormal or triangular in the column distribution",
        remedy="Name one. As it is, the price is taken as certain and the range is not used.",
        severity="warning", together="prices have a range and no distribution",
    )  # fmt: skip


def _check_words(prices: Table, findings: Findings) -> None:
    """Prices that do not say where they come from, who pays, or whose money it is."""
    frame, places = prices.frame, prices.places
    source = frame["source"] if "source" in frame else pd.Series(None, index=frame.index, dtype=object)
    for code, column, mask, what, expected, remedy in (
        ("price_without_source", "source", source.fillna("").str.strip() == "", "source",
         "where the price comes from", "Write it down: every report on costs prints it."),
        ("price_without_payer", "payer", frame["payer"] == NOT_GIVEN, "payer",
         "who pays: municipality, health_insurer, ...",
         "Fill it in. As it is, the price counts from the societal perspective only."),
        ("price_without_kind", "kind", frame["kind"] == NOT_GIVEN, "kind",
         "fiscal (public money), economic or social",
         "Fill it in. As it is, the costs stand apart from the three kinds."),
    ):  # fmt: skip
        findings.add_rows(
            code, places, column, mask.to_numpy(dtype=bool, na_value=False),
            lambda place, what=what: f"no {what} of the price of {_item(prices, place)}",  # type: ignore[misc]
            expected=expected, remedy=remedy, severity="warning", together=f"prices have no {what}",
        )  # fmt: skip


def _check_years(prices: Table, index: Table | None, config: StudyConfig, findings: Findings) -> None:
    """Whether every item has a price of the one year, or an index takes it there."""
    known = prices.frame.dropna(subset=["item"])
    known = known[known["year"].isin(_whole_years(prices))]
    year = price_year(known, config)
    if year is None:
        return
    of_year = set(known.loc[known["year"] == year, "item"])
    elsewhere = known[~known["item"].isin(of_year)]
    if elsewhere.empty:
        return
    listed = _listed(dict.fromkeys(elsewhere["item"]))
    set_there = config.costs.year is not None
    place = (config.file.name, line_of_setting(config.file, ("costs", "year"))) if set_there else None
    first = int(elsewhere.index[0])
    file, row = place or (prices.places.file_of(first), prices.places.row_of(first))
    if index is None:
        of = _listed(sorted({int(each) for each in elsewhere["year"]}))
        findings.add(
            Problem(
                found=f"prices of several years: {listed} of {of}, and costs are in prices of {year}",
                expected=f"prices of {year}, or a table price_index (year, index)",
                remedy="Add an index with its source, or prices of that year; [costs] year chooses another "
                "year. Until then nothing about costs can be computed.",
                file=file, row=row, column="" if set_there else prices.places.columns.get("year", "year"),
                severity="warning", code="mixed_price_years",
            )
        )  # fmt: skip
        return
    lacking = sorted({year, *(int(each) for each in elsewhere["year"])} - set(_whole_years(index)))
    if lacking:
        findings.add(
            Problem(
                found=f"no index number of {_listed(lacking)}, to bring the prices of {listed} to {year}",
                expected="all years of these prices, and the year of the costs ([costs] year)",
                remedy="Add a row for each to the table price_index, or prices of a year that it has. "
                "Without it nothing about costs can be computed.",
                file=index.places.file, column=index.places.columns.get("year", "year"),
                code="index_too_short",
            )
        )  # fmt: skip


def _check_use(prices: Table, tables: Mapping[str, Table], config: StudyConfig, findings: Findings) -> None:
    """Items that occur and have no price, and prices of what does not occur."""
    priced = [str(item) for item in dict.fromkeys(prices.frame["item"].dropna())]
    used = {name: _items_of(tables[name], name) for name in ("care", "events", "interventions")
            if name in tables}  # fmt: skip
    for name, items in used.items():
        lacking = [item for item in items if item not in priced]
        if name == "care" and {"contact_hour", "visit"} & set(priced):
            lacking = [item for item in lacking if item not in ("contact_hour", "visit")]
        if name == "interventions":
            items = [item for item in items if item not in used.get("care", ())]  # counted there
            if not set(items) & set(priced):
                continue  # done in hours that have a price already
            lacking = [item for item in items if item not in priced]
        if lacking:
            findings.add(
                Problem(
                    found=f"no price of {_listed(lacking)}, which the table {name} holds",
                    expected="a price of everything that is to count",
                    remedy="Add a row for each to the table of prices, with its source. As it is, "
                    f"{'it is' if len(lacking) == 1 else 'they are'} no part of the costs.",
                    file=prices.places.file, column=prices.places.columns.get("item", "item"),
                    severity="warning", code="item_without_price",
                )
            )  # fmt: skip
    occurring = {item for each in used.values() for item in each}
    may_occur = {*CARE_ITEMS, *EVENTS, *INTERVENTIONS, *config.vocabularies.events,
                 *config.vocabularies.interventions}  # fmt: skip
    item = prices.frame["item"]
    unused = (item.notna() & ~item.isin(occurring)).to_numpy(dtype=bool)
    findings.add_values(
        "price_without_use", prices.places, "item", unused, item.to_numpy(dtype=object),
        lambda name: f"a price of {name}, which no table holds",
        expected="contact_hour, visit, network_meeting, agency_month, or a code of events or interventions",
        remedy=lambda name: (
            did_you_mean(name, sorted({*occurring, *may_occur} - {name}))
            or "Nothing costs anything by this row; leave it, or correct the name of the item."
        ),
        severity="warning",
    )  # fmt: skip


def _items_of(table: Table, name: str) -> list[str]:
    """What of a table may have a price, in a fixed order."""
    frame = table.frame
    if name != "care":
        column = "event" if name == "events" else "intervention"
        return sorted({str(code) for code in frame[column].dropna()}) if column in frame else []
    found = []
    for item, column in CARE_ITEMS.items():
        if column in frame and bool((frame[column].astype("Float64") > 0).fillna(False).any()):
            found.append(item)
    return found


def _whole_years(table: Table) -> list[int]:
    """The years of a table that can be years; of others it was said already."""
    years = table.frame["year"].dropna()
    return sorted({int(year) for year in years if year == int(year) and 1990 <= year <= 2100})


def _item(prices: Table, place: int) -> str:
    item, year = prices.frame["item"].iloc[place], prices.frame["year"].iloc[place]
    return f"{item}" + ("" if pd.isna(year) else f" ({int(year)})")


def _listed(names: Sequence[object] | Mapping[str, None]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
