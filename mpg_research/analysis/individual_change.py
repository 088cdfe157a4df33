"""Who changed reliably between two moments, and what share of the families that is.

Tables of :class:`IndividualChange` (beside ``sample_flow``)
-----------------------------------------------------------
- ``families`` (one row per family, episode and respondent; never shown in reports): organisation,
  months_pre, months_post, pre, post, change, index, category, class, percentage, percentage_class,
  important_class, reason.
- ``shares(approach, class, ...)`` and ``shares_by_organisation(organisation, approach, class, ...)``: shares
  within the group, with Wilson intervals (conf_low, conf_high) and intervals that allow for families sharing
  a worker (clustered_low, clustered_high). Approaches: ``reliable`` (the method asked for), ``five_classes``
  (with a cut-off), ``percentage`` and ``important`` (where thresholds were given).
- ``merged(class, ...)``: reliable change with small classes taken together.
- ``methods(method, class, ...)``: the three classes by each of the six methods.
- ``group_change(approach, estimate, std_error, df, conf_low, conf_high, class)`` and the same
  ``_by_organisation``: mean change and its class.
- ``thresholds(method, std_error, critical, threshold)``: error and smallest reliable change, in points.
- ``not_computable(reason)``: families without an answer, and why.
- ``respondents(class, ...)``: with both respondents, how far two parents agree.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from mpg_research.analysis.courses import Courses, ErrorSource, measurement_error, read_courses
from mpg_research.analysis.frame import BASELINE_MONTHS
from mpg_research.analysis.individual_change_tables import (
    THREE_CLASSES,
    family_table,
    group_tables,
    method_table,
    reason_table,
    share_tables,
    threshold_table,
)
from mpg_research.analysis.result import Result, collect_tables, provenance_of, sample_flow_table
from mpg_research.analysis.shares import agreement_table, merged_rows, share_table
from mpg_research.analysis.tables import describe_parameters, study_notes
from mpg_research.errors import ConfigError, Note
from mpg_research.statistics.clinical_classes import (
    classify_change,
    clinical_cutoff,
    important_change,
    percentage_change,
    true_score_functional,
)
from mpg_research.statistics.reliable_change import (
    CHANGE_METHODS,
    ChangeMethod,
    Direction,
    ReliableChangeIndex,
    reliable_change_index,
)
from mpg_research.study.model import Study

__all__ = ["IndividualChange", "reliable_change"]

_METHODS: tuple[ChangeMethod, ...] = ("JT", "GLN", "HLL", "EN", "NK", "HA")
_BETTER, _WORSE = ("recovered", "improved"), ("deteriorated", "harmed")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndividualChange(Result):
    """What :func:`reliable_change` found; its tables are described in the module's docstring.

    Attributes
    ----------
    error : ErrorSource
        The reliability in force, with its source.
    index : ReliableChangeIndex
        Of the method asked for, in the order of ``tables["families"]``.
    cutoff : float or None
        Score between the functional and the clinical range.
    """

    error: ErrorSource
    index: ReliableChangeIndex
    cutoff: float | None
    kind: ClassVar[str] = "individual_change"


def reliable_change(
    study: Study,
    *,
    method: ChangeMethod = "JT",
    reliability: float | str | None = None,
    reliability_post: float | None = None,
    month: float | None = None,
    tolerance: float = 1.5,
    functional: tuple[float, float] | None = None,
    clinical: tuple[float, float] | None = None,
    cutoff: Literal["a", "b", "c"] | float | None = None,
    percentage: float | None = None,
    percentage_worse: float | None = None,
    important: float | None = None,
    important_worse: float | None = None,
    instrument: str | None = None,
    outcome: str | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    level: float = 0.95,
) -> IndividualChange:
    """Judge each family's change from intake to a later moment.

    Parameters
    ----------
    study : Study
        A loaded study.
    method : {"JT", "GLN", "HLL", "EN", "NK", "HA"}
        See :func:`mpg_research.statistics.reliable_change.reliable_change_index`.
    reliability : float or {"published", "estimated"}, optional
        By default the instrument's published coefficient, else alpha of this study.
    reliability_post : float, optional
        At the later moment, for method "NK".
    month : float, optional
        The later moment: the wave nearest to it, at most ``tolerance`` away. By default the last wave.
    tolerance : float
        In months.
    functional, clinical : (mean, sd), optional
        Of a functional and a clinical reference group, in points, with a source of your own. The clinical
        group is by default this study's families at intake.
    cutoff : {"a", "b", "c"} or float, optional
        By default "c" where a functional group is given; otherwise no five classes are made.
    percentage, percentage_worse : float, optional
        Share of the intake score from which a change counts (0.5 is 50 %); raw scores only. Counted
        from the lowest possible score.
    important, important_worse : float, optional
        Minimal important difference in points, from an anchor study.
    instrument, outcome, respondents, episodes : str, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Of reliable change and of all intervals.

    Returns
    -------
    IndividualChange

    Raises
    ------
    ConfigError
        If a number or choice is impossible.

    Notes
    -----
    Intake is the first wave within a month of the start. Families without one, or without a later wave,
    are counted as not computable.

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis import reliable_change
    >>> from mpg_research.study import shipped_example
    >>> found = reliable_change(load_study(shipped_example()))  # doctest: +SKIP
    >>> found.tables["shares"].data[["class", "estimate"]]  # doctest: +SKIP
    """
    courses = read_courses(
        study, instrument=instrument, outcome=outcome, respondents=respondents, episodes=episodes
    )
    error = measurement_error(study, courses, reliability)
    _check_choices(courses, method, percentage)
    units = _two_moments(courses, month, tolerance)
    pre, post = units["pre"].to_numpy(dtype=float), units["post"].to_numpy(dtype=float)
    direction = courses.instrument.direction
    try:
        indices = {
            name: reliable_change_index(
                pre,
                post,
                reliability=error.reliability,
                method=name,
                reliability_post=reliability_post,
                direction=direction,
                level=level,
            )
            for name in _METHODS
        }
        chosen = indices[method]
        limit = _cutoff(cutoff, functional, clinical, units, direction)
        sem = _pair_error(units, error) if method == "HA" else 0.0
        between_true = _cutoff(cutoff, functional, clinical, units, direction, sem)
        units = units.assign(change=chosen.change, index=chosen.index, category=chosen.category)
        units["class"] = _five(units, limit, between_true, chosen, sem, direction)
        share, classes = np.full(len(units), np.nan), np.full(len(units), "", dtype=object)
        units = units.assign(percentage=share, percentage_class=classes, important_class=classes)
        if percentage is not None:
            origin = courses.instrument.raw_minimum
            units["percentage"], units["percentage_class"] = percentage_change(
                pre, post, improvement=percentage, deterioration=percentage_worse, origin=origin,
                direction=direction,
            )  # fmt: skip
        if important is not None:
            units["important_class"] = important_change(
                pre, post, improvement=important, deterioration=important_worse, direction=direction
            )
    except ValueError as problem:
        raise ConfigError(f"Reliable change cannot be computed: {problem}.") from problem
    units["reason"] = _reasons(units)
    approaches = _approaches(limit, percentage, important)
    thresholds = (percentage, percentage_worse, important, important_worse)
    tables = [
        family_table(units),
        *share_tables(units, approaches, level),
        share_table("merged", merged_rows(units, "category", THREE_CLASSES, level=level), keys=("class",)),
        method_table(units, indices, level),
        *group_tables(units, thresholds, direction, level),
        threshold_table(units, indices),
        reason_table(units),
        sample_flow_table(courses.frame.flow),
    ]
    if courses.frame.respondents == "both":
        tables.append(agreement_table(_answered(units, "category"), "category", _BETTER, _WORSE, level))
    parameters = describe_parameters(
        study, courses.frame, method=method, method_name=CHANGE_METHODS[method],
        reliability=error.reliability, reliability_origin=error.origin, reliability_kind=error.kind,
        reliability_source=error.source, month=month, cutoff=limit,
        percentage=percentage, important=important, threshold=chosen.threshold, level=level,
    )  # fmt: skip
    notes = [
        *study_notes(study, courses.frame.instrument, courses.frame.outcome),
        *courses.notes,
        *_notes(units, chosen, courses),
    ]
    return IndividualChange(
        error=error,
        index=chosen,
        cutoff=limit,
        tables=collect_tables(tables),
        flow=courses.frame.flow,
        notes=tuple(notes),
        provenance=provenance_of(
            study,
            parameters=parameters,
            instrument=courses.frame.instrument,
            outcome=courses.frame.outcome,
        ),
        level=level,
    )


def _check_choices(courses: Courses, method: str, percentage: float | None) -> None:
    if method not in CHANGE_METHODS:
        raise ConfigError(f"method = {method!r}; expected one of {', '.join(CHANGE_METHODS)}.")
    if percentage is not None and courses.frame.outcome != "raw":
        raise ConfigError(
            "A percentage of a T-score means nothing, since a T-score has no zero. Use outcome='raw', or "
            "leave percentage out."
        )


def _two_moments(courses: Courses, month: float | None, tolerance: float) -> pd.DataFrame:
    """Intake and later wave of each course; NaN where there is none."""
    rows = courses.rows
    intake = rows[(rows["wave"] == 0) & (rows["months"] <= BASELINE_MONTHS)]
    later = rows[rows["wave"] > 0]
    if month is None:
        chosen = later.groupby("course").tail(1)
    else:
        distance = (later["months"] - month).abs()
        near = later.assign(distance=distance)[distance <= tolerance]
        chosen = near.sort_values(["course", "distance", "months"]).drop_duplicates("course")
    before = intake[["course", "months", "score"]].rename(columns={"months": "months_pre", "score": "pre"})
    after = chosen[["course", "months", "score"]].rename(columns={"months": "months_post", "score": "post"})
    return courses.units.merge(before, on="course", how="left").merge(after, on="course", how="left")


def _cutoff(
    cutoff: str | float | None,
    functional: tuple[float, float] | None,
    clinical: tuple[float, float] | None,
    units: pd.DataFrame,
    direction: Direction,
    error: float = 0.0,
) -> float | None:
    """The cut-off asked for; between true scores where the error is taken out."""
    if cutoff is None and functional is None:
        return None
    if isinstance(cutoff, int | float):
        return float(cutoff)
    both = units[units["pre"].notna() & units["post"].notna()]["pre"]
    own = (float(both.mean()), float(both.std(ddof=1))) if len(both) > 1 else None
    kind: Literal["a", "b", "c"] = "c" if cutoff is None else cutoff  # type: ignore[assignment]
    return clinical_cutoff(
        kind,
        clinical=clinical or own,
        functional=functional,
        direction=direction,
        std_error_of_measurement=error,
    )


def _pair_error(units: pd.DataFrame, error: ErrorSource) -> float:
    """Standard error of measurement with the spread of the complete pairs."""
    both = units[units["pre"].notna() & units["post"].notna()]
    return float(both["pre"].std(ddof=1) * np.sqrt(1 - error.reliability)) if len(both) > 1 else 0.0


def _five(
    units: pd.DataFrame,
    limit: float | None,
    between_true: float | None,
    chosen: ReliableChangeIndex,
    sem: float,
    direction: Direction,
) -> pd.Series:
    if limit is None or between_true is None:
        return units["category"]
    functional = None
    both = units[units["pre"].notna() & units["post"].notna()]
    if chosen.method == "HA" and sem > 0:
        functional = true_score_functional(
            units["post"], cutoff=between_true, std_error_of_measurement=sem,
            mean_post=float(both["post"].mean()), sd_post=float(both["post"].std(ddof=1)),
            direction=direction, critical=chosen.critical,
        )  # fmt: skip
    found = classify_change(
        units["category"], units["pre"], units["post"], cutoff=limit, direction=direction,
        functional_post=functional,
    )  # fmt: skip
    return pd.Series(found, index=units.index)


def _reasons(units: pd.DataFrame) -> pd.Series:
    """Why there is no answer; empty where there is one."""
    reasons = np.select(
        [
            units["category"] != "not_computable",
            units["n_waves"] < 2,
            units["pre"].isna(),
            units["post"].isna(),
        ],
        ["", "one_wave", "no_intake_score", "no_later_score"],
        "no_spread_of_scores",
    )
    return pd.Series(reasons, index=units.index)


def _approaches(limit: float | None, percentage: float | None, important: float | None) -> dict[str, str]:
    found = {"reliable": "category"}
    if limit is not None:
        found["five_classes"] = "class"
    if percentage is not None:
        found["percentage"] = "percentage_class"
    if important is not None:
        found["important"] = "important_class"
    return found


def _answered(units: pd.DataFrame, column: str) -> pd.DataFrame:
    return units[units[column] != "not_computable"]


def _notes(units: pd.DataFrame, chosen: ReliableChangeIndex, courses: Courses) -> list[Note]:
    notes = []
    without = int((units["category"] == "not_computable").sum())
    if without:
        text = f"{without} of {len(units)} courses have no answer: see the table of reasons."
        notes.append(Note("not_computable", text, {"n_courses": without, "n_all": len(units)}))
    if chosen.n_pairs and bool((units["category"] == "not_computable").all()):
        text = "Reliable change is not defined here: the scores do not spread beyond their error."
        notes.append(Note("no_spread_of_scores", text, {}, "caution"))
    if courses.frame.outcome == "raw":
        instrument = courses.instrument
        ends = units["pre"].isin([instrument.raw_minimum, instrument.raw_maximum])
        if ends.any():
            text = (
                f"{int(ends.sum())} courses start at the lowest or highest possible score, from where change "
                "is possible in one direction only."
            )
            notes.append(Note("floor_or_ceiling", text, {"n_courses": int(ends.sum())}, "caution"))
    return notes
