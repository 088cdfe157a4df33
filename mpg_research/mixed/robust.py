"""Cluster-robust covariance of the fixed effects, from the scores of the groups."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .engine import Engine
from .layout import chain_of_levels
from .nested import NestedRoute
from .solution import MixedSolution

__all__ = ["cluster_robust_covariance"]

FloatArray = NDArray[np.float64]
Kind = Literal["CR0", "CR2"]


def cluster_robust_covariance(
    solution: MixedSolution, group: str | None = None, *, kind: Kind = "CR2"
) -> FloatArray:
    """Sandwich covariance that stays right when the random part is wrong, if the clusters are independent.

    Parameters
    ----------
    solution : MixedSolution
        Of a model with nested levels.
    group : str, optional
        The clusters: the coarsest level, the only one whose groups are independent (the default).
    kind : {"CR0", "CR2"}
        CR2 corrects the bias of CR0 with few clusters (exact if the working model holds).

    Returns
    -------
    array, shape (p, p)

    Raises
    ------
    ModelError
        If the factors are crossed, or the group is not the coarsest level.

    Notes
    -----
    With S_c = X_c'V_c^-1 X_c, scores u_c = X_c'V_c^-1 (y_c - X_c beta) and Phi = (sum S_c)^-1,
    CR0 = Phi (sum u_c u_c') Phi. Under the model Var(u_c) = S_c - S_c Phi S_c; CR2 uses A_c u_c with
    A_c = R (I - R'Phi R)^{-1/2} R^-1 and S_c = R R', so that Var(A_c u_c) = S_c: the score form of the
    correction of Bell & McCaffrey.

    References
    ----------
    Pustejovsky & Tipton (2018), 10.1080/07350015.2016.1247004.
    """
    engine: Engine = solution.engine
    if engine.structure is not None:
        raise ModelError("Cluster-robust errors are not available with a residual structure; leave it out.")
    chain = chain_of_levels(solution.problem)
    if chain is None or not isinstance(engine.route, NestedRoute):
        raise ModelError(
            "Cluster-robust errors need nested groups; these are crossed, so that no level has independent "
            "groups. Use Kenward-Roger or the bootstrap."
        )
    top = solution.problem.random[chain[-1][0]].group
    if group is not None and group != top:
        raise ModelError(
            f"Cluster-robust errors were asked for clusters {group!r}; expected {top!r}, the coarsest level: "
            "only its groups are independent of each other."
        )
    state, found = engine.at(solution.internal)
    pieces = engine.route.top_cross_products(state)
    s_xx, contrast = pieces[:, :-1, :-1], np.append(-found.beta, 1.0)
    scores = pieces[:, :-1] @ contrast
    if kind == "CR2":
        scores = np.array([_adjust(s, found.phi) @ u for s, u in zip(s_xx, scores, strict=True)])
    elif kind != "CR0":
        raise ModelError(f"kind is {kind!r}; expected 'CR0' or 'CR2'.")
    scaled = engine.scaled
    bread = scaled.x_inverse @ found.phi
    result: FloatArray = scaled.y_scale**2 * bread @ (scores.T @ scores) @ bread.T
    return result


def _adjust(s: FloatArray, phi: FloatArray) -> FloatArray:
    """A_c with A_c (S_c - S_c Phi S_c) A_c' = S_c, on the range of S_c."""
    values, vectors = np.linalg.eigh(s)
    keep = values > 1e-10 * np.max(values)
    root = vectors[:, keep] * np.sqrt(values[keep])
    middle = np.eye(root.shape[1]) - root.T @ phi @ root
    own, turns = np.linalg.eigh(middle)
    usable = own > 1e-8
    half = (turns[:, usable] / np.sqrt(own[usable])) @ turns[:, usable].T
    back = vectors[:, keep] / np.sqrt(values[keep])
    adjusted: FloatArray = root @ half @ back.T
    return adjusted
