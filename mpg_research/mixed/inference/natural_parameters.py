"""Derivatives in natural parameters: entries of every covariance matrix on its face, delta, sigma^2."""

from dataclasses import dataclass

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.mixed.inference.faces import Face, term_face
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.likelihood.residual_derivatives import structured_derivatives
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["Natural", "natural_derivatives", "term_faces"]


@dataclass(frozen=True, slots=True)
class Natural:
    """S, P, Q and traces at V = sigma^2 V0: random entries, residual parameters, sigma^2.

    ``bend`` (k, k, e, e) and ``bend_trace`` (k, k) are [X y]'V^-1 V_ij V^-1 [X y] and tr(V^-1 V_ij). Of each
    second derivative in two residual parameters ``bends`` names the two, and ``bend_q`` (m, k, e, e) and
    ``bend_products`` (m, k) are its Q and its trace with every parameter; ``bends_known`` says whether these
    traces are at hand.
    """

    s: FloatArray
    p: FloatArray
    q: FloatArray
    trace_2: FloatArray
    bend: FloatArray
    bend_trace: FloatArray
    bends: list[tuple[int, int]]
    bend_q: FloatArray
    bend_products: FloatArray
    bends_known: bool


def natural_derivatives(solution: MixedSolution) -> Natural:
    """Derivatives of S and log|V| at a solution, in parameters in which V is linear but for delta."""
    engine: Engine = solution.engine.lean()
    faces = term_faces(engine, solution.internal)
    directions = [list(face.directions) for face in faces]
    state, found = engine.at(solution.internal)
    n_random = sum(len(own) for own in directions)
    bends: list[tuple[int, int]] = []
    known = True
    if engine.structure is not None and isinstance(engine.route, NestedRoute):
        structured = structured_derivatives(engine, state, directions, solution.internal)
        raw, k, bends = structured.first, structured.n_parameters, structured.bends
        known = structured.pairs_known
    else:
        raw = engine.derivatives(state, directions, solution.internal)
        k = raw.trace.size
    s2, count, e = found.s2, raw.trace.size, state.s.shape[0]
    # Each direction's weight in V = sigma^2 V0.
    weight = np.zeros(count)
    weight[:n_random] = s2 * np.concatenate([face.weights for face in faces])
    # V = sum psi_i V_i + sigma^2 R(delta): directions of delta carry a factor sigma^2 themselves.
    carries = s2 ** (np.arange(count) >= n_random)
    s = state.s / s2
    p, q = np.empty((count + 1, e, e)), np.empty((count + 1, count + 1, e, e))
    trace, trace_2 = np.empty(count + 1), np.empty((count + 1, count + 1))
    p[:count] = raw.p * (carries / s2**2)[:, None, None]
    q[:count, :count] = raw.q * (np.outer(carries, carries) / s2**3)[:, :, None, None]
    trace[:count] = raw.trace * carries / s2
    trace_2[:count, :count] = raw.trace_2 * np.outer(carries, carries) / s2**2
    # sigma^2 by Euler's identities: V is homogeneous in the random entries and sigma^2 together.
    p[count] = (s - np.tensordot(weight, p[:count], axes=1)) / s2
    trace[count] = (engine.scaled.n - weight @ trace[:count]) / s2
    for i in range(count):
        q[i, count] = (p[i] - np.tensordot(weight, q[i, :count], axes=1)) / s2
        q[count, i] = q[i, count].T
        trace_2[i, count] = trace_2[count, i] = (trace[i] - trace_2[i, :count] @ weight) / s2
    q[count, count] = (p[count] - np.tensordot(weight, q[count, :count], axes=1)) / s2
    trace_2[count, count] = (trace[count] - trace_2[count, :count] @ weight) / s2
    own, bent = np.append(np.arange(k), count), np.arange(k, count)
    square = np.ix_(own, own)
    bend, bend_trace = np.zeros((k + 1, k + 1, e, e)), np.zeros((k + 1, k + 1))
    for place, (i, j) in zip(bent, bends, strict=True):
        bend[i, j] = bend[j, i] = p[place]
        bend_trace[i, j] = bend_trace[j, i] = trace[place]
    weights = engine.residual.combination(engine.delta(solution.internal)) if k > n_random else None
    if weights is not None:
        # where R is linear in its own entries a second derivative is a sum of first ones
        own_bends = np.tensordot(weights, p[n_random:k], axes=1)
        bend[n_random:k, n_random:k] += own_bends
        bend_trace[n_random:k, n_random:k] += np.tensordot(weights, trace[n_random:k], axes=1)
    for i in range(n_random, k):
        bend[i, k] = bend[k, i] = p[i] / s2
        bend_trace[i, k] = bend_trace[k, i] = trace[i] / s2
    across = np.ix_(bent, own)
    return Natural(
        s, p[own], q[square], trace_2[square], bend, bend_trace, bends, q[across], trace_2[across], known
    )


def term_faces(engine: Engine, internal: FloatArray) -> list[Face]:
    """The face of every random term."""
    factors = engine.scaled.factors(internal[: engine.n_theta])
    return [term_face(scale, factor) for scale, factor in zip(engine.scaled.terms, factors, strict=True)]
