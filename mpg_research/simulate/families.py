"""Draw synthetic families: case mix, level of burden, and the course they will take."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from mpg_research.simulate.plan import CLASSES, PROBLEMS, OrganisationPlan

__all__ = ["CASE_MIX_EFFECTS", "Families", "draw_classes", "draw_families", "number_of_problems", "take"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Effects on the latent burden at intake (unit: SD of the reference population), each about its centre.
CASE_MIX_EFFECTS = {
    "single_parent": (0.45, 0.18, -0.20),
    "n_children": (2.4, 0.08, 0.0),
    "n_problems": (2.6, 0.16, -0.22),
    "earlier_care": (0.5, 0.15, -0.30),
    "child_age": (8.0, -0.01, -0.02),
}
"""Per case-mix variable: its centre, its effect on the burden at intake, on the log-odds of progress."""

MEAN_BURDEN = 1.15  # of these families at intake, in SD above the reference population
SD_BURDEN = 0.62  # between families with the same case mix
SD_WORKER = 0.20  # of workers, in log-odds of progress
PRACTICE_EFFECT = 0.30  # log-odds of progress per SD of the working elements

# Log-odds of each class at average progress, and how progress moves them.
_CLASS_BASE = np.array([-0.45, 0.25, 0.20, -1.05, -0.65])
_CLASS_PROGRESS = np.array([0.90, 0.70, 0.0, -0.60, 0.10])

_PROBLEM_BASE = np.array([0.3, -1.3, 1.3, -1.0, 0.2, -0.4])


@dataclass(frozen=True, slots=True)
class Families:
    """A number of families at the start of a period of help, as arrays of equal length.

    Attributes
    ----------
    organisation, worker : ndarray of int, shape (n,)
        Position of the organisation in the plan; number of the worker within it, from 1.
    child_age, n_children : ndarray of float, shape (n,)
        Age of the child in years; number of children.
    single_parent, earlier_care : ndarray of bool, shape (n,)
    problems : ndarray of bool, shape (n, 6)
        Problem flags in the order of the plan's life domains.
    practice : ndarray of float, shape (n,)
        How far the working elements are put in practice, in SD.
    level : ndarray of float, shape (n,)
        Latent burden at time zero, in SD of the reference population.
    course : ndarray of int, shape (n,)
        Position in ``CLASSES``.
    size : ndarray of float, shape (n,)
        Factor on the course, about 1.
    second_only, has_second : ndarray of bool, shape (n,)
        Whether only the second parent answers; whether both do.
    second_shift : ndarray of float, shape (n,)
        How much lower or higher the second parent's burden is.
    missing_rate : ndarray of float, shape (n,)
        Chance that a month is missed.
    """

    organisation: NDArray[np.int64]
    worker: NDArray[np.int64]
    child_age: Floats
    n_children: Floats
    single_parent: Flags
    earlier_care: Flags
    problems: Flags
    practice: Floats
    level: Floats
    course: NDArray[np.int64]
    size: Floats
    second_only: Flags
    has_second: Flags
    second_shift: Floats
    missing_rate: Floats

    def __len__(self) -> int:
        return len(self.level)


def take(families: Families, chosen: NDArray[np.int64]) -> Families:
    """The chosen families, in that order."""
    return replace(families, **{each.name: getattr(families, each.name)[chosen] for each in fields(families)})


def number_of_problems(families: Families) -> Floats:
    """Problem flags per family, shape (n,)."""
    return np.asarray(families.problems.sum(axis=1), dtype=float)


def draw_families(
    rng: np.random.Generator,
    plans: tuple[OrganisationPlan, ...],
    organisation: NDArray[np.int64],
    *,
    case_mix_of: NDArray[np.int64] | None = None,
    workers: NDArray[np.int64] | None = None,
) -> Families:
    """Draw families with their case mix, level and course.

    Parameters
    ----------
    rng : Generator
        Randomness.
    plans : tuple of OrganisationPlan
        The organisations.
    organisation : ndarray of int, shape (n,)
        Position in `plans` of the organisation that helps each family.
    case_mix_of : ndarray of int, shape (n,), optional
        Organisation whose kind of families each is; by default the one that helps. The truth at
        equal case mix draws it from all organisations.
    workers : ndarray of int, shape (n_organisations,), optional
        Workers per organisation, whose effect their families share. Without it each family has a
        worker of its own, as in the population of all workers.

    Returns
    -------
    Families
    """
    n = len(organisation)
    kind = organisation if case_mix_of is None else case_mix_of
    severity = np.array([plan.severity for plan in plans])[kind]
    common = rng.normal(scale=0.6, size=n) + severity
    problems = rng.random((n, len(PROBLEMS))) < _share(_PROBLEM_BASE + common[:, None])
    age_mean = 8.0 + np.array([plan.age_shift for plan in plans])[kind]
    families = Families(
        organisation=organisation,
        worker=np.ones(n, dtype=np.int64),
        child_age=_tenths(np.clip(rng.normal(age_mean, 4.2), 0.2, 17.4)),
        n_children=1.0 + np.minimum(rng.poisson(np.exp(0.30 + 0.15 * common)), 7),
        single_parent=rng.random(n) < _share(-0.2 + 0.5 * common),
        earlier_care=rng.random(n) < _share(0.9 * common),
        problems=problems,
        practice=rng.normal(np.array([plan.practice for plan in plans])[organisation], 1.0),
        level=np.zeros(n),
        course=np.zeros(n, dtype=np.int64),
        size=np.exp(rng.normal(scale=0.30, size=n)),
        second_only=rng.random(n) < 0.03,
        has_second=np.zeros(n, dtype=bool),
        second_shift=rng.normal(-0.20, 0.35, size=n),
        missing_rate=rng.beta(1.6, 11.0, size=n),
    )
    both = ~families.single_parent & ~families.second_only & (rng.random(n) < 0.55)
    level = MEAN_BURDEN + _case_mix(families, effect=1) + rng.normal(scale=SD_BURDEN, size=n)
    if workers is None:
        worker, worker_effect = families.worker, rng.normal(scale=SD_WORKER, size=n)
    else:
        worker = 1 + np.floor(rng.random(n) * workers[organisation]).astype(np.int64)
        effects = rng.normal(scale=SD_WORKER, size=(len(plans), int(workers.max()) + 1))
        worker_effect = effects[organisation, worker]
    families = replace(families, has_second=both, level=level, worker=worker)
    return replace(families, course=draw_classes(rng, plans, families, worker_effect))


def draw_classes(
    rng: np.random.Generator,
    plans: tuple[OrganisationPlan, ...],
    families: Families,
    worker_effect: Floats | float = 0.0,
) -> NDArray[np.int64]:
    """The class of each family's course, by organisation, case mix and practice.

    Parameters
    ----------
    rng : Generator
        Randomness.
    plans : tuple of OrganisationPlan
        The organisations.
    families : Families
        With everything but their course.
    worker_effect : ndarray of float, shape (n,), or float
        Effect of the worker, in log-odds of progress.

    Returns
    -------
    ndarray of int, shape (n,)
        Positions in ``CLASSES``.
    """
    own = np.array([plan.progress for plan in plans])[families.organisation]
    progress = own + PRACTICE_EFFECT * families.practice + _case_mix(families, effect=2) + worker_effect
    odds = np.exp(_CLASS_BASE + _CLASS_PROGRESS * progress[:, None])
    limits = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
    position = (rng.random((len(families), 1)) > limits[:, :-1]).sum(axis=1)
    return np.asarray(np.minimum(position, len(CLASSES) - 1), dtype=np.int64)


def _case_mix(families: Families, *, effect: int) -> Floats:
    values = {
        "single_parent": families.single_parent.astype(float),
        "n_children": families.n_children,
        "n_problems": number_of_problems(families),
        "earlier_care": families.earlier_care.astype(float),
        "child_age": families.child_age,
    }
    total = np.zeros(len(families))
    for name, effects in CASE_MIX_EFFECTS.items():
        total += effects[effect] * (values[name] - effects[0])
    return total


def _tenths(years: Floats) -> Floats:
    return np.asarray(np.round(years, 1), dtype=np.float64)


def _share(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))
