"""Where a covariance matrix lies in its parameter space, and the directions in which it can move there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .scaling import TermScale, free_entries

__all__ = ["Face", "term_face"]

FloatArray = NDArray[np.float64]

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
    if not scale.correlated:
        return _diagonal_face(scale, internal)
    user = np.asarray(np.linalg.solve(scale.root, internal), dtype=np.float64)
    lengths = np.sqrt(np.sum(scale.root**2, axis=0))
    columns = np.flatnonzero(np.sqrt(np.sum(user**2, axis=1)) * lengths > ZERO)
    rank = int(np.sum(np.linalg.svd(internal, compute_uv=False) > ZERO))
    if rank == len(internal):
        return _full_face(scale, internal)
    rank = min(rank, len(columns))
    factor, free = _reduced_factor(user[columns], rank)
    inside = scale.root[:, columns] @ factor
    moves, weights = [], []
    for row, column in free:
        move = np.zeros_like(inside)
        move[:, column] = scale.root[:, columns[row]]
        moves.append(move)
        weights.append(0.5 * factor[row, column])
    directions = tuple(move @ inside.T + inside @ move.T for move in moves)
    curved = rank < len(columns)
    return Face(directions, np.array(weights), inside, tuple(moves), np.eye(len(moves)), columns, curved)


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


def _full_face(scale: TermScale, internal: FloatArray) -> Face:
    """All of it, by the entries of Omega in G = basis Omega basis', Omega = I at the fit."""
    left, values, _ = np.linalg.svd(internal)
    basis = left * values
    inverse = np.linalg.inv(basis)
    factor = scale.root @ scale.outward(internal)
    rows, columns = free_entries(len(internal), True)
    directions, moves, entries = [], [], []
    for row, column in zip(rows, columns, strict=True):
        square = np.outer(basis[:, row], basis[:, column])
        directions.append(square if row == column else square + square.T)
        move = np.zeros_like(internal)
        move[:, column] = scale.root[:, row]
        half = inverse @ move @ (inverse @ factor).T
        moves.append(move)
        entries.append((half + half.T)[rows, columns])
    weights = np.asarray(rows == columns, dtype=float)
    every = np.arange(len(internal))
    return Face(tuple(directions), weights, factor, tuple(moves), np.array(entries).T, every, False)


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
