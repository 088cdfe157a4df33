"""Sudden gains and losses between two waves.

Tables of :class:`SuddenChangesOfFamilies` (beside ``sample_flow``)
------------------------------------------------------------------
- ``steps`` (one row per sudden change; never shown in reports): organisation, kind ("gain" or "loss"),
  months_before, months_after, score_before, score_after, size, reversed.
- ``shares(kind, class, ...)`` and ``shares_by_organisation(organisation, kind, class, ...)``: families with
  and without a sudden change, among those in whom one could be judged.
- ``sizes(kind, n_steps, mean_size, sd_size, share_reversed)``; ``criteria(quantity, value)``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.columns import (
    CLASS,
    EACH_ORGANISATION,
    coded,
    number_of,
    observed,
    observed_share,
    setting,
)
from mpg_research.analysis.families.choices import (
    DEFAULT_ERROR,
    NOT_BY_WAVE,
    ErrorModel,
    ReliabilityScoreKeywords,
)
from mpg_research.analysis.families.courses import (
    COURSE_KEYS,
    Courses,
    pooled_over_courses,
    read_courses,
    result_parts,
    usual_gap,
)
from mpg_research.analysis.families.score_error import ErrorSource, measurement_error
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.result import Result, ResultTable, family_table
from mpg_research.errors import ConfigError, ModelError
from mpg_research.statistics.change.reliable_change import smallest_reliable_change
from mpg_research.statistics.change.sudden_changes import find_sudden_changes
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores, gather, refuse_parts

__all__ = ["SuddenChangesOfFamilies", "sudden_changes"]

_CLASSES = ("with", "without")
_KINDS = ("gain", "loss")
#: Waves further apart than this many times the usual distance have a missed wave between them.
_MISSED = 1.5
#: No criterion looks further than three waves away, so longer gaps need no more places.
_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SuddenChangesOfFamilies(Result):
    """What :func:`sudden_changes` found; its tables are described in the module's docstring."""

    error: ErrorSource
    cutoff: float
    kind: ClassVar[str] = "sudden_changes"


def sudden_changes(
    study: Study,
    *,
    cutoff: float | None = None,
    share: float = 0.25,
    longest_gap: float | None = None,
    error: ErrorModel = DEFAULT_ERROR,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ReliabilityScoreKeywords],
) -> SuddenChangesOfFamilies:
    """Find sudden gains and losses between successive waves.

    Parameters
    ----------
    study : Study
        A loaded study.
    cutoff : float, optional
        Least size in points; by default the reliable change (Jacobson-Truax) of the questionnaire.
    share : float
        Least size as a share of the score before, counted from the lowest possible score (raw scores
        only; a T-score has no zero, so there the criterion is left out).
    longest_gap : float, optional
        Months between two waves beyond which one was missed between them; by default one and a half times
        the usual distance. A missed wave keeps its place, as published: there is no step across it, and of
        the three waves on either side at least two must be there.
    error : ErrorModel, optional
        How exact a score is: reliability and the spread it belongs to.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Confidence level of the intervals, between 0 and 1.
    **older
        Parts of `scores` and `error` as keywords of their own:
        ``instrument``, ``outcome``, ``respondents``, ``episodes``,
        ``reliability``, ``sd``.

    Returns
    -------
    SuddenChangesOfFamilies
        Tables ``steps``, ``shares``, ``shares_by_organisation``, ``sizes``, ``criteria``,
        ``sample_flow`` and ``settings`` (the module says what each holds; some are there only
        where the study has what they need).

    Raises
    ------
    ConfigError
        If a number is impossible.

    Examples
    --------
    >>> from mpg_research import load_study, sudden_changes
    >>> from mpg_research.study import shipped_example
    >>> found = sudden_changes(load_study(shipped_example()))
    >>> sorted(set(found.tables["sizes"].data["kind"]))
    ['gain', 'loss']
    """
    scores, error = gather(older, scores, error)
    refuse_parts(error, "error_sd", why=NOT_BY_WAVE)
    courses = read_courses(study, scores=scores)
    source = measurement_error(study, courses, error)
    if cutoff is None and not source.sd > 0:
        raise ModelError(
            "The intake scores do not spread, or fewer than two families have one, so the reliable change is "
            "not known. Give cutoff or sd in points."
        )
    least = (
        smallest_reliable_change(sd=source.sd, reliability=source.reliability)
        if cutoff is None
        else float(cutoff)
    )
    gap = _MISSED * usual_gap(courses) if longest_gap is None else float(longest_gap)
    raw = courses.frame.outcome == "raw"
    origin = courses.instrument.raw_minimum if raw else 0.0
    if not (np.isfinite(least) and least >= 0 and gap > 0):
        raise ConfigError(f"cutoff = {least} and longest_gap = {gap}; expected positive numbers.")
    if not share >= 0:
        raise ConfigError(f"share = {share}; expected a share of the score before the step, 0 or more.")
    steps, judged = _find(courses, least, share if raw else 0.0, gap, origin)
    data = courses.units.assign(**{name: judged[name].to_numpy() for name in _KINDS})
    pooled = [share_rows(data, name, _CLASSES, level=level).assign(kind=name) for name in _KINDS]
    single = [
        share_rows(data, name, _CLASSES, by=("organisation",), level=level).assign(kind=name)
        for name in _KINDS
    ]
    criteria = {"cutoff": least, "share": share if raw else np.nan, "longest_gap": gap}
    tables = [
        _step_table(steps),
        share_table("shares", pd.concat(pooled, ignore_index=True), coded("kind"), CLASS),
        share_table(
            "shares_by_organisation",
            pd.concat(single, ignore_index=True),
            EACH_ORGANISATION,
            coded("kind"),
            CLASS,
        ),
        _size_table(steps),
        _criteria_table(criteria, courses),
    ]
    parameters = {"share": criteria["share"], **source.described}
    computed = {**source.numbers, **{name: criteria[name] for name in ("cutoff", "longest_gap")}}
    notes = [*courses.notes, *(source.notes if cutoff is None else ())]
    return SuddenChangesOfFamilies(
        error=source,
        cutoff=float(least),
        **result_parts(
            study,
            courses.frame,
            tables=tables,
            notes=notes,
            parameters=parameters,
            computed=computed,
            level=level,
        ),
    )


def _find(
    courses: Courses, cutoff: float, share: float, gap: float, origin: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sudden changes, and per course whether it has one ("with", "without", "" where not judged)."""
    rows = courses.rows
    who, place = rows["course"].to_numpy(), _places(courses, gap)
    shape = (len(courses.units), int(place.max()) + 1)
    scores, row_at = np.full(shape, np.nan), np.full(shape, -1)
    scores[who, place] = rows["score"].to_numpy(dtype=float) - origin
    row_at[who, place] = np.arange(len(rows))
    found = find_sudden_changes(scores, cutoff=cutoff, share=share, direction=courses.instrument.direction)
    pieces, judged = [], pd.DataFrame(index=courses.units["course"])
    for kind, values in (("gain", found.gain), ("loss", found.loss)):
        one, step = np.nonzero(values == 1)
        size, turned = found.size[one, step], found.reversed_after[one, step]
        pieces.append(_describe(rows, row_at[one, step], kind, size, turned))
        judged[kind] = np.array(["", "without", "with"], dtype=object)[_state(values)]
    return pd.concat(pieces, ignore_index=True), judged


def _places(courses: Courses, gap: float) -> NDArray[np.intp]:
    """Place of each wave in its course, with empty places for missed waves."""
    between = courses.rows.groupby("course")["months"].diff()
    missed = np.clip(np.round(between / max(usual_gap(courses), 1e-6)), 2, _PLACES)
    steps = pd.Series(np.where(between > gap, missed, 1.0), index=between.index).where(between.notna(), 0.0)
    return np.asarray(steps.groupby(courses.rows["course"]).cumsum(), dtype=np.intp)


def _state(values: NDArray[np.float64]) -> NDArray[np.int_]:
    """2 with a sudden change, 1 judged without one, 0 never judged."""
    if not values.shape[1]:
        return np.zeros(len(values), dtype=int)
    return np.where((values == 1).any(axis=1), 2, np.where((values == 0).any(axis=1), 1, 0))


def _describe(
    rows: pd.DataFrame,
    before: NDArray[np.int_],
    kind: str,
    size: NDArray[np.float64],
    turned: NDArray[np.float64],
) -> pd.DataFrame:
    one, two = rows.iloc[before].reset_index(drop=True), rows.iloc[before + 1].reset_index(drop=True)
    found = one[[*COURSE_KEYS, "organisation"]].copy()
    found["kind"] = kind
    found["months_before"], found["months_after"] = one["months"], two["months"]
    found["score_before"], found["score_after"] = one["score"], two["score"]
    found["size"], found["reversed"] = size, turned
    return found


def _step_table(steps: pd.DataFrame) -> ResultTable:
    keys = (*COURSE_KEYS, "organisation", "kind", "months_before")
    values = ("months_after", "score_before", "score_after", "size", "reversed")
    return family_table("steps", steps, keys=keys, values=values)


def _size_table(steps: pd.DataFrame) -> ResultTable:
    rows = []
    for kind in _KINDS:
        mine = steps[steps["kind"] == kind]
        size = mine["size"].abs()
        rows.append(
            (kind, len(mine), size.mean(), size.std(ddof=1), mine["reversed"].astype(float).mean(),
             mine["family"].nunique(), mine["organisation"].nunique())
        )  # fmt: skip
    values = ("n_steps", "mean_size", "sd_size", "share_reversed")
    data = pd.DataFrame(rows, columns=["kind", *values, "n_families", "n_organisations"])
    columns = (
        coded("kind"), number_of("n_steps"), observed("mean_size"), observed("sd_size"),
        observed_share("share_reversed", of="n_steps"),
    )  # fmt: skip
    return ResultTable("sizes", data, columns=columns)


def _criteria_table(criteria: Mapping[str, float], courses: Courses) -> ResultTable:
    data = pd.DataFrame({"quantity": list(criteria), "value": list(criteria.values())})
    return pooled_over_courses("criteria", data, courses, columns=(coded("quantity"), setting("value")))
