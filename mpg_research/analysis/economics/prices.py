"""Prices of the study's table at the level of one year: one per item and payer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.economics.discounting import index_prices, read_index_table
from mpg_research.study.model import Study
from mpg_research.study.schemas import NOT_GIVEN

__all__ = ["Prices", "read_prices"]

_AMOUNTS = ("unit_price", "price_low", "price_high")


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in force.

    Attributes
    ----------
    rows : DataFrame
        One row per item and payer: item, payer, kind, price, price_low and price_high (NaN where not given)
        in euros of ``year``, distribution, source, price_year (of the table).
    every_item : frozenset of str
        Items that have a price of any payer, whoever's costs count.
    year : int
    notes : tuple of Note
    """

    rows: pd.DataFrame
    every_item: frozenset[str]
    year: int
    notes: tuple[Note, ...]


def read_prices(study: Study, *, year: int | None = None, payers: tuple[str, ...] | None = None) -> Prices:
    """Take one price per item and payer, at the level of one year.

    Parameters
    ----------
    study : Study
        A loaded study.
    year : int, optional
        Of which year the prices are; by default ``[costs] year``, else the latest year of the table.
    payers : tuple of str, optional
        Whose costs count; by default as ``[costs] perspective`` says.

    Returns
    -------
    Prices

    Raises
    ------
    NotApplicableError
        Without prices, without a price of these payers, or with prices of other years and no index table
        that reaches them.

    Notes
    -----
    Where an item has prices of several years, the one of the chosen year counts, else the latest before it,
    else the first after it; it is brought to the chosen year with the study's own table ``price_index``.
    """
    table = study.tables.get("prices")
    if table is None or not len(table):
        raise NotApplicableError(
            f"Study {study.name} has no table prices, so what help costs is not known. Add the table, each "
            "price with its source: [tables.prices] in study.toml (docs/reference/study_folder.md).",
            code="no_prices",
        )
    frame = _plain(table)
    chosen = year or study.config.costs.year or int(frame["year"].max())
    every = frozenset(frame["item"])
    wanted = study.config.costs.payers if payers is None else payers
    frame = frame[frame["payer"].isin(wanted)]
    if frame.empty:
        raise NotApplicableError(
            f"No price of study {study.name} is one that {', '.join(wanted)} pays: see [costs] perspective "
            "in study.toml and the column payer of the table prices.",
            code="no_prices_of_payer",
        )
    # The year itself first, then the years before it from late to early, then those after it.
    away = (chosen - frame["year"]).to_numpy()
    order = np.where(away >= 0, away, 1000 - away)
    frame = frame.assign(order=order).sort_values(["item", "payer", "order"], kind="stable")
    frame = frame.drop_duplicates(["item", "payer"]).drop(columns="order").reset_index(drop=True)
    other = (frame["year"] != chosen).to_numpy()
    if other.any():
        frame = _brought_to(frame, chosen, other, study)
    rows = frame.rename(columns={"unit_price": "price", "year": "price_year"})
    return Prices(rows, every, chosen, tuple(_notes(rows)))


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The columns used, as plain text and numbers; with a word where nothing is said."""
    found: dict[str, object] = {"item": table["item"].astype(str).to_numpy(dtype=object)}
    found["year"] = table["year"].astype(int).to_numpy()
    for name, instead in (
        ("payer", NOT_GIVEN), ("kind", NOT_GIVEN), ("distribution", "fixed"), ("source", ""),
    ):  # fmt: skip
        given = table[name] if name in table else pd.Series(None, index=table.index, dtype=object)
        found[name] = given.astype(object).where(given.notna(), instead).astype(str).to_numpy(dtype=object)
    for name in _AMOUNTS:
        given = table[name] if name in table else pd.Series(np.nan, index=table.index)
        found[name] = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame(found)


def _brought_to(frame: pd.DataFrame, year: int, other: np.ndarray, study: Study) -> pd.DataFrame:
    """Prices of other years at the level of the chosen one."""
    index = study.tables.get("price_index")
    years = ", ".join(str(number) for number in sorted(set(frame.loc[other, "year"])))
    if index is None or not len(index):
        raise NotApplicableError(
            f"Prices of study {study.name} are of {years}, and costs are in prices of {year}. Add a table of "
            "price index numbers with its source ([tables.price_index] in study.toml), or give all prices of "
            "one year.",
            code="prices_without_index",
        )
    try:
        numbers = read_index_table(index["year"].astype(int), index["index"].astype(float))
        level = index_prices(
            np.ones(len(frame)), frame["year"], to_year=year, index=numbers, items=frame["item"]
        )
    except ValueError as error:
        raise NotApplicableError(
            f"The prices of study {study.name} cannot be brought to {year}: {error}.",
            code="prices_without_index",
        ) from error
    return frame.assign(**{name: frame[name] * level for name in _AMOUNTS})


def _notes(rows: pd.DataFrame) -> list[Note]:
    notes = []
    without = int((rows["payer"] == NOT_GIVEN).sum())
    if without:
        text = (
            f"Of {without} prices the table does not say who pays; they count from everybody's point of view."
        )
        notes.append(Note("prices_without_payer", text, {"n_prices": without}, "caution"))
    if {"contact_hour", "visit"} <= set(rows["item"]):
        text = (
            "Hours of contact and visits both have a price; if the price of a visit includes its hours, "
            "these are counted twice."
        )
        notes.append(Note("hours_and_visits_priced", text, {}, "caution"))
    return notes
