"""What came in: how much was measured, where, how completely, and what is odd.

Tables of :class:`DataQuality` (beside ``sample_flow``)
------------------------------------------------------
- ``overview(quantity, value)``: one count per row, see :data:`QUANTITIES`.
- ``measurements_by_month(months, n_measurements)``: scored measurements in the course; month 3 holds
  everything from 2.5 up to 3.5 months after the start.
- ``item_completeness(instrument, item, n_measurements, share_answered, n_out_of_range)``: all measurements
  of the study, at any time.
- ``by_organisation(organisation, n_measurements, share_with_baseline, measurements_per_family, n_reached,
  share_ended_early, ended_early_low, ended_early_high)``: scored measurements in the course;
  ``share_with_baseline`` is the share of the organisation's families with a score in the baseline window
  or the first month; ``share_ended_early`` the share whose help the family or the provider had ended early
  (drop-out: CBS codes 03 and 04) by the primary month, of the ``n_reached`` who could have been in help so
  long (:mod:`~mpg_research.analysis.families.indicator_shares`), with its interval.
- ``problems(code, severity, n_findings)``: findings of the checks. ``n_families`` is an upper bound here: a
  finding is about one row, so about one family at most.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    MONTHS,
    N_MEASUREMENTS,
    by_row,
    coded,
    ends,
    key_column,
    number_of,
    observed,
    observed_share,
    tally,
)
from mpg_research.analysis.families.indicator_shares import drop_out_rows, shares_by_organisation
from mpg_research.analysis.growth.help_periods import DROP_OUT_REASONS, help_periods
from mpg_research.analysis.growth.model_frame import BASELINE_MONTHS
from mpg_research.analysis.growth.question import reach_of_course, reported_primary
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.study.model import Study
from mpg_research.study.scoring.course_frame import course_frame

__all__ = ["DROP_OUT_REASONS", "QUANTITIES", "DataQuality", "describe_quality"]

#: Rows of the table ``overview``, in order.
#: What the rows of the overview count.
_OVERVIEW_ROWS = {
    **{f"families{rest}": number_of("value", of="families") for rest in (
        "", "_without_measurements", "_with_two_or_more_in_course", "_with_several_respondents",
        "_with_several_episodes",
    )},
    **{f"measurements{rest}": number_of("value", of="measurements") for rest in (
        "", "_scored", "_before_start", "_in_course", "_after_end",
    )},
    "episodes": number_of("value", of="episodes"),
    "organisations": tally("value"),
    "workers": tally("value"),
    "median_measurements_per_family": observed("value"),
    "median_months_followed": observed("value"),
}  # fmt: skip
_OVERVIEW_VALUE = by_row("value", "quantity", _OVERVIEW_ROWS)
QUANTITIES = (
    "families",
    "episodes",
    "organisations",
    "workers",
    "measurements",
    "measurements_scored",
    "measurements_before_start",
    "measurements_in_course",
    "measurements_after_end",
    "families_without_measurements",
    "families_with_two_or_more_in_course",
    "families_with_several_respondents",
    "families_with_several_episodes",
    "median_measurements_per_family",
    "median_months_followed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality(Result):
    """What :func:`describe_quality` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "data_quality"


def describe_quality(study: Study, *, level: float = 0.95) -> DataQuality:
    """Describe what was measured in a study, how completely, and what its checks found.

    Parameters
    ----------
    study : Study
        A loaded study.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataQuality
        Tables ``overview``, ``measurements_by_month``, ``item_completeness``,
        ``by_organisation``, ``problems`` and ``sample_flow`` (the module says what each holds;
        some are there only where the study has what they need).

    Examples
    --------
    >>> from mpg_research import describe_quality, load_study
    >>> from mpg_research.study import shipped_example
    >>> quality = describe_quality(load_study(shipped_example()))
    >>> quality.tables["by_organisation"].data["organisation"].is_unique
    True
    """
    scored = course_frame(study)
    flow, reported = scored.flow, reported_primary(study, reach_of_course(study, scored))
    scores = study.scores[study.scores["instrument"] == scored.instrument]
    course = _scored_course(scores)
    tables = [
        ResultTable(
            "overview", _overview(study, scores, course), columns=(coded("quantity"), _OVERVIEW_VALUE)
        ),
        ResultTable(
            "measurements_by_month",
            _by_month(course),
            columns=(MONTHS.but(adds_up="families"), N_MEASUREMENTS),
        ),
        ResultTable(
            "item_completeness",
            _item_completeness(study),
            columns=(
                key_column("instrument"),
                key_column("item"),
                N_MEASUREMENTS,
                observed_share("share_answered", of="n_measurements", digits=1),
                number_of("n_out_of_range", of="measurements"),
            ),
        ),
        _by_organisation(study, course, reported.primary, level),
        _problems(study),
        sample_flow_table(flow),
    ]
    return DataQuality(
        tables=collect_tables(tables),
        flow=flow,
        notes=(*study.notes, *reported.notes),
        provenance=provenance_of(
            study,
            parameters={"level": level, "primary_month": reported.primary},
        ),
        level=level,
    )


def _scored_course(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[scores["raw"].notna() & scores["phase"].isin(["baseline", "course"])]


def _overview(study: Study, scores: pd.DataFrame, course: pd.DataFrame) -> pd.DataFrame:
    """Counts of families, periods and measurements; ``scores`` are those of the primary questionnaire."""
    episodes = study.tables["episodes"]
    scored = scores[scores["raw"].notna()]
    families = pd.Index(episodes["family"].unique())
    measured = pd.Index(scores["family"].unique())
    per_family = course.groupby("family").size()
    respondents = scores.groupby("family")["respondent"].nunique()
    periods = episodes.groupby("family")["episode"].nunique()
    known = episodes[episodes["worker"].notna()] if "worker" in episodes.columns else episodes.iloc[:0]
    workers = known.reindex(columns=["organisation", "worker", "family"])
    followed = course.groupby(["family", "episode"])["months"].max()

    def count(rows: pd.DataFrame) -> tuple[float, int]:
        return len(rows), rows["family"].nunique()

    def number(members: pd.Index) -> tuple[float, int]:
        return len(members), len(members)

    found = {
        "families": number(families),
        "episodes": count(episodes[["family", "episode"]].drop_duplicates()),
        "organisations": (episodes["organisation"].nunique(), len(families)),
        "workers": (len(workers[["organisation", "worker"]].drop_duplicates()), workers["family"].nunique()),
        "measurements": count(scores),
        "measurements_scored": count(scored),
        "measurements_before_start": count(scores[scores["phase"] == "before"]),
        "measurements_in_course": count(course),
        "measurements_after_end": count(scores[scores["phase"] == "follow_up"]),
        "families_without_measurements": number(families.difference(measured)),
        "families_with_two_or_more_in_course": number(per_family.index[per_family >= 2]),
        "families_with_several_respondents": number(respondents.index[respondents >= 2]),
        "families_with_several_episodes": number(periods.index[periods >= 2]),
        "median_measurements_per_family": (float(per_family.median()), len(per_family)),
        "median_months_followed": (float(followed.median()), len(per_family)),
    }
    rows = [(quantity, float(found[quantity][0]), int(found[quantity][1])) for quantity in QUANTITIES]
    return pd.DataFrame(rows, columns=["quantity", "value", "n_families"])


def _by_month(course: pd.DataFrame) -> pd.DataFrame:
    month = np.floor(course["months"].to_numpy(dtype=float) + 0.5)
    grouped = course.assign(month=month).groupby("month")
    found = grouped.agg(n_measurements=("family", "size"), n_families=("family", "nunique"))
    found["n_organisations"] = grouped["organisation"].nunique()
    return found.rename_axis("months").reset_index()


def _item_completeness(study: Study) -> pd.DataFrame:
    measurements = study.tables["measurements"]
    rows = []
    for key in sorted(measurements["instrument"].dropna().unique()):
        instrument = study.instruments.get(key)
        if instrument is None or instrument.total_only:
            continue
        mine = measurements[measurements["instrument"] == key]
        for item in (name for name in instrument.items if name in mine.columns):
            values = pd.to_numeric(mine[item], errors="coerce")
            outside = (values < instrument.item_minimum) | (values > instrument.item_maximum)
            n_families = mine["family"].nunique()
            rows.append((key, item, len(mine), float(values.notna().mean()), int(outside.sum()), n_families))
    columns = ["instrument", "item", "n_measurements", "share_answered", "n_out_of_range", "n_families"]
    return pd.DataFrame(rows, columns=columns)


def _by_organisation(study: Study, course: pd.DataFrame, month: float, level: float) -> ResultTable:
    episodes = study.tables["episodes"]
    stopped = _ended_early(study, month, level)
    early = course[course["months"] <= BASELINE_MONTHS]
    rows = []
    for key in study.organisations:
        mine = episodes[episodes["organisation"] == key]
        measured = course[course["organisation"] == key]
        n_families = mine["family"].nunique()
        started = early[early["organisation"] == key]["family"].nunique()
        rows.append(
            {
                "organisation": key,
                "n_measurements": len(measured),
                "share_with_baseline": started / n_families,
                "measurements_per_family": len(measured) / n_families,
                "n_reached": stopped.loc[str(key), "n_group"],
                "share_ended_early": stopped.loc[str(key), "share"],
                "ended_early_low": stopped.loc[str(key), "low"],
                "ended_early_high": stopped.loc[str(key), "high"],
                "n_families": n_families,
            }
        )
    early_end = observed_share("share_ended_early", of="n_reached", own=True)
    columns = (
        EACH_ORGANISATION,
        N_MEASUREMENTS,
        observed_share("share_with_baseline", own=True),
        observed("measurements_per_family", own=True, ratio_of=("n_measurements", "n_families")),
        number_of("n_reached", of="families", own=True),
        early_end,
        *ends(early_end, "ended_early"),
    )
    return ResultTable("by_organisation", pd.DataFrame(rows), columns=columns)


def _ended_early(study: Study, month: float, level: float) -> pd.DataFrame:
    """Drop-out at the primary month by organisation, as on every other page."""
    periods = help_periods(study, month=month)
    found = drop_out_rows(periods)
    keys = tuple(str(key) for key in study.organisations)
    if found is not None:
        return shares_by_organisation(found, keys, level=level).set_index("organisation")
    reached = periods.rows[periods.could_reach(periods.month)].groupby("organisation").size()
    unknown = pd.DataFrame(np.nan, index=pd.Index(keys), columns=["share", "low", "high"])
    return unknown.assign(n_group=reached.reindex(keys).fillna(0).astype(int))


def _problems(study: Study) -> ResultTable:
    severity = {problem.code: problem.severity for problem in reversed(study.checks.problems)}
    rows = [
        (code, severity.get(code, "warning"), number, number)
        for code, number in sorted(study.checks.counts.items())
    ]
    data = pd.DataFrame(rows, columns=["code", "severity", "n_findings", "n_families"])
    return ResultTable("problems", data, columns=(coded("code"), coded("severity"), number_of("n_findings")))
