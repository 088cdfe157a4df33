"""Predictions for old and new rows, with or without the random effects, and their limits."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.build import Design
from mpg_research.mixed.design.coding import build_matrix
from mpg_research.mixed.design.columns import find_column, list_levels
from mpg_research.mixed.design.random_terms import RandomPlan, group_key
from mpg_research.mixed.distributions import t_quantile
from mpg_research.mixed.inference.fit_tables import find_group
from mpg_research.mixed.inference.tests import Inference
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.questions.prediction_error import Asked, prediction_error
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["PREDICTION_COLUMNS", "predict_rows"]

Interval = Literal["confidence", "prediction"] | None

#: The columns of every table of predictions.
PREDICTION_COLUMNS = ("estimate", "std_error", "df", "conf_low", "conf_high")


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
    included = tuple(_included_terms(solution.problem, random_effects))
    wider = interval == "prediction"
    if data is None:
        rows = _fitted_rows(solution, included, wider)
    else:
        rows = _new_rows(solution, design, data, included, wider)
    if unseen == "error":
        _refuse_unseen(solution.problem, design, data, rows, included)
    estimate = rows.x @ solution.beta
    for index in included:
        modes = solution.conditional_modes(index)[0]
        estimate += np.einsum("ij,ij->i", rows.known(index), modes[rows.codes[index]])
    index_labels = design.index if data is None else data.index
    frame = pd.DataFrame({"estimate": estimate}, index=index_labels)
    if interval is None or frame.empty:
        return frame.assign(**dict.fromkeys(PREDICTION_COLUMNS[1:], np.nan))
    if wider or any(np.any(rows.codes[index] >= 0) for index in included):
        variance, df = prediction_error(solution, inference, rows)
    else:
        variance = np.sum((rows.x @ inference.covariance) * rows.x, axis=1)
        df = inference.single_df(rows.x)
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


def _fitted_rows(solution: MixedSolution, included: tuple[int, ...], wider: bool) -> Asked:
    problem = solution.problem
    z, codes = (tuple(getattr(term, part) for term in problem.random) for part in ("z", "codes"))
    structure = problem.residual
    kinds = np.zeros((len(problem.y), 0)) if structure is None else structure.kinds
    return Asked(problem.x, z, codes, included, wider, kinds)


def _new_rows(
    solution: MixedSolution, design: Design, data: pd.DataFrame, included: tuple[int, ...], wider: bool
) -> Asked:
    """Read new data; random terms that do not matter are not read."""
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"The new data must be a pandas DataFrame; found {type(data).__name__}.")
    n = len(data)
    x = design.fixed_matrix(design.read(data, design.fixed.columns), n)
    wanted = range(len(solution.problem.random)) if wider else included
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
    kinds = _new_kinds(solution, data) if wider else np.zeros((n, 0))
    return Asked(x, tuple(z), tuple(codes), included, wider, kinds)


def _new_kinds(solution: MixedSolution, data: pd.DataFrame) -> FloatArray:
    """What the residual variance of new rows depends on."""
    structure = solution.problem.residual
    if structure is None:
        return np.zeros((len(data), 0))
    for name in structure.variance_columns:
        if name not in data.columns:
            raise ModelError(f"The residual variance differs by {name!r}, which the new data do not have.")
    values = {name: find_column(data, name).to_numpy() for name in structure.variance_columns}
    return np.asarray(structure.new_kinds(values, len(data)))


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
    problem: MixedProblem, design: Design, data: pd.DataFrame | None, rows: Asked, included: Sequence[int]
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
