"""Power and margins by formula, where a formula holds: straight lines, families that go their own way.

Exact for complete, balanced data with one group; with drop-out the information expected over who is measured
when, which says a little too much in small studies. Not given where workers differ (their sizes matter) and
where organisations are random: there the simulation stands alone.
"""

import numpy as np
from scipy.stats import nct

from mpg_research.arrays import FloatArray
from mpg_research.mixed.distributions import t_quantile
from mpg_research.planning.draw import draw_visits
from mpg_research.planning.inputs import Inputs
from mpg_research.planning.questions import Question

__all__ = ["closed_form", "power_of_t", "slope_variance"]

#: Families whose visits stand for all.
_PATTERNS = 4_000
#: So many standard errors are found whatever the degrees of freedom; the noncentral t has no numbers there.
_CERTAIN = 30.0
#: From so many on a significant estimate of the other sign comes less than once in a million.
_ONE_TAIL = 5.0


def power_of_t(ratio: float, df: float, alpha: float) -> float:
    """Power of a two-sided t test whose true effect is so many standard errors.

    Parameters
    ----------
    ratio : float
        The true effect over its standard error.
    df : float
    alpha : float

    Examples
    --------
    >>> round(power_of_t(0.0, 20.0, 0.05), 6)
    0.05
    """
    limit = float(t_quantile(1.0 - alpha / 2.0, df))
    size = abs(ratio)
    if size > _CERTAIN:
        return 1.0
    # Beyond this the other tail is nothing, and the library has no number for it.
    wrong_way = nct.cdf(-limit, df, size) if size < _ONE_TAIL else 0.0
    return float(min(nct.sf(limit, df, size) + wrong_way, 1.0))


def slope_variance(inputs: Inputs) -> float:
    """Variance of a straight line's slope estimated from one family, as families give information on average.

    Parameters
    ----------
    inputs : Inputs
        Spreads of families, serial correlation, waves and drop-out.

    Notes
    -----
    The inverse of the mean over families of Z'V^-1Z, V = Z G Z' + sigma^2 R, as in generalised least squares.

    Examples
    --------
    >>> from mpg_research.planning.inputs import Inputs
    >>> plan = Inputs(waves=3, dropout=(0.0,), missed=0.0, sd_slope=0.0, icc_family=0.5, icc_organisation=0.0)
    >>> round(slope_variance(plan), 9)  # sigma^2 / sum of squares: 50 / 2
    25.0
    """
    months, waves = inputs.months, inputs.waves
    z = np.column_stack([np.ones(waves), months])
    gaps = np.abs(months[:, None] - months)
    r = inputs.serial**gaps if inputs.serial else np.eye(waves)
    v = z @ inputs.family_covariance() @ z.T + inputs.residual_variance * r
    complete = inputs.missed == 0 and max(inputs.dropout) == 0
    seen = (
        np.ones((1, waves), dtype=bool)
        if complete
        else draw_visits(inputs, _PATTERNS, np.random.default_rng(1))
    )
    patterns, counts = np.unique(seen, axis=0, return_counts=True)
    total = np.zeros((2, 2))
    for pattern, n in zip(patterns, counts, strict=True):
        mine = z[pattern]
        total += n * mine.T @ np.linalg.solve(v[np.ix_(pattern, pattern)], mine)
    return float(np.linalg.inv(total / counts.sum())[1, 1])


def closed_form(question: Question, inputs: Inputs) -> dict[str, float]:
    """The measures of a question by formula; those for which there is none are left out.

    Parameters
    ----------
    question : Question
    inputs : Inputs
    """
    k = inputs.organisations
    if inputs.workers > 1 and (inputs.sd_slope_worker > 0 or inputs.icc_worker > 0):
        return {}
    if k > 1 and not question.fixed(inputs) and question.extra is None:
        return {}
    own = inputs.last_month**2 * slope_variance(inputs) / inputs.family_counts()
    if question.name == "reliability":
        tau2 = (inputs.last_month * inputs.sd_slope_organisation) ** 2 * (1.0 - 1.0 / k)
        return {"reliability": float(k * tau2 / (k * tau2 + _centred(own).sum()))}
    variance = _variance(question, inputs, own)
    df = _degrees(question, inputs)
    if df < 1:
        return {}
    error = float(np.sqrt(variance))
    margin = float(t_quantile(1.0 - inputs.alpha / 2.0, df)) * error
    return {
        "power": power_of_t(inputs.effect / error, df, inputs.alpha),
        "margin": margin,
    }


def _centred(own: FloatArray) -> FloatArray:
    """Variances of the distances from the mean of all."""
    k = len(own)
    return np.asarray(own * (1.0 - 2.0 / k) + own.sum() / k**2)


def _variance(question: Question, inputs: Inputs, own: FloatArray) -> float:
    counts = np.sort(inputs.family_counts())
    own = np.sort(own)[::-1]
    if question.name == "mean_change":
        weights = counts / counts.sum()
        return float(np.sum(weights**2 * own))
    if question.name == "organisation_difference":
        return float(own[0] + own[1])
    if question.name == "organisation_distance":
        return float(_centred(own)[0])
    one = float(own[0] * counts[0])
    if question.name == "intervention":
        treated = np.round(counts * inputs.treated)
        return one / float(np.sum(treated * (counts - treated) / counts))
    return one / float(counts.sum() - inputs.organisations)


def _degrees(question: Question, inputs: Inputs) -> float:
    """Degrees of freedom: families where their changes differ, else measurements."""
    k, extra = inputs.organisations, question.extra is not None
    if inputs.sd_slope > 0:
        return float(inputs.families - k - extra)
    seen = inputs.retained() * (1.0 - inputs.missed * (np.arange(inputs.waves) > 0))
    return float(inputs.families * (seen.sum() - 1.0) - k - extra)
