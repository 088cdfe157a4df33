"""How many workers, helpers and agencies a family meets; one case manager and one plan.

Tables of :class:`Helpers` (beside ``sample_flow`` and ``care_records``)
------------------------------------------------------------------------
- ``helpers_by_month(care_measure, months, half, third_quarter, ninth_tenth)``: of the families with care in
  that month since the start of help, the number that half, three quarters and nine tenths do not exceed.
  Measures: ``workers_so_far`` (different workers in charge since the start), ``agencies`` and ``helpers``
  (in the month), ``most_agencies`` and ``most_helpers`` (the most in one month so far). Which agencies they
  are is not recorded, so that different ones cannot be added up: the most at once is the least it can be.
- ``helpers_at(care_measure, months, class, ...)``: shares of families with so many by the months of
  ``study.toml``; ``helpers_in_all(care_measure, class, ...)``: of periods of help that ended, over all of it.
- ``care_shares(care_element, months, share)``: of those of whom it is recorded, every third month: one case
  manager, one plan, both; several agencies at once, more than ``[care] agencies_at_most``, several helpers.
- ``plan_first(class, ...)``: whether a plan stood from the first month that is known, later, or never.
- ``around_plan(care_measure, around, ...)``: change since the month before the plan first stands, less that
  of families without a plan as yet in the same months of help; ``around`` is months since then, "before" or
  "after" (means of those moments); ``around_plan_groups(care_measure, n_events, n_compared, p_before)``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import CLASS, SHARE, coded, observed_share, quantile
from mpg_research.analysis.families.shares import join_small, share_rows
from mpg_research.analysis.process.around_event import around_tables, follow_event
from mpg_research.analysis.process.care_months import CareMonths, care_months
from mpg_research.analysis.process.care_tables import (
    care_notes,
    care_records_table,
    first_time,
    quantile_of_counts,
    rows_by_month,
)
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.arrays import FloatArray
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["Helpers", "describe_helpers"]

_MEASURE = coded("care_measure")
_MONTHS = coded("months").but(meaning="time")
_QUANTILES = {"half": 0.5, "third_quarter": 0.75, "ninth_tenth": 0.9}
#: Classes of numbers, by their lower ends; ours.
CLASSES: Mapping[str, tuple[int, ...]] = {
    "workers_so_far": (1, 2, 3, 4),
    "most_agencies": (0, 2, 4, 6),
    "most_helpers": (0, 3, 6, 10),
}
#: Shares are told of every third month of help: a row per month is long to read.
EVERY = 3
PLANS = ("plan_from_the_start", "plan_later", "plan_never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpers(Result):
    """What :func:`describe_helpers` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "helpers"


def describe_helpers(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> Helpers:
    """Describe how many workers, helpers and agencies families meet, and from when on there is one plan.

    Parameters
    ----------
    study : Study
        A loaded study with the table ``care``.
    scores : Scores, optional
        Whether the first period of help of a family counts or all; by default as ``study.toml`` says.
    level : float
        Of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    Helpers
        Tables ``helpers_by_month``, ``helpers_at``, ``helpers_in_all``, ``care_shares``, ``plan_first``,
        ``around_plan``, ``around_plan_groups``, ``care_records`` and ``sample_flow`` (the module says what
        each holds; what is not recorded has no rows).

    Raises
    ------
    NotApplicableError
        Without the table, without a row of it within a period of help, or where it holds neither workers nor
        agencies, helpers, case managers or plans.

    Examples
    --------
    >>> from mpg_research import describe_helpers, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_helpers(load_study(shipped_example())).tables["helpers_by_month"].data
    >>> found.loc[found["months"] == 0, "half"].tolist()[0]
    1.0
    """
    (scores,) = gather(older, scores)
    care = care_months(study, scores=scores)
    if not care.recorded & {"worker", "agencies", "helpers", "case_manager", "one_plan"}:
        raise NotApplicableError(
            f"The table care of study {study.name} holds no worker, n_agencies, n_helpers, case_manager or "
            "one_plan, so how many people and agencies help is not known.",
            code="no_helpers",
        )
    settings = study.config.care
    minimum = study.config.disclosure.minimum_families
    measures = measures_of(care)
    flow = care.periods.course.flow
    tables = [
        _by_month(care, measures, minimum),
        *_in_classes(study, care, measures, minimum=minimum, level=level),
        _shares(care, settings.agencies_at_most, minimum),
        *_plans(care, settings.months_around_change, minimum=minimum, level=level),
        care_records_table(care),
        sample_flow_table(flow),
    ]
    parameters = {
        "level": level,
        "agencies_at_most": settings.agencies_at_most,
        "months_around_change": settings.months_around_change,
        "recorded": sorted(care.recorded),
        "primary_month": study.config.analysis.primary_month,
    }
    return Helpers(
        tables=collect_tables(tables),
        flow=flow,
        notes=(*study.notes, *care.periods.notes, *care_notes(care, study)),
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


def measures_of(care: CareMonths) -> dict[str, FloatArray]:
    """What is counted, per row of care; NaN where it is not known.

    Parameters
    ----------
    care : CareMonths

    Returns
    -------
    dict of str to ndarray, shape (rows,)
        Those that are recorded.
    """
    unit, found = care.unit, {}
    if "worker" in care.recorded:
        worker = care.rows["worker"].to_numpy()
        known = worker >= 0
        new = known & ~care.rows.duplicated(["unit", "worker"]).to_numpy()
        so_far = pd.Series(new.astype(float)).groupby(unit).cumsum().to_numpy()
        found["workers_so_far"] = np.where(so_far > 0, so_far, np.nan)
    for name in ("agencies", "helpers"):
        if name in care.recorded:
            values = care.rows[name].to_numpy(dtype=float)
            found[name] = values
            most = pd.Series(np.nan_to_num(values, nan=-1.0)).groupby(unit).cummax().to_numpy()
            found[f"most_{name}"] = np.where(most >= 0, most, np.nan)
    return found


def _by_month(care: CareMonths, measures: Mapping[str, FloatArray], minimum: int) -> ResultTable:
    rows = []
    for name, values in measures.items():
        known = np.isfinite(values)
        for month, mine in rows_by_month(care, known, minimum=minimum):
            found = [quantile_of_counts(values[mine], at) for at in _QUANTILES.values()]
            rows.append((name, month * care.axis, *found, *care.behind(care.unit[mine])))
    data = pd.DataFrame(
        rows, columns=["care_measure", "months", *_QUANTILES, "n_families", "n_organisations"]
    )
    declared = (quantile(name, at, digits=0) for name, at in _QUANTILES.items())
    return ResultTable("helpers_by_month", data, columns=(_MEASURE, _MONTHS, *declared))


def _in_classes(
    study: Study, care: CareMonths, measures: Mapping[str, FloatArray], *, minimum: int, level: float
) -> list[ResultTable]:
    """Families by how many they met: by some months, and over the whole of help that ended."""
    moments = sorted({round(month / care.axis) for month in study.config.analysis.months})
    last = np.append(np.diff(care.unit) != 0, True)
    ended = care.units["ended"].to_numpy(dtype=bool)
    at, in_all = [], []
    for measure, limits in CLASSES.items():
        if measure not in measures:
            continue
        values = measures[measure]
        for month in moments:
            chosen = (care.month == month) & np.isfinite(values)
            shares = _share_rows(care, values, chosen, limits, minimum=minimum, level=level)
            at.append(shares.assign(care_measure=measure, months=month * care.axis))
        chosen = last & ended[care.unit] & np.isfinite(values)
        in_all.append(
            _share_rows(care, values, chosen, limits, minimum=minimum, level=level).assign(
                care_measure=measure
            )
        )
    return [
        _share_table("helpers_at", at, ("care_measure", "months")),
        _share_table("helpers_in_all", in_all, ("care_measure",)),
    ]


def _share_rows(
    care: CareMonths,
    values: FloatArray,
    chosen: np.ndarray,
    limits: Sequence[int],
    *,
    minimum: int,
    level: float,
) -> pd.DataFrame:
    """Shares in classes with these lower ends, as codes such as "number_2_3" and "number_4_up"."""
    units = care.units.iloc[care.unit[chosen]][["family", "organisation", "worker"]]
    lowest = join_neighbours(values[chosen], limits, units["family"].to_numpy(), minimum=minimum)
    names = [
        f"number_{low}_{'up' if place == len(lowest) - 1 else lowest[place + 1] - 1}"
        for place, low in enumerate(lowest)
    ]
    place = np.searchsorted(np.array(lowest), values[chosen], side="right") - 1
    units = units.assign(met=np.array(names, dtype=object)[np.maximum(place, 0)])
    return share_rows(units, "met", names, level=level)


def join_neighbours(
    values: FloatArray, limits: Sequence[int], family: np.ndarray, *, minimum: int
) -> tuple[int, ...]:
    """Lower ends of classes of numbers, of which none holds some but fewer families than the minimum.

    From the top down: a small class goes with the one below it, the lowest with the one above it.

    Parameters
    ----------
    values : ndarray, shape (n,)
    limits : sequence of int
        Lower ends, increasing.
    family : ndarray, shape (n,)
        Whose value it is.
    minimum : int

    Examples
    --------
    >>> join_neighbours(np.array([1.0, 1, 1, 2, 2, 3, 9]), (1, 2, 3, 4), np.arange(7), minimum=2)
    (1, 2, 3)
    """
    kept = list(limits)

    def size(place: int) -> int:
        upper = kept[place + 1] if place + 1 < len(kept) else np.inf
        return len(np.unique(family[(values >= kept[place]) & (values < upper)]))

    for place in range(len(kept) - 1, 0, -1):
        if size(place) < minimum:
            del kept[place]
    while len(kept) > 1 and size(0) < minimum:
        del kept[1]
    return tuple(kept)


def _share_table(name: str, parts: list[pd.DataFrame], keys: tuple[str, ...]) -> ResultTable:
    columns = [*keys, "class", *(column.name for column in SHARE), "n_families", "n_organisations"]
    data = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    declared = tuple(_MONTHS if key == "months" else _MEASURE for key in keys)
    return ResultTable(name, data, columns=(*declared, CLASS, *SHARE))


def _shares(care: CareMonths, at_most: int, minimum: int) -> ResultTable:
    """Shares of families per month: one case manager, one plan, several at once."""
    known = {name: care.rows[name].to_numpy(dtype=float) for name in ("case_manager", "one_plan")}
    known["both"] = known["case_manager"] * known["one_plan"]
    for name, limit, of in (
        ("several_agencies", 1, "agencies"),
        ("too_many_agencies", at_most, "agencies"),
        ("several_helpers", 1, "helpers"),
    ):
        values = care.rows[of].to_numpy(dtype=float)
        known[name] = np.where(np.isfinite(values), (values > limit).astype(float), np.nan)
    rows = [
        (name, month * care.axis, float(values[mine].mean()), *care.behind(care.unit[mine]))
        for name, values in known.items()
        for month, mine in rows_by_month(care, np.isfinite(values), minimum=minimum)
        if month % EVERY == 0
    ]
    data = pd.DataFrame(rows, columns=["care_element", "months", "share", "n_families", "n_organisations"])
    columns = (coded("care_element"), _MONTHS, observed_share("share", of="n_families"))
    return ResultTable("care_shares", data, columns=columns)


def _plans(care: CareMonths, around: int, *, minimum: int, level: float) -> list[ResultTable]:
    """When a plan first stands, and what changes around it."""
    plan = care.rows["one_plan"].to_numpy(dtype=float)
    first_known = first_time(care, np.isfinite(plan))
    first_plan = first_time(care, plan == 1)
    seen = np.isfinite(first_known)
    since = np.select([first_plan == first_known, np.isfinite(first_plan)], PLANS[:2], PLANS[2]).astype(
        object
    )
    units = care.units[["family", "organisation", "worker"]].assign(since=since)[seen]
    joined = join_small(units, "since", PLANS, minimum=minimum)
    kept = [name for name in (*PLANS, *sorted(set(joined) - set(PLANS))) if name in set(joined)]
    shares = share_rows(units.assign(since=joined), "since", kept, level=level)
    columns = ["class", *(column.name for column in SHARE), "n_families", "n_organisations"]
    tables = [ResultTable("plan_first", shares[columns], columns=(CLASS, *SHARE))]
    # Whose plan stood from the first known month on has no month before it: neither followed nor compared.
    event = np.where(since == "plan_later", first_plan, np.inf)
    outside = ~seen | (since == "plan_from_the_start")
    followed = []
    for name in ("agencies", "helpers", "hours"):
        if name in care.recorded and "one_plan" in care.recorded:
            values = care.wide(care.rows[name])
            values[outside] = np.nan
            study = follow_event(care, values, event, around=around, level=level)
            followed.append((name, study))
    tables += around_tables("around_plan", care, followed, key=_MEASURE)
    return tables
