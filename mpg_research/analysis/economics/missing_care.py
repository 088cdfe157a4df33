"""Months of care as whole numbers, and the months inside help of which no care is on record."""

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.good_ends import in_months
from mpg_research.analysis.economics.follow_up import FollowUp
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.study.model import Study

__all__ = ["month_numbers", "months_without_care"]

#: Of times in months: finer than an hour.
_NEAR = 1e-4


def month_numbers(times: pd.Series, study: Study) -> IntArray:
    """The month that each row of care is about: rows of one month have one number, shape (n,).

    Parameters
    ----------
    times : Series
        The column month of rows of care, all known.
    study : Study

    Returns
    -------
    ndarray of int
        Calendar months since 1970 where times are dates; else the nearest whole month on the study's axis,
        since months counted in days or weeks are never quite whole.
    """
    if pd.api.types.is_datetime64_any_dtype(times):
        return np.asarray(times.to_numpy().astype("datetime64[M]").astype(np.int64))
    return np.asarray(np.floor(in_months(times, study) + 0.5 + _NEAR).astype(np.int64))


def months_without_care(study: Study, followed: FollowUp, unit: IntArray, month: IntArray) -> IntArray:
    """How many months inside help have no row of care, by family, shape (families,).

    Parameters
    ----------
    study : Study
        A loaded study.
    followed : FollowUp
        The families, with their periods of help.
    unit : ndarray of int, shape (n,)
        Row of the families of each row of care.
    month : ndarray of int, shape (n,)
        Its month, as :func:`month_numbers` gives it.

    Notes
    -----
    A month counts where all of it lies in one period of help, before the family was last seen: in the month
    in which help starts or ends there may well have been none. It counts once, if periods overlap.
    """
    families, periods = followed.families, followed.periods
    owner = periods["unit"].to_numpy(dtype=np.int64)
    start = families["start"].to_numpy(dtype=float)[owner]
    until = families["months"].to_numpy(dtype=float)[owner]
    begin, finish = (periods[name].to_numpy(dtype=float) for name in ("begin", "finish"))
    edges, lowest = _edges(study, start + begin, start + until)
    first = np.searchsorted(edges, start + begin - _NEAR, side="left")
    # The last month is the one of which the end, which is the next edge, is not past the end of help.
    after = np.searchsorted(edges, start + np.minimum(finish, until) + _NEAR, side="right") - 1
    lasts = np.maximum(after - first, 0)
    step = np.arange(int(lasts.sum())) - np.repeat(np.cumsum(lasts) - lasts, lasts)
    inside = np.repeat(owner, lasts) * len(edges) + np.repeat(first, lasts) + step
    there = (month >= lowest) & (month < lowest + len(edges))
    recorded = unit[there].astype(np.int64) * len(edges) + month[there] - lowest
    missing = np.setdiff1d(inside, recorded)
    return np.asarray(np.bincount(missing // len(edges), minlength=len(families)))


def _edges(study: Study, begins: FloatArray, untils: FloatArray) -> tuple[FloatArray, int]:
    """Where months begin on the axis of times in months, over all of help; and the number of the first."""
    if study.config.time.kind != "dates":
        low, high = int(np.floor(begins.min())), int(np.ceil(untils.max()))
        return np.arange(low, high + 1, dtype=float), low
    earliest = study.tables["episodes"]["start"].dropna().min().to_numpy().astype("datetime64[M]")
    origin = float(in_months(pd.Series([earliest.astype("datetime64[s]")]), study)[0])
    # Calendar months are as long as the mean one, but for days: so many reach past the last moment.
    low, n = int(earliest.astype(np.int64)), int(np.ceil(untils.max() - origin)) + 3
    firsts = np.arange(low, low + n).astype("datetime64[M]").astype("datetime64[s]")
    return in_months(pd.Series(firsts), study), low
