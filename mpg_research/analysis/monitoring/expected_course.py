"""What course is expected of a family like this one, from a model fitted on other families only.

Tables of :class:`ExpectedCourse` (beside ``sample_flow``)
---------------------------------------------------------
- ``waves`` (one row per wave; never shown in reports): organisation, wave, months, score, expected, band_low,
  band_high (given the intake score and case mix), deviation (score minus expected, in standard deviations),
  standing ("better", "within", "worse"; empty at intake).
- ``bands`` (one row per course and month; never shown): months, expected, band_low, band_high.
- ``forecasts`` (one row per course and month ahead; never shown): months, ahead, estimate, band_low,
  band_high, given all waves so far.
- ``calibration(months, level, coverage, mean_deviation)``: how often scores of left-out families fell inside
  their bands.
- ``folds(n_folds, by)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd
from scipy.special import ndtri

from mpg_research.analysis.columns import MONTHS, N_MEASUREMENTS, coded, observed, observed_share, tally
from mpg_research.analysis.families.courses import COURSE_KEYS, Courses, read_courses
from mpg_research.analysis.growth.estimate_tables import describe_parameters, study_notes
from mpg_research.analysis.monitoring.expectation_model import (
    Fold,
    code_case_mix,
    cross_fit,
    make_folds,
)
from mpg_research.analysis.monitoring.expectation_scores import first_rows, forecast, given_intake
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    family_table,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import ConfigError, Note
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["ExpectedCourse", "curves_of", "expected_course", "expected_waves", "fit_folds"]

_LEVELS = (0.5, 0.8, 0.95)
_BINS = (3.0, 6.0, 9.0, 12.0, 18.0, np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCourse(Result):
    """What :func:`expected_course` found; its tables are described in the module's docstring.

    Attributes
    ----------
    band : float
        Share of families like this one that the band is to hold.
    folds : tuple of Fold
        The models, each with the courses that were left out of it.
    """

    band: float
    folds: tuple[Fold, ...] = field(repr=False)
    kind: ClassVar[str] = "expected_course"


def expected_course(
    study: Study,
    *,
    band: float = 0.8,
    ahead: Sequence[float] = (1.0, 2.0, 3.0),
    case_mix: tuple[str, ...] | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> ExpectedCourse:
    """Where each family stands beside what is expected of families with its intake score and case mix.

    Parameters
    ----------
    study : Study
        A loaded study.
    band : float
        Share of the families like this one whose scores the band is to hold.
    ahead : sequence of float
        Months after the last wave to forecast.
    case_mix : tuple of str, optional
        Columns of ``episodes`` to expect by; by default those of ``study.toml``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Kept for the result; the bands have their own level.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    ExpectedCourse
        Tables ``waves``, ``bands``, ``forecasts``, ``calibration``, ``folds`` and ``sample_flow``
        (the module says what each holds; some are there only where the study has what they need).

    Raises
    ------
    ConfigError
        If ``band`` or ``ahead`` is impossible.
    ModelError
        If the other families cannot carry a growth model.

    Notes
    -----
    ``score ~ spline(months) + x + months:x + (1 + months + log(1 + months) | family)``, fitted without the
    family's own organisation (with one organisation: without its tenth of the families; with more than
    thirty: without the sixth of the organisations that its own is in); ``months:x`` only
    where there are 50 other families or more per column of the case mix. Swings around a family's course
    have a continuous-time autoregression where the waves show it. The band at month t is the conditional
    normal distribution of a score given the intake score: mean x'b + z'E[b | y_0] plus what is left of the
    intake's swing, variance that of the course and of the swing to come, plus that of the fixed effects
    (:meth:`mpg_research.statistics.forecasts.own_curve_prediction.RunningEffects.score_at`). Forecasts
    condition on all waves so far.

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis import expected_course
    >>> from mpg_research.study import shipped_example
    >>> found = expected_course(load_study(shipped_example()))
    >>> calibration = found.tables["calibration"].data
    >>> calibration[calibration["months"] == 6].set_index("level")["coverage"].round(2).to_dict()
    {0.5: 0.49, 0.8: 0.79, 0.95: 0.96}
    """
    if not 0 < band < 1:
        raise ConfigError(f"band = {band}; expected a share between 0 and 1.")
    if not ahead or min(ahead) <= 0:
        raise ConfigError(f"ahead = {list(ahead)}; expected months after the last wave, above 0.")
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    (scores,) = gather(older, scores)
    courses = read_courses(study, scores=scores, case_mix=names)
    folds, by = fit_folds(courses)
    waves = expected_waves(courses, folds, band=band)
    bands, forecasts = curves_of(courses, folds, waves, band, tuple(float(month) for month in ahead))
    converged = all(fold.model.converged for fold in folds)
    tables = [
        _family_table("waves", waves, ("wave",), _WAVE_VALUES),
        _family_table("bands", bands, ("months",), ("expected", "band_low", "band_high")),
        _family_table("forecasts", forecasts, ("ahead",), ("months", "estimate", "band_low", "band_high")),
        _calibration(waves),
        _pooled("folds", pd.DataFrame({"by": [by], "n_folds": [len(folds)]}), courses.units),
        sample_flow_table(courses.frame.flow),
    ]
    parameters = describe_parameters(
        study, courses.frame, band=band, ahead=list(ahead), folds=by, level=level
    )
    return ExpectedCourse(
        band=band,
        folds=folds,
        tables=collect_tables(tables),
        flow=courses.frame.flow,
        notes=(
            *study_notes(study, courses.frame.instrument, courses.frame.outcome),
            *courses.notes,
            *_notes(by, folds),
        ),
        provenance=provenance_of(
            study, parameters=parameters, instrument=courses.frame.instrument, outcome=courses.frame.outcome
        ),
        level=level,
        converged=converged,
    )


_WAVE_VALUES = ("months", "score", "expected", "band_low", "band_high", "deviation", "standing")


def fit_folds(courses: Courses) -> tuple[tuple[Fold, ...], str]:
    """Models of the other organisations (or families), and what the folds were made by."""
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    part, by = make_folds(courses.units)
    return cross_fit(rows, columns, part[courses.rows["course"].to_numpy()]), by


def expected_waves(courses: Courses, folds: Sequence[Fold], *, band: float) -> pd.DataFrame:
    """Each wave beside its band given the intake score, with its deviation and standing."""
    expected, variance = given_intake(courses.rows, folds)
    rows = courses.rows
    half = float(ndtri(0.5 + band / 2)) * np.sqrt(variance)
    score = rows["score"].to_numpy(dtype=float)
    deviation = (score - expected) / np.sqrt(variance)
    sign = improvement_sign(courses.instrument.direction)
    limit = float(ndtri(0.5 + band / 2))
    standing = np.select([sign * deviation > limit, sign * deviation < -limit], ["better", "worse"], "within")
    intake = rows["wave"].to_numpy() == 0
    return rows.assign(
        expected=expected,
        variance=variance,
        band_low=expected - half,
        band_high=expected + half,
        deviation=np.where(intake, np.nan, deviation),
        standing=np.where(intake, "", standing),
    )


def curves_of(
    courses: Courses, folds: Sequence[Fold], waves: pd.DataFrame, band: float, ahead: tuple[float, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bands month by month given intake, and forecasts given all waves, of every course."""
    z = float(ndtri(0.5 + band / 2))
    last_month = float(np.ceil(waves["months"].max() + max(ahead)))
    grid = np.arange(0.0, last_month + 0.5)
    first = first_rows(courses.rows)
    bands, forecasts = [], []
    for fold in folds:
        rows = fold.data
        place = np.flatnonzero(rows["wave"].to_numpy() == 0)
        final = np.r_[place[1:], len(rows)] - 1
        who = rows.iloc[place][[*COURSE_KEYS, "organisation"]]
        start = np.searchsorted(fold.rows, first[fold.rows])[place]
        for month in grid:
            at = np.full(len(place), month)
            mean, sd = forecast(fold.model, fold.effects, start, fold.model.matrix(rows, at, place), at)
            bands.append(
                who.assign(months=at, expected=mean, band_low=mean - z * sd, band_high=mean + z * sd)
            )
        for step in ahead:
            at = rows["months"].to_numpy(dtype=float)[final] + step
            mean, sd = forecast(fold.model, fold.effects, final, fold.model.matrix(rows, at, final), at)
            forecasts.append(
                who.assign(
                    ahead=step, months=at, estimate=mean, band_low=mean - z * sd, band_high=mean + z * sd
                )
            )
    order = [*COURSE_KEYS, "months"]
    return (
        pd.concat(bands).sort_values(order, kind="stable", ignore_index=True),
        pd.concat(forecasts).sort_values(order, kind="stable", ignore_index=True),
    )


def _family_table(
    name: str, data: pd.DataFrame, extra: tuple[str, ...], values: tuple[str, ...]
) -> ResultTable:
    keys = (*COURSE_KEYS, "organisation", *extra)
    own = tuple(value for value in values if value not in keys)
    return family_table(name, data.reset_index(drop=True), keys=keys, values=own)


def _pooled(name: str, data: pd.DataFrame, units: pd.DataFrame) -> ResultTable:
    counted = data.assign(
        n_families=units["family"].nunique(), n_organisations=units["organisation"].nunique()
    )
    return ResultTable(name, counted, columns=(coded("by"), tally("n_folds")))


def _calibration(waves: pd.DataFrame) -> ResultTable:
    """Coverage of the bands by month, on families that the model had not seen."""
    later = waves[waves["wave"] > 0]
    rows = []
    low = 0.0
    for high in _BINS:
        mine = later[(later["months"] > low) & (later["months"] <= high)]
        low = high
        if mine.empty:
            continue
        for level in _LEVELS:
            inside = mine["deviation"].abs() <= float(ndtri(0.5 + level / 2))
            rows.append(
                (high if np.isfinite(high) else float(np.ceil(mine["months"].max())), level,
                 float(inside.mean()), float(mine["deviation"].mean()), len(mine),
                 mine["family"].nunique(), mine["organisation"].nunique())
            )  # fmt: skip
    values = ("coverage", "mean_deviation", "n_measurements")
    data = pd.DataFrame(rows, columns=["months", "level", *values, "n_families", "n_organisations"])
    columns = (
        MONTHS, coded("level"), observed_share("coverage", of="n_measurements"), observed("mean_deviation"),
        N_MEASUREMENTS,
    )  # fmt: skip
    return ResultTable("calibration", data, columns=columns)


def _notes(by: str, folds: Sequence[Fold]) -> list[Note]:
    notes = []
    if by == "families":
        text = "With one organisation, each tenth of the families was expected from the others."
        notes.append(Note("folds_by_family", text, {}, "caution"))
    return notes
