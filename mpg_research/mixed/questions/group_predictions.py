"""Predictions for all groups of a random term together: x'beta + z'b_g, with their joint covariance."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.random_part import lower_factor
from mpg_research.mixed.inference.information import Kind, information
from mpg_research.mixed.inference.natural_parameters import term_faces
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.search.solution import MixedSolution, make_solution

__all__ = ["GroupEffects", "GroupPredictions", "group_effects"]


#: Standard deviation of a random effect, in residual standard deviations, at which nothing is shrunken: a
#: group of one family moves by a millionth; much larger, and the cross-products lose their last digits.
_FLAT = 3e2
#: Relative step of the variance parameters, for differences.
STEP = 1e-4


@dataclass(frozen=True, slots=True)
class GroupPredictions:
    """A linear combination of fixed effects and of one group's random effects, for g groups.

    Attributes
    ----------
    levels : tuple, length g
        The groups, in the order of the codes of the random term.
    estimate : ndarray, shape (g,)
    covariance : ndarray, shape (g, g)
        Of estimate minus truth: the conditional variances, and the uncertainty of the fixed effects that all
        groups share. The variance parameters count as known.
    """

    levels: tuple[Any, ...]
    estimate: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True)
class GroupEffects:
    """The effects of g groups of a random term with q columns, beside p fixed effects.

    Attributes
    ----------
    levels : tuple, length g
    modes : ndarray, shape (g, q)
        Conditional modes.
    variances : ndarray, shape (g, q, q)
        Conditional covariances given the fixed effects.
    beta : ndarray, shape (p,)
        Fixed effects.
    shrunken : bool
        False where the groups are as good as fixed effects.
    """

    levels: tuple[Any, ...]
    modes: FloatArray
    variances: FloatArray
    beta: FloatArray
    shrunken: bool
    # What this was made from, where the variance parameters are moved a little, and what was found there.
    _maker: "_Maker" = field(repr=False)
    # How the modes move with the fixed effects, in the engine's coordinates, and what leads there.
    _carried: FloatArray = field(repr=False)
    _inward: FloatArray = field(repr=False)
    _covariance: FloatArray = field(repr=False)

    def predict(self, fixed: ArrayLike, random: ArrayLike) -> GroupPredictions:
        """Predict x'beta + z'b_g for every group.

        Parameters
        ----------
        fixed : array_like, shape (p,) or (g, p)
            x: common to all groups, or one row per group.
        random : array_like, shape (q,)
            z, in the columns of the term.

        Raises
        ------
        ModelError
            If the shapes do not fit.
        """
        z, x = np.asarray(random, dtype=float), np.asarray(fixed, dtype=float)
        g, q = self.modes.shape
        p = len(self.beta)
        if z.shape != (q,) or x.shape not in ((p,), (g, p)):
            raise ModelError(f"expected x of shape ({p},) or ({g}, {p}) and z of {q} values.")
        sensitivity = np.broadcast_to(x, (g, p)) @ self._inward + self._carried @ z
        own = np.einsum("i,gij,j->g", z, self.variances, z)
        covariance = sensitivity @ self._covariance @ sensitivity.T + np.diag(own)
        return GroupPredictions(self.levels, x @ self.beta + self.modes @ z, covariance)

    def degrees(
        self,
        fixed: ArrayLike,
        random: ArrayLike,
        *,
        contrasts: ArrayLike | None = None,
        kind: Kind = "observed",
    ) -> FloatArray:
        """Satterthwaite's degrees of freedom of the variances that :meth:`predict` gives.

        Parameters
        ----------
        fixed, random : array_like
            As in :meth:`predict`.
        contrasts : array_like, shape (m, g), optional
            Combinations of the groups, such as differences; each group for itself when left out.
        kind : {"observed", "expected"}
            Information of the variance parameters.

        Returns
        -------
        array, shape (g,) or (m,)
            2 C^2 / g'Wg with C the variance of the whole prediction error (or of its contrast) and g its
            derivatives in the variance parameters, by differences.
        """
        weights = np.eye(len(self.levels)) if contrasts is None else np.atleast_2d(np.asarray(contrasts))

        def variance(effects: GroupEffects) -> FloatArray:
            covariance = effects.predict(fixed, random).covariance
            return np.asarray(np.einsum("mg,gh,mh->m", weights, covariance, weights))

        found = information(self._maker.solution, kind)
        slopes = [(variance(up) - variance(down)) / (2.0 * step) for up, down, step in self._maker.moved()]
        gradient = np.array(slopes).T[:, found.kept]
        spread = np.einsum("mi,ij,mj->m", gradient, found.inverse, gradient)
        own = variance(self)
        degrees = np.full(len(weights), np.inf)
        np.divide(2.0 * own**2, spread, out=degrees, where=spread > 0)
        return degrees


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the effects of one term anew at other variance parameters."""

    solution: MixedSolution
    term_index: int
    shrink: bool
    still_shrunken: tuple[str, ...]
    memory: dict[str, Any] = field(default_factory=dict)

    def at(self, internal: FloatArray, sigma2: float) -> GroupEffects:
        """Effects at relative parameters and a residual variance, in units of the outcome."""
        engine: Engine = self.solution.engine
        moved = make_solution(engine, internal, np.zeros_like(internal), 1, True, "moved")
        return _effects(self, moved, sigma2)

    def moved(self) -> list[tuple[GroupEffects, GroupEffects, float]]:
        """Effects on both sides of the fit along each parameter of the information, and how far."""
        if "moved" in self.memory:
            known: list[tuple[GroupEffects, GroupEffects, float]] = self.memory["moved"]
            return known
        solution = self.solution
        engine: Engine = solution.engine
        unit, sigma2 = engine.scaled.y_scale**2, solution.sigma2
        n_theta = engine.n_theta
        pairs = []

        def pair(step: float, *sides: tuple[FloatArray, float]) -> None:
            up, down = (self.at(internal, variance) for internal, variance in sides)
            pairs.append((up, down, step))

        start = 0
        faces = term_faces(engine, solution.internal)
        for scale, face in zip(engine.scaled.terms, faces, strict=True):
            for change in face.changes():
                sides = []
                for sign in (STEP, -STEP):
                    internal = solution.internal.copy()
                    factor = lower_factor(face.factor + sign * change)
                    internal[start : start + scale.n_parameters] = scale.structure.pack(factor)
                    sides.append((internal, sigma2))
                # a parameter is a multiple of its direction in units of the outcome, Lambda in those of sigma
                pair(STEP * sigma2 / unit, *sides)
            start += scale.n_parameters
        if engine.structure is not None and isinstance(engine.route, NestedRoute):
            for place in range(n_theta, len(solution.internal)):
                sides = []
                for sign in (STEP, -STEP):
                    internal = solution.internal.copy()
                    internal[place] += sign
                    sides.append((internal, sigma2))
                pair(STEP, *sides)
        sides = []
        for sign in (STEP, -STEP):
            internal = solution.internal.copy()
            internal[:n_theta] /= np.sqrt(1.0 + sign)
            sides.append((internal, sigma2 * (1.0 + sign)))
        pair(STEP * sigma2 / unit, *sides)
        self.memory["moved"] = pairs
        return pairs


def group_effects(
    solution: MixedSolution, term_index: int, *, shrink: bool = True, still_shrunken: Collection[str] = ()
) -> GroupEffects:
    """The effects of the groups of one random term, for predictions with their joint covariance.

    Parameters
    ----------
    solution : MixedSolution
    term_index : int
        Which random term; of nested terms the coarsest, whose groups are independent given the fixed
        effects.
    shrink : bool
        False: the term's variance is set so large that its modes are the least-squares estimates of its
        groups, the other variances staying as estimated; the fixed effects then rest on comparisons within
        groups. So hundreds of groups need no dummy columns. Variances stay in units of the residual
        variance of ``solution``.
    still_shrunken : collection of str
        Columns of the term that keep their estimated variance (and are independent of the others) when the
        rest is not shrunken: what a small group could not tell of itself.

    Returns
    -------
    GroupEffects

    Notes
    -----
    The modes are linear in beta, b(beta) = b_0 + D beta, so that the error of x'beta + z'b is
    (x + D'z)'(beta_hat - beta) + z'(b(beta) - b), two independent parts (Henderson's equations, solved by the
    engine's sweeps instead of a large matrix).

    References
    ----------
    Henderson, C. R. (1975). Best linear unbiased estimation and prediction under a selection model.
    *Biometrics*, 31, 423-447. https://doi.org/10.2307/2529430
    """
    maker = _Maker(solution, term_index, shrink, tuple(still_shrunken))
    return _effects(maker, solution, solution.sigma2)


def _effects(maker: _Maker, solution: MixedSolution, sigma2: float) -> GroupEffects:
    """The effects at a solution, with the residual variance ``sigma2`` instead of its own."""
    term_index, shrink = maker.term_index, maker.shrink
    base = solution if shrink else _without_shrinkage(solution, term_index, maker.still_shrunken)
    scale = sigma2 / base.sigma2
    engine: Engine = base.engine
    state, found = engine.at(base.internal)
    scaled = engine.scaled
    root = np.linalg.inv(scaled.terms[term_index].root)
    p = len(base.beta)
    weights = -scaled.y_scale * np.eye(p + 1, p)
    carried = np.swapaxes(engine.route.modes_of(state, weights, term_index), 1, 2) @ root.T
    inverse = scaled.x_inverse
    modes, variances = base.conditional_modes(term_index)
    return GroupEffects(
        levels=base.problem.random[term_index].levels,
        modes=modes,
        variances=scale * variances,
        beta=base.beta,
        shrunken=shrink,
        _maker=maker,
        _carried=carried,
        _inward=scaled.y_scale * inverse,
        _covariance=scale * found.s2 * found.phi,
    )


def _without_shrinkage(
    solution: MixedSolution, term_index: int, still_shrunken: Collection[str]
) -> MixedSolution:
    theta = solution.theta.copy()
    start = 0
    for index, term in enumerate(solution.problem.random):
        q = len(term.term_names)
        n_theta = term.structure.count(q)
        if index == term_index:
            spread = np.sqrt(np.mean(term.z**2, axis=0))
            free = _FLAT / np.where(spread > 0, spread, 1.0)
            estimated = np.sqrt(np.diagonal(solution.random_covariance(index)) / solution.sigma2)
            kept = np.array([name in still_shrunken for name in term.term_names])
            factor = np.diag(np.where(kept, estimated, free))
            theta[start : start + n_theta] = term.structure.pack(factor)
        start += n_theta
    engine: Engine = solution.engine
    internal = engine.to_internal(np.concatenate([theta, solution.residual_parameters]))
    return make_solution(engine, internal, np.zeros_like(internal), 1, True, "evaluated without shrinkage")
