"""Predictions for old and new rows, with or without the random effects, and their limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from mpg_research.errors import ModelError
from mpg_research.mixed.coding import build_matrix
from mpg_research.mixed.columns import find_column, list_levels
from mpg_research.mixed.design import Design
from mpg_research.mixed.distributions import t_quantile
from mpg_research.mixed.equations import form_equations, residual_ratios, spherical_design
from mpg_research.mixed.inference import Inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.random_terms import RandomPlan, group_key
from mpg_research.mixed.solution import MixedSolution
from mpg_research.mixed.tables import find_group

__all__ = ["PREDICTION_COLUMNS", "predict_rows"]

FloatArray = NDArray[np.float64]
Interval = Literal["confidence", "prediction"] | None

#: Rows whose prediction variances are worked out together.
AT_ONCE = 100
#: The columns of every table of predictions.
PREDICTION_COLUMNS = ("estimate", "std_error", "df", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True)
class _NewRows:
    """New data in the coding of the fit: X, per random term Z and the group (-1: unseen), and the
    residual standard deviation relative to sigma.
    """

    x: FloatArray
    z: tuple[FloatArray, ...]
    codes: tuple[NDArray[np.intp], ...]
    ratio: FloatArray


def predict_rows(
    solution: MixedSolution,
    design: Design,
    inference: Inference,
    data: pd.DataFrame | None,
    *,
    random_effects: str | Sequence[str],
    unseen: str,
    interval: Interval,
    level: float,
) -> pd.DataFrame:
    """Predicted outcomes, one row per row of the data. See :meth:`MixedFit.predict`."""
    if interval not in (None, "confidence", "prediction"):
        raise ModelError(f"interval must be None, 'confidence' or 'prediction'; found {interval!r}.")
    if unseen not in ("error", "population"):
        raise ModelError(f"unseen must be 'error' or 'population'; found {unseen!r}.")
    included = _included_terms(solution.problem, random_effects)
    wider = interval == "prediction"
    if data is None:
        rows = _fitted_rows(solution)
    else:
        everything = range(len(solution.problem.random)) if wider else included
        rows = _new_rows(solution, design, data, everything)
        rows = replace(rows, ratio=_new_ratios(solution, data)) if wider else rows
    if unseen == "error":
        _refuse_unseen(solution.problem, design, data, rows, included)
    estimate = rows.x @ solution.beta
    for index in included:
        modes = solution.conditional_modes(index)[0]
        known = rows.codes[index] >= 0
        estimate += np.where(known, np.einsum("ij,ij->i", rows.z[index], modes[rows.codes[index]]), 0.0)
    index_labels = design.index if data is None else data.index
    frame = pd.DataFrame({"estimate": estimate}, index=index_labels)
    if interval is None or frame.empty:
        return frame.assign(**dict.fromkeys(PREDICTION_COLUMNS[1:], np.nan))
    variance, df = _uncertainty(solution, inference, rows, included, interval)
    std_error = np.sqrt(variance)
    half = t_quantile(0.5 + level / 2, df) * std_error
    return frame.assign(std_error=std_error, df=df, conf_low=estimate - half, conf_high=estimate + half)


def _included_terms(problem: MixedProblem, random_effects: str | Sequence[str]) -> list[int]:
    if random_effects == "none":
        return []
    if random_effects == "all":
        return list(range(len(problem.random)))
    groups = [random_effects] if isinstance(random_effects, str) else random_effects
    if not isinstance(groups, Sequence):
        raise ModelError(
            f"random_effects must be 'none', 'all' or a list of grouping factors; found {random_effects!r}."
        )
    return sorted({index for group in groups for index in find_group(problem, group)})


def _fitted_rows(solution: MixedSolution) -> _NewRows:
    problem = solution.problem
    z, codes = (tuple(getattr(term, part) for term in problem.random) for part in ("z", "codes"))
    return _NewRows(problem.x, z, codes, residual_ratios(solution))


def _new_rows(solution: MixedSolution, design: Design, data: pd.DataFrame, wanted: Sequence[int]) -> _NewRows:
    """Read new data; random terms that are not wanted are not read."""
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"The new data must be a pandas DataFrame; found {type(data).__name__}.")
    n = len(data)
    x = design.fixed_matrix(design.read(data, design.fixed.columns), n)
    z: list[FloatArray] = []
    codes: list[NDArray[np.intp]] = []
    for index, (term, plan) in enumerate(zip(solution.problem.random, design.random, strict=True)):
        if index not in wanted:
            z.append(np.zeros((n, len(term.term_names))))
            codes.append(np.full(n, -1, dtype=np.intp))
            continue
        values = design.read(data, plan.plan.columns)
        z.append(build_matrix(plan.plan, values, n)[0][:, list(plan.keep)])
        codes.append(_group_codes(design, term, plan, data))
    return _NewRows(x, tuple(z), tuple(codes), np.ones(n))


def _new_ratios(solution: MixedSolution, data: pd.DataFrame) -> FloatArray:
    """Relative residual standard deviations of new rows, by their stratum."""
    structure = solution.problem.residual
    if structure is None or structure.strata is None:
        return np.ones(len(data))
    name = structure.strata.column
    if name not in data.columns:
        raise ModelError(f"The residual variance differs by {name!r}, which the new data do not have.")
    found_ratios = structure.split(solution.residual_parameters)[1].tolist()
    ratios = dict(zip(structure.strata.levels, [1.0, *found_ratios], strict=True))
    found = [str(value) for value in find_column(data, name)]
    unknown = [value for value in found if value not in ratios]
    if unknown:
        raise ModelError(
            f"The residual variance of {name!r} = {unknown[0]!r} is unknown; known are {list_levels(ratios)}."
        )
    return np.array([ratios[value] for value in found])


def _group_codes(design: Design, term: RandomTerm, plan: RandomPlan, data: pd.DataFrame) -> NDArray[np.intp]:
    """The group of each new row, -1 where the fit has not seen it (or the data do not say)."""
    parts: list[list[Any]] = []
    for name in plan.group_columns:
        if name not in data.columns:
            return np.full(len(data), -1, dtype=np.intp)
        parts.append(find_column(data, name).astype(object).tolist())
    if len(parts) == 1:
        known = {level: code for code, level in enumerate(term.levels)}
        return np.array([known.get(value, -1) for value in parts[0]], dtype=np.intp)
    fitted = [design.columns[group_key(name)] for name in plan.group_columns]
    seen: dict[tuple[Any, ...], int] = {}
    firsts = np.unique(term.codes, return_index=True)[1]
    for row in firsts:
        seen[tuple(column.levels[column.values[row]] for column in fitted)] = int(term.codes[row])
    return np.array([seen.get(key, -1) for key in zip(*parts, strict=True)], dtype=np.intp)


def _refuse_unseen(
    problem: MixedProblem, design: Design, data: pd.DataFrame | None, rows: _NewRows, included: Sequence[int]
) -> None:
    for index in included:
        unknown = np.flatnonzero(rows.codes[index] < 0)
        if data is None or not len(unknown):
            continue
        columns = design.random[index].group_columns
        absent = [name for name in columns if name not in data.columns]
        if absent:
            found = f"the new data have no column {absent[0]!r}"
        else:
            values = dict.fromkeys(
                tuple(row) for row in data.iloc[unknown][list(columns)].astype(object).to_numpy()
            )
            found = (
                f"not in the fit: {list_levels([':'.join(str(part) for part in value) for value in values])}"
            )
        raise ModelError(
            f"The random effects of {problem.random[index].group!r} were asked for {len(unknown)} row(s) "
            f"of groups that the model does not know ({found}). "
            "Use unseen='population' to predict those as an average group, or random_effects='none'."
        )


def _uncertainty(
    solution: MixedSolution,
    inference: Inference,
    rows: _NewRows,
    included: Sequence[int],
    interval: Interval,
) -> tuple[FloatArray, FloatArray]:
    """Variance of the prediction error and its degrees of freedom, shape (rows,) each.

    The parts (fixed effects; each random term; residual) get the degrees of freedom of their own
    level, combined by Satterthwaite's formula for a sum of independent variances.
    """
    problem = solution.problem
    n, p = problem.x.shape
    fixed_df = inference.single_df(rows.x)
    parts: list[tuple[FloatArray, FloatArray | float]] = []
    known = [(i, rows.codes[i] >= 0) for i in included]
    if any(mask.any() for _, mask in known):
        joint = _joint_variance(solution, inference, rows, included)
        fewest = float(min(len(problem.random[i].levels) for i in included) - 1)
        parts.append((joint, np.minimum(fixed_df, fewest)))
    else:
        parts.append((np.einsum("ij,jk,ik->i", rows.x, inference.covariance, rows.x), fixed_df))
    for i, term in enumerate(problem.random):
        if i not in included and interval != "prediction":
            continue
        own = np.einsum("ij,jk,ik->i", rows.z[i], solution.random_covariance(i), rows.z[i])
        outside = np.ones(len(rows.x), dtype=bool) if i not in included else rows.codes[i] < 0
        parts.append((np.where(outside, own, 0.0), float(len(term.levels) - 1)))
    if interval == "prediction":
        parts.append((solution.sigma2 * rows.ratio**2, float(max(n - p, 1))))
    total = np.sum([variance for variance, _ in parts], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sum([variance**2 / df for variance, df in parts], axis=0)
        combined = np.where(spread > 0, total**2 / spread, np.inf)
    return total, np.where(np.isfinite(fixed_df), combined, np.inf)


def _joint_variance(
    solution: MixedSolution, inference: Inference, rows: _NewRows, included: Sequence[int]
) -> FloatArray:
    """Prediction error variance of x'beta + z'b, from the mixed-model equations in spherical form.

    With v = Lambda'z and A = Lambda'Z'WZ Lambda + I: sigma^2 v'A^-1 v + d'Var(beta)d, where
    d = x - X'WZ Lambda A^-1 v. Valid where Lambda is singular.

    References
    ----------
    Henderson, C. R. (1975). Biometrics, 31, 423-447. doi:10.2307/2529430
    """
    equations = form_equations(solution)
    asked = spherical_design(solution, rows.z, rows.codes, included)
    distinct, inverse = _distinct_rows(asked, rows.x)
    rest = rows.x[distinct] - asked[distinct] @ equations.factor.solve(equations.towards_x)
    variance = np.einsum("ij,jk,ik->i", rest, inference.covariance, rest)
    v = asked[distinct].T.tocsc()
    v.eliminate_zeros()
    for members in _by_block(v, equations.factor.labels):
        variance[members] += solution.sigma2 * np.diagonal(equations.factor.between(v[:, members]))
    return np.asarray(variance[inverse])


def _by_block(columns: Any, labels: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Columns in sets of at most :data:`AT_ONCE` that mostly ask for the same block."""
    filled = np.flatnonzero(np.diff(columns.indptr))
    block = labels[columns.indices[columns.indptr[filled]]]
    order = filled[np.argsort(block, kind="stable")]
    changes = np.flatnonzero(np.diff(np.sort(block))) + 1
    return [
        part[start : start + AT_ONCE]
        for part in np.split(order, changes)
        for start in range(0, len(part), AT_ONCE)
    ]


def _distinct_rows(asked: Any, x: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    both = sparse.hstack([asked, sparse.csr_matrix(x)]).tocsr()
    keys: dict[bytes, int] = {}
    first: list[int] = []
    inverse = np.empty(both.shape[0], dtype=np.intp)
    for row in range(both.shape[0]):
        part = slice(both.indptr[row], both.indptr[row + 1])
        key = both.indices[part].tobytes() + both.data[part].tobytes()
        if key not in keys:
            keys[key] = len(first)
            first.append(row)
        inverse[row] = keys[key]
    return np.array(first, dtype=np.intp), inverse
