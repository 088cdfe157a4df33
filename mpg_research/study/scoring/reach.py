"""How far the data of a study go: the last month at which enough families are measured.

Every month that is reported comes from here, so that no headline, table or figure says more than was
measured. One late measurement, or a few with a wrong date, do not move the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, Note, Problem
from mpg_research.plurals import counted
from mpg_research.study.config.sections import AnalysisConfig
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

__all__ = [
    "Reach",
    "ReportedMonths",
    "month_step",
    "months_are_typed",
    "months_problem",
    "occasion_of",
    "reach_of",
    "reported_months",
    "within_reach",
]


#: Half a month (or wave): a month is reached where the last measurements round to it.
_HALF = 0.5
#: A score counts for a month when it was at most this far from it.
_AROUND = 1.5
#: Fewer gaps than this say nothing of how often is measured: one may come from a wrong date.
_FEWEST_GAPS = 3
#: With dates, nobody is followed after so many months without a measurement: then a date is wrong.
_LONGEST_GAP = 120.0
#: A fixed occasion: a month that this share of the families has in common; nearly all measurements lie there.
_SHARED_BY, _NEARLY_ALL = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the measurements of a study carry.

    Attributes
    ----------
    last : float
        The last month (or week, or wave) at which at least ``needed`` families are measured.
    by_organisation : mapping of str to float
        The same of each organisation by its key; 0 where no month after the start has so many.
    minimum : int
        ``[analysis] minimum_measured``.
    needed : int
        The minimum, or where no month after the start has so many families: half of the most families that
        are measured at one.
    n_last : int
        Families measured at ``last``.
    step : float
        Months from one occasion to the next, as on the axis of the observed means.
    last_of_families : ndarray, shape (n_families,)
        The last measurement of each family, in months, increasing.
    """

    last: float
    by_organisation: Mapping[str, float]
    minimum: int
    needed: int
    n_last: int
    step: float
    last_of_families: FloatArray

    @property
    def is_enough(self) -> bool:
        """Whether any month after the start has as many families as asked for."""
        return self.needed >= self.minimum and self.last > 0

    def holds(self, month: float) -> bool:
        """Whether a month is within the data."""
        return month <= self.last + _HALF * min(1.0, self.last)

    def families_from(self, month: float) -> int:
        """Families measured around the month (as everywhere: a month and a half to either side) or later."""
        return int(np.sum(self.last_of_families >= month - self.around))

    @property
    def around(self) -> float:
        """How far from a month a measurement may lie and still be one at that month."""
        return max(_AROUND, _HALF * self.step)


@dataclass(frozen=True, slots=True)
class ReportedMonths:
    """The months that are reported.

    Attributes
    ----------
    months : list of float
        Increasing.
    primary : float
        The month that the answer is about, one of them.
    notes : tuple of Note
        Where they are not the ones that were asked for.
    """

    months: list[float]
    primary: float
    notes: tuple[Note, ...]


def month_step(data: pd.DataFrame) -> float:
    """Distance of the months on the axis of observed means, in whole months, at least 1.

    It is the median time between successive measurements of a family by one respondent, rounded. Where
    everybody is measured at the same few whole months (0, 3 and 9), it is the longest step on which all of
    these lie (3), so that no occasion is called by a month at which nobody was measured.
    """
    shared = _shared_moments(data)
    if len(shared) > 1:
        return float(np.gcd.reduce(shared.astype(np.int64)))
    ordered = data.sort_values(["family", "episode", "respondent", "months"], kind="stable")
    gaps = ordered.groupby(["family", "episode", "respondent"])["months"].diff()
    gaps = gaps[gaps > 0]
    return max(1.0, float(np.round(gaps.median()))) if len(gaps) >= _FEWEST_GAPS else 1.0


def _shared_moments(data: pd.DataFrame) -> FloatArray:
    """The whole months at which nearly all measurements of a study with fixed occasions lie; else none."""
    families = data.groupby("months")["family"].nunique()
    shared = families.index[families >= max(2.0, _SHARED_BY * data["family"].nunique())].to_numpy(dtype=float)
    series = data.groupby(["family", "episode", "respondent"])["months"].nunique()
    fixed = (
        bool(np.all(shared == np.round(shared)))
        and len(shared) <= series.max()
        and float(data["months"].isin(shared).mean()) >= _NEARLY_ALL
    )
    return shared if fixed else np.empty(0)


def occasion_of(months: pd.Series, step: float) -> pd.Series:
    """The month on the axis of observed means that each measurement belongs to."""
    placed: pd.Series = np.floor(months / step + 0.5) * step
    return placed


def reach_of(data: pd.DataFrame, *, minimum: int, dates: bool = True) -> Reach:
    """The last month at which enough families are measured, overall and in each organisation.

    Parameters
    ----------
    data : DataFrame
        Measurements with family, episode, organisation, respondent and months (0 or later).
    minimum : int
        Families that are enough.
    dates : bool
        Whether months come from dates; then what lies ten years after everything before it is a wrong date.

    Returns
    -------
    Reach

    Notes
    -----
    Counted as on the pages: by occasion, from half a step before to half a step after it. The last occasion
    with enough families is called by its month, or where they were measured earlier, by the month that enough
    of them reached: in a study of half-yearly visits that stopped after five months, month 5. A study that is
    over within half a month reaches a tenth of a month.
    """
    step = month_step(data)
    placed = data.assign(occasion=occasion_of(data["months"], step))
    counts = placed.groupby("occasion")["family"].nunique()
    needed = minimum if _last_in(placed, minimum) > 0 else _fewer(placed, minimum)
    if dates:
        placed = _before_a_gap(placed, counts, needed)
    last = _last_in(placed, needed)
    of_organisation, keys = pd.factorize(placed["organisation"], sort=True)
    lasts = _last_of_groups(placed, of_organisation, len(keys), needed)
    near = placed["occasion"] == occasion_of(pd.Series([last]), step).iloc[0]
    return Reach(
        last=last,
        by_organisation={str(key): float(each) for key, each in zip(keys, lasts, strict=True)},
        minimum=minimum,
        needed=needed,
        n_last=int(placed.loc[near, "family"].nunique()),
        step=step,
        last_of_families=np.sort(data.groupby("family")["months"].max().to_numpy(dtype=float)),
    )


def _fewer(placed: pd.DataFrame, minimum: int) -> int:
    """Half of the most families that are measured at one occasion after the start."""
    after = placed[placed["months"] > 0]
    most = int(after.groupby("occasion")["family"].nunique().max()) if len(after) else 1
    return min(minimum, max(1, ceil(most / 2)))


def _before_a_gap(placed: pd.DataFrame, counts: pd.Series, needed: int) -> pd.DataFrame:
    enough = np.array(sorted(counts.index[counts >= needed]), dtype=float)
    gaps = np.flatnonzero(np.diff(enough) > _LONGEST_GAP)
    return placed[placed["occasion"] <= enough[gaps[0]]] if len(gaps) else placed


def _last_in(placed: pd.DataFrame, needed: int) -> float:
    """The last month that so many families reached, at the last occasion with so many."""
    return float(_last_of_groups(placed, np.zeros(len(placed), dtype=np.int64), 1, needed)[0])


def _last_of_groups(placed: pd.DataFrame, group: NDArray[np.int64], n_groups: int, needed: int) -> FloatArray:
    """The same for each of several groups, 0 where there is none; rows of group -1 count for none."""
    found = np.zeros(n_groups)
    months = placed["months"].to_numpy(dtype=float)
    family, families = pd.factorize(placed["family"])
    occasion, occasions = pd.factorize(placed["occasion"], sort=True)
    kept = np.flatnonzero((months > 0) & (group >= 0) & (family >= 0) & (occasion >= 0))
    if not len(kept):
        return found
    months, group, family, occasion = months[kept], group[kept], family[kept], occasion[kept]
    at = group * len(occasions) + occasion
    each = np.sort(at * len(families) + family)
    once = each[np.r_[True, np.diff(each) != 0]] // len(families)
    places, counts = np.unique(once, return_counts=True)
    last = np.full(n_groups, -1)
    enough = places[counts >= needed]
    np.maximum.at(last, enough // len(occasions), enough % len(occasions))
    if not len(enough):
        return found
    mine = np.flatnonzero(occasion == last[group])
    # Of each family the latest, then the families of each group from the earliest to the latest.
    order = mine[np.lexsort((months[mine], family[mine], group[mine]))]
    is_latest = np.r_[np.diff(group[order] * len(families) + family[order]) != 0, True]
    latest = order[is_latest]
    latest = latest[np.lexsort((months[latest], group[latest]))]
    for number, until in zip(*_ends(group[latest]), strict=True):
        reached = float(months[latest[until - needed]])
        whole = float(np.round(reached))
        month = float(np.asarray(occasions)[last[number]])
        found[number] = min(month, whole) if whole > 0 else float(np.ceil(10 * reached - 1e-9) / 10)
    return found


def _ends(group: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The groups in a sorted array, and where the rows of each end."""
    each, counts = np.unique(group, return_counts=True)
    return each, np.cumsum(counts)


def within_reach(course: CourseFrame, reach: Reach) -> CourseFrame:
    """The measurements without those that lie apart, after an occasion at which nobody was measured and after
    the last month with enough families; they are counted in the flow.

    Nothing is reported of their months, and they would bend a line that is about earlier ones.
    """
    occasions = occasion_of(course.data["months"], reach.step)
    last = float(occasion_of(pd.Series([reach.last]), reach.step).iloc[0])
    taken = set(occasions)
    while last + reach.step in taken:
        last += reach.step
    kept = occasions <= last
    if kept.all() or not kept.any():
        return course
    data = course.data[kept].reset_index(drop=True)
    episodes = len(data[["family", "episode"]].drop_duplicates())
    sizes = (len(data), int(data["family"].nunique()), episodes)
    before = [step for step in course.flow.steps if step.code != "analysed"]
    steps = (
        *before,
        FlowStep("within_reach", "not long after the last of the others", *sizes),
        FlowStep("analysed", "analysed", *sizes),
    )
    return replace(course, data=data, flow=SampleFlow(steps))


def reported_months(reach: Reach, months: list[float], primary: float, *, typed: bool) -> ReportedMonths:
    """The months that are asked for, as far as the data go.

    Parameters
    ----------
    reach : Reach
    months : list of float
        Increasing, the last one after 0.
    primary : float
        One of them.
    typed : bool
        Whether somebody chose them. A chosen month at which nobody was measured, then or later, is a mistake;
        a default one is left out, with a note.

    Returns
    -------
    ReportedMonths

    Raises
    ------
    ConfigError
        If a chosen month lies beyond all data.
    """
    problem = months_problem(reach, months, typed=typed)
    if problem is not None and problem.severity == "error":
        raise ConfigError(str(problem), problems=[problem])
    kept = [month for month in months if reach.holds(month)]
    beyond = [month for month in months if not reach.holds(month)]
    notes = []
    if beyond:
        if primary in beyond:
            kept = sorted({*kept, reach.last})
            primary = reach.last
        text = (
            f"Asked for was month {beyond[-1]:g}, but after month {reach.last:g} fewer than {reach.needed} "
            "families are measured at any one month. Nothing is said of later months."
        )
        notes.append(
            Note(
                "months_cut",
                text,
                {"month": beyond[-1], "last_month": reach.last, "needed": reach.needed},
                "caution",
            )
        )
    if not reach.is_enough:
        text = (
            f"At no month after the start {reach.minimum} families are measured, at most a few; every number "
            "about the course is very uncertain."
        )
        notes.append(Note("few_measured", text, {"minimum": reach.minimum}, "caution"))
    return ReportedMonths(kept, primary, tuple(notes))


def months_problem(reach: Reach, months: list[float], *, typed: bool, unit: str = "month") -> Problem | None:
    """What is the matter with the months that are asked for, or with the number of families measured."""
    beyond = [month for month in months if not reach.holds(month)]
    if not beyond:
        if reach.is_enough:
            return None
        return Problem(
            found=f"at no {unit} after the start {reach.minimum} families are measured",
            expected="[analysis] minimum_measured families or more",
            remedy="Results are made and are very uncertain. Look at the dates of the measurements and the "
            "starts in the table episodes.",
            file="study.toml",
            severity="warning",
            code="few_measured",
        )
    month, number = beyond[-1], reach.families_from(beyond[-1])
    # Where too few are measured at any month, that is what is the matter.
    nobody = typed and number == 0 and reach.is_enough
    if number == 0:
        measured = "nobody is measured then or later"
    else:
        around = max(0.0, month - reach.around)
        measured = f"{counted(number, 'families are')} measured from {unit} {around:g} on"
    families = "1 family is" if reach.needed == 1 else f"{reach.needed} families or more are"
    to_do = (
        f"Set [analysis] months and primary_month to {unit} {reach.last:g} or earlier, or look at the dates "
        "of the measurements and the starts in the table episodes."
    )
    return Problem(
        found=f"{unit} {month:g} is asked for, and {measured}",
        expected=f"months (and primary_month) up to {unit} {reach.last:g}, the last one at which "
        f"{families} measured",
        remedy=to_do if nobody else f"Results go to {unit} {reach.last:g}.",
        file="study.toml",
        severity="error" if nobody else "warning",
        code="month_without_data" if nobody else "month_beyond_data",
    )


def months_are_typed(analysis: AnalysisConfig) -> bool:
    """Whether study.toml asks for months of its own; the default ones written out count as the default."""
    standard = AnalysisConfig()
    return (analysis.months, analysis.primary_month) != (standard.months, standard.primary_month)
