"""Bootstrap of whole clusters by reweighting what is stored of each: nothing is fitted again."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.economics.follow_up import read_followed
from mpg_research.statistics.economics.reading import read_clusters, read_groups, read_numbers

__all__ = [
    "Blocks",
    "CensoredBlocks",
    "JointReplications",
    "RegressionBlocks",
    "censored_blocks",
    "drawn_counts",
    "joint_bootstrap",
    "regression_blocks",
    "weighted_solutions",
]

#: Numbers (replications times clusters) that are drawn at once. Part of the definition: not of the draws.
_AT_ONCE = 4_000_000
#: A normal matrix whose condition number (in units of its diagonal) exceeds this has no answer.
_NO_ANSWER = 1e12


class Blocks(Protocol):
    """What a bootstrap of clusters asks of an estimate."""

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        ...

    def estimates(self, counts: FloatArray) -> FloatArray:
        """Estimate with each cluster counted so often: from shape (r, G) to (r,); NaN where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class RegressionBlocks:
    """A coefficient of a (generalised) least squares regression, as sums per cluster.

    Attributes
    ----------
    left : ndarray, shape (G, p, p)
        X' V^-1 X of each cluster.
    right : ndarray, shape (G, p)
        X' V^-1 y of each cluster.
    coefficient : int
    """

    left: FloatArray
    right: FloatArray
    coefficient: int

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.left.shape[0])

    def estimates(self, counts: FloatArray) -> FloatArray:
        """The coefficient with each cluster counted so often, shape (r,).

        Parameters
        ----------
        counts : ndarray, shape (r, G)
        """
        return self.coefficients(counts)[:, self.coefficient]

    def coefficients(self, counts: FloatArray) -> FloatArray:
        """All coefficients with each cluster counted so often, shape (r, p); NaN where there is no answer.

        Parameters
        ----------
        counts : ndarray, shape (r, G)
        """
        return weighted_solutions(counts, self.left, self.right[:, :, None])[:, :, 0]


def weighted_solutions(counts: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """Coefficients of several outcomes with each cluster counted so often.

    Parameters
    ----------
    counts : ndarray, shape (r, G)
    left : ndarray, shape (G, p, p)
        X' V^-1 X of each cluster.
    right : ndarray, shape (G, p, m)
        X' V^-1 y of each cluster and outcome.

    Returns
    -------
    ndarray, shape (r, p, m)
        NaN where there is no answer.
    """
    g, p, m = right.shape
    square = (counts @ left.reshape(g, p * p)).reshape(-1, p, p)
    side = (counts @ right.reshape(g, p * m)).reshape(-1, p, m)
    size = np.sqrt(np.maximum(np.diagonal(square, axis1=1, axis2=2), 0))
    size = np.where(size > 0, size, 1.0)
    scaled = square / (size[:, :, None] * size[:, None, :])
    values = np.linalg.eigvalsh(scaled)
    good = values[:, 0] > values[:, -1] / _NO_ANSWER
    found = np.full((counts.shape[0], p, m), np.nan)
    if good.any():
        found[good] = np.linalg.solve(scaled[good], side[good] / size[good][:, :, None])
        found[good] /= size[good][:, :, None]
    return found


@dataclass(frozen=True, slots=True)
class CensoredBlocks:
    """Difference between two groups in a mean with incomplete follow-up, as sums per cluster.

    Attributes
    ----------
    families : ndarray, shape (2, G)
    known : tuple of ndarray, each of shape (G, m + 1)
        Per group, known amounts by how many of the m moments of stopping they lie behind.
    stopped, at_risk : tuple of ndarray, each of shape (G, m)
        Per group, at each moment.
    """

    families: FloatArray
    known: tuple[FloatArray, FloatArray]
    stopped: tuple[FloatArray, FloatArray]
    at_risk: tuple[FloatArray, FloatArray]

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.families.shape[1])

    def estimates(self, counts: FloatArray) -> FloatArray:
        """The difference with each cluster counted so often, shape (r,).

        Parameters
        ----------
        counts : ndarray, shape (r, G)
        """
        found = np.zeros(counts.shape[0])
        for side, sign in ((0, -1.0), (1, 1.0)):
            risk, gone = counts @ self.at_risk[side], counts @ self.stopped[side]
            with np.errstate(all="ignore"):
                stay = np.where(risk > 0, 1 - gone / risk, 1.0)
                curve = np.concatenate([np.ones((counts.shape[0], 1)), np.cumprod(stay, axis=1)], axis=1)
                known = counts @ self.known[side]
                weighted = np.where(known == 0, 0.0, known / curve)
                mean = weighted.sum(axis=1) / (counts @ self.families[side])
            # Where everybody who was left stops at one moment, nothing is known of what comes after.
            lost = (curve[:, -1] <= 0) if curve.shape[1] > 1 else np.zeros(counts.shape[0], dtype=bool)
            found += sign * np.where(np.isfinite(mean) & ~lost, mean, np.nan)
        return found


def regression_blocks(
    design: ArrayLike,
    outcome: ArrayLike,
    *,
    coefficient: int,
    clusters: ArrayLike,
    shared: float = 0.0,
    weight: ArrayLike | None = None,
) -> RegressionBlocks:
    """Sums per cluster of a regression; with ``shared`` those of a mixed model with an intercept per cluster.

    Parameters
    ----------
    design : array_like, shape (n, p)
        With a column of ones.
    outcome : array_like, shape (n,)
    coefficient : int
        The column whose coefficient is wanted: the group.
    clusters : array_like, shape (n,)
        Workers; the order of the blocks is that of their sorted names.
    shared : float
        Variance between clusters over that within, held at the estimate. For any other mixed model the blocks
        X' V^-1 X and X' V^-1 y can be given to :class:`RegressionBlocks` as they are.
    weight : array_like, shape (n,), optional
        Inverse chances; not together with ``shared``.

    Returns
    -------
    RegressionBlocks

    Raises
    ------
    ValueError
        If a number is missing, or the column is none.
    """
    y = read_numbers(outcome, "outcome")
    n = y.size
    x = read_numbers(design, "design", n=n, dimensions=(2,))
    codes, g = read_clusters(clusters, n)
    p = x.shape[1]
    if not 0 <= coefficient < p:
        raise ValueError(f"coefficient is {coefficient}; expected a column of the design, 0 to {p - 1}")
    if shared < 0 or not np.isfinite(shared) or (shared > 0 and weight is not None):
        raise ValueError("shared is a ratio of variances, zero or more, and does not go with weights")
    w = np.ones(n) if weight is None else read_numbers(weight, "weight", n=n, least=0)
    table = np.column_stack([x, y])
    products = np.zeros((g, p + 1, p + 1))
    for i in range(p + 1):
        for j in range(p + 1):
            products[:, i, j] = np.bincount(codes, w * table[:, i] * table[:, j], minlength=g)
    if shared > 0:
        sums = cluster_sums(table, codes, g)
        less = shared / (1 + shared * np.bincount(codes, minlength=g))
        products = products - less[:, None, None] * sums[:, :, None] * sums[:, None, :]
    return RegressionBlocks(products[:, :p, :p], products[:, :p, p], coefficient)


def censored_blocks(
    amounts: ArrayLike,
    time: ArrayLike,
    *,
    ended: ArrayLike,
    edges: ArrayLike,
    group: ArrayLike,
    clusters: ArrayLike,
) -> CensoredBlocks:
    """Sums per cluster of the partitioned mean of :mod:`.censored_costs`, in two groups.

    Parameters
    ----------
    amounts : array_like, shape (n, J)
    time, ended : array_like, shape (n,)
    edges : array_like, shape (J + 1,)
    group : array_like of bool or 0 and 1, shape (n,)
    clusters : array_like, shape (n,)

    Returns
    -------
    CensoredBlocks

    Raises
    ------
    ValueError
        As :func:`~mpg_research.statistics.economics.follow_up.read_followed`, or if a group is empty.

    Notes
    -----
    The chance of being followed is estimated anew in every replication. Times in whole days or months keep
    the blocks small: they have a column per moment at which somebody stops.
    """
    mine = read_groups(group)
    n = mine.size
    t, over = read_numbers(time, "time", n=n, above=0), np.asarray(ended)
    money = np.asarray(amounts, dtype=float).reshape(n, -1)
    codes, g = read_clusters(clusters, n)
    families = np.stack([np.bincount(codes[mine == side], minlength=g) for side in (0, 1)]).astype(float)
    parts = []
    for side in (0, 1):
        rows = mine == side
        seen = read_followed(t[rows], over[rows], edges=edges)
        m, own = seen.moments.size, codes[rows]
        known = np.where(seen.complete, money[rows], 0.0)
        if not np.isfinite(known).all():
            raise ValueError("an amount is missing in an interval that is known completely; complete it")
        place = np.searchsorted(seen.moments, seen.until, side="left")
        cells = np.zeros((g, m + 1))
        np.add.at(cells, (np.repeat(own, place.shape[1]), place.ravel()), known.ravel())
        stopped, leaves = np.zeros((g, m)), np.zeros((g, m + 1))
        stop = seen.stop_at >= 0
        np.add.at(stopped, (own[stop], seen.stop_at[stop]), 1.0)
        np.add.at(leaves, (own, seen.n_risks), 1.0)
        risk = families[side][:, None] - np.cumsum(leaves, axis=1)[:, :m]
        parts.append((cells, stopped, risk))
    (known0, stopped0, risk0), (known1, stopped1, risk1) = parts
    return CensoredBlocks(families, (known0, known1), (stopped0, stopped1), (risk0, risk1))


@dataclass(frozen=True, slots=True)
class JointReplications:
    """Replications of a difference in costs and in effects; pairs of shape (r,).

    Attributes
    ----------
    cost, effect : ndarray, shape (r,)
        Only replications in which both have an answer.
    cost_estimate, effect_estimate : float
        With every cluster once.
    covariance : ndarray, shape (2, 2)
        Of the replications (cost, effect).
    n_asked, n_clusters : int
    """

    cost: FloatArray
    effect: FloatArray
    cost_estimate: float
    effect_estimate: float
    covariance: FloatArray
    n_asked: int
    n_clusters: int

    def net_benefit_interval(self, threshold: float, *, level: float = 0.95) -> tuple[float, float]:
        """Percentiles of the net monetary benefit.

        Parameters
        ----------
        threshold : float
            Euros per unit of effect.
        level : float
        """
        ends = np.quantile(threshold * self.effect - self.cost, [(1 - level) / 2, (1 + level) / 2])
        return float(ends[0]), float(ends[1])


def joint_bootstrap(
    cost: Blocks,
    effect: Blocks,
    *,
    strata: ArrayLike | None = None,
    replications: int = 2000,
    rng: np.random.Generator | int = 1,
) -> JointReplications:
    """Replications of two estimates with the same clusters drawn with replacement.

    Parameters
    ----------
    cost, effect : Blocks
        Of the same clusters in the same order.
    strata : array_like, shape (G,), optional
        Within which clusters are drawn: the group, where every cluster lies in one; organisations that were
        chosen, not drawn.
    replications : int
    rng : Generator or int

    Returns
    -------
    JointReplications

    Raises
    ------
    ValueError
        If the clusters differ, there is one cluster in a stratum, or fewer than half of the replications have
        an answer.

    Notes
    -----
    Only clusters are drawn, with all families they have (one stage). Drawing families within them once more
    counts the spread within clusters twice, unless the means are shrunken first, which needs clusters of one
    size and no case mix (Davison & Hinkley, section 3.8). The price: with fewer than about twenty clusters in
    a stratum the spread comes out too small, by the factor (G - 1) / G of variances and more with unequal
    sizes; there the sandwich with its degrees of freedom
    (:func:`~mpg_research.statistics.economics.net_benefit.joint_difference`) is the better answer.

    References
    ----------
    Davison, A. C. & Hinkley, D. V. (1997). *Bootstrap methods and their application*. Cambridge.
    https://doi.org/10.1017/CBO9780511802843

    Gomes, M., Ng, E. S.-W., Grieve, R., Nixon, R., Carpenter, J. & Thompson, S. G. (2012). Developing
    appropriate methods for cost-effectiveness analysis of cluster randomized trials. *Medical Decision
    Making*, 32, 350-361. https://doi.org/10.1177/0272989X11418372
    """
    g = cost.n_clusters
    if effect.n_clusters != g:
        raise ValueError(
            f"costs have {g} clusters and effects {effect.n_clusters}; make both of the same rows"
        )
    if replications < 2:
        raise ValueError(f"replications is {replications}; expected 2 or more")
    where = np.zeros(g, dtype=np.intp) if strata is None else read_clusters(strata, g)[0]
    sizes = np.bincount(where)
    if (sizes < 2).any():
        raise ValueError("a stratum has one cluster, which cannot vary; take it together with another")
    generator = np.random.default_rng(rng)
    step = max(1, _AT_ONCE // g)
    once = np.ones((1, g))
    drawn: list[FloatArray] = []
    for start in range(0, replications, step):
        counts = drawn_counts(min(step, replications - start), where, sizes, generator)
        drawn.append(np.stack([cost.estimates(counts), effect.estimates(counts)], axis=1))
    pairs = np.concatenate(drawn)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if 2 * pairs.shape[0] < replications:
        raise ValueError(
            f"only {pairs.shape[0]} of {replications} replications have an answer; expected clusters of "
            "both groups in nearly all; draw within groups (strata), or take a shorter horizon"
        )
    return JointReplications(
        pairs[:, 0],
        pairs[:, 1],
        float(cost.estimates(once)[0]),
        float(effect.estimates(once)[0]),
        np.cov(pairs.T),
        replications,
        g,
    )


def drawn_counts(n: int, where: IntArray, sizes: IntArray, rng: np.random.Generator) -> FloatArray:
    """How often each cluster is drawn: multinomial within strata.

    Parameters
    ----------
    n : int
        Replications.
    where : ndarray of int, shape (G,)
        Stratum of each cluster.
    sizes : ndarray of int
        Clusters of each stratum.
    rng : Generator

    Returns
    -------
    ndarray, shape (n, G)
    """
    counts = np.zeros((n, where.size))
    for stratum, size in enumerate(sizes.tolist()):
        counts[:, where == stratum] = rng.multinomial(size, np.full(size, 1 / size), size=n)
    return counts
