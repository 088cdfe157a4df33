"""The restricted likelihood of two outcomes with courses per family, swings that carry over, and known error.

Of a family, V = Z G Z' + C + E: levels and slopes of both outcomes, all four of which may go together (G),
swings (:mod:`vector_swings`), and an error of measurement of each score whose variance is known. The fixed
effects are profiled out. Families have few rows each, so every matrix is a dense one per family
(:mod:`families`).
"""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.statistics.two_outcomes.families import Families
from mpg_research.statistics.two_outcomes.vector_swings import START, covariance_slopes, covariances

__all__ = ["N_EFFECTS", "Slopes", "TwoOutcomes"]

#: Random effects of a family: a slope and a level of each outcome.
N_EFFECTS = 4
#: Parameters of the swings that say what carries over.
_CARRIED = 4
_LOWER = np.tril_indices(N_EFFECTS)


@dataclass(frozen=True, slots=True)
class Slopes:
    """How the deviance moves with V, by family.

    ``effects`` (n, 4, 4): with dG its change is the sum of the products of the two; ``cells`` (n, c): the
    same with the entries of the covariances of the swings, in the order of :attr:`Families.cells`.
    """

    effects: FloatArray
    cells: FloatArray


@dataclass(frozen=True)
class TwoOutcomes:
    """The model of some families: parameters in, deviance out.

    Attributes
    ----------
    families : Families
    noise : tuple of float
        Known error variance of a score of the first and of the second outcome.
    carries_over : bool
        Whether swings carry over; else they are correlated within a moment only.

    Notes
    -----
    Parameters, in this order: the lower triangle of the root of G by rows (10); what carries over (4, if
    ``carries_over``), the correlation and the ratio of the swings (2), and the logarithm of the standard
    deviation of the first outcome's swings.
    """

    families: Families
    noise: tuple[float, float] = (0.0, 0.0)
    carries_over: bool = True

    @property
    def n_parameters(self) -> int:
        """Length of the vector of parameters."""
        return len(_LOWER[0]) + (_CARRIED if self.carries_over else 0) + 3

    def root(self, vector: FloatArray) -> FloatArray:
        """The root of G, a lower triangle, shape (4, 4).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        """
        found = np.zeros((N_EFFECTS, N_EFFECTS))
        found[_LOWER] = vector[: len(_LOWER[0])]
        return found

    def delta(self, vector: FloatArray) -> FloatArray:
        """The parameters of :mod:`vector_swings`, shape (6,).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        """
        own = vector[len(_LOWER[0]) : -1]
        return own if self.carries_over else np.append(np.zeros(_CARRIED), own)

    def vector(self, root: FloatArray, delta: FloatArray, log_sd: float) -> FloatArray:
        """The vector of parameters.

        Parameters
        ----------
        root : ndarray, shape (4, 4)
        delta : ndarray, shape (6,)
        log_sd : float
        """
        return np.concatenate([root[_LOWER], delta if self.carries_over else delta[_CARRIED:], [log_sd]])

    def start(self) -> FloatArray:
        """Where to begin: half of what least squares leave between families, a third swings."""
        own = self.families
        rows = own.used.ravel()
        x, y = own.x.reshape(-1, own.x.shape[-1])[rows], own.y.ravel()[rows]
        rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        variance = np.array([rest[own.outcome.ravel()[rows] == each].var() for each in (0, 1)])
        variance = np.maximum(variance, 1e-12)
        swings = np.maximum(variance / 3, variance / 2 - np.array(self.noise))
        root = np.diag(np.sqrt(np.concatenate([0.2 * variance, 0.5 * variance])))
        delta = np.array(START)
        delta[5] = 0.5 * np.log(swings[1] / swings[0])
        return self.vector(root, delta, 0.5 * float(np.log(swings[0])))

    def deviance(self, vector: FloatArray) -> tuple[float, FloatArray]:
        """-2 restricted log-likelihood and its gradient; infinite where V is no covariance.

        Parameters
        ----------
        vector : ndarray
            Parameters.
        """
        try:
            value, slopes = self.evaluate(vector)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros_like(vector)
        total = Slopes(slopes.effects.sum(axis=0)[None], slopes.cells.sum(axis=0)[None])
        return value, self.gradients(vector, total)[0]

    def gradients(self, vector: FloatArray, slopes: Slopes) -> FloatArray:
        """What each family (or all together) adds to the gradient, shape (n, k).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        slopes : Slopes
            From :meth:`evaluate`.
        """
        scale, most, delta = np.exp(2 * vector[-1]), self.families.most, self.delta(vector)
        moved = scale * covariance_slopes(delta, most).reshape(6, -1)
        moved = moved if self.carries_over else moved[_CARRIED:]
        whole = 2 * scale * covariances(delta, most).ravel()
        rest = slopes.cells @ np.vstack([moved, whole]).T
        return np.concatenate([self.of_effects(vector, slopes.effects), rest], axis=1)

    def of_effects(self, vector: FloatArray, moved: FloatArray) -> FloatArray:
        """How the deviance moves with the parameters of G, shape (n, 10).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        moved : ndarray, shape (n, 4, 4)
            How it moves with G.
        """
        return np.asarray(2 * (moved @ self.root(vector))[:, _LOWER[0], _LOWER[1]])

    def between(self, vector: FloatArray, z: FloatArray) -> FloatArray:
        """Z G Z' of some families, shape (n, m, m).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        z : ndarray, shape (n, m, 4)
        """
        half = z @ self.root(vector)
        return np.asarray(half @ np.swapaxes(half, 1, 2))

    def evaluate(self, vector: FloatArray) -> tuple[float, Slopes]:
        """The deviance, and how it moves with V.

        Parameters
        ----------
        vector : ndarray
            Parameters.
        """
        own, at = self.families, self._profiled(vector)
        # Columns whose outer product is V^-1 (r r' + X phi X') V^-1.
        count, half = 4 * (own.most + 1) + 1, np.linalg.cholesky(at.phi)
        effects, cells = np.empty((len(own.y), N_EFFECTS, N_EFFECTS)), np.empty((len(own.y), count))
        for part, inverse, solved in zip(own.parts, at.inverse, at.solved, strict=True):
            of_x, of_y, z = solved[..., :-1], solved[..., -1:], part.z
            pulled = np.concatenate([of_x @ half, of_y - (of_x @ at.beta)[..., None]], axis=2)
            weight = inverse - pulled @ np.swapaxes(pulled, 1, 2)
            effects[part.which] = np.swapaxes(z, 1, 2) @ weight @ z
            n = len(z)
            numbers = part.cells + count * np.arange(n)[:, None, None]
            sums = np.bincount(numbers.ravel(), weights=weight.ravel(), minlength=n * count)
            cells[part.which] = sums.reshape(n, count)
        return at.deviance, Slopes(effects, cells[:, :-1])

    def fixed(self, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The fixed effects (p,) at some parameters, and their covariance (p, p).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        """
        at = self._profiled(vector)
        return at.beta, at.phi

    def _profiled(self, vector: FloatArray) -> "_Profiled":
        own = self.families
        p = own.x.shape[2]
        entries = np.exp(2 * vector[-1]) * covariances(self.delta(vector), own.most).ravel()
        entries = np.append(entries, 0.0)
        log_det, cross = 0.0, np.zeros((p + 1, p + 1))
        inverses, solutions = [], []
        for part in own.parts:
            v = entries[part.cells]
            diagonal = np.arange(v.shape[1])
            v[:, diagonal, diagonal] += np.where(part.used, np.array(self.noise)[part.outcome], 1.0)
            v += self.between(vector, part.z)
            if not np.isfinite(v).all():
                raise np.linalg.LinAlgError
            log_det += 2 * np.log(np.linalg.cholesky(v)[:, diagonal, diagonal]).sum()
            inverses.append(np.linalg.inv(v))
            solutions.append(inverses[-1] @ part.both)
            cross += np.einsum("nia,nib->ab", part.both, solutions[-1])
        phi = np.linalg.inv(cross[:p, :p])
        beta = phi @ cross[:p, p]
        rest = cross[p, p] - cross[:p, p] @ beta
        free = int(own.used.sum()) - p
        deviance = log_det + np.linalg.slogdet(cross[:p, :p])[1] + rest + free * np.log(2 * np.pi)
        return _Profiled(float(deviance), inverses, solutions, 0.5 * (phi + phi.T), beta)


@dataclass(frozen=True, slots=True)
class _Profiled:
    """V^-1 of each family and V^-1 [X y], by part; the fixed effects and their covariance."""

    deviance: float
    inverse: list[FloatArray]
    solved: list[FloatArray]
    phi: FloatArray
    beta: FloatArray
