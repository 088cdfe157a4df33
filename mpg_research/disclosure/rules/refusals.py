"""Which tables are withheld as a whole, and why."""

from collections.abc import Mapping

import numpy as np

from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.rules.cells import Cells
from mpg_research.disclosure.rules.differencing import FLOW
from mpg_research.disclosure.rules.organisation_rules import (
    deviations,
    stands_for_whole,
    too_few_in_comparison,
    too_few_pooled,
)
from mpg_research.disclosure.rules.text import NameFinder

__all__ = ["FEW_OTHERS", "all_hidden", "degrees_of_freedom", "has_few_others", "hide_spreads", "refusals"]

#: The reason where too few others stand beside an organisation.
FEW_OTHERS = "too_few_other_organisations"
#: The reason where a model has almost as many coefficients as families.
FEW_DEGREES = "few_degrees_of_freedom"
_OF_MODELS = frozenset({"model", "p", "df"})


def refusals(
    tables: Mapping[str, Cells],
    audience: Audience,
    *,
    throughout: bool,
    policy: DisclosurePolicy,
    covered: frozenset[str],
    names: NameFinder,
) -> dict[str, tuple[str, dict[str, int]]]:
    """Tables that are withheld as a whole, with code and values of the reason.

    ``throughout``: whether the result is about differences between organisations throughout. Where the
    comparison is withheld, their spread, its test and its largest are too then.
    """
    refused: dict[str, tuple[str, dict[str, int]]] = {}
    others = policy.minimum_other_organisations
    many = _organisations_in(tables, policy)
    comparison: tuple[str, dict[str, int]] | None = None
    for name, cells in tables.items():
        if cells.table.organisation_columns:
            adds_to_zero = deviations(cells)
            code = too_few_in_comparison(cells, audience, policy=policy)
            small = bool((cells.hidden() & (cells.exact("n_families") > 0)).any())
            if adds_to_zero and (covered or small):
                refused[name] = ("gives_away_a_small_group", {"minimum": policy.minimum_families})
            elif code:
                refused[name] = (code, {"minimum": others})
                # A table without rows (nothing was computed for it) says nothing of who stands beside whom.
                decides = cells.length > 0 and stands_for_whole(cells)
                comparison = refused[name] if decides else comparison
        elif too_few_pooled(cells, audience, policy=policy, organisations=many):
            refused[name] = ("pooled_with_too_few", {"minimum": others})
        if name not in refused and _text_with_names(cells, names):
            refused[name] = ("names_in_text", {})
        if name not in refused and cells.length and all_hidden(cells):
            code = "dominated" if cells.has_dominated else "all_suppressed"
            refused[name] = (code, {"minimum": policy.minimum_families})
    if degrees_of_freedom(tables) < policy.minimum_families:
        few = (FEW_DEGREES, {"minimum": policy.minimum_families})
        refused |= {name: few for name, cells in tables.items() if name not in refused and _has_model(cells)}
    if throughout and comparison:
        refused.update({name: comparison for name in tables if name != FLOW})
    return refused


def degrees_of_freedom(tables: Mapping[str, Cells]) -> float:
    """What the coefficients of the models of a result leave of the families behind them; the least.

    Infinite where no table is of coefficients. Those of the families, not of the estimates: a comparison of
    few organisations has few of the latter and says nothing of single families.
    """
    models = [cells for cells in tables.values() if cells.table.n_coefficients and cells.length]
    left = [cells.exact("n_families").min() - cells.table.n_coefficients for cells in models]
    return float(min(left, default=np.inf))


def _has_model(cells: Cells) -> bool:
    """Whether numbers of a model stand in a table."""
    return any(cells.where(name, lambda about: about.meaning in _OF_MODELS).any() for name in cells.numbers)


def hide_spreads(tables: Mapping[str, Cells]) -> None:
    """Hide what is made of a number of every organisation where that of one of them is withheld."""
    whole = [cells for cells in tables.values() if stands_for_whole(cells)]
    if not any((cells.hidden() & (cells.data["n_families"] != 0)).any() for cells in whole):
        return
    for cells in tables.values():
        for column in cells.numbers:
            made_of_all = cells.where(column, lambda about: about.spread)
            cells.hide(made_of_all, column)
            cells.has_complement |= bool(made_of_all.any())


def has_few_others(tables: Mapping[str, Cells], audience: Audience, *, policy: DisclosurePolicy) -> bool:
    """Whether what is pooled is about too few others, once the reading organisation is taken away."""
    if audience.organisation is None or policy.public_groups:
        return False
    return _organisations_in(tables, policy) - 1 < policy.minimum_other_organisations


def _organisations_in(tables: Mapping[str, Cells], policy: DisclosurePolicy) -> int:
    return max((_largest_pool(cells) for cells in tables.values()), default=0) or len(policy.organisations)


def _largest_pool(cells: Cells) -> int:
    if "n_organisations" not in cells.data:
        return 0
    return int(np.nan_to_num(cells.exact("n_organisations")).max(initial=0))


def all_hidden(cells: Cells) -> bool:
    """Whether no number of a table is left to be seen."""
    return all(bool(cells.hidden(column).all()) for column in cells.numbers)


def _text_with_names(cells: Cells, names: NameFinder) -> bool:
    organisations = cells.table.organisation_columns
    texts = [column for column in cells.data if cells.is_text(column) and column not in organisations]
    return any(names.found_in(value) for column in texts for value in set(cells.data[column]))
