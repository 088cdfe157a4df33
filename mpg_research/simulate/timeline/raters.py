"""What workers score: severity per life domain, drifting by years in the job, and practice by two raters."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.care import ELEMENT_MEANS
from mpg_research.simulate.periods import days_to_weekday
from mpg_research.simulate.plan import DAYS_PER_MONTH, DAYS_PER_YEAR, PROBLEMS
from mpg_research.simulate.timeline.helped import Helped, as_days, iso_days
from mpg_research.simulate.timeline.planted import PLANTED
from mpg_research.study.schemas import WORKING_ELEMENTS

__all__ = ["Raters", "domain_rows", "draw_raters", "practice_by_raters"]

DOMAIN_MONTHS = tuple(range(0, 25, 4))
SHARE_SCORED = 0.85  # of the moments at which severity is asked for


@dataclass(frozen=True, slots=True)
class Raters:
    """The workers as raters.

    Attributes
    ----------
    organisation, worker : ndarray of str, shape (n_workers,)
        Who.
    start : ndarray of int, shape (n_workers,)
        Since when in this work, as an ordinal.
    severity, drift : ndarray of float, shape (n_workers,)
        How much more severe than others, in points, on the first day in the job; and how that moves per year.
    """

    organisation: NDArray[np.str_]
    worker: NDArray[np.str_]
    start: NDArray[np.int64]
    severity: NDArray[np.float64]
    drift: NDArray[np.float64]

    def place_of(self, organisation: NDArray[np.str_], worker: NDArray[np.object_]) -> NDArray[np.int64]:
        """The place of workers in these arrays, shape (n,)."""
        keys = pd.MultiIndex.from_arrays([self.organisation, self.worker])
        return np.asarray(keys.get_indexer(pd.MultiIndex.from_arrays([organisation, worker])))

    def colleague_of(
        self, rng: np.random.Generator, place: NDArray[np.int64], day: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Another worker of the same organisation who was in the job that day; -1 where nobody was drawn."""
        codes = pd.factorize(self.organisation)[0]
        first = np.searchsorted(codes, codes)  # sorted by organisation
        number = np.bincount(codes)[codes]
        step = 1 + np.floor(rng.random(len(place)) * (number[place] - 1)).astype(np.int64)
        other = first[place] + (place - first[place] + step) % number[place]
        return np.where((other != place) & (self.start[other] <= day), other, -1)

    def shift(self, place: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.float64]:
        """How much more severe each scores on that day, in points."""
        years = (day - self.start[place]) / DAYS_PER_YEAR
        return np.asarray(self.severity[place] + self.drift[place] * years)

    def truth(self) -> pd.DataFrame:
        """Severity and drift of each rater, as text."""
        return pd.DataFrame(
            {
                "organisation": self.organisation,
                "worker": self.worker,
                "severity_at_start": [f"{value:.3f}" for value in self.severity],
                "drift_per_year": [f"{value:.4f}" for value in self.drift],
            }
        )


def draw_raters(rng: np.random.Generator, workers: pd.DataFrame, start: NDArray[np.int64]) -> Raters:
    """How severe each worker is as a rater, and how that moves.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    workers : DataFrame
        ``organisation, worker``, sorted.
    start : ndarray of int, shape (n_workers,)
        Since when in this work.

    Returns
    -------
    Raters
    """
    planted = PLANTED["severity"]
    return Raters(
        organisation=workers["organisation"].to_numpy(dtype=str),
        worker=workers["worker"].to_numpy(dtype=str),
        start=start,
        severity=rng.normal(scale=planted["sd_raters"], size=len(workers)),
        drift=rng.normal(planted["drift_per_year"], planted["sd_drift"], size=len(workers)),
    )


def domain_rows(rng: np.random.Generator, care: pd.DataFrame, helped: Helped, raters: Raters) -> pd.DataFrame:
    """Severity per life domain about every four months, by the worker in charge and sometimes a colleague.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    care : DataFrame
        Says who was in charge in each month.
    helped : Helped
        The periods of help.
    raters : Raters
        The workers.

    Returns
    -------
    DataFrame
        Columns of the schema, as text.
    """
    planted, n = PLANTED["severity"], len(helped)
    own = rng.normal(scale=planted["sd_family_and_domain"], size=(n, len(PROBLEMS)))
    jitter = rng.integers(1, 12, size=(n, len(DOMAIN_MONTHS)))
    day = helped.start[:, None] + np.round(np.array(DOMAIN_MONTHS) * DAYS_PER_MONTH).astype(np.int64) + jitter
    day = days_to_weekday(day)
    scored = (day <= helped.last[:, None]) & (rng.random(day.shape) < SHARE_SCORED)
    who, moment = np.nonzero(scored)
    when = day[who, moment]
    first = raters.place_of(helped.organisation[who], _in_charge(care, helped, who, when))
    second = raters.colleague_of(rng, first, when)
    second[rng.random(len(who)) >= planted["share_second_rater"]] = -1
    true = (
        planted["mean"]
        + planted["per_flag"] * (helped.families.problems[who] - 0.5)
        + planted["per_sd_burden"] * (helped.burden_at(who, when) - 1.15)[:, None]
        + own[who]
    )
    parts = []
    for rater in (first, second):
        rows = np.flatnonzero(rater >= 0)
        shift = raters.shift(rater[rows], when[rows])[:, None]
        noise = rng.normal(scale=planted["sd_occasion"], size=(len(rows), len(PROBLEMS)))
        severity = np.clip(np.round(true[rows] + shift + noise), 0, 4).astype(np.int64)
        wide = len(PROBLEMS)
        parts.append(
            pd.DataFrame(
                {
                    "family": np.repeat(helped.family[who[rows]], wide),
                    "episode": np.repeat(helped.number[who[rows]].astype(str), wide),
                    "date": np.repeat(iso_days(when[rows]), wide),
                    "domain": np.tile(np.array(PROBLEMS), len(rows)),
                    "severity": severity.ravel().astype(str),
                    "rater": np.repeat(raters.worker[rater[rows]], wide),
                }
            )
        )
    return pd.concat(parts)


def _in_charge(
    care: pd.DataFrame, helped: Helped, who: NDArray[np.int64], day: NDArray[np.int64]
) -> NDArray[np.object_]:
    """The worker in charge in the month of each day; every month of help has a row of care."""
    month = day.astype(np.int64)
    text = pd.Series(iso_days(month)).str.slice(0, 7)
    keys = pd.MultiIndex.from_arrays([care["family"], care["episode"], care["month"].str.slice(0, 7)])
    wanted = pd.MultiIndex.from_arrays([helped.family[who], helped.number[who].astype(str), text])
    return np.asarray(care["worker"].to_numpy(dtype=object)[keys.get_indexer(wanted)])


def practice_by_raters(
    rng: np.random.Generator, practice: pd.DataFrame, care: pd.DataFrame, helped: Helped, raters: Raters
) -> pd.DataFrame:
    """The table ``practice`` with who scored, and a second, independent score of some of the rows.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    practice : DataFrame
        The table as text; its scores stay as they are.
    care, helped, raters :
        As in `domain_rows`.

    Returns
    -------
    DataFrame
        With ``rater`` and ``rater_role``.
    """
    planted = PLANTED["practice"]
    rows, day = helped.rows_of(practice), as_days(practice["date"])
    first = raters.place_of(helped.organisation[rows], _in_charge(care, helped, rows, day))
    second = raters.colleague_of(rng, first, day)
    twice = np.flatnonzero((rng.random(len(practice)) < planted["share_second_rater"]) & (second >= 0))
    score = np.array(ELEMENT_MEANS) + planted["per_sd_practice"] * helped.families.practice[rows[twice], None]
    score = score + rng.normal(scale=planted["sd_element"], size=score.shape)
    score = np.clip(np.round(score), 1, 5).astype(np.int64)
    again = practice.iloc[twice].assign(
        **{element: score[:, place].astype(str) for place, element in enumerate(WORKING_ELEMENTS)},
        rater=raters.worker[second[twice]],
        rater_role="colleague",
    )
    return pd.concat([practice.assign(rater=raters.worker[first], rater_role="family_worker"), again])
