"""Per wave, from the data up to then: on track, stagnating, or off track.

Tables of :class:`Signals` (beside ``sample_flow``)
--------------------------------------------------
- ``waves`` (one row per wave; never shown in reports): organisation, wave, months, score, expected, band_low,
  band_high, standing, answer, risk (chance that some months on the score is no better than at intake), signal
  ("intake", "on_track", "stagnating", "off_track").
- ``shares(class, ...)`` and ``shares_by_organisation(organisation, class, ...)``: signals at the last wave.
- ``shares_by_month(months, class, ...)``: at the last wave up to a month, of courses still measured then.
- ``ever(class, ...)``: courses that were ever off track, ever stagnating, or neither.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.alarm_rules import AHEAD, risk_of_waves
from mpg_research.analysis.course_error import DELTA_MONTHS
from mpg_research.analysis.course_of_families import HALF_TIME, CourseOfFamilies, course
from mpg_research.analysis.courses import COURSE_KEYS, read_courses
from mpg_research.analysis.expectation import expected_waves, fit_folds
from mpg_research.analysis.expectation_model import Fold
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.analysis.shares import share_rows, share_table
from mpg_research.analysis.tables import FEW_FAMILIES
from mpg_research.errors import ConfigError
from mpg_research.statistics.reliable_change import improvement_sign
from mpg_research.study.model import Study

__all__ = ["SIGNALS", "Signals", "signals"]

SIGNALS = ("on_track", "stagnating", "off_track")
_MONTHS = (3.0, 6.0, 9.0, 12.0, 18.0)
_STILL_MEASURED = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals(Result):
    """What :func:`signals` found; its tables are described in the module's docstring.

    Attributes
    ----------
    answers : CourseOfFamilies
        The answers behind "stagnating" and "reliable deterioration".
    folds : tuple of Fold
        The models behind the expected bands.
    """

    answers: CourseOfFamilies = field(repr=False)
    folds: tuple[Fold, ...] = field(repr=False)
    kind: ClassVar[str] = "signals"


def signals(
    study: Study,
    *,
    band: float = 0.8,
    ahead: float = AHEAD,
    delta: float | None = None,
    period: float = DELTA_MONTHS,
    half_time: float = HALF_TIME,
    error_sd: float | None = None,
    reliability: float | str | None = None,
    case_mix: tuple[str, ...] | None = None,
    instrument: str | None = None,
    outcome: str | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    level: float = 0.95,
) -> Signals:
    """Give every wave a signal.

    Parameters
    ----------
    study : Study
    band : float
        Share of families like this one whose scores the expected band is to hold.
    ahead : float
        Months that ``risk`` looks ahead.
    delta, period, half_time, error_sd, reliability, level
        As in :func:`mpg_research.analysis.course`.
    case_mix : tuple of str, optional
        Columns of ``episodes`` to expect by; by default those of ``study.toml``.
    instrument, outcome, respondents, episodes : str, optional
        Which scores; by default as ``study.toml`` says.

    Returns
    -------
    Signals

    Notes
    -----
    Off track: the score lies on the worse side of the expected band (given intake and case mix, from other
    organisations), or the course shows a reliable deterioration. Stagnating: shown to stand still, not at
    the best possible score. A wave uses the family's own waves up to then only.
    """
    if not ahead > 0:
        raise ConfigError(f"ahead = {ahead}; expected a positive number of months.")
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    courses = read_courses(
        study,
        instrument=instrument,
        outcome=outcome,
        respondents=respondents,
        episodes=episodes,
        case_mix=names,
    )
    answers = course(
        study, delta=delta, period=period, half_time=half_time, error_sd=error_sd, reliability=reliability,
        instrument=instrument, outcome=outcome, respondents=respondents, episodes=episodes, level=level,
    )  # fmt: skip
    folds, by = fit_folds(courses)
    waves = expected_waves(courses, folds, band=band)
    sign = improvement_sign(courses.instrument.direction)
    risk = np.full(len(waves), np.nan)
    for fold in folds:
        risk[fold.rows] = risk_of_waves(fold, sign=sign, margin=0.0, ahead=ahead)
    keys = [*COURSE_KEYS, "months"]
    given = answers.tables["waves"].data[[*keys, "answer", "at_limit"]]
    waves = waves.assign(risk=risk).merge(given, on=keys, how="left", validate="one_to_one")
    waves["signal"] = _signal(waves)
    last = waves.groupby("course").tail(1)
    last = last[last["wave"] > 0]
    tables = [
        _wave_table(waves),
        share_table("shares", share_rows(last, "signal", SIGNALS, level=level), keys=("class",)),
        share_table(
            "shares_by_organisation",
            share_rows(last, "signal", SIGNALS, by=("organisation",), level=level),
            keys=("organisation", "class"),
        ),
        _by_month(waves, level),
        _ever(waves, level),
        sample_flow_table(courses.frame.flow),
    ]
    parameters = {
        **answers.provenance.parameters,
        "case_mix": list(courses.frame.case_mix),
        "band": band,
        "ahead": ahead,
        "folds": by,
        "n_folds": len(folds),
    }
    return Signals(
        answers=answers,
        folds=folds,
        tables=collect_tables(tables),
        flow=courses.frame.flow,
        notes=answers.notes,
        provenance=provenance_of(
            study, parameters=parameters, instrument=courses.frame.instrument, outcome=courses.frame.outcome
        ),
        level=level,
        converged=all(fold.model.fit.converged for fold in folds),
    )


def _signal(waves: pd.DataFrame) -> pd.Series:
    worse = waves["answer"].isin(["deteriorating", "deteriorating_less_than_delta"])
    off = (waves["standing"] == "worse") | worse
    still = (waves["answer"] == "stagnating") & (waves["at_limit"] != "best")
    found = np.select([waves["wave"] == 0, off, still], ["intake", "off_track", "stagnating"], "on_track")
    return pd.Series(found, index=waves.index)


def _wave_table(waves: pd.DataFrame) -> ResultTable:
    keys = (*COURSE_KEYS, "organisation", "wave")
    values = (
        "months", "score", "expected", "band_low", "band_high", "standing", "answer", "at_limit", "risk",
        "signal",
    )  # fmt: skip
    return ResultTable(
        "waves", waves[[*keys, *values]].assign(n_families=1), keys=keys, values=values,
        organisation_columns=("organisation",), unit="family",
    )  # fmt: skip


def _by_month(waves: pd.DataFrame, level: float) -> ResultTable:
    pieces = []
    for month in _MONTHS:
        known = waves[(waves["months"] <= month) & (waves["wave"] > 0)].groupby("course").tail(1)
        known = known[known["months"] >= month - _STILL_MEASURED]
        if known["family"].nunique() >= FEW_FAMILIES:
            pieces.append(share_rows(known, "signal", SIGNALS, level=level).assign(months=month))
    empty = share_rows(waves.iloc[:0], "signal", SIGNALS, level=level).assign(months=0.0).iloc[:0]
    data = pd.concat(pieces or [empty], ignore_index=True)
    return share_table("shares_by_month", data, keys=("months", "class"))


def _ever(waves: pd.DataFrame, level: float) -> ResultTable:
    order = {"intake": 0, "on_track": 0, "stagnating": 1, "off_track": 2}
    words = {0: "neither", 1: "ever_stagnating", 2: "ever_off_track"}
    worst = waves["signal"].map(order).groupby(waves["course"]).max().map(words)
    units = waves.drop_duplicates("course").set_index("course").assign(ever=worst)
    followed = waves.groupby("course")["wave"].max() > 0
    data = share_rows(units[followed], "ever", tuple(words.values()), level=level)
    return share_table("ever", data, keys=("class",))
