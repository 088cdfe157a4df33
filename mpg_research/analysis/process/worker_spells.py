"""How long a worker stays with a family, how often another takes over, and what goes with that.

Tables of :class:`WorkerSpells` (beside ``sample_flow`` and ``care_records``)
-----------------------------------------------------------------------------
- ``change_rates(stretch_of_help, rate, ..., n_changes, n_months)`` and ``change_rates_by_organisation``:
  changes of worker per family and year: in all, and in the first half year of help, the second, and later.
- ``spell_survival(spell_curve, months, estimate, ...)``: of the spells of a worker with a family: ``stays``
  (no other worker as yet, as if help went on: Kaplan-Meier), ``first_stays`` (the same of the first worker),
  ``replaced`` (by another, the end of help being the other way out: Aalen-Johansen).
- ``change_reasons(class, ...)``: planned, sudden or not recorded, of the changes.
- ``episode_worker(class, ...)``: whether the worker of the table ``episodes`` is the first one of the table
  ``care``, a later one, or not among them.
- ``around_change(change_outcome, around, ...)`` and ``around_change_groups``: scores and drop-out around the
  first change, beside families without one at the same months of help; planned and sudden apart. Drop-out is
  in percentage points.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    N_GROUP,
    Column,
    coded,
    ends,
    number_of,
    observed,
    observed_share,
)
from mpg_research.analysis.families.shares import merged_rows, share_table
from mpg_research.analysis.growth.help_periods import DROP_OUT_REASONS
from mpg_research.analysis.process.around_event import around_tables, follow_event
from mpg_research.analysis.process.care_months import CareMonths, care_months
from mpg_research.analysis.process.care_tables import care_notes, care_records_table
from mpg_research.analysis.process.spells import Spells, find_spells
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.event_study import EventStudy
from mpg_research.statistics.rates import clustered_rate, degrees_of_clusters
from mpg_research.statistics.survival.competing_events import aalen_johansen
from mpg_research.statistics.survival.counts import limits_of
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["WorkerSpells", "describe_worker_spells"]

#: Stretches of help, by their first month and the first one after them; ours.
STRETCHES = {
    "whole": (0.0, np.inf), "first_half_year": (0.0, 6.0), "second_half_year": (6.0, 12.0),
    "later_years": (12.0, np.inf),
}  # fmt: skip
#: Months at which spells are looked at.
MOMENTS = (3.0, 6.0, 9.0, 12.0, 18.0, 24.0, 36.0)
#: With fewer workers than this no interval of a rate is given; ours.
FEWEST_WORKERS = 8
REASONS = ("planned", "sudden", "reason_not_recorded")
SAME_WORKER = ("first_in_care", "later_in_care", "not_in_care")
_RATE = observed("rate", digits=2)
_RATES = (_RATE, *ends(_RATE), number_of("n_changes", of="changes"), number_of("n_months", of="months"))
_OUTCOMES = coded("change_outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpells(Result):
    """What :func:`describe_worker_spells` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "worker_spells"


def describe_worker_spells(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> WorkerSpells:
    """Describe how long workers stay with a family, and scores and drop-out around a change.

    Parameters
    ----------
    study : Study
        A loaded study whose table ``care`` names the worker of each month.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    WorkerSpells
        Tables ``change_rates``, ``change_rates_by_organisation``, ``spell_survival``, ``change_reasons``,
        ``episode_worker``, ``around_change``, ``around_change_groups``, ``care_records`` and ``sample_flow``
        (the module says what each holds).

    Raises
    ------
    NotApplicableError
        Without the table care, or where it names no workers.

    Notes
    -----
    A month without a worker is not counted as a change: the next worker that is named is compared with the
    last one before. Rates are those of a Poisson regression with errors that are robust over clusters:
    families that began with the same worker are one, since they lose that worker together. Around a change
    every family counts with its first one (:func:`~mpg_research.statistics.event_study.event_study`).

    Examples
    --------
    >>> from mpg_research import describe_worker_spells, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_worker_spells(load_study(shipped_example())).tables["change_rates"].data
    >>> bool(0.2 < found["rate"].iloc[0] < 1.0)
    True
    """
    (scores,) = gather(older, scores)
    care = care_months(study, scores=replace(scores, respondents="declared"))
    if "worker" not in care.recorded:
        raise NotApplicableError(
            f"The table care of study {study.name} names no worker per month, so when another one took over "
            "is not known. Add the column worker, with a key and never a name.",
            code="no_workers",
        )
    spells = find_spells(care)
    around = study.config.care.months_around_change
    minimum = study.config.disclosure.minimum_families
    flow = care.periods.course.flow
    tables = [
        *_rates(care, spells, level=level),
        _survival(care, spells, level=level),
        _reasons(care, spells, minimum=minimum, level=level),
        _same_worker(study, care, spells, minimum=minimum, level=level),
        *around_tables("around_change", care, _around(care, spells, around, level=level), key=_OUTCOMES),
        care_records_table(care),
        sample_flow_table(flow),
    ]
    course = care.periods.course
    return WorkerSpells(
        tables=collect_tables(tables),
        flow=flow,
        notes=(*study.notes, *care.periods.notes, *care_notes(care, study)),
        provenance=provenance_of(
            study,
            parameters={
                "level": level,
                "months_around_change": around,
                "recorded": sorted(care.recorded),
                "primary_month": study.config.analysis.primary_month,
            },
            instrument=course.instrument,
            outcome=course.outcome,
        ),
        level=level,
    )


def _rates(care: CareMonths, spells: Spells, *, level: float) -> list[ResultTable]:
    """Changes per family and year, in stretches of help and per organisation."""
    rows = [
        (name, *_rate(care, spells, low, high, np.ones(len(care.units), dtype=bool), level=level))
        for name, (low, high) in STRETCHES.items()
    ]
    numbers = [column.name for column in _RATES]
    families = ["n_families", "n_organisations"]
    data = pd.DataFrame(rows, columns=["stretch_of_help", *numbers, *families])
    data = data[data["n_months"] > 0].reset_index(drop=True)
    organisation = care.units["organisation"].to_numpy(dtype=object)
    apart = [
        (name, *_rate(care, spells, 0.0, np.inf, organisation == name, level=level))
        for name in sorted(set(organisation))
    ]
    own = pd.DataFrame(apart, columns=["organisation", *numbers, *families]).drop(columns="n_organisations")
    own = own[own["n_months"] > 0].reset_index(drop=True)
    return [
        ResultTable("change_rates", data, columns=(coded("stretch_of_help"), *_RATES)),
        ResultTable(
            "change_rates_by_organisation",
            own,
            columns=(EACH_ORGANISATION, *(column.but(own=True) for column in _RATES)),
        ),
    ]


def _rate(
    care: CareMonths, spells: Spells, low: float, high: float, chosen: BoolArray, *, level: float
) -> tuple[float, ...]:
    """Rate a year with its ends, changes, months at risk, families and organisations."""
    first, last = spells.first_known, spells.last_known
    months = np.clip(np.minimum(last, high - 1) - np.maximum(first, low - 1), 0, None)
    months = np.where(chosen & np.isfinite(months), months, 0.0)
    inside = (spells.changed_at >= low) & (spells.changed_at < high)
    counts = np.bincount(spells.changed_unit[inside], minlength=len(care.units)) * (months > 0)
    at_risk = months > 0
    cluster = care.units["worker"].to_numpy(dtype=str)[at_risk]
    found = clustered_rate(counts[at_risk], months[at_risk] / 12, cluster, level=level)
    few = found.n_clusters < FEWEST_WORKERS
    ends_of = (np.nan, np.nan) if few else (found.conf_low, found.conf_high)
    return (found.estimate, *ends_of, int(counts.sum()), float(months.sum()), *care.behind(at_risk))


def _survival(care: CareMonths, spells: Spells, *, level: float) -> ResultTable:
    """Whether the worker is still the same, and whether another took over, by months of the spell."""
    every = np.ones(len(spells.time), dtype=bool)
    replaced = spells.end == "changed"
    curves = {
        "stays": (every, replaced, True),
        "first_stays": (spells.is_first, replaced, True),
        "replaced": (every, replaced | (spells.end == "help_over"), False),
    }
    _, cluster = np.unique(care.units["worker"].to_numpy(dtype=str), return_inverse=True)
    rows = []
    for name, (chosen, ended, survives) in curves.items():
        time, unit = spells.time[chosen], spells.unit[chosen]
        moments = [month for month in MOMENTS if (time >= month).any()]
        if not moments:
            continue
        kinds = np.where(replaced, 1, np.where(ended, 2, 0))[chosen]
        found = aalen_johansen(time, kinds, at=np.array(moments) + 1e-9, n_causes=2, cluster=cluster[unit])
        m, taken_over = found.influence.shape[-1], found.estimate[:, 0]
        errors = found.std_error[:, 0] * np.sqrt(m / max(m - 1, 1))
        shares = 1 - taken_over if survives else taken_over
        df = degrees_of_clusters(np.unique(cluster[unit], return_counts=True)[1].astype(float))
        low, high = limits_of(1 - taken_over, errors, level=level, scale="log-log", df=df)
        low, high = (low, high) if survives else (1 - high, 1 - low)
        for place, month in enumerate(moments):
            families, organisations = care.behind(unit[time >= month])
            rows.append(
                (
                    name, month * care.axis, shares[place], low[place], high[place],
                    int(chosen.sum()), families, organisations,
                )
            )  # fmt: skip
    declared = observed_share("estimate", of="n_group")
    columns = ["spell_curve", "months", "estimate", "conf_low", "conf_high", "n_group", "n_families"]
    data = pd.DataFrame(rows, columns=[*columns, "n_organisations"])
    return ResultTable(
        "spell_survival",
        data,
        columns=(
            coded("spell_curve"), Column(name="months", meaning="time", is_key=True), declared,
            *ends(declared, "conf", heading="interval"), N_GROUP,
        ),
    )  # fmt: skip


def _reasons(care: CareMonths, spells: Spells, *, minimum: int, level: float) -> ResultTable:
    """Planned or sudden, of the changes."""
    if "reason" not in care.recorded or not len(spells.changed_unit):
        empty = care.units.iloc[:0].assign(reason="")
        return share_table("change_reasons", merged_rows(empty, "reason", REASONS, minimum=minimum))
    units = care.units.iloc[spells.changed_unit][["family", "organisation", "worker"]]
    reason = np.where(spells.reason == "", REASONS[2], spells.reason)
    shares = merged_rows(units.assign(reason=reason), "reason", REASONS, minimum=minimum, level=level)
    return share_table("change_reasons", shares)


def _same_worker(
    study: Study, care: CareMonths, spells: Spells, *, minimum: int, level: float
) -> ResultTable:
    """Whether the worker of the period of help is among those of its months."""
    episodes = study.tables["episodes"]
    units = care.units[["family", "organisation", "worker"]].assign(same="")
    if "worker" in episodes and episodes["worker"].notna().any():
        keys = ["family", "episode"]
        named = episodes.drop_duplicates(keys).astype(dict.fromkeys(keys, str)).set_index(keys)["worker"]
        own = named.reindex(pd.MultiIndex.from_frame(care.units[keys])).to_numpy(dtype=object)
        rows = care.rows[care.rows["worker"] >= 0]
        same = rows["worker_name"].to_numpy(dtype=object) == own[rows["unit"].to_numpy()]
        any_same = np.bincount(rows["unit"], same, minlength=len(units)) > 0
        first = rows.drop_duplicates("unit")
        is_first = np.zeros(len(units), dtype=bool)
        is_first[first["unit"].to_numpy()] = same[~rows.duplicated("unit").to_numpy()]
        known = np.isfinite(spells.first_known) & pd.notna(own)
        units = units.assign(same=np.select([is_first, any_same], SAME_WORKER[:2], SAME_WORKER[2]))[known]
    shares = merged_rows(units, "same", SAME_WORKER, minimum=minimum, level=level)
    return share_table("episode_worker", shares)


def _around(care: CareMonths, spells: Spells, around: int, *, level: float) -> list[tuple[str, EventStudy]]:
    """Scores and drop-out around the first change; planned and sudden ones apart where that is recorded."""
    event, reason = spells.first_change(len(care.units))
    known = np.isfinite(spells.first_known)
    width = care.n_months + around
    score = _score_matrix(care, width)
    score[~known] = np.nan
    left, in_help = _drop_out(care, width)
    left[~known] = np.nan
    groups = {"all": np.ones(len(event), dtype=bool)}
    if "reason" in care.recorded:
        groups |= {name: reason == name for name in REASONS[:2]}
    found = []
    for name, chosen in groups.items():
        if (chosen & np.isfinite(event)).any():
            found.append(
                (f"score_{name}", follow_event(care, score, event, around=around, chosen=chosen, level=level))
            )
    for name, chosen in groups.items():
        if (chosen & np.isfinite(event)).any() and np.nanmax(left, initial=0.0) > 0:
            study = follow_event(
                care, left, event, around=around, clean=0, at_risk=in_help, chosen=chosen, level=level
            )
            found.append((f"drop_out_{name}", study))
    return found


def _score_matrix(care: CareMonths, width: int) -> FloatArray:
    scores = care.scores()
    found = np.full((len(care.units), width), np.nan)
    inside = scores["month"].to_numpy() < width
    mine = scores[inside]
    found[mine["unit"].to_numpy(), mine["month"].to_numpy()] = mine["score"].to_numpy(dtype=float)
    return found


def _drop_out(care: CareMonths, width: int) -> tuple[FloatArray, BoolArray]:
    """Whether each unit has dropped out by the end of each month (NaN beyond what was seen); who is in help.

    100 for who has, so that differences are percentage points. Ends without a reason are not known from then
    on; other ends are no drop-out.
    """
    units, month = care.units, np.arange(width)
    last = units["last"].to_numpy(dtype=float)[:, None]
    ended = units["ended"].to_numpy(dtype=bool)[:, None]
    reason = units["end_reason"].to_numpy(dtype=object)
    dropped = np.isin(reason, DROP_OUT_REASONS)[:, None]
    found = np.where(ended & dropped & (month >= last), 100.0, 0.0)
    found[(ended & (reason == "unknown")[:, None]) & (month >= last)] = np.nan
    seen = np.floor(units["reach"].to_numpy(dtype=float) / care.axis)[:, None]
    until = np.where(np.isfinite(seen), np.maximum(seen, last), width)
    found[np.broadcast_to(month > until, found.shape)] = np.nan
    return found, np.broadcast_to(month <= last, found.shape)
