"""From terms to columns: categorical coding without redundancy, and the columns' names.

A categorical factor gives all its levels where nothing else in the model spans them, and one column
fewer where the margin is already there; names follow formulaic (``arm[T.b]`` for a column against
the reference level, ``arm[b]`` for a level of its own).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.columns import ColumnData, list_levels, match_level
from mpg_research.mixed.design.transforms import States, evaluate, evaluate_basis
from mpg_research.mixed.formula.parse import Term, factor_name
from mpg_research.mixed.formula.tokens import Call, Expression, Name, Text, fail, names_in, render

__all__ = ["Factor", "MatrixPlan", "Piece", "build_matrix", "plan_matrix"]

Coding = Literal["treatment", "sum"]


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a term, bound to the data of the fit.

    Attributes
    ----------
    key : str
        Canonical text; equal for the same factor in different terms.
    name : str
        As it stands in column names.
    expression : Expression
    spans : bool
        Whether its full set of columns adds up to one: categorical columns and ``cr``.
    levels : tuple
        Levels of a categorical factor, the reference first; else empty.
    ranks : array of int, or None
        Place in ``levels`` of each level of the data column.
    values : array, or None
        For ``C()`` over numbers: the numbers that are levels, ascending.
    coding : {"treatment", "sum"}
        Of the reduced columns.
    """

    key: str
    name: str
    expression: Expression
    spans: bool
    levels: tuple[Any, ...] = ()
    ranks: NDArray[np.intp] | None = None
    values: FloatArray | None = None
    coding: Coding = "treatment"


@dataclass(frozen=True, slots=True)
class Piece:
    """A set of columns of one term: each factor with its full or reduced columns.

    Attributes
    ----------
    term : int
        Index of the term it belongs to.
    factors : tuple of (Factor, bool)
        The flag says whether the factor has its full set of columns.
    """

    term: int
    factors: tuple[tuple[Factor, bool], ...]


@dataclass(frozen=True, slots=True)
class MatrixPlan:
    """How to build a model matrix from columns in the coding of the fit.

    Attributes
    ----------
    terms : tuple of str
        Names of the terms.
    pieces : tuple of Piece
    states : dict
        Memory of the stateful functions.
    columns : tuple of str
        Data columns the matrix needs.
    """

    terms: tuple[str, ...]
    pieces: tuple[Piece, ...]
    states: States
    columns: tuple[str, ...]


def plan_matrix(terms: tuple[Term, ...], data: Mapping[str, ColumnData], states: States) -> MatrixPlan:
    """Decide which columns each term gets.

    Parameters
    ----------
    terms : tuple of Term
        Intercept first.
    data : mapping
        The columns of the fit.
    states : dict
        Shared memory of stateful functions.

    Returns
    -------
    MatrixPlan
    """
    used: dict[frozenset[str], set[frozenset[str]]] = {}
    pieces: list[Piece] = []
    for index, term in enumerate(terms):
        factors = [_bind(factor, data) for factor in term.factors]
        spanning = [factor for factor in factors if factor.spans]
        seen = used.setdefault(frozenset(f.key for f in factors if not f.spans), set())
        for subset in _subsets_to_code(spanning, seen):
            chosen = tuple((f, subset.get(f.key, False)) for f in factors if not f.spans or f.key in subset)
            pieces.append(Piece(index, chosen))
    needed = dict.fromkeys(
        name.name for term in terms for factor in term.factors for name in names_in(factor)
    )
    return MatrixPlan(tuple(term.name for term in terms), tuple(pieces), states, tuple(needed))


def _bind(expression: Expression, data: Mapping[str, ColumnData]) -> Factor:
    key, name = render(expression), factor_name(expression)
    if isinstance(expression, Name) and data[expression.name].kind != "categorical":
        return Factor(key, name, expression, False)
    if isinstance(expression, Name) or (isinstance(expression, Call) and expression.function == "C"):
        column = data[names_in(expression)[0].name]
        levels, coding = (
            _coding_of(expression, column) if isinstance(expression, Call) else (column.levels, None)
        )
        ranks = np.array([levels.index(level) for level in column.levels], dtype=np.intp)
        values = None if column.kind == "categorical" else np.array(column.levels, dtype=np.float64)
        return Factor(key, name, expression, True, levels, ranks, values, coding or "treatment")
    return Factor(key, name, expression, isinstance(expression, Call) and expression.function == "cr")


def _coding_of(call: Call, column: ColumnData) -> tuple[tuple[Any, ...], Coding]:
    """Levels in coding order and the coding asked for inside ``C()``."""
    asked = [*call.arguments[1:], *(value for _, value in call.options)]
    if not asked or isinstance(asked[0], Name):
        return column.levels, "sum" if asked and isinstance(asked[0], Name) and asked[
            0
        ].name == "Sum" else "treatment"
    coding = asked[0]
    assert isinstance(coding, Call)
    if coding.function == "Sum":
        return column.levels, "sum"
    given = [*coding.arguments, *(value for _, value in coding.options)]
    if not given:
        return column.levels, "treatment"
    wanted = given[0].value if isinstance(given[0], Text) else render(given[0])
    first = match_level(column.levels, wanted)
    if first is None:
        levels = list_levels(column.levels)
        message = f"level {wanted!r} does not occur in column {column.name!r}; its levels are {levels}."
        fail(given[0].token, message)
    rest = tuple(level for index, level in enumerate(column.levels) if index != first)
    return (column.levels[first], *rest), "treatment"


def _subsets_to_code(factors: list[Factor], seen: set[frozenset[str]]) -> list[dict[str, bool]]:
    """Subsets of a term's spanning factors that are not yet in the model, merged where possible.

    Each result maps a factor's key to True (full columns) or False (reduced columns). Reduced
    columns of a subset S stand for the part of the interaction space that no smaller subset spans;
    S with one factor f full stands for S and S without f together.
    """
    keys = [factor.key for factor in factors]
    wanted = [frozenset(c) for size in range(len(keys) + 1) for c in combinations(keys, size)]
    pending: list[dict[str, bool]] = [
        {key: False for key in keys if key in subset} for subset in wanted if subset not in seen
    ]
    seen.update(wanted)
    merged = True
    while merged:
        merged = False
        for small in pending:
            large = next((other for other in pending if _absorbs(other, small)), None)
            if large is not None:
                extra = next(key for key in large if key not in small)
                pending[pending.index(large)] = {key: flag or key == extra for key, flag in large.items()}
                pending.remove(small)
                merged = True
                break
    return pending


def _absorbs(large: dict[str, bool], small: dict[str, bool]) -> bool:
    """Whether the larger subset has exactly one more factor, reduced, and agrees on the others."""
    extra = [key for key in large if key not in small]
    if len(extra) != 1 or large[extra[0]] or len(large) != len(small) + 1:
        return False
    return all(large.get(key) == flag for key, flag in small.items())


def build_matrix(
    plan: MatrixPlan, columns: Mapping[str, NDArray[Any]], n_rows: int, *, coding: Coding | None = None
) -> tuple[FloatArray, tuple[str, ...], tuple[int, ...]]:
    """Compute the model matrix.

    Parameters
    ----------
    plan : MatrixPlan
    columns : mapping of str to array, shape (n_rows,)
        Values, or codes of categorical columns in the coding of the fit.
    n_rows : int
    coding : {"treatment", "sum"}, optional
        Overrides the coding of all reduced factors; tests of terms use ``"sum"``.

    Returns
    -------
    matrix : array, shape (n_rows, p)
    names : tuple of str, length p
    terms : tuple of int, length p
        The term each column belongs to.
    """
    blocks: list[FloatArray] = []
    names: list[str] = []
    owners: list[int] = []
    memory: dict[tuple[str, bool], tuple[FloatArray, list[str]]] = {}
    for piece in plan.pieces:
        block, labels = np.ones((n_rows, 1)), [""]
        for factor, full in piece.factors:
            if (factor.key, full) not in memory:
                memory[factor.key, full] = _factor_columns(factor, full, columns, plan, n_rows, coding)
            values, own = memory[factor.key, full]
            if labels == [""]:
                block, labels = values, own
                continue
            block = (values[:, :, None] * block[:, None, :]).reshape(n_rows, len(own) * len(labels))
            labels = [f"{left}:{right}" for right in own for left in labels]
        blocks.append(block)
        names += [label or "Intercept" for label in labels]
        owners += [piece.term] * len(labels)
    matrix = np.hstack(blocks) if blocks else np.empty((n_rows, 0))
    return matrix, tuple(names), tuple(owners)


def _factor_columns(
    factor: Factor,
    full: bool,
    columns: Mapping[str, NDArray[Any]],
    plan: MatrixPlan,
    n_rows: int,
    coding: Coding | None,
) -> tuple[FloatArray, list[str]]:
    expression = factor.expression
    if factor.levels:
        return _categorical_columns(factor, full, columns, n_rows, coding)
    if isinstance(expression, Call) and expression.function in ("poly", "bs", "cr"):
        values = evaluate_basis(expression, columns, plan.states)
        labels = [f"{factor.name}[{index + 1}]" for index in range(values.shape[1])]
        return (values[:, 1:], labels[1:]) if factor.spans and not full else (values, labels)
    return np.broadcast_to(evaluate(expression, columns, plan.states), (n_rows,)).reshape(-1, 1), [
        factor.name
    ]


def _categorical_columns(
    factor: Factor, full: bool, columns: Mapping[str, NDArray[Any]], n_rows: int, coding: Coding | None
) -> tuple[FloatArray, list[str]]:
    """Indicator, treatment or sum-to-zero columns; codes count in the order of the data column."""
    name = names_in(factor.expression)[0].name
    values = columns[name]
    codes = values if factor.values is None else _codes_of_numbers(values, factor)
    count = len(factor.levels)
    coding = coding or factor.coding
    if full:
        contrast, labels = np.eye(count), [f"{factor.name}[{level}]" for level in factor.levels]
    elif coding == "sum":
        contrast = np.vstack([np.eye(count - 1), -np.ones(count - 1)])
        labels = [f"{factor.name}[S.{level}]" for level in factor.levels[:-1]]
    else:
        contrast, labels = np.eye(count)[:, 1:], [f"{factor.name}[T.{level}]" for level in factor.levels[1:]]
    return contrast[factor.ranks][codes], labels


def _codes_of_numbers(values: NDArray[Any], factor: Factor) -> NDArray[np.intp]:
    """Place of each number among the levels of a ``C()`` over a numeric column."""
    known = factor.values
    assert known is not None
    codes = np.minimum(np.searchsorted(known, values), len(known) - 1)
    unknown = known[codes] != values
    if unknown.any():
        raise ModelError(
            f"{factor.name}: the value {values[unknown][0]:g} was not in the fit; "
            f"known are {list_levels(factor.levels)}."
        )
    return codes
