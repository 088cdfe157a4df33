"""One problem made ready: internal coordinates, cross-products, objective, gradient and curvature."""

from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.neighbours import NeighbourResidual
from mpg_research.mixed.covariance.protocol import BoundResidual
from mpg_research.mixed.likelihood.compact_route import compact_route
from mpg_research.mixed.likelihood.crossed_residual import structure_gradient
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute
from mpg_research.mixed.likelihood.derivatives import (
    Derivatives,
    Directions,
    crossed_derivatives,
    nested_derivatives,
)
from mpg_research.mixed.likelihood.layout import chain_of_levels
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.likelihood.residual_derivatives import structured_derivatives
from mpg_research.mixed.likelihood.residual_sweep import residual_slopes, structured_blocks
from mpg_research.mixed.likelihood.scaling import Scaled, scale_problem
from mpg_research.mixed.likelihood.separate_route import SeparateRoute, crossed_route
from mpg_research.mixed.problem import MixedProblem

__all__ = ["Engine", "Method", "Profile", "profile"]

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
        self.route: NestedRoute | CrossedRoute | SeparateRoute
        if chain is None:
            if self.structure is not None and not self.structure.neighbours_only:
                raise ModelError(
                    f"{self.structure.label} needs nested random terms, such as families within "
                    "workers within organisations; these groups cross. Choose AR1 or CAR1 (without "
                    "measurement_error) instead, or leave out the term that crosses."
                )
            self.route = crossed_route(problem, self.scaled)
            if not _series_within(self.structure, problem, self.route.first[0]):
                raise ModelError(
                    "The series of the residual structure cut across the groups of the finest random term; "
                    "expected each series within one group. Add a random term for the series, such as "
                    "(1 | family)."
                )
        else:
            within = None if self.structure is None else self.structure.place()
            self.route = NestedRoute(problem, self.scaled, chain, within)
            if self.structure is not None:
                # in the order of the route's rows
                self.residual = self.structure.sorted(self.route.rows.order)
            self.chain, self.within = chain, within
        self.n_theta = self.scaled.n_parameters
        # the same by a shorter route, and the one that this is the same of
        self._lean: Engine | None = None
        self.whole: Engine | None = None
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
        other._lean = None if self.whole is None else other
        if self._lean is not None and self._lean is not self:
            other._lean = self._lean.with_base_outcome(row)
            other._lean.whole = other
        fixed = self.scaled.fixed.copy()
        fixed[-1] = row
        other.scaled = replace(self.scaled, fixed=fixed, beta_start=np.zeros(self.scaled.p))
        if isinstance(self.route, NestedRoute):
            other.route = self.route.with_outcome(row)
        else:
            other.route = crossed_route(self.problem, other.scaled)
        return other

    def lean(self) -> "Engine":
        """The same engine by a route that carries the fixed effects that each group has, if these are few."""
        if self._lean is None:
            self._lean = self._made_lean()
        return self._lean

    def _made_lean(self) -> "Engine":
        if not isinstance(self.route, NestedRoute):
            return self
        route = compact_route(self.problem, self.scaled, self.chain, self.within, self.route.d)
        if route is None:
            return self
        other = copy(self)
        other.route, other.whole, other._lean = route, self, other
        if self.structure is not None:
            other.residual = self.structure.sorted(route.rows.order)
        return other

    def narrowed(self, share: float = 0.7) -> "Engine":
        """A cheaper engine for the first steps: itself where that has more than a share of the columns."""
        whole = self.whole or self
        if not isinstance(self.route, NestedRoute) or not isinstance(whole.route, NestedRoute):
            return self
        route = whole.route.narrowed() if self.structure is None else whole.route.thinned()
        if self.structure is None and route.d > share * self.route.d:
            route = whole.route.thinned()
        if route.d > share * self.route.d:
            return self
        other = copy(whole)
        other.route, other.whole, other._lean = route, None, other
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
        pieces = [term.structure.pack(0.7 * np.eye(term.root.shape[0])) for term in self.scaled.terms]
        if self.structure is not None:
            pieces.append(self.structure.start_from(self.scaled.fixed[-1]))
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

    def at(self, internal: FloatArray) -> tuple[Any, Profile]:
        """State of the sweep and profiled quantities."""
        factors = self.scaled.factors(internal[: self.n_theta])
        if self.structure is None:
            state: Any = self.route.evaluate(factors)
        elif isinstance(self.route, NestedRoute):
            blocks, log_det = structured_blocks(self.route.rows, self.residual, self.delta(internal))
            state = self.route.evaluate(factors, blocks)
            state = replace(state, log_det=state.log_det + log_det)
        else:
            assert isinstance(self.structure, NeighbourResidual)
            row_weights = self.structure.weights(self.delta(internal))
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
        factors = self.scaled.factors(internal[: self.n_theta])
        gammas, of_structure = self.all_slopes(internal, state, found)
        pieces = [
            term.structure.pack(2.0 * gamma @ factor)
            for term, factor, gamma in zip(self.scaled.terms, factors, gammas, strict=True)
        ]
        return found.deviance, np.concatenate([*pieces, of_structure])

    def all_slopes(
        self, internal: FloatArray, state: Any, found: Profile
    ) -> tuple[list[FloatArray], FloatArray]:
        """Gamma_t as :meth:`slopes`, and the derivative of the deviance in delta."""
        if self.structure is None:
            return self.slopes(state, found), np.empty(0)
        inner = self.inner(found)
        if not isinstance(self.route, NestedRoute):
            assert isinstance(self.structure, NeighbourResidual)
            weights = self.structure.weights(self.delta(internal))
            differences = structure_gradient(self.route, state, inner, weights, self.structure.previous)
            return self.slopes(state, found), differences
        moments = self.route.moments(state, inner)
        gammas = self.route.slopes(state, inner, moments)
        delta = self.delta(internal)
        return gammas, residual_slopes(self.route, self.residual, delta, state, moments[0])

    def derivatives(self, state: Any, directions: Directions, internal: FloatArray) -> Derivatives:
        """First and second derivatives of S and log|V| in the given directions of each G_t, then in delta.

        With crossed factors the parameters of a residual structure are left out.
        """
        if self.structure is not None and isinstance(self.route, NestedRoute):
            return structured_derivatives(self, state, directions, internal, with_bends=False).first
        if isinstance(self.route, NestedRoute):
            return nested_derivatives(self.route, state, directions)
        return crossed_derivatives(self.route, state, directions)

    def tangents(self, internal: FloatArray) -> Directions:
        """dG_t for every free entry of Lambda_t, in the order of the parameters."""
        found: Directions = []
        factors = self.scaled.factors(internal[: self.n_theta])
        for term, factor in zip(self.scaled.terms, factors, strict=True):
            size = factor.shape[0]
            own = []
            for row, column in zip(*term.structure.free(size), strict=True):
                half = np.zeros((size, size))
                half[row] = factor[:, column]
                own.append(half + half.T)
            found.append(own)
        return found

    def expected_curvature(
        self, state: Any, found: Profile, directions: Directions, internal: FloatArray
    ) -> FloatArray:
        """Expected Hessian of the profiled deviance in those directions, and in delta as above."""
        raw = self.derivatives(state, directions, internal)
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
    codes, series = problem.random[term].codes, structure.series
    first = np.empty(int(series.max()) + 1, dtype=np.intp)
    first[series] = codes
    return bool(np.array_equal(first[series], codes))
