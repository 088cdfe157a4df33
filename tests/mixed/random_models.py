"""Random mixed models with a theta each, made to be as unlike each other as the engine allows.

One to four levels; nested, crossed and partly crossed factors; ``|`` and ``||``; random columns inside and
outside the span of X, at coarse and fine levels; prior weights; residuals of every structure, alone and with
a variance per stratum, and with no random effects beside them; ML and REML; columns and outcomes in units
from 1e-6 to 1e6; variances of zero, correlations of +-1; unbalanced and tiny groups. The model is drawn in
units near one, where the dense formulas keep their digits (:attr:`RandomModel.plain`), and handed to the
engine in the odd units (:attr:`RandomModel.problem`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.compound_symmetry import CompoundSymmetry
from mpg_research.mixed.covariance.random_part import DIAGONAL, FULL
from mpg_research.mixed.covariance.structures import AR1, CAR1, VarianceBy, bind_residual
from mpg_research.mixed.covariance.unstructured import Unstructured
from mpg_research.mixed.problem import MixedProblem, RandomTerm

__all__ = ["CORNERS", "LAYOUTS", "RESIDUALS", "RandomModel", "random_model"]

Array = NDArray[Any]

LAYOUTS = (
    "one level",
    "two nested",
    "three nested",
    "four nested",
    "crossed",
    "partly crossed",
    "nested and crossed",
    "no random effects",
)
CORNERS = ("inside", "zero variance", "correlation of one", "zero terms", "mixed")
RESIDUALS = (
    "none",
    "AR1",
    "CAR1",
    "VarianceBy",
    "AR1 and VarianceBy",
    "CAR1 and VarianceBy",
    "CompoundSymmetry",
    "CompoundSymmetry and VarianceBy",
    "Unstructured",
    "Unstructured and VarianceBy",
)
#: Structures for which the groups have to be nested.
NESTED_ONLY = RESIDUALS[6:]
#: Waves of an unstructured matrix.
WAVES = 3


@dataclass(frozen=True)
class RandomModel:
    """A model, where to evaluate it, and what the dense formulas need.

    Attributes
    ----------
    problem, theta
        In odd units, as the engine gets them (theta with the residual structure's parameters behind it).
    plain, plain_theta
        The same in units near one, theta of the random terms only.
    residual : function
        Parameters of the structure (complex ones too) -> R, shape (n, n), without the weights.
    residual_parameters : array
    x_units, y_unit
        problem.x = plain.x * x_units, problem.y = plain.y * y_unit.
    z_units : tuple of arrays
        problem.random[t].z = plain.random[t].z * z_units[t].
    label : str
        What was drawn, in words.
    """

    problem: MixedProblem
    theta: Array
    plain: MixedProblem
    plain_theta: Array
    method: Literal["REML", "ML"]
    residual: Callable[[Array], Array]
    residual_parameters: Array
    x_units: Array
    y_unit: float
    z_units: tuple[Array, ...]
    layout: str
    corner: str
    structure: str
    label: str


def random_model(
    seed: int, *, layout: str | None = None, corner: str | None = None, structure: str | None = None
) -> RandomModel:
    """Draw a model; the same for the same arguments."""
    rng = np.random.default_rng([20261, seed])
    layout = layout or str(rng.choice(LAYOUTS))
    corner = corner or str(rng.choice(CORNERS, p=[0.45, 0.15, 0.15, 0.1, 0.15]))
    structure = structure or str(rng.choice(RESIDUALS, p=[0.2, *[0.07] * 5, *[0.1125] * 4]))
    method: Literal["REML", "ML"] = "REML" if rng.random() < 0.6 else "ML"
    factors = _factors(rng, layout)
    n = factors["family"].size
    pool = _columns(rng, factors)
    x, x_names = _fixed(rng, pool, n)
    terms, names = _terms(rng, factors, pool, x, x_names)
    if max(terms, key=lambda term: len(term.levels) * term.z.shape[1]).group != "family":
        structure = "none"  # a series has to lie within the factor that is eliminated
    if "crossed" in layout and structure in NESTED_ONLY:
        structure = "none"
    if layout == "no random effects":
        empty = terms[0]
        terms = [RandomTerm("family", (), np.zeros((n, 0)), empty.codes, empty.levels)]
        names = [[]]
    theta = np.concatenate([_theta(rng, term, corner) for term in terms])
    weights = rng.lognormal(0.0, rng.uniform(0.3, 1.3), n) if rng.random() < 0.35 else None
    bound, matrix, parameters = _residual(rng, structure, factors["family"])
    y = x @ rng.normal(0, 2, x.shape[1]) + rng.normal(size=n)
    for codes in factors.values():
        y = y + rng.normal(size=codes.max() + 1)[codes] * rng.normal(0, 1)
    y = y + pool["months"] * rng.normal(size=factors["family"].max() + 1)[factors["family"]]
    plain = MixedProblem(y, x, x_names, tuple(terms), weights, bound)
    units = {name: 10 ** rng.uniform(-6, 6) if rng.random() < 0.6 else 1.0 for name in pool}
    units["one"] = 1.0
    x_units = np.array([units.get(name, 1.0) for name in x_names])
    z_units = tuple(np.array([units.get(name, 1.0) for name in own]) for own in names)
    y_unit = float(10 ** rng.uniform(-6, 6)) if rng.random() < 0.6 else 1.0
    scaled_terms = tuple(
        RandomTerm(t.group, t.term_names, t.z * unit, t.codes, t.levels, t.structure)
        for t, unit in zip(terms, z_units, strict=True)
    )
    problem = MixedProblem(y * y_unit, x * x_units, x_names, scaled_terms, weights, bound)
    formula = " + ".join(
        f"({' + '.join(t.term_names)} {'|' if t.correlated else '||'} {t.group})" for t in terms
    )
    return RandomModel(
        problem=problem,
        theta=np.concatenate([_in_units(theta, terms, z_units), parameters]),
        plain=plain,
        plain_theta=theta,
        method=method,
        residual=matrix,
        residual_parameters=parameters,
        x_units=x_units,
        y_unit=y_unit,
        z_units=z_units,
        layout=layout,
        corner=corner,
        structure=structure,
        label=f"{method} y ~ {' + '.join(x_names)} + {formula}; {layout}; {corner}; {structure}"
        + ("; weights" if weights is not None else ""),
    )


def _factors(rng: np.random.Generator, layout: str) -> dict[str, Array]:
    """Codes of each row for every grouping factor; family is the finest and the largest."""
    depth = {
        "one level": 1,
        "two nested": 2,
        "three nested": 3,
        "four nested": 4,
        "nested and crossed": 2,
    }.get(layout, 1)
    sizes = [int(rng.integers(6, 17))]
    for _ in range(depth - 1):
        sizes.append(int(rng.integers(2, max(3, sizes[-1] // 2 + 1))))
    names = ("family", "worker", "team", "organisation")
    per_family = rng.integers(1, 7, sizes[0])
    if rng.random() < 0.3:
        per_family[:] = rng.integers(2, 6)
    codes = np.repeat(np.arange(sizes[0]), per_family)
    if rng.random() < 0.7:
        codes = rng.permutation(codes)
    found = {names[0]: codes}
    for level in range(1, depth):
        parent = np.concatenate(
            [np.arange(sizes[level]), rng.integers(0, sizes[level], sizes[level - 1] - sizes[level])]
        )
        codes = rng.permutation(parent)[codes]
        found[names[level]] = codes
    n = found["family"].size
    if layout in ("crossed", "nested and crossed"):
        found["item"] = _used(rng.integers(0, rng.integers(2, 6), n))
        if rng.random() < 0.3:
            found["rater"] = _used(rng.integers(0, 3, n))
    if layout == "partly crossed":
        worker = rng.integers(0, rng.integers(2, 5), sizes[0])[found["family"]]
        moved = rng.random(n) < 0.15
        worker[moved] = rng.integers(0, 3, int(moved.sum()))
        found["worker"] = _used(worker)
    return found


def _used(codes: Array) -> Array:
    return np.unique(codes, return_inverse=True)[1]


def _columns(rng: np.random.Generator, factors: dict[str, Array]) -> dict[str, Array]:
    """Columns to choose from: constant, varying within families, constant within a coarser group."""
    family = factors["family"]
    n, coarse = family.size, list(factors.values())[-1]
    months = rng.uniform(0, 3, n)
    half = rng.random(n) < 0.5
    return {
        "one": np.ones(n),
        "months": months,
        "bend": np.log1p(months),
        "noise": rng.normal(size=n),
        "child": rng.normal(size=family.max() + 1)[family],
        "place": rng.normal(size=coarse.max() + 1)[coarse],
        "half": half.astype(float),
        "other half": (~half).astype(float),
        "combined": 2.0 - 3.0 * months,
    }


def _fixed(rng: np.random.Generator, pool: dict[str, Array], n: int) -> tuple[Array, tuple[str, ...]]:
    """Fixed columns of full rank, in a random order."""
    candidates = ["months", "noise", "child", "half", "place", "bend"]
    chosen = [name for name in candidates if rng.random() < 0.35]
    if rng.random() < 0.9 or not chosen:
        chosen.insert(0, "one")
    chosen = [str(name) for name in rng.permutation(chosen)]
    kept: list[str] = []
    for name in chosen:
        trial = np.column_stack([pool[other] for other in [*kept, name]])
        values = np.linalg.svd(trial / np.linalg.norm(trial, axis=0), compute_uv=False)
        if values[-1] > 1e-3 and len(kept) + 1 < n // 3:
            kept.append(name)
    if not kept:
        kept = ["one"]
    return np.column_stack([pool[name] for name in kept]), tuple(kept)


def _terms(
    rng: np.random.Generator,
    factors: dict[str, Array],
    pool: dict[str, Array],
    x: Array,
    x_names: tuple[str, ...],
) -> tuple[list[RandomTerm], list[list[str]]]:
    """One or two terms per grouping factor, finest first, and the pool's names of their columns."""
    terms, names = [], []
    for group, codes in sorted(factors.items(), key=lambda pair: -(pair[1].max() + 1)):
        for _ in range(2 if rng.random() < 0.2 else 1):
            draw = rng.random()
            if draw < 0.3:
                own = ["one"]
            elif draw < 0.45:
                own = list(x_names[: int(rng.integers(1, min(3, len(x_names)) + 1))])
            else:
                size = int(rng.choice([1, 2, 3], p=[0.35, 0.45, 0.2]))
                own = [str(name) for name in rng.permutation(list(pool))[:size]]
            structure = FULL if rng.random() < 0.7 or len(own) == 1 else DIAGONAL
            z = np.column_stack([pool[name] for name in own])
            terms.append(RandomTerm(group, tuple(own), z, codes, tuple(range(codes.max() + 1)), structure))
            names.append(own)
    return terms, names


def _theta(rng: np.random.Generator, term: RandomTerm, corner: str) -> Array:
    """A random Lambda of one term as lme4's theta, pushed into a corner where asked for."""
    q = term.z.shape[1]
    if not q:
        return np.empty(0)
    factor = np.tril(rng.normal(size=(q, q))) * 10 ** rng.uniform(-1.2, 0.8)
    if rng.random() < 0.1:
        factor *= 10 ** rng.uniform(-3, 1)
    kind = str(rng.choice(CORNERS[:4])) if corner == "mixed" else corner
    if kind == "zero terms" and rng.random() < 0.6:
        factor[:] = 0.0
    if kind == "zero variance":
        factor[int(rng.integers(q))] = 0.0
    if kind == "correlation of one" and term.correlated:
        factor[:, int(rng.integers(1, q)) if q > 2 else min(1, q - 1) :] = 0.0
        if q == 1:
            factor[:] = 1.0
    if not term.correlated:
        return np.abs(np.diagonal(factor))
    factor = factor * np.where(np.diagonal(factor) < 0, -1.0, 1.0)
    columns, rows = np.triu_indices(q)
    return np.asarray(factor[rows, columns])


def _in_units(theta: Array, terms: list[RandomTerm], units: tuple[Array, ...]) -> Array:
    """Theta of the same model with its random columns in other units: rows of Lambda over the units."""
    pieces, start = [], 0
    for term, unit in zip(terms, units, strict=True):
        q = unit.size
        rows = np.triu_indices(q)[1] if term.correlated else np.arange(q)
        pieces.append(theta[start : start + rows.size] / unit[rows])
        start += rows.size
    return np.concatenate(pieces)


def _residual(
    rng: np.random.Generator, structure: str, family: Array
) -> tuple[Any, Callable[[Array], Array], Array]:
    """The bound structure, R as a function of its natural parameters, and values for them."""
    n = family.size
    if structure == "none" or np.bincount(family).max() < 2:
        return None, lambda _: np.eye(n), np.empty(0)
    wave, order = np.empty(n), rng.permutation(n)
    for code in np.unique(family):
        own = order[family[order] == code]
        wave[own] = np.cumsum(rng.integers(1, 3, own.size))
    months = wave * 0.7 + rng.uniform(0, 0.3, n)
    stratum = rng.permutation(np.arange(n) % 3 if rng.random() < 0.5 else np.arange(n) % 2)
    visit, part = _visits(rng, family)
    data = {"wave": wave, "months": months, "family": family, "sex": stratum, "visit": visit, "part": part}
    parts: list[Any] = []
    parameters: list[float] = []
    times = None
    together = family[:, None] == family
    lowest = -1.0 / (np.bincount(family).max() - 1)
    if "CompoundSymmetry" in structure:
        parts.append(CompoundSymmetry(within="family"))
        parameters = [float(rng.uniform(0.9 * lowest, 0.95))]
    elif "Unstructured" in structure:
        parts.append(Unstructured("visit", within="family:part"))
        half = rng.normal(size=(WAVES, WAVES + 1))
        whole = half @ half.T
        sd = np.sqrt(np.diagonal(whole))
        pairs = [(i, j) for i in range(WAVES) for j in range(i + 1, WAVES)]
        parameters = [*(float(whole[i, j] / sd[i] / sd[j]) for i, j in pairs), *(sd[1:] / sd[0])]
        together &= part[:, None] == part
    elif "CAR1" in structure:
        parts.append(CAR1("months", within="family"))
        times, parameters = months, [float(rng.uniform(0.02, 0.95))]
    elif "AR1" in structure:
        parts.append(AR1("wave", within="family"))
        times, parameters = wave, [float(rng.choice([rng.uniform(-0.9, 0.9), rng.uniform(0, 0.05)]))]
    if "VarianceBy" in structure:
        parts.append(VarianceBy("sex"))
        parameters += list(rng.lognormal(0, 0.6, int(stratum.max())))
    same = np.eye(n, dtype=bool)

    def matrix(values: Array) -> Array:
        found = np.eye(n, dtype=np.asarray(values).dtype)
        rest = list(values)
        if times is not None:
            distance = np.where(same | ~together, 1.0, np.abs(times[:, None] - times))
            # a whole power of a negative correlation stays real
            power = np.round(distance).astype(int) if "CAR1" not in structure else distance
            found = np.where(same, 1.0, np.where(together, rest.pop(0) ** power, 0.0))
        if "CompoundSymmetry" in structure:
            found = np.where(same, 1.0, np.where(together, rest.pop(0), 0.0))
        if "Unstructured" in structure:
            whole = np.eye(WAVES, dtype=found.dtype)
            for i, j in pairs:
                whole[i, j] = whole[j, i] = rest.pop(0)
            sd = np.array([1.0, *(rest.pop(0) for _ in range(WAVES - 1))])
            found = np.where(together, (whole * np.outer(sd, sd))[np.ix_(visit - 1, visit - 1)], 0.0)
        if "VarianceBy" in structure:
            sd = np.array([1.0, *rest])[stratum]
            found = found * np.outer(sd, sd)
        return np.asarray(found)

    try:
        bound = bind_residual(tuple(parts), data)
    except ModelError:  # two waves never seen together, or fewer series than waves
        return None, lambda _: np.eye(n), np.empty(0)
    return bound, matrix, np.array(parameters)


def _visits(rng: np.random.Generator, family: Array) -> tuple[Array, Array]:
    """A wave of few for each row, and the part of its family in which that wave is the only one."""
    visit, part = np.empty(family.size, dtype=int), np.empty(family.size, dtype=int)
    for code in np.unique(family):
        own = rng.permutation(np.flatnonzero(family == code))
        for number, start in enumerate(range(0, own.size, WAVES)):
            some = own[start : start + WAVES]
            visit[some] = rng.permutation(WAVES)[: some.size] + 1
            part[some] = number
    return visit, part
