"""What tables of the months of care are made of: rows by month, first months, quantiles, what was used."""

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import coded, number_of
from mpg_research.analysis.process.care_months import CareMonths
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import Note
from mpg_research.study.model import Study

__all__ = ["care_notes", "care_records_table", "first_time", "quantile_of_counts", "rows_by_month"]


def rows_by_month(care: CareMonths, known: BoolArray, *, minimum: int) -> list[tuple[int, IntArray]]:
    """Months in order, each with the rows in which something is known; up to the last with enough of them.

    Parameters
    ----------
    care : CareMonths
    known : ndarray of bool, shape (rows,)
    minimum : int
        Families that a last month has at least: what would be hidden throughout is no row of a table.
    """
    rows = np.flatnonzero(known)
    order = rows[np.argsort(care.month[rows], kind="stable")]
    months, begin = np.unique(care.month[order], return_index=True)
    found = list(zip(months.tolist(), np.split(order, begin[1:]), strict=True)) if len(order) else []
    while len(found) > 1 and care.behind(care.unit[found[-1][1]])[0] < minimum:
        found.pop()
    return found


def first_time(care: CareMonths, happens: BoolArray) -> FloatArray:
    """The first month of each unit in which something holds; infinite where never.

    Parameters
    ----------
    care : CareMonths
    happens : ndarray of bool, shape (rows,)

    Returns
    -------
    ndarray, shape (units,)
    """
    first = np.full(len(care.units), np.inf)
    np.minimum.at(first, care.unit[happens], care.month[happens].astype(float))
    return first


def quantile_of_counts(values: FloatArray, at: float) -> float:
    """The smallest number that at least a share ``at`` of the values do not exceed; NaN without values.

    Parameters
    ----------
    values : ndarray, shape (n,)
    at : float
        Between 0 and 1.
    """
    if not len(values):
        return float("nan")
    return float(np.quantile(values, at, method="inverted_cdf"))


def care_records_table(care: CareMonths) -> ResultTable:
    """What became of the rows of care: used, or left out and why.

    Parameters
    ----------
    care : CareMonths
    """
    reasons = {"used": len(care.rows), **care.left_out}
    rows = [(reason, number) for reason, number in reasons.items() if number or reason == "used"]
    data = pd.DataFrame(rows, columns=["care_state", "n_records"])
    families, organisations = care.behind(np.ones(len(care.units), dtype=bool))
    data = data.assign(n_families=families, n_organisations=organisations)
    columns = (coded("care_state"), number_of("n_records", of="records"))
    return ResultTable("care_records", data, columns=columns)


def care_notes(care: CareMonths, study: Study) -> tuple[Note, ...]:
    """What to know of the table care: organisations that have none of it.

    Parameters
    ----------
    care : CareMonths
    study : Study
    """
    every = set(care.periods.rows["organisation"])
    without = len(every - set(care.units["organisation"]))
    if not without:
        return ()
    text = (
        f"{without} organisations have no rows of care: what was done there is not known, and their families "
        "are left out."
    )
    return (Note("organisations_without_care", text, {"n_organisations": without}, "caution"),)
