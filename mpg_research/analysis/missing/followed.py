"""Of all families whose help started: who was measured, how they fared, and what became of the others.

Nobody is left out beforehand: who never filled in anything is counted with the others, so that what is said
of "every 100 families" is of those whose help started, and not of those who happened to answer.

Tables of :class:`FollowedFamilies`
----------------------------------
- ``sample_flow(step, n_measurements, n_episodes)``: from all families helped to those whose scores are
  used, as in the analysis of the course, and one step more: ``around_month``, measured around the month.
- ``of_all_families(class, estimate, ..., n_group)``: each family in one class, of all whose help started:
  reliably ``improved``, ``deteriorated`` or ``unchanged`` from the start to the last score, by the study's
  own definition (:func:`~mpg_research.analysis.families.change.reliable_change`), or ``not_judged`` where
  there are no two scores. Small classes are taken together by what they have in common.
- ``not_measured(class, ...)``: of the families whose scores are used and who have none around the month: the
  help had ended ``as_planned``, by ``drop_out`` (early, by the client or the provider) or otherwise
  (``other_end``); went on, and could have been measured (``not_filled_in``); or started too recently
  (``not_yet``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import pandas as pd

from mpg_research.analysis.families.change import reliable_change
from mpg_research.analysis.families.courses import result_parts
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.growth.help_periods import (
    DROP_OUT_REASONS,
    HelpPeriods,
    help_periods,
    worker_keys,
)
from mpg_research.analysis.growth.question import reach_of_course, reported_primary
from mpg_research.analysis.result import Result, ResultTable
from mpg_research.errors import ConfigError, MpgError
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.scoring.reach import within_reach
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["FATES", "OUTCOMES", "FollowedFamilies", "follow_families", "take_together"]

Step = tuple[tuple[str, str], str]
#: Classes of all families, and which of them are taken together under which name where one is small.
OUTCOMES = ("improved", "unchanged", "deteriorated", "not_judged")
_OUTCOMES_TOGETHER: tuple[Step, ...] = (
    (("unchanged", "deteriorated"), "not_improved"),
    (("improved", "unchanged"), "not_worse"),
    (("improved", "not_improved"), "judged"),
    (("unchanged", "not_judged"), "unchanged_or_not_judged"),
    (("unchanged_or_not_judged", "deteriorated"), "not_known_improved"),
    (("not_improved", "not_judged"), "not_known_improved"),
    (("not_worse", "not_judged"), "not_known_worse"),
    (("judged", "not_judged"), "everyone"),
    (("improved", "not_known_improved"), "everyone"),
    (("not_known_worse", "deteriorated"), "everyone"),
)
#: What had become of families who were not measured around the month.
FATES = ("as_planned", "other_end", "drop_out", "not_filled_in", "not_yet")
_FATES_TOGETHER: tuple[Step, ...] = (
    (("other_end", "drop_out"), "not_as_planned"),
    (("as_planned", "not_as_planned"), "any_end"),
    (("as_planned", "other_end"), "otherwise"),
    (("not_filled_in", "not_yet"), "in_help"),
    (("any_end", "in_help"), "everyone"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedFamilies(Result):
    """What :func:`follow_families` found; its tables are described in the module's docstring.

    Attributes
    ----------
    month : float
        The month that the last step of the flow, and the table ``not_measured``, are about.
    """

    month: float
    kind: ClassVar[str] = "followed_families"


def follow_families(
    study: Study,
    *,
    month: float | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> FollowedFamilies:
    """Follow all families whose help started: who was measured, how they fared, what became of the others.

    Parameters
    ----------
    study : Study
        A loaded study.
    month : float, optional
        Around which month; by default the study's primary month, as far as the data reach.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Of reliable change and of the intervals, between 0 and 1.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    FollowedFamilies
        Tables ``of_all_families``, ``not_measured`` and ``sample_flow`` (the module says what each holds).

    Raises
    ------
    ConfigError
        If the month is impossible.

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis import follow_families
    >>> from mpg_research.study import shipped_example
    >>> found = follow_families(load_study(shipped_example()))
    >>> steps = found.tables["sample_flow"].data.set_index("step")["n_families"]
    >>> int(steps["helped"]), int(steps["answered"])
    (250, 247)
    """
    (scores,) = gather(older, scores)
    if month is not None and not month > 0:
        raise ConfigError(f"month = {month:g}; expected a month after the start.")
    frame = course_frame(study, scores=scores)
    reach = reach_of_course(study, frame)
    reported = reported_primary(study, reach, month)
    at = reported.primary
    frame = within_reach(frame, reach)
    periods = help_periods(study, month=at, scores=scores)
    near = frame.data[(frame.data["months"] - at).abs() <= periods.near]
    frame = replace(frame, flow=_with_step(frame.flow, near))
    families = _families(study, periods)
    used = set(frame.data["family"].astype(str))
    lost = families[families["family"].isin(used - set(near["family"].astype(str)))]
    minimum = study.config.disclosure.minimum_families
    tables = [
        _classes("of_all_families", _outcomes(study, families, frame, level), OUTCOMES,
                 _OUTCOMES_TOGETHER, minimum=minimum, level=level),
        _classes("not_measured", _fates(lost, periods), FATES, _FATES_TOGETHER, minimum=minimum, level=level),
    ]  # fmt: skip
    parameters = {
        "month": at,
        "primary_month": at,
        "near": periods.near,
        "method": study.config.analysis.change_method,
    }
    notes = [*reported.notes, *periods.notes]
    return FollowedFamilies(
        month=at,
        **result_parts(study, frame, tables=tables, notes=notes, parameters=parameters, level=level),
    )


def _with_step(flow: SampleFlow, near: pd.DataFrame) -> SampleFlow:
    """The flow with the families measured around the month as its last step."""
    episodes = len(near[["family", "episode"]].drop_duplicates())
    step = FlowStep(
        "around_month",
        "measured around the month asked about",
        len(near),
        int(near["family"].nunique()),
        episodes,
    )
    return SampleFlow((*flow.steps, step))


def _families(study: Study, periods: HelpPeriods) -> pd.DataFrame:
    """One row per family of the study, with its period of help that counts; the last one where several do."""
    table = study.tables["episodes"]
    every = pd.DataFrame({name: table[name].astype(str) for name in ("family", "organisation")})
    every["worker"] = worker_keys(every.assign(**({"worker": table["worker"]} if "worker" in table else {})))
    every = every.drop_duplicates("family")
    known = periods.rows.drop_duplicates("family", keep="last")
    others = every[~every["family"].isin(set(known["family"]))]
    return pd.concat([known, others], ignore_index=True)


def _outcomes(study: Study, families: pd.DataFrame, frame: CourseFrame, level: float) -> pd.DataFrame:
    """The families with their class; no rows where the study's definition gives nobody an answer."""
    try:
        found = reliable_change(study, scores=replace(frame.scores, respondents="declared"), level=level)
    except MpgError:
        # Without a reliability there is no such class; what else is known of the families stands.
        return families.iloc[:0].assign(found="")
    rows = found.tables["families"].data
    rows = rows[rows["category"] != "not_computable"].drop_duplicates("family", keep="last")
    category = dict(zip(rows["family"].astype(str), rows["category"], strict=True))
    if not category:
        return families.iloc[:0].assign(found="")
    classes = [category.get(family, "not_judged") for family in families["family"]]
    return families.assign(found=classes)


def _fates(lost: pd.DataFrame, periods: HelpPeriods) -> pd.DataFrame:
    """The families who were not measured around the month, with what had become of their help by then."""
    month = periods.month
    index = {family: place for place, family in enumerate(periods.rows["family"])}
    places = [index.get(family, -1) for family in lost["family"]]
    over = ~periods.in_help(month)
    could = periods.could_reach(month + periods.near)
    fates = []
    for place in places:
        if place < 0:  # without a start, or over on an unknown date
            fates.append("other_end")
        elif over[place]:
            reason = periods.rows["end_reason"].iloc[place]
            fates.append(
                "drop_out" if reason in DROP_OUT_REASONS
                else "as_planned" if reason == "as_planned" else "other_end"
            )  # fmt: skip
        else:
            fates.append("not_filled_in" if could[place] else "not_yet")
    return lost.assign(found=fates)


def _classes(
    name: str,
    units: pd.DataFrame,
    classes: Sequence[str],
    together: Sequence[Step],
    *,
    minimum: int,
    level: float,
) -> ResultTable:
    """The shares of the classes, small ones taken together; no rows where all would be."""
    joined, alive = take_together(units, classes, together, minimum=minimum)
    rows = share_rows(units.assign(found=joined), "found", alive, level=level)
    return share_table(name, rows)


def take_together(
    units: pd.DataFrame, classes: Sequence[str], together: Sequence[Step], *, minimum: int
) -> tuple[pd.Series, tuple[str, ...]]:
    """Classes with small ones taken together step by step, and the classes that are left.

    A class is small with fewer families than ``minimum``, also with none: "none of them" says of each of
    them what it has not.

    Parameters
    ----------
    units : DataFrame
        One row per family, its class in ``found``.
    classes : sequence of str
        All classes, in the order of the rows.
    together : sequence of ((str, str), str)
        Two classes, and what they are called together where either is small.
    minimum : int
        Fewest families in a class.

    Returns
    -------
    Series, tuple of str
        The class of each row; and the classes left, none where all would be together.
    """
    found = units["found"].astype(object)
    alive = list(classes)
    for (one, other), name in together:
        if one not in alive or other not in alive:
            continue
        sizes = [int((found == each).sum()) for each in (one, other)]
        if min(sizes) < minimum:
            found = found.where(~found.isin([one, other]), name)
            alive[alive.index(one)] = name
            alive.remove(other)
    return found, () if len(alive) < 2 else tuple(alive)
