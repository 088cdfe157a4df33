"""Notes on formulas that say something else than a reader may think: removed margins, numbers as levels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mpg_research.errors import Note
from mpg_research.mixed.design.columns import ColumnData
from mpg_research.mixed.formula.parsed_terms import Term
from mpg_research.mixed.formula.tokens import Call, Name, names_in, render

__all__ = ["margin_notes", "number_level_notes"]

#: A factor whose levels are all numbers is spoken of if it has more levels than most answering scales.
MANY_LEVELS = 7


def margin_notes(
    terms: Sequence[Term], columns: Mapping[str, ColumnData], owners: Sequence[int]
) -> tuple[Note, ...]:
    """A note on the terms whose type III test is not lmerTest's, because the formula leaves out a margin.

    Ours are those of SAS: a term is averaged over the levels of every factor in terms that contain it. R
    marks a factor of a term whose margin is missing, and lmerTest then overlooks it when it looks for terms
    that contain others: it tests at the first level, so that its test depends on which level that is. R also
    takes a margin for present that is only part of an earlier term, and then fits fewer columns than
    ``owners``, the term of each of our columns.
    """
    keys = {term.key for term in terms}

    numerics = {
        id(term): frozenset(render(f) for f in term.factors if not _is_categorical(f, columns))
        for term in terms
    }
    seens = {id(term): _seen(term, terms[:place]) for place, term in enumerate(terms)}

    def numeric(term: Term) -> frozenset[str]:
        return numerics[id(term)]

    def seen(term: Term) -> frozenset[str]:
        return seens[id(term)]

    def columns_in_r(term: Term) -> int:
        count = 1
        for factor in term.factors:
            if _is_categorical(factor, columns):
                count *= len(columns[names_in(factor)[0].name].levels) - (render(factor) in seen(term))
        return count

    fewer = [
        term.name
        for number, term in enumerate(terms)
        if len(term.key) > 1
        and all(isinstance(f, Name) or _is_categorical(f, columns) for f in term.factors)
        and columns_in_r(term) < owners.count(number)
    ]

    def overlooked(large: Term, small: Term) -> bool:
        if not (small.key < large.key and numeric(small) == numeric(large)):
            return False
        same = numeric(small) & seen(small) == numeric(large) & seen(large)
        return not (seen(small) < seen(large) and same)

    def shares_margin(one: Term, other: Term) -> bool:
        # a margin that stands in both but is no term: the earlier one takes it, at the other's first level
        common = one.key & other.key
        apart = bool(common) and common not in keys and common < one.key and common < other.key
        return apart and numeric(one) == numeric(other) and numeric(one) <= common

    odd = [
        term.name
        for term in terms
        if term.key and any(overlooked(other, term) or shares_margin(term, other) for other in terms)
    ]
    main = [term for term in terms if len(term.key) == 1 and not numeric(term)]
    if frozenset() not in keys and main and any(not t.key <= numeric(t) | main[0].key for t in terms):
        # without an intercept the first factor stands for it
        odd = list(dict.fromkeys([main[0].name, *odd]))
    if not odd and not fewer:
        return ()
    names = ", ".join(odd)
    text = "The formula leaves out a margin of an interaction (or the intercept). "
    if odd:
        text += (
            f"The type III test of {names} may therefore not be that of R's lmerTest: here it is averaged "
            "over the levels of the other factors, as in SAS, and there it is taken at their first level. "
        )
    if fewer:
        text += f"R would fit fewer columns for {', '.join(fewer)}, so that its whole model is another one."
    values = {"terms": names, "smaller_in_r": ", ".join(fewer)}
    return (Note("removed_margin", text.strip(), values),)


def _seen(term: Term, earlier: Sequence[Term]) -> frozenset[str]:
    """The factors of a term whose margin, the term without them, is part of an earlier one."""
    if len(term.key) == 1:
        return term.key
    return frozenset(key for key in term.key if any(term.key - {key} <= other.key for other in earlier))


def _is_categorical(factor: Any, columns: Mapping[str, ColumnData]) -> bool:
    if isinstance(factor, Call):
        return factor.function == "C"
    return isinstance(factor, Name) and columns[factor.name].kind == "categorical"


def number_level_notes(terms: Sequence[Term], columns: Mapping[str, ColumnData]) -> tuple[Note, ...]:
    """A caution for each factor of the fixed part with many levels that all read as numbers."""
    factors = {render(factor): factor for term in terms for factor in term.factors}
    notes = []
    for written, factor in factors.items():
        if not _is_categorical(factor, columns):
            continue
        column = columns[names_in(factor)[0].name]
        if len(column.levels) <= MANY_LEVELS or not all(_reads_as_number(level) for level in column.levels):
            continue
        text = (
            f"{written} counts as a factor with {len(column.levels)} levels, though all its values are "
            f"numbers (such as {column.levels[0]!r} and {column.levels[-1]!r}). "
        )
        if column.kind == "categorical":
            text += (
                "If it is an amount, turn the column into numbers first, with pd.to_numeric, and write "
                f"{column.name}; if these are codes of groups, nothing is wrong."
            )
        else:
            text += f"If it is an amount, write {column.name} without C(); "
            text += "if these are codes of groups, nothing is wrong."
        count = len(column.levels)
        notes.append(Note("numbers_as_levels", text, {"column": column.name, "n_levels": count}, "caution"))
    return tuple(notes)


def _reads_as_number(level: Any) -> bool:
    try:
        return bool(np.isfinite(float(str(level).replace(",", "."))))
    except ValueError:
        return False
