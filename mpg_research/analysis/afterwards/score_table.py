"""Mean scores after the end, and mean change since the last score in help."""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.afterwards.later_scores import LaterScores
from mpg_research.analysis.columns import N_MEASUREMENTS, Column, ends, observed
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray

__all__ = ["mean_and_limits", "score_table"]


def score_table(
    later: LaterScores, rows: pd.DataFrame, moments: FloatArray, *, level: float, minimum: int
) -> ResultTable | None:
    """``scores_after``: around each step since the end, a wave of each family (the nearest).

    Parameters
    ----------
    later : LaterScores
    rows : DataFrame
        The good ends.
    moments : ndarray
        Evenly spaced months.
    level : float
    minimum : int
        Fewer workers, and limits are over families.

    Notes
    -----
    Who is measured after the end is not everybody: the change is that of the families measured then, so that
    a mean that moves since others were measured is not taken for one.
    """
    if later.rows.empty:
        return None
    home = rows.set_index("family")[["organisation", "worker"]]
    waves = later.rows.join(home, on="family")
    step = float(moments[0])
    data = []
    for month in moments:
        near = waves.assign(apart=(waves["months"] - month).abs())
        near = near[near["apart"] <= step / 2]
        near = (
            near[near["last"].notna()]
            .sort_values(["family", "apart", "months"], kind="stable")
            .drop_duplicates("family")
        )
        if len(near):
            data.append(_row(float(month), near, level, minimum))
    names = [
        "months_after", "mean_last", "mean", "change_after", "change_after_low", "change_after_high",
        "n_measurements", "n_families", "n_organisations",
    ]  # fmt: skip
    change = observed("change_after", digits=1)
    columns = (
        Column(name="months_after", meaning="time", is_key=True),
        observed("mean_last", digits=1),
        observed("mean", digits=1),
        change,
        *ends(change, "change_after"),
        N_MEASUREMENTS.but(own=False),
    )
    return ResultTable("scores_after", pd.DataFrame(data, columns=names), columns=columns)


def _row(month: float, rows: pd.DataFrame, level: float, minimum: int) -> tuple[object, ...]:
    change = (rows["score"] - rows["last"]).dropna()
    workers = rows.loc[change.index, "worker"]
    clusters = workers if workers.nunique() >= minimum else rows.loc[change.index, "family"]
    return (
        month, float(rows["last"].mean()), float(rows["score"].mean()),
        *mean_and_limits(change, clusters, level=level),
        len(rows),
        rows["family"].nunique(), rows["organisation"].nunique(),
    )  # fmt: skip


def mean_and_limits(values: pd.Series, clusters: pd.Series, *, level: float) -> tuple[float, float, float]:
    """A mean with limits over clusters, by t for their number; no limits with fewer than two clusters.

    Parameters
    ----------
    values : Series
        None missing.
    clusters : Series
        Who belongs together, by row of ``values``.
    level : float
    """
    mean = float(values.mean()) if len(values) else float("nan")
    sums = np.bincount(pd.factorize(clusters)[0], values.to_numpy(dtype=float) - mean)
    groups = len(sums)
    if groups < 2:
        return mean, float("nan"), float("nan")
    error = np.sqrt(np.sum(sums**2) * groups / (groups - 1)) / len(values)
    half = float(student_t.ppf(0.5 + level / 2, groups - 1) * error)
    return mean, mean - half, mean + half
