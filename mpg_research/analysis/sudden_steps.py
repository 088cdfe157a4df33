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
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.courses import (
    COURSE_KEYS,
    Courses,
    ErrorSource,
    measurement_error,
    read_courses,
    usual_gap,
)
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.shares import share_rows, share_table
from mpg_research.analysis.tables import describe_parameters, study_notes
from mpg_research.errors import ConfigError, ModelError
from mpg_research.statistics.sudden_changes import find_sudden_changes
from mpg_research.study.model import Study

__all__ = ["SuddenChangesOfFamilies", "sudden_changes"]

_CLASSES = ("with", "without")
_KINDS = ("gain", "loss")


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
    reliability: float | str | None = None,
    instrument: str | None = None,
    outcome: str | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    level: float = 0.95,
) -> SuddenChangesOfFamilies:
    """Find sudden gains and losses between successive waves.

    Parameters
    ----------
    study : Study
    cutoff : float, optional
        Least size in points; by default the reliable change (Jacobson-Truax) of the questionnaire.
    share : float
        Least size as a share of the score before, counted from the lowest possible score (raw scores
        only; a T-score has no zero, so there the criterion is left out).
    longest_gap : float, optional
        Months between two waves beyond which a step is not sudden; by default twice the usual distance.
        The waves on either side are then judged apart.
    reliability : float or {"published", "estimated"}, optional
    instrument, outcome, respondents, episodes : str, optional
        Which scores; by default as ``study.toml`` says.
    level : float

    Returns
    -------
    SuddenChangesOfFamilies

    Raises
    ------
    ConfigError
        If a number is impossible.
    """
    courses = read_courses(
        study, instrument=instrument, outcome=outcome, respondents=respondents, episodes=episodes
    )
    error = measurement_error(study, courses, reliability)
    least = 1.959963984540054 * np.sqrt(2) * error.sem if cutoff is None else float(cutoff)
    gap = 2 * usual_gap(courses) if longest_gap is None else float(longest_gap)
    raw = courses.frame.outcome == "raw"
    origin = courses.instrument.raw_minimum if raw else 0.0
    if cutoff is None and not least >= 0:
        raise ModelError(
            "The intake scores do not spread, so the reliable change is not known. Give cutoff in points."
        )
    if not (np.isfinite(least) and least >= 0 and gap > 0):
        raise ConfigError(f"cutoff = {least} and longest_gap = {gap}; expected positive numbers.")
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
        share_table("shares", pd.concat(pooled, ignore_index=True), keys=("kind", "class")),
        share_table(
            "shares_by_organisation",
            pd.concat(single, ignore_index=True),
            keys=("organisation", "kind", "class"),
        ),
        _size_table(steps),
        _criteria_table(criteria, courses),
        sample_flow_table(courses.frame.flow),
    ]
    notes = [*study_notes(study, courses.frame.instrument, courses.frame.outcome), *courses.notes]
    parameters = describe_parameters(
        study, courses.frame, **criteria, reliability=error.reliability,
        reliability_origin=error.origin, level=level,
    )  # fmt: skip
    return SuddenChangesOfFamilies(
        error=error,
        cutoff=float(least),
        tables=collect_tables(tables),
        flow=courses.frame.flow,
        notes=tuple(notes),
        provenance=provenance_of(
            study, parameters=parameters, instrument=courses.frame.instrument, outcome=courses.frame.outcome
        ),
        level=level,
    )


def _find(
    courses: Courses, cutoff: float, share: float, gap: float, origin: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sudden changes, and per course whether it has one ("with", "without", "" where not judged)."""
    rows = courses.rows
    new = (rows["wave"] == 0) | (rows["months"].diff() > gap)
    segment = new.cumsum().to_numpy() - 1
    place = rows.groupby(segment).cumcount().to_numpy()
    scores = np.full((segment.max() + 1, place.max() + 1), np.nan)
    scores[segment, place] = rows["score"].to_numpy(dtype=float) - origin
    found = find_sudden_changes(scores, cutoff=cutoff, share=share, direction=courses.instrument.direction)
    pieces, judged = [], pd.DataFrame(index=courses.units["course"])
    first_row = np.flatnonzero(new.to_numpy())
    course_of = rows["course"].to_numpy()[first_row]
    for kind, values in (("gain", found.gain), ("loss", found.loss)):
        who, step = np.nonzero(values == 1)
        before = first_row[who] + step
        pieces.append(_describe(rows, before, kind, found.size[who, step], found.reversed_after[who, step]))
        state = pd.DataFrame({"course": course_of, "any": _state(values)}).groupby("course")["any"].max()
        words = {2: "with", 1: "without", 0: ""}
        judged[kind] = state.reindex(judged.index).map(words)
    return pd.concat(pieces, ignore_index=True), judged


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
    return ResultTable(
        "steps", steps.assign(n_families=1), keys=keys, values=values,
        organisation_columns=("organisation",), unit="family",
    )  # fmt: skip


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
    return ResultTable("sizes", data, keys=("kind",), values=values)


def _criteria_table(criteria: Mapping[str, float], courses: Courses) -> ResultTable:
    data = pd.DataFrame({"quantity": list(criteria), "value": list(criteria.values())}).assign(
        n_families=courses.units["family"].nunique(), n_organisations=courses.units["organisation"].nunique()
    )
    return ResultTable("criteria", data, keys=("quantity",), values=("value",))
