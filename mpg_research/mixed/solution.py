"""Solve a mixed-model problem: the profiled deviance, its gradient, the optimum and what hangs from it."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ..errors import ModelError
from .crossed import CrossedRoute
from .nested import NestedRoute, chain_of_levels
from .optimise import Minimum, minimise
from .problem import MixedProblem
from .scaling import Scaled, lower_factor, pack, scale_problem

__all__ = ["BoundaryFace", "MixedSolution", "objective", "solve"]

FloatArray = NDArray[np.float64]
Method = Literal["REML", "ML"]

# A direction of Lambda whose singular value is below this (internal columns have unit mean square, so
# this is relative to the residual sd) is a candidate for exactly zero; the derivative then decides.
SMALL_DIRECTION = 2e-3
# The deviance may rise by this much, relative, when a candidate is set to zero.
SNAP_RISE = 1e-9


@dataclass(frozen=True, slots=True)
class BoundaryFace:
    """Where one random term sits in its parameter space.

    Attributes
    ----------
    group : str
    term_names : tuple of str
    size : int
        q, the number of random columns.
    rank : int
        Rank of Lambda; below ``size`` the term is singular.
    zero_sd : tuple of str
        The columns whose standard deviation is exactly zero.
    """

    group: str
    term_names: tuple[str, ...]
    size: int
    rank: int
    zero_sd: tuple[str, ...]

    @property
    def is_singular(self) -> bool:
        """True where the covariance matrix of the term has not full rank."""
        return self.rank < self.size


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


@dataclass(frozen=True, slots=True, eq=False)
class MixedSolution:
    """A fitted (or evaluated) mixed model, as numbers.

    Attributes
    ----------
    problem : MixedProblem
    method : {"REML", "ML"}
    theta : array, shape (n_theta,)
        lme4's theta: relative covariance factors, column-major lower triangles, diagonals not negative.
    beta : array, shape (p,)
        Fixed effects, in the columns of ``problem.x``.
    phi : array, shape (p, p)
        (X'V^-1X)^-1 with V = Var(y) / sigma2: unscaled.
    covariance : array, shape (p, p)
        Covariance of ``beta``: sigma2 * phi.
    sigma2 : float
        Residual variance.
    deviance : float
        -2 log-likelihood (restricted under REML), as lme4 defines it.
    log_likelihood : float
    gradient : array, shape (n_theta,)
        Of the deviance, in the engine's internal coordinates (scale-free).
    n_evaluations : int
    converged : bool
        True also where theta was given: nothing was to converge.
    message : str
        "converged", "evaluated at the given theta", or what went wrong.
    faces : tuple of BoundaryFace
        One per random term.
    """

    problem: MixedProblem
    method: Method
    theta: FloatArray
    beta: FloatArray
    phi: FloatArray
    sigma2: float
    deviance: float
    gradient: FloatArray
    n_evaluations: int
    converged: bool
    message: str
    faces: tuple[BoundaryFace, ...]
    engine: Any = field(repr=False)
    internal: FloatArray = field(repr=False)
    cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def covariance(self) -> FloatArray:
        """Covariance of beta, shape (p, p)."""
        return self.sigma2 * self.phi

    @property
    def log_likelihood(self) -> float:
        """(Restricted) log-likelihood."""
        return -0.5 * self.deviance

    @property
    def is_singular(self) -> bool:
        """True where any term's covariance matrix has not full rank."""
        return any(face.is_singular for face in self.faces)

    def relative_factor(self, term_index: int) -> FloatArray:
        """Lambda of one term (q, q): its covariance matrix is sigma2 Lambda Lambda'."""
        internal = self.engine.scaled.factors(self.internal)[term_index]
        found: FloatArray = self.engine.scaled.terms[term_index].outward(internal)
        return found

    def random_covariance(self, term_index: int) -> FloatArray:
        """Covariance matrix of one term's random effects (q, q)."""
        factor = self.relative_factor(term_index)
        return self.sigma2 * factor @ factor.T

    def conditional_modes(self, term_index: int) -> tuple[FloatArray, FloatArray]:
        """Conditional modes and covariances of one term.

        Returns
        -------
        modes : array, shape (n_groups, q)
        covariances : array, shape (n_groups, q, q)
            Var(b | y) with the fixed effects and variances taken as known, as lme4's condVar.
        """
        engine: Engine = self.engine
        state, found = engine.at(self.internal)
        scale = engine.scaled.y_scale
        root = engine.scaled.terms[term_index].root
        inverse = np.linalg.inv(root)
        weights = np.append(-found.beta, 1.0) * scale
        modes = engine.route.modes(state, weights)[term_index] @ inverse.T
        variances = engine.route.posterior_variances(state)[term_index]
        return modes, (scale**2 * found.s2) * (inverse @ variances @ inverse.T)


def _faces(problem: MixedProblem, engine: Engine, internal: FloatArray) -> tuple[BoundaryFace, ...]:
    faces = []
    for term, factor in zip(problem.random, engine.scaled.factors(internal), strict=True):
        size = factor.shape[0]
        rank = int(np.sum(np.linalg.svd(factor, compute_uv=False) > 1e-7)) if size else 0
        rows = np.sqrt(np.sum(factor**2, axis=1))
        zero = tuple(name for name, row in zip(term.term_names, rows, strict=True) if row <= 1e-7)
        faces.append(BoundaryFace(term.group, tuple(term.term_names), size, rank, zero))
    return tuple(faces)


def objective(problem: MixedProblem, theta: FloatArray, method: Method = "REML") -> float:
    """Profiled (restricted) deviance at lme4's theta."""
    engine = Engine(problem, method)
    _, found = engine.at(engine.scaled.to_internal(_checked(theta, engine)))
    return found.deviance + engine.shift()


def _checked(theta: FloatArray, engine: Engine) -> FloatArray:
    given = np.asarray(theta, dtype=float).ravel()
    expected = engine.scaled.n_parameters
    if given.size != expected or not np.all(np.isfinite(given)):
        raise ModelError(
            f"theta has {given.size} values; expected {expected} finite values, the column-major "
            "lower triangles of the relative covariance factors of the random terms in order."
        )
    return given


def solve(
    problem: MixedProblem, *, method: Method = "REML", theta: FloatArray | None = None
) -> MixedSolution:
    """Fit the model, or evaluate it at a given theta.

    Parameters
    ----------
    problem : MixedProblem
        With at least one random term.
    method : {"REML", "ML"}
    theta : array, shape (n_theta,), optional
        Evaluate here instead of optimising.

    Returns
    -------
    MixedSolution

    Raises
    ------
    ModelError
        If the design is rank-deficient, has no rows to spare, or no random term.

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), 10.18637/jss.v067.i01.
    """
    if not problem.random:
        raise ModelError("The model has no random term; expected at least one, such as (1 | family).")
    engine = Engine(problem, method)
    if theta is not None:
        internal = engine.scaled.to_internal(_checked(theta, engine))
        _, gradient = engine.value_and_gradient(internal)
        return _solution(engine, internal, gradient, 1, True, "evaluated at the given theta")
    best = _optimum(engine)
    return _solution(engine, best.x, best.gradient, best.n_evaluations, best.converged, best.message)


def _start(engine: Engine) -> FloatArray:
    return np.concatenate(
        [pack(0.7 * np.eye(term.root.shape[0]), term.correlated) for term in engine.scaled.terms]
    )


def _optimum(engine: Engine) -> Minimum:
    """Minimise; set vanishing directions to zero where the derivative agrees; leave false zeros."""
    best = minimise(engine.value_and_gradient, _start(engine))
    for _ in range(4):
        snapped = _snap(engine, best)
        direction = _descent_from_zero(engine, snapped.x)
        if direction is None:
            return snapped
        again = minimise(engine.value_and_gradient, direction)
        best = replace(again, n_evaluations=snapped.n_evaluations + again.n_evaluations)
    return best


def _snap(engine: Engine, best: Minimum) -> Minimum:
    """Set small directions of Lambda to exactly zero if the deviance does not mind."""
    pieces, changed = [], False
    for term, factor in zip(engine.scaled.terms, engine.scaled.factors(best.x), strict=True):
        left, values, _ = np.linalg.svd(factor)
        small = (values < SMALL_DIRECTION) & (values > 0)
        if np.any(small):
            changed = True
            if term.correlated:
                factor = lower_factor(left * np.where(small, 0.0, values))
                factor[np.abs(factor) < 1e-12] = 0.0
            else:
                factor = np.where(np.abs(factor) < SMALL_DIRECTION, 0.0, factor)
        pieces.append(pack(factor, term.correlated))
    if not changed:
        return best
    x = np.concatenate(pieces)
    value, gradient = engine.value_and_gradient(x)
    if value > best.value + SNAP_RISE * max(1.0, abs(best.value)):
        return best
    return replace(best, x=x, value=value, gradient=gradient, n_evaluations=best.n_evaluations + 1)


def _descent_from_zero(engine: Engine, internal: FloatArray) -> FloatArray | None:
    """A start off the boundary if some vanished direction would lower the deviance; else None."""
    factors = engine.scaled.factors(internal)
    ranks = [np.linalg.matrix_rank(f, tol=1e-9) for f in factors]
    if all(rank == f.shape[0] for rank, f in zip(ranks, factors, strict=True)):
        return None
    state, found = engine.at(internal)
    pieces, useful = [], False
    for term, factor, gamma, rank in zip(
        engine.scaled.terms, factors, engine.slopes(state, found), ranks, strict=True
    ):
        if rank < factor.shape[0]:
            if not term.correlated:
                wanted = (np.diagonal(factor) == 0) & (np.diagonal(gamma) < -1e-6)
                factor = factor + np.diag(np.where(wanted, 0.05, 0.0))
                useful = useful or bool(np.any(wanted))
            else:
                values, vectors = np.linalg.eigh(gamma)
                if values[0] < -1e-6 * max(1.0, float(np.max(np.abs(values)))):
                    factor = lower_factor(np.column_stack([factor, 0.05 * vectors[:, :1]]))
                    useful = True
        pieces.append(pack(factor, term.correlated))
    return np.concatenate(pieces) if useful else None


def _solution(
    engine: Engine,
    internal: FloatArray,
    gradient: FloatArray,
    n_evaluations: int,
    converged: bool,
    message: str,
) -> MixedSolution:
    scaled = engine.scaled
    _, found = engine.at(internal)
    inverse = solve_triangular(scaled.x_root, np.eye(scaled.p)) if scaled.p else np.zeros((0, 0))
    return MixedSolution(
        problem=engine.problem,
        method=engine.method,
        theta=scaled.to_theta(internal),
        beta=scaled.beta_start + scaled.y_scale * (inverse @ found.beta),
        phi=inverse @ found.phi @ inverse.T,
        sigma2=scaled.y_scale**2 * found.s2,
        deviance=found.deviance + engine.shift(),
        gradient=gradient,
        n_evaluations=n_evaluations,
        converged=converged,
        message=message,
        faces=_faces(engine.problem, engine, internal),
        engine=engine,
        internal=internal,
    )
