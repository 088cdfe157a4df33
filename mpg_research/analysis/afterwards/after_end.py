"""What came after help that ended well: a renewed start, a placement, an eviction, worse scores.

From a good end (``[afterwards] good_ends``) the first of these competes with the others: cumulative incidence
by month since the end, by how the help ended and by whether a thin line was kept. Nothing here is an effect
of the help or of the thin line: who gets what differs.

Tables of :class:`Afterwards` (beside ``sample_flow``)
------------------------------------------------------
- ``incidence(event, months_after, ...)``, ``incidence_by_end_reason(end_reason, event, months_after, ...)``
  and ``incidence_by_thin_line(thin_line, event, months_after, ...)``: the share with each first event by a
  month since the end (Aalen-Johansen, each event among those watched for it; standard error by the
  infinitesimal jackknife over workers, limits on the complementary log-log scale); ``n_families`` had it by
  then.
- ``free(months_after, ...)``, ``free_by_end_reason`` and ``free_by_thin_line``: the share without any.
  ``months_free(grouping, group, ...)`` and
  ``months_free_difference``: mean months without any, up to the horizon.
- ``gray(grouping, event, ...)``: Gray's test, which takes families as independent;
  ``incidence_difference(grouping, group, event, months_after, ...)``: differences at the horizon, over
  workers.
- ``hazards(event, term, ...)``, ``proportional(event, ...)``, ``frailty(frailty_of, ...)``: Cox models;
  ``hazards_with_frailty(variable, ..., frailty_ratio, ...)``: those of any event with and without a frailty.
- ``worsening(months_after, estimate, ..., if_early, if_late)``, ``worsening_by_end_reason`` and
  ``worsening_by_thin_line``: the share with reliably worse scores, from waves; the last two columns are what
  it would be if every worsening had come about in the first, or in the last half of the time between the
  two waves around it.
- ``scores_after(months_after, mean_last, mean, change_after, ...)``: of those measured around a month since
  the end, the mean of their last score in help, the mean score then, and the mean change.
- ``settings(quantity, value)``: families who came late, silent organisations, worsening by chance.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Unpack

import pandas as pd

from mpg_research.analysis.afterwards.first_events import FirstEvents, first_events
from mpg_research.analysis.afterwards.good_ends import GoodEnds, read_ends
from mpg_research.analysis.afterwards.hazard_tables import HazardTables, hazard_tables
from mpg_research.analysis.afterwards.incidence_tables import (
    difference_table,
    free_tables,
    gray_table,
    groups_of,
    incidence_tables,
    moments_within,
)
from mpg_research.analysis.afterwards.later_scores import LaterScores, read_later_scores
from mpg_research.analysis.afterwards.score_table import score_table
from mpg_research.analysis.afterwards.worsening_tables import worsening_tables
from mpg_research.analysis.growth.estimate_tables import study_notes
from mpg_research.analysis.result import (
    Result,
    collect_tables,
    provenance_of,
    sample_flow_table,
    settings_table,
)
from mpg_research.errors import NotApplicableError, Note
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather, refuse_parts

__all__ = ["Afterwards", "describe_afterwards"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards(Result):
    """What :func:`describe_afterwards` found; its tables are described in the module's docstring.

    Attributes
    ----------
    events : FirstEvents
        The first event of every family. Never shown.
    """

    events: FirstEvents = field(repr=False)
    kind: ClassVar[str] = "afterwards"


def describe_afterwards(
    study: Study,
    *,
    horizon_months: float | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> Afterwards:
    """Describe what came after help that ended well.

    Parameters
    ----------
    study : Study
        A loaded study.
    horizon_months : float, optional
        How long after the end is looked; by default ``[afterwards] horizon_months``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Of reliable change and of all intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``.

    Returns
    -------
    Afterwards
        Tables ``incidence``, ``free``, ``months_free``, ``settings``, ``sample_flow`` and as far as the
        study has what they need ``incidence_by_end_reason``, ``incidence_by_thin_line``,
        ``incidence_difference``, ``months_free_difference``, ``gray``, ``hazards``, ``proportional``,
        ``frailty``, ``hazards_with_frailty``, ``worsening`` (and by groups) and ``scores_after`` (the
        module says what each holds).
        Also tables ``free_by_end_reason``, ``free_by_thin_line``, ``worsening_by_end_reason`` and
        ``worsening_by_thin_line``.

    Raises
    ------
    NotApplicableError
        If no help ended well, or nobody could be seen after it.

    Notes
    -----
    Each family counts once, from its first good end. Whoever is on record only after the end enters there
    (left truncation): the estimates then hold if those who came late are like those who were there. Without
    an export date an organisation's last date of any kind is the last moment seen.

    Examples
    --------
    >>> from mpg_research import describe_afterwards, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_afterwards(load_study(shipped_example()))
    >>> sorted(set(found.tables["incidence"].data["event"]))
    ['eviction', 'placement', 'renewed_start']
    """
    (scores,) = gather(older, scores)
    refuse_parts(scores, "respondents", why="what came after the end is told of one respondent per family.")
    refuse_parts(scores, "episodes", why="every family counts from its first good end, whichever that is.")
    settings = study.config.afterwards
    horizon = settings.horizon_months if horizon_months is None else float(horizon_months)
    ends = read_ends(study)
    later = read_later_scores(study, ends.rows, scores=scores, level=level)
    seen = _with_case_mix(study, first_events(study, ends))
    longest = float(seen.rows["time"].max()) if len(seen.rows) else 0.0
    moments = moments_within(horizon, settings.step_months, longest)
    if not len(moments):
        raise NotApplicableError(
            f"In study {study.name} nobody was seen for {settings.step_months:g} months after a good end.",
            code="nobody_seen_afterwards",
        )
    minimum = settings.minimum_groups
    models = hazard_tables(
        seen, study.config.analysis.case_mix, level=level, minimum_events=settings.minimum_events,
        minimum_groups=minimum, families=later.families,
    )  # fmt: skip
    behind = {
        "n_families": int(seen.rows["family"].nunique()),
        "n_organisations": int(seen.rows["organisation"].nunique()),
    }
    found = [
        *incidence_tables(seen, moments, level=level, minimum=minimum),
        *free_tables(seen, moments, level=level, minimum=minimum),
        difference_table(seen, moments, level=level, minimum=minimum),
        gray_table(seen),
        *models.tables,
        *worsening_tables(seen, later.families, moments, level=level, minimum=minimum),
        score_table(later, ends.rows, moments, level=level, minimum=minimum),
        settings_table({"worsening_by_chance": later.by_chance}, **behind),
        sample_flow_table(ends.flow),
    ]
    frame = later.frame
    parameters = {
        "level": level, "horizon_months": float(moments[-1]), "asked_months": horizon,
        "step_months": settings.step_months, "good_ends": list(settings.good_ends),
        "same_help_days": settings.same_help_days, "last_score_months": settings.last_score_months,
        "first_groups": {name: next(iter(groups)) for name, groups in groups_of(seen).items()},
        "events": list(seen.causes), "terms": list(models.terms), "rule": later.rule,
        "not_recorded": _not_recorded(study, seen, later),
    }  # fmt: skip
    return Afterwards(
        events=seen,
        tables=collect_tables(table for table in found if table is not None),
        flow=ends.flow,
        notes=(*_study_notes(study, later), *_notes(study, ends, seen, models)),
        provenance=provenance_of(
            study,
            parameters=parameters,
            instrument="" if frame is None else frame.instrument,
            outcome="" if frame is None else frame.outcome,
        ),
        level=level,
    )


def _with_case_mix(study: Study, events: FirstEvents) -> FirstEvents:
    """With the columns of the case mix of the period of help that ended."""
    names = [name for name in study.config.analysis.case_mix if name in study.tables["episodes"]]
    if not names:
        return events
    table = study.tables["episodes"].drop_duplicates(["family", "episode"])
    keys = {name: table[name].astype(str) for name in ("family", "episode")}
    plain = {
        name: table[name].astype("Float64").astype(float) if table[name].dtype == "boolean" else table[name]
        for name in names
    }
    intake = pd.DataFrame({**keys, **plain})
    rows = events.rows.merge(intake, on=["family", "episode"], how="left")
    return replace(events, rows=rows)


def _not_recorded(study: Study, events: FirstEvents, later: LaterScores) -> list[str]:
    """What would belong here and is not recorded in this study."""
    found = []
    if not any(name in events.causes for name in study.config.afterwards.events):
        found.append("events")
    if later.families.empty:
        found.append("scores_after" if later.rows.empty else "last_scores")
    if not {"yes", "no"} & set(events.rows["thin_line"]):
        found.append("thin_line")
    return found


def _study_notes(study: Study, later: LaterScores) -> Iterable[Note]:
    if later.frame is None:
        return study.notes
    return study_notes(study, later.frame.instrument, later.frame.outcome)


def _notes(study: Study, ends: GoodEnds, events: FirstEvents, models: HazardTables) -> list[Note]:
    notes = []
    if not ends.calendar:
        text = (
            "Times are numbers without a calendar, so up to when a family could be seen is not known: all "
            "families of an organisation count as seen as long as any of them."
        )
        notes.append(Note("seen_without_calendar", text))
    if events.came_late:
        text = (
            f"{events.came_late} families are on record only after the end of their help; they count from "
            "their first record on."
        )
        notes.append(Note("came_late", text, {"n_families": events.came_late}))
    if events.n_silent:
        text = (
            f"{events.n_silent} organisations never recorded an event such as a placement; what happened "
            "there is not known, so their families say nothing about such events."
        )
        notes.append(
            Note("organisations_without_events", text, {"n_organisations": events.n_silent}, "caution")
        )
    if models.without_case_mix:
        text = (
            f"{models.without_case_mix} families are left out of the models of hazards, since a column of "
            "theirs is not known."
        )
        notes.append(
            Note("hazards_without_case_mix", text, {"n_families": models.without_case_mix}, "caution")
        )
    return notes
