"""Solve a mixed-model problem: the profiled deviance, its gradient, the optimum and what hangs from it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.likelihood.engine import Engine, Method
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.problem import MixedProblem
from mpg_research.mixed.search.identified import check_told_apart
from mpg_research.mixed.search.starts_and_faces import (
    find_optimum,
    inverse_curvature,
    narrowed,
    start_off_boundary,
)

__all__ = ["BoundaryFace", "MixedSolution", "make_solution", "objective", "solve"]


# Below this share of the least-squares residual variance what is left of the residuals is rounding.
VANISHED = 1e-12
# Relative standard deviations beyond this square to infinity.
LARGEST_THETA = 1e100
NOTHING_LEFT = (
    "the residual variance went to zero: the random effects reproduce the outcome exactly; "
    "check the outcome, or leave a random term out"
)
GIVEN = "evaluated at the given theta"


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
    residual_names : tuple of str
        Names of the residual structure's parameters; empty without one.
    residual_parameters : array, shape (n_residual,)
        Their values: correlations, or ratios of standard deviations to the first stratum's.
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
    residual_names: tuple[str, ...]
    residual_parameters: FloatArray
    engine: Any = field(repr=False)
    internal: FloatArray = field(repr=False)
    cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def was_given(self) -> bool:
        """True where theta was given rather than found."""
        return self.message == GIVEN

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
        engine: Engine = self.engine
        internal = engine.scaled.factors(self.internal[: engine.n_theta])[term_index]
        return engine.scaled.terms[term_index].outward(internal)

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
    for term, factor in zip(problem.random, engine.scaled.factors(internal[: engine.n_theta]), strict=True):
        size = factor.shape[0]
        rank = int(np.sum(np.linalg.svd(factor, compute_uv=False) > 1e-7)) if size else 0
        rows = np.sqrt(np.sum(factor**2, axis=1))
        zero = tuple(name for name, row in zip(term.term_names, rows, strict=True) if row <= 1e-7)
        faces.append(BoundaryFace(term.group, tuple(term.term_names), size, rank, zero))
    return tuple(faces)


def objective(problem: MixedProblem, theta: ArrayLike, method: Method = "REML") -> float:
    """Profiled (restricted) deviance at lme4's theta."""
    engine = Engine(problem, method)
    return _evaluate_given(engine, _checked(theta, engine)) + engine.shift()


def _evaluate_given(engine: Engine, internal: FloatArray) -> float:
    """The internal deviance at a user's parameters; those that leave no digits are refused."""
    try:
        with np.errstate(all="ignore"):
            deviance = engine.at(internal)[1].deviance
    except np.linalg.LinAlgError:
        deviance = np.nan
    if not np.isfinite(deviance):
        raise ModelError(
            "The model cannot be evaluated at this theta: rounding leaves nothing of the residuals."
        )
    return deviance


def _checked(theta: Any, engine: Engine) -> FloatArray:
    """Theta in the engine's parameters."""
    expected = engine.n_theta + (0 if engine.structure is None else len(engine.structure.names))
    try:
        given = np.asarray(theta, dtype=float).ravel()
    except (TypeError, ValueError):
        raise ModelError(f"theta must be {expected} numbers; found {theta!r}.") from None
    if given.size != expected or not np.all(np.abs(given) < LARGEST_THETA):
        raise ModelError(
            f"theta has {given.size} values; expected {expected} finite values, the column-major "
            "lower triangles of the relative covariance factors of the random terms in order "
            "(and behind them the parameters of a residual structure)."
        )
    with np.errstate(all="ignore"):
        internal = engine.to_internal(given)
    if not np.all(np.isfinite(internal)):
        raise ModelError(
            f"theta gives the residual structure the parameters {given[engine.n_theta :].tolist()}; expected "
            "correlations between -1 and 1 (between 0 and 1 in continuous time), or ratios above zero."
        )
    return internal


def solve(
    problem: MixedProblem,
    *,
    method: Method = "REML",
    theta: ArrayLike | None = None,
    near: MixedSolution | None = None,
) -> MixedSolution:
    """Fit the model, or evaluate it at a given theta.

    Parameters
    ----------
    problem : MixedProblem
        With at least one random term.
    method : {"REML", "ML"}
    theta : array, shape (n_theta,), optional
        Evaluate here instead of optimising.
    near : MixedSolution, optional
        Of other rows, or of other fixed effects: the search begins at its variances where they are of the
        same random terms and residual structure, and is otherwise that of a fit without it.

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
        internal = _checked(theta, engine)
        _evaluate_given(engine, internal)
        _, gradient = engine.value_and_gradient(internal)
        return make_solution(engine, internal, gradient, 1, True, GIVEN)
    _check_identified(problem)
    check_told_apart(engine)
    start = None if near is None else _start_near(engine, near)
    best = find_optimum(engine) if start is None else find_optimum(engine, *start)
    found = make_solution(engine, best.x, best.gradient, best.n_evaluations, best.converged, best.message)
    if found.sigma2 < VANISHED * engine.scaled.y_scale**2:
        return replace(found, converged=False, message=NOTHING_LEFT)
    return found


def _start_near(engine: Engine, near: MixedSolution) -> tuple[FloatArray, FloatArray] | None:
    """Where to begin beside another fit and an inverse curvature there; None where it does not serve."""
    ours, theirs = (
        [(term.group, term.term_names, term.structure) for term in one.random]
        for one in (engine.problem, near.problem)
    )
    names = () if engine.structure is None else engine.structure.names
    if not near.converged or ours != theirs or names != near.residual_names:
        return None
    lean = engine.lean()
    if not isinstance(lean.route, NestedRoute):
        return None
    try:
        given = np.concatenate([near.theta, near.residual_parameters])
        start = start_off_boundary(lean, _checked(given, engine))
        return start, inverse_curvature(narrowed(lean), start)
    except (ModelError, np.linalg.LinAlgError):
        return None


def _check_identified(problem: MixedProblem) -> None:
    """Refuse terms with as many random effects as rows, as lme4 does."""
    n = problem.y.size
    for term in problem.random:
        n_effects = len(term.levels) * (term.z.shape[1] if term.correlated else 1)
        if n_effects >= n:
            raise ModelError(
                f"The random term ({' + '.join(term.term_names)} | {term.group}) has {n_effects} random "
                f"effects but there are only {n} rows: its variances cannot be told from the residual's; "
                "expected more rows than random effects. Drop a random slope or group differently."
            )


def make_solution(
    engine: Engine,
    internal: FloatArray,
    gradient: FloatArray,
    n_evaluations: int,
    converged: bool,
    message: str,
) -> MixedSolution:
    """The solution at an internal parameter vector, in the user's units."""
    scaled = engine.scaled
    _, found = engine.lean().at(internal)
    inverse = scaled.x_inverse
    return MixedSolution(
        problem=engine.problem,
        method=engine.method,
        theta=scaled.to_theta(internal[: engine.n_theta]),
        beta=scaled.beta_start + scaled.y_scale * (inverse @ found.beta),
        phi=inverse @ found.phi @ inverse.T,
        sigma2=scaled.y_scale**2 * found.s2,
        deviance=found.deviance + engine.shift(),
        gradient=gradient,
        n_evaluations=n_evaluations,
        converged=converged,
        message=message,
        faces=_faces(engine.problem, engine, internal),
        residual_names=() if engine.structure is None else engine.structure.names,
        residual_parameters=(
            np.empty(0) if engine.structure is None else engine.structure.natural(engine.delta(internal))
        ),
        engine=engine,
        internal=internal,
    )
