"""Differences in costs and in effects between groups, together, where the two rest on other rows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.economics.bootstrap import drawn_counts, weighted_solutions
from mpg_research.statistics.economics.net_benefit import JointDifference
from mpg_research.statistics.economics.reading import read_clusters, read_numbers
from mpg_research.statistics.trials.regression import weighted_regression

__all__ = [
    "FEW_CLUSTERS",
    "GroupDifferences",
    "GroupReplications",
    "Regression",
    "group_contrasts",
    "group_differences",
    "group_replications",
    "regression_of",
]

#: With so many clusters or fewer the sandwich is corrected for leverage (CR2), with Satterthwaite's degrees
#: of freedom; with more G / (G - 1) does, and the sums of squares stay small.
FEW_CLUSTERS = 150
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Regression:
    """Rows of a linear regression; of a mixed model, made independent at its variances.

    Attributes
    ----------
    design : ndarray, shape (n, p)
    outcome : ndarray, shape (n,)
    clusters : ndarray, shape (n,)
        Names of workers.
    columns : tuple of int, length k - 1
        Where the differences from the first group stand.
    weight : ndarray, shape (n,), optional
        Inverse chances, as known.
    """

    design: FloatArray
    outcome: FloatArray
    clusters: np.ndarray
    columns: tuple[int, ...]
    weight: FloatArray | None = None


def regression_of(
    outcome: ArrayLike, group: ArrayLike, *, case_mix: ArrayLike | None = None, clusters: ArrayLike,
    n_groups: int, weight: ArrayLike | None = None,
) -> Regression:  # fmt: skip
    """A regression on groups 0, 1, ... and a case mix.

    Parameters
    ----------
    outcome : array_like, shape (n,)
    group : array_like of int, shape (n,)
        0 is the group that the others are compared with.
    case_mix : array_like, shape (n, p), optional
    clusters : array_like, shape (n,)
    n_groups : int
    weight : array_like, shape (n,), optional

    Returns
    -------
    Regression
    """
    y = read_numbers(outcome, "outcome")
    mine = np.asarray(group).astype(int)
    parts = [np.ones((y.size, 1)), (mine[:, None] == np.arange(1, n_groups)).astype(float)]
    if case_mix is not None:
        parts.append(np.asarray(case_mix, dtype=float).reshape(y.size, -1))
    w = None if weight is None else read_numbers(weight, "weight", n=y.size, least=0)
    return Regression(np.hstack(parts), y, np.asarray(clusters), tuple(range(1, n_groups)), w)


@dataclass(frozen=True, slots=True)
class GroupDifferences:
    """Differences of k groups from the first, which is 0 by definition.

    Attributes
    ----------
    cost, effect : ndarray, shape (k,)
    covariance : ndarray, shape (2, 2, k, k)
        Of (cost, effect) by (cost, effect), for each pair of groups.
    df : ndarray, shape (2, k)
        Degrees of freedom of costs and of effects.
    n_clusters : int
    """

    cost: FloatArray
    effect: FloatArray
    covariance: FloatArray
    df: FloatArray
    n_clusters: int

    def between(self, one: int, other: int = 0) -> JointDifference:
        """The difference of one group less another.

        Parameters
        ----------
        one, other : int
            Places of groups.
        """
        v = self.covariance
        together = v[:, :, one, one] + v[:, :, other, other] - v[:, :, one, other] - v[:, :, other, one]
        places = [place for place in (one, other) if place]
        df = self.df[:, places].min(axis=1) if places else self.df.min(axis=1)
        return JointDifference(
            float(self.cost[one] - self.cost[other]), float(self.effect[one] - self.effect[other]),
            together, float(df[0]), float(df[1]), self.n_clusters,
        )  # fmt: skip


def group_differences(cost: Regression, effect: Regression) -> GroupDifferences:
    """Estimate differences in costs and in effects, with their covariance over clusters.

    Parameters
    ----------
    cost, effect : Regression
        Clusters of the same name are the same; each may have clusters that the other has not.

    Returns
    -------
    GroupDifferences

    Raises
    ------
    ValueError
        If a regression has no answer.

    Notes
    -----
    Both are one regression with a block of columns each, as in
    :func:`~mpg_research.statistics.economics.net_benefit.joint_difference`. Without weights the rows of a
    cluster are first turned (QR) into as many as there are columns: estimates, sandwich and degrees of
    freedom stay what they are.
    """
    parts = (cost, effect)
    scale = [float(part.outcome.std()) or 1.0 for part in parts]
    turned = [_turned(part) for part in parts]
    p, q = (part.design.shape[1] for part in parts)
    n = turned[0].outcome.size
    both = np.zeros((n + turned[1].outcome.size, p + q))
    both[:n, :p], both[n:, p:] = turned[0].design, turned[1].design
    codes, g = _codes(turned[0], turned[1])
    weight = None
    if any(part.weight is not None for part in turned):
        weight = np.concatenate(
            [np.ones(part.outcome.size) if part.weight is None else part.weight for part in turned]
        )
    fit = weighted_regression(
        both, np.concatenate([part.outcome / size for part, size in zip(turned, scale, strict=True)]),
        weight=weight, clusters=np.concatenate(codes),
        correction="leverage" if g <= FEW_CLUSTERS else "clusters",
    )  # fmt: skip
    if not fit.converged:
        raise ValueError(
            "the differences cannot be estimated: expected two clusters or more, more rows than columns, and "
            "a case mix of which no column follows from the others or from the groups"
        )
    at = [list(cost.columns), [p + column for column in effect.columns]]
    k = len(cost.columns) + 1
    estimate, df = np.zeros((2, k)), np.full((2, k), np.inf)
    covariance = np.zeros((2, 2, k, k))
    for one in (0, 1):
        estimate[one, 1:], df[one, 1:] = fit.estimate[at[one]] * scale[one], fit.df[at[one]]
        for other in (0, 1):
            covariance[one, other, 1:, 1:] = fit.covariance[np.ix_(at[one], at[other])] * (
                scale[one] * scale[other]
            )
    return GroupDifferences(estimate[0], estimate[1], covariance, df, g)


def group_contrasts(cost: Regression, effect: Regression, contrasts: ArrayLike) -> list[JointDifference]:
    """Contrasts of groups: each from the mean of all, or one from another.

    Parameters
    ----------
    cost, effect : Regression
    contrasts : array_like, shape (q, k)
        Rows that add up to zero over the k groups.

    Returns
    -------
    list of JointDifference, length q

    Raises
    ------
    ValueError
        If a regression has no answer.

    Notes
    -----
    Estimates and their covariance are those of one fit. Satterthwaite's degrees of freedom are of a
    coefficient, so with few clusters the groups are coded anew, as often as it takes to make each contrast
    one.
    """
    wanted = np.asarray(contrasts, dtype=float)
    found = group_differences(cost, effect)
    df = np.tile(found.df.min(axis=1), (len(wanted), 1))
    if found.n_clusters <= FEW_CLUSTERS:
        turned = [_turned(part) for part in (cost, effect)]
        for places in _independent_rows(wanted[:, 1:]):
            again = group_differences(*(_recoded(part, wanted[places, 1:]) for part in turned))
            df[places] = again.df[:, 1 : len(places) + 1].T
    return [
        JointDifference(
            cost=float(row @ found.cost), effect=float(row @ found.effect),
            covariance=found.covariance @ row @ row, df_cost=float(own[0]), df_effect=float(own[1]),
            n_clusters=found.n_clusters,
        )
        for row, own in zip(wanted, df, strict=True)
    ]  # fmt: skip


def _independent_rows(rows: FloatArray) -> list[list[int]]:
    """Places of rows in batches within which none follows from the others, in their order."""
    batches: list[list[int]] = []
    for place in range(len(rows)):
        tried = [*batches[-1], place] if batches else [place]
        if batches and np.linalg.matrix_rank(rows[tried]) == len(tried):
            batches[-1] = tried
        else:
            batches.append([place])
    return batches


def _recoded(rows: Regression, contrasts: FloatArray) -> Regression:
    """The same regression, in which the first coefficients of the groups are these contrasts of them."""
    rest = np.linalg.svd(contrasts)[2][len(contrasts) :]
    columns = list(rows.columns)
    design = rows.design.copy()
    design[:, columns] = rows.design[:, columns] @ np.linalg.inv(np.vstack([contrasts, rest]))
    return Regression(design, rows.outcome, rows.clusters, rows.columns, rows.weight)


def _codes(one: Regression, other: Regression) -> tuple[tuple[IntArray, IntArray], int]:
    """Numbers of the clusters of both, and how many there are."""
    n = one.outcome.size
    codes, g = read_clusters(np.concatenate([one.clusters, other.clusters]), n + other.outcome.size)
    return (codes[:n], codes[n:]), g


def _turned(rows: Regression) -> Regression:
    """The rows of each cluster turned into at most as many as there are columns."""
    if rows.weight is not None:
        return rows
    codes, g = read_clusters(rows.clusters, rows.outcome.size)
    p = rows.design.shape[1]
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(g + 1))
    table = np.column_stack([rows.design, rows.outcome])[order]
    kept = [
        np.asarray(np.linalg.qr(table[start:end], mode="r"))[:p] if end - start > p else table[start:end]
        for start, end in pairwise(edges.tolist())
    ]
    whole = np.concatenate(kept)
    names = np.repeat(rows.clusters[order[edges[:-1]]], [part.shape[0] for part in kept])
    return Regression(whole[:, :p], whole[:, p], names, rows.columns)


@dataclass(frozen=True, slots=True)
class GroupReplications:
    """Replications of the differences from the first group.

    Attributes
    ----------
    cost, effect : ndarray, shape (r, k)
        Only replications in which every group has an answer; the first group is 0.
    parts : ndarray, shape (r, m, k)
        Of each part of the costs; they add up to ``cost``.
    n_asked, n_clusters : int
    """

    cost: FloatArray
    effect: FloatArray
    parts: FloatArray
    n_asked: int
    n_clusters: int


def group_replications(
    cost: Regression,
    effect: Regression,
    *,
    parts: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    replications: int = 2000,
    rng: np.random.Generator | int = 1,
) -> GroupReplications:
    """Draw clusters with replacement and reweight what is stored of each: nothing is fitted again.

    Parameters
    ----------
    cost, effect : Regression
    parts : array_like, shape (n, m), optional
        What the outcome of ``cost`` is the sum of (costs per price); by default the whole.
    strata : array_like, optional
        One per row of ``cost``: within which clusters are drawn (the group, where every cluster lies in one).
    replications : int
    rng : Generator or int

    Returns
    -------
    GroupReplications

    Raises
    ------
    ValueError
        If a stratum has one cluster, or fewer than half of the replications have an answer.
    """
    (mine, theirs), g = _codes(cost, effect)
    where = np.zeros(g, dtype=np.intp)
    if strata is not None:
        where[mine] = read_clusters(strata, mine.size)[0]
    sizes = np.bincount(where)
    if (sizes[sizes > 0] < 2).any() or g < 2:
        raise ValueError("a stratum has one cluster, which cannot vary; take it together with another")
    outcomes = (
        cost.outcome[:, None] if parts is None else read_numbers(parts, "part of costs", dimensions=(2,))
    )
    blocks = (_blocks(cost, outcomes, mine, g), _blocks(effect, effect.outcome[:, None], theirs, g))
    generator, step = np.random.default_rng(rng), max(1, _AT_ONCE // g)
    drawn: list[FloatArray] = []
    for start in range(0, replications, step):
        counts = drawn_counts(min(step, replications - start), where, sizes, generator)
        drawn.append(
            np.concatenate(
                [
                    weighted_solutions(counts, *block)[:, list(part.columns)]
                    for block, part in zip(blocks, (cost, effect), strict=True)
                ],
                axis=2,
            )
        )
    pairs = np.concatenate(drawn)
    pairs = pairs[np.isfinite(pairs).all(axis=(1, 2))]
    if 2 * pairs.shape[0] < replications:
        raise ValueError(
            f"only {pairs.shape[0]} of {replications} replications have an answer; expected clusters of "
            f"every "
            " group in nearly all; leave out small groups, or take less into the case mix"
        )
    pairs = np.concatenate([np.zeros((pairs.shape[0], 1, pairs.shape[2])), pairs], axis=1)
    split = np.ascontiguousarray(pairs[:, :, :-1].transpose(0, 2, 1))
    return GroupReplications(split.sum(axis=1), pairs[:, :, -1], split, replications, g)


def _blocks(rows: Regression, outcomes: FloatArray, codes: IntArray, g: int) -> tuple[FloatArray, FloatArray]:
    """Products of the columns within each of all clusters; of one without rows they are 0."""
    w = np.ones(rows.outcome.size) if rows.weight is None else rows.weight
    x = rows.design
    p, m = x.shape[1], outcomes.shape[1]
    left, right = np.zeros((g, p, p)), np.zeros((g, p, m))
    for i in range(p):
        for j in range(i + 1):
            left[:, i, j] = left[:, j, i] = np.bincount(codes, w * x[:, i] * x[:, j], minlength=g)
        for j in range(m):
            right[:, i, j] = np.bincount(codes, w * x[:, i] * outcomes[:, j], minlength=g)
    return left, right
