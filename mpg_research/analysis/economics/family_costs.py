"""What each family cost, by month since the start of its first help, item and payer.

Everything about money in a study is built on this. It is about single families and is never shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.follow_up import FollowUp, read_follow_up
from mpg_research.analysis.economics.prices import Prices, read_prices
from mpg_research.analysis.economics.silent_organisations import silent_in_costs
from mpg_research.analysis.economics.uses import CARE_ITEMS, NETWORK_MEETING, Uses, read_uses
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.economics.discounting import discount_factors
from mpg_research.study.model import SampleFlow, Study
from mpg_research.study.schemas import INTERVENTIONS

__all__ = ["FamilyCosts", "family_costs"]

#: When something was used: before the first help, during help, or between and after periods of help.
PHASES = ("before", "during", "after")
_NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class FamilyCosts:
    """Costs of single families. Never shown.

    Attributes
    ----------
    rows : DataFrame
        family, episode, organisation, worker (of the period of help that the cost belongs to; of the first
        period where that is not known), unit (row of ``followed``), month (whole months since the start of
        the first help: 0 is the first month; below zero before it), phase ("before", "during", "after"),
        item, payer, kind, quantity, length (months that the use as a whole took; 0 of a moment), amount
        (euros of ``year``), discounted. A month of care that lies in two
        months since the start has a row for each. Text columns are categorical.
    followed : DataFrame
        One row per family: family, episode, organisation, worker (of its first period of help; the clusters
        of errors), months (since the start, up to which it is followed), help_months (to the end of the first
        period, or ``months``), help_ended, last_help (to the end of its last period; NaN where one goes on).
        Nobody's costs have ended for good, so follow-up stops at ``months`` for all.
    prices : DataFrame
        item, payer, kind, price, price_low, price_high, distribution, source, price_year.
    without_price : DataFrame
        Items that were used and have no price: item, n_records, n_families.
    year : int
        Amounts are in prices of this year.
    payers : tuple of str
        Whose costs count.
    rate : float
        Of discounting, per year.
    recorded : frozenset of str
        Tables among care, events and interventions that have rows.
    left_out : dict of str to int
        Records that do not count, by reason.
    notes : tuple of Note
    follow_up : FollowUp
        What ``followed`` was read from, with all periods of help of these families.
    """

    rows: pd.DataFrame = field(repr=False)
    followed: pd.DataFrame = field(repr=False)
    prices: pd.DataFrame = field(repr=False)
    without_price: pd.DataFrame = field(repr=False)
    year: int
    payers: tuple[str, ...]
    rate: float
    recorded: frozenset[str]
    left_out: dict[str, int]
    notes: tuple[Note, ...]
    follow_up: FollowUp = field(repr=False)

    @property
    def flow(self) -> SampleFlow:
        """Families from read to followed."""
        return self.follow_up.flow

    def amounts(
        self, edges: Sequence[float] | FloatArray, *, discounted: bool = True, rows: BoolArray | None = None
    ) -> FloatArray:
        """Costs of every family in intervals of months, as ``censored_mean`` takes them.

        Parameters
        ----------
        edges : array_like, shape (J + 1,)
            Whole months since the start, rising; below zero is before the first help.
        discounted : bool
            Whether amounts are discounted to the start.
        rows : ndarray of bool, shape (rows,), optional
            Which costs count; by default all.

        Returns
        -------
        ndarray, shape (families, J)
            In the order of ``followed``. What comes after a family was last seen is 0 there, and not known.
        """
        cut = np.asarray(edges, dtype=float)
        if (cut != np.round(cut)).any() or (np.diff(cut) <= 0).any():
            raise ValueError(f"edges are {cut.tolist()}; expected whole months that rise")
        name = "discounted" if discounted else "amount"
        month, value, unit = (self.rows[column].to_numpy() for column in ("month", name, "unit"))
        place = np.searchsorted(cut, month, side="right") - 1
        kept = (place >= 0) & (place < len(cut) - 1)
        if rows is not None:
            kept &= rows
        shape = (len(self.followed), len(cut) - 1)
        flat = np.bincount(unit[kept] * shape[1] + place[kept], value[kept], shape[0] * shape[1])
        return np.asarray(flat.reshape(shape))


def family_costs(
    study: Study,
    *,
    year: int | None = None,
    payers: tuple[str, ...] | None = None,
    rate: float | None = None,
) -> FamilyCosts:
    """Put together what each family cost.

    Parameters
    ----------
    study : Study
        A loaded study.
    year : int, optional
        Amounts are in prices of this year; by default ``[costs] year``, else the latest of the prices.
    payers : tuple of str, optional
        Whose costs count; by default as ``[costs] perspective`` says.
    rate : float, optional
        Of discounting, per year; by default ``[costs] discount_costs``.

    Returns
    -------
    FamilyCosts

    Raises
    ------
    NotApplicableError
        Without prices (or an index for those of other years), without care, events and interventions, where
        nothing that was used has a price, or with waves of unknown length.

    Notes
    -----
    An amount is a quantity times the price of its item for that payer. Amounts are discounted by whole years
    since the start: the first year is not (as in the Dutch guideline), nor is what came before. Where
    care has a price, families of organisations without any month of care are left out, and families with
    whole months of help and no month of care: what it cost is not known.
    """
    prices = read_prices(study, year=year, payers=payers)
    share = study.config.costs.discount_costs if rate is None else rate
    followed = read_follow_up(study)
    uses = read_uses(study, followed)
    if not uses.recorded:
        raise NotApplicableError(
            f"Study {study.name} has none of the tables care, events and interventions, so what was used is "
            "not known. Add one of them in study.toml (docs/reference/study_folder.md).",
            code="nothing_to_price",
        )
    notes = [*prices.notes]
    followed, rows = _with_care(followed, uses, prices, notes)
    without = _without_price(rows, prices)
    priced = rows[rows["item"].isin(prices.rows["item"]).to_numpy()]
    if priced.empty:
        raise NotApplicableError(
            f"Nothing that was used in study {study.name} has a price "
            f"({', '.join(without['item']) or 'nothing was used'}): see the column item of the table prices.",
            code="nothing_priced",
        )
    spread = _spread(priced.assign(phase=_phases(followed, priced)))
    costs = _times_price(spread, prices.rows)
    years = np.maximum(np.floor(costs["month"].to_numpy() / 12), 0.0)
    costs = costs.assign(discounted=costs["amount"].to_numpy() * discount_factors(years, share))
    notes += [*_notes(followed, uses, prices, without), *silent_in_costs(study, followed, prices)]
    return FamilyCosts(
        rows=_with_names(costs, followed),
        followed=followed.families.drop(columns="start"),
        prices=prices.rows,
        without_price=without,
        year=prices.year,
        payers=study.config.costs.payers if payers is None else payers,
        rate=share,
        recorded=uses.recorded,
        left_out={reason: count for reason, count in uses.left_out.items() if count},
        notes=tuple(notes),
        follow_up=followed,
    )


def _with_care(
    followed: FollowUp, uses: Uses, prices: Prices, notes: list[Note]
) -> tuple[FollowUp, pd.DataFrame]:
    """Without organisations and families of which no care is known, where care has a price."""
    if "care" not in uses.recorded or not set(CARE_ITEMS) & set(prices.rows["item"]):
        return followed, uses.rows
    home = followed.families["organisation"]
    recording = pd.Series(uses.has_care).groupby(home).transform("any").to_numpy(dtype=bool)
    # Help of less than a whole month may well be without a row.
    silent = recording & ~uses.has_care & (uses.without_care > 0)
    if silent.any():
        n = int(silent.sum())
        text = f"{n} families have whole months of help and no row of care; they are left out of the costs."
        notes.append(Note("families_without_care", text, {"n_families": n}, "caution"))
    # Families without any care are said above; of the others, months of help without a row are.
    gaps = uses.without_care[uses.has_care]
    if gaps.any():
        months, families = int(gaps.sum()), int((gaps > 0).sum())
        text = (
            f"{months} months inside help have no row of care, in {families} families; no care is counted in "
            "them, which is too little where it was not written down."
        )
        values = {"n_care_gaps": months, "n_families": families}
        notes.append(Note("months_without_care", text, values, "caution"))
    if not recording.all():
        without = int(home[~recording].nunique())
        text = f"{without} organisations have no rows of care; their families are left out of the costs."
        notes.append(Note("organisations_without_care", text, {"n_organisations": without}, "caution"))
    kept = recording & ~silent
    if kept.all():
        return followed, uses.rows
    return followed.of(kept, "care_on_record", "whose care is on record"), _renumbered(
        uses.rows, followed, kept
    )


def _renumbered(rows: pd.DataFrame, followed: FollowUp, kept: BoolArray) -> pd.DataFrame:
    """Rows of the families kept, with the numbers that families and periods have among those."""
    place = np.where(kept, np.cumsum(kept) - 1, -1)
    stays = kept[followed.periods["unit"].to_numpy(dtype=np.intp)]
    period = np.where(stays, np.cumsum(stays) - 1, -1)
    unit = place[rows["unit"].to_numpy(dtype=np.intp)]
    old = rows["period"].to_numpy(dtype=np.intp)
    numbered = rows.assign(unit=unit, period=np.where(old >= 0, period[old], -1))
    found: pd.DataFrame = numbered[unit >= 0]
    return found


def _without_price(rows: pd.DataFrame, prices: Prices) -> pd.DataFrame:
    """Items that were used and have no price of anybody, nor are part of what has one."""
    part = set(prices.every_item)
    if {"contact_hour", "visit"} & part:
        part |= {"contact_hour", "visit"}  # hours are what visits are made of
    names = set(rows["item"].cat.categories)
    done = {name for name in names if name in INTERVENTIONS and name != NETWORK_MEETING}
    if "contact_hour" in part and not done & part:
        part |= done  # done in hours that have a price already
    found = rows[~rows["item"].isin(part).to_numpy()]
    counted = found.groupby("item", observed=True)["unit"].agg(n_records="size", n_families="nunique")
    return counted.reset_index().astype({"item": str})


def _phases(followed: FollowUp, rows: pd.DataFrame) -> Any:
    """When each use was, as categories."""
    begin, finish = rows["begin"].to_numpy(dtype=float), rows["finish"].to_numpy(dtype=float)
    middle = (begin + finish) / 2
    unit = rows["unit"].to_numpy(dtype=np.intp)
    later = np.where(followed.in_help(unit, middle), 1, 2)
    codes: IntArray = np.where(middle < 0, 0, later).astype(np.intp)
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(PHASES)), ordered=True)


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Each use in the months since the start in which it lies, in proportion to time."""
    begin, finish = rows["begin"].to_numpy(dtype=float), rows["finish"].to_numpy(dtype=float)
    first, length = np.floor(begin + _NEAR), finish - begin
    pieces = []
    # A calendar month is at most 1.02 months long: it can touch three months since the start.
    for step in range(3):
        month = first + step
        if step:
            part = np.clip(np.minimum(finish, month + 1) - np.maximum(begin, month), 0.0, None)
            share = np.divide(part, length, out=np.zeros(len(rows)), where=length > 0)
        else:
            part = np.minimum(finish, month + 1) - begin
            share = np.divide(part, length, out=np.ones(len(rows)), where=length > 0)
        there = share > _NEAR
        piece = rows[there].drop(columns=["begin", "finish"]).assign(length=length[there])
        quantity = piece["quantity"].to_numpy(dtype=float) * share[there]
        pieces.append(piece.assign(month=month[there].astype(np.intp), quantity=quantity))
    spread: pd.DataFrame = pd.concat(pieces, ignore_index=True)
    return spread


def _times_price(rows: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """A row per use and payer, with its amount."""
    names = rows["item"].cat.categories
    n_prices = prices.groupby("item").size().reindex(names).fillna(0).to_numpy(dtype=np.intp)
    ordered = prices.assign(place=names.get_indexer(pd.Index(prices["item"])))
    ordered = ordered[ordered["place"] >= 0].sort_values("place", kind="stable").reset_index(drop=True)
    begin = np.concatenate([[0], np.cumsum(n_prices)])
    codes = rows["item"].cat.codes.to_numpy(dtype=np.intp)
    times = n_prices[codes]
    number: IntArray = np.repeat(np.arange(len(rows)), times)
    within = np.arange(len(number)) - np.repeat(np.cumsum(times) - times, times)
    price = begin[codes[number]] + within
    found = rows.iloc[number].reset_index(drop=True)
    for name in ("payer", "kind"):
        found[name] = pd.Categorical(ordered[name])[price]
    amount = found["quantity"].to_numpy() * ordered["price"].to_numpy(dtype=float)[price]
    found["item"] = found["item"].cat.remove_unused_categories()
    found["amount"] = amount
    return found


def _with_names(rows: pd.DataFrame, followed: FollowUp) -> pd.DataFrame:
    """With family, episode, organisation and worker of each row, as categories."""
    unit, period = (rows[name].to_numpy(dtype=np.intp) for name in ("unit", "period"))
    first = followed.periods.drop_duplicates("unit").index.to_numpy()
    period = np.where(period >= 0, period, first[unit])
    families, periods = followed.families, followed.periods
    names = pd.Index(families["family"].to_numpy(dtype=object))
    found: dict[str, Any] = {"family": pd.Categorical.from_codes(unit, categories=names)}
    for name in ("episode", "organisation", "worker"):
        found[name] = pd.Categorical(periods[name])[period]
    order = ["month", "phase", "item", "payer", "kind", "quantity", "length", "amount", "discounted"]
    return pd.DataFrame({**found, "unit": unit, **{name: rows[name].array for name in order}})


def _notes(followed: FollowUp, uses: Uses, prices: Prices, without: pd.DataFrame) -> list[Note]:
    notes = []
    if len(without):
        text = (
            f"{len(without)} items that families used have no price ({', '.join(without['item'])}): what "
            "they cost is not in any amount."
        )
        notes.append(Note("items_without_price", text, {"n_items": len(without)}, "caution"))
    priced = set(prices.rows["item"])
    missing = sum(count for item, count in uses.not_filled.items() if item in priced)
    if missing:
        text = (
            f"{missing} times a month of care does not say how much of something with a price was used; what "
            "it cost then is not in any amount."
        )
        notes.append(Note("care_not_filled_in", text, {"n_records": missing}, "caution"))
    if "events" not in uses.recorded and "care" in uses.recorded:
        notes.append(
            Note("costs_without_events", "The study has no events, so the costs are those of help only.")
        )
    if "care" not in uses.recorded:
        text = "The study has no table care, so the costs of help itself are not among the costs."
        notes.append(Note("costs_without_care", text, {}, "caution"))
    if not followed.calendar:
        text = (
            "Times are numbers without a calendar, so up to when a family could be seen is not known: all "
            "families of an organisation count as seen as long as any of them."
        )
        notes.append(Note("seen_without_calendar", text))
    if followed.ends_unknown:
        text = f"{followed.ends_unknown} periods of help are over on an unknown date; they count as going on."
        notes.append(Note("costs_ends_without_date", text, {"n_periods": followed.ends_unknown}, "caution"))
    return notes
