"""Families without clear progress after a number of months: how many, what was decided, what came of it.

Clear progress is the study's own answer: at the family's last wave by then it was told on track
(:func:`mpg_research.analysis.signals`); without clear progress is off track or perhaps standing still.
Nothing here is an effect of a decision: decisions go to families who score badly, and bad scores tend to
fall by themselves.

Tables of :class:`WithoutProgress` (beside ``sample_flow``)
-----------------------------------------------------------
Families still in help after the months, whose help began long enough before the export.

- ``progress(class, ...)`` and ``progress_by_organisation(organisation, class, ...)``: clear progress, none,
  cannot be told, or not measured around then.
- ``decided(decision, ...)``: of those without clear progress, the first decision on record from that wave on,
  within the months for it; "not_recorded" where there is none.
- ``ended_after(progress, class, ...)`` and ``ended_by_decision(decision, class, ...)``: how the help ended
  since, as far as was seen.
- ``later_by_progress(progress, change_after, ...)`` and ``later_by_decision(decision, change_after, ...)``:
  mean change of the score from that wave to one so many months later, of those measured then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.good_ends import axis_in_months, in_months
from mpg_research.analysis.afterwards.score_table import mean_and_limits
from mpg_research.analysis.columns import (
    CLASS,
    EACH_ORGANISATION,
    N_MEASUREMENTS,
    Column,
    coded,
    ends,
    observed,
)
from mpg_research.analysis.families.shares import TOGETHER, share_rows, share_table
from mpg_research.analysis.growth.help_periods import DROP_OUT_REASONS, HelpPeriods, help_periods
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.analysis.monitoring.signals import Signals, signals
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather, refuse_parts

__all__ = ["WithoutProgress", "describe_without_progress"]

_KEYS = ["family", "episode"]
PROGRESS = ("clear_progress", "no_clear_progress", "cannot_tell", "not_measured")
DECISIONS = ("go_on", "change", "stop", "hand_over", "not_recorded")
ENDED = ("still_in_help", "ended_well", "dropped_out", "ended_otherwise")


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutProgress(Result):
    """What :func:`describe_without_progress` found; its tables are described in the module's docstring.

    Attributes
    ----------
    families : DataFrame
        One row per family in help after the months. Never shown.
    """

    families: pd.DataFrame = field(repr=False)
    kind: ClassVar[str] = "without_progress"


def describe_without_progress(
    study: Study,
    *,
    months: float | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> WithoutProgress:
    """Describe the families without clear progress after a number of months of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    months : float, optional
        By default ``[afterwards] months_without_progress``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``episodes``.

    Returns
    -------
    WithoutProgress
        Tables ``progress``, ``progress_by_organisation``, ``decided``, ``ended_after``,
        ``ended_by_decision``, ``later_by_progress``, ``later_by_decision`` and ``sample_flow``.

    Raises
    ------
    ConfigError
        If the months are impossible.
    NotApplicableError
        If nobody was in help so long, or nobody was without clear progress then.

    Examples
    --------
    >>> from mpg_research import describe_without_progress, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_without_progress(load_study(shipped_example()))
    >>> found.tables["progress"].data["class"].tolist()
    ['clear_progress', 'no_clear_progress', 'cannot_tell', 'not_measured']
    """
    (scores,) = gather(older, scores)
    if scores.respondents not in (None, "declared"):
        refuse_parts(scores, "respondents", why="progress is told of one declared respondent per family.")
    settings = study.config.afterwards
    after = settings.months_without_progress if months is None else float(months)
    if not 0 < after < np.inf:
        raise ConfigError(f"months = {after:g}; expected a number of months above 0.")
    unit = axis_in_months(study)
    given = signals(study, scores=replace(scores, respondents="declared"), level=level)
    periods = help_periods(study, month=after / unit, scores=given.courses.frame.scores)
    families = _families(study, given, periods, after / unit, unit)
    if families.empty:
        raise NotApplicableError(
            f"In study {study.name} no family was in help for {after:g} months yet.", code="nobody_so_long"
        )
    without = families[families["progress"] == "no_clear_progress"]
    minimum = study.config.disclosure.minimum_families
    decision = coded("decision", adds_up="families")
    progress = coded("progress", adds_up="families")
    merged = without.assign(decision=_joined(without, minimum))
    kinds = [name for name in (*DECISIONS, TOGETHER) if name in set(merged["decision"])]
    decided = share_rows(merged, "decision", kinds, level=level).rename(columns={"class": "decision"})
    tables = [
        share_table("progress", share_rows(families, "progress", PROGRESS, level=level)),
        share_table(
            "progress_by_organisation",
            share_rows(families, "progress", PROGRESS, by=("organisation",), level=level),
            EACH_ORGANISATION,
            CLASS,
        ),
        share_table("decided", decided, decision),
        share_table(
            "ended_after",
            share_rows(families, "ended_as", ENDED, by=("progress",), level=level),
            progress,
            CLASS,
        ),
        share_table(
            "ended_by_decision",
            share_rows(merged, "ended_as", ENDED, by=("decision",), level=level),
            decision,
            CLASS,
        ),
        _changes("later_by_progress", families, "progress", PROGRESS, progress, level),
        _changes("later_by_decision", merged, "decision", kinds, decision, level),
        sample_flow_table(given.courses.frame.flow),
    ]
    table = study.tables.get("decisions")
    parameters = {
        **given.provenance.parameters,
        "after_months": after,
        "decision_months": settings.decision_months,
        "later_months": settings.later_months,
        "decisions_recorded": bool(table is not None and len(table)),
    }
    return WithoutProgress(
        families=families,
        tables=collect_tables(tables),
        flow=given.courses.frame.flow,
        notes=given.notes,
        provenance=provenance_of(
            study,
            parameters=parameters,
            instrument=given.courses.frame.instrument,
            outcome=given.courses.frame.outcome,
        ),
        level=level,
        converged=given.converged,
    )


def _families(study: Study, given: Signals, periods: HelpPeriods, month: float, unit: float) -> pd.DataFrame:
    """Those in help at the month: how they stood, what was decided, and what came of it; in axis units."""
    chosen = periods.could_reach(month) & periods.in_help(month)
    rows = periods.rows[chosen].reset_index(drop=True)
    waves = given.tables["waves"].data[[*_KEYS, "months", "score", "signal"]]
    waves = waves.assign(**{name: waves[name].astype(str) for name in _KEYS})
    # The last wave by then, no older than two windows.
    near = waves[(waves["months"] <= month + periods.near) & (waves["months"] >= month - 2 * periods.near)]
    state = near.sort_values([*_KEYS, "months"], kind="stable").drop_duplicates(_KEYS, keep="last")
    found = rows.merge(state.rename(columns={"months": "at", "score": "then"}), on=_KEYS, how="left")
    found["progress"] = np.select(
        [found["signal"].isna(), found["signal"] == "on_track", found["signal"].isin(CALLS)],
        ["not_measured", "clear_progress", "no_clear_progress"],
        "cannot_tell",
    )
    found["decision"] = _decisions(study, found, unit)
    found["ended_as"] = np.select(
        [
            ~found["ended"],
            found["end_reason"].isin(study.config.afterwards.good_ends),
            found["end_reason"].isin(DROP_OUT_REASONS),
        ],
        ENDED[:3],
        ENDED[3],
    )
    found["later"] = _later(waves, found, study.config.afterwards.later_months / unit, periods.near)
    return found


def _decisions(study: Study, found: pd.DataFrame, unit: float) -> pd.Series:
    """The first decision on record from the wave on, within the months for it."""
    table = study.tables.get("decisions")
    decided = np.full(len(found), "not_recorded", dtype=object)
    if table is None or not len(table):
        return pd.Series(decided, index=found.index)
    episodes = study.tables["episodes"].drop_duplicates(_KEYS)
    start = pd.DataFrame(
        {**{n: episodes[n].astype(str) for n in _KEYS}, "start": in_months(episodes["start"], study)}
    )
    taken = pd.DataFrame(
        {
            **{name: table[name].astype(str) for name in _KEYS if name in table},
            "decision": table["decision"].astype(str),
            "date": in_months(table["date"], study),
        }
    )
    keys = [name for name in _KEYS if name in taken]
    moments = found[[*_KEYS, "at"]].merge(start, on=_KEYS, how="left").assign(place=np.arange(len(found)))
    pairs = moments.dropna(subset=["at"]).merge(taken, on=keys)
    wait = pairs["date"] - pairs["start"] - pairs["at"] * unit
    within = study.config.afterwards.decision_months
    pairs = pairs.assign(wait=wait)[(wait >= -1e-9) & (wait <= within + 1e-9)]
    first = pairs.sort_values(["place", "wait"], kind="stable").drop_duplicates("place")
    decided[first["place"].to_numpy(dtype=int)] = first["decision"].to_numpy()
    return pd.Series(decided, index=found.index)


def _later(waves: pd.DataFrame, found: pd.DataFrame, later: float, near: float) -> pd.Series:
    """The score nearest to so long after the wave, within the window; missing without one."""
    moments = found[[*_KEYS, "at"]].assign(place=np.arange(len(found))).dropna(subset=["at"])
    pairs = moments.merge(waves[[*_KEYS, "months", "score"]], on=_KEYS)
    apart = (pairs["months"] - pairs["at"] - later).abs()
    pairs = pairs.assign(apart=apart)[(apart <= near) & (pairs["months"] > pairs["at"])]
    best = pairs.sort_values(["place", "apart", "months"], kind="stable").drop_duplicates("place")
    scores = np.full(len(found), np.nan)
    scores[best["place"].to_numpy(dtype=int)] = best["score"].to_numpy(dtype=float)
    return pd.Series(scores, index=found.index)


def _joined(rows: pd.DataFrame, minimum: int) -> pd.Series:
    """Decisions, the rare ones together; where those are still few, with the rarest of the others."""
    sizes = rows.groupby("decision")["family"].nunique().sort_values(kind="stable")
    joined = [str(name) for name in sizes.index if sizes[name] < minimum]
    others = [str(name) for name in sizes.index if str(name) not in joined]
    while joined and others and rows.loc[rows["decision"].isin(joined), "family"].nunique() < minimum:
        joined.append(others.pop(0))
    if len(joined) < 2:
        return rows["decision"]
    return rows["decision"].where(~rows["decision"].isin(joined), TOGETHER)


def _changes(
    name: str, families: pd.DataFrame, column: str, kinds: Sequence[str], key: Column, level: float
) -> ResultTable:
    """Mean change to the later score by kind; limits over workers."""
    rows = []
    for kind in kinds:
        mine = families[(families[column] == kind) & families["later"].notna() & families["then"].notna()]
        limits = mean_and_limits(mine["later"] - mine["then"], mine["worker"], level=level)
        rows.append((kind, *limits, len(mine), mine["family"].nunique(), mine["organisation"].nunique()))
    names = [
        column, "change_after", "change_after_low", "change_after_high", "n_measurements", "n_families",
        "n_organisations",
    ]  # fmt: skip
    change_column = observed("change_after", digits=1)
    return ResultTable(
        name,
        pd.DataFrame(rows, columns=names),
        columns=(key, change_column, *ends(change_column, "change_after"), N_MEASUREMENTS.but(own=False)),
    )
