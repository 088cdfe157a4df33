"""One problem made ready: internal coordinates, cross-products, objective, gradient and curvature."""

from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .crossed import CrossedRoute
from .crossed_residual import structure_gradient
from .derivatives import Derivatives, Directions, crossed_derivatives, nested_derivatives
from .layout import Blocks, chain_of_levels, weighted_blocks
from .nested import NestedRoute
from .problem import MixedProblem
from .residual_rows import BoundResidual
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
    inverse = np.linalg.inv(root_x)
    divisor = n - p if method == "REML" else n
    deviance = log_det + divisor * (1.0 + np.log(2.0 * np.pi * r2 / divisor))
    if method == "REML":
        deviance += 2.0 * float(np.sum(np.log(np.diagonal(root_x))))
    return Profile(float(deviance), inverse.T @ tail, inverse.T @ inverse, r2 / divisor)


class Engine:
    """One problem made ready: scaled, cross-products formed, objective and gradient at hand.

    Its parameter vector is internal Lambda entries of all terms, then the residual structure's delta.
    """

    def __init__(self, problem: MixedProblem, method: Method) -> None:
        if method not in ("REML", "ML"):
            raise ModelError(f"The method is {method!r}; expected 'REML' or 'ML'.")
        self.problem, self.method = problem, method
        self.scaled: Scaled = scale_problem(problem)
        self.structure: BoundResidual | None = problem.residual
        chain = chain_of_levels(problem)
        if chain is not None and not _series_within(self.structure, problem, chain[0][0]):
            chain = None
        self.route: NestedRoute | CrossedRoute
        if chain is None:
            self.route = CrossedRoute(problem, self.scaled)
            if not _series_within(self.structure, problem, self.route.first[0]):
                raise ModelError(
                    "The series of the residual structure cut across the groups of the finest random term; "
                    "expected each series within one group. Add a random term for the series, such as "
                    "(1 | family)."
                )
        else:
            self.route = NestedRoute(problem, self.scaled, chain)
        self.n_theta = self.scaled.n_parameters
        self.divisor = self.scaled.n - self.scaled.p if method == "REML" else self.scaled.n

    def with_outcome(self, y: FloatArray) -> "Engine":
        """The same design with another outcome (n_rows,)."""
        scaled, p = self.scaled, self.scaled.p
        weights = self.problem.weights
        row = y if weights is None else y * np.sqrt(np.asarray(weights, dtype=float))
        coefficients = scaled.fixed[:p] @ row / scaled.n
        other = self.with_base_outcome((row - coefficients @ scaled.fixed[:p]) / scaled.y_scale)
        other.problem = replace(self.problem, y=y)
        other.scaled = replace(other.scaled, beta_start=scaled.x_inverse @ coefficients)
        return other

    def with_base_outcome(self, row: FloatArray) -> "Engine":
        """The same design with another outcome in internal units, its least-squares fit taken as zero."""
        other = copy(self)
        fixed = self.scaled.fixed.copy()
        fixed[-1] = row
        other.scaled = replace(self.scaled, fixed=fixed, beta_start=np.zeros(self.scaled.p))
        if isinstance(self.route, NestedRoute):
            other.route = self.route.with_outcome(row)
        else:
            other.route = CrossedRoute(self.problem, other.scaled)
        return other

    def narrowed(self) -> "Engine":
        """A cheaper engine for the search's first steps: itself where there is little to save."""
        if not isinstance(self.route, NestedRoute) or self.structure is not None:
            return self
        route = self.route.narrowed()
        if route.d > 0.7 * self.route.d:
            return self
        other = copy(self)
        other.route = route
        return other

    def shift(self) -> float:
        """What the user's deviance has above the internal one."""
        scaled = self.scaled
        constant = 2.0 * self.divisor * np.log(scaled.y_scale) - scaled.log_weights
        if self.method == "REML":
            constant += 2.0 * float(np.linalg.slogdet(scaled.x_root)[1])
        return float(constant)

    def start(self) -> FloatArray:
        """Where the search begins: standard deviations of .7 of the residual's, no correlation."""
        pieces = [pack(0.7 * np.eye(term.root.shape[0]), term.correlated) for term in self.scaled.terms]
        if self.structure is not None:
            pieces.append(self.structure.start())
        return np.concatenate(pieces)

    def to_internal(self, theta: FloatArray) -> FloatArray:
        """lme4's theta (and the structure's natural parameters behind it) -> internal vector."""
        inside = self.scaled.to_internal(theta[: self.n_theta])
        if self.structure is None:
            return inside
        return np.concatenate([inside, self.structure.from_natural(theta[self.n_theta :])])

    def delta(self, internal: FloatArray) -> FloatArray:
        """The residual structure's part of the parameters."""
        return internal[self.n_theta :]

    def blocks(self, omega: FloatArray, link: FloatArray) -> Blocks:
        """Cross-products of the finest level under row weights in the order of the problem."""
        assert isinstance(self.route, NestedRoute)
        assert self.structure is not None
        rows, previous = self.route.rows, self.structure.previous
        if rows.order is not None:
            place = np.empty_like(rows.order)
            place[rows.order] = np.arange(rows.order.size)
            previous = np.where(previous >= 0, place[previous], 0)[rows.order]
            omega, link = omega[rows.order], link[rows.order]
        return weighted_blocks(rows, omega, link, np.maximum(previous, 0))

    def at(self, internal: FloatArray) -> tuple[Any, Profile]:
        """State of the sweep and profiled quantities."""
        factors = self.scaled.factors(internal[: self.n_theta])
        if self.structure is None:
            state: Any = self.route.evaluate(factors)
        else:
            row_weights = self.structure.weights(self.delta(internal))
            if isinstance(self.route, NestedRoute):
                state = self.route.evaluate(factors, self.blocks(row_weights.omega, row_weights.link))
            else:
                self.route.weigh(row_weights.omega, row_weights.link, self.structure.previous)
                state = self.route.evaluate(factors)
            state = replace(state, log_det=state.log_det + row_weights.log_det)
        return state, profile(state.log_det, state.s, self.scaled.n, self.method)

    def inner(self, found: Profile) -> FloatArray:
        """Derivative of the deviance in S, shape (p + 1, p + 1)."""
        contrast = np.append(-found.beta, 1.0)
        inner: FloatArray = np.outer(contrast, contrast) / found.s2
        if self.method == "REML":
            inner[:-1, :-1] += found.phi
        return inner

    def slopes(self, state: Any, found: Profile) -> list[FloatArray]:
        """Gamma_t with d deviance = trace(Gamma_t dG_t), per term (q_t, q_t), G = Lambda Lambda'."""
        return self.route.slopes(state, self.inner(found))

    def value_and_gradient(self, internal: FloatArray) -> tuple[float, FloatArray]:
        """Internal deviance and its gradient; infinite where rounding leaves nothing of the residuals."""
        try:
            state, found = self.at(internal)
        except np.linalg.LinAlgError:
            return np.inf, np.full(internal.size, np.nan)
        pieces = []
        factors = self.scaled.factors(internal[: self.n_theta])
        for term, factor, gamma in zip(self.scaled.terms, factors, self.slopes(state, found), strict=True):
            pieces.append(pack(2.0 * gamma @ factor, term.correlated))
        if self.structure is not None:
            pieces.append(self._structure_gradient(internal, state, found))
        return found.deviance, np.concatenate(pieces)

    def _structure_gradient(self, internal: FloatArray, state: Any, found: Profile) -> FloatArray:
        assert self.structure is not None
        row_weights = self.structure.weights(self.delta(internal))
        inner = self.inner(found)
        if not isinstance(self.route, NestedRoute):
            return structure_gradient(self.route, state, inner, row_weights, self.structure.previous)
        slopes = self.route.block_slopes(state, inner)
        gradient = np.empty(row_weights.d_log_det.size)
        for k in range(gradient.size):
            moved = self.blocks(row_weights.d_omega[k], row_weights.d_link[k])
            gradient[k] = (
                row_weights.d_log_det[k]
                + np.sum(slopes.a * moved.a)
                + np.sum(slopes.b * moved.b)
                + np.sum(slopes.c * moved.c)
            )
        return gradient

    def derivatives(self, state: Any, directions: Directions) -> Derivatives:
        """First and second derivatives of S and log|V| in the given directions of each G_t."""
        if isinstance(self.route, NestedRoute):
            return nested_derivatives(self.route, state, directions)
        return crossed_derivatives(self.route, state, directions)

    def tangents(self, internal: FloatArray) -> Directions:
        """dG_t for every free entry of Lambda_t, in the order of the parameters."""
        found: Directions = []
        factors = self.scaled.factors(internal[: self.n_theta])
        for term, factor in zip(self.scaled.terms, factors, strict=True):
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


def _series_within(structure: BoundResidual | None, problem: MixedProblem, term: int) -> bool:
    """Whether each series lies within one group of the term."""
    if structure is None or structure.series is None:
        return True
    codes = problem.random[term].codes
    linked = structure.previous >= 0
    return bool(np.array_equal(codes[linked], codes[structure.previous[linked]]))
