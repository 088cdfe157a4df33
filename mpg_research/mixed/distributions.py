"""Tails and quantiles of the reference distributions; infinite degrees of freedom are allowed.

Straight from scipy.special: scipy.stats takes longer to import than everything else together.
"""

from typing import Any

import numpy as np
from scipy import special

__all__ = ["chi2_quantile", "chi2_tail", "f_tail", "normal_quantile", "t_p_value", "t_quantile"]


def t_p_value(statistic: Any, df: Any) -> Any:
    """Two-sided p-value of Student's t; the normal one where df is infinite."""
    size, df = np.abs(np.asarray(statistic, dtype=float)), np.asarray(df, dtype=float)
    finite = np.where(np.isinf(df), 1.0, df)
    return 2.0 * np.where(np.isinf(df), special.ndtr(-size), special.stdtr(finite, -size))


def t_quantile(probability: Any, df: Any) -> Any:
    """Quantile of Student's t; the normal one where df is infinite."""
    df = np.asarray(df, dtype=float)
    finite = np.where(np.isinf(df), 1.0, df)
    return np.where(np.isinf(df), special.ndtri(probability), special.stdtrit(finite, probability))


def f_tail(statistic: float, df: float, df_denominator: float) -> float:
    """Upper tail of F; of chi-square over df where the denominator is infinite."""
    if np.isinf(df_denominator):
        return chi2_tail(statistic * df, df)
    return float(special.fdtrc(df, df_denominator, statistic))


def chi2_tail(statistic: float, df: float) -> float:
    """Upper tail of chi-square."""
    return float(special.chdtrc(df, statistic))


def chi2_quantile(probability: float, df: float) -> float:
    """Quantile of chi-square."""
    return float(special.chdtri(df, 1.0 - probability))


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return float(special.ndtri(probability))
