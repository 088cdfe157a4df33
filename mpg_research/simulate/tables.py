"""The tables of the synthetic study, as text ready to be written."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.care import care_rows, event_rows, practice_rows
from mpg_research.simulate.costs import price_index_rows, price_rows
from mpg_research.simulate.course import answer_items, burden
from mpg_research.simulate.families import take
from mpg_research.simulate.periods import (
    EXPORT_DATE,
    Periods,
    days_to_weekday,
    simulate_first_periods,
    simulate_second_periods,
)
from mpg_research.simulate.plan import CLASSES, DAYS_PER_MONTH, PROBLEMS, OrganisationPlan
from mpg_research.study.schemas import INTERVENTIONS

__all__ = ["SimulatedTables", "intervention_roles", "simulate_tables"]

FOLLOW_UP_SHARE = 0.20  # of the ended periods
TOO_EARLY_SHARE = 0.05  # of the families fill in a form more than 30 days before the start
SECOND_PARENT_SHARE = 0.70  # of the visits at which a second parent who takes part answers
SILENT_SHARE = 0.015  # of the families never returns a form
UNKNOWN_SHARE = 0.015  # of the families lacks an intake variable
ROLE_NAMES = ("family_worker", "colleague", "behavioural_scientist", "other_organisation")
ROLE_SHARES = (0.70, 0.12, 0.13, 0.05)  # of the interventions, but for those that are somebody's own:
ROLE_OF_CODE = {"bring_in_colleague": "colleague", "experience_expert": "experience_expert"}
ROLE_UNKNOWN_SHARE = 0.10  # of the records names no role


@dataclass(frozen=True, slots=True)
class SimulatedTables:
    """Tables by name, all text, and what is true of each period of help.

    Attributes
    ----------
    tables : dict of str to DataFrame
        The study's tables in the layout of its schemas.
    families : DataFrame
        family, episode, course (class) and burden at the start: the truth behind the rows.
    periods : tuple of Periods
        First and second periods of help.
    names : ndarray of str, shape (n_families,)
        Names of the families.
    silent : ndarray of bool, shape (n_families,)
        Who never returns a form.
    """

    tables: dict[str, pd.DataFrame]
    families: pd.DataFrame
    periods: tuple[Periods, ...]
    names: NDArray[np.str_]
    silent: NDArray[np.bool_]


def simulate_tables(
    rng: np.random.Generator, plans: tuple[OrganisationPlan, ...], sizes: NDArray[np.int64]
) -> SimulatedTables:
    """Simulate a study and lay it down in tables.

    Parameters
    ----------
    rng : Generator
        Randomness.
    plans : tuple of OrganisationPlan
        The organisations.
    sizes : ndarray of int, shape (n_organisations,)
        Families per organisation.

    Returns
    -------
    SimulatedTables
    """
    first = simulate_first_periods(rng, plans, sizes)
    second = simulate_second_periods(rng, plans, sizes, first)
    n = len(first.who)
    numbers = np.sort(rng.choice(np.arange(1000, max(10_000, 1000 + 2 * n)), size=n, replace=False))
    names = np.array([f"F{number}" for number in rng.permutation(numbers)])
    silent = rng.random(n) < SILENT_SHARE
    unknown = rng.random((n, 2)) < UNKNOWN_SHARE
    parts: dict[str, list[pd.DataFrame]] = {}
    truths = []
    for periods in (first, second):
        family = names[periods.who]
        rows = {
            "episodes": _episodes(periods, family, plans, unknown[periods.who]),
            "measurements": _measurements(rng, periods, family, silent[periods.who]),
            "interventions": _interventions(periods, family),
            "care": care_rows(rng, periods, family, sizes),
            "practice": practice_rows(rng, periods, family),
            "events": event_rows(rng, periods, family),
        }
        for name, frame in rows.items():
            parts.setdefault(name, []).append(frame)
        truths.append(_truth(periods, family))
    tables = {name: _sorted(pd.concat(frames)) for name, frames in parts.items()}
    tables["prices"] = price_rows()
    tables["price_index"] = price_index_rows()
    return SimulatedTables(
        tables=tables,
        families=_sorted(pd.concat(truths)),
        periods=(first, second),
        names=names,
        silent=silent,
    )


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in ("family", "episode", "date", "month", "respondent") if name in frame.columns]
    return frame.sort_values(keys, kind="stable").reset_index(drop=True)


def _iso(ordinals: NDArray[np.int64]) -> list[str]:
    return [date.fromordinal(int(day)).isoformat() for day in ordinals]


def _flags(values: NDArray[np.bool_]) -> list[str]:
    return ["1" if value else "0" for value in values]


def _episodes(
    periods: Periods,
    family: NDArray[np.str_],
    plans: tuple[OrganisationPlan, ...],
    unknown: NDArray[np.bool_],
) -> pd.DataFrame:
    families, ended = periods.families, periods.end <= EXPORT_DATE.toordinal()
    frame = pd.DataFrame(
        {
            "family": family,
            "episode": str(periods.number),
            "organisation": [plans[place].key for place in families.organisation],
            "worker": [f"w{number:02d}" for number in families.worker],
            "start": _iso(periods.start),
            "end": np.where(ended, _iso(np.minimum(periods.end, EXPORT_DATE.toordinal())), ""),
            "end_reason": [
                f"{reason:02d}" if over else ""
                for reason, over in zip(periods.course.end_reason, ended, strict=True)
            ],
            "child_age": [f"{age:.1f}" for age in families.child_age],
            "n_children": [f"{number:.0f}" for number in families.n_children],
            "single_parent": _flags(families.single_parent),
            "earlier_care": _flags(families.earlier_care),
        }
    )
    for place, domain in enumerate(PROBLEMS):
        frame[f"problem_{domain}"] = _flags(families.problems[:, place])
    frame.loc[unknown[:, 0], "n_children"] = ""
    frame.loc[unknown[:, 1], "earlier_care"] = ""
    return frame


def _measurements(
    rng: np.random.Generator, periods: Periods, family: NDArray[np.str_], silent: NDArray[np.bool_]
) -> pd.DataFrame:
    course, families = periods.course, periods.families
    assert course.items is not None  # the study keeps its answers
    assert course.second_items is not None
    last_day = np.minimum(periods.end, EXPORT_DATE.toordinal())
    day = periods.start[:, None] + periods.days
    seen = course.seen & (day <= EXPORT_DATE.toordinal()) & ~silent[:, None]
    who, visit = np.nonzero(seen)
    declared = np.where(families.second_only, "second_parent", "first_parent")
    open_items = _open_items(rng, course.incomplete[who, visit])
    blocks = [(who, day[who, visit], declared[who], course.items[who, visit], open_items)]

    both = families.has_second[who] & (rng.random(len(who)) < SECOND_PARENT_SHARE)
    two, visits = who[both], visit[both]
    later = days_to_weekday(day[two, visits] + rng.integers(0, 4, size=len(two)))
    second_day = np.where(later <= last_day[two], later, day[two, visits])
    second_open = _open_items(rng, rng.random(len(two)) < 0.05)
    second = np.full(len(two), "second_parent")
    blocks.append((two, second_day, second, course.second_items[two, visits], second_open))

    n = len(families)
    early = np.flatnonzero((rng.random(n) < TOO_EARLY_SHARE) & ~silent & (periods.number == 1))
    early_day = days_to_weekday(periods.start[early] - rng.integers(34, 57, size=len(early)))
    after = np.flatnonzero((rng.random(n) < FOLLOW_UP_SHARE) & ~silent)
    after_day = days_to_weekday(periods.end[after] + rng.integers(20, 71, size=len(after)))
    after, after_day = (part[after_day <= EXPORT_DATE.toordinal()] for part in (after, after_day))
    for extra, on in ((early, early_day), (after, after_day)):
        months = (on - periods.start[extra]) / DAYS_PER_MONTH
        level = burden(take(families, extra), months, course.intervention_time[extra])
        level = level + np.where(families.second_only[extra], families.second_shift[extra], 0.0)
        answers = answer_items(rng, level + rng.normal(scale=0.3, size=len(extra)))
        blocks.append((extra, on, declared[extra], answers, np.zeros(answers.shape, dtype=bool)))
    return pd.concat([_forms(family, periods.number, *block) for block in blocks])


def _open_items(rng: np.random.Generator, incomplete: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which items stay open on the incomplete forms: one, sometimes more."""
    open_items = rng.random((len(incomplete), 10)) < 0.06
    certain = rng.integers(0, 10, size=len(incomplete))
    open_items[np.arange(len(incomplete)), certain] = True
    return np.asarray(open_items & incomplete[:, None])


def _forms(
    family: NDArray[np.str_],
    number: int,
    who: NDArray[np.int64],
    day: NDArray[np.int64],
    respondent: NDArray[np.str_],
    answers: NDArray[np.int8],
    open_items: NDArray[np.bool_],
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "family": family[who],
            "episode": str(number),
            "respondent": respondent,
            "date": _iso(day),
            "instrument": "obvl_k",
        }
    )
    for place in range(answers.shape[1]):
        text = answers[:, place].astype(str).astype(object)
        text[open_items[:, place]] = ""
        frame[f"item_{place + 1:02d}"] = text
    return frame


def _interventions(periods: Periods, family: NDArray[np.str_]) -> pd.DataFrame:
    codes = list(INTERVENTIONS)
    times = periods.course.intervention_time
    who, place = np.nonzero(np.isfinite(times))
    day = days_to_weekday(periods.start[who] + np.round(times[who, place] * DAYS_PER_MONTH).astype(np.int64))
    keep = day <= np.minimum(periods.end, EXPORT_DATE.toordinal())[who]
    who, place, day = who[keep], place[keep], day[keep]
    return pd.DataFrame(
        {
            "family": family[who],
            "episode": str(periods.number),
            "date": _iso(day),
            "intervention": [codes[kind] for kind in periods.course.intervention[who, place]],
        }
    )


def intervention_roles(rng: np.random.Generator, codes: pd.Series) -> pd.Series:
    """The role of who used each intervention; sometimes not filled in.

    Parameters
    ----------
    rng : Generator
        A stream of its own, so that roles move nothing else.
    codes : Series of str, shape (n,)
        The interventions.

    Returns
    -------
    Series of str, shape (n,)
    """
    drawn = np.searchsorted(np.cumsum(ROLE_SHARES[:-1]), rng.random(len(codes)), side="right")
    roles = np.array(ROLE_NAMES, dtype=object)[drawn]
    unknown = rng.random(len(codes)) < ROLE_UNKNOWN_SHARE
    for code, role in ROLE_OF_CODE.items():
        roles[(codes == code).to_numpy(dtype=bool)] = role
    roles[unknown] = ""
    return pd.Series(roles, index=codes.index)


def _truth(periods: Periods, family: NDArray[np.str_]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "family": family,
            "episode": str(periods.number),
            "course": [CLASSES[place] for place in periods.families.course],
            "burden_at_start": [f"{level:.3f}" for level in periods.families.level],
        }
    )
