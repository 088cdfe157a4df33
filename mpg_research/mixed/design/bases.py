"""Polynomial and spline bases with a memory: fitted on the data, then the same basis on new data."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError

__all__ = ["b_spline_basis", "natural_spline_basis", "orthogonal_polynomial"]


def orthogonal_polynomial(
    x: FloatArray, state: dict[str, Any], *, degree: int, raw: bool, name: str
) -> FloatArray:
    """Polynomial columns of degree 1 to ``degree``, as R's ``poly``.

    Parameters
    ----------
    x : array, shape (n,)
    state : dict
        Empty: filled from ``x`` (the recurrence coefficients). Filled: used as it is.
    degree : int
        At least 1 and below the number of distinct values.
    raw : bool
        True: plain powers. False: orthonormal on the data of the fit.
    name : str
        The term, for messages.

    Returns
    -------
    array, shape (n, degree)

    Notes
    -----
    Monic orthogonal polynomials obey p_k = (x - a_k) p_(k-1) - (s_(k-1) / s_(k-2)) p_(k-2), with
    s_k the squared length of p_k on the data of the fit.

    References
    ----------
    Kennedy, W. J. & Gentle, J. E. (1980). Statistical Computing, section 8.2.
    """
    if raw:
        return np.column_stack([x**power for power in range(1, degree + 1)])
    fitting = not state
    if fitting:
        distinct = len(np.unique(x[: 100 * (degree + 1)])) if len(x) > 100 * (degree + 1) else 0
        if distinct <= degree and len(np.unique(x)) <= degree:
            raise ModelError(
                f"{name} asks for degree {degree}, but the column has only {len(np.unique(x))} distinct "
                "values; use a lower degree."
            )
        state["centre"], state["squares"] = [], [float(len(x))]
    columns = [np.ones_like(x)]
    for k in range(1, degree + 1):
        before = columns[-1]
        if fitting:
            state["centre"].append(float(x @ before**2 / (before @ before)))
        column = (x - state["centre"][k - 1]) * before
        if k >= 2:
            column -= state["squares"][k - 1] / state["squares"][k - 2] * columns[-2]
        if fitting:
            state["squares"].append(float(column @ column))
        columns.append(column)
    return np.column_stack([columns[k] / np.sqrt(state["squares"][k]) for k in range(1, degree + 1)])


def b_spline_basis(
    x: FloatArray, state: dict[str, Any], *, df: int | None, degree: int, name: str
) -> FloatArray:
    """B-spline columns without the first one, as R's ``bs``; inner knots at quantiles.

    Parameters
    ----------
    x : array, shape (n,)
    state : dict
        Knots and range of the fit; filled when empty.
    df : int or None
        Number of columns; ``df - degree`` inner knots. None: no inner knots.
    degree : int
        Degree of the pieces, usually 3.
    name : str
        The term, for messages.

    Returns
    -------
    array, shape (n, df)

    Raises
    ------
    ModelError
        If new values lie outside the range of the data of the fit: a B-spline says nothing there.
    """
    if not state:
        inner = 0 if df is None else df - degree
        if inner < 0:
            raise ModelError(f"{name}: df must be at least the degree ({degree}); found df={df}.")
        knots = np.quantile(x, np.linspace(0, 1, inner + 2))[1:-1]
        state["low"], state["high"] = float(x.min()), float(x.max())
        if state["low"] == state["high"]:
            raise ModelError(f"{name}: the column has one value only; a spline needs several.")
        edges = (np.full(degree + 1, state["low"]), np.full(degree + 1, state["high"]))
        state["knots"] = np.concatenate([edges[0], knots, edges[1]])
    outside = (x < state["low"]) | (x > state["high"])
    if outside.any():
        raise ModelError(
            f"{name}: {int(outside.sum())} value(s) lie outside the range of the fitted data "
            f"({state['low']:g} to {state['high']:g}), for example {x[outside][0]:g}; "
            "a B-spline cannot be continued there. Use cr(), which continues in a straight line."
        )
    from scipy.interpolate import BSpline  # slow to import, and needed here only

    count = len(state["knots"]) - degree - 1
    basis = np.empty((len(x), count))
    for column in range(count):
        weights = np.zeros(count)
        weights[column] = 1.0
        basis[:, column] = BSpline(state["knots"], weights, degree)(x)
    return basis[:, 1:]


def natural_spline_basis(
    x: FloatArray,
    state: dict[str, Any],
    *,
    df: int | None = None,
    knots: Sequence[float] | None = None,
    name: str,
) -> FloatArray:
    """Natural cubic regression spline in cardinal form: coefficient j is the curve's value at knot j.

    Parameters
    ----------
    x : array, shape (n,)
    state : dict
        Knots and the map to second derivatives; filled when empty.
    df : int, optional
        Number of knots and of columns, at least 3; knots at quantiles of the distinct values.
    knots : sequence of float, optional
        In the place of ``df``: the knots themselves, increasing, the outer ones included. Beyond the outer
        ones the curve is straight.
    name : str
        The term, for messages.

    Returns
    -------
    array, shape (n, number of knots)
        The columns add up to one, so with an intercept in the model the first is left out. With it they
        span the same curves as ``ns(x, knots = inner, Boundary.knots = outer)`` in R.

    Raises
    ------
    ModelError
        If the knots are no increasing numbers, or more than the distinct values.

    References
    ----------
    Wood, S. N. (2017). Generalized Additive Models, 2nd ed., section 5.3.1.
    doi:10.1201/9781315370279
    """
    if not state:
        distinct = np.unique(x)
        placed = _check_knots(np.asarray(knots, dtype=float), name) if knots is not None else None
        count = df if placed is None else len(placed)
        if count is None or count < 3 or count > len(distinct):
            raise ModelError(
                f"{name}: the number of knots must lie between 3 and the number of distinct values "
                f"({len(distinct)}); found {count}."
            )
        state["knots"] = np.quantile(distinct, np.linspace(0, 1, count)) if placed is None else placed
        state["curvature"] = _curvature_map(state["knots"])
    at, curvature = state["knots"], state["curvature"]
    step = np.diff(at)
    inside = np.clip(x, at[0], at[-1])
    piece = np.clip(np.searchsorted(at, inside, side="right") - 1, 0, len(step) - 1)
    h = step[piece]
    left, right = at[piece + 1] - inside, inside - at[piece]
    rows = np.arange(len(x))
    basis = np.zeros((len(x), len(at)))
    basis[rows, piece] += left / h
    basis[rows, piece + 1] += right / h
    basis += ((left**3 / h - h * left) / 6)[:, None] * curvature[piece]
    basis += ((right**3 / h - h * right) / 6)[:, None] * curvature[piece + 1]
    for edge, outward in ((0, x < at[0]), (-1, x > at[-1])):
        if outward.any():
            slope = _edge_slope(at, curvature, edge)
            basis[outward] += (x[outward] - at[edge])[:, None] * slope
    return basis


def _check_knots(knots: FloatArray, name: str) -> FloatArray:
    """Increasing, and no two so close that the curve between them is rounding."""
    apart = np.diff(knots)
    if not np.isfinite(knots).all() or np.any(apart <= 1e-8 * np.ptp(knots) if len(knots) > 1 else False):
        raise ModelError(
            f"{name}: the knots must be increasing numbers, no two alike; found "
            f"{', '.join(f'{knot:g}' for knot in knots)}."
        )
    return knots


def _curvature_map(knots: FloatArray) -> FloatArray:
    """Second derivatives at the knots as a linear map of the values there; zero at both ends."""
    step, count = np.diff(knots), len(knots)
    values = np.zeros((count - 2, count))
    band = np.zeros((count - 2, count - 2))
    for i in range(count - 2):
        values[i, i : i + 3] = 1 / step[i], -1 / step[i] - 1 / step[i + 1], 1 / step[i + 1]
        band[i, i] = (step[i] + step[i + 1]) / 3
        if i + 1 < count - 2:
            band[i, i + 1] = band[i + 1, i] = step[i + 1] / 6
    full = np.zeros((count, count))
    full[1:-1] = np.linalg.solve(band, values)
    return full


def _edge_slope(knots: FloatArray, curvature: FloatArray, edge: int) -> FloatArray:
    """Slope of the curve at the first or last knot, as a linear map of the values at the knots."""
    step = np.diff(knots)
    slope = np.zeros(len(knots))
    if edge == 0:
        slope[:2] = -1 / step[0], 1 / step[0]
        return np.asarray(slope - step[0] / 6 * curvature[1])
    slope[-2:] = -1 / step[-1], 1 / step[-1]
    return np.asarray(slope + step[-1] / 6 * curvature[-2])
