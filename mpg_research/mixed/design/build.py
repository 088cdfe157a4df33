"""From a formula and a frame to a MixedProblem, with what is needed to do the same on new data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.mixed.covariance.protocol import ResidualStructure
from mpg_research.mixed.covariance.series import series_columns
from mpg_research.mixed.covariance.structures import bind_residual
from mpg_research.mixed.design.checks import (
    aliased_notes,
    check_arguments,
    check_coefficient_names,
    check_groups,
    check_names,
    check_numbers,
    check_size,
    missing_notes,
    one_level_notes,
    residual_parts,
)
from mpg_research.mixed.design.coding import MatrixPlan, build_matrix, plan_matrix
from mpg_research.mixed.design.columns import (
    ColumnData,
    find_column,
    missing_rows,
    read_column,
    read_like,
)
from mpg_research.mixed.design.estimability import Estimability
from mpg_research.mixed.design.formula_notes import margin_notes, number_level_notes
from mpg_research.mixed.design.random_terms import (
    RandomPlan,
    group_key,
    random_terms,
    read_group,
    series_groups,
)
from mpg_research.mixed.design.transforms import States, evaluate
from mpg_research.mixed.formula.parse import ParsedFormula, parse_formula
from mpg_research.mixed.formula.tokens import Call, Name, fail, names_in, render
from mpg_research.mixed.problem import MixedProblem

__all__ = ["Design", "design_problem"]


#: A column is aliased when its part not explained by the columns before it is this small,
#: relative to its length (R's lm and lme4 use 1e-7 on the same scale).
ALIAS_TOLERANCE = 1e-7
#: Weight of a column in another, both of length one, that is no more than rounding.
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that ties a problem to its formula and data.

    Attributes
    ----------
    formula : ParsedFormula
    columns : dict of ColumnData
        The data of the fitted rows, by column.
    response : str
        Name of the outcome as written.
    fixed : MatrixPlan
    term_of_column : tuple of int, length p
        The fixed term each kept column belongs to.
    estimability : Estimability
        Which columns of the plan's matrix are in the model, and what can be estimated of all of them.
    aliased : tuple of str
        Columns that were dropped because others determine them.
    random : tuple of RandomPlan
        As ``problem.random``.
    rows : array of bool, shape (number of rows given,)
        Rows that were used.
    index : pandas Index, length n
        Labels of the used rows.
    notes : tuple of Note
    residual : tuple of ResidualStructure
        Parts of the residual structure, that of the series first; empty for independence.
    """

    formula: ParsedFormula
    columns: dict[str, ColumnData]
    response: str
    fixed: MatrixPlan
    term_of_column: tuple[int, ...]
    estimability: Estimability
    aliased: tuple[str, ...]
    random: tuple[RandomPlan, ...]
    rows: NDArray[np.bool_]
    index: pd.Index
    notes: tuple[Note, ...]
    residual: tuple[ResidualStructure, ...] = ()

    @property
    def kept(self) -> NDArray[np.intp]:
        """Which columns of the plan's matrix are in the model, shape (p,)."""
        return self.estimability.kept

    @property
    def fixed_columns(self) -> tuple[ColumnData, ...]:
        """The data columns of the fixed part, in order of appearance."""
        return tuple(self.columns[name] for name in self.fixed.columns)

    def fixed_matrix(self, values: Mapping[str, NDArray[Any]], n_rows: int) -> FloatArray:
        """Model matrix of the fixed part, kept columns only, shape (n_rows, p); NaN where not estimable."""
        return self.estimability.reduced(build_matrix(self.fixed, values, n_rows)[0])

    def read(self, data: pd.DataFrame, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        """Columns of new data in the coding of the fit."""
        return {name: read_like(data, self.columns[name]) for name in names}

    def for_new_data(self) -> "Design":
        """What :meth:`read` and :meth:`fixed_matrix` need, without the rows of the fit."""
        columns = {
            name: replace(column, values=column.values[:0].copy()) for name, column in self.columns.items()
        }
        return replace(
            self, columns=columns, random=(), rows=self.rows[:0].copy(), index=pd.Index([]), residual=()
        )


def design_problem(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    residual: Any = None,
    reference: Mapping[str, Any] | None = None,
    missing: str = "drop",
) -> tuple[MixedProblem, Design]:
    """Turn a formula and a frame into arrays.

    Parameters
    ----------
    formula : str
    data : DataFrame
        One row per observation.
    weights : str, optional
        Column of positive weights.
    residual : ResidualStructure, or a tuple of one of the series and VarianceBy, optional
        Structure of the residuals.
    reference : mapping of column to level, optional
        Reference levels of categorical columns.
    missing : {"drop", "error"}
        What to do with rows that miss a value in any column of the model.

    Returns
    -------
    problem : MixedProblem
    design : Design

    Raises
    ------
    FormulaError
        For an unreadable formula or an unknown column.
    ModelError
        If the data cannot carry the model.
    """
    parsed = parse_formula(formula)
    check_names(parsed, data)
    parts = residual_parts(residual)
    check_groups(parsed, parts)
    extra_columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    check_arguments(data, weights, extra_columns, reference, missing)
    needed = dict.fromkeys(
        [*(name.name for name in parsed.columns), *([weights] if weights else []), *extra_columns]
    )
    rows = ~missing_rows(data, needed)
    n_used = int(rows.sum())
    notes = missing_notes(data, rows, needed, missing)
    keep = None if n_used == len(data) else rows
    tied = next((part.series for part in parts if part.series is not None), None)
    groups = () if parsed.random or tied is None else series_columns(tied)
    columns = _read_columns(parsed, data, keep, dict(reference or {}), groups)
    states: States = {}
    y = _response(parsed, columns, states)
    fixed = plan_matrix(parsed.fixed, columns, states)
    values = {name: column.values for name, column in columns.items()}
    matrix, names, owners = build_matrix(fixed, values, n_used)
    estimability = _independent_columns(matrix)
    kept = estimability.kept
    aliased = tuple(name for index, name in enumerate(names) if index not in set(kept.tolist()))
    notes += one_level_notes(columns[name] for name in fixed.columns) + aliased_notes(aliased)
    notes += margin_notes(parsed.fixed, columns, owners) + number_level_notes(parsed.fixed, columns)
    if groups:
        random, plans = series_groups(groups, columns, n_used)
    else:
        random, plans = random_terms(parsed, columns, values, states, n_used)
    x = matrix if len(kept) == len(names) else matrix[:, kept]
    check_size(y, x, random)
    check_coefficient_names(names, random)
    bound = {name: find_column(data, name)[rows].to_numpy() for name in extra_columns}
    problem = MixedProblem(
        y=y,
        x=np.ascontiguousarray(x),
        x_names=tuple(names[index] for index in kept),
        random=random,
        weights=None if weights is None else _weights(data, weights, keep),
        residual=bind_residual(parts, bound),
    )
    index = data.index if keep is None else data.index[rows]
    owners_kept = tuple(owners[index] for index in kept)
    response = parsed.response.name if isinstance(parsed.response, Name) else render(parsed.response)
    return problem, Design(
        parsed,
        columns,
        response,
        fixed,
        owners_kept,
        estimability,
        aliased,
        plans,
        rows,
        index,
        notes,
        parts,
    )


def _read_columns(
    parsed: ParsedFormula,
    data: pd.DataFrame,
    keep: NDArray[np.bool_] | None,
    reference: dict[str, Any],
    groups: tuple[str, ...],
) -> dict[str, ColumnData]:
    """Each column once; grouping columns get a categorical reading of their own under ``group:``."""
    terms = [*parsed.fixed, *(term for random in parsed.random for term in random.terms)]
    factors = [factor for term in terms for factor in term.factors]
    called = {
        names_in(factor)[0].name for factor in factors if isinstance(factor, Call) and factor.function == "C"
    }
    grouping = dict.fromkeys([*(name for random in parsed.random for name in random.group), *groups])
    used = dict.fromkeys(name.name for factor in [parsed.response, *factors] for name in names_in(factor))
    for name in reference:
        if name not in used:
            raise ModelError(f"reference names the column {name!r}, which is not in the formula.")
    columns = {
        name: read_column(data, name, keep, categorical=name in called, reference=reference.get(name))
        for name in used
    }
    for name in grouping:
        known = columns.get(name)
        if known is not None and known.kind == "categorical":
            columns[group_key(name)] = known
        else:
            columns[group_key(name)] = read_group(data, name, keep)
    check_numbers(parsed, factors, columns)
    return columns


def _response(parsed: ParsedFormula, columns: Mapping[str, ColumnData], states: States) -> FloatArray:
    values = {name.name: columns[name.name].values for name in names_in(parsed.response)}
    if not values:
        fail(parsed.response.token, "the outcome must be a column of the data.")
    return np.ascontiguousarray(evaluate(parsed.response, values, states))


def _independent_columns(x: FloatArray) -> Estimability:
    """Which columns are not determined by the columns before them, and how the others are."""
    n, p = x.shape
    everything = Estimability(np.arange(p), np.arange(0), np.empty((p, 0)))
    if p == 0:
        return everything
    products = x.T @ x
    length = np.sqrt(np.diagonal(products))
    if n >= p and np.all(length > 0):
        eigenvalues = np.linalg.eigvalsh(products / np.outer(length, length))
        if eigenvalues[0] > 1e-8:
            return everything
    length = np.where(length > 0, length, 1.0)
    scaled = x / length
    kept: list[int] = []
    basis = np.empty((n, 0))
    for column in range(p):
        rest = scaled[:, column]
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        norm = float(np.sqrt(rest @ rest))
        if norm > ALIAS_TOLERANCE:
            kept.append(column)
            basis = np.column_stack([basis, rest / norm])
    inside = np.array(kept, dtype=np.intp)
    dropped = np.setdiff1d(np.arange(p), inside)
    implied = np.linalg.solve(basis.T @ scaled[:, inside], basis.T @ scaled[:, dropped])
    implied[np.abs(implied) < ROUNDING] = 0.0
    return Estimability(inside, dropped, implied * length[dropped] / length[inside][:, None])


def _weights(data: pd.DataFrame, name: str, keep: NDArray[np.bool_] | None) -> FloatArray:
    column = read_column(data, name, keep)
    if column.kind == "categorical" or not (column.values > 0).all():
        raise ModelError(f"The weights in column {name!r} must be numbers above zero.")
    return column.values
