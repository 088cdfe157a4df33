"""Months of care beside what was known before them: the last score, the severity over all domains."""

import numpy as np
import pandas as pd

from mpg_research.analysis.process.care_months import CareMonths
from mpg_research.arrays import FloatArray
from mpg_research.study.model import Study

__all__ = ["before_each_month", "dose_rows", "need_rows"]

_FAR = 10_000


def before_each_month(care: CareMonths, known: pd.DataFrame, *, oldest: float) -> FloatArray:
    """The last value before the month of each row of care; NaN where it is older, or there is none.

    Parameters
    ----------
    care : CareMonths
    known : DataFrame
        unit, month, value; one row per unit and month, in that order.
    oldest : float
        Months that it may lie back.

    Returns
    -------
    ndarray, shape (rows,)
    """
    key = known["unit"].to_numpy(dtype=np.int64) * _FAR + known["month"].to_numpy(dtype=np.int64)
    wanted = care.unit.astype(np.int64) * _FAR + care.month
    place = np.searchsorted(key, wanted) - 1
    safe = np.maximum(place, 0)
    if not len(key):
        return np.full(len(wanted), np.nan)
    mine = (place >= 0) & (key[safe] // _FAR == care.unit) & (wanted - key[safe] <= oldest)
    found: FloatArray = np.where(mine, known["value"].to_numpy(dtype=float)[safe], np.nan)
    return found


def need_rows(study: Study, care: CareMonths, *, oldest: float) -> dict[str, pd.DataFrame]:
    """Hours of each month beside the need that was known before it, as rows of a within-between model.

    Parameters
    ----------
    study : Study
    care : CareMonths
    oldest : float
        Months that a score may lie back.

    Returns
    -------
    dict of str to DataFrame
        By kind of need, "score" and (with a table domains) "severity": unit, months, outcome (hours), cause,
        worker.
    """
    scores = care.scores().rename(columns={"score": "value"})
    kinds = {"score": before_each_month(care, scores, oldest=oldest)}
    severity = _severity(study, care)
    if severity is not None:
        kinds["severity"] = before_each_month(care, severity, oldest=_FAR)
    hours = care.rows["hours"].to_numpy(dtype=float)
    worker = care.units["worker"].to_numpy(dtype=object)[care.unit]
    frame = pd.DataFrame(
        {"unit": care.unit, "months": care.month.astype(float), "outcome": hours, "worker": worker}
    )
    return {
        name: frame.assign(cause=cause)[np.isfinite(cause) & np.isfinite(hours)]
        for name, cause in kinds.items()
    }


def _severity(study: Study, care: CareMonths) -> pd.DataFrame | None:
    """The sum of the severities of all domains scored in a month, by unit and month; None without any."""
    table = study.tables.get("domains")
    if table is None or not len(table):
        return None
    unit, month = care.place(table, "date")
    rows = pd.DataFrame(
        {
            "unit": unit, "month": month, "domain": table["domain"].to_numpy(dtype=object),
            "value": pd.to_numeric(table["severity"]).to_numpy(dtype=float, na_value=np.nan),
        }
    )  # fmt: skip
    rows = rows[(rows["unit"] >= 0) & rows["value"].notna() & (rows["month"] >= 0)]
    each = rows.groupby(["unit", "month", "domain"], sort=True)["value"].mean().reset_index()
    # Only months in which as many domains were scored as in most: a sum over fewer would seem a fall.
    summed = each.groupby(["unit", "month"], sort=True)["value"].agg(["sum", "size"]).reset_index()
    usual = summed["size"].mode().max() if len(summed) else 0
    return summed[summed["size"] == usual].rename(columns={"sum": "value"})[["unit", "month", "value"]]


def dose_rows(care: CareMonths) -> pd.DataFrame:
    """Scores beside the hours of the month before, as rows of a within-between model.

    Parameters
    ----------
    care : CareMonths

    Returns
    -------
    DataFrame
        unit, months, outcome (score), cause (hours), worker.
    """
    scores = care.scores()
    hours = care.wide(care.rows["hours"])
    unit, month = scores["unit"].to_numpy(dtype=np.intp), scores["month"].to_numpy(dtype=np.intp)
    inside = (month >= 1) & (month <= care.n_months)
    scores, unit, month = scores[inside], unit[inside], month[inside]
    cause = hours[unit, month - 1]
    worker = care.units["worker"].to_numpy(dtype=object)[unit]
    frame = pd.DataFrame(
        {
            "unit": unit, "months": scores["months"].to_numpy(dtype=float) / care.axis,
            "outcome": scores["score"].to_numpy(dtype=float), "cause": cause, "worker": worker,
        }
    )  # fmt: skip
    found: pd.DataFrame = frame[np.isfinite(cause)].reset_index(drop=True)
    return found
