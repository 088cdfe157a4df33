"""What a difference hangs on: one price at a time, all prices drawn, and what knowing one would be worth."""

import math

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import coded as coded_column
from mpg_research.analysis.columns import setting
from mpg_research.analysis.economics.few_together import few_together
from mpg_research.analysis.result import ResultTable
from mpg_research.analysis.value.compared import Compared
from mpg_research.analysis.value.comparison_tables import FROM_COSTS, Draws, behind
from mpg_research.analysis.value.largest_parts import DIFFERENCE_PARTS, difference_parts
from mpg_research.analysis.value.money_columns import PRICE_KEYS, THRESHOLD, modelled_money
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError
from mpg_research.statistics.economics.acceptability import one_way_ranges
from mpg_research.statistics.economics.group_differences import GroupReplications
from mpg_research.statistics.economics.partial_information import partial_information
from mpg_research.statistics.economics.price_draws import draw_price

__all__ = [
    "draw_multipliers",
    "draw_prices",
    "information_table",
    "price_differences",
    "prices_of_enough",
    "tornado_table",
]

#: What a decision hangs on beside prices: the effect, and how much was used.
_EFFECT, _USE = "effect", "use"


def draw_multipliers(priced: pd.DataFrame, *, n: int, rng: np.random.Generator) -> FloatArray:
    """Each price drawn from its range, relative to the price itself; 1 where it is fixed.

    Parameters
    ----------
    priced : DataFrame
        m prices with price, price_low, price_high and distribution.
    n : int
    rng : Generator

    Returns
    -------
    ndarray, shape (n, m)

    Raises
    ------
    ConfigError
        If a range does not fit its price.
    """
    found = np.ones((n, len(priced)))
    for place, (_, row) in enumerate(priced.iterrows()):
        if not _has_range(row):
            continue
        try:
            drawn = draw_price(
                float(row["price"]), float(row["price_low"]), float(row["price_high"]),
                distribution=row["distribution"], n=n, rng=rng,
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(
                f"Table prices, item {row['item']} of payer {row['payer']}: {error}."
            ) from error
        found[:, place] = drawn / float(row["price"])
    return found


def _has_range(price: pd.Series) -> bool:
    ends = float(price["price_low"]), float(price["price_high"])
    return price["distribution"] != "fixed" and all(map(math.isfinite, ends))


def draw_prices(replications: GroupReplications, multipliers: FloatArray) -> Draws:
    """Replications in which prices vary too.

    Parameters
    ----------
    replications : GroupReplications
    multipliers : ndarray, shape (r or more, m)
    """
    used = multipliers[: replications.cost.shape[0]]
    return Draws(np.einsum("rm,rmk->rk", used, replications.parts), replications.effect)


def price_differences(compared: Compared) -> FloatArray:
    """What each price adds to the differences in costs from the first group, shape (m, k - 1).

    Parameters
    ----------
    compared : Compared
    """
    rows = compared.cost
    root = np.ones(rows.outcome.size) if rows.weight is None else np.sqrt(rows.weight)
    found = np.linalg.lstsq(rows.design * root[:, None], compared.parts * root[:, None], rcond=None)[0]
    return np.asarray(found[list(rows.columns)].T)


def prices_of_enough(compared: Compared, minimum: int) -> frozenset[int]:
    """Prices of what enough families used, so that no single one tells how many events few families had.

    Those left out are of enough families together: what is shown leaves no sum over fewer.

    Parameters
    ----------
    compared : Compared
    minimum : int
        Families that stand for enough.

    Returns
    -------
    frozenset of int
        Places in ``compared.priced``.
    """
    used = {place: users for place, users in enumerate(compared.used) if users}

    def families(places: list[int]) -> int:
        return len(frozenset().union(*(used[place] for place in places)))

    few: list[int] = few_together(used, families, minimum=minimum)
    return frozenset(used) - frozenset(few)


def tornado_table(compared: Compared, minimum: int) -> ResultTable | None:
    """The difference in costs of the second group, with one price at a time at the ends of its range.

    Parameters
    ----------
    compared : Compared
    minimum : int
        Families that must have used what a price is of.

    Returns
    -------
    ResultTable or None
        Without a price with a range there is none.
    """
    per_price = price_differences(compared)[:, 0]
    priced, enough = compared.priced, prices_of_enough(compared, minimum)
    names = [str(place) for place in range(len(priced))]
    varied = {
        name: (float(row["price_low"]), float(row["price_high"]))
        for name, (_, row) in zip(names, priced.iterrows(), strict=True)
        if _has_range(row) and int(name) in enough
    }
    if not varied:
        return None
    base = dict(zip(names, priced["price"].astype(float), strict=True))

    def difference(prices: dict[str, float]) -> float:
        return float(sum(per_price[int(name)] * prices[name] / base[name] for name in names))

    rows = [
        {
            "priced_item": priced["item"][int(found.name)], "payer": priced["payer"][int(found.name)],
            "price": base[found.name], "price_low": found.low, "price_high": found.high,
            "at_low": found.at_low, "at_high": found.at_high, "base": found.base, "width": found.width,
            **difference_parts(compared, found.base, (0, 1), compared.parts[:, int(found.name)]),
            **behind(compared, 1),
        }
        for found in one_way_ranges(difference, base, ranges=varied)  # type: ignore[arg-type]
    ]  # fmt: skip
    prices = tuple(setting(name, digits=0) for name in ("price", "price_low", "price_high"))
    outcomes = tuple(
        modelled_money(name, follows=FROM_COSTS) for name in ("at_low", "at_high", "base", "width")
    )
    columns = (*PRICE_KEYS, *prices, *outcomes, *DIFFERENCE_PARTS)
    return ResultTable("price_ranges", pd.DataFrame(rows), columns)


def information_table(
    compared: Compared, draws: Draws, multipliers: FloatArray, base: FloatArray, thresholds: FloatArray,
    *, minimum: int, base_of_rounding: int, rng: np.random.Generator,
) -> ResultTable:  # fmt: skip
    """What knowing one thing exactly would be worth, per family, where that is an amount that is shown.

    Thresholds at which it rounds to nothing are left out, but for the one at which it is worth most: of the
    effect and of use always, of a price only where there is another.

    Parameters
    ----------
    compared : Compared
    draws : Draws
    multipliers : ndarray, shape (r or more, m)
    base : ndarray, shape (r, k)
        Differences in costs at the stated prices.
    thresholds : ndarray, shape (t,)
    minimum : int
        Families that must have used what a price is of.
    base_of_rounding : int
        To which amounts are rounded, in euros.
    rng : Generator
    """
    r, enough = draws.cost.shape[0], prices_of_enough(compared, minimum)
    known: list[tuple[str, str, str, FloatArray]] = [
        (_EFFECT, "none", "all", draws.effect[:, 1:]), (_USE, "none", "all", base[:, 1:])
    ]  # fmt: skip
    for place, row in enumerate(compared.priced.itertuples()):
        if place in enough and multipliers[:r, place].std() > 0:
            known.append(("price", str(row.item), str(row.payer), multipliers[:r, place]))
    rows = []
    for parameter, item, payer, values in known:
        try:
            found = partial_information(
                draws.cost, draws.effect, parameter=values, threshold=thresholds, n_simulations=100, rng=rng
            )
        except ValueError:  # too few draws for the columns of several groups
            continue
        shown = found.value >= base_of_rounding / 2
        if not shown.any() and parameter != "price":
            shown = np.arange(len(thresholds)) == int(np.argmax(found.value))
        rows += [
            {"may_cost": float(thresholds[at]), "parameter": parameter, "priced_item": item, "payer": payer,
             "worth": max(float(found.value[at]), 0.0), "worth_error": float(found.std_error[at]),
             **behind(compared, 1)}
            for at in np.flatnonzero(shown)
        ]  # fmt: skip
    columns = (
        THRESHOLD, coded_column("parameter"), *PRICE_KEYS, modelled_money("worth", follows=FROM_COSTS),
        modelled_money("worth_error", plain=False, follows=FROM_COSTS),
    )  # fmt: skip
    names = [
        "may_cost",
        "parameter",
        "priced_item",
        "payer",
        "worth",
        "worth_error",
        "n_families",
        "n_organisations",
    ]
    return ResultTable("information", pd.DataFrame(rows, columns=names), columns)
