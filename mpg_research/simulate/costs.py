"""Prices of the synthetic study, what its families are to be expected to cost, and an effect to find again.

Costs themselves are no table: they follow from hours, agencies, meetings and events, and from the prices.
What is true of them is what those were drawn from: the expected hours, agencies and meetings of each period
of help, given its months, and the chances of a placement and an eviction during that help. What happens
after the help (other chances, ``simulate/timeline/afterwards.py``) is not in them, so they are not all that a
family costs.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.care import (
    AGENCIES_FEWER,
    MEETING_CHANCE,
    MOST_AGENCIES,
    chances_during_help,
    expected_agencies,
    expected_hours,
    meeting_months,
    months_of_help,
)
from mpg_research.simulate.families import number_of_problems
from mpg_research.simulate.periods import Periods

__all__ = ["COST_EFFECT", "PRICE_YEAR", "cost_truth", "cost_truth_text", "plant_effect", "price_index_rows",
           "price_rows"]  # fmt: skip

PRICE_SOURCE = "synthetic: invented for this example, no real tariff"
INDEX_SOURCE = "synthetic: invented for this example, no real index"
PRICE_YEAR = 2024
#: item, year, unit, price, payer, kind, distribution and its 95 % range; every one invented.
_PRICES = (
    ("contact_hour", 2024, "hour", 100, "municipality", "fiscal", "fixed", "", ""),
    ("network_meeting", 2024, "meeting", 400, "municipality", "fiscal", "fixed", "", ""),
    ("agency_month", 2022, "month", 150, "municipality", "fiscal", "lognormal", 110, 199),
    ("agency_month", 2022, "month", 80, "health_insurer", "fiscal", "lognormal", 59, 106),
    ("placement", 2024, "placement", 30000, "municipality", "fiscal", "gamma", 19400, 42900),
    ("placement", 2024, "placement", 2000, "family", "social", "triangular", 1000, 3000),
    ("eviction", 2024, "eviction", 10000, "housing_corporation", "fiscal", "gamma", 6500, 14300),
    ("eviction", 2024, "eviction", 1500, "state", "economic", "fixed", "", ""),
    ("renewed_referral", 2024, "referral", 1500, "municipality", "fiscal", "fixed", "", ""),
)
_INDEX = {2020: 100.0, 2021: 102.5, 2022: 110.0, 2023: 114.0, 2024: 118.8, 2025: 121.9}

#: What is planted on request in the last organisation: hours times so much, and of its placements this share
#: does not happen.
COST_EFFECT: dict[str, float] = {"hours_ratio": 0.8, "placements_prevented": 0.5}


def price_rows() -> pd.DataFrame:
    """Invented prices in round euros, each with the source that says so.

    Returns
    -------
    DataFrame
        Columns of the prices schema, as text.
    """
    names = ("item", "year", "unit", "unit_price", "payer", "kind", "distribution", "price_low", "price_high")
    frame = pd.DataFrame([[str(value) for value in row] for row in _PRICES], columns=list(names))
    frame.insert(6, "source", PRICE_SOURCE)
    return frame


def price_index_rows() -> pd.DataFrame:
    """An invented index of prices.

    Returns
    -------
    DataFrame
        Columns of the price_index schema, as text.
    """
    rows = [(str(year), f"{number:.1f}", INDEX_SOURCE) for year, number in _INDEX.items()]
    return pd.DataFrame(rows, columns=["year", "index", "source"])


def cost_truth(
    periods: tuple[Periods, ...], names: NDArray[np.str_], organisations: NDArray[np.str_], *, planted: bool
) -> pd.DataFrame:
    """What each period of help was to be expected to take, given its months, and what that costs.

    Parameters
    ----------
    periods : tuple of Periods
        First and second periods of help.
    names : ndarray of str, shape (n_families,)
        Names of the families.
    organisations : ndarray of str, shape (n_organisations,)
        Their keys, in the order in which families are numbered by them.
    planted : bool
        Whether the effect stands in the last organisation (:func:`plant_effect`).

    Returns
    -------
    DataFrame
        family, episode, organisation, n_months (of care), expected hours, agency_months and meetings,
        chances of a placement and an eviction during help (from its start to its last day or the export;
        later ones are not counted), and the expected cost of care in prices of ``PRICE_YEAR``, of all payers,
        not discounted. As text.
    """
    prices = _level_prices()
    rows = []
    for each in periods:
        chances = chances_during_help(each)
        problems = number_of_problems(each.families)
        for place in range(len(each.families)):
            months = months_of_help(each, place)
            number = np.arange(len(months))
            organisation = str(organisations[each.families.organisation[place]])
            here = planted and organisation == str(organisations[-1])
            hours = float(expected_hours(number).sum()) * (COST_EFFECT["hours_ratio"] if here else 1.0)
            agencies = float(expected_agencies(int(problems[place]), number).sum())
            certain = len(set(months) & meeting_months(each, place))
            meetings = certain + MEETING_CHANCE * (len(months) - certain)
            placement = float(chances["placement"][place])
            placement *= 1 - COST_EFFECT["placements_prevented"] if here else 1.0
            care = (
                hours * prices["contact_hour"]
                + agencies * prices["agency_month"]
                + meetings * prices["network_meeting"]
            )
            rows.append(
                (
                    names[each.who[place]], str(each.number), organisation, str(len(months)), f"{hours:.3f}",
                    f"{agencies:.3f}", f"{meetings:.3f}", f"{placement:.4f}",
                    f"{float(chances['eviction'][place]):.4f}", f"{care:.2f}",
                )
            )  # fmt: skip
    columns = ("family", "episode", "organisation", "n_months", "hours", "agency_months", "meetings")
    more = ("chance_of_placement_in_help", "chance_of_eviction_in_help", "expected_cost_of_care")
    return pd.DataFrame(rows, columns=[*columns, *more])


def _level_prices() -> dict[str, float]:
    """Price of each item over all payers, at the level of ``PRICE_YEAR``."""
    prices: dict[str, float] = {}
    for item, year, _, price, *_ in _PRICES:
        prices[item] = prices.get(item, 0.0) + price * _INDEX[PRICE_YEAR] / _INDEX[year]
    return prices


def plant_effect(
    rng: np.random.Generator, tables: Mapping[str, pd.DataFrame], organisation: str
) -> dict[str, pd.DataFrame]:
    """The tables with fewer hours and fewer placements at one organisation, by a known measure.

    Parameters
    ----------
    rng : Generator
        A stream of its own, so that nothing else moves.
    tables : mapping of str to DataFrame
        All tables, as text.
    organisation : str
        Its key.

    Returns
    -------
    dict of str to DataFrame
        ``care`` and ``events`` changed: hours times a ratio, a share of the placements left out at random.
    """
    episodes = tables["episodes"]
    keys = ["family", "episode"]
    theirs = pd.MultiIndex.from_frame(episodes.loc[episodes["organisation"] == organisation, keys])
    care, events = tables["care"].copy(), tables["events"]
    here = pd.MultiIndex.from_frame(care[keys]).isin(theirs)
    hours = care.loc[here, "contact_hours"].astype(float) * COST_EFFECT["hours_ratio"]
    care.loc[here, "contact_hours"] = [f"{value:.2f}" for value in hours]
    placed = pd.MultiIndex.from_frame(events[keys]).isin(theirs)
    placed &= (events["event"] == "placement").to_numpy()
    gone = placed & (rng.random(len(events)) < COST_EFFECT["placements_prevented"])
    return {**tables, "care": care, "events": events[~gone].reset_index(drop=True)}


def cost_truth_text(organisation: str, *, planted: bool) -> str:
    """``costs.toml``: what costs were drawn from, and the effect that was planted.

    Parameters
    ----------
    organisation : str
        Key of the last organisation.
    planted : bool
        Whether the effect is in the tables.

    Returns
    -------
    str
    """
    lines = [
        "# Synthetic data: what costs follow from. All parameters and all prices are invented.",
        "# Beside it: costs.csv, what each period of help was to be expected to take, given its months.",
        "# Expected hours in month n (0, 1, ...) of a period: 4 + 12 exp(-0.06 n), the same for every",
        "# family and organisation but for what is planted below; agencies a month: Poisson with mean",
        f"# (2 + 0.9 problems) (0.7 + 0.3 exp(-{AGENCIES_FEWER} n)), at most {MOST_AGENCIES}; a network",
        f"# meeting in {MEETING_CHANCE:.0%} of the months in which none was an intervention. Chances of a",
        "# placement and an eviction are those from the start to the last day of help or the export; what",
        "# happens after it has other chances (timeline.toml) and is not in them. Without a planted effect",
        "# an organisation differs from the others in costs by its families, the length of their help and",
        "# chance only.",
        f"price_year = {PRICE_YEAR}",
        "",
        "[planted]",
        f'organisation = "{organisation if planted else ""}"',
        f"hours_ratio = {COST_EFFECT['hours_ratio'] if planted else 1.0}",
        f"placements_prevented = {COST_EFFECT['placements_prevented'] if planted else 0.0}",
    ]
    return "\n".join(lines) + "\n"
