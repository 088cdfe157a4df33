"""Whether the random effects and the residual structure of a model can be told apart."""

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.nested_route import NestedRoute

__all__ = ["check_told_apart"]

# Below this share of their own size, what the others leave of a combination of directions is rounding.
NOTHING_LEFT = 1e-10
# Weight in such a combination from which a parameter is part of it.
TAKES_PART = 1e-3


def check_told_apart(engine: Engine) -> None:
    """Refuse a residual structure of which random effects (or another part of it) say the same.

    Var(y) moves along one matrix per variance parameter. Where these are linearly dependent, as those of a
    random intercept per family and of compound symmetry within families are, no data tell the parameters
    apart. Their products tr(V^-1 V_i V^-1 V_j) show it at any parameters.

    Raises
    ------
    ModelError
    """
    structure, route = engine.structure, engine.route
    if structure is None or not structure.may_absorb or not isinstance(route, NestedRoute):
        return
    refusal = structure.refusal(engine.scaled.fixed[:-1].T)
    if refusal is not None:
        raise ModelError(refusal)
    internal = engine.start()
    try:
        state, _ = engine.at(internal)
    except np.linalg.LinAlgError:
        return
    directions = [term.structure.directions(term.root.shape[0]) for term in engine.scaled.terms]
    raw = engine.derivatives(state, directions, internal)
    count = raw.trace.size
    gram = np.empty((count + 1, count + 1))
    gram[:count, :count] = raw.trace_2
    gram[:count, -1] = gram[-1, :count] = raw.trace
    gram[-1, -1] = engine.scaled.n
    # the last direction is V itself so far; that of sigma^2 is R, what the random effects leave of V
    change = np.eye(count + 1)
    change[-1, : sum(len(own) for own in directions)] = -_weights(engine, internal)
    gram = change @ gram @ change.T
    scale = np.sqrt(np.diagonal(gram))
    if not np.all(scale > 0):
        return
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    if values[0] > NOTHING_LEFT:
        return
    part = np.abs(vectors[:, 0]) > TAKES_PART
    starts = np.cumsum([0, *(len(own) for own in directions)])
    terms = [
        f"({' + '.join(term.term_names)} | {term.group})"
        for term, start, stop in zip(engine.problem.random, starts[:-1], starts[1:], strict=True)
        if np.any(part[start:stop])
    ]
    if terms:
        raise ModelError(
            f"The random term {', '.join(terms)} and the residual structure {structure.label} describe the "
            "same variances and correlations, so they cannot be told apart. Leave one of the two out: a "
            "model may have a residual structure without random effects."
        )
    raise ModelError(
        f"The parameters of the residual structure {structure.label} cannot be told apart: parts of it "
        "describe the same variances and correlations. Leave one of the parts out."
    )


def _weights(engine: Engine, internal: FloatArray) -> FloatArray:
    """Each entry of the covariance matrices at these parameters, in the order of the directions."""
    found = []
    factors = engine.scaled.factors(internal[: engine.n_theta])
    for term, factor in zip(engine.scaled.terms, factors, strict=True):
        found.append(term.structure.pack(factor @ factor.T))
    return np.concatenate(found)
