"""Fewer agencies: a target trial "to at most so many within so many months", or a refusal; an association.

Tables of :class:`FewerAgencies` (beside ``sample_flow``, ``settings`` and ``care_records``)
--------------------------------------------------------------------------------------------
- ``agencies_verdicts``, ``agencies_differences``, ``agencies_balance`` and ``agencies_doubts``: as those of
  :mod:`~mpg_research.analysis.interventions.target_trial`, of one strategy: a trial starts at every wave at
  which more than ``[care] agencies_at_most`` agencies are involved, and "with" is coming down to at most so
  many within ``[care] agencies_within_months``, before the next wave.
- ``around_fewer(fewer_outcome, around, ...)`` and ``around_fewer_groups``: scores around the first month with
  at most so many, beside families who still have more at the same months of help. An association, whether
  there is an answer to the trial or not.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar, Unpack

import numpy as np

from mpg_research.analysis.columns import coded
from mpg_research.analysis.families.courses import Courses, read_courses, result_parts
from mpg_research.analysis.interventions.emulation import Emulation, TrialData, emulate
from mpg_research.analysis.interventions.protocol import ANY, TrialLimits, TrialProtocol
from mpg_research.analysis.interventions.target_trial import trial_data
from mpg_research.analysis.interventions.trial_tables import trial_tables
from mpg_research.analysis.process.around_event import around_tables, follow_event
from mpg_research.analysis.process.care_months import KEYS, CareMonths, care_months
from mpg_research.analysis.process.care_tables import care_notes, care_records_table, first_time
from mpg_research.analysis.result import Result, ResultTable
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.statistics.event_study import EventStudy
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["FewerAgencies", "emulate_fewer_agencies", "first_fewer"]

#: Tables of a target trial that are shown of this one.
_SHOWN = ("verdicts", "differences", "balance", "doubts")
#: Months after the wave of which the score is compared; ours.
MONTHS = (6.0, 12.0)
_OUTCOME = coded("fewer_outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class FewerAgencies(Result):
    """What :func:`emulate_fewer_agencies` found; its tables are described in the module's docstring.

    Attributes
    ----------
    emulation : Emulation
        The trials, chances and comparisons behind the tables.
    """

    emulation: Emulation = field(repr=False)
    kind: ClassVar[str] = "fewer_agencies"


def emulate_fewer_agencies(
    study: Study,
    *,
    at_most: int | None = None,
    within_months: float | None = None,
    months: tuple[float, ...] = MONTHS,
    limits: TrialLimits | None = None,
    replicates: int = 200,
    seed: int = 1,
    case_mix: tuple[str, ...] | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> FewerAgencies:
    """Compare coming down to few agencies with keeping more, as a trial would.

    Parameters
    ----------
    study : Study
        A loaded study whose table ``care`` holds ``n_agencies``.
    at_most : int, optional
        Agencies that count as few; by default ``[care] agencies_at_most``.
    within_months : float, optional
        Months within which; by default ``[care] agencies_within_months``.
    months : tuple of float
        Months after the wave of which the score is compared.
    limits : TrialLimits, optional
        From when on there is no number.
    replicates : int
        Of the bootstrap behind the g-formula's interval.
    seed : int
        Of everything that is drawn.
    case_mix : tuple of str, optional
        Columns of ``episodes`` that coming down may hang on; by default those of ``study.toml``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Confidence level of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    FewerAgencies
        Tables ``agencies_verdicts``, ``agencies_differences``, ``agencies_balance``, ``agencies_doubts``,
        ``around_fewer``, ``around_fewer_groups``, ``care_records``, ``settings`` and ``sample_flow`` (the
        module says what each holds).

    Raises
    ------
    NotApplicableError
        Without the table care, without ``n_agencies`` in it, or where at no wave more than so many agencies
        are involved.
    ConfigError
        If a number is impossible.

    Notes
    -----
    All is that of :func:`~mpg_research.analysis.interventions.target_trial.emulate_target_trial`, with its
    refusals, but for who is eligible and what a start is. The number of a wave is that of its calendar
    month; a family comes down at the beginning of the first month with at most so many. What is done after
    the next score answers that one: with a score each month "within three months" ends with the next score.
    Later rises count no more: those who came down and went up again stay with those who came down.

    Examples
    --------
    >>> from mpg_research import emulate_fewer_agencies, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = emulate_fewer_agencies(load_study(shipped_example()), replicates=20)
    >>> found.tables["agencies_verdicts"].data["months"].tolist()
    [6.0, 12.0]
    """
    (scores,) = gather(older, scores)
    scores = replace(scores, respondents="declared")
    chosen = study.config.care
    most = chosen.agencies_at_most if at_most is None else at_most
    within = chosen.agencies_within_months if within_months is None else within_months
    if most < 0 or not within > 0:
        raise ConfigError(
            f"at_most = {most}, within_months = {within}; expected 0 agencies or more, and a number of "
            "months above 0."
        )
    care = care_months(study, scores=scores)
    if "agencies" not in care.recorded:
        raise NotApplicableError(
            f"The table care of study {study.name} holds no n_agencies, so whether there came to be fewer "
            "is not known.",
            code="no_agencies",
        )
    protocol = TrialProtocol(grace_weeks=within * DAYS_PER_MONTH / 7, months=tuple(months), later="none")
    bounds = limits or TrialLimits()
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    courses = read_courses(study, scores=scores, case_mix=names)
    event = first_fewer(care, most)
    data = _trial_data(study, care, courses, event, most, protocol=protocol, scores=scores)
    emulation = emulate(
        data, what=(ANY,), protocol=protocol, limits=bounds, replicates=replicates,
        rng=np.random.default_rng([seed, 1]), level=level,
    )  # fmt: skip
    if not emulation.time.waves["eligible"].any():
        raise NotApplicableError(
            f"At no wave are more than {most} agencies known to be involved (with a score "
            f"{protocol.lookback:g} months before it), so that no trial starts.",
            code="never_many_agencies",
        )
    every = trial_tables(
        emulation, protocol=protocol, limits=bounds, deltas=(0.0,),
        rng=np.random.default_rng([seed, 2]), level=level,
    )  # fmt: skip
    around = chosen.months_around_change
    tables = [
        *(_of_one_strategy(table) for table in every if table.name in _SHOWN),
        *around_tables("around_fewer", care, _around(care, event, most, around, level), key=_OUTCOME),
        care_records_table(care),
    ]
    parameters = {
        "agencies_at_most": most, "agencies_within_months": within, **asdict(protocol),
        "months": list(months), **asdict(bounds), "replicates": replicates, "seed": seed,
        "case_mix": list(names), "months_around_change": around, "axis": data.axis,
    }  # fmt: skip
    parts = result_parts(
        study, courses.frame, tables=tables, notes=list(care_notes(care, study)),
        parameters=parameters, level=level, computed={"stable": emulation.stable},
    )  # fmt: skip
    return FewerAgencies(emulation=emulation, **parts)


def first_fewer(care: CareMonths, at_most: int) -> FloatArray:
    """The first month with at most so many agencies after one with more; infinite where there is none.

    Parameters
    ----------
    care : CareMonths
    at_most : int

    Returns
    -------
    ndarray, shape (units,)
    """
    agencies = care.rows["agencies"].to_numpy(dtype=float)
    first_many = first_time(care, agencies > at_most)
    return first_time(care, (agencies <= at_most) & (care.month > first_many[care.unit]))


def _trial_data(
    study: Study,
    care: CareMonths,
    courses: Courses,
    event: FloatArray,
    at_most: int,
    *,
    protocol: TrialProtocol,
    scores: Scores,
) -> TrialData:
    """What is emulated: a start is the first month with few agencies; waves with more are eligible."""
    came_down = np.flatnonzero(np.isfinite(event))
    units = care.units.iloc[came_down]
    begins = care.begin_of(came_down, event[came_down])
    starts = units[KEYS].assign(months=begins, code="fewer_agencies")
    data = trial_data(study, courses, starts, protocol=protocol, scores=scores)
    return replace(data, eligible=_eligible(care, courses, at_most))


def _eligible(care: CareMonths, courses: Courses, at_most: int) -> BoolArray:
    """Waves in a month in which more than so many agencies are involved, shape (waves,)."""
    many = care.wide((care.rows["agencies"] > at_most).astype(float).where(care.rows["agencies"].notna()))
    unit = care.unit_of(courses.rows)
    safe = np.maximum(unit, 0)
    month = care.month_of(safe, courses.rows["months"].to_numpy(dtype=float)).astype(np.intp)
    inside = (unit >= 0) & (month >= 0) & (month < care.n_months)
    found = np.zeros(len(unit), dtype=bool)
    found[inside] = many[unit[inside], month[inside]] == 1
    return found


def _of_one_strategy(table: ResultTable) -> ResultTable:
    """A table of target trials under a name of its own, without the column of interventions."""
    columns = tuple(column for column in table.columns if column.name != "intervention")
    return ResultTable(f"agencies_{table.name}", table.data.drop(columns="intervention"), columns=columns)


def _around(
    care: CareMonths, event: FloatArray, at_most: int, around: int, level: float
) -> list[tuple[str, EventStudy]]:
    """Scores around the first month with few agencies, beside families who still have more."""
    agencies = care.rows["agencies"].to_numpy(dtype=float)
    many = first_time(care, agencies > at_most)
    scores = care.scores()
    values = np.full((len(care.units), care.n_months + around), np.nan)
    inside = scores["month"].to_numpy() < values.shape[1]
    mine = scores[inside]
    values[mine["unit"].to_numpy(), mine["month"].to_numpy()] = mine["score"].to_numpy(dtype=float)
    values[~np.isfinite(many)] = np.nan
    at_risk = np.arange(values.shape[1]) > many[:, None]
    if not np.isfinite(event).any():
        return []
    return [("score", follow_event(care, values, event, around=around, at_risk=at_risk, level=level))]
