"""One problem made ready: internal coordinates, cross-products, objective, gradient and curvature."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ..errors import ModelError
from .crossed import CrossedRoute
from .derivatives import Derivatives, Directions, crossed_derivatives, nested_derivatives
from .nested import NestedRoute, chain_of_levels
from .problem import MixedProblem
from .scaling import Scaled, pack, scale_problem

__all__ = ["Engine", "Method", "Profile", "profile"]

FloatArray = NDArray[np.float64]
Method = Literal["REML", "ML"]


@dataclass(frozen=True, slots=True)
class Profile:
    """The profiled quantities at one theta, in internal coordinates.

    ``phi`` (p, p) = (X'V^-1X)^-1, ``beta`` (p,), ``s2`` = the profiled sigma^2; internal units.
    """

    deviance: float
    beta: FloatArray
    phi: FloatArray
    s2: float


def profile(log_det: float, s: FloatArray, n: int, method: Method) -> Profile:
    """Profile beta and sigma^2 out of S = [X y]'V^-1[X y] and log|V|."""
    p = s.shape[0] - 1
    root = np.linalg.cholesky(s)
    root_x, tail = root[:p, :p], root[p, :p]
    r2 = float(root[p, p] ** 2)
    inverse = solve_triangular(root_x, np.eye(p), lower=True) if p else np.zeros((0, 0))
    divisor = n - p if method == "REML" else n
    deviance = log_det + divisor * (1.0 + np.log(2.0 * np.pi * r2 / divisor))
    if method == "REML":
        deviance += 2.0 * float(np.sum(np.log(np.diagonal(root_x))))
    return Profile(float(deviance), inverse.T @ tail, inverse.T @ inverse, r2 / divisor)


class Engine:
    """One problem made ready: scaled, cross-products formed, objective and gradient at hand."""

    def __init__(self, problem: MixedProblem, method: Method) -> None:
        if method not in ("REML", "ML"):
            raise ModelError(f"The method is {method!r}; expected 'REML' or 'ML'.")
        self.problem, self.method = problem, method
        self.scaled: Scaled = scale_problem(problem)
        chain = chain_of_levels(problem)
        self.route: NestedRoute | CrossedRoute
        if chain is None:
            self.route = CrossedRoute(problem, self.scaled)
        else:
            self.route = NestedRoute(problem, self.scaled, chain)
        self.divisor = self.scaled.n - self.scaled.p if method == "REML" else self.scaled.n

    def shift(self) -> float:
        """What the user's deviance has above the internal one."""
        scaled = self.scaled
        constant = 2.0 * self.divisor * np.log(scaled.y_scale) - scaled.log_weights
        if self.method == "REML":
            constant += 2.0 * float(np.sum(np.log(np.abs(np.diagonal(scaled.x_root)))))
        return float(constant)

    def at(self, internal: FloatArray) -> tuple[Any, Profile]:
        """State of the sweep and profiled quantities."""
        state = self.route.evaluate(self.scaled.factors(internal))
        return state, profile(state.log_det, state.s, self.scaled.n, self.method)

    def slopes(self, state: Any, found: Profile) -> list[FloatArray]:
        """Gamma_t with d deviance = trace(Gamma_t dG_t), per term (q_t, q_t), G = Lambda Lambda'."""
        contrast = np.append(-found.beta, 1.0)
        inner = np.outer(contrast, contrast) / found.s2
        if self.method == "REML":
            inner[:-1, :-1] += found.phi
        return self.route.slopes(state, inner)

    def value_and_gradient(self, internal: FloatArray) -> tuple[float, FloatArray]:
        """Internal deviance and its gradient."""
        state, found = self.at(internal)
        pieces = []
        for term, factor, gamma in zip(
            self.scaled.terms, self.scaled.factors(internal), self.slopes(state, found), strict=True
        ):
            pieces.append(pack(2.0 * gamma @ factor, term.correlated))
        return found.deviance, np.concatenate(pieces)

    def derivatives(self, state: Any, directions: Directions) -> Derivatives:
        """First and second derivatives of S and log|V| in the given directions of each G_t."""
        if isinstance(self.route, NestedRoute):
            return nested_derivatives(self.route, state, directions)
        return crossed_derivatives(self.route, state, directions)

    def tangents(self, internal: FloatArray) -> Directions:
        """dG_t for every free entry of Lambda_t, in the order of the parameters."""
        found: Directions = []
        for term, factor in zip(self.scaled.terms, self.scaled.factors(internal), strict=True):
            size = factor.shape[0]
            columns, rows = np.triu_indices(size) if term.correlated else (np.arange(size), np.arange(size))
            own = []
            for row, column in zip(rows, columns, strict=True):
                half = np.zeros((size, size))
                half[row] = factor[:, column]
                own.append(half + half.T)
            found.append(own)
        return found

    def expected_curvature(self, state: Any, found: Profile, directions: Directions) -> FloatArray:
        """Expected Hessian of the profiled deviance in those directions."""
        raw = self.derivatives(state, directions)
        slope, curvature = raw.trace, raw.trace_2
        if self.method == "REML":
            phi_p = np.einsum("ab,ibc->iac", found.phi, raw.p[:, :-1, :-1])
            slope = slope - np.einsum("iaa->i", phi_p)
            both = 2.0 * np.einsum("ab,ijba->ij", found.phi, raw.q[:, :, :-1, :-1])
            curvature = curvature - both + np.einsum("iab,jba->ij", phi_p, phi_p)
        result: FloatArray = curvature - np.outer(slope, slope) / self.divisor
        return result
