"""The same likelihood with G itself as its parameters, and no edge where G would cease to be a covariance.

Where the slopes of families are estimated as equal (or a correlation as one), G lies on the edge of what a
covariance can be. In the entries of its root the likelihood is at its top there, as if the estimate were
known to be no further inside; but the data do not know it. With the entries of G as parameters the likelihood
goes on beyond the edge, and its curvature says how well they are known. Inside, both say the same.
"""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.statistics.two_outcomes.likelihood import N_EFFECTS, TwoOutcomes

__all__ = ["WithoutEdge", "without_edge"]

_LOWER = np.tril_indices(N_EFFECTS)
#: An entry beside the diagonal stands for two.
_TIMES = np.where(_LOWER[0] == _LOWER[1], 1.0, 2.0)


@dataclass(frozen=True)
class WithoutEdge(TwoOutcomes):
    """Two outcomes whose first ten parameters are the lower triangle of G by rows."""

    def effects(self, vector: FloatArray) -> FloatArray:
        """G, shape (4, 4).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        """
        half = np.zeros((N_EFFECTS, N_EFFECTS))
        half[_LOWER] = vector[: len(_LOWER[0])]
        found: FloatArray = half + half.T - np.diag(np.diagonal(half))
        return found

    def of_effects(self, vector: FloatArray, moved: FloatArray) -> FloatArray:
        """How the deviance moves with the entries of G, shape (n, 10).

        Parameters
        ----------
        vector : ndarray
            Not used: V is a straight line in G.
        moved : ndarray, shape (n, 4, 4)
            How it moves with G.
        """
        return np.asarray(moved[:, _LOWER[0], _LOWER[1]] * _TIMES)

    def between(self, vector: FloatArray, z: FloatArray) -> FloatArray:
        """Z G Z' of some families, shape (n, m, m).

        Parameters
        ----------
        vector : ndarray
            Parameters.
        z : ndarray, shape (n, m, 4)
        """
        return np.asarray(z @ self.effects(vector) @ np.swapaxes(z, 1, 2))


def without_edge(model: TwoOutcomes, vector: FloatArray) -> tuple[WithoutEdge, FloatArray]:
    """The same model and the same parameters, with G instead of its root.

    Parameters
    ----------
    model : TwoOutcomes
    vector : ndarray, shape (k,)
        Its parameters.
    """
    root = model.root(vector)
    same = WithoutEdge(model.families, model.noise, model.carries_over)
    return same, np.concatenate([(root @ root.T)[_LOWER], vector[len(_LOWER[0]) :]])
