"""How single scores swing around each person's own line: how long a swing lasts, and whose are large.

A score is a line of the person's own plus a swing. Swings may carry over from one measurement to the next
(part of them: the rest is noise of that one measurement), and they may be larger in one person than in
another. Both make a trend look surer than it is when they are left out of account. Everything here is
estimated around fixed lines of each person, whatever their levels and slopes, and at each moment from the
scores up to then only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import polygamma

from mpg_research.arrays import FloatArray
from mpg_research.statistics.courses.spread_of_swings import spread_of_swings

__all__ = [
    "INDEPENDENT",
    "RunningLines",
    "Swings",
    "SwingsNow",
    "estimate_swings",
    "least_squares_slope",
    "running_lines",
]


#: Correlations from one unit of time to the next that are looked at.
_CORRELATIONS = np.arange(0.0, 0.91, 0.1)
#: How much longer swings last than their correlation alone would say: 0 is all carried over, no noise.
_PERSISTENCE = np.array([0.0, 0.25, 0.5, 0.75])
#: Share of noise that two waves close together have at least.
_LEAST_NOISE = 0.02
#: Gain in log-likelihood over independent swings from which a correlation is believed (Akaike's), in a study
#: with so many degrees of freedom that no gain means no correlation; in smaller ones it means not to know.
_LEAST_GAIN, _MUCH_DF = 1.0, 1000
#: Log-likelihood below the highest at which a persistence still fits; found by simulation, for the most
#: part with other seeds than those of the benchmark: 0 makes answers too sure with 60 families, 0.5 costs a
#: tenth of them.
_ALLOWANCE = 0.25
#: Courses from which the correlation is estimated, evenly spread over all: more would make it no surer.
_MOST_COURSES = 1000
#: Below this correlation from one unit of time to the next, swings count as independent.
_LEAST_CORRELATION = 0.05
#: Three waves hold one number about a line's residuals, which cannot tell size from correlation: it takes
#: five.
_LEAST_WAVES = 5
#: Degrees of freedom of courses of that length from which a correlation is estimated.
_LEAST_DF = 60


@dataclass(frozen=True, slots=True)
class Swings:
    """How scores swing around the persons' own lines, as known from each moment on.

    Attributes
    ----------
    time : ndarray, shape (n_moments,)
        Rising; what is known at a moment holds until the next one.
    carry_over : ndarray, shape (n_moments,)
        Correlation of the lasting part of the swings over one unit of time; 0 where swings are independent,
        NaN where too little is known.
    noise : ndarray, shape (n_moments,)
        Share of the swings' variance that is noise of a single measurement.
    spread_df : ndarray, shape (n_moments,)
        Degrees of freedom of the distribution of the persons' variances (inverse chi-square); infinite where
        all swing alike.
    scale : ndarray, shape (n_moments,)
        Standard deviation of the swings over the root mean square of residuals around own least-squares
        lines, which follow lasting swings in part: 1 where they are independent.
    """

    time: FloatArray
    carry_over: FloatArray
    noise: FloatArray
    spread_df: FloatArray
    scale: FloatArray

    def at(self, time: ArrayLike) -> NDArray[np.intp]:
        """Position of what is known at each time; 0 before the first moment."""
        found = np.searchsorted(self.time, np.asarray(time, dtype=float) + 1e-9, side="right") - 1
        return np.maximum(found, 0)

    @property
    def known(self) -> bool:
        """Whether anything is known at any moment."""
        return bool((~np.isnan(self.carry_over)).any())

    @property
    def last_known(self) -> "SwingsNow":
        """The swings at the last moment at which they are known; independent where they never are."""
        places = np.flatnonzero(~np.isnan(self.carry_over))
        if not len(places):
            return SwingsNow(0.0, 1.0, float("inf"), 1.0)
        tables = (self.carry_over, self.noise, self.spread_df, self.scale)
        carry_over, noise, spread_df, scale = (float(table[places[-1]]) for table in tables)
        return SwingsNow(carry_over, noise, spread_df, scale)


@dataclass(frozen=True, slots=True)
class SwingsNow:
    """Swings at one moment; the fields are those of :class:`Swings`."""

    carry_over: float
    noise: float
    spread_df: float
    scale: float

    @property
    def correlation(self) -> float:
        """Correlation of two swings one unit of time apart."""
        return self.carry_over * (1 - self.noise)

    @property
    def spread(self) -> float:
        """Standard deviation of the logarithm of the persons' standard deviations."""
        return float(np.sqrt(polygamma(1, self.spread_df / 2)) / 2) if np.isfinite(self.spread_df) else 0.0


def _one(carry_over: float) -> Swings:
    return Swings(*(np.array([x]) for x in (-np.inf, carry_over, 1.0, np.inf, 1.0)))


#: Independent swings of one size.
INDEPENDENT = _one(0.0)


@dataclass(frozen=True, slots=True)
class RunningLines:
    """Each course's own line through its waves up to and including each wave; arrays of shape (n, K).

    Attributes
    ----------
    slope : ndarray
        By generalised least squares; NaN where there is none.
    sxx : ndarray
        Information about the slope for swings of variance 1; 0 where there is none.
    squares : ndarray
        Squared residuals, weighted by the inverse of the swings' correlation.
    df : ndarray
        Degrees of freedom of ``squares``: waves less two; 0 at least.
    log_det : ndarray
        Logarithm of the determinants in the restricted likelihood.
    """

    slope: FloatArray
    sxx: FloatArray
    squares: FloatArray
    df: FloatArray
    log_det: FloatArray


def running_lines(time: ArrayLike, score: ArrayLike, *, carry_over: float, noise: float) -> RunningLines:
    """Own lines through the waves up to each wave, where swings carry over.

    Parameters
    ----------
    time, score : array_like, shape (n, K)
        Waves in order of time; NaN at the end where a course has fewer.
    carry_over : float
        Correlation of the lasting part over one unit of time, from 0 to below 1.
    noise : float
        Share of the variance that is noise, from 0 to 1.

    Returns
    -------
    RunningLines

    Notes
    -----
    The swing is an Ornstein-Uhlenbeck process plus white noise. Its filter turns the waves of a course into
    independent ones, each from earlier waves only, so that one pass gives the lines through all leading parts
    (Jones, R. H. 1993. Longitudinal data with serial correlation. Chapman & Hall). Slopes estimated this way
    from growing data have independent increments in information time (Jennison, C. & Turnbull, B. W. 1997.
    Journal of the American Statistical Association, 92, 1330-1341.).
    """
    t, y = np.asarray(time, dtype=float), np.asarray(score, dtype=float)
    n, waves = t.shape
    known = ~np.isnan(t) & ~np.isnan(y)
    x = np.where(known, t - t[:, :1], 0.0)
    z = np.where(known, y - y[:, :1], 0.0)
    mean, variance = np.zeros((3, n)), np.full(n, 1.0 - noise)
    sums, log_f, count = np.zeros((6, n, waves)), np.zeros((n, waves)), np.cumsum(known, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        for wave in range(waves):
            if wave:
                kept = carry_over ** np.where(known[:, wave], x[:, wave] - x[:, wave - 1], 0.0)
                mean *= kept
                variance = kept**2 * variance + (1 - noise) * (1 - kept**2)
            total = variance + noise
            # Nothing new: a second wave of one moment without noise of its own.
            new = known[:, wave] & (total > 1e-9)
            gain = np.where(new, variance / total, 0.0)
            row = np.stack([np.ones(n), x[:, wave], z[:, wave]]) - mean
            mean += gain * row
            variance = variance * (1 - gain)
            row *= np.where(new, 1 / np.sqrt(total), 0.0)
            one, two, three = row
            sums[:, :, wave] = one * one, one * two, two * two, one * three, two * three, three * three
            log_f[:, wave] = np.where(new, np.log(total), 0.0)
        a11, a12, a22, b1, b2, c = np.cumsum(sums, axis=2)
        sxx = a22 - a12**2 / a11
        # Moments closer than rounding are one moment.
        sxx = np.where(sxx > 1e-9, sxx, 0.0)
        slope = np.where(sxx > 0, (b2 - a12 * b1 / a11) / sxx, np.nan)
        squares = np.maximum(c - b1**2 / a11 - np.where(sxx > 0, slope**2 * sxx, 0.0), 0.0)
        log_det = np.cumsum(log_f, axis=1) + np.log(a11) + np.where(sxx > 0, np.log(sxx), 0.0)
    df = np.where(sxx > 0, np.maximum(count - 2.0, 0.0), 0.0)
    slope, sxx = np.where(known, slope, np.nan), np.where(known, sxx, 0.0)
    return RunningLines(slope, sxx, squares, df, log_det)


def least_squares_slope(
    time: ArrayLike, score: ArrayLike, *, carry_over: float, noise: float
) -> tuple[FloatArray, FloatArray]:
    """Plain least-squares slope of each course, with the error that lasting swings give it.

    Parameters
    ----------
    time, score : array_like, shape (n, K)
        NaN where there is no wave.
    carry_over, noise : float
        As in :func:`running_lines`.

    Returns
    -------
    slope : ndarray, shape (n,)
        NaN where all waves are at one moment.
    information : ndarray, shape (n,)
        1 over the slope's variance for swings of variance 1; 0 where there is no slope.
    """
    t, y = np.asarray(time, dtype=float), np.asarray(score, dtype=float)
    known = ~np.isnan(t) & ~np.isnan(y)
    x = np.where(known, t, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = x.sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
        weight = np.where(known, x - mean, 0.0)
        sxx = (weight**2).sum(axis=1, keepdims=True)
        weight = weight / np.where(sxx > 1e-9, sxx, np.nan)
        apart = np.abs(x[:, :, None] - x[:, None, :])
        alike = (1 - noise) * carry_over**apart + noise * np.eye(t.shape[1])
        slope = (weight * np.where(known, y, 0.0)).sum(axis=1)
        information = np.nan_to_num(1 / np.einsum("ni,nij,nj->n", weight, alike, weight))
    return slope, information


def moments_of_knowing(time: ArrayLike, unit: float) -> FloatArray:
    """Moments at which what is known is renewed: every unit of time at first, less often later."""
    t = np.asarray(time, dtype=float)
    whole = np.floor(t[np.isfinite(t)] / unit + 1e-9)
    step = np.select([whole <= 24, whole <= 60, whole <= 240], [1.0, 3.0, 12.0], 60.0)
    return np.unique(np.floor(whole / step) * step) * unit


def estimate_swings(time: ArrayLike, score: ArrayLike, *, unit: float = 1.0) -> Swings:
    """Estimate from many courses how long swings last and how much persons differ in them.

    Parameters
    ----------
    time, score : array_like, shape (n, K)
        Waves in order of time; NaN at the end where a course has fewer.
    unit : float
        Unit of time in which correlations are looked for, such as the usual time between waves.

    Returns
    -------
    Swings
        At each moment from the scores up to then; NaN where the courses with five waves or more are too few.

    Notes
    -----
    Restricted likelihood with a fixed line per person, maximised over the correlation; of the persistence
    (how much longer swings last than that correlation alone would say) the largest that fits about as well is
    taken. Below .05 the correlation is dropped. Given these, the persons' weighted residual sums of squares
    follow a scaled F distribution whose second degrees of freedom say how much persons differ (Smyth, G. K.
    2004. Statistical Applications in Genetics and Molecular Biology, 3, 3.
    https://doi.org/10.2202/1544-6115.1027).
    """
    t, y = np.asarray(time, dtype=float) / unit, np.asarray(score, dtype=float)
    moments = moments_of_knowing(t, 1.0)
    if not len(moments):
        return _one(np.nan)
    some = np.unique(np.linspace(0, len(t) - 1, min(len(t), _MOST_COURSES)).astype(int))
    likelihood = np.zeros((len(moments), len(_PERSISTENCE), len(_CORRELATIONS)))
    last = _last_waves(t[some], moments)
    for j, correlation in enumerate(_CORRELATIONS):
        for i, persistence in enumerate(_PERSISTENCE if j else _PERSISTENCE[:1]):
            carry, noise = _parts(float(correlation), float(persistence))
            lines = running_lines(t[some], y[some], carry_over=carry, noise=noise)
            likelihood[:, i, j] = _likelihood(lines, last)
    likelihood[:, 1:, 0] = likelihood[:, :1, 0]
    plain, last = running_lines(t, y, carry_over=0.0, noise=1.0), _last_waves(t, moments)
    found = np.array([_at_moment(t, y, plain, last[:, k], likelihood[k]) for k in range(len(moments))])
    return Swings(moments * unit, found[:, 0] ** (1 / unit), found[:, 1], found[:, 2], found[:, 3])


def _last_waves(t: FloatArray, moments: FloatArray) -> NDArray[np.intp]:
    """Last wave of each course up to each moment; -1 before its first."""
    return np.asarray((t[:, :, None] <= moments + 1e-9).sum(axis=1) - 1)


def _parts(correlation: float, persistence: float) -> tuple[float, float]:
    """Carry-over of the lasting part and share of noise, from what is one unit of time apart."""
    if correlation < _LEAST_CORRELATION:
        return 0.0, 1.0
    carry = correlation + persistence * (1 - correlation)
    return carry, max(1 - correlation / carry, _LEAST_NOISE)


def _up_to(table: FloatArray, last: NDArray[np.intp]) -> FloatArray:
    """Value of each course at its last wave up to each moment; 0 before its first."""
    return np.where(last >= 0, np.take_along_axis(table, np.maximum(last, 0), axis=1), 0.0)


def _likelihood(lines: RunningLines, last: NDArray[np.intp]) -> FloatArray:
    """Restricted log-likelihood at each moment, with the common variance at its best."""
    df = _up_to(lines.df, last)
    squares, det = (
        np.where(df > 0, _up_to(x, last), 0.0).sum(axis=0) for x in (lines.squares, lines.log_det)
    )
    total = df.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -0.5 * (det + total * np.log(squares / total))
    return np.where((total > 0) & (squares > 0), found, 0.0)


def _at_moment(
    t: FloatArray, y: FloatArray, plain: RunningLines, last: NDArray[np.intp], likelihood: FloatArray
) -> tuple[float, float, float, float]:
    """Carry-over, share of noise, spread and scale from the scores up to one moment."""
    df = _up_to(plain.df, last[:, None])[:, 0]
    if df[df >= _LEAST_WAVES - 2].sum() < _LEAST_DF:
        return np.nan, np.nan, np.nan, np.nan
    carry, noise = _parts(*_best(likelihood, float(df.sum())))
    lines = plain
    if carry > 0:
        most = int(last.max()) + 1
        lines = running_lines(t[:, :most], y[:, :most], carry_over=carry, noise=noise)
    squares, simple = (_up_to(x.squares, last[:, None])[:, 0] for x in (lines, plain))
    used = df > 0
    pooled = squares[used].sum()
    if not pooled > 0:
        return np.nan, np.nan, np.nan, np.nan
    scale = float(np.sqrt(pooled / simple[used].sum()))
    return carry, noise, spread_of_swings(squares[used], df[used]), scale


def _best(likelihood: FloatArray, df: float) -> tuple[float, float]:
    """Correlation at which the likelihood is highest, and the largest persistence that goes with it."""
    tops = [_top(_CORRELATIONS, row) for row in likelihood]
    heights = np.array([height for _, height in tops])
    nothing_gained = heights.max() - likelihood[0, 0] < _LEAST_GAIN and df >= _MUCH_DF
    if nothing_gained or tops[int(np.argmax(heights))][0] < _LEAST_CORRELATION:
        return 0.0, 0.0
    # As long-lasting as the scores allow: a maximum alone misses, in small studies, what lasts long, and
    # answers would be too sure. In large ones the two are the same.
    fine = np.linspace(_PERSISTENCE[0], _PERSISTENCE[-1], 31)
    allowed = fine[np.interp(fine, _PERSISTENCE, heights) >= heights.max() - _ALLOWANCE]
    persistence = float(allowed[-1])
    correlation = float(np.interp(persistence, _PERSISTENCE, [place for place, _ in tops]))
    return correlation, persistence


def _top(places: FloatArray, heights: FloatArray) -> tuple[float, float]:
    """Highest point of a curve known at equal distances: of a parabola through the highest three."""
    best = int(np.argmax(heights))
    if best in (0, len(places) - 1):
        best = min(max(best, 1), len(places) - 2)
    low, middle, high = heights[best - 1 : best + 2]
    bend = low - 2 * middle + high
    if bend >= 0:
        best = int(np.argmax(heights))
        return float(places[best]), float(heights[best])
    shift = float(np.clip((low - high) / (2 * bend), -1, 1))
    width = places[1] - places[0]
    return float(places[best] + shift * width), float(middle - (low - high) / 4 * shift)
