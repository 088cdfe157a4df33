"""Numerators and standard errors of the six reliable-change methods."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mpg_research.arrays import FloatArray

__all__ = ["ChangeMethod", "Moments", "effect_of", "index_spread", "moments_of"]

ChangeMethod = Literal["JT", "GLN", "HLL", "EN", "NK", "HA"]


@dataclass(frozen=True, slots=True)
class Moments:
    """What the methods are computed from.

    Attributes
    ----------
    mean_pre, mean_post, sd_pre, sd_post : float
        In points; NaN where too few pairs are known and none was given.
    correlation : float
        Between pre and post.
    reliability, reliability_post : float
    sd_post_given : float or None
        The post spread, if it was given.
    n_pairs : int
        Persons with both scores.
    """

    mean_pre: float
    mean_post: float
    sd_pre: float
    sd_post: float
    correlation: float
    reliability: float
    reliability_post: float
    sd_post_given: float | None
    n_pairs: int

    @property
    def error(self) -> float:
        """Standard error of measurement, in points."""
        return self.sd_pre * float(np.sqrt(1 - self.reliability))


def moments_of(
    x: FloatArray,
    y: FloatArray,
    reliability: float,
    reliability_post: float | None,
    sd: float | None,
    mean_pre: float | None,
    mean_post: float | None,
    sd_post: float | None,
) -> Moments:
    """Moments of the complete pairs where none are given; NaN with fewer than two pairs."""
    both = ~np.isnan(x) & ~np.isnan(y)
    one, two = x[both], y[both]
    some, several = len(one) > 0, len(one) > 1
    spread = (_spread(one), _spread(two)) if several else (np.nan, np.nan)
    together = float(np.cov(one, two)[0, 1]) if several else np.nan
    # Scores that do not spread share nothing.
    correlation = together / (spread[0] * spread[1]) if spread[0] * spread[1] != 0 else 0.0
    return Moments(
        mean_pre=mean_pre if mean_pre is not None else float(one.mean()) if some else np.nan,
        mean_post=mean_post if mean_post is not None else float(two.mean()) if some else np.nan,
        sd_pre=spread[0] if sd is None else float(sd),
        sd_post=spread[1] if sd_post is None else float(sd_post),
        correlation=correlation,
        reliability=reliability,
        reliability_post=reliability if reliability_post is None else reliability_post,
        sd_post_given=sd_post,
        n_pairs=len(one),
    )


def _spread(scores: FloatArray) -> float:
    """Standard deviation; 0 where the scores differ by rounding only."""
    return 0.0 if np.ptp(scores) <= 1e-12 * np.abs(scores).max() else float(np.std(scores, ddof=1))


def effect_of(x: FloatArray, y: FloatArray, m: Moments, method: ChangeMethod) -> tuple[FloatArray, float]:
    """Numerator (points) and standard error of a method."""
    r = m.reliability
    error = m.error
    beyond_expected = y - (m.mean_pre + r * (x - m.mean_pre))
    estimate_error = m.sd_pre * float(np.sqrt(1 - r**2))
    if method == "JT":
        return y - x, float(np.sqrt(2)) * error
    if method == "GLN":
        return beyond_expected, estimate_error
    if method == "HLL":
        return (y - m.mean_post) - r * (x - m.mean_pre), estimate_error
    if method == "EN":
        return beyond_expected, error
    if method == "NK":
        sd_after = m.sd_pre if m.sd_post_given is None else m.sd_post_given
        before, after = m.sd_pre**2 * r**2 * (1 - r), sd_after**2 * (1 - m.reliability_post)
        return beyond_expected, float(np.sqrt(before + after))
    r_dd = _reliability_of_differences(m)
    if np.isnan(r_dd):
        return np.full(x.shape, np.nan), float("nan")
    drift = (m.mean_post - m.mean_pre) * (1 - r_dd)
    return (y - x) * r_dd + drift, float(np.sqrt(2 * r_dd)) * error


def _reliability_of_differences(m: Moments) -> float:
    """Share of the spread of the changes that is true; NaN where they spread no more than error brings."""
    variance = m.sd_pre**2 + m.sd_post**2 - 2 * m.sd_pre * m.sd_post * m.correlation
    true_variance = variance - 2 * m.error**2
    # A difference of rounding is none.
    return true_variance / variance if variance > 0 and true_variance > 1e-12 * variance else float("nan")


def index_spread(m: Moments, method: ChangeMethod) -> float:
    """Standard deviation of a method's index among persons who did not change; 1 where it keeps its level.

    Of persons of one group whose true scores are the same at both moments, with mean change zero. Edwards and
    Nunnally leave out that the regressed pre score has an error too, so sqrt(1 + r); Nunnally and Kotsch
    count it with r^2 in place of r.
    """
    r = m.reliability
    if method == "EN":
        return float(np.sqrt(1 + r))
    if method == "NK":
        sd_after = m.sd_pre if m.sd_post_given is None else m.sd_post_given
        own, after = m.sd_pre**2 * r * (1 - r), sd_after**2 * (1 - m.reliability_post)
        return float(np.sqrt((own + after) / (own * r + after))) if own + after > 0 else float("nan")
    if method == "HA":
        return float(np.sqrt(_reliability_of_differences(m)))
    return 1.0
