"""The plan behind the synthetic study: organisations, questionnaire and effects, all invented.

Nothing here was estimated from families. The numbers were chosen so that scores, reliability,
courses and drop-out look like what is published about families with multiple problems (alpha of
the OBVL-K .77, medium effects over a year), and so that organisations differ little once their
case mix is allowed for, as providers usually do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpg_research.errors import ConfigError

__all__ = [
    "CLASSES",
    "DAYS_PER_MONTH",
    "DAYS_PER_YEAR",
    "EXAMPLE_SEED",
    "ITEM_SLOPES",
    "ITEM_THRESHOLDS",
    "PROBLEMS",
    "OrganisationPlan",
    "organisation_plans",
    "organisation_sizes",
]

EXAMPLE_SEED = 1
"""Seed of the example study: an ordinary draw, with shares of the courses near those of the population."""

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12

CLASSES = ("fast", "slow", "none", "worse", "relapse")
"""Shapes that a family's course can take."""

PROBLEMS = ("mental_health", "addiction", "parenting", "housing", "money", "school_work")
"""Life domains of the problem flags, as the columns ``problem_...`` of the episodes."""


@dataclass(frozen=True, slots=True)
class OrganisationPlan:
    """How one invented organisation differs from the others.

    Attributes
    ----------
    key, name : str
        Key in the tables and public name; no real organisation.
    share : float
        Part of the families it helps.
    severity : float
        Shift of its families' problems, in log-odds of each problem (case mix, not quality).
    age_shift : float
        Shift of the mean child age, in years (case mix).
    progress : float
        Its own effect on the odds of a good course, in log-odds, at equal case mix.
    practice : float
        Mean of its working elements, in standard deviations between families.
    """

    key: str
    name: str
    share: float
    severity: float
    age_shift: float
    progress: float
    practice: float


# The best helper has the heaviest families, and the one with the lightest families is mediocre:
# an unadjusted comparison misleads, an adjusted one does not.
_PLANS = (
    OrganisationPlan("vlierdonk", "Vlierdonk", 0.30, 0.10, 0.0, 0.00, 0.1),
    OrganisationPlan("merelstroom", "Merelstroom", 0.22, 0.75, 1.0, 0.60, 0.6),
    OrganisationPlan("hazelgaard", "Hazelgaard", 0.17, -0.60, -1.5, -0.25, -0.1),
    OrganisationPlan("tjalkmeer", "Tjalkmeer", 0.14, -0.10, 0.5, 0.15, 0.0),
    OrganisationPlan("brinkelaar", "Brinkelaar", 0.10, 0.30, 2.0, -0.55, -0.6),
    OrganisationPlan("zonnewaerd", "Zonnewaerd", 0.07, -0.35, -1.0, 0.05, 0.0),
)

ITEM_SLOPES: NDArray[np.float64] = np.array([1.95, 1.45, 1.25, 1.75, 1.10, 1.60, 1.35, 1.90, 1.00, 1.50])
"""Discrimination of each item in the graded response model, shape (10,)."""

ITEM_THRESHOLDS: NDArray[np.float64] = (
    np.array([-0.2, 0.1, -0.6, 0.4, -0.3, 0.2, 0.6, -0.1, 0.0, 0.3])[:, None]
    + np.array([-0.1, 1.2, 2.5])[None, :]
)
"""Latent burden at which half answer above 1, 2 and 3, shape (10, 3)."""


def organisation_plans(number: int) -> tuple[OrganisationPlan, ...]:
    """Plans of so many organisations: the six of the example, then numbered ones like them.

    Parameters
    ----------
    number : int
        2 or more.

    Returns
    -------
    tuple of OrganisationPlan
    """
    if number < 2:
        raise ConfigError(f"organisations = {number}; expected a whole number of 2 or more.")
    width = max(2, len(str(number)))
    further = tuple(
        OrganisationPlan(
            f"voorbeeld_{position:0{width}d}",
            f"Voorbeeldorganisatie {position}",
            0.08,
            -like.severity,
            -like.age_shift,
            0.8 * like.progress,
            -like.practice,
        )
        for position in range(7, number + 1)
        for like in (_PLANS[position % len(_PLANS)],)
    )
    return (_PLANS + further)[:number]


def organisation_sizes(plans: tuple[OrganisationPlan, ...], families: int) -> NDArray[np.int64]:
    """Families per organisation, adding up to the total, at least one each.

    Parameters
    ----------
    plans : tuple of OrganisationPlan
        The organisations.
    families : int
        Families in all.

    Returns
    -------
    ndarray of int, shape (n_organisations,)
    """
    if families < 5 * len(plans):
        raise ConfigError(
            f"families = {families} with {len(plans)} organisations; expected at least five families each."
        )
    shares = np.array([plan.share for plan in plans])
    exact = shares / shares.sum() * families
    sizes = np.maximum(np.floor(exact).astype(np.int64), 1)
    order = np.argsort(sizes - exact, kind="stable")
    sizes[order[: families - int(sizes.sum())]] += 1
    return np.asarray(sizes, dtype=np.int64)
