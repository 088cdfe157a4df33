"""Estimated marginal means and slopes on a reference grid, as linear maps of the fixed effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.build import Design
from mpg_research.mixed.design.coding import build_matrix
from mpg_research.mixed.design.columns import ColumnData, list_levels, match_level
from mpg_research.mixed.inference.estimates import Estimates, make_estimates
from mpg_research.mixed.inference.tests import Inference

__all__ = ["estimate_means", "estimate_slopes", "mean_combinations"]

Weights = Literal["equal", "proportional"]

#: Step of the central difference for slopes, as a share of the variable's range: exact for lines and
#: parabolas, and with rounding and curvature errors far below a standard error for everything else.
SLOPE_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class _Axis:
    """One variable of the grid: the values it takes, in the coding of the fit, and as shown."""

    name: str
    coded: NDArray[Any]
    shown: tuple[Any, ...]


def estimate_means(
    design: Design,
    inference: Inference,
    level: float,
    variables: str | Sequence[str],
    at: Mapping[str, Any] | None,
    weights: Weights,
) -> Estimates:
    """Means of the outcome at every combination of ``variables`` and ``at``.

    The other categorical variables are averaged over, the other numeric ones held at their mean; a numeric
    variable of two values counts as categorical.
    See :meth:`MixedFit.means`.
    """
    keys, rows, focal, within = _grid_rows(design, variables, at, weights)
    return make_estimates(design.estimability, inference, level, keys, rows, focal, within)


def mean_combinations(
    design: Design, variables: str | Sequence[str], at: Mapping[str, Any] | None, weights: Weights
) -> FloatArray:
    """The combinations of the fixed effects that :func:`estimate_means` estimates, shape (means, p)."""
    return design.estimability.reduced(_grid_rows(design, variables, at, weights)[1])


def _grid_rows(
    design: Design, variables: str | Sequence[str], at: Mapping[str, Any] | None, weights: Weights
) -> tuple[list[dict[str, Any]], FloatArray, tuple[str, ...], tuple[str, ...]]:
    """Keys and rows of all columns of the means, the variables compared, and those compared within."""
    focal = _listed(design, variables)
    fixed = _asked(at)
    within = tuple(n for n in fixed if n not in focal)
    axes = [_axis(design, name, fixed.get(name)) for name in [*focal, *within]]
    return *_averaged_rows(design, axes, weights, {}), tuple(focal), within


def estimate_slopes(
    design: Design,
    inference: Inference,
    level: float,
    variable: str,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
    weights: Weights,
) -> Estimates:
    """Change of the outcome per unit of a numeric variable. See :meth:`MixedFit.slopes`."""
    column = _column(design, variable)
    if column.kind != "numeric":
        raise ModelError(
            f"A slope needs a numeric variable; {variable!r} is {column.kind}. Use means() instead."
        )
    groups = [] if by is None else _listed(design, by)
    fixed = _asked(at)
    if variable in groups:
        raise ModelError(f"{variable!r} cannot be both the slope's variable and in by.")
    if variable in fixed:
        points = _axis(design, variable, fixed.pop(variable))
    else:
        points = _Axis(variable, np.array([column.values.mean()]), ())
    axes = [
        _axis(design, name, fixed.get(name)) for name in [*groups, *(n for n in fixed if n not in groups)]
    ]
    within = tuple(n for n in fixed if n not in groups)
    if points.shown:
        axes, within = [*axes, points], (*within, variable)
    low, high = float(column.values.min()), float(column.values.max())
    step = SLOPE_STEP * (high - low)
    shift = {variable: points.coded} if not points.shown else {}
    keys, up = _averaged_rows(design, axes, weights, shift, {variable: step})
    _, down = _averaged_rows(design, axes, weights, shift, {variable: -step})
    for key in keys:
        key["variable"] = variable
    keys = [{"variable": key["variable"]} | key for key in keys]
    rows, size = (up - down) / (2 * step), np.max(np.abs(up), axis=0) / (2 * step)
    return make_estimates(design.estimability, inference, level, keys, rows, tuple(groups), within, size=size)


def _listed(design: Design, names: str | Sequence[str]) -> list[str]:
    """Variable names from one name, a list, or ``"a:b"``."""
    if isinstance(names, str):
        known = {column.name for column in design.fixed_columns}
        names = [names] if names in known or ":" not in names else names.split(":")
    if not isinstance(names, Sequence):
        raise ModelError(f"Variables are named by text or a list of texts; found {names!r}.")
    listed = list(dict.fromkeys(names))
    for name in listed:
        _column(design, name)
    if not listed:
        raise ModelError("Name at least one variable of the fixed part.")
    return listed


def _asked(at: Any) -> dict[str, Any]:
    """The values asked for, by variable."""
    if at is not None and not isinstance(at, Mapping):
        raise ModelError(f"at must map variables to values, such as {{'months': [0, 6]}}; found {at!r}.")
    return dict(at or {})


def _column(design: Design, name: str) -> ColumnData:
    for column in design.fixed_columns:
        if column.name == name:
            return column
    available = ", ".join(repr(column.name) for column in design.fixed_columns) or "none"
    raise ModelError(f"{name!r} is not a variable of the fixed part of the model; available: {available}.")


def _axis(design: Design, name: str, wanted: Any) -> _Axis:
    """The values of a variable that the grid visits: those asked for, else all levels or the mean.

    Two numbers count as levels (an indicator of 0 and 1 is a categorical variable), as in emmeans.
    """
    column = _column(design, name)
    if wanted is not None:
        values = [wanted] if isinstance(wanted, str) or not np.iterable(wanted) else list(wanted)
        if not values:
            raise ModelError(f"at gives no value for {name!r}.")
        return _chosen_axis(column, values)
    if column.kind == "categorical":
        return _Axis(name, np.arange(len(column.levels)), column.levels)
    if column.levels:
        return _Axis(name, np.array(column.levels, dtype=np.float64), column.levels)
    pair = _two_values(column.values)
    if pair is not None:
        return _Axis(name, pair, tuple(pair.tolist()))
    mean = float(column.values.mean())
    return _Axis(name, np.array([mean]), (mean,))


def _two_values(values: FloatArray) -> FloatArray | None:
    """Both values of a numeric column that has no others, ascending."""
    other = values[np.argmax(values != values[0])]
    if other == values[0] or not np.all((values == values[0]) | (values == other)):
        return None
    return np.sort([values[0], other])


def _chosen_axis(column: ColumnData, values: list[Any]) -> _Axis:
    if column.kind == "categorical":
        places = [match_level(column.levels, value) for value in values]
        if None in places:
            raise ModelError(
                f"at asks for {column.name!r} = {values[places.index(None)]!r}, which did not occur "
                f"in the fit; its levels are {list_levels(column.levels)}."
            )
        return _Axis(column.name, np.array(places), tuple(column.levels[p] for p in places if p is not None))
    try:
        coded = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError(f"at must give numbers for {column.name!r}; found {values!r}.") from None
    if not np.isfinite(coded).all():
        raise ModelError(f"at must give finite numbers for {column.name!r}; found {values!r}.")
    return _Axis(column.name, coded, tuple(values))


def _averaged_rows(
    design: Design,
    axes: list[_Axis],
    weights: Weights,
    held: Mapping[str, NDArray[Any]],
    shift: Mapping[str, float] | None = None,
) -> tuple[list[dict[str, Any]], FloatArray]:
    """One row of all columns per combination of the axes, averaged over the other variables."""
    named = {axis.name for axis in axes} | set(held)
    others = [column for column in design.fixed_columns if column.name not in named]
    nuisance = [_axis(design, column.name, None) for column in others]
    inner, share = _nuisance_grid(design, nuisance, weights)
    outer = list(product(*(range(len(axis.coded)) for axis in axes)))
    n_inner = len(share)
    grid: dict[str, NDArray[Any]] = {}
    for position, axis in enumerate(axes):
        grid[axis.name] = np.repeat(axis.coded[[point[position] for point in outer]], n_inner)
    for name, values in inner.items():
        grid[name] = np.tile(values, len(outer))
    for name, values in held.items():
        grid[name] = np.full(len(outer) * n_inner, values[0])
    for name, step in (shift or {}).items():
        grid[name] = grid[name] + step
    matrix = build_matrix(design.fixed, grid, len(outer) * n_inner)[0]
    averaged = np.einsum("oip,i->op", matrix.reshape(len(outer), n_inner, -1), share)
    keys = [
        {axis.name: axis.shown[place] for axis, place in zip(axes, point, strict=True)} for point in outer
    ]
    return keys, averaged


def _nuisance_grid(
    design: Design, axes: list[_Axis], weights: Weights
) -> tuple[dict[str, NDArray[Any]], FloatArray]:
    """Combinations of the variables averaged over, and the weight of each; weights sum to one."""
    if weights not in ("equal", "proportional"):
        raise ModelError(f"weights must be 'equal' or 'proportional'; found {weights!r}.")
    if not axes:
        return {}, np.ones(1)
    points = np.array(list(product(*(range(len(axis.coded)) for axis in axes))), dtype=np.intp)
    grid = {axis.name: axis.coded[points[:, place]] for place, axis in enumerate(axes)}
    if weights == "equal":
        return grid, np.full(len(points), 1 / len(points))
    sizes = [len(axis.coded) for axis in axes]
    cell = np.zeros(len(design.index), dtype=np.intp)
    for axis, size in zip(axes, sizes, strict=True):
        values = design.columns[axis.name].values
        codes = np.zeros(len(cell), dtype=np.intp) if size == 1 else np.searchsorted(axis.coded, values)
        cell = cell * size + codes
    counts = np.bincount(cell, minlength=len(points)).astype(np.float64)
    return grid, counts / counts.sum()
