"""Random terms of a formula as arrays: columns, groups, and lme4's order."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.mixed.covariance.random_part import DIAGONAL, FULL, RandomStructure
from mpg_research.mixed.design.coding import MatrixPlan, build_matrix, plan_matrix
from mpg_research.mixed.design.column_checks import check_scalars
from mpg_research.mixed.design.columns import ColumnData, code_groups, read_column
from mpg_research.mixed.design.transforms import States
from mpg_research.mixed.formula.parsed_terms import ParsedFormula, RandomSpecification, Term
from mpg_research.mixed.formula.tokens import Call, Name
from mpg_research.mixed.problem import RandomTerm

__all__ = ["RandomPlan", "group_key", "random_terms", "read_group", "series_groups"]


@dataclass(frozen=True, slots=True)
class RandomPlan:
    """How to build the columns of one random term on new data.

    Attributes
    ----------
    plan : MatrixPlan
    keep : tuple of int
        Columns of the plan's matrix that this term has, in order.
    group_columns : tuple of str
    """

    plan: MatrixPlan
    keep: tuple[int, ...]
    group_columns: tuple[str, ...]


def group_key(name: str) -> str:
    """Where the categorical reading of a grouping column is kept (no column name starts so)."""
    return f"\0group:{name}"


def read_group(data: pd.DataFrame, name: str, keep: NDArray[np.bool_] | None) -> ColumnData:
    """Read a grouping column as categories, whatever it holds."""
    column = data[name] if keep is None else data.loc[keep, name]
    if column.dtype == object:
        check_scalars(column, name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return read_column(data, name, keep)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        coded = _code_integers(column.to_numpy())
        if coded is not None:
            return ColumnData(name, "categorical", *coded)
    try:
        codes, levels = pd.factorize(column, sort=True)
    except TypeError:
        codes, levels = pd.factorize(column)
    return ColumnData(
        name, "categorical", codes.astype(np.intp, copy=False), tuple(np.asarray(levels).tolist())
    )


def _code_integers(values: NDArray[Any]) -> tuple[NDArray[np.intp], tuple[Any, ...]] | None:
    """Codes of whole numbers by counting, where they are dense enough; many times faster than hashing."""
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 1000 or high > np.iinfo(np.int64).max:
        return None
    shifted = (values - low).astype(np.intp)
    present = np.zeros(high - low + 1, dtype=bool)
    present[shifted] = True
    rank = np.cumsum(present) - 1
    return rank[shifted], tuple((np.flatnonzero(present) + low).tolist())


def random_terms(
    parsed: ParsedFormula,
    columns: Mapping[str, ColumnData],
    values: Mapping[str, NDArray[Any]],
    states: States,
    n_rows: int,
) -> tuple[tuple[RandomTerm, ...], tuple[RandomPlan, ...]]:
    """All random terms with the plans to rebuild their columns, in the order of lme4."""
    pairs: list[tuple[RandomTerm, RandomPlan]] = []
    for specification in parsed.random:
        codes, labels = code_groups([columns[group_key(name)] for name in specification.group])
        if len(specification.group) > 1:
            labels = tuple(":".join(str(part) for part in label) for label in labels)
        for terms, structure in _blocks(specification, columns):
            plan = plan_matrix(terms, columns, states)
            z, names, _ = build_matrix(plan, values, n_rows)
            term = RandomTerm(specification.group_name, names, z, codes, labels, structure)
            pairs.append((term, RandomPlan(plan, tuple(range(len(names))), specification.group)))
    return _in_lme4_order(pairs)


def series_groups(
    names: tuple[str, ...], columns: Mapping[str, ColumnData], n_rows: int
) -> tuple[tuple[RandomTerm, ...], tuple[RandomPlan, ...]]:
    """The series of a residual structure as groups without a random effect, for a model that has none."""
    codes, labels = code_groups([columns[group_key(name)] for name in names])
    if len(names) > 1:
        labels = tuple(":".join(str(part) for part in label) for label in labels)
    term = RandomTerm(":".join(names), (), np.zeros((n_rows, 0)), codes, labels)
    return (term,), (RandomPlan(plan_matrix((), columns, {}), (), names),)


def _blocks(
    specification: RandomSpecification, columns: Mapping[str, ColumnData]
) -> list[tuple[tuple[Term, ...], RandomStructure]]:
    """``||`` separates the terms; a term of several columns keeps its own correlations, as in lme4."""
    if specification.correlated or len(specification.terms) == 1:
        return [(specification.terms, FULL)]
    if all(_one_column(term, columns) for term in specification.terms):
        return [(specification.terms, DIAGONAL)]
    return [((term,), FULL) for term in specification.terms]


def _one_column(term: Term, columns: Mapping[str, ColumnData]) -> bool:
    for factor in term.factors:
        if isinstance(factor, Call) and factor.function in ("C", "poly", "bs", "cr"):
            return False
        if isinstance(factor, Name) and columns[factor.name].kind == "categorical":
            return False
    return True


def _in_lme4_order(
    pairs: list[tuple[RandomTerm, RandomPlan]],
) -> tuple[tuple[RandomTerm, ...], tuple[RandomPlan, ...]]:
    """Decreasing number of groups; when anything moves, lme4 also reverses ties."""
    counts = [len(term.levels) for term, _ in pairs]
    if any(after > before for before, after in pairwise(counts)):
        order = sorted(range(len(pairs)), key=lambda index: counts[index])[::-1]
        pairs = [_reversed_diagonal(*pairs[index]) for index in order]
    return tuple(term for term, _ in pairs), tuple(plan for _, plan in pairs)


def _reversed_diagonal(term: RandomTerm, plan: RandomPlan) -> tuple[RandomTerm, RandomPlan]:
    """lme4 sees ``||`` as separate terms with equal numbers of groups, so they are reversed too."""
    if term.correlated or len(term.term_names) == 1:
        return term, plan
    turned = RandomTerm(
        term.group,
        term.term_names[::-1],
        np.ascontiguousarray(term.z[:, ::-1]),
        term.codes,
        term.levels,
        term.structure,
    )
    return turned, RandomPlan(plan.plan, plan.keep[::-1], plan.group_columns)
