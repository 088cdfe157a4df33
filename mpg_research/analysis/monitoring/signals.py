"""Per wave, from the data up to then: off track, may stand still, on track, or "we cannot tell yet".

Tables of :class:`Signals` (beside ``sample_flow``)
--------------------------------------------------
- ``waves`` (one row per wave; never shown in reports): organisation, wave, months, score, expected, band_low,
  band_high, standing, answer, at_limit, chance (of a bad end), limit (of the chance), line_chance (of a bad
  end of the family's own line), still_limit (of that chance), no_better_chance, worse_chance,
  improving_chance (:mod:`~mpg_research.analysis.monitoring.wave_chances`), beyond_band, deteriorating (the
  reasons a practitioner can see), signal ("intake", "off_track", "may_stand_still", "on_track",
  "cannot_tell").
- ``shares(class, ...)`` and ``shares_by_organisation(organisation, class, ...)``: signals at the last wave.
- ``shares_by_month(months, class, ...)``: at the last wave up to a month, of courses still measured then.
- ``ever(class, ...)``: courses that were ever off track; else that may ever have stood still; else ever on
  track; or never any of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Unpack

import numpy as np

from mpg_research.analysis.columns import CLASS, EACH_ORGANISATION
from mpg_research.analysis.families.choices import (
    DEFAULT_ERROR,
    DEFAULT_MARGIN,
    CourseKeywords,
    ErrorModel,
    Margin,
)
from mpg_research.analysis.families.courses import COURSE_KEYS, Courses, read_courses
from mpg_research.analysis.families.direction import HALF_TIME, CourseOfFamilies, course
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.monitoring.expectation_model import Fold
from mpg_research.analysis.monitoring.expected_course import expected_waves, fit_folds
from mpg_research.analysis.monitoring.foretold import EndForecast, foretell
from mpg_research.analysis.monitoring.limits import chance_limits, still_limits
from mpg_research.analysis.monitoring.rules import (
    LEAST_SCORES,
    SIGNALS,
    Rule,
    Target,
    outcome_margin,
    signal_of,
)
from mpg_research.analysis.monitoring.shares import ever_table, shares_by_month, wave_table
from mpg_research.analysis.monitoring.wave_chances import folds_of_parts, learn_maps, wave_chances
from mpg_research.analysis.once import once
from mpg_research.analysis.result import Result, collect_tables, provenance_of, sample_flow_table
from mpg_research.errors import ConfigError, Note
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.statistics.forecasts.calibration import Recalibration
from mpg_research.study.config.talk import TalkConfig
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather

__all__ = [
    "FALSE_ALARMS",
    "LEAST_SCORES",
    "ON_TRACK",
    "SIGNALS",
    "Rule",
    "Signals",
    "signals",
]

#: Our own choice: of the families whose help ends well, one in five may ever be called off track.
FALSE_ALARMS = 0.2
#: Our own choice: on track means that the scores so far go the right way, that the family's own line ends
#: badly with no more than this chance,
ON_TRACK = 0.1
#: z of a two-sided 95 % test, as the smallest reliable change is defined with.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals(Result):
    """What :func:`signals` found; its tables are described in the module's docstring.

    Attributes
    ----------
    answers : CourseOfFamilies
        The strict answers behind "shown to stand still" and "reliable deterioration".
    folds : tuple of Fold
        The models behind the expected bands.
    foretold : EndForecast
        The chances of a bad end, and what their limits were learnt from.
    courses : Courses
        The scores behind all of it.
    margin : float
        Improvement in points up to which an end counts as bad.
    seen : tuple of Fold
        The waves with the models that their chances come from.
    maps : mapping of str to Recalibration
        How the chance of a score no better than now was moved, by part.
    talk : TalkConfig
        The settings in force of how far chances look, and of when a course may be standing still.
    """

    answers: CourseOfFamilies = field(repr=False)
    folds: tuple[Fold, ...] = field(repr=False)
    foretold: EndForecast = field(repr=False)
    courses: Courses = field(repr=False)
    margin: float
    seen: tuple[Fold, ...] = field(repr=False)
    maps: Mapping[str, Recalibration] = field(repr=False)
    talk: TalkConfig
    kind: ClassVar[str] = "signals"


@once
def signals(
    study: Study,
    *,
    rule: Rule = "chance",
    target: Target = "no_gain",
    false_alarms: float = FALSE_ALARMS,
    on_track: float = ON_TRACK,
    ahead: float | None = None,
    band: float = 0.8,
    margin: Margin = DEFAULT_MARGIN,
    half_time: float = HALF_TIME,
    talk: TalkConfig | None = None,
    error: ErrorModel = DEFAULT_ERROR,
    case_mix: tuple[str, ...] | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[CourseKeywords],
) -> Signals:
    """Give every wave a signal.

    Parameters
    ----------
    study : Study
        A loaded study.
    rule : {"chance", "band"}
        What puts a wave off track: its chance of a bad end reaches a limit (the default: it tells apart
        better, see ``benchmarks/signals.md``), or the score lies on the worse side of the expected band or
        the course shows a reliable deterioration.
    target : {"no_gain", "deteriorated", "not_improved"}
        The bad end: last score no better than at intake, reliably worse, or not reliably better.
    false_alarms : float
        The limit is the lowest at which, in the other organisations, no more than this share of the families
        whose help ended well was ever off track.
    on_track : float
        A wave is on track where there are three scores or more so far, the straight line through them goes
        the right way, and the chance that the family's own line ends badly is no larger than this.
        Everything that is neither off nor on track, and may not stand still, is "cannot_tell".
    ahead : float, optional
        Months that the chance looks ahead; by default the time to go is learnt from the other organisations.
    band : float
        Share of families like this one whose scores the expected band is to hold.
    margin, half_time, error, level
        As in :func:`mpg_research.analysis.course`.
    talk : TalkConfig, optional
        How far chances look, and when a course may be standing still; by default ``[talk]`` of
        ``study.toml``.
    case_mix : tuple of str, optional
        Columns of ``episodes`` to expect by; by default those of ``study.toml``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    **older
        Parts of `scores`, `error` and `margin` as keywords of their own:
        ``instrument``, ``outcome``, ``respondents``, ``episodes``,
        ``reliability``, ``sd``, ``error_sd``,
        ``delta``, ``period``.

    Returns
    -------
    Signals
        Tables ``waves``, ``shares``, ``shares_by_organisation``, ``shares_by_month``, ``ever``,
        ``sample_flow`` and ``settings`` (the module says what each holds; some are there only
        where the study has what they need).

    Notes
    -----
    The chance comes from a growth model of the other organisations (with more than six of them: of other
    groups of organisations; with fewer than three: of other families), given the waves of the family so far;
    see :func:`mpg_research.analysis.monitoring.end_forecast.chance_of_waves`. Limits are learnt there too,
    from courses that are over, by nested cross-validation. May stand still: not off track, three scores or
    more, not at the best possible score, and a chance that the family's own line ends no better that reaches
    a limit of its own, learnt so that in the other organisations at most one in five
    (``talk.still_alarms``) of the courses that ended well is called at its measurement around month 4
    (``talk.still_month``; see :func:`~mpg_research.analysis.monitoring.limits.still_limits`);
    or shown to stand still or to deteriorate
    by the strict answers. On track asks more than a low chance that the *last score* is no
    better than the first: whoever scored badly at intake by chance has that too, though nothing changes. It
    asks what the scores say of the family's own line, without the swings and errors of single scores
    (``line_chance``); and since that leans on other families, the family's own scores must go the right way
    as well. A wave uses the family's own waves up to then only.

    Examples
    --------
    >>> from mpg_research import load_study, signals
    >>> from mpg_research.study import shipped_example
    >>> found = signals(load_study(shipped_example()))
    >>> {"off_track", "on_track"} <= set(found.tables["shares"].data["class"])
    True
    """
    scores, error, margin = gather(older, scores, error, margin)
    if ahead is not None and not ahead > 0:
        raise ConfigError(f"ahead = {ahead}; expected a positive number of months.")
    if not 0 < false_alarms < 1:
        raise ConfigError(f"false_alarms = {false_alarms}; expected a share between 0 and 1.")
    if not 0 < on_track < 1:
        raise ConfigError(f"on_track = {on_track}; expected a chance between 0 and 1.")
    if target not in ("no_gain", "deteriorated", "not_improved"):
        raise ConfigError(f"target = {target!r}; expected no_gain, deteriorated or not_improved.")
    if rule not in ("chance", "band"):
        raise ConfigError(f"rule = {rule!r}; expected chance or band.")
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    courses = read_courses(study, scores=scores, case_mix=names)
    answers = course(study, scores=scores, error=error, margin=margin, half_time=half_time, level=level)
    folds, by = fit_folds(courses)
    waves = expected_waves(courses, folds, band=band)
    enough = outcome_margin(target, _Z * float(np.sqrt(2)) * answers.error.sem)
    foretold, ends_known = foretell(study, courses, folds, margin=enough, ahead=ahead)
    limits, learnt = chance_limits(foretold, false_alarms)
    chosen = study.config.talk if talk is None else talk
    still, still_learnt = still_limits(
        foretold, limits, share=chosen.still_alarms, month=chosen.still_month, least_scores=LEAST_SCORES
    )
    sign = improvement_sign(courses.instrument.direction)
    look = {"sign": sign, "ahead": chosen.ahead, "recent": chosen.recent}
    seen = folds_of_parts(foretold)
    maps = learn_maps(foretold, seen, **look)
    chances = wave_chances(foretold, seen, maps, **look)
    keys = [*COURSE_KEYS, "months"]
    given = answers.tables["waves"].data[[*keys, "answer", "at_limit", "slope"]]
    waves = waves.assign(
        chance=foretold.chance, limit=limits, line_chance=foretold.line_chance, still_limit=still,
        no_better_chance=chances.no_better, worse_chance=chances.worse, improving_chance=chances.improving,
    )  # fmt: skip
    waves = waves.merge(given, on=keys, how="left", validate="one_to_one")
    waves = signal_of(waves, rule, sign=sign, on_track=on_track)
    last = waves.groupby("course").tail(1)
    last = last[last["wave"] > 0]
    tables = [
        wave_table(waves),
        share_table("shares", share_rows(last, "signal", SIGNALS, level=level)),
        share_table(
            "shares_by_organisation",
            share_rows(last, "signal", SIGNALS, by=("organisation",), level=level),
            EACH_ORGANISATION,
            CLASS,
        ),
        shares_by_month(waves, SIGNALS, level, minimum=study.config.disclosure.minimum_families),
        ever_table(waves, level),
        sample_flow_table(courses.frame.flow),
        answers.tables["settings"],
    ]
    parameters = {
        **answers.provenance.parameters,
        "case_mix": list(courses.frame.case_mix),
        "rule": rule,
        "target": target,
        "false_alarms": false_alarms,
        "on_track": on_track,
        "least_scores": LEAST_SCORES,
        "still_alarms": chosen.still_alarms,
        "still_month": chosen.still_month,
        "score_ahead": chosen.ahead,
        "recent": chosen.recent,
        "ahead": ahead,
        "band": band,
        "folds": by,
        "parts": foretold.by,
    }
    return Signals(
        answers=answers,
        folds=folds,
        foretold=foretold,
        courses=courses,
        margin=enough,
        tables=collect_tables(tables),
        flow=courses.frame.flow,
        notes=(*answers.notes, *_notes(courses, foretold, ends_known, learnt, still_learnt)),
        seen=seen,
        maps=maps,
        talk=chosen,
        provenance=provenance_of(
            study, parameters=parameters, instrument=courses.frame.instrument, outcome=courses.frame.outcome
        ),
        level=level,
        converged=all(fold.model.converged for fold in folds),
    )


def _notes(
    courses: Courses, foretold: EndForecast, ends_known: bool, learnt: bool, still_learnt: bool
) -> list[Note]:
    notes = []
    if foretold.by == "families":
        text = "With fewer than three organisations, a sixth of the families was foretold from the others."
        notes.append(Note("foretold_by_family", text, {}, "caution"))
    n_ended = int(foretold.rows[foretold.judged]["course"].nunique())
    if ends_known:
        text = f"Limits were learnt from {n_ended} of {len(courses.units)} courses: those that are over."
        notes.append(Note("ended_courses", text, {"n_courses": n_ended, "n_all": len(courses.units)}))
    else:
        text = "Hardly any end of help is known: every course counts as over with its last score."
        notes.append(Note("ends_unknown", text, {}, "caution"))
    if not learnt:
        text = "Too few courses ended well to learn a limit from: off track means a chance of one half."
        notes.append(Note("limit_not_learnt", text, {}, "caution"))
    if not still_learnt:
        text = "Too few courses ended well to learn when one may be standing still: a chance of one half."
        notes.append(Note("still_limit_not_learnt", text, {}, "caution"))
    return notes
