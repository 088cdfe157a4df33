"""Whether workers score otherwise the longer they do the work: one crossed model per scale.

The score of a worker is held against the score of the parent at about the same moment. What is left may move
with the years the worker has done this work (drift), with the time spent with this family, with how far the
help is, and with the calendar. Workers meet many families and families meet several workers: both are random,
crossed. Pure numbers: a frame in, a frozen dataclass out.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.frames import number_at, row_at
from mpg_research.mixed import MixedFit, fit_mixed

__all__ = ["TERMS", "RaterDrift", "fit_rater_drift", "scores_used", "spread_left"]

Verdict = Literal["estimated", "few_raters", "no_parent_scores", "no_spread", "not_converged"]

#: What is asked of a scale, in this order: all per year, in standard deviations of the score.
TERMS = ("years_in_job", "same_worker_year", "years_with_family", "calendar_year")
_FEWEST_ORGANISATIONS = 10
#: Of more families an even choice of organisations is used.
_MOST_FAMILIES = 5_000
_FEWEST_CHANGED, _MOST_CHANGED = 20, 2_000


@dataclass(frozen=True, slots=True)
class RaterDrift:
    """What one scale says about drift.

    Attributes
    ----------
    verdict : str
        "estimated", or why nothing is: too few workers, no parents' scores, workers who all began at about
        the same time, a model that did not come to rest.
    estimates : DataFrame
        By the terms of :data:`TERMS` that can be told apart: ``estimate, std_error, df, statistic, p_value,
        conf_low, conf_high``, in standard deviations of the score per year.
    score_sd : float
        The standard deviation: of the first score of each family, in the unit of the scale.
    parent_slope : float
        Standard deviations of the score per standard deviation of the parent's score.
    sd_between_workers : float
        Of the level of workers at the mean time in the job, in standard deviations of the score.
    sd_of_drift : float
        Of the drift between workers, in standard deviations of the score per year.
    spread : float
        Years in the job that the other columns leave to go by (standard deviation).
    is_singular : bool
        Whether a variance is estimated as zero.
    fit : MixedFit or None
    """

    verdict: Verdict
    estimates: pd.DataFrame
    score_sd: float = float("nan")
    parent_slope: float = float("nan")
    sd_between_workers: float = float("nan")
    sd_of_drift: float = float("nan")
    spread: float = float("nan")
    is_singular: bool = False
    fit: MixedFit | None = None


def fit_rater_drift(
    ratings: pd.DataFrame,
    *,
    minimum_raters: int = 10,
    minimum_spread: float = 0.5,
    level: float = 0.95,
) -> RaterDrift:
    """Fit the crossed model of one scale.

    Parameters
    ----------
    ratings : DataFrame
        One row per score: ``family``, ``organisation``, ``rater`` (unique over organisations), ``score``,
        ``parent`` (the parent's score), and in years ``calendar``, ``in_job`` (since the worker began in this
        work), ``together`` (since the worker came to this family) and ``in_help`` (since the help began).
    minimum_raters : int
        With fewer workers nothing is estimated.
    minimum_spread : float
        Years in the job must vary by so many years (standard deviation) at one moment in the calendar within
        organisations, or drift cannot be told from the calendar.
    level : float
        Of the intervals.

    Returns
    -------
    RaterDrift

    Notes
    -----
    ``score ~ parent + calendar + in_job + together + in_help + organisation + (1 + in_job | rater) +
    (1 | family)``, by REML with Satterthwaite's degrees of freedom; from ten organisations on these are
    random and the mean of ``in_job`` at each organisation stands beside it, so that only workers of one
    organisation are compared. For one worker a year in the calendar is a year in the job: *within* workers
    the two are one and the same, ``same_worker_year`` is their sum. They are told apart by workers who began
    at different times and score at the same moment; that takes for granted that those who began earlier (and
    stayed) did not score otherwise from the start. So ``years_in_job`` is no change that was seen within
    workers, and ``same_worker_year`` takes for granted that nothing else changed over the calendar beside
    what the parents report. ``together`` is told from ``in_help`` by families who got another worker:
    ``years_with_family`` comes from a second model of those families only (of an even choice of organisations
    where they are more than 2,000), in which each has a course of its own, ``score ~ parent + calendar +
    in_job + in_help + in_help^2 + together + (1 | rater) + (1 | rater:family) + (1 + in_help | family)``.
    What a worker sees in this one family more than in others jumps when another worker comes, as ``together``
    does: without a term of its own for it, standard errors are some twelve percent too small.

    The family's state is only held constant as far as the parent's score, measured with error, tells it: that
    leaves ``years_in_job`` right as long as long-serving workers are not given heavier or lighter families.
    """
    rows = scores_used(ratings)
    if not len(rows):
        lacks_parent = len(ratings.dropna(subset=["score", "in_job"])) > 0
        return RaterDrift("no_parent_scores" if lacks_parent else "few_raters", _none())
    if rows["rater"].nunique() < minimum_raters:
        return RaterDrift("few_raters", _none())
    scale = _first_scores(rows)
    score_sd = float(scale["score"].std(ddof=1))
    parent_sd = float(scale["parent"].std(ddof=1))
    if not score_sd > 0 or not parent_sd > 0:
        return RaterDrift("no_spread", _none())
    data = _prepared(rows, score_sd, parent_sd)
    fixed, others = _fixed_part(data)
    spread = spread_left(data, "in_job", [name for name in fixed if name != "in_job"])
    if not spread >= minimum_spread:
        return RaterDrift("no_spread", _none(), score_sd=score_sd, spread=spread)
    formula = f"score ~ {' + '.join([*fixed, *others, '(1 + in_job | rater)', '(1 | family)'])}"
    fit = fit_mixed(formula, data, level=level)
    estimates = _asked(fit, fixed, level)
    drawn_in = _with_family(data, level) if "together" in fixed else None
    if drawn_in is not None:
        estimates.loc["years_with_family"] = drawn_in
        estimates = estimates.loc[[term for term in TERMS if term in estimates.index]]
    variances = _worker_variances(fit)
    return RaterDrift(
        "estimated" if fit.converged else "not_converged",
        estimates if fit.converged else _none(),
        score_sd=score_sd,
        parent_slope=float(np.asarray(fit.fixed["estimate"])[list(fit.fixed.index).index("parent")]),
        sd_between_workers=variances[0],
        sd_of_drift=variances[1],
        spread=spread,
        is_singular=any(note.code in ("singular_fit", "zero_variance") for note in fit.notes),
        fit=fit,
    )


def scores_used(ratings: pd.DataFrame) -> pd.DataFrame:
    """The scores that the model has: those with all it takes, of at most about 5,000 families.

    Beyond that, those of an even choice of organisations, at least ten: what is asked is then known as
    well as it need be, and whole organisations keep workers with all their families.

    Parameters
    ----------
    ratings : DataFrame
        As for :func:`fit_rater_drift`.
    """
    rows = ratings.dropna(subset=["score", "parent", "in_job", "calendar"])
    organisations = sorted(rows["organisation"].unique())
    step = min(-(-rows["family"].nunique() // _MOST_FAMILIES), len(organisations) // _FEWEST_ORGANISATIONS)
    return rows[rows["organisation"].isin(organisations[::step])] if step > 1 else rows


def spread_left(data: pd.DataFrame, name: str, others: list[str]) -> float:
    """Standard deviation of a column that other columns, and the organisations, do not account for.

    Parameters
    ----------
    data : DataFrame
        With ``organisation`` and the columns named.
    name : str
        The column in question.
    others : list of str
        Those that may account for it.
    """
    centred = data[[name, *others]] - data.groupby("organisation")[[name, *others]].transform("mean")
    x = centred[others].to_numpy(dtype=float)
    y = centred[name].to_numpy(dtype=float)
    if x.shape[1]:
        y = y - x @ np.linalg.lstsq(x, y, rcond=1e-10)[0]
    return float(np.sqrt(np.mean(y**2)))


def _first_scores(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("calendar", kind="stable").drop_duplicates("family")[["score", "parent"]]


def _prepared(rows: pd.DataFrame, score_sd: float, parent_sd: float) -> pd.DataFrame:
    """Scores in standard deviations, times about their means, the mean time in the job by organisation."""
    times = rows[["calendar", "in_job", "together", "in_help"]].astype(float)
    data = rows[["family", "organisation", "rater"]].astype(str)
    data = data.assign(
        score=rows["score"] / score_sd,
        parent=(rows["parent"] - rows["parent"].mean()) / parent_sd,
        **{str(name): times[name] - times[name].mean() for name in times},
    )
    data["in_job_there"] = data.groupby("organisation")["in_job"].transform("mean")
    return data.reset_index(drop=True)


def _fixed_part(data: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The columns of the model, and what stands for organisations.

    Of columns that other columns account for, the later one is left out: ``together`` where no family ever
    got another worker, times that never vary.
    """
    fixed: list[str] = []
    for name in ("parent", "calendar", "in_job", "in_help", "together"):
        least = 1e-6 if name in ("parent", "in_job") else 0.1
        if spread_left(data, name, fixed) > least or name in ("parent", "in_job"):
            fixed.append(name)
    n_organisations = data["organisation"].nunique()
    if n_organisations == 1:
        return fixed, []
    if n_organisations < _FEWEST_ORGANISATIONS:
        return fixed, ["organisation"]
    return fixed, ["in_job_there", "(1 | organisation)"]


def _asked(fit: MixedFit, fixed: list[str], level: float) -> pd.DataFrame:
    names = list(fit.fixed.index)
    rows: dict[str, FloatArray] = {}
    weights = {
        "years_in_job": {"in_job": 1.0},
        "same_worker_year": {"in_job": 1.0, "calendar": 1.0},
        "calendar_year": {"calendar": 1.0},
    }
    for term, weight in weights.items():
        if all(name in fixed and name in names for name in weight):
            rows[term] = np.array([weight.get(name, 0.0) for name in names])
    return fit.estimate(pd.DataFrame(rows, index=names).T, level=level)


def _with_family(data: pd.DataFrame, level: float) -> pd.Series | None:
    """Per year with this family, from families who got another worker; None where there are too few."""
    changed = data[data.groupby("family")["rater"].transform("nunique") > 1]
    families = changed["family"].unique()
    if len(families) < _FEWEST_CHANGED:
        return None
    organisations = sorted(changed["organisation"].unique())
    step = -(-len(families) // _MOST_CHANGED)  # whole organisations: their workers meet their families only
    rows = changed[changed["organisation"].isin(organisations[::step])]
    rows = rows.assign(bend=lambda each: each["in_help"] ** 2)
    fixed = "parent + calendar + in_job + in_help + bend + together"
    formula = f"score ~ {fixed} + (1 | rater) + (1 | rater:family) + (1 + in_help | family)"
    try:
        fit = fit_mixed(formula, rows, level=level)
    except ModelError:  # fewer scores than coefficients
        return None
    return row_at(fit.fixed, "together") if fit.converged and "together" in fit.fixed.index else None


def _none() -> pd.DataFrame:
    columns = ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]
    return pd.DataFrame(columns=columns, dtype=float)


def _worker_variances(fit: MixedFit) -> tuple[float, float]:
    """Standard deviations of workers' levels and of their drifts."""
    table = fit.random
    own = table[(table["group"] == "rater") & (table["term_1"] == table["term_2"])].set_index("term_1")
    return number_at(own, "Intercept", "sd"), number_at(own, "in_job", "sd")
