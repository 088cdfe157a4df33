"""How families come in, where they live, and the conditions under which organisations work."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.periods import FIRST_START, days_to_weekday
from mpg_research.simulate.plan import DAYS_PER_YEAR, OrganisationPlan
from mpg_research.simulate.timeline.helped import Helped, iso_days
from mpg_research.simulate.timeline.planted import PLANTED

__all__ = ["CONDITION_WORDS", "condition_rows", "referred_column", "region_column"]

CONDITION_WORDS = {
    "small_caseload": ("Weinig gezinnen per hulpverlener", "Few families per worker"),
    "shared_training": ("Samen met partners geschoold", "Trained together with partners"),
    "one_budget": ("Eén budget per gezin", "One budget per family"),
    "room_to_decide": ("Ruimte om zelf te beslissen", "Room to decide"),
    "manager_backs": ("Steun van de leiding", "Backing by management"),
}
"""Invented conditions beside ``structural_funding``, with their wording in Dutch and English."""

CONDITION_YEARS = (2022, 2023, 2024, 2025)
ORGANISATIONS_PER_REGION = 8
_UNKNOWN_REFERRAL = 0.03
_LONGEST_WAIT_BACK = 70  # days: a second period starts at least 75 days after the first has ended


def referred_column(rng: np.random.Generator, helped: Helped) -> NDArray[np.object_]:
    """The day of referral: a wait before the start that grows over the years.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped : Helped
        The periods of help.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    planted = PLANTED["flow"]
    years = (helped.start - FIRST_START.toordinal()) / DAYS_PER_YEAR
    mean = planted["waiting_days"] * np.exp(planted["waiting_growth_per_year"] * years)
    wait = np.floor(rng.gamma(1.5, mean / 1.5)).astype(np.int64)
    wait = np.where(helped.number > 1, np.minimum(wait, _LONGEST_WAIT_BACK), wait)
    day = np.minimum(days_to_weekday(helped.start - wait), helped.start)
    text = iso_days(day).astype(object)
    text[rng.random(len(helped)) < _UNKNOWN_REFERRAL] = ""
    return text


def region_column(
    rng: np.random.Generator, helped: Helped, plans: tuple[OrganisationPlan, ...]
) -> NDArray[np.object_]:
    """The invented region each family lives in: mostly that of its first organisation.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped : Helped
        The periods of help.
    plans : tuple of OrganisationPlan
        The organisations.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    number = max(3, len(plans) // ORGANISATIONS_PER_REGION)
    first = np.flatnonzero(helped.number == 1)
    own = rng.random(len(first)) < PLANTED["flow"]["share_of_region"]
    elsewhere = rng.integers(0, number, size=len(first))
    region = np.where(own, helped.families.organisation[first] % number, elsewhere)
    of_family = pd.Series(region, index=helped.family[first])
    names = np.array([f"region_{place + 1}" for place in range(number)]).astype(object)
    return np.asarray(names[of_family.reindex(helped.family).to_numpy(dtype=np.int64)])


def condition_rows(rng: np.random.Generator, plans: tuple[OrganisationPlan, ...]) -> pd.DataFrame:
    """Six conditions per organisation and year, from 1 to 5; better where families make more progress.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    plans : tuple of OrganisationPlan
        The organisations.

    Returns
    -------
    DataFrame
        Columns of the schema, as text.
    """
    planted = PLANTED["conditions"]
    names = ("structural_funding", *CONDITION_WORDS)
    progress = np.array([plan.progress for plan in plans])[:, None, None]
    own = rng.normal(scale=planted["sd"], size=(len(plans), 1, len(names)))
    score = planted["mean"] + planted["per_progress"] * progress + own
    score = score + rng.normal(scale=0.3, size=(len(plans), len(CONDITION_YEARS), len(names)))
    score = np.clip(np.round(2 * score) / 2, 1, 5)
    organisation, year, name = (part.ravel() for part in np.indices(score.shape))
    return pd.DataFrame(
        {
            "organisation": np.array([plan.key for plan in plans])[organisation],
            "year": np.array(CONDITION_YEARS)[year].astype(str),
            "condition": np.array(names)[name],
            "score": [f"{value:g}" for value in score.ravel()],
        }
    )
