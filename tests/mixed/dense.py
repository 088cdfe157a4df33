"""The textbook formulas with full n by n matrices: slow, short, and independent of the engine.

Everything is computed from V itself, as printed in the references, so that it can be read against
them: Harville (1977) 10.1080/01621459.1977.10480998, Kenward & Roger (1997) 10.2307/2533558.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpg_research.mixed.problem import MixedProblem, RandomTerm

Array = NDArray[Any]


@dataclass(frozen=True)
class DenseFit:
    """A model evaluated at theta; ``v`` is Var(y) including sigma^2, ``z_g`` are Z and G per term."""

    beta: Array
    covariance: Array
    sigma2: float
    deviance: float
    v: Array
    z_g: tuple[tuple[Array, Array], ...]


def expand(term: RandomTerm) -> Array:
    """The full Z of a term, shape (n, n_groups * q)."""
    n, q = term.z.shape
    full = np.zeros((n, len(term.levels) * q))
    for row in range(n):
        start = term.codes[row] * q
        full[row, start : start + q] = term.z[row]
    return full


def factors(problem: MixedProblem, theta: Array) -> list[Array]:
    """Lambda per term from lme4's theta."""
    found, start = [], 0
    for term in problem.random:
        q = len(term.term_names)
        factor = np.zeros((q, q))
        if term.correlated:
            for column in range(q):
                factor[column:, column] = theta[start : start + q - column]
                start += q - column
        else:
            factor[np.diag_indices(q)] = theta[start : start + q]
            start += q
        found.append(factor)
    assert start == len(theta)
    return found


def evaluate(problem: MixedProblem, theta: Array, method: str = "REML") -> DenseFit:
    """Profiled (restricted) deviance and estimates at theta."""
    n, p = problem.x.shape
    x, y = problem.x, problem.y
    v = np.diag(1 / problem.weights) if problem.weights is not None else np.eye(n)
    pieces = []
    for term, factor in zip(problem.random, factors(problem, np.asarray(theta, float)), strict=True):
        z, g = expand(term), np.kron(np.eye(len(term.levels)), factor @ factor.T)
        v = v + z @ g @ z.T
        pieces.append((z, g))
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ inverse @ x)
    beta = phi @ x.T @ inverse @ y
    rest = y - x @ beta
    divisor = n - p if method == "REML" else n
    sigma2 = float(rest @ inverse @ rest) / divisor
    deviance = np.linalg.slogdet(v)[1] + divisor * (1 + np.log(2 * np.pi * sigma2))
    if method == "REML":
        deviance -= np.linalg.slogdet(phi)[1]
    return DenseFit(
        beta, sigma2 * phi, sigma2, float(deviance), sigma2 * v, tuple((z, sigma2 * g) for z, g in pieces)
    )


def derivatives(problem: MixedProblem) -> list[Array]:
    """dV / d psi, one n by n matrix per variance parameter (per term the vech of G, then sigma^2)."""
    found = []
    for term in problem.random:
        z, q = expand(term), len(term.term_names)
        pairs = [(i, j) for j in range(q) for i in range(j, q) if term.correlated or i == j]
        for i, j in pairs:
            unit = np.zeros((q, q))
            unit[i, j] = unit[j, i] = 1.0
            found.append(z @ np.kron(np.eye(len(term.levels)), unit) @ z.T)
    weights = problem.weights
    found.append(np.eye(len(problem.y)) if weights is None else np.diag(1 / weights))
    return found


def information(problem: MixedProblem, fit: DenseFit, kind: str, method: str = "REML") -> Array:
    """Expected or observed information of the variance parameters."""
    inverse = np.linalg.inv(fit.v)
    x, y = problem.x, problem.y
    phi = np.linalg.inv(x.T @ inverse @ x)
    projector = inverse - inverse @ x @ phi @ x.T @ inverse
    weight = projector if method == "REML" else inverse
    slopes = derivatives(problem)
    count = len(slopes)
    found = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            trace = 0.5 * np.trace(weight @ slopes[i] @ weight @ slopes[j])
            quadratic = y @ projector @ slopes[i] @ projector @ slopes[j] @ projector @ y
            found[i, j] = trace if kind == "expected" else quadratic - trace
    return found


def satterthwaite(problem: MixedProblem, fit: DenseFit, contrast: Array, kind: str = "observed") -> float:
    """Degrees of freedom of one contrast."""
    inverse = np.linalg.inv(fit.v)
    x = problem.x
    phi = np.linalg.inv(x.T @ inverse @ x)
    w = np.linalg.inv(information(problem, fit, kind))
    half = inverse @ x @ phi @ contrast
    gradient = np.array([half @ slope @ half for slope in derivatives(problem)])
    return float(2 * (contrast @ phi @ contrast) ** 2 / (gradient @ w @ gradient))


def kenward_roger(
    problem: MixedProblem, fit: DenseFit, rows: Array, kind: str = "expected"
) -> tuple[Array, float, float, float]:
    """Adjusted covariance, F, denominator df and scale of the hypothesis rows @ beta = 0."""
    inverse = np.linalg.inv(fit.v)
    x = problem.x
    phi = np.linalg.inv(x.T @ inverse @ x)
    w = np.linalg.inv(information(problem, fit, kind))
    slopes = derivatives(problem)
    ps = [-x.T @ inverse @ s @ inverse @ x for s in slopes]
    count = len(slopes)
    adjustment = np.zeros_like(phi)
    for i in range(count):
        for j in range(count):
            q = x.T @ inverse @ slopes[i] @ inverse @ slopes[j] @ inverse @ x
            adjustment += w[i, j] * (q - ps[i] @ phi @ ps[j])
    adjusted = phi + 2 * phi @ adjustment @ phi
    rows = np.atleast_2d(rows)
    size = len(rows)
    theta = rows.T @ np.linalg.inv(rows @ phi @ rows.T) @ rows
    a1 = a2 = 0.0
    for i in range(count):
        for j in range(count):
            left, right = theta @ phi @ ps[i] @ phi, theta @ phi @ ps[j] @ phi
            a1 += w[i, j] * np.trace(left) * np.trace(right)
            a2 += w[i, j] * np.trace(left @ right)
    b = (a1 + 6 * a2) / (2 * size)
    g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
    c1 = g / (3 * size + 2 * (1 - g))
    c2 = (size - g) / (3 * size + 2 * (1 - g))
    c3 = (size + 2 - g) / (3 * size + 2 * (1 - g))
    mean = 1 / (1 - a2 / size)
    variance = 2 / size * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    rho = variance / (2 * mean**2)
    df = 4 + (size + 2) / (size * rho - 1)
    scale = df / (mean * (df - 2))
    estimate = rows @ fit.beta
    wald = float(estimate @ np.linalg.inv(rows @ adjusted @ rows.T) @ estimate) / size
    return adjusted, scale * wald, float(df), float(scale)


def conditional(problem: MixedProblem, fit: DenseFit, index: int) -> tuple[Array, Array]:
    """Conditional modes and their covariance given beta, for one term, group by group stacked."""
    z, g = fit.z_g[index]
    inverse = np.linalg.inv(fit.v)
    modes = g @ z.T @ inverse @ (problem.y - problem.x @ fit.beta)
    return modes, g - g @ z.T @ inverse @ z @ g


def prediction_variance(
    problem: MixedProblem, fit: DenseFit, x_new: Array, z_new: list[Array | None]
) -> float:
    """Variance of the error of x'b + sum of z'u for one new row; ``z_new`` are full rows or None."""
    inverse = np.linalg.inv(fit.v)
    total, cross = 0.0, np.zeros(len(problem.y))
    for row, (z, g) in zip(z_new, fit.z_g, strict=True):
        if row is not None:
            total += row @ g @ row
            cross += z @ g @ row
    rest = x_new - problem.x.T @ inverse @ cross
    return float(total - cross @ inverse @ cross + rest @ fit.covariance @ rest)
