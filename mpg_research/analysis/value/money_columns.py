"""Declarations of columns with amounts of money that a model made, and of what they hang on."""

from mpg_research.analysis.columns import Column, coded, ends, estimates, key_column, modelled

__all__ = [
    "COMPARED_GROUP",
    "MONEY_ESTIMATE",
    "PRICE_KEYS",
    "SHARE_ESTIMATE",
    "THRESHOLD",
    "modelled_money",
    "money_with_ends",
]

#: A group of families, or a strategy.
COMPARED_GROUP = coded("compared_group")
#: What a unit of effect may cost, in euros.
THRESHOLD = key_column("may_cost", digits=0)
#: Whose price.
PRICE_KEYS = (coded("priced_item"), coded("payer"))
#: A difference in euros and all that goes with it.
MONEY_ESTIMATE = tuple(
    column.but(in_money=column.name in ("estimate", "std_error", "conf_low", "conf_high"))
    for column in estimates(digits=0, error_digits=0)
)
#: A difference between shares and all that goes with it.
SHARE_ESTIMATE = tuple(
    column.but(percent=True, digits=1 if column.name == "std_error" else 0)
    if column.name in ("estimate", "std_error", "conf_low", "conf_high")
    else column
    for column in estimates()
)


def modelled_money(name: str, **about: object) -> Column:
    """An amount that a model made.

    Parameters
    ----------
    name : str
    **about
        More of the declaration.
    """
    return modelled(name, digits=0, in_money=True, **about)


def money_with_ends(name: str, stem: str = "", **about: object) -> tuple[Column, Column, Column]:
    """An amount with its interval.

    Parameters
    ----------
    name : str
    stem : str
        Of the names of the ends; by default the name.
    **about
        More of the declaration.
    """
    column = modelled_money(name, **about)
    return (column, *ends(column, stem))
