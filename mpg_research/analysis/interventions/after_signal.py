"""What was done after a signal: how often, how soon, what and by which role; and how the family stood later.

A signal begins at the first wave of a spell that is off track or may be standing still
(:func:`mpg_research.analysis.signals`). Nothing here is about an effect: interventions go to families who
score badly, and bad scores tend to fall by themselves.

Tables of :class:`ActionsAfterSignals` (beside ``sample_flow``)
---------------------------------------------------------------
Shares are of signals whose grace had passed at the export; ``n_families`` are the families behind a row.

- ``answered(class, ...)`` and ``answered_by_organisation(organisation, class, ...)``: an intervention came
  within the grace ("acted"), none did ("not_acted"), or help ended within it without one ("help_ended").
- ``first_interventions(intervention, ...)`` and ``first_roles(role, ...)``: of the answered signals, with
  what and by which role first; kinds of few families are taken together.
- ``how_soon(stretch, share_of_signals, n_group)`` and ``weeks_to_action(weeks_first_quarter, weeks_half,
  weeks_third_quarter)``: of all signals, by Aalen-Johansen with the end of help competing and the export
  censoring; a quartile that is not reached is missing.
- ``after_first_signal(class, ...)`` and ``after_first_signal_by_organisation(organisation, class, ...)``: of
  the families, since their first signal: ever an intervention ("discussed"), none but measured again, or none
  and never measured again ("never_discussed").
- ``prompted(class, ...)`` and ``prompted_by_organisation(organisation, class, ...)``: of the interventions:
  soon after the beginning of a signal, later after one, or with no signal before them.
- ``signal_to_action(signal, action, ...)`` and ``action_to_state(action, state, ...)``: of the signals whose
  family could be seen to the later moment, which went where; help that ended within the grace counts as not
  acted, and a family whose help was over or who was not measured then as "not_seen".
- ``records(record_state, n_records)``: records of interventions that were used, or left out and why.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.help_periods import HelpPeriods, help_periods
from mpg_research.analysis.interventions.action_tables import (
    answer_tables,
    flow_tables,
    record_table,
    time_tables,
    unprompted_tables,
)
from mpg_research.analysis.interventions.moments import Windows, moments_of, placed_actions
from mpg_research.analysis.interventions.records import read_interventions
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.analysis.monitoring.signals import Signals, signals
from mpg_research.analysis.result import Result, collect_tables, provenance_of, sample_flow_table
from mpg_research.errors import ConfigError, NotApplicableError, Note
from mpg_research.study.config.study_toml import DAYS_PER_MONTH, StudyConfig
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather, refuse_parts

__all__ = ["ActionsAfterSignals", "describe_actions", "windows_of"]

#: Ends of the stretches in which first interventions are counted, in weeks, beside the grace; ours.
_STRETCHES = (4.0, 13.0, 26.0)
DAYS_PER_WEEK = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsAfterSignals(Result):
    """What :func:`describe_actions` found; its tables are described in the module's docstring.

    Attributes
    ----------
    moments : DataFrame
        One row per signal, from :func:`~mpg_research.analysis.interventions.moments.moments_of`. Never shown.
    given : Signals
        The signals that were followed.
    """

    moments: pd.DataFrame = field(repr=False)
    given: Signals = field(repr=False)
    kind: ClassVar[str] = "actions"


def describe_actions(
    study: Study,
    *,
    grace_weeks: float | None = None,
    later_months: float | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> ActionsAfterSignals:
    """Describe what was done after signals, as it was recorded.

    Parameters
    ----------
    study : Study
        A loaded study with the table ``interventions``.
    grace_weeks : float, optional
        Within so many weeks an intervention counts as an answer to a signal; by default
        ``[interventions] grace_weeks``.
    later_months : float, optional
        How the family stands so many months after the signal; by default ``[interventions] later_months``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``episodes``.

    Returns
    -------
    ActionsAfterSignals
        Tables ``answered``, ``answered_by_organisation``, ``first_interventions``, ``first_roles``,
        ``after_first_signal``, ``after_first_signal_by_organisation``, ``how_soon``, ``weeks_to_action``,
        ``prompted``, ``prompted_by_organisation``, ``signal_to_action``, ``action_to_state``, ``records`` and
        ``sample_flow`` (the module says what each holds).

    Raises
    ------
    NotApplicableError
        If no intervention is recorded, there is no signal to follow, or the length of a wave is not known.
    ConfigError
        If a time is not positive, or the later moment is not later than its window.

    Notes
    -----
    A signal is followed where the export lies at least the grace after it; a family whose help ended in the
    meantime counts, as such. An intervention on the day of the signal counts as after it. An organisation
    that never recorded any is left out and counted: there it is not known whether something was done.

    Examples
    --------
    >>> from mpg_research import load_study, describe_actions
    >>> from mpg_research.study import shipped_example
    >>> found = describe_actions(load_study(shipped_example()))
    >>> sorted(found.tables["first_roles"].data.columns)[:3]
    ['clustered_high', 'clustered_low', 'conf_high']
    """
    (scores,) = gather(older, scores)
    if scores.respondents not in (None, "declared"):
        refuse_parts(scores, "respondents", why="signals are followed of one declared respondent per family.")
    windows, weeks = windows_of(study.config, grace_weeks, later_months)
    table = study.tables.get("interventions")
    if table is None or not len(table):
        raise NotApplicableError(
            f"Study {study.name} has no records of interventions, so what was done after a signal is not "
            "known. Add the table: [tables.interventions] in study.toml (docs/reference/study_folder.md).",
            code="no_interventions",
        )
    given = signals(study, scores=replace(scores, respondents="declared"), level=level)
    periods = help_periods(study, month=windows.later, scores=given.courses.frame.scores)
    records = read_interventions(study, given.courses)
    recording = _recording(study, given)
    everyone = given.tables["waves"].data
    waves = everyone[everyone["organisation"].isin(recording)]
    frame = records.frame[records.frame["organisation"].isin(recording)].reset_index(drop=True)
    moments = moments_of(waves, frame, periods, windows)
    if moments.empty:
        raise NotApplicableError(
            "No family was ever off track or perhaps standing still, so there is no signal to follow.",
            code="no_signals",
        )
    minimum = study.config.disclosure.minimum_families
    per_week = DAYS_PER_WEEK / float(study.config.time.days_per_axis_unit or np.nan)
    stretches = sorted({*_STRETCHES, weeks})
    tables = [
        *answer_tables(moments, level=level, minimum=minimum),
        *time_tables(moments, stretches, per_week=per_week),
        *unprompted_tables(
            frame, _workers(frame, periods), placed_actions(waves, frame, windows), level=level
        ),
        *flow_tables(moments, level=level),
        record_table(records, int(given.courses.units["family"].nunique())),
        sample_flow_table(given.courses.frame.flow),
    ]
    parameters = {
        **given.provenance.parameters,
        "grace_weeks": weeks,
        "later_months": later_months or study.config.interventions.later_months,
        "later_on_axis": windows.later,
        "later_window_months": study.config.interventions.later_window_months,
        "signals_to_act_on": list(CALLS),
    }
    silent = int(everyone["organisation"].nunique()) - len(recording)
    return ActionsAfterSignals(
        moments=moments,
        given=given,
        tables=collect_tables(tables),
        flow=given.courses.frame.flow,
        notes=(*given.notes, *_notes(silent)),
        provenance=provenance_of(
            study,
            parameters=parameters,
            instrument=given.courses.frame.instrument,
            outcome=given.courses.frame.outcome,
        ),
        level=level,
        converged=given.converged,
    )


def windows_of(config: StudyConfig, grace: float | None, later: float | None) -> tuple[Windows, float]:
    """The windows in units of the time axis, and the grace in weeks.

    Parameters
    ----------
    config : StudyConfig
    grace : float or None
        In weeks; by default as study.toml says.
    later : float or None
        In months; likewise.
    """
    chosen = config.interventions
    weeks = chosen.grace_weeks if grace is None else float(grace)
    months = chosen.later_months if later is None else float(later)
    if not 0 < weeks < np.inf:
        raise ConfigError(f"grace_weeks = {weeks:g}; expected a number of weeks above 0.")
    if not chosen.later_window_months < months < np.inf:
        raise ConfigError(
            f"later_months = {months:g}; expected more than later_window_months "
            f"({chosen.later_window_months:g})."
        )
    days = config.time.days_per_axis_unit
    if days is None:
        raise NotApplicableError(
            "Times are waves of unknown length, so what came within some weeks of a signal is not known. Say "
            "how long a wave is: [time] months_per_unit in study.toml.",
            code="waves_of_unknown_length",
        )
    month = DAYS_PER_MONTH / days
    windows = Windows(
        grace=weeks * DAYS_PER_WEEK / days,
        later=months * month,
        near=chosen.later_window_months * month,
    )
    return windows, weeks


def _recording(study: Study, given: Signals) -> set[str]:
    """Organisations with any record of an intervention, of whatever family or period of help."""
    episodes = study.tables["episodes"]
    families = set(study.tables["interventions"]["family"].dropna())
    theirs = set(episodes.loc[episodes["family"].isin(families), "organisation"].astype(str))
    return theirs & set(given.courses.units["organisation"])


def _workers(frame: pd.DataFrame, periods: HelpPeriods) -> pd.Series:
    """The worker of the period of help of each intervention; the family's own where unknown."""
    keys = ["family", "episode"]
    of_period = periods.rows.drop_duplicates(keys).set_index(keys)["worker"]
    found = of_period.reindex(pd.MultiIndex.from_frame(frame[keys]))
    own = frame["family"] + "/own"
    return pd.Series(found.to_numpy(dtype=object), index=frame.index).fillna(own)


def _notes(silent: int) -> list[Note]:
    if not silent:
        return []
    text = (
        f"{silent} organisations never recorded an intervention. Whether something was done there is not "
        "known, so their families are left out of what is said about actions."
    )
    return [Note("organisations_without_interventions", text, {"n_organisations": silent}, "caution")]
