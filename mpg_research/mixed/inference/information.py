"""Information about the variance parameters, and the degrees of freedom that follow from it.

Everything is taken in parameters in which V is linear: the entries of each Omega_t, where
G_t = Lambda_t Omega_t Lambda_t' (Omega = I at the fit), and sigma^2. A variance of zero is left out: the
results equal those of the model without it. Where Lambda_t has not full rank otherwise (a correlation of
+-1) the rank stays, but the range of G_t is estimated as much as its size: the parameters are those of the
tangent space (:mod:`faces`), and observed information counts that the boundary bends.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.inference.natural_parameters import Natural, natural_derivatives, term_faces
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["Information", "Kind", "information", "informative"]

# Share of a parameter's information below which it is what the other parameters and rounding leave of it.
NO_INFORMATION = 1e-4
# Standard error of a residual parameter, in its own unbounded unit, from which second derivatives are unused.
LARGEST_ERROR = 1.0

Kind = Literal["observed", "expected"]


@dataclass(frozen=True, slots=True)
class Information:
    """What the data say about the variance parameters, and how Var(beta) depends on them.

    Internal units throughout (see :mod:`scaling`): contrasts are brought in by :meth:`inward`.

    Attributes
    ----------
    kind : {"observed", "expected"}
    matrix : array, shape (k, k)
        Information for the k parameters (directions of every G, then sigma^2).
    inverse : array, shape (k, k)
        W, the asymptotic covariance of the parameters.
    phi : array, shape (p, p)
        Covariance of the internal beta, sigma^2 (X'V^-1X)^-1.
    p : array, shape (k, p, p)
        P_i = X'V^-1 V_i V^-1 X, so that d phi / d psi_i = phi P_i phi.
    q : array, shape (k, k, p, p)
        Q_ij = X'V^-1 V_i V^-1 V_j V^-1 X.
    bend : array, shape (k, k, p, p)
        X'V^-1 B_ij V^-1 X, with B_ij what the second derivative d2V/dpsi_i dpsi_j has that no change of the
        parameters can do: zero without a residual structure.
    x_inverse : array, shape (p, p)
        Takes internal coefficients to the user's.
    beta : array, shape (p,)
        The user's fixed effects.
    y_scale : float
        Unit of the internal outcome.
    n_rows : int
    kept : array of bool
        Which of the parameters of the model the k are: those that the data say something about.
    solution : MixedSolution
    """

    kind: Kind
    matrix: FloatArray
    inverse: FloatArray
    phi: FloatArray
    p: FloatArray
    q: FloatArray
    bend: FloatArray
    x_inverse: FloatArray
    beta: FloatArray
    y_scale: float
    n_rows: int
    kept: NDArray[np.bool_]
    solution: MixedSolution = field(repr=False)

    @property
    def jacobian(self) -> FloatArray:
        """From the k parameters to the user's variance components, shape (n_entries, k)."""
        return _jacobian(self.solution)[0][:, self.kept]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the user's variance components (vech per term, residual parameters, sigma^2)."""
        return _jacobian(self.solution)[1]

    @property
    def component_covariance(self) -> FloatArray:
        """Asymptotic covariance of the user's variance components, shape (n_entries, n_entries)."""
        jacobian = self.jacobian
        return jacobian @ self.inverse @ jacobian.T

    def inward(self, contrasts: FloatArray) -> FloatArray:
        """Rows of contrasts over the user's columns -> over the internal columns, shape (m, p)."""
        rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
        if rows.shape[1] != self.beta.size:
            raise ModelError(
                f"A contrast has {rows.shape[1]} weights; expected {self.beta.size}, one per fixed effect."
            )
        inside: FloatArray = rows @ self.x_inverse
        return inside


def information(solution: MixedSolution, kind: Kind = "observed") -> Information:
    """Information matrix of the variance parameters at a solution.

    Parameters
    ----------
    solution : MixedSolution
    kind : {"observed", "expected"}
        lmerTest's Satterthwaite uses observed, pbkrtest's Kenward-Roger expected, SAS observed for both.

    Returns
    -------
    Information

    Notes
    -----
    With t_ij = tr(V^-1 V_i V^-1 V_j) and Phi = (X'V^-1X)^-1 (REML; without the Phi terms for ML):
    expected = [t_ij - 2 tr(Phi Q_ij) + tr(Phi P_i Phi P_j)] / 2 and
    observed = [-t_ij + 2 tr(Phi Q_ij) - tr(Phi P_i Phi P_j) + d2(y'Py)_ij] / 2.

    With crossed factors the parameters of a residual structure count as known. A parameter that the data say
    nothing about (a correlation estimated as zero, a stratum whose variance other effects take up) is left
    out, as a variance of zero is: see :func:`informative`.

    References
    ----------
    Kenward & Roger (1997), 10.2307/2533558.
    """
    if kind not in ("observed", "expected"):
        raise ModelError(f"information is {kind!r}; expected 'observed' or 'expected'.")
    if kind not in solution.cache:
        solution.cache[kind] = _information(solution, kind)
    found: Information = solution.cache[kind]
    return found


def _information(solution: MixedSolution, kind: Kind) -> Information:
    engine: Engine = solution.engine
    if "natural" not in solution.cache:
        solution.cache["natural"] = natural_derivatives(solution)
    pieces: Natural = solution.cache["natural"]
    phi_inverse = pieces.s[:-1, :-1]
    phi = np.linalg.inv(phi_inverse) if phi_inverse.size else np.zeros((0, 0))
    phi = 0.5 * (phi + phi.T)
    p, q, q_all = pieces.p[:, :-1, :-1], pieces.q[:, :, :-1, :-1], pieces.q
    reml = engine.method == "REML"
    traces = pieces.trace_2
    if kind == "observed":
        # second derivatives proper: where V itself bends, less of it
        traces, q_all = traces - pieces.bend_trace, q_all - 0.5 * pieces.bend
    pq = np.zeros_like(traces)
    if reml:
        pq = 2.0 * np.einsum("ab,ijba->ij", phi, q_all[:, :, :-1, :-1])
    phi_p = np.einsum("ab,ibc->iac", phi, p)
    pp = np.einsum("iab,jba->ij", phi_p, phi_p) if reml else np.zeros_like(traces)
    kept = informative(solution, pieces, phi)
    if kind == "expected":
        matrix = 0.5 * (traces - pq + pp)
        bend = _bent(pieces, phi, _inverse(matrix[np.ix_(kept, kept)]), kept)
    else:
        bend = _information(solution, "expected").bend
        w = np.append(-phi @ pieces.s[:-1, -1], 1.0)
        pw = (pieces.p @ w)[:, :-1]
        quadratic = 2.0 * np.einsum("a,ijab,b->ij", w, q_all, w) - 2.0 * pw @ phi @ pw.T
        matrix = 0.5 * (-traces + pq - pp + quadratic)
        matrix = matrix + _curvature(solution)
    matrix = 0.5 * (matrix + matrix.T)[np.ix_(kept, kept)]
    return Information(
        kind=kind,
        matrix=matrix,
        inverse=_inverse(matrix),
        phi=phi,
        p=p[kept],
        q=q[np.ix_(kept, kept)],
        bend=bend,
        x_inverse=engine.scaled.x_inverse,
        beta=solution.beta,
        y_scale=engine.scaled.y_scale,
        n_rows=engine.scaled.n,
        kept=kept,
        solution=solution,
    )


def _bent(pieces: Natural, phi: FloatArray, inverse: FloatArray, kept: NDArray[np.bool_]) -> FloatArray:
    """Second derivatives of V less their regression on its first ones, (k, k, p, p).

    REML's estimates of psi are biased by -W_k tr(P V_k P V_ij) W_ij / 4, which undoes the part of the second
    derivative that lies along the first ones: what is left does not depend on the parameters chosen
    (Kenward & Roger 2009). It is an expansion around the estimate, of no use where the parameter's standard
    error is as large as its unit (the logarithm of a range or ratio, Fisher's z): it fades out before. With
    measurement error beside the correlation it is left out (the adjustment of Harville & Jeske 1992).
    """
    size, own = int(kept.sum()), np.flatnonzero(kept)
    bend = np.zeros((size, size, *phi.shape))
    error = np.sqrt(np.maximum(np.diagonal(inverse), 0.0))
    for m, pair in enumerate(pieces.bends):
        if not (pieces.bends_known and kept[pair[0]] and kept[pair[1]]):
            continue
        i, j = (int(np.searchsorted(own, one)) for one in pair)
        weight = np.clip((LARGEST_ERROR - max(error[i], error[j])) / (0.5 * LARGEST_ERROR), 0.0, 1.0)
        p, q = pieces.p[kept][:, :-1, :-1], pieces.bend_q[m, kept][:, :-1, :-1]
        whole = pieces.bend[pair][:-1, :-1]
        along = pieces.bend_products[m, kept] - 2.0 * np.einsum("ab,iba->i", phi, q)
        along += np.einsum("iab,ba->i", phi @ p, phi @ whole)
        rest = whole - np.tensordot(0.5 * inverse @ along, p, axes=1)
        bend[i, j] = bend[j, i] = weight * rest
    return bend


def informative(solution: MixedSolution, pieces: Natural, phi: FloatArray) -> NDArray[np.bool_]:
    """Which parameters the data say something about, shape (k,).

    The random entries and sigma^2 always; of a residual structure neither a correlation at zero (see
    :meth:`BoundResidual.uninformative`) nor a parameter that keeps less than :data:`NO_INFORMATION`
    of what it would have if the residuals themselves were seen.
    """
    engine: Engine = solution.engine
    count = pieces.trace_2.shape[0]
    kept = np.ones(count, dtype=bool)
    structure = engine.structure
    if structure is None or not isinstance(engine.route, NestedRoute):
        return kept
    delta = engine.delta(solution.internal)
    own = slice(count - 1 - delta.size, count - 1)
    left = np.diagonal(pieces.trace_2)[own].copy()
    if engine.method == "REML" and phi.size:
        q, p = pieces.q[own, own, :-1, :-1], pieces.p[own, :-1, :-1]
        left -= 2.0 * np.einsum("ab,iiba->i", phi, q)
        left += np.einsum("iab,iba->i", phi @ p, phi @ p)
    kept[own] = left > NO_INFORMATION * np.diagonal(engine.residual.traces(delta, [])[0])
    for index in structure.uninformative(delta):
        kept[own.start + index] = False
    return kept


def _curvature(solution: MixedSolution) -> FloatArray:
    """What observed information gains where the deviance has a slope and the parameters bend.

    At a theta that was given they are (theta, sigma), as lmerTest's: half the gradient in G times
    d2G/d(theta, sigma), brought to the linear parameters. That is zero at an optimum within the parameter
    space. Where a correlation is +-1 the deviance falls beyond the boundary, and the boundary bends away from
    there: the same in the entries of Lambda, whatever sigma (at an optimum it makes no difference).
    """
    engine: Engine = solution.engine.lean()
    faces = term_faces(engine, solution.internal)
    everywhere = solution.was_given and engine.structure is None
    if not everywhere and not any(face.curved for face in faces):
        return np.zeros((1, 1))
    state, found = engine.at(solution.internal)
    sigma = np.sqrt(found.s2)
    n_other = engine.delta(solution.internal).size if isinstance(engine.route, NestedRoute) else 0
    size = sum(len(face.moves) for face in faces) + n_other + 1
    jacobian, bend = np.eye(size), np.zeros((size, size))
    start = 0
    for face, gamma in zip(faces, engine.slopes(state, found), strict=True):
        own = slice(start, start + len(face.moves))
        jacobian[own, own] = found.s2 * face.entries
        if everywhere:
            jacobian[own, -1] = 2.0 * sigma * face.weights
        if everywhere or face.curved:
            for a, move in enumerate(face.moves):
                if everywhere:
                    slope = 4.0 / sigma * float(np.sum(gamma * (move @ face.factor.T)))
                    bend[start + a, -1] = bend[-1, start + a] = slope
                for b, other in enumerate(face.moves):
                    bend[start + a, start + b] = 2.0 * float(np.sum(gamma * (move @ other.T)))
        # 2 Gamma : G / sigma^2 from the random part cancels against the same of the residual part.
        start = own.stop
    jacobian[-1, -1] = 2.0 * sigma
    inverse = np.linalg.inv(jacobian)
    result: FloatArray = 0.5 * inverse.T @ bend @ inverse
    return result


def _inverse(matrix: FloatArray) -> FloatArray:
    """Inverse after scaling to unit diagonal; the pseudo-inverse where a direction carries nothing."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(matrix)), 1e-300))
    balanced = matrix * np.outer(scale, scale)
    values, vectors = np.linalg.eigh(balanced)
    keep = np.abs(values) > 1e-12 * np.max(np.abs(values))
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    result = inverse * np.outer(scale, scale)
    return np.asarray(result)


def _jacobian(solution: MixedSolution) -> tuple[FloatArray, tuple[str, ...]]:
    """From the internal parameters to the user's variances and covariances."""
    engine: Engine = solution.engine
    directions = [face.directions for face in term_faces(engine, solution.internal)]
    unit = engine.scaled.y_scale**2
    blocks: list[FloatArray] = []
    labels: list[str] = []
    for term, scale, own in zip(solution.problem.random, engine.scaled.terms, directions, strict=True):
        size = scale.root.shape[0]
        inverse = np.linalg.inv(scale.root)
        rows, columns = scale.structure.free(size)
        block = np.zeros((rows.size, len(own)))
        for i, direction in enumerate(own):
            block[:, i] = (unit * inverse @ direction @ inverse.T)[rows, columns]
        blocks.append(block)
        for row, column in zip(rows, columns, strict=True):
            first, second = term.term_names[column], term.term_names[row]
            labels.append(
                f"var({term.group}: {first})" if row == column else f"cov({term.group}: {first}, {second})"
            )
    if engine.structure is not None and isinstance(engine.route, NestedRoute):
        delta = engine.delta(solution.internal)
        moves = 1e-6 * np.eye(delta.size)
        slopes = [
            (engine.structure.natural(delta + move) - engine.structure.natural(delta - move)) / 2e-6
            for move in moves
        ]
        blocks.append(np.array(slopes).T)
        labels.extend(engine.structure.names)
    total = sum(block.shape[1] for block in blocks)
    jacobian = np.zeros((len(labels) + 1, total + 1))
    at_row = at_column = 0
    for block in blocks:
        jacobian[at_row : at_row + block.shape[0], at_column : at_column + block.shape[1]] = block
        at_row, at_column = at_row + block.shape[0], at_column + block.shape[1]
    jacobian[-1, -1] = unit
    return jacobian, (*labels, "residual")
