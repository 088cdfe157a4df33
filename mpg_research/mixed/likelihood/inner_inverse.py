"""K = Lambda (I + Lambda'A Lambda)^-1 Lambda' of many groups at once, Lambda never inverted."""

import numpy as np

from mpg_research.arrays import FloatArray

__all__ = ["inner_inverse"]


# Rows and columns of a lower triangle of three.
LOWER = np.array([0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 0, 1, 2])


def inner_inverse(a: FloatArray, factor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """K (q, q, ...) and log|I + Lambda'A Lambda| (...), for A (q, q, ...).

    Lambda is one for all groups (q, q), or one per draw (q, q, draws, 1) with A (q, q, draws, n).
    """
    q = a.shape[0]
    if not q:
        return a, np.zeros(a.shape[2:])
    if q == 1:
        g = factor[0, 0] ** 2
        m = 1.0 + g * a[0, 0]
        return np.asarray(g / m)[None, None], np.log(m)
    if q == 2:
        # (G^-1 + A)^-1 = (G + |G| adj A) / |I + G A|, which holds for a singular G too
        g11 = factor[0, 0] ** 2 + factor[0, 1] ** 2
        g22 = factor[1, 0] ** 2 + factor[1, 1] ** 2
        g12 = factor[0, 0] * factor[1, 0] + factor[0, 1] * factor[1, 1]
        det_g = (factor[0, 0] * factor[1, 1] - factor[0, 1] * factor[1, 0]) ** 2
        det = 1.0 + g11 * a[0, 0] + (2.0 * g12) * a[0, 1] + g22 * a[1, 1]
        det += det_g * (a[0, 0] * a[1, 1] - a[0, 1] ** 2)
        inverse = 1.0 / det
        k = np.empty(a.shape)
        k[0, 0] = (g11 + det_g * a[1, 1]) * inverse
        k[1, 1] = (g22 + det_g * a[0, 0]) * inverse
        k[0, 1] = (g12 - det_g * a[0, 1]) * inverse
        k[1, 0] = k[0, 1]
        return k, np.log(det)
    return _of_three(a, factor) if q == 3 else _by_cholesky(a, factor)


def _of_three(a: FloatArray, factor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What :func:`_by_cholesky` does, written out for three random effects."""
    f = factor
    # the entries below the diagonal of Lambda'A Lambda from all of A
    twice = f[:, None, LOWER[0]] * f[None, :, LOWER[1]]
    if f.ndim == 2:
        m = (twice.reshape(9, 6).T @ a.reshape(9, -1)).reshape(6, *a.shape[2:])
    else:
        by_draw = np.moveaxis(twice.reshape(9, 6, -1), 2, 0)
        m = np.moveaxis(np.swapaxes(by_draw, 1, 2) @ np.moveaxis(a.reshape(9, *a.shape[2:]), 1, 0), 1, 0)
    first = 1.0 + m[0]
    root_0 = np.sqrt(first)
    down_10, down_20 = m[1] / root_0, m[3] / root_0
    second = 1.0 + m[2] - down_10 * down_10
    root_1 = np.sqrt(second)
    down_21 = (m[4] - down_20 * down_10) / root_1
    third = 1.0 + m[5] - down_20 * down_20 - down_21 * down_21
    product = first * second * third
    # NaN as well, where theta is no longer finite
    if not (np.all(first > 0) and np.all(second > 0) and np.all(third > 0)):
        raise np.linalg.LinAlgError("I + Lambda'A Lambda is not positive definite")
    root_2 = np.sqrt(third)
    k = np.empty_like(a)
    half: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    for j in range(3):
        one = f[j, 0] / root_0
        two = (f[j, 1] - down_10 * one) / root_1
        half.append((one, two, (f[j, 2] - down_20 * one - down_21 * two) / root_2))
        for i in range(j + 1):
            k[i, j] = half[i][0] * half[j][0] + half[i][1] * half[j][1] + half[i][2] * half[j][2]
            k[j, i] = k[i, j]
    if not np.all(np.isfinite(product)):
        return k, np.log(first) + np.log(second) + np.log(third)
    return k, np.log(product)


def _by_cholesky(a: FloatArray, factor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same for any q: I + Lambda'A Lambda = TT', K = (T^-1 Lambda')'(T^-1 Lambda'), entry by entry."""
    q = a.shape[0]
    carried = np.einsum("ij...,jk...->ik...", a, factor)
    m = np.einsum("ji...,jk...->ik...", factor, carried)
    root = np.empty_like(m)
    half = np.empty_like(m)
    log_det = np.zeros(a.shape[2:])
    for i in range(q):
        for j in range(i):
            entry = m[i, j].copy()
            for k in range(j):
                entry -= root[i, k] * root[j, k]
            root[i, j] = entry / root[j, j]
        square = 1.0 + m[i, i]
        for k in range(i):
            square -= root[i, k] ** 2
        # NaN as well, where theta is no longer finite
        if not np.all(square > 0):
            raise np.linalg.LinAlgError("I + Lambda'A Lambda is not positive definite")
        log_det += np.log(square)
        root[i, i] = np.sqrt(square)
        for j in range(q):
            entry = np.broadcast_to(factor[j, i], log_det.shape)
            for k in range(i):
                entry = entry - root[i, k] * half[k, j]
            half[i, j] = entry / root[i, i]
    k = np.einsum("ki...,kj...->ij...", half, half)
    return k, log_det
