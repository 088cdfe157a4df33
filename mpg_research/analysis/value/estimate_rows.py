"""One estimate as a row of a table, with its test and its interval by t."""

import numpy as np

from mpg_research.analysis.result import ESTIMATE_COLUMNS
from mpg_research.mixed.inference.tests import estimate_table

__all__ = ["estimate_row"]


def estimate_row(value: float, variance: float, df: float, *, level: float) -> dict[str, float]:
    """An estimate with error, degrees of freedom, test and interval.

    Parameters
    ----------
    value, variance : float
    df : float
        Degrees of freedom.
    level : float
        Of the interval.

    Returns
    -------
    dict of str to float
        The columns of every estimate.
    """
    table = estimate_table(np.array([value]), np.array([variance]), np.array([df]), level)
    return {name: float(table[name].iloc[0]) for name in ESTIMATE_COLUMNS}
