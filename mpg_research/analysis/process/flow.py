"""Families in and out by quarter, waiting from referral to start, and whether other families come.

Tables of :class:`FamilyFlow` (beside ``sample_flow``)
------------------------------------------------------
- ``flow_by_quarter(quarter, flow_direction, n_episodes)``: periods of help that started ("in") and ended
  ("out") in each whole quarter; ``flow_by_organisation(organisation, calendar_year, flow_direction,
  n_episodes)``: the same per organisation and whole year, since quarters would be too small.
- ``waiting(calendar_year, half, third_quarter, ninth_tenth)``: days from referral to start that half, three
  quarters and nine tenths do not exceed, by the year of the start and in all ("all");
  ``waiting_by_organisation(organisation, half, third_quarter)``; ``waiting_records(waiting_state,
  n_episodes)``: used, without a referral, or referred after the start.
- ``case_mix_by_quarter(quarter, variable, share, mean)``: of those who started, the share with a
  characteristic, or its mean; ``case_mix_drift(variable, ...)``: change per year (percentage points of a
  share), with p-values corrected for their number.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    ESTIMATE,
    P_ADJUSTED,
    coded,
    key_column,
    number_of,
    observed,
    observed_share,
    quantile,
)
from mpg_research.analysis.growth.help_periods import worker_keys
from mpg_research.analysis.process.care_months import KEYS
from mpg_research.analysis.process.care_tables import quantile_of_counts
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.multiplicity import holm
from mpg_research.statistics.trials.regression import weighted_regression
from mpg_research.study.config.study_toml import DAYS_PER_YEAR
from mpg_research.study.model import Study
from mpg_research.study.schemas import EPISODES
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["FamilyFlow", "describe_flow"]

_QUARTER = key_column("quarter")
_YEAR = key_column("calendar_year")
_DIRECTION = coded("flow_direction")
_EPISODES = number_of("n_episodes")
_QUANTILES = {"half": 0.5, "third_quarter": 0.75, "ninth_tenth": 0.9}
#: Intake columns of the schema that the drift is looked at of where study.toml names no case mix.
_INTAKE = tuple(c.name for c in EPISODES.columns if c.kind in ("boolean", "number", "integer"))
_NO_INTAKE = ("thin_line", "satisfaction")
#: Fewest starts of a characteristic for a drift; ours.
FEWEST = 20
#: With more workers than this errors need no correction for their number.
_CORRECTED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyFlow(Result):
    """What :func:`describe_flow` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "family_flow"


def describe_flow(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> FamilyFlow:
    """Describe how families come and go, how long they wait, and whether other families come.

    Parameters
    ----------
    study : Study
        A loaded study with dates. All periods of help count.
    scores : Scores, optional
        Which scores stand for the start; by default as ``study.toml`` says.
    level : float
        Of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    FamilyFlow
        Tables ``flow_by_quarter``, ``flow_by_organisation``, ``waiting``, ``waiting_by_organisation``,
        ``waiting_records``, ``case_mix_by_quarter``, ``case_mix_drift`` and ``sample_flow`` (the module says
        what each holds; what is not recorded has no rows).

    Raises
    ------
    NotApplicableError
        Where times are numbers: then there is no calendar.

    Notes
    -----
    A last quarter (or year) that is not over at the end of the data is left out. The drift is a straight line
    through time with errors that allow for families of one worker: CR2 with Satterthwaite's degrees of
    freedom (``benchmarks/care_months.md``), without that correction where there are many workers.

    Examples
    --------
    >>> from mpg_research import describe_flow, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_flow(load_study(shipped_example())).tables["flow_by_quarter"].data
    >>> sorted(found["flow_direction"].unique())
    ['in', 'out']
    """
    (scores,) = gather(older, scores)
    if study.config.time.kind != "dates":
        raise NotApplicableError(
            "Times are numbers without a calendar, so that quarters and waiting times are not known.",
            code="no_quarters",
        )
    episodes = _episodes(study)
    course = course_frame(study, scores=replace(scores, respondents="declared", episodes="all"))
    started = _with_first_score(episodes[episodes["start"].notna()], course.data)
    names = _case_mix(study, started)
    tables = [
        *_flows(study, episodes),
        *_waiting(started),
        *_drift(study, started, names, level=level),
        sample_flow_table(course.flow),
    ]
    return FamilyFlow(
        tables=collect_tables(tables),
        flow=course.flow,
        notes=study.notes,
        provenance=provenance_of(
            study,
            parameters={"level": level, "case_mix": names, "waiting_recorded": "referred" in episodes},
            instrument=course.instrument,
            outcome=course.outcome,
        ),
        level=level,
    )


def _episodes(study: Study) -> pd.DataFrame:
    found = study.tables["episodes"].drop_duplicates(KEYS).reset_index(drop=True)
    found = found.assign(organisation=found["organisation"].astype(str), family=found["family"].astype(str))
    if "end" not in found:
        found["end"] = pd.NaT
    return found.assign(cluster=worker_keys(found))


def _with_first_score(started: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The first score of each period within a month of its start, beside what is known at intake."""
    early = scores[scores["months"] <= 1.0].sort_values("months", kind="stable").drop_duplicates(KEYS)
    first = early.set_index(pd.MultiIndex.from_frame(early[KEYS].astype(str)))["score"]
    keys = pd.MultiIndex.from_frame(started[KEYS].astype(str))
    return started.assign(first_score=first.reindex(keys).to_numpy(dtype=float))


def _case_mix(study: Study, started: pd.DataFrame) -> list[str]:
    named = list(study.config.analysis.case_mix) or [n for n in _INTAKE if n not in _NO_INTAKE]
    kept = [name for name in named if name in started and pd.api.types.is_numeric_dtype(started[name])]
    return [name for name in (*kept, "first_score") if started[name].notna().any()]


def _whole(times: pd.Series, last: pd.Timestamp, frequency: str) -> pd.Series:
    """The quarter or year of each moment; missing where it had not ended at the end of the data."""
    periods = times.dt.to_period(frequency)
    latest = (last + pd.Timedelta(days=1)).to_period(frequency) - 1
    found: pd.Series = periods.where(periods <= latest)
    return found


def _flows(study: Study, episodes: pd.DataFrame) -> list[ResultTable]:
    last = pd.Timestamp(study.config.last_date)
    begin = episodes["start"].dropna().min()
    by_quarter, apart = [], []
    for direction, column in (("in", "start"), ("out", "end")):
        moments = episodes[episodes[column].notna()]
        moments = moments[moments[column] >= begin] if len(moments) else moments
        if not len(moments):
            continue
        quarter = _whole(moments[column], last, "Q").astype(str).str.replace("Q", "-Q")
        year = _whole(moments[column], last, "Y").astype(str)
        rows = moments.assign(quarter=quarter, calendar_year=year, flow_direction=direction)
        by_quarter.append(rows[~rows["quarter"].isin(["NaT", "nan"])])
        apart.append(rows[~rows["calendar_year"].isin(["NaT", "nan"])])
    numbers = {"n_episodes": ("family", "size"), "n_families": ("family", "nunique")}
    counted = {**numbers, "n_organisations": ("organisation", "nunique")}
    columns = ["quarter", "flow_direction", *counted]
    together = pd.DataFrame(columns=columns)
    if by_quarter and sum(map(len, by_quarter)):
        grouped = pd.concat(by_quarter).groupby(["quarter", "flow_direction"], sort=True)
        together = grouped.agg(**counted).reset_index()[columns]
    own = pd.DataFrame(columns=["organisation", "calendar_year", "flow_direction", *numbers])
    if apart and sum(map(len, apart)):
        keys = ["organisation", "calendar_year", "flow_direction"]
        own = pd.concat(apart).groupby(keys, sort=True).agg(**numbers).reset_index()[list(own.columns)]
    return [
        ResultTable("flow_by_quarter", together, columns=(_QUARTER, _DIRECTION, _EPISODES)),
        ResultTable("flow_by_organisation", own, columns=(EACH_ORGANISATION, _YEAR, _DIRECTION, _EPISODES)),
    ]


def _waiting(started: pd.DataFrame) -> list[ResultTable]:
    """Days from referral to start."""
    referred = started["referred"] if "referred" in started else pd.Series(pd.NaT, index=started.index)
    days = (started["start"] - pd.to_datetime(referred)).dt.days.to_numpy(dtype=float, na_value=np.nan)
    used = np.isfinite(days) & (days >= 0)
    waited = started[used].assign(days=days[used], calendar_year=started["start"][used].dt.year.astype(str))
    declared = {name: quantile(name, at, digits=0) for name, at in _QUANTILES.items()}

    def row(part: pd.DataFrame) -> tuple[float, ...]:
        values = part["days"].to_numpy(dtype=float)
        return tuple(quantile_of_counts(values, at) for at in _QUANTILES.values())

    rows = [
        (year, *row(part), part["family"].nunique(), part["organisation"].nunique())
        for year, part in waited.groupby("calendar_year", sort=True)
    ]
    if len(waited):
        everybody = (waited["family"].nunique(), waited["organisation"].nunique())
        rows.insert(0, ("all", *row(waited), *everybody))
    apart = [
        (name, *row(part)[:2], part["family"].nunique())
        for name, part in waited.groupby("organisation", sort=True)
    ]
    states = np.select([used, np.isnan(days)], ["used", "without_referral"], "referred_after_start")
    records = started.assign(waiting_state=states).groupby("waiting_state", sort=False)
    counted = records.agg(
        n_episodes=("family", "size"),
        n_families=("family", "nunique"),
        n_organisations=("organisation", "nunique"),
    ).reset_index()
    return [
        ResultTable(
            "waiting",
            pd.DataFrame(rows, columns=["calendar_year", *_QUANTILES, "n_families", "n_organisations"]),
            columns=(_YEAR, *declared.values()),
        ),
        ResultTable(
            "waiting_by_organisation",
            pd.DataFrame(apart, columns=["organisation", "half", "third_quarter", "n_families"]),
            columns=(
                EACH_ORGANISATION,
                *(declared[name].but(own=True) for name in ("half", "third_quarter")),
            ),
        ),
        ResultTable(
            "waiting_records",
            counted if len(waited) else counted.iloc[:0],
            columns=(coded("waiting_state", adds_up="families"), _EPISODES),
        ),
    ]


def _drift(study: Study, started: pd.DataFrame, names: list[str], *, level: float) -> list[ResultTable]:
    """Who starts, per quarter, and the straight line through time."""
    last = pd.Timestamp(study.config.last_date)
    quarter = _whole(started["start"], last, "Q")
    years = (started["start"] - started["start"].min()).dt.days.to_numpy(dtype=float) / DAYS_PER_YEAR
    rows, lines = [], []
    for name in names:
        is_share = pd.api.types.is_bool_dtype(started[name].dtype)
        values = started[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(values)
        whole = known & quarter.notna().to_numpy()
        mine = started[whole].assign(value=values[whole], quarter=quarter[whole].astype(str))
        for key, part in mine.groupby("quarter", sort=True):
            mean = float(part["value"].mean())
            shown = (mean, np.nan) if is_share else (np.nan, mean)
            sizes = (part["family"].nunique(), part["organisation"].nunique())
            rows.append((str(key).replace("Q", "-Q"), name, *shown, *sizes))
        if known.sum() >= FEWEST and values[known].std() > 0 and np.ptp(years[known]) > 0:
            scale = 100.0 if is_share else 1.0
            _, cluster = np.unique(started["cluster"].to_numpy(dtype=str)[known], return_inverse=True)
            design = np.column_stack([np.ones(int(known.sum())), years[known]])
            fit = weighted_regression(
                design, scale * values[known], clusters=cluster.astype(np.intp), level=level,
                correction="leverage" if cluster.max() < _CORRECTED else "clusters",
            )  # fmt: skip
            if fit.converged:
                numbers = (float(getattr(fit, column)[1]) for column in ESTIMATE_COLUMNS)
                sizes = (started["family"][known].nunique(), started["organisation"][known].nunique())
                lines.append((name, *numbers, *sizes))
    columns = ["quarter", "variable", "share", "mean", "n_families", "n_organisations"]
    drift = pd.DataFrame(lines, columns=["variable", *ESTIMATE_COLUMNS, "n_families", "n_organisations"])
    drift["p_adjusted"] = holm(drift["p_value"].to_numpy(dtype=float)) if len(drift) else []
    return [
        ResultTable(
            "case_mix_by_quarter",
            pd.DataFrame(rows, columns=columns),
            columns=(
                _QUARTER,
                coded("variable"),
                observed_share("share", of="n_families"),
                observed("mean", digits=1),
            ),
        ),
        ResultTable(
            "case_mix_drift",
            drift.astype({"p_adjusted": float}),
            columns=(coded("variable"), *ESTIMATE, P_ADJUSTED),
        ),
    ]
