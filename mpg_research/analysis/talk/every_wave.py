"""Every wave of every respondent and period of help, by the models, limits and words of ``signals``.

``signals`` looks at the scores that ``study.toml`` chooses, by default the first period of help and the
declared respondent. A page about one family, and who is due for a talk, need the second parent and later
periods as well. They are looked at by the same models, which never saw the family's own organisation, and by
the same limits; waves that ``signals`` has are taken over as they are. So a page can say nothing else than
the tables do.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.families.course_error import at_limit
from mpg_research.analysis.families.courses import COURSE_KEYS, Courses, read_courses
from mpg_research.analysis.monitoring.end_forecast import chance_of_waves
from mpg_research.analysis.monitoring.expectation_model import Fold, apply_model, code_case_mix, make_folds
from mpg_research.analysis.monitoring.expected_course import curves_of, expected_waves
from mpg_research.analysis.monitoring.foretold import model_parts
from mpg_research.analysis.monitoring.rules import score_step, signal_of
from mpg_research.analysis.monitoring.signals import Signals
from mpg_research.analysis.monitoring.wave_chances import chances_at
from mpg_research.arrays import FloatArray
from mpg_research.frames import each_row
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.statistics.courses.course_answer import course_answers
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores

__all__ = ["EveryWave", "curves_of_courses", "look_at_every_wave"]


@dataclass(frozen=True, slots=True)
class EveryWave:
    """All courses of a study with their signals.

    Attributes
    ----------
    courses : Courses
        Of all respondents and periods of help.
    waves : DataFrame
        One row per wave, in the order of ``courses.rows``, with the columns of the table ``waves`` of
        :class:`~mpg_research.analysis.monitoring.signals.Signals` and ``course``.
    """

    courses: Courses
    waves: pd.DataFrame


def look_at_every_wave(found: Signals, study: Study, *, scores: Scores = AS_CONFIGURED) -> EveryWave:
    """Signals and chances of all respondents and periods of help.

    Parameters
    ----------
    found : Signals
        Of the same study and scores.
    study : Study
        A loaded study.
    scores : Scores, optional
        As ``found`` was made with; respondents and episodes are all read.
    """
    names = found.courses.frame.case_mix
    everything = read_courses(
        study, scores=replace(scores, respondents="both", episodes="all"), case_mix=names
    )
    keys = [*COURSE_KEYS, "wave"]
    known = found.tables["waves"].data
    columns = [name for name in known if name not in (*keys, "organisation", "months", "score", "n_families")]
    inside = pd.MultiIndex.from_frame(found.courses.units[list(COURSE_KEYS)])
    outside = ~pd.MultiIndex.from_frame(everything.units[list(COURSE_KEYS)]).isin(inside)
    looked = [known[[*keys, *columns]]]
    if outside.any():
        others = part_of(everything, everything.units["course"].to_numpy()[outside])
        looked.append(_by_known_models(found, others)[[*keys, *columns]])
    waves = everything.rows.merge(pd.concat(looked, ignore_index=True), on=keys, how="left")
    return EveryWave(everything, waves)


def part_of(courses: Courses, chosen: NDArray[np.int_]) -> Courses:
    """Some of the courses, numbered anew from 0.

    Parameters
    ----------
    courses : Courses
    chosen : ndarray of int
        Numbers of the courses.
    """
    number = {course: place for place, course in enumerate(sorted(chosen))}
    frames = []
    for frame in (courses.rows, courses.units):
        mine = frame[frame["course"].isin(number)].reset_index(drop=True)
        frames.append(mine.assign(course=mine["course"].map(number)))
    return replace(courses, rows=frames[0], units=frames[1])


def curves_of_courses(
    found: Signals, courses: Courses, *, band: float, ahead: tuple[float, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bands month by month and forecasts of these courses, by the models of ``found``.

    Parameters
    ----------
    found : Signals
    courses : Courses
        Numbered from 0.
    band : float
        Share of families like these that a band is to hold.
    ahead : tuple of float
        Months after the last wave to forecast.
    """
    folds = _band_folds(found, courses)
    return curves_of(courses, folds, expected_waves(courses, folds, band=band), band, ahead)


def _coded(found: Signals, courses: Courses) -> pd.DataFrame:
    return code_case_mix(courses.rows, courses.frame.case_mix, like=found.courses.rows)[0]


def _band_folds(found: Signals, courses: Courses) -> tuple[Fold, ...]:
    """The courses, each with the model of the expected band that left its organisation (or tenth) out."""
    by_label = {fold.label: fold.model for fold in found.folds}
    labels = _parts_by(make_folds, found, courses)
    return _folds(_coded(found, courses), labels, by_label)


def _parts_by(
    split: Callable[[pd.DataFrame], tuple[NDArray[np.str_], str]], found: Signals, courses: Courses
) -> NDArray[np.str_]:
    """The part of each course: that of its organisation among the courses of ``found``, or by its family."""
    parts, by = split(found.courses.units)
    if by == "families":
        return split(courses.units.assign(organisation="one"))[0]
    home = dict(zip(found.courses.units["organisation"], parts, strict=True))
    return np.array([home.get(name, "") for name in courses.units["organisation"]])


def _folds(rows: pd.DataFrame, labels: NDArray[np.str_], models: dict) -> tuple[Fold, ...]:  # type: ignore[type-arg]
    # an organisation or part without any course of its own has no model: every model leaves it out
    usual = next(iter(models))
    chosen = np.array([label if label in models else usual for label in labels])[rows["course"].to_numpy()]
    found = []
    for label in sorted(set(chosen)):
        places = np.flatnonzero(chosen == label)
        found.append(apply_model(models[label], rows.iloc[places], str(label), places))
    return tuple(found)


def _by_known_models(found: Signals, courses: Courses) -> pd.DataFrame:
    """Waves of courses that ``found`` does not hold, as if it did."""
    facts, foretold = found.provenance.parameters, found.foretold
    sign = improvement_sign(courses.instrument.direction)
    step = score_step(foretold.rows["score"])
    waves = expected_waves(courses, _band_folds(found, courses), band=facts["band"])
    labels = _parts_by(model_parts, found, courses)
    limits = _limit_of_part(found)
    columns = (
        "chance",
        "line_chance",
        "no_better_chance",
        "worse_chance",
        "improving_chance",
        "limit",
        "still_limit",
    )
    values = {name: np.full(len(waves), np.nan) for name in columns}
    for fold in _folds(_coded(found, courses), labels, dict(foretold.models)):
        ends = foretold.ends[fold.label]
        bad = chance_of_waves(
            fold, sign=sign, margin=found.margin, step=step, ends=ends, ahead=facts["ahead"]
        )
        told = chances_at(fold, sign=sign, step=step, ahead=found.talk.ahead, recent=found.talk.recent)
        no_better = found.maps[fold.label].apply(told.no_better)
        numbers = (bad.score, bad.line, no_better, told.worse, told.improving, *limits[fold.label])
        for name, value in zip(columns, numbers, strict=True):
            values[name][fold.rows] = value
    waves = waves.assign(**values, **_answers(found, courses), at_limit=at_limit(courses))
    return signal_of(waves, facts["rule"], sign=sign, on_track=facts["on_track"])


def _limit_of_part(found: Signals) -> dict[str, tuple[float, float]]:
    """The limits on the chance and on the line's chance, by part."""
    keys = [*COURSE_KEYS, "wave"]
    rows = found.courses.rows[keys].assign(part=found.foretold.part)
    waves = rows.merge(found.tables["waves"].data[[*keys, "limit", "still_limit"]], on=keys)
    return {
        str(row.part): (float(row.limit), float(row.still_limit))
        for row in each_row(waves.drop_duplicates("part"))
    }


def _answers(found: Signals, courses: Courses) -> dict[str, FloatArray]:
    """The strict answers, with the error and the swings that the answers of ``found`` were given with."""
    strict, facts = found.answers, found.provenance.parameters
    months, scores = courses.padded()
    place = courses.rows["course"].to_numpy(), courses.rows["wave"].to_numpy()
    known = strict.tables["waves"].data
    by_month = known.groupby(np.floor(known["months"] + 1e-9))["error_sd"].first().sort_index()
    whole = np.floor(courses.rows["months"].to_numpy(dtype=float) + 1e-9)
    at = np.searchsorted(by_month.index.to_numpy(dtype=float), whole, "right") - 1
    errors = np.where(at >= 0, by_month.to_numpy(dtype=float)[np.maximum(at, 0)], np.nan)
    table = np.full(months.shape, np.nan)
    table[place] = errors
    answered = course_answers(
        months, scores, error_sd=table, delta=strict.delta, period=strict.period, level=found.level,
        half_time=facts["half_time"], direction=courses.instrument.direction, swings=strict.swings,
    )  # fmt: skip
    return {"answer": answered.answer[place], "slope": answered.slope[place]}
