"""Computing the expressions of a formula: arithmetic and a closed set of functions, nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.design.bases import b_spline_basis, natural_spline_basis, orthogonal_polynomial
from mpg_research.mixed.formula.parse import constant_value
from mpg_research.mixed.formula.tokens import (
    Binary,
    Call,
    Expression,
    Name,
    Number,
    Numbers,
    Unary,
    fail,
    render,
)

__all__ = ["evaluate", "evaluate_basis"]

States = dict[str, dict[str, Any]]
"""What stateful functions learned from the data of the fit, by the text of the call."""

_PLAIN: dict[str, Callable[[FloatArray], FloatArray]] = {
    "I": lambda x: x,
    "abs": np.abs,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sin": np.sin,
    "sqrt": np.sqrt,
}


def evaluate(node: Expression, columns: Mapping[str, FloatArray], states: States) -> FloatArray:
    """The value of an expression for every row.

    Parameters
    ----------
    node : Expression
        From the parser, so already within the closed set.
    columns : mapping of str to array, shape (n,)
        The numeric columns the expression uses.
    states : dict
        Memory of ``scale`` and ``center``; filled on the first evaluation, used on later ones.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ModelError
        If a result is not a finite number (the logarithm of zero, a division by zero).
    """
    with np.errstate(all="ignore"):
        value = np.asarray(_evaluate(node, columns, states), dtype=np.float64)
    finite = np.isfinite(value)
    if not finite.all():
        bad = int((~finite).sum())
        raise ModelError(
            f"{render(node)} is not a finite number in {bad} of {finite.size} rows "
            "(such as the logarithm of zero); transform or leave out those rows first."
        )
    return value


def _evaluate(node: Expression, columns: Mapping[str, FloatArray], states: States) -> Any:
    if isinstance(node, Name):
        return columns[node.name]
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Unary):
        value = _evaluate(node.operand, columns, states)
        return -value if node.operator == "-" else value
    if isinstance(node, Binary):
        return _combine(
            node.operator, _evaluate(node.left, columns, states), _evaluate(node.right, columns, states)
        )
    if isinstance(node, Call):
        value = np.asarray(_evaluate(node.arguments[0], columns, states), dtype=np.float64)
        if node.function in _PLAIN:
            return _PLAIN[node.function](value)
        if node.function in ("scale", "center"):
            return _standardise(node, value, states)
    fail(node.token, f"{render(node)} cannot be computed in a formula.")


def _combine(operator: str, left: Any, right: Any) -> Any:
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    return left / right if operator == "/" else left**right


def _standardise(node: Call, value: FloatArray, states: States) -> FloatArray:
    """``scale(x, center=True, scale=True)`` with the sample standard deviation; ``center(x)``."""
    options = _options(node, {"center": True, "scale": node.function == "scale"})
    state = states.setdefault(render(node), {})
    if not state:
        state["mean"] = float(value.mean()) if options["center"] else 0.0
        spread = float(np.sqrt(((value - state["mean"]) ** 2).sum() / max(len(value) - 1, 1)))
        state["sd"] = spread if options["scale"] else 1.0
        if state["sd"] == 0.0:
            raise ModelError(f"{render(node)}: the column has one value only and cannot be scaled.")
    return (value - state["mean"]) / state["sd"]  # type: ignore[no-any-return]


def evaluate_basis(node: Call, columns: Mapping[str, FloatArray], states: States) -> FloatArray:
    """The columns of ``poly``, ``bs`` or ``cr`` for every row.

    Returns
    -------
    array, shape (n, number of columns)

    Raises
    ------
    FormulaError
        If an option is unknown or has the wrong kind of value.
    ModelError
        If the data do not allow the basis.
    """
    x = evaluate(node.arguments[0], columns, states)
    name = render(node)
    state = states.setdefault(name, {})
    if node.function == "poly":
        options = _options(node, {"degree": 1, "raw": False})
        degree = _count(node, "degree", options["degree"])
        return orthogonal_polynomial(x, state, degree=degree, raw=bool(options["raw"]), name=name)
    if node.function == "bs":
        options = _options(node, {"df": None, "degree": 3})
        df = None if options["df"] is None else _count(node, "df", options["df"])
        return b_spline_basis(x, state, df=df, degree=_count(node, "degree", options["degree"]), name=name)
    knots = next((value.values for _, value in node.options if isinstance(value, Numbers)), None)
    options = _options(node, {"df": None})
    if knots is not None and options["df"] is not None:
        fail(node.token, "give the number of knots (df) or the knots themselves, not both.")
    df = None if knots is not None else _count(node, "df", options["df"])
    return natural_spline_basis(x, state, df=df, knots=knots, name=name)


def _options(node: Call, defaults: dict[str, Any]) -> dict[str, Any]:
    """The constants given to a call after its column, by position or by name; checked by the parser."""
    given = dict(zip(defaults, node.arguments[1:], strict=False)) | dict(node.options)
    plain = {key: value for key, value in given.items() if not isinstance(value, Numbers)}
    return defaults | {key: constant_value(value) for key, value in plain.items()}


def _count(node: Call, key: str, value: Any) -> int:
    if value is None:
        fail(node.token, f"{key} is needed, as in {node.function}(x, {key}=4).")
    whole = isinstance(value, float) and value == int(value) and 1 <= value <= 100
    if not whole and not (isinstance(value, int) and not isinstance(value, bool)):
        fail(node.token, f"{key} must be a whole number from 1 to 100; found {value}.")
    return int(value)
