"""The figures of the signals in studies simulated like this one, in which no family truly changes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpg_research.analysis.families.course_error import error_by_wave, swings_by_month
from mpg_research.analysis.families.courses import Courses
from mpg_research.analysis.families.direction import HALF_TIME
from mpg_research.analysis.monitoring.expectation_model import code_case_mix, cross_fit, make_folds
from mpg_research.analysis.monitoring.expected_course import expected_waves
from mpg_research.analysis.monitoring.foretold import EndForecast, predict_bad_end
from mpg_research.analysis.monitoring.limits import compare_rules
from mpg_research.analysis.monitoring.performance import OWN_LINE, Figure, evidence_of, figures_of
from mpg_research.analysis.monitoring.rules import Target
from mpg_research.analysis.monitoring.signals import Rule, Signals
from mpg_research.analysis.monitoring.without_change import without_change
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.statistics.courses.course_answer import WORSE, course_answers
from mpg_research.study.model import Study

__all__ = ["REPLICATES", "AsShown", "FiguresWithoutChange", "figures_without_change"]


#: Our own default: studies simulated.
REPLICATES = 10
#: Of a study with more courses than this, so many are simulated, drawn by lot.
MOST_COURSES = 400
_SEED = 9_002


@dataclass(frozen=True, slots=True, kw_only=True)
class AsShown:
    """The settings that signals were given with and are judged by, as in ``evaluate_signals``."""

    rule: Rule
    target: Target
    threshold: float
    false_alarms: float
    ahead: float | None
    band: float
    error_sd: float | None
    landmark: float


@dataclass(frozen=True, slots=True)
class FiguresWithoutChange:
    """What the simulated studies gave.

    Attributes
    ----------
    figures : list of dict
        One per study that could be judged.
    n_courses : int
        Simulated in each.
    notes : tuple of Note
    """

    figures: list[dict[Figure, float]]
    n_courses: int
    notes: tuple[Note, ...]


def figures_without_change(
    study: Study, given: Signals, asked: AsShown, *, replicates: int = REPLICATES
) -> FiguresWithoutChange:
    """Simulate studies like this one in which nobody changes, and judge the same rules in each.

    Parameters
    ----------
    study : Study
        A loaded study.
    given : Signals
        Of the real study: families, moments of measurement, missed waves and parts are kept.
    asked : AsShown
    replicates : int

    Notes
    -----
    Scores come from the study's own growth model with every change taken out
    (:class:`mpg_research.analysis.monitoring.without_change.WithoutChange`). Models, chances and limits are
    learnt anew in each simulated study, by families and organisations left out as in the real one; limits
    from chances by models without the family's own part (in the real study: without the judged part too). The
    band's figures are there only where it is the rule shown.
    """
    courses = given.courses
    if replicates <= 0:
        return FiguresWithoutChange([], 0, ())
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    raw = courses.frame.outcome == "raw"
    ends = (courses.instrument.raw_minimum, courses.instrument.raw_maximum) if raw else (-np.inf, np.inf)
    rng = np.random.default_rng(_SEED)
    some = _some(courses, np.sort(rng.permutation(len(courses.units))[:MOST_COURSES]))
    kept = some.waves
    null = without_change(rows, columns, ends).of_waves(kept)
    found = []
    for _ in range(replicates):
        scores = null.scores(rng)
        try:
            foretold = predict_bad_end(
                null.rows.assign(score=scores), columns, given.foretold.part[kept], by=given.foretold.by,
                sign=improvement_sign(courses.instrument.direction), margin=given.margin,
                ended=given.foretold.ended[kept], ahead=asked.ahead, carry_on=null.model.correlation > 0,
                nested=False,
            )  # fmt: skip
            bands = _band_alarms(some.courses, scores, given, asked) if asked.rule == "band" else None
        except ModelError:
            continue
        found += _figures(foretold, bands, asked, sign=improvement_sign(courses.instrument.direction))
    n = len(some.courses.units)
    return FiguresWithoutChange(found, n, _notes(len(found), n, len(courses.units)))


@dataclass(frozen=True, slots=True)
class _Some:
    """Some courses of a study, numbered anew, and which of all waves are theirs."""

    courses: Courses
    waves: BoolArray


def _some(courses: Courses, chosen: NDArray[np.intp]) -> _Some:
    waves = np.isin(courses.rows["course"].to_numpy(), chosen)
    rows = courses.rows[waves].reset_index(drop=True)
    rows["course"] = np.searchsorted(chosen, rows["course"].to_numpy())
    units = courses.units.iloc[chosen].reset_index(drop=True).assign(course=np.arange(len(chosen)))
    return _Some(replace(courses, rows=rows, units=units), waves)


def _band_alarms(some: Courses, scores: FloatArray, given: Signals, asked: AsShown) -> BoolArray:
    """Scores beyond the expected band, or courses that get reliably worse, at each wave."""
    courses = replace(some, rows=some.rows.assign(score=scores))
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    part, _ = make_folds(courses.units)
    folds = cross_fit(rows, columns, part[rows["course"].to_numpy()])
    beyond = expected_waves(courses, folds, band=asked.band)["standing"] == "worse"
    months, table = courses.padded()
    place = courses.rows["course"], courses.rows["wave"]
    errors = np.full(months.shape, np.nan)
    errors[place] = error_by_wave(courses, given.answers.error, asked.error_sd)
    answers = course_answers(
        months, table, error_sd=errors, delta=given.answers.delta, period=given.answers.period,
        level=given.level, half_time=HALF_TIME, direction=courses.instrument.direction,
        swings=swings_by_month(courses, asked.error_sd)[0],
    ).answer[place]  # fmt: skip
    return np.asarray(beyond | np.isin(answers, WORSE))


def _figures(
    foretold: EndForecast, bands: BoolArray | None, asked: AsShown, *, sign: float
) -> list[dict[Figure, float]]:
    """The figures of one study; none where no course can be judged."""
    if not foretold.judged.any():
        return []
    judged = foretold.only_judged()
    rows = judged.rows
    index = sign * (rows.groupby("course")["score"].transform("first") - rows["score"]).to_numpy(dtype=float)
    alarms = compare_rules(judged, index=index, threshold=asked.threshold, false_alarms=asked.false_alarms)
    if bands is not None:
        alarms["band"] = bands[foretold.judged]
    first = rows["wave"].to_numpy() == 0
    ends = {asked.target: judged.bad[first].astype(float), OWN_LINE: judged.line_bad[first]}
    values = {"chance": judged.chance, "naive": index}
    return [figures_of(evidence_of(rows, alarms, ends, values, asked.landmark))]


def _notes(n_found: int, n_courses: int, n_all: int) -> tuple[Note, ...]:
    if not n_found:
        text = "No study without change could be simulated from this one: the figures stand without it."
        return (Note("no_study_without_change", text, {}, "caution"),)
    if n_courses == n_all:
        return ()
    text = f"The studies without change were simulated with {n_courses} of the {n_all} courses, drawn by lot."
    return (Note("without_change_of_some", text, {"n_courses": n_courses, "n_all": n_all}),)
