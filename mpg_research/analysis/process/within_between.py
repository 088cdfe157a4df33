"""Within a family and between families: slopes of one thing on another, in the mixed engine.

A random-effects within-between model (REWB): the cause, and the curve of the months, are split into the
family's own mean and the deviation from it in each month. The slope of the deviation is about months of one
family, that of the mean about families; only the first is free of what does not change about a family.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.mixed.design.bases import natural_spline_basis
from mpg_research.mixed.inference.robust import RobustKind, cluster_robust
from mpg_research.statistics.predetermined import predetermined_slope

__all__ = ["PARTS", "Shape", "WithinBetween", "fit_shape", "fit_within_between", "split"]

PARTS = ("within", "between", "forward")
#: With more clusters than this CR2 takes seconds and CR0 is as good.
_CORRECTED = 2_000
#: Fewest families with at least two different months.
FEWEST = 10
_CURVE = 4
#: Quantiles at which the curve of the deviation bends, and its columns beside a straight line.
_KNOTS = (0.05, 0.35, 0.65, 0.95)


@dataclass(frozen=True, slots=True)
class WithinBetween:
    """A fitted split.

    Attributes
    ----------
    rows : DataFrame
        One row per part (:data:`PARTS`), with estimate, std_error, df, statistic, p_value, conf_low and
        conf_high: "within" and "between" of the model, "forward" the slope within families that allows the
        cause to have answered to earlier outcomes.
    fit : MixedFit
    data : DataFrame
        What was fitted, with the columns ``within`` and ``between``.
    n_rows : int
    """

    rows: pd.DataFrame
    fit: MixedFit
    data: pd.DataFrame
    n_rows: int


def split(data: pd.DataFrame) -> pd.DataFrame:
    """The cause as the family's own mean and the deviation from it: columns ``between`` and ``within``.

    Parameters
    ----------
    data : DataFrame
        unit, cause.
    """
    own = data.groupby("unit")["cause"].transform("mean")
    return data.assign(between=own, within=data["cause"] - own)


def fit_within_between(
    data: pd.DataFrame, *, slopes: bool = False, curve: bool = True, level: float = 0.95
) -> WithinBetween | None:
    """Fit the split of a cause within and between families.

    Parameters
    ----------
    data : DataFrame
        unit, months, outcome, cause, worker; no missing values.
    slopes : bool
        Whether families differ in how the outcome runs over the months, beside its level.
    curve : bool
        Whether the outcome may bend over the months for all families; else a straight line.
    level : float

    Returns
    -------
    WithinBetween or None
        None where too few families have months that differ, or no model arrives.

    Notes
    -----
    Errors are cluster-robust over families (CR2 with Satterthwaite's degrees of freedom; CR0 with thousands
    of families), so that months of one family may hang together in any way.
    """
    rows = split(data.sort_values(["unit", "months"], kind="stable").reset_index(drop=True))
    differ = rows.loc[rows["within"].abs() > 1e-9, "unit"].nunique()
    if differ < FEWEST or rows["outcome"].std() == 0:
        return None
    rows, time = _with_time(rows, curve=curve)
    moments = rows["months"].nunique()
    fixed = " + ".join([*time, "within", "between"])
    fit = _fit(f"outcome ~ {fixed}", rows, slopes=slopes and moments > 2, level=level)
    if fit is None:
        return None
    kind: RobustKind = "CR2" if rows["unit"].nunique() <= _CORRECTED else "CR0"
    found = fit.cluster_robust("unit", kind=kind, level=level)
    later = predetermined_slope(
        rows["outcome"],
        rows["cause"],
        rows["unit"],
        rows["worker"],
        others=rows[[name for name in time if name.endswith("_w")]].to_numpy(),
        level=level,
    )
    names = list(found.columns)
    forward = pd.DataFrame([{name: getattr(later, name) for name in names}], index=["forward"])
    every = pd.concat([found.loc[["within", "between"]], forward])
    return WithinBetween(every, fit, rows, len(rows))


def _fit(fixed: str, rows: pd.DataFrame, *, slopes: bool, level: float) -> MixedFit | None:
    """The first of the models that arrives: with the families' own slopes where asked for, then without."""
    for own in ("1 + months", "1") if slopes else ("1",):
        try:
            fit = fit_mixed(f"{fixed} + ({own} | unit)", rows, level=level)
        except ModelError:
            continue
        if fit.converged and not fit.design.aliased:
            return fit
    return None


def _with_time(rows: pd.DataFrame, *, curve: bool) -> tuple[pd.DataFrame, list[str]]:
    """The rows with the curve of the months, it too within families (``_w``) and as their means (``_b``).

    Families who stay longer have other mean months. With the curve as it is, one coefficient would stand for
    both, and what differs between families would enter the slope within them.
    """
    months = rows["months"].to_numpy(dtype=float)
    moments = len(np.unique(months))
    if curve and moments > 3:
        columns = natural_spline_basis(months, {}, df=min(_CURVE, moments - 1), name="months")[:, 1:]
    else:
        columns = months[:, None]
    names, added = [], {}
    for place, column in enumerate(columns.T, start=1):
        mean = pd.Series(column).groupby(rows["unit"].to_numpy()).transform("mean").to_numpy()
        for name, part in ((f"time{place}_w", column - mean), (f"time{place}_b", mean)):
            if part.std() > 1e-9:
                names.append(name)
                added[name] = part
    return rows.assign(**added), names


@dataclass(frozen=True, slots=True)
class Shape:
    """Whether the slope within families is straight.

    Attributes
    ----------
    rows : DataFrame
        at (deviation from the family's own mean), estimate, std_error, df, statistic, p_value, conf_low,
        conf_high: expected outcome there less that at the family's own mean, by a curve.
    p_bends : float
        Of the columns by which the curve leaves the straight line.
    """

    rows: pd.DataFrame
    p_bends: float


def fit_shape(found: WithinBetween, at: tuple[float, ...], *, level: float = 0.95) -> Shape | None:
    """Check whether the slope within families bends, by a restricted cubic spline of the deviation.

    Parameters
    ----------
    found : WithinBetween
    at : tuple of float
        Deviations at which the curve is read; those beyond 9 in 10 of the rows are left out.
    level : float

    Returns
    -------
    Shape or None
        None where the deviations take too few values.

    References
    ----------
    Harrell, F. E. (2015). Regression modeling strategies (2nd ed.), section 2.4.5. Cham: Springer.
    """
    rows = found.data
    within = rows["within"].to_numpy(dtype=float)
    knots = np.quantile(within, _KNOTS)
    if len(np.unique(np.round(knots, 9))) < len(_KNOTS):
        return None
    bends = _restricted_cubic(within, knots)
    data = rows.assign(bend_1=bends[:, 0], bend_2=bends[:, 1])
    fixed = found.fit.formula.split("~", 1)[1].rsplit(" + (", 1)[0]
    fit = _fit(
        f"outcome ~{fixed} + bend_1 + bend_2", data, slopes="1 + months" in found.fit.formula, level=level
    )
    if fit is None:
        return None
    names = list(fit.fixed.index)
    inside = [value for value in at if knots[0] <= value <= knots[-1]]
    weights = np.zeros((len(inside), len(names)))
    origin = _restricted_cubic(np.zeros(1), knots)[0]
    for row, value in enumerate(inside):
        bent = _restricted_cubic(np.array([value]), knots)[0] - origin
        weights[row, names.index("within")] = value
        weights[row, names.index("bend_1")], weights[row, names.index("bend_2")] = bent
    kind: RobustKind = "CR2" if rows["unit"].nunique() <= _CORRECTED else "CR0"
    joint = np.zeros((2, len(names)))
    joint[0, names.index("bend_1")] = joint[1, names.index("bend_2")] = 1.0
    p_bends = _joint_p(fit, joint, kind)
    if not inside:
        return Shape(pd.DataFrame(), p_bends)
    read = fit.cluster_robust("unit", kind=kind, combinations=weights, level=level)
    return Shape(read.reset_index(drop=True).assign(at=inside), p_bends)


def _joint_p(fit: MixedFit, joint: FloatArray, kind: RobustKind) -> float:
    """The p-value that all of these combinations are zero: F, with the robust covariance."""
    robust = cluster_robust(fit.solution, "unit", kind=kind)
    beta, covariance = joint @ fit.solution.beta, joint @ robust.covariance @ joint.T
    if np.linalg.matrix_rank(covariance) < len(joint):
        return float("nan")
    wald = float(beta @ np.linalg.solve(covariance, beta))
    return float(fdtrc(len(joint), float(robust.degrees(joint).min()), wald / len(joint)))


def _restricted_cubic(x: FloatArray, knots: FloatArray) -> FloatArray:
    """The columns of a restricted cubic spline beside the straight line, shape (n, knots - 2)."""

    def cube(values: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(values, 0.0) ** 3, dtype=np.float64)

    last, before = knots[-1], knots[-2]
    columns = [
        cube(x - knot)
        - cube(x - before) * (last - knot) / (last - before)
        + cube(x - last) * (before - knot) / (last - before)
        for knot in knots[:-2]
    ]
    found: FloatArray = np.column_stack(columns) / float(last - knots[0]) ** 2
    return found
