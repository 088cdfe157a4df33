"""The course of one family, for the talk with that family. Never part of a report.

Tables of :class:`FamilyProfile`; every one is about a single family (``unit="family"``)
---------------------------------------------------------------------------------------
- ``waves``: respondent, wave, months, score, error_low, error_high (measurement error, within the scale),
  and what ``signals`` says of it: expected, band_low, band_high, standing, answer (strict), at_limit, chance,
  limit, line_chance, still_limit, no_better_chance, worse_chance, improving_chance, signal.
- ``bands``: respondent, months, expected, band_low, band_high.
- ``forecasts``: respondent, ahead, months, estimate, band_low, band_high.
- ``summary``: respondent, n_waves, first_score, last_score, change, category (reliable change), answer,
  standing, at_limit, waves_needed, signal, since (month of the first wave of the unbroken row of calls), and
  the chances at the last wave.
- ``since_before``: respondent, and of the last two waves: months, score, signal, no_better_chance, each also
  as ``..._before``; moved (larger than the error of a difference: "better", "worse", else "same").
- ``moments``: episode, months, what (intervention, event, worker_change, decision), code, reason.
- ``earlier``: episode, months, months_end (earlier periods of help).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.families.choices import (
    DEFAULT_ERROR,
    DEFAULT_MARGIN,
    CourseKeywords,
    ErrorModel,
    Margin,
)
from mpg_research.analysis.families.course_error import (
    margin_of,
)
from mpg_research.analysis.families.courses import COURSE_KEYS, Courses, read_courses, result_parts
from mpg_research.analysis.families.score_error import ErrorSource, measurement_error
from mpg_research.analysis.monitoring.signals import Signals, signals
from mpg_research.analysis.result import Result, ResultTable, collect_tables, family_table
from mpg_research.analysis.talk.called import CHANCES, called_since, since_before
from mpg_research.analysis.talk.every_wave import curves_of_courses, look_at_every_wave, part_of
from mpg_research.analysis.talk.history import family_history
from mpg_research.analysis.talk.strict import strict_answers_only
from mpg_research.errors import ConfigError, DataError, ModelError, Note
from mpg_research.frames import each_row
from mpg_research.languages import languages
from mpg_research.statistics.change.reliable_change import (
    ChangeMethod,
    improvement_sign,
    reliable_change_index,
)
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather, refuse_parts

__all__ = ["FamilyProfile", "describe_family"]

_Z = 1.959963984540054
_OF_A_WAVE = (
    "wave", "months", "score", "error_low", "error_high", "expected", "band_low", "band_high", "standing",
    "answer", "at_limit", *CHANCES, "signal",
)  # fmt: skip
_NO_BANDS = pd.DataFrame(columns=["respondent", "months", "expected", "band_low", "band_high"])
_NO_FORECASTS = pd.DataFrame(columns=["respondent", "ahead", "months", "estimate", "band_low", "band_high"])


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyProfile(Result):
    """What :func:`describe_family` found. Sensitive: it is about one family.

    Attributes
    ----------
    family : str
        The family's id in the study.
    episode : str
    instrument_name : str
    higher_is_worse : bool
    score_range : (float, float) or None
        Lowest and highest possible score; None for T-scores.
    delta, period : float
        The margin: points per months below which a course counts as standing still.
    unit : mapping of str to tuple of str
        Whom the study is about, per language, if not families: one, more, and the Dutch article.
    ahead, recent : float
        How far the chance of a score no better looks ahead, and "improving" back.
    own_codes : mapping of str to mapping
        Words of the study's own interventions and events, per code and language.
    """

    family: str
    episode: str
    instrument_name: str
    higher_is_worse: bool
    score_range: tuple[float, float] | None
    delta: float
    period: float
    unit: Mapping[str, tuple[str, str, str]]
    ahead: float
    recent: float
    own_codes: Mapping[str, Mapping[str, str]]
    kind: ClassVar[str] = "family_profile"


def describe_family(
    study: Study,
    family: str,
    *,
    episode: str | None = None,
    band: float = 0.8,
    margin: Margin = DEFAULT_MARGIN,
    error: ErrorModel = DEFAULT_ERROR,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    known: Signals | None = None,
    **older: Unpack[CourseKeywords],
) -> FamilyProfile:
    """The course of one family: its scores with their error, what was expected, and the answer in force.

    The answer is the signal of :func:`mpg_research.analysis.signals` at the last wave, with its chances: the
    page can say nothing else than the tables of the study do.

    Parameters
    ----------
    study : Study
        A loaded study.
    family : str
        The family's id in the study.
    episode : str, optional
        Its period of help; by default the last one with a score.
    band : float
        Share of families like this one whose scores the expected band is to hold.
    margin, error, level
        As in :func:`mpg_research.analysis.course`.
    known : Signals, optional
        The study's signals where they are known already, made with the same choices.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. All respondents and periods of the family are read.
    **older
        Parts of `scores`, `error` and `margin` as keywords of their own: ``instrument``, ``outcome``,
        ``reliability``, ``sd``, ``delta``, ``period``.

    Returns
    -------
    FamilyProfile
        Tables ``waves``, ``bands``, ``forecasts`` and ``summary``.

    Raises
    ------
    ConfigError
        If the study has no such family (other ids are not listed: they are personal data).
    DataError
        If the family has no score in the course of help.
    """
    scores, error, margin = gather(older, scores, error, margin)
    refuse_parts(error, "error_sd", why="a family's page shows the error that this study itself shows.")
    refuse_parts(scores, "respondents", "episodes", why="all that is known of the family is read.")
    if family not in set(study.tables["episodes"]["family"].astype(str)):
        raise ConfigError(
            f"The study {study.name} has no family {family!r}. Look the id up in the table of episodes."
        )
    names = tuple(study.config.analysis.case_mix)
    everything = replace(scores, respondents="both", episodes="all")
    courses = read_courses(study, scores=everything, case_mix=names)
    chosen = _chosen(courses, family, episode)
    notes: list[Note] = [*courses.notes]
    found = known
    if found is None:
        try:
            found = signals(study, scores=scores, error=error, margin=margin, band=band, level=level)
        except (ModelError, DataError) as problem:
            text = f"There is no expected course: {problem}"
            notes.append(Note("no_expected_course", text, {}, "caution"))
    source = measurement_error(study, courses, error) if found is None else found.answers.error
    delta, period = margin_of(source, margin), margin.months
    waves, needed = strict_answers_only(courses, chosen, source, delta, period, level)
    raw = courses.frame.outcome == "raw"
    ends = (courses.instrument.raw_minimum, courses.instrument.raw_maximum) if raw else None
    bands, forecasts = _NO_BANDS, _NO_FORECASTS
    if found is not None:
        needed = found.answers.needed.stagnating
        every = look_at_every_wave(found, study, scores=scores)
        waves = every.waves[every.waves["course"].isin(chosen["course"])].reset_index(drop=True)
        mine = part_of(every.courses, chosen["course"].to_numpy())
        bands, forecasts = curves_of_courses(found, mine, band=band, ahead=(1.0, 2.0, 3.0))
        bands = bands[bands["months"] <= float(waves["months"].max()) + 3]
    for name, side in (("error_low", -1), ("error_high", 1)):
        waves[name] = (waves["score"] + side * _Z * source.sem).clip(*(ends or (None, None)))
    # the model knows no ends of the scale; a family reads its page
    waves, bands, forecasts = (_within(frame, ends) for frame in (waves, bands, forecasts))
    method = study.config.analysis.change_method
    summary = _summary(courses, chosen, waves, source, method, needed, level)
    sign = improvement_sign(courses.instrument.direction)
    history = family_history(study, courses, family, str(chosen["episode"].iloc[0]))
    tables = [
        _table("waves", waves[[*COURSE_KEYS, *_OF_A_WAVE]], ("respondent", "wave")),
        _table("bands", bands, ("respondent", "months")),
        _table("forecasts", forecasts, ("respondent", "ahead")),
        _table("summary", summary, ("respondent",)),
        _table(
            "since_before",
            since_before(waves, sign=sign, error=_Z * np.sqrt(2) * source.sem),
            ("respondent",),
        ),
        _table("moments", history.moments.assign(family=family), ("episode", "months", "what", "code")),
        _table("earlier", history.earlier.assign(family=family), ("episode", "months")),
    ]
    questionnaire, talk = courses.instrument, study.config.talk if found is None else found.talk
    parameters = {"band": band, "delta": delta, "period": period, **source.described}
    parts = result_parts(
        study, courses.frame, tables=(), notes=[*notes, *source.notes], parameters=parameters, level=level
    )
    words = study.config.vocabularies
    return FamilyProfile(
        family=family,
        episode=str(chosen["episode"].iloc[0]),
        instrument_name=questionnaire.abbreviation,
        higher_is_worse=questionnaire.direction == "higher_is_worse",
        score_range=ends,
        delta=delta,
        period=period,
        unit=study.config.study.unit_words,
        ahead=talk.ahead,
        recent=talk.recent,
        own_codes={
            f"{kind}.{code}": {language: text.in_language(language) for language in languages()}
            for kind, listed in (("intervention", words.interventions), ("event", words.events))
            for code, text in listed.items()
        },
        converged=found is None or found.converged,
        # Without the sample flow: every table is about this family.
        **{**parts, "tables": collect_tables(tables)},
    )


def _chosen(courses: Courses, family: str, episode: str | None) -> pd.DataFrame:
    """The family's courses in the period of help asked for, one row per respondent."""
    mine = courses.units[courses.units["family"] == family]
    if mine.empty:
        raise DataError(
            f"Family {family} has no score in the course of help (or a case-mix value is missing), so there "
            "is no course to show."
        )
    if episode is None:
        latest = courses.rows[courses.rows["family"] == family]
        episode = str(sorted(latest["episode"].unique())[-1])
    found = mine[mine["episode"] == episode]
    if found.empty:
        raise ConfigError(f"Family {family} has no scores in the period of help {episode!r}.")
    return found


def _within(frame: pd.DataFrame, ends: tuple[float, float] | None) -> pd.DataFrame:
    """With expected scores and limits kept to the scale."""
    if ends is None:
        return frame
    found = [name for name in ("expected", "estimate", "band_low", "band_high") if name in frame]
    return frame.assign(**{name: frame[name].clip(*ends) for name in found})


def _summary(
    courses: Courses,
    chosen: pd.DataFrame,
    waves: pd.DataFrame,
    error: ErrorSource,
    method: ChangeMethod,
    needed: int | None,
    level: float,
) -> pd.DataFrame:
    first = courses.rows.groupby("course")["score"].first()
    last = courses.rows.groupby("course")["score"].last()
    several = (courses.units.set_index("course")["n_waves"] > 1).reindex(first.index)
    category = reliable_change_index(
        first.to_numpy(dtype=float), last.where(several).to_numpy(dtype=float), reliability=error.reliability,
        method=method, sd=error.sd if error.sd > 0 else None, direction=courses.instrument.direction,
        level=level,
    ).category  # fmt: skip
    by_course = pd.Series(category, index=first.index)
    rows = []
    for unit in each_row(chosen):
        mine = waves[waves["course"] == unit.course]
        end = mine.iloc[-1]
        rows.append(
            (unit.family, unit.episode, unit.respondent, unit.organisation, len(mine), mine["score"].iloc[0],
             end["score"], end["score"] - mine["score"].iloc[0], by_course[unit.course], end["answer"],
             end["standing"], end["at_limit"], np.nan if needed is None else float(needed), end["signal"],
             called_since(mine), *(end[name] for name in CHANCES))
        )  # fmt: skip
    names = [
        *COURSE_KEYS, "organisation", "n_waves", "first_score", "last_score", "change", "category", "answer",
        "standing", "at_limit", "waves_needed", "signal", "since", *CHANCES,
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _table(name: str, data: pd.DataFrame, keys: tuple[str, ...]) -> ResultTable:
    values = tuple(
        column
        for column in data.columns
        if column not in (*keys, *COURSE_KEYS, "organisation", "worker", "course")
    )
    return family_table(name, data.reset_index(drop=True), keys=keys, values=values)
