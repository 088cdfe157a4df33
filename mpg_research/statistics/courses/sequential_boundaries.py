"""Looking at one course again and again, with the error rate kept for the whole of it.

A trend that is estimated anew at every wave is a random walk in information time: with I_k = 1 / SE_k^2 the
score process S_k = I_k b_k has independent normal increments with variance I_k - I_(k-1) and drift b. The
critical values here keep the chance that the walk *ever* leaves its bounds, over all looks together, at a
chosen rate, spent over time by a rule that is fixed beforehand and needs neither the number of looks nor
their moments in advance. Each critical value depends on the looks up to then only.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from mpg_research.arrays import FloatArray

__all__ = ["bonferroni_boundary", "sequential_boundary", "spent_error"]


#: Nodes of the grid on which the density of the walk is carried from look to look.
_NODES = 81
#: Standard deviations that an open side of the grid reaches out.
_REACH = 8.0
#: A look that adds less than this share of the information so far is no look of its own.
_LEAST_GAIN = 0.005
#: Courses worked on together: enough to be fast, few enough for the processor's cache.
_AT_ONCE = 40
#: Critical values above this are not looked for: the chance is below 1e-15.
_LARGEST = 8.0
#: Newton steps towards a critical value at most, and a step that changes nothing that is used.
_STEPS, _EXACT = 40, 1e-12


def spent_error(time: ArrayLike, *, error: float, half_time: float) -> FloatArray:
    """How much of the error rate may have been used by each moment.

    Parameters
    ----------
    time : array_like
        Time since the start; negative times count as 0.
    error : float
        Error rate of the whole course, however long it lasts.
    half_time : float
        Time by which half of it is used.

    Returns
    -------
    ndarray
        error t^2 / (t^2 + half_time^2): little at first, when an answer would be rash, and something is
        always left for later.
    """
    t2 = np.maximum(np.asarray(time, dtype=float), 0.0) ** 2
    return np.asarray(error * t2 / (t2 + half_time**2))


def bonferroni_boundary(spent: ArrayLike, *, two_sided: bool) -> FloatArray:
    """Critical z-values that hold whatever the dependence between the looks.

    Parameters
    ----------
    spent : array_like, shape (n, K)
        Error used up to and including each look, never falling.
    two_sided : bool

    Returns
    -------
    ndarray, shape (n, K)
        Infinite where nothing is spent at a look.
    """
    used = np.diff(np.asarray(spent, dtype=float), axis=1, prepend=0.0)
    return _quantile(used / 2 if two_sided else used)


def _quantile(tail: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.where(tail > 0, -ndtri(np.clip(tail, 0, 0.5)), np.inf)


def sequential_boundary(information: ArrayLike, spent: ArrayLike, *, two_sided: bool) -> FloatArray:
    """Critical z-values for successive looks at n courses.

    Parameters
    ----------
    information : array_like, shape (n, K)
        1 / SE^2 of the trend at each look, never falling; 0 or NaN where there is no trend yet. A look
        that adds next to no information (waves on one day) gets an infinite critical value.
    spent : array_like, shape (n, K)
        Error that may have been used up to and including each look (:func:`spent_error`).
    two_sided : bool
        Whether the walk may leave on either side, or upwards only.

    Returns
    -------
    ndarray, shape (n, K)
        With no drift, the chance that z_j exceeds its critical value (its absolute value, two-sided) at
        any look j up to k equals ``spent[:, k]``, up to what earlier looks without information left.

    Notes
    -----
    The density of the walk among the paths that stayed inside is carried forward by numerical integration
    over a grid, and each critical value solved for by Newton's method.

    References
    ----------
    Lan, K. K. G. & DeMets, D. L. (1983). Biometrika, 70, 659-663. https://doi.org/10.1093/biomet/70.3.659

    Armitage, P., McPherson, C. K. & Rowe, B. C. (1969). Journal of the Royal Statistical Society A, 132,
    235-244. https://doi.org/10.2307/2343787

    Examples
    --------
    >>> looks = sequential_boundary([[1.0, 2.0]], [[0.025, 0.05]], two_sided=True)
    >>> looks.round(2).tolist()
    [[2.24, 2.13]]
    """
    info = np.nan_to_num(np.asarray(information, dtype=float))
    allowed = np.asarray(spent, dtype=float)
    if info.shape != allowed.shape or info.ndim != 2:
        raise ValueError("information and spent must be tables of the same shape")
    # Courses with the same moments share their boundary.
    both = np.concatenate([info, allowed], axis=1)
    distinct, place = np.unique(both, axis=0, return_inverse=True)
    half = info.shape[1]
    parts = [distinct[start : start + _AT_ONCE] for start in range(0, len(distinct), _AT_ONCE)]
    found = [_boundary(part[:, :half], part[:, half:], two_sided) for part in parts]
    return np.concatenate(found)[place.ravel()] if found else np.zeros(info.shape)


def _boundary(info: FloatArray, allowed: FloatArray, two_sided: bool) -> FloatArray:
    n, looks = info.shape
    critical = np.full((n, looks), np.inf)
    walk = _Walk(n, two_sided)
    for look in range(looks):
        gains = info[:, look] > walk.information * (1 + _LEAST_GAIN) + 1e-12
        rows = np.flatnonzero(gains & (allowed[:, look] > walk.used))
        if len(rows):
            critical[rows, look] = walk.step(rows, info[rows, look], allowed[rows, look])
    return critical


class _Walk:
    """Densities of the walks of n courses among the paths that stayed inside, on a grid each."""

    def __init__(self, n: int, two_sided: bool) -> None:
        self.two_sided = two_sided
        self.information = np.zeros(n)
        self.used = np.zeros(n)
        self.nodes = np.zeros((n, _NODES))
        self.mass = np.zeros((n, _NODES))
        self.mass[:, 0] = 1.0  # all mass at zero before the first look

    def step(self, rows: NDArray[np.intp], information: FloatArray, allowed: FloatArray) -> FloatArray:
        """Critical z of the next look of these courses; their densities are carried there."""
        spread = np.sqrt(information - self.information[rows])
        root = np.sqrt(information)
        critical = self._critical(rows, allowed - self.used[rows], root, spread)
        self.used[rows] += self._beyond(rows, critical * root, spread)[0]
        bottom = -critical * root if self.two_sided else -_REACH * root
        nodes, weights = _simpson(bottom, critical * root)
        # Two-sided, what arrives at a node arrives at its mirror image too.
        asked = nodes[:, : _NODES // 2 + 1] if self.two_sided else nodes
        # (courses, new nodes, old nodes): density of arriving at a node from each old one.
        arrive = asked[:, :, None] - self.nodes[rows][:, None, :]
        arrive *= arrive
        arrive *= (-0.5 / spread**2)[:, None, None]
        np.exp(arrive, out=arrive)
        density = (arrive @ self.mass[rows][:, :, None])[:, :, 0] / (np.sqrt(2 * np.pi) * spread[:, None])
        if self.two_sided:
            density = np.concatenate([density, density[:, -2::-1]], axis=1)
        self.nodes[rows], self.mass[rows] = nodes, density * weights
        self.information[rows] = information
        return critical

    def _critical(
        self, rows: NDArray[np.intp], wanted: FloatArray, root: FloatArray, spread: FloatArray
    ) -> FloatArray:
        """Critical z beyond which the chance is what is wanted.

        By Newton steps on its logarithm: that is concave, so that they come down from a z that is too high.
        """
        critical = np.minimum(_quantile(wanted / 2 if self.two_sided else wanted), _LARGEST)
        for _ in range(_STEPS):
            chance, density = self._beyond(rows, critical * root, spread)
            with np.errstate(all="ignore"):
                move = chance / (density * root) * np.log(chance / wanted)
            move = np.where(np.isfinite(move), move, 0.0)
            critical = np.clip(critical + move, 0.0, _LARGEST)
            if np.all(np.abs(move) < _EXACT):
                break
        return critical

    def _beyond(
        self, rows: NDArray[np.intp], bound: FloatArray, spread: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Chance of leaving at this look, having stayed inside before, and its density at the bound.

        Two-sided both are twice those of the upper side, since the walk is symmetric.
        """
        mass = (2.0 if self.two_sided else 1.0) * self.mass[rows]
        z = (self.nodes[rows] - bound[:, None]) / spread[:, None]
        chance = (ndtr(z) * mass).sum(axis=1)
        density = (np.exp(-0.5 * z * z) * mass).sum(axis=1) / (np.sqrt(2 * np.pi) * spread)
        return np.asarray(chance), np.asarray(density)


def _simpson(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Simpson's rule between limits, shape (n, nodes) each."""
    share = np.linspace(0.0, 1.0, _NODES)
    pattern = np.where(np.arange(_NODES) % 2 == 1, 4.0, 2.0)
    pattern[[0, -1]] = 1.0
    width = (high - low)[:, None]
    return low[:, None] + share * width, pattern * width / (3 * (_NODES - 1))
