"""How the course of families goes together with how the help is given, apart at each level; no effect.

A family's index differs from that of its worker's other families, the worker's mean from the organisation's,
and the organisation's from the others'. Each difference has its own coefficient with time: what holds between
organisations need not hold between the families of one worker. Pure numbers: frames in, a dataclass out.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.mixed import MixedFit, fit_mixed

__all__ = ["LEVELS", "FidelityCourse", "condition_course", "fidelity_course", "split_by_level"]

#: Families of one worker, workers of one organisation, organisations.
LEVELS = ("between_families", "between_workers", "between_organisations")
_COLUMN = dict(zip(LEVELS, ("of_family", "of_worker", "of_organisation"), strict=True))
_FEWEST = 10
_COLUMNS = ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]


@dataclass(frozen=True, slots=True)
class FidelityCourse:
    """What goes together.

    Attributes
    ----------
    estimates : DataFrame
        By level of :data:`LEVELS`, where it has at least ten groups with differences: how much more the score
        changes per year where the index is a point higher; with error, degrees of freedom and interval.
    spread : DataFrame
        By level: ``sd`` of the index at that level, and ``n_groups``.
    converged : bool
    fit : MixedFit or None
    """

    estimates: pd.DataFrame
    spread: pd.DataFrame
    converged: bool = True
    fit: MixedFit | None = None


def split_by_level(index: pd.DataFrame) -> pd.DataFrame:
    """The index of each family in three parts that add up to its distance from the mean of all.

    Parameters
    ----------
    index : DataFrame
        One row per family: family, organisation, worker (unique over organisations), index.

    Returns
    -------
    DataFrame
        The same rows with of_family, of_worker and of_organisation. Means are over families.
    """
    worker = index.groupby("worker")["index"].transform("mean")
    organisation = index.groupby("organisation")["index"].transform("mean")
    return index.assign(
        of_family=index["index"] - worker,
        of_worker=worker - organisation,
        of_organisation=organisation - index["index"].mean(),
    )


def fidelity_course(
    course: pd.DataFrame, index: pd.DataFrame, *, fewest_organisations: int = _FEWEST, level: float = 0.95
) -> FidelityCourse:
    """Fit the course of families with what their index differs at each level.

    Parameters
    ----------
    course : DataFrame
        Measurements: family, organisation, worker (unique over organisations), years (in the help), score.
    index : DataFrame
        As for :func:`split_by_level`.
    fewest_organisations : int
        With fewer organisations nothing is estimated between them: each has a course of its own.
    level : float
        Of the intervals.

    Returns
    -------
    FidelityCourse

    Notes
    -----
    ``score ~ years + years^2 + part + years:part ... + (1 + years | family) + (1 + years | worker) +
    (1 + years | organisation)``, by REML with Satterthwaite's degrees of freedom (those of the design where a
    variance is estimated as zero): the within-between model of Bell & Jones (2015), doi 10.1017/psrm.2014.7,
    with a random course at every level at which something is estimated. An organisation's or worker's mean of
    few scores is itself uncertain, which draws its coefficient towards those of the levels below.
    """
    parts = split_by_level(index)
    data = course.merge(parts[["family", *_COLUMN.values()]], on="family", how="inner")
    data["bend"] = data["years"] ** 2
    families = data.drop_duplicates("family")
    groups = {
        "between_families": families["family"].nunique(),
        "between_workers": families["worker"].nunique(),
        "between_organisations": families["organisation"].nunique(),
    }
    spread = pd.DataFrame(
        {"sd": {name: float(families[_COLUMN[name]].std(ddof=1)) for name in LEVELS}, "n_groups": groups}
    )
    within_workers = families["worker"].nunique() < len(families)
    limits = dict.fromkeys(LEVELS, _FEWEST) | {"between_organisations": max(fewest_organisations, _FEWEST)}
    asked = [
        name for name in LEVELS
        if groups[name] >= limits[name] and spread.loc[name, "sd"] > 1e-9  # type: ignore[operator]
    ]  # fmt: skip
    if not asked:
        return FidelityCourse(pd.DataFrame(columns=_COLUMNS, dtype=float), spread)
    terms = [f"{_COLUMN[name]} * years" for name in asked]
    random = ["(1 + years | family)"]
    if within_workers and groups["between_workers"] >= 3:
        random.append("(1 + years | worker)")
    if groups["between_organisations"] >= max(fewest_organisations, _FEWEST):
        random.append("(1 + years | organisation)")
    elif groups["between_organisations"] > 1:
        terms.append("organisation * years")
    fit = fit_mixed(f"score ~ years + bend + {' + '.join([*terms, *random])}", data, level=level)
    names = list(fit.fixed.index)
    rows = {}
    for name in asked:
        found = [f"{_COLUMN[name]}:years", f"years:{_COLUMN[name]}"]
        there = next((each for each in found if each in names), None)
        if there is not None:
            rows[name] = np.array([float(each == there) for each in names])
    estimates = fit.estimate(pd.DataFrame(rows, index=names).T, level=level)
    return FidelityCourse(estimates, spread, fit.converged, fit)


def condition_course(
    course: pd.DataFrame, scores: pd.Series, *, level: float = 0.95, near: MixedFit | None = None
) -> tuple[pd.Series, MixedFit]:
    """How the course of families goes together with one condition of their organisation.

    Parameters
    ----------
    course : DataFrame
        Measurements: family, organisation, years (in the help), score.
    scores : Series of float
        The condition by organisation; those without it are left out.
    level : float
        Of the interval.
    near : MixedFit, optional
        A fit of another condition, to begin at.

    Returns
    -------
    Series, MixedFit
        How much more the score changes per year where the condition is a point higher; and the fit. With as
        many degrees of freedom as the organisations leave at most: their number less two.
    """
    data = course[course["organisation"].isin(scores.dropna().index)]
    value = data["organisation"].map(scores).astype(float)
    data = data.assign(condition=value - value.mean())
    data["bend"] = data["years"] ** 2
    formula = "score ~ years * condition + bend + (1 + years | family) + (1 + years | organisation)"
    fit = fit_mixed(formula, data, level=level, near=near)
    names = list(fit.fixed.index)
    weights = np.array([[float(each in ("years:condition", "condition:years")) for each in names]])
    found = fit.estimate(pd.DataFrame(weights, columns=names), level=level).iloc[0]
    return _with_fewer_degrees(found, data["organisation"].nunique() - 2, level), fit


def _with_fewer_degrees(row: pd.Series, most: int, level: float) -> pd.Series:
    """The same estimate with no more degrees of freedom than these."""
    from scipy import stats

    df = min(float(row["df"]), float(most))
    half = float(stats.t.ppf((1 + level) / 2, df)) * float(row["std_error"])
    p_value = 2 * float(stats.t.sf(abs(float(row["statistic"])), df))
    estimate = float(row["estimate"])
    return pd.Series(
        {**row, "df": df, "p_value": p_value, "conf_low": estimate - half, "conf_high": estimate + half}
    )
