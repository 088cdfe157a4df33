"""Who changed reliably between two moments, and what share of the families that is.

Tables of :class:`IndividualChange` (beside ``sample_flow``)
-----------------------------------------------------------
- ``families`` (one row per family, episode and respondent; never shown in reports): organisation,
  months_pre, months_post, pre, post, change, index, category, class, crossed_class, percentage,
  percentage_class, important_class, reason.
- ``shares(approach, direction, class, ...)`` and ``shares_by_organisation(organisation, ...)``: shares
  within the group, with Wilson intervals (conf_low, conf_high) and intervals that allow for families sharing
  a worker (clustered_low, clustered_high). Approaches: ``reliable`` (the method asked for), ``five_classes``
  and ``crossed`` (with a cut-off; the latter whatever the error), ``percentage`` and ``important`` (where
  thresholds were given).
- ``merged(class, ...)``: reliable change with small classes taken together.
- ``methods(method, class, ...)``: the three classes by each of the six methods.
- ``group_change(approach, estimate, std_error, df, conf_low, conf_high, class)`` and the same
  ``_by_organisation``: mean change and its class.
- ``true_shares(quantity, estimate)``: Hageman and Arrindell's group level, the estimated shares that truly
  improved (truly_improved) and, with a cut-off, that truly function (truly_functional).
- ``thresholds(method, std_error, critical, threshold, share_in_error)``: error and smallest reliable change,
in
  points, and the share of unchanged families that a method calls changed.
- ``not_computable(reason)``: families without an answer, and why.
- ``respondents(class, ...)``: with both respondents, how far two parents agree.
"""

from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.families.change_tables import (
    THREE_CLASSES,
    course_table,
    group_tables,
    method_table,
    reason_table,
    share_tables,
    threshold_table,
    true_share_table,
)
from mpg_research.analysis.families.choices import (
    DEFAULT_ERROR,
    NO_THRESHOLDS,
    NOT_BY_WAVE,
    ChangeKeywords,
    ErrorModel,
    Thresholds,
)
from mpg_research.analysis.families.courses import Courses, read_courses, result_parts
from mpg_research.analysis.families.score_error import ErrorSource, measurement_error
from mpg_research.analysis.families.shares import agreement_table, merged_rows, share_table
from mpg_research.analysis.families.two_moments import reasons_of, two_moments
from mpg_research.analysis.result import Result
from mpg_research.errors import ConfigError, Note
from mpg_research.statistics.change.change_thresholds import important_change, percentage_change
from mpg_research.statistics.change.clinical_change import ClinicalChange, clinical_change
from mpg_research.statistics.change.reliable_change import (
    CHANGE_METHODS,
    ChangeMethod,
    Direction,
    ReliableChangeIndex,
    reliable_change_index,
)
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather, refuse_parts

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
        Score between the functional and the clinical range (true scores for Hageman-Arrindell).
    """

    error: ErrorSource
    index: ReliableChangeIndex
    cutoff: float | None
    kind: ClassVar[str] = "individual_change"


def reliable_change(
    study: Study,
    *,
    method: ChangeMethod | None = None,
    error: ErrorModel = DEFAULT_ERROR,
    reliability_post: float | None = None,
    month: float | None = None,
    tolerance: float = 1.5,
    thresholds: Thresholds = NO_THRESHOLDS,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ChangeKeywords],
) -> IndividualChange:
    """Judge each family's change from intake to a later moment.

    Parameters
    ----------
    study : Study
        A loaded study.
    method : {"JT", "GLN", "HLL", "EN", "NK", "HA"}, optional
        See :func:`mpg_research.statistics.change.reliable_change.reliable_change_index`. By default the
        study's own definition (``change_method`` in ``study.toml``, "JT" if it says nothing): the same on
        every page.
    error : ErrorModel, optional
        How exact a score is: reliability and the spread it belongs to. With a number as reliability and no
        ``sd``, the spread is that of the intake scores of the families with both scores.
    reliability_post : float, optional
        At the later moment, for method "NK".
    month : float, optional
        The later moment: the wave nearest to it, at most ``tolerance`` away. By default the last wave.
    tolerance : float
        In months.
    thresholds : Thresholds, optional
        Cut-offs, percentages and minimal important differences beside the error of the scores.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Of reliable change and of all intervals.
    **older
        Parts of `scores`, `error` and `thresholds` as keywords of their own:
        ``instrument``, ``outcome``, ``respondents``, ``episodes``,
        ``reliability``, ``sd``,
        ``functional``, ``clinical``, ``cutoff``,
        ``percentage``, ``percentage_worse``, ``important``, ``important_worse``.

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
    scores, error, thresholds = gather(older, scores, error, thresholds)
    refuse_parts(error, "error_sd", why=NOT_BY_WAVE)
    courses = read_courses(study, scores=scores)
    source = measurement_error(study, courses, error)
    method = study.config.analysis.change_method if method is None else method
    spread = source.sd if (source.origin != "given" or error.sd is not None) and source.sd > 0 else None
    _check_choices(courses, method, thresholds)
    units = two_moments(courses, month, tolerance)
    pre, post = units["pre"].to_numpy(dtype=float), units["post"].to_numpy(dtype=float)
    direction = courses.instrument.direction
    try:
        found = clinical_change(
            pre, post, reliability=source.reliability, method=method, reliability_post=reliability_post,
            functional=thresholds.functional, clinical=thresholds.clinical, cutoff=thresholds.cutoff,
            sd=spread, direction=direction, level=level,
        )  # fmt: skip
        indices = {
            name: reliable_change_index(
                pre, post, reliability=source.reliability, method=name, reliability_post=reliability_post,
                sd=spread, direction=direction, level=level,
            )
            for name in _METHODS
        }  # fmt: skip
        units = _with_classes(units, found, thresholds, courses.instrument.raw_minimum, direction)
        groups = group_tables(units, thresholds, direction, level)
    except ValueError as problem:
        raise ConfigError(f"Reliable change cannot be computed: {problem}.") from problem
    tables = [
        course_table(units),
        *share_tables(units, _approaches(found, thresholds), level),
        share_table(
            "merged",
            merged_rows(
                units,
                "category",
                THREE_CLASSES,
                minimum=study.config.disclosure.minimum_families,
                level=level,
            ),
        ),
        method_table(units, indices, level),
        *groups,
        true_share_table(units, found),
        threshold_table(units, indices),
        reason_table(units),
    ]
    if courses.frame.respondents == "both":
        answered = units[units["category"] != "not_computable"]
        tables.append(agreement_table(answered, "category", _BETTER, _WORSE, level))
    parameters = {
        "method": method, "method_name": CHANGE_METHODS[method], **source.described, "month": month,
        "percentage": thresholds.percentage, "important": thresholds.important,
    }  # fmt: skip
    computed = {**source.numbers, "cutoff": found.cutoff, "threshold": found.reliable.threshold}
    return IndividualChange(
        error=source,
        index=found.reliable,
        cutoff=found.cutoff,
        **result_parts(
            study,
            courses.frame,
            tables=tables,
            notes=[*courses.notes, *source.notes, *_notes(units, found.reliable, indices["HA"], courses)],
            parameters=parameters,
            computed=computed,
            level=level,
        ),
    )


def _with_classes(
    units: pd.DataFrame,
    found: ClinicalChange,
    thresholds: Thresholds,
    origin: float,
    direction: Direction,
) -> pd.DataFrame:
    """The courses with their classes by every approach asked for; "" by an approach that was not."""
    reliable = found.reliable
    units = units.assign(
        change=reliable.change, index=reliable.index, category=reliable.category,
        crossed_class="" if found.cutoff is None else found.crossed, percentage=np.nan,
        percentage_class="", important_class="",
    )  # fmt: skip
    units["class"] = found.five_classes
    if thresholds.percentage is not None:
        units["percentage"], units["percentage_class"] = percentage_change(
            units["pre"], units["post"], improvement=thresholds.percentage,
            deterioration=thresholds.percentage_worse,
            origin=origin, direction=direction,
        )  # fmt: skip
    if thresholds.important is not None:
        units["important_class"] = important_change(
            units["pre"], units["post"], improvement=thresholds.important,
            deterioration=thresholds.important_worse,
            direction=direction,
        )  # fmt: skip
    units["reason"] = reasons_of(units, reliable.method)
    return units


def _check_choices(courses: Courses, method: str, thresholds: Thresholds) -> None:
    if method not in CHANGE_METHODS:
        raise ConfigError(f"method = {method!r}; expected one of {', '.join(CHANGE_METHODS)}.")
    if thresholds.percentage is not None and courses.frame.outcome != "raw":
        raise ConfigError(
            "A percentage of a T-score means nothing, since a T-score has no zero. Use outcome='raw', or "
            "leave percentage out."
        )


def _approaches(found: ClinicalChange, thresholds: Thresholds) -> dict[str, str]:
    approaches = {"reliable": "category"}
    if found.cutoff is not None:
        approaches |= {"five_classes": "class", "crossed": "crossed_class"}
    if thresholds.percentage is not None:
        approaches["percentage"] = "percentage_class"
    if thresholds.important is not None:
        approaches["important"] = "important_class"
    return approaches


def _notes(
    units: pd.DataFrame, chosen: ReliableChangeIndex, arrindell: ReliableChangeIndex, courses: Courses
) -> list[Note]:
    notes = []
    without = int((units["category"] == "not_computable").sum())
    if without:
        text = f"{without} of {len(units)} courses have no answer: see the table of reasons."
        notes.append(Note("not_computable", text, {"n_courses": without, "n_all": len(units)}))
    none = chosen.n_pairs > 0 and bool((units["category"] == "not_computable").all())
    if none and chosen.method != "HA":
        text = "Reliable change is not defined here: the scores at the start do not spread."
        notes.append(Note("no_spread_of_scores", text, {}, "caution"))
    elif arrindell.n_pairs > 1 and not arrindell.std_error > 0:
        text = (
            "The method of Hageman and Arrindell gives no answer: the changes of the families differ no more "
            "than "
            "the error of two scores alone would make them."
        )
        notes.append(Note("no_spread_of_changes", text, {}, "caution" if none else "info"))
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
