"""Who the families of an analysis are at the start of help: a study's "Table 1".

Tables of :class:`Intake` (beside ``sample_flow``)
--------------------------------------------------
- ``intake(variable, level, kind, mean_or_share, sd, n_unknown)``: over all families of the course, the case
  mix of ``study.toml`` (``kind`` "mean", or "share" with one row per level), the first score
  (``first_score``), for how long they were measured (``time_measured``, months or waves) and how often
  (``times_measured``). ``n_unknown`` are the families of whom it is not known.
- ``intake_by_organisation(organisation, ...)``: the same per organisation.

``n_families`` of a mean are those of whom it is known; of a share, those *at* the level.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import EACH_ORGANISATION, by_row, coded, number_of, observed
from mpg_research.analysis.growth.estimate_tables import describe_parameters, study_notes
from mpg_research.analysis.growth.model_frame import BASELINE_MONTHS
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.study.model import CourseFrame, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.which_scores import AS_CONFIGURED, Scores

__all__ = ["Intake", "describe_intake"]

_UNITS = ["family", "episode", "respondent"]
_YES_NO = {"True": "yes", "False": "no", "1": "yes", "0": "no", "1.0": "yes", "0.0": "no"}
_SHARE = observed("mean_or_share", percent=True, own=True)
_COLUMNS = (
    coded("variable"),
    coded("level", adds_up="families"),
    coded("kind", csv_only=True),
    by_row("mean_or_share", "kind", {"share": _SHARE}, "mean").but(own=True),
    observed("sd", digits=1, plain=False, own=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake(Result):
    """What :func:`describe_intake` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "intake"


def describe_intake(study: Study, *, scores: Scores = AS_CONFIGURED) -> Intake:
    """Describe the families of an analysis at the start of help, in all and per organisation.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.

    Returns
    -------
    Intake
        Tables ``intake``, ``intake_by_organisation`` (with more than one organisation) and ``sample_flow``.

    Raises
    ------
    DataError
        If no measurement is left.

    Examples
    --------
    >>> from mpg_research import describe_intake, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_intake(load_study(shipped_example())).tables["intake"].data
    >>> found["variable"].iloc[0]
    'child_age'
    """
    names = tuple(study.config.analysis.case_mix)
    frame = course_frame(study, scores=scores, case_mix=())
    units = _units(frame, study.tables["episodes"], names)
    levels = {name: _levels(units[name]) for name in names}
    tables = [_table("intake", units, names, levels)]
    organisations = sorted(units["organisation"].unique())
    if len(organisations) > 1:
        parts = [
            _rows(units[units["organisation"] == key], names, levels).assign(organisation=key)
            for key in organisations
        ]
        data = pd.concat(parts, ignore_index=True).drop(columns=["n_organisations", "n_unknown"])
        columns = (EACH_ORGANISATION, *_COLUMNS)
        tables.append(ResultTable("intake_by_organisation", data, columns=columns))
    parameters = describe_parameters(study, frame, variables=list(names))
    return Intake(
        tables=collect_tables([*tables, sample_flow_table(frame.flow)]),
        flow=frame.flow,
        notes=tuple(study_notes(study, frame.instrument, frame.outcome)),
        provenance=provenance_of(
            study, parameters=parameters, instrument=frame.instrument, outcome=frame.outcome
        ),
        level=0.95,
    )


def _units(frame: CourseFrame, episodes: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """A row per family, period of help and respondent: characteristics, first score, how long and often."""
    data = frame.data.sort_values([*_UNITS, "months"], kind="stable")
    grouped = data.groupby(_UNITS, sort=False)
    first = grouped.first()
    units = pd.DataFrame(
        {
            "organisation": first["organisation"].astype(str),
            "first_score": first["score"].where(first["months"] <= BASELINE_MONTHS),
            "time_measured": grouped["months"].max(),
            "times_measured": grouped.size().astype(float),
        }
    ).reset_index()
    if not names:
        return units
    known = episodes[["family", "episode", *names]].drop_duplicates(["family", "episode"])
    keys = {key: known[key].astype(str) for key in ("family", "episode")}
    units = units.assign(family=units["family"].astype(str), episode=units["episode"].astype(str))
    return units.merge(known.assign(**keys), on=["family", "episode"], how="left", validate="m:1")


def _levels(values: pd.Series) -> dict[str, str] | None:
    """Words of the levels of a characteristic that is no number; None where it is one."""
    known = values.dropna()
    is_number = pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known)
    if is_number and not set(known.unique()) <= {0, 1}:
        return None
    found = sorted(known.astype(str).unique())
    return {level: _YES_NO[level] if set(found) <= set(_YES_NO) else level for level in found}


def _table(
    name: str, units: pd.DataFrame, names: tuple[str, ...], levels: dict[str, dict[str, str] | None]
) -> ResultTable:
    data = _rows(units, names, levels)
    return ResultTable(name, data, columns=(*_COLUMNS, number_of("n_unknown", of="families")))


def _rows(
    units: pd.DataFrame, names: tuple[str, ...], levels: dict[str, dict[str, str] | None]
) -> pd.DataFrame:
    found = [row for name in names for row in _described(units, name, levels[name])]
    for name in ("first_score", "time_measured", "times_measured"):
        found += list(_described(units, name, None))
    return pd.DataFrame(found)


def _described(units: pd.DataFrame, name: str, levels: dict[str, str] | None) -> Iterator[dict[str, object]]:
    known = units[units[name].notna()]
    shared = {
        "variable": name,
        "n_unknown": int(units["family"].nunique() - known["family"].nunique()),
        "n_organisations": int(known["organisation"].nunique()),
    }
    if levels is None:
        values = known[name].to_numpy(dtype=float)
        mean = float(values.mean()) if values.size else np.nan
        sd = float(values.std(ddof=1)) if values.size > 1 else np.nan
        n = int(known["family"].nunique())
        yield {**shared, "level": "", "kind": "mean", "mean_or_share": mean, "sd": sd, "n_families": n}
        return
    texts = known[name].astype(str)
    for level, shown in levels.items():
        mine = texts == level
        yield {
            **shared,
            "level": shown,
            "kind": "share",
            "mean_or_share": float(mine.mean()) if len(mine) else np.nan,
            "sd": np.nan,
            "n_families": int(known.loc[mine, "family"].nunique()),
        }
