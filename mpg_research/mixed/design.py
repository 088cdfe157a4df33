"""From a formula and a frame to a MixedProblem, with what is needed to do the same on new data."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import FormulaError, ModelError, Note
from mpg_research.mixed.coding import MatrixPlan, build_matrix, plan_matrix
from mpg_research.mixed.columns import (
    ColumnData,
    code_groups,
    find_column,
    missing_rows,
    read_column,
    read_like,
)
from mpg_research.mixed.formula import ParsedFormula, RandomSpecification, Term, parse_formula
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.residual import AR1, CAR1, VarianceBy
from mpg_research.mixed.tokens import Call, Name, fail, names_in, render
from mpg_research.mixed.transforms import States, evaluate

__all__ = ["Design", "RandomPlan", "design_problem"]

FloatArray = NDArray[np.float64]

#: A column is aliased when its part not explained by the columns before it is this small,
#: relative to its length (R's lm and lme4 use 1e-7 on the same scale).
ALIAS_TOLERANCE = 1e-7


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
    kept : array of int, shape (p,)
        Which columns of the plan's matrix are in the model.
    aliased : tuple of str
        Columns that were dropped because others determine them.
    random : tuple of RandomPlan
        As ``problem.random``.
    rows : array of bool, shape (number of rows given,)
        Rows that were used.
    index : pandas Index, length n
        Labels of the used rows.
    notes : tuple of Note
    residual : AR1, CAR1, VarianceBy or None
        As given.
    strata : tuple of str
        Levels with a residual variance of their own, the one that sigma belongs to first.
    """

    formula: ParsedFormula
    columns: dict[str, ColumnData]
    response: str
    fixed: MatrixPlan
    term_of_column: tuple[int, ...]
    kept: NDArray[np.intp]
    aliased: tuple[str, ...]
    random: tuple[RandomPlan, ...]
    rows: NDArray[np.bool_]
    index: pd.Index
    notes: tuple[Note, ...]
    residual: Any = None
    strata: tuple[str, ...] = ()

    @property
    def residual_columns(self) -> tuple[str, ...]:
        """Columns of the residual structure."""
        return () if self.residual is None else tuple(self.residual.columns)

    @property
    def fixed_columns(self) -> tuple[ColumnData, ...]:
        """The data columns of the fixed part, in order of appearance."""
        return tuple(self.columns[name] for name in self.fixed.columns)

    def fixed_matrix(self, values: Mapping[str, NDArray[Any]], n_rows: int) -> FloatArray:
        """Model matrix of the fixed part, kept columns only, shape (n_rows, p)."""
        return build_matrix(self.fixed, values, n_rows)[0][:, self.kept]

    def read(self, data: pd.DataFrame, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        """Columns of new data in the coding of the fit."""
        return {name: read_like(data, self.columns[name]) for name in names}


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
    residual : AR1, CAR1 or VarianceBy, optional
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
    _check_names(parsed, data)
    extra_columns = _residual_columns(residual)
    _check_arguments(data, weights, extra_columns, reference, missing)
    needed = dict.fromkeys(
        [*(name.name for name in parsed.columns), *([weights] if weights else []), *extra_columns]
    )
    rows = ~missing_rows(data, needed)
    n_used = int(rows.sum())
    notes = _missing_notes(data, rows, needed, missing)
    keep = None if n_used == len(data) else rows
    columns = _read_columns(parsed, data, keep, dict(reference or {}))
    states: States = {}
    y = _response(parsed, columns, states)
    fixed = plan_matrix(parsed.fixed, columns, states)
    values = {name: column.values for name, column in columns.items()}
    matrix, names, owners = build_matrix(fixed, values, n_used)
    kept = _independent_columns(matrix)
    aliased = tuple(name for index, name in enumerate(names) if index not in set(kept.tolist()))
    notes += _aliased_notes(aliased)
    random, plans = _random_terms(parsed, columns, values, states, n_used)
    x = matrix if len(kept) == len(names) else matrix[:, kept]
    _check_size(y, x, random)
    bound = {name: find_column(data, name)[rows].to_numpy() for name in extra_columns}
    problem = MixedProblem(
        y=y,
        x=np.ascontiguousarray(x),
        x_names=tuple(names[index] for index in kept),
        random=random,
        weights=None if weights is None else _weights(data, weights, keep),
        residual=None if residual is None else residual.bind(bound),
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
        kept,
        aliased,
        plans,
        rows,
        index,
        notes,
        residual,
        tuple(np.unique(bound[residual.column].astype(str))) if isinstance(residual, VarianceBy) else (),
    )


def _check_names(parsed: ParsedFormula, data: pd.DataFrame) -> None:
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"The data must be a pandas DataFrame; found {type(data).__name__}.")
    known = [column for column in data.columns if isinstance(column, str)]
    present = set(known)
    for name in parsed.columns:
        if name.name not in present:
            close = get_close_matches(name.name, known, n=1)
            listed = ", ".join(known[:15]) + (" ..." if len(known) > 15 else "")
            hint = f"did you mean {close[0]!r}?" if close else f"the columns are {listed}."
            fail(name.token, f"the data have no column {name.name!r}; {hint}")
    if not parsed.random:
        raise FormulaError(
            "The formula has no random term; expected at least one, such as (1 | family). "
            f"Found: {parsed.text}"
        )


def _check_arguments(
    data: pd.DataFrame,
    weights: str | None,
    extra_columns: tuple[str, ...],
    reference: Mapping[str, Any] | None,
    missing: str,
) -> None:
    if missing not in ("drop", "error"):
        raise ModelError(f"missing must be 'drop' or 'error'; found {missing!r}.")
    for what, names in (
        ("weights", (weights,) if weights is not None else ()),
        ("residual", extra_columns),
        ("reference", tuple(reference or ())),
    ):
        for name in names:
            if name not in data.columns:
                raise ModelError(f"{what} names the column {name!r}, which the data do not have.")


def _residual_columns(residual: Any) -> tuple[str, ...]:
    if residual is None:
        return ()
    if not isinstance(residual, AR1 | CAR1 | VarianceBy):
        raise ModelError(
            "residual must be AR1(wave, within=family), CAR1(time, within=family) or VarianceBy(column); "
            f"found {residual!r}."
        )
    return residual.columns


def _missing_notes(
    data: pd.DataFrame, rows: NDArray[np.bool_], needed: Mapping[str, None], missing: str
) -> tuple[Note, ...]:
    dropped = len(rows) - int(rows.sum())
    if not dropped:
        return ()
    counts = {name: int(missing_rows(data, [name]).sum()) for name in needed}
    detail = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
    if missing == "error":
        raise ModelError(f"{dropped} of {len(rows)} rows miss a value that the model needs ({detail}).")
    if dropped == len(rows):
        raise ModelError(f"No row is complete in the columns of the model ({detail}); nothing can be fitted.")
    text = f"{dropped} of {len(rows)} rows were left out because a value is missing ({detail})."
    return (Note("rows_dropped", text, {"n_dropped": dropped, "n_rows": len(rows), "columns": detail}),)


def _read_columns(
    parsed: ParsedFormula, data: pd.DataFrame, keep: NDArray[np.bool_] | None, reference: dict[str, Any]
) -> dict[str, ColumnData]:
    """Each column once; grouping columns get a categorical reading of their own under ``group:``."""
    terms = [*parsed.fixed, *(term for random in parsed.random for term in random.terms)]
    factors = [factor for term in terms for factor in term.factors]
    called = {
        names_in(factor)[0].name for factor in factors if isinstance(factor, Call) and factor.function == "C"
    }
    grouping = dict.fromkeys(name for random in parsed.random for name in random.group)
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
            columns[group_key(name)] = _read_group(data, name, keep)
    _check_numbers(parsed, factors, columns)
    return columns


def group_key(name: str) -> str:
    """Where the categorical reading of a grouping column is kept (no column name starts so)."""
    return f"\0group:{name}"


def _read_group(data: pd.DataFrame, name: str, keep: NDArray[np.bool_] | None) -> ColumnData:
    column = data[name] if keep is None else data.loc[keep, name]
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
    if high - low > 4 * len(values) + 1000:
        return None
    shifted = (values - low).astype(np.intp)
    present = np.zeros(high - low + 1, dtype=bool)
    present[shifted] = True
    rank = np.cumsum(present) - 1
    return rank[shifted], tuple((np.flatnonzero(present) + low).tolist())


def _check_numbers(parsed: ParsedFormula, factors: list[Any], columns: Mapping[str, ColumnData]) -> None:
    """Text columns cannot stand in arithmetic, nor be the outcome."""
    for factor in [parsed.response, *factors]:
        plain = isinstance(factor, Name) and factor is not parsed.response
        if plain or (isinstance(factor, Call) and factor.function == "C"):
            continue
        for name in names_in(factor):
            if columns[name.name].kind == "categorical":
                what = "the outcome" if factor is parsed.response else render(factor)
                fail(
                    name.token,
                    f"{what} needs numbers, but this column holds text or categories.",
                )


def _response(parsed: ParsedFormula, columns: Mapping[str, ColumnData], states: States) -> FloatArray:
    values = {name.name: columns[name.name].values for name in names_in(parsed.response)}
    if not values:
        fail(parsed.response.token, "the outcome must be a column of the data.")
    return np.ascontiguousarray(evaluate(parsed.response, values, states))


def _independent_columns(x: FloatArray) -> NDArray[np.intp]:
    """Indices of the columns that are not determined by the columns before them."""
    n, p = x.shape
    if p == 0:
        return np.arange(0)
    products = x.T @ x
    length = np.sqrt(np.diagonal(products))
    if n >= p and np.all(length > 0):
        eigenvalues = np.linalg.eigvalsh(products / np.outer(length, length))
        if eigenvalues[0] > 1e-8:
            return np.arange(p)
    scaled = x / np.where(length > 0, length, 1.0)
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
    return np.array(kept, dtype=np.intp)


def _aliased_notes(aliased: tuple[str, ...]) -> tuple[Note, ...]:
    if not aliased:
        return ()
    text = (
        f"Left out of the model because other columns determine them: {', '.join(aliased)}. "
        "Their effects cannot be told apart from those of the columns that stayed."
    )
    return (Note("aliased_columns", text, {"columns": ", ".join(aliased)}, "caution"),)


def _random_terms(
    parsed: ParsedFormula,
    columns: Mapping[str, ColumnData],
    values: Mapping[str, NDArray[Any]],
    states: States,
    n_rows: int,
) -> tuple[tuple[RandomTerm, ...], tuple[RandomPlan, ...]]:
    pairs: list[tuple[RandomTerm, RandomPlan]] = []
    for specification in parsed.random:
        codes, labels = code_groups([columns[group_key(name)] for name in specification.group])
        if len(specification.group) > 1:
            labels = tuple(":".join(str(part) for part in label) for label in labels)
        for terms, correlated in _blocks(specification, columns):
            plan = plan_matrix(terms, columns, states)
            z, names, _ = build_matrix(plan, values, n_rows)
            term = RandomTerm(specification.group_name, names, z, codes, labels, correlated)
            pairs.append((term, RandomPlan(plan, tuple(range(len(names))), specification.group)))
    return _in_lme4_order(pairs)


def _blocks(
    specification: RandomSpecification, columns: Mapping[str, ColumnData]
) -> list[tuple[tuple[Term, ...], bool]]:
    """``||`` separates the terms; a term of several columns keeps its own correlations, as in lme4."""
    if specification.correlated or len(specification.terms) == 1:
        return [(specification.terms, True)]
    if all(_one_column(term, columns) for term in specification.terms):
        return [(specification.terms, False)]
    return [((term,), True) for term in specification.terms]


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
        False,
    )
    return turned, RandomPlan(plan.plan, plan.keep[::-1], plan.group_columns)


def _weights(data: pd.DataFrame, name: str, keep: NDArray[np.bool_] | None) -> FloatArray:
    column = read_column(data, name, keep)
    if column.kind == "categorical" or not (column.values > 0).all():
        raise ModelError(f"The weights in column {name!r} must be numbers above zero.")
    return column.values


def _check_size(y: FloatArray, x: FloatArray, random: tuple[RandomTerm, ...]) -> None:
    if len(y) <= x.shape[1]:
        raise ModelError(
            f"There are {len(y)} usable rows for {x.shape[1]} fixed coefficients; more rows are needed."
        )
    if np.all(y == y[0]):
        raise ModelError(
            f"The outcome has the same value ({y[0]:g}) in all {len(y)} rows; there is nothing to model."
        )
    for term in random:
        if len(term.levels) < 2:
            raise ModelError(
                f"The grouping factor {term.group!r} has {len(term.levels)} group; "
                "at least 2 are needed for a random term."
            )
        if len(term.levels) >= len(y) and term.term_names == ("Intercept",):
            raise ModelError(
                f"The grouping factor {term.group!r} has a group for every row ({len(y)}): its random "
                "intercept cannot be told apart from the residual. Leave the term out or group differently."
            )
