"""A provider comparison of a yes/no outcome: observed less expected shares, expected by a logistic model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from mpg_research.analysis.providers.data import ProviderData
from mpg_research.analysis.providers.tables import comparison_table
from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.expected_shares import expected_shares
from mpg_research.statistics.providers.share_funnel import share_covariance

__all__ = ["ProviderShares", "compare_shares"]


#: Log odds beyond which a share is 0 or 1 to rounding.
_REACH = 80.0


@dataclass(frozen=True, slots=True)
class ProviderShares:
    """Shares of g providers beside what their case mix lets one expect.

    Attributes
    ----------
    table : DataFrame
        As ``ProviderComparison.providers``; ``effect`` is the log odds ratio of the provider's clients beside
        what is expected of them.
    covariance : ndarray, shape (g, g)
        Of ``indirect`` if all that differs is chance.
    slopes : DataFrame
        ``variable, estimate, std_error`` on the log-odds scale.
    spread : float
        Root mean square of the clients' binomial standard deviations.
    """

    table: pd.DataFrame
    covariance: FloatArray
    slopes: pd.DataFrame
    spread: float


def compare_shares(data: ProviderData, *, level: float) -> ProviderShares:
    """Indirect standardisation of a yes/no outcome.

    Notes
    -----
    The variance of observed less expected is that without differences between providers, known before
    looking at a provider's clients, so that a share of 0 or 1 has limits too; the reference, the share of all
    clients, holds the provider's own. ``direct`` gives all clients the provider's odds ratio.
    """
    y, codes = data.outcome, data.codes
    found = expected_shares(y, data.case_mix, provider=codes)
    size = np.bincount(codes)
    contrast = np.eye(size.size) - size / size.sum()
    covariance = contrast @ share_covariance(found.chance, codes, carried=found.carried) @ contrast.T
    observed, expected = np.bincount(codes, y) / size, np.bincount(codes, found.chance) / size
    linear = logit(np.clip(found.chance, 1e-15, 1 - 1e-15))
    effect = np.array(
        [_log_odds_ratio(linear[codes == place], observed[place]) for place in range(size.size)]
    )
    predicted = np.array([float(expit(linear + shift).mean()) for shift in effect])
    numbers = {
        "observed": observed,
        "expected": expected,
        "indirect": observed - expected,
        "predicted": predicted,
        "direct": predicted - y.mean(),
        "effect": effect,
    }
    error = np.sqrt(np.diagonal(covariance))
    table = comparison_table(data, size, numbers, observed - expected, error, np.inf, level)
    columns = {"estimate": found.slopes, "std_error": found.slope_errors}
    slopes = pd.DataFrame({"variable": list(data.labels), **columns})
    spread = float(np.sqrt(np.mean(found.chance * (1 - found.chance))))
    return ProviderShares(table, covariance, slopes, spread)


def _log_odds_ratio(linear: FloatArray, share: float) -> float:
    """What to add to every client's log odds for their mean chance to be the share observed."""
    if share in (0.0, 1.0):
        return -np.inf if share == 0.0 else np.inf
    reach = _REACH + float(np.abs(linear).max())
    return float(brentq(lambda shift: float(expit(linear + shift).mean()) - share, -reach, reach))
