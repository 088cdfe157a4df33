"""Where a covariance matrix lies in its parameter space, and the directions in which it can move there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.mixed.covariance.random_part import FULL
from mpg_research.mixed.likelihood.scaling import TermScale

__all__ = ["Face", "term_face"]


#: Singular values, or standard deviations, of Lambda at or below this count as zero.
ZERO = 1e-7
#: A row of Lambda whose part that earlier rows do not explain is below this share is explained by them.
EXPLAINED = 1e-5


@dataclass(frozen=True, slots=True)
class Face:
    """One random term's G = Lambda Lambda' in internal columns, and the parameters it has there.

    Attributes
    ----------
    directions : tuple of arrays, each (q, q)
        dG of every parameter.
    weights : array, shape (k,)
        G is the sum of weights times directions.
    factor : array, shape (q, r)
        A factor of G with as many columns as its rank r.
    moves : tuple of arrays, each (q, r)
        How the factor moves with the free entries of the user's Lambda, lmerTest's parameters; as many as
        there are directions.
    entries : array, shape (k, k)
        What each of those entries does to the parameters: dG = sum of column times directions.
    columns : array of int
        The columns whose standard deviation is not zero.
    curved : bool
        True where the face bends: what these columns share has fewer dimensions than there are columns.
    """

    directions: tuple[FloatArray, ...]
    weights: FloatArray
    factor: FloatArray
    moves: tuple[FloatArray, ...]
    entries: FloatArray
    columns: NDArray[np.intp]
    curved: bool

    def changes(self) -> list[FloatArray]:
        """How the factor moves with each parameter, (q, r): dB with dB B' + B dB' = dG."""
        if self.curved:
            return list(self.moves)
        back = 0.5 * np.linalg.pinv(self.factor).T
        return [direction @ back for direction in self.directions]


def term_face(scale: TermScale, internal: FloatArray) -> Face:
    """The face of one term.

    Parameters
    ----------
    scale : TermScale
    internal : array, shape (q, q)
        Lambda of the internal columns.

    Notes
    -----
    A column whose standard deviation is zero is left out, as if the model did not have it. Where the rest,
    k columns, has rank r < k (correlations of +-1), G = BB' with B (k, r) can turn as well as grow: it has
    kr - r(r - 1)/2 parameters, the entries of B but for the upper triangle of r of its rows. Directions are
    those of the tangent space, in which G itself lies (dB = B/2).
    """
    if not scale.correlated or not internal.size:
        return _diagonal_face(scale, internal)
    user = np.asarray(np.linalg.solve(scale.root, internal), dtype=np.float64)
    lengths = np.sqrt(np.sum(scale.root**2, axis=0))
    columns = np.flatnonzero(np.sqrt(np.sum(user**2, axis=1)) * lengths > ZERO)
    rank = min(int(np.sum(np.linalg.svd(internal, compute_uv=False) > ZERO)), len(columns))
    factor, free = _reduced_factor(user[columns], rank)
    inside = scale.root[:, columns] @ factor
    moves = []
    for row, column in free:
        move = np.zeros_like(inside)
        move[:, column] = scale.root[:, columns[row]]
        moves.append(move)
    if rank == len(columns):
        return _plain_face(internal, inside, moves, columns)
    weights = np.array([0.5 * factor[row, column] for row, column in free])
    directions = tuple(move @ inside.T + inside @ move.T for move in moves)
    return Face(directions, weights, inside, tuple(moves), np.eye(len(moves)), columns, True)


def _diagonal_face(scale: TermScale, internal: FloatArray) -> Face:
    values = np.diagonal(internal)
    kept = [j for j, value in enumerate(values) if abs(value) > ZERO]
    directions, moves = [], []
    for place, j in enumerate(kept):
        wide, move = np.zeros_like(internal), np.zeros((len(internal), len(kept)))
        wide[j, j], move[j, place] = values[j] ** 2, scale.root[j, j]
        directions.append(wide)
        moves.append(move)
    entries = np.diag([2.0 * scale.root[j, j] / values[j] for j in kept]) if kept else np.zeros((0, 0))
    columns = np.array(kept, dtype=np.intp)
    return Face(
        tuple(directions), np.ones(len(kept)), internal[:, kept], tuple(moves), entries, columns, False
    )


def _plain_face(
    internal: FloatArray, factor: FloatArray, moves: list[FloatArray], columns: NDArray[np.intp]
) -> Face:
    """By the entries of Omega in G = basis Omega basis', Omega = I at the fit: no dimension is missing."""
    rank = factor.shape[1]
    left, values, _ = np.linalg.svd(internal)
    basis = left[:, :rank] * values[:rank]
    inverse = left[:, :rank].T / values[:rank, None]
    rows, places = FULL.free(rank)
    directions, entries = [], np.empty((len(moves), len(rows)))
    for row, place in zip(rows, places, strict=True):
        square = np.outer(basis[:, row], basis[:, place])
        directions.append(square if row == place else square + square.T)
    for number, move in enumerate(moves):
        half = inverse @ move @ (inverse @ factor).T
        entries[number] = (half + half.T)[rows, places]
    weights = np.asarray(rows == places, dtype=float)
    return Face(tuple(directions), weights, factor, tuple(moves), entries.T, columns, False)


def _reduced_factor(user: FloatArray, rank: int) -> tuple[FloatArray, list[tuple[int, int]]]:
    """B (k, r) with BB' = Lambda Lambda', and its free entries, column by column as in lme4's theta.

    Its first r rows are a lower triangle, as lme4's; where these depend on each other, the first r rows
    that do not.
    """
    chosen: list[int] = []
    base = np.zeros((user.shape[1], 0))
    for needed in (EXPLAINED, 0.0):
        for row in range(len(user)):
            rest = user[row] - base @ (base.T @ user[row])
            length = np.linalg.norm(rest)
            if len(chosen) < rank and row not in chosen and length > needed * np.linalg.norm(user[row]):
                chosen.append(row)
                base = np.column_stack([base, rest / length])
    factor = user @ base
    for place, row in enumerate(chosen):
        factor[row, place + 1 :] = 0.0
    free = [
        (row, column)
        for column in range(base.shape[1])
        for row in range(len(user))
        if row not in chosen or chosen.index(row) >= column
    ]
    return factor, free
