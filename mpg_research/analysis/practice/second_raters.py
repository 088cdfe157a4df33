"""A second worker who scores the same family at the same moment, held against the family's own worker.

Whatever the family is like, it is the same for both: the difference is about those who score. Pure numbers:
frames in, frames out.
"""

import numpy as np
import pandas as pd

from mpg_research.errors import ModelError
from mpg_research.frames import row_at
from mpg_research.mixed import fit_mixed
from mpg_research.statistics.agreement import limits_of_agreement
from mpg_research.statistics.means import mean_of_pairs
from mpg_research.statistics.trials.regression import weighted_regression

__all__ = ["PAIR_TERMS", "agreement_by_tenure", "pair_raters", "tenure_trend"]

#: Years longer in the job than the other of the two; years in the job of the own worker, and of the second.
PAIR_TERMS = ("years_apart", "years_first", "years_second")
_COLUMNS = ["estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]


def pair_raters(ratings: pd.DataFrame, *, days: float) -> pd.DataFrame:
    """Pairs of scores of one family by its own worker and by another one at about the same moment.

    Parameters
    ----------
    ratings : DataFrame
        One row per score: ``family``, ``episode``, ``organisation``, ``rater``, ``is_own`` (whether the rater
        was the worker of this family then), ``date``, ``score``, ``in_job`` (years).
    days : float
        How far apart two scores of the same moment may lie.

    Returns
    -------
    DataFrame
        One row per pair: family, organisation, first and second (the raters), difference (own worker minus
        second), middle (mean of the two scores), years_first, years_second. Each score is in one pair, the
        nearest two first. Pairs of two workers of whom neither or each is the family's own are left out.
    """
    keys = ["family", "episode"]
    own = ratings[ratings["is_own"]].reset_index(drop=True).rename_axis("row").reset_index()
    others = ratings[~ratings["is_own"]].reset_index(drop=True).rename_axis("row").reset_index()
    kept = [*keys, "row", "organisation", "rater", "date", "score", "in_job"]
    near = own[kept].merge(others[kept].drop(columns="organisation"), on=keys, suffixes=("", "_second"))
    apart = (near["date"] - near["date_second"]).dt.total_seconds().abs() / 86_400
    near = near.assign(apart=apart)[(apart <= days).to_numpy() & (near["rater"] != near["rater_second"])]
    near = near.sort_values(["apart", "row", "row_second"], kind="stable")
    taken: tuple[set[int], set[int]] = (set(), set())
    free = []
    for row, other in zip(near["row"], near["row_second"], strict=True):
        is_free = row not in taken[0] and other not in taken[1]
        free.append(is_free)
        if is_free:
            taken[0].add(row)
            taken[1].add(other)
    pairs = near[np.array(free, dtype=bool)].sort_values("row", kind="stable").reset_index(drop=True)
    return pd.DataFrame(
        {
            "family": pairs["family"],
            "organisation": pairs["organisation"],
            "first": pairs["rater"],
            "second": pairs["rater_second"],
            "difference": pairs["score"] - pairs["score_second"],
            "middle": (pairs["score"] + pairs["score_second"]) / 2,
            "years_first": pairs["in_job"],
            "years_second": pairs["in_job_second"],
        }
    )


def tenure_trend(pairs: pd.DataFrame, *, minimum_raters: int = 10, level: float = 0.95) -> pd.DataFrame:
    """How the difference moves with the years in the job, of the own worker and of the second one.

    Parameters
    ----------
    pairs : DataFrame
        ``difference``, ``middle``, ``first``, ``second``, ``years_first``, ``years_second``.
    minimum_raters : int
        With fewer workers on either side nothing is estimated.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        Rows ``years_apart``, ``years_first`` and ``years_second`` with estimate, std_error, df, statistic,
        p_value, conf_low and conf_high, per year, in the unit of the difference; no rows where nothing can be
        estimated.

    Notes
    -----
    ``years_apart``: a mixed model of the single scores, ``score ~ years - mean of the pair + mean of the pair
    + own worker + (1 | pair) + (1 + years | worker)`` by REML with Satterthwaite's degrees of freedom: what
    holds within pairs, where a worker may be the first of one pair and the second of another. The other two:
    least squares of the difference on both. If norms drift alike, the first coefficient is the drift and the
    second its opposite. There the pairs of one worker belong together: errors are cluster-robust (CR2, with
    Satterthwaite's degrees of freedom), for each coefficient by the workers whose years it is about; that the
    other worker of a pair is in several pairs too is left out, so that they are somewhat too small.
    """
    known = pairs.dropna(subset=["difference", "years_first", "years_second"])
    empty = pd.DataFrame(columns=_COLUMNS, dtype=float)
    if min(known["first"].nunique(), known["second"].nunique()) < minimum_raters:
        return empty
    x = np.column_stack([np.ones(len(known)), known["years_first"], known["years_second"]])
    rows = {}
    apart = _years_apart(known, level)
    if apart is not None:
        rows["years_apart"] = [float(apart[name]) for name in _COLUMNS]
    for place, (term, who) in enumerate(zip(PAIR_TERMS[1:], ("first", "second"), strict=True), start=1):
        fit = weighted_regression(
            x, known["difference"], clusters=known[who].astype(str), correction="leverage", level=level
        )
        if fit.converged:
            rows[term] = [float(getattr(fit, name)[place]) for name in _COLUMNS]
    return pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS) if rows else empty


def _years_apart(pairs: pd.DataFrame, level: float) -> pd.Series | None:
    """The coefficient of years in the job within pairs; None where it does not vary there."""
    half = pairs["difference"].to_numpy(dtype=float) / 2
    middle = pairs["middle"].to_numpy(dtype=float)
    years = pairs[["years_first", "years_second"]].to_numpy(dtype=float)
    mean = years.mean(axis=1)
    if not np.std(years[:, 0] - years[:, 1]) > 1e-6:
        return None
    n = len(pairs)
    both = pd.DataFrame(
        {
            "pair": np.tile(np.arange(n), 2),
            "worker": np.concatenate([pairs["first"].astype(str), pairs["second"].astype(str)]),
            "score": np.concatenate([middle + half, middle - half]),
            "within": np.concatenate([years[:, 0] - mean, years[:, 1] - mean]),
            "mean_of_pair": np.tile(mean, 2),
            "own": np.repeat([0.5, -0.5], n),
            "years": np.concatenate([years[:, 0], years[:, 1]]) - mean.mean(),
        }
    )
    try:
        fit = fit_mixed(
            "score ~ within + mean_of_pair + own + (1 | pair) + (1 + years | worker)", both, level=level
        )
    except ModelError:  # no two scores differ, or as few as there are coefficients
        return None
    return row_at(fit.fixed, "within") if fit.converged and "within" in fit.fixed.index else None


def agreement_by_tenure(
    pairs: pd.DataFrame,
    bands: tuple[float, ...],
    *,
    minimum_raters: int = 10,
    share: float = 0.95,
    level: float = 0.95,
) -> pd.DataFrame:
    """Mean difference and limits of agreement, by how long the own worker has been in the job.

    Parameters
    ----------
    pairs : DataFrame
        ``family``, ``organisation``, ``first``, ``second``, ``difference``, ``years_first``.
    bands : tuple of float
        Years at which a next band begins, increasing.
    minimum_raters : int
        A band with fewer workers is left out.
    share : float
        Share of the differences between the limits.
    level : float
        Of the interval of the mean.

    Returns
    -------
    DataFrame
        tenure ("from_0", "from_2", ...), mean_difference, conf_low, conf_high, lower_limit, upper_limit,
        n_pairs, n_raters, n_families, n_organisations.

    Notes
    -----
    The interval of the mean allows for workers who are in several pairs, as own worker or as second one
    (:func:`~mpg_research.statistics.means.mean_of_pairs`): over families alone it held the truth in .87 to
    .90 of a thousand studies (``benchmarks/practice.md``).
    """
    known = pairs.dropna(subset=["difference", "years_first"])
    edges = np.array([0.0, *bands])
    place = np.searchsorted(edges, known["years_first"].to_numpy(dtype=float), side="right") - 1
    rows = []
    for number, edge in enumerate(edges):
        mine = known[place == number]
        if mine["first"].nunique() < minimum_raters:
            continue
        family = mine["family"].astype(str).to_numpy()
        found = limits_of_agreement(
            mine["difference"].to_numpy(dtype=float), family, share=share, level=level
        )
        mean = mean_of_pairs(mine["difference"], mine["first"], mine["second"], family, level=level)
        rows.append(
            {
                "tenure": f"from_{edge:g}",
                "mean_difference": mean.estimate,
                "conf_low": mean.conf_low,
                "conf_high": mean.conf_high,
                "lower_limit": found.lower,
                "upper_limit": found.upper,
                "n_pairs": len(mine),
                "n_raters": int(mine["first"].nunique()),
                "n_families": int(mine["family"].nunique()),
                "n_organisations": int(mine["organisation"].nunique()),
            }
        )
    columns = ["tenure", "mean_difference", "conf_low", "conf_high", "lower_limit", "upper_limit",
               "n_pairs", "n_raters", "n_families", "n_organisations"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
