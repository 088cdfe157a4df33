"""Derivatives in natural parameters: entries of every covariance matrix on its face, delta, sigma^2."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine import Engine
from .nested import NestedRoute
from .residual_information import structured_derivatives
from .solution import MixedSolution

__all__ = ["Natural", "face_basis", "natural_derivatives", "random_directions"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Natural:
    """S, P, Q, traces and bends at V = sigma^2 V0: random entries, residual parameters, sigma^2."""

    s: FloatArray
    p: FloatArray
    q: FloatArray
    trace_2: FloatArray
    bend: FloatArray
    bend_trace: FloatArray


def natural_derivatives(solution: MixedSolution) -> Natural:
    """Derivatives of S and log|V| at a solution, in parameters in which V is linear but for delta."""
    engine: Engine = solution.engine
    directions = random_directions(engine, solution.internal)
    state, found = engine.at(solution.internal)
    n_random = sum(len(own) for own in directions)
    if engine.structure is not None and isinstance(engine.route, NestedRoute):
        structured = structured_derivatives(engine, state, directions, solution.internal)
        raw, raw_bend, raw_bend_trace = structured.first, structured.bend, structured.bend_trace
    else:
        raw = engine.derivatives(state, directions)
        raw_bend, raw_bend_trace = np.zeros_like(raw.q), np.zeros_like(raw.trace_2)
    s2, k, e = found.s2, raw.trace.size, state.s.shape[0]
    # Omega = I: the weight of each direction in V0 is 1 on the diagonal of Omega and 0 beside it.
    weight = np.zeros(k)
    weight[:n_random] = s2 * np.concatenate(
        [
            _diagonal_entries(len(own)) if term.correlated else np.ones(len(own))
            for own, term in zip(directions, engine.scaled.terms, strict=True)
        ]
    )
    # V = sum psi_i V_i + sigma^2 R(delta): directions of delta carry a factor sigma^2 themselves.
    carries = s2 ** (np.arange(k) >= n_random)
    s = state.s / s2
    p, q = np.empty((k + 1, e, e)), np.empty((k + 1, k + 1, e, e))
    trace, trace_2 = np.empty(k + 1), np.empty((k + 1, k + 1))
    p[:k] = raw.p * (carries / s2**2)[:, None, None]
    q[:k, :k] = raw.q * (np.outer(carries, carries) / s2**3)[:, :, None, None]
    trace[:k] = raw.trace * carries / s2
    trace_2[:k, :k] = raw.trace_2 * np.outer(carries, carries) / s2**2
    # sigma^2 by Euler's identities: V is homogeneous in the random entries and sigma^2 together.
    p[k] = (s - np.tensordot(weight, p[:k], axes=1)) / s2
    trace[k] = (engine.scaled.n - weight @ trace[:k]) / s2
    for i in range(k):
        q[i, k] = (p[i] - np.tensordot(weight, q[i, :k], axes=1)) / s2
        q[k, i] = q[i, k].T
        trace_2[i, k] = trace_2[k, i] = (trace[i] - trace_2[i, :k] @ weight) / s2
    q[k, k] = (p[k] - np.tensordot(weight, q[k, :k], axes=1)) / s2
    trace_2[k, k] = (trace[k] - trace_2[k, :k] @ weight) / s2
    bend, bend_trace = np.zeros_like(q), np.zeros_like(trace_2)
    bend[:k, :k], bend_trace[:k, :k] = raw_bend / s2, raw_bend_trace
    for i in range(n_random, k):
        bend[i, k] = bend[k, i] = p[i] / s2
        bend_trace[i, k] = bend_trace[k, i] = trace[i] / s2
    return Natural(s, p, q, trace_2, bend, bend_trace)


def _diagonal_entries(count: int) -> FloatArray:
    """1 for the diagonal entries of a column-major vech of that length, 0 for the others."""
    size = round((np.sqrt(8 * count + 1) - 1) / 2)
    rows, columns = np.triu_indices(size)
    return np.asarray(rows == columns, dtype=float)


def random_directions(engine: Engine, internal: FloatArray) -> list[list[FloatArray]]:
    """Per term the matrices E_i = Lambda E Lambda' that span the face of its covariance matrix."""
    found: list[list[FloatArray]] = []
    factors = engine.scaled.factors(internal[: engine.n_theta])
    for term, factor in zip(engine.scaled.terms, factors, strict=True):
        own: list[FloatArray] = []
        if term.correlated:
            basis = face_basis(factor)
            rank = basis.shape[1]
            for j in range(rank):
                for i in range(j, rank):
                    square = np.outer(basis[:, i], basis[:, j])
                    own.append(square if i == j else square + square.T)
        else:
            for j, value in enumerate(np.diagonal(factor)):
                if value**2 > 1e-14:
                    wide = np.zeros_like(factor)
                    wide[j, j] = value**2
                    own.append(wide)
        found.append(own)
    return found


def face_basis(factor: FloatArray) -> FloatArray:
    """Columns that span the range of Lambda, scaled so that their outer products sum to G."""
    left, values, _ = np.linalg.svd(factor)
    basis: FloatArray = left[:, values > 1e-7] * values[values > 1e-7]
    return basis
