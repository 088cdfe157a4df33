"""Whether the help is given as it was meant: working elements, who agrees on them, and the course with them.

Tables of :class:`Fidelity` (beside ``sample_flow``)
----------------------------------------------------
- ``elements``, ``elements_by_organisation``, ``elements_by_year``, ``element_reliability`` and
  ``element_agreement``: see :mod:`mpg_research.analysis.practice.element_tables`.
- ``fidelity_course(level_of, estimate, ...)``: how much more the score changes per year where the index is a
  point higher, apart between the families of a worker, the workers of an organisation, and organisations; and
  ``fidelity_spread(level_of, sd, n_groups)``: how much the index differs at each of those.
- ``conditions_by_organisation(organisation, condition, year, score)``: with fewer organisations than ``[care]
  condition_organisations``, what each has of each condition, last; from so many on
  ``condition_course(condition, estimate, ..., p_adjusted)`` instead: how much more the score changes per year
  where a condition is a point higher.
"""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    P_ADJUSTED,
    Column,
    coded,
    estimates,
    modelled,
    tally,
)
from mpg_research.analysis.practice.element_tables import (
    agreement_table,
    element_tables,
    reliability_table,
)
from mpg_research.analysis.practice.elements import INDEX, element_scores
from mpg_research.analysis.practice.fidelity_course import (
    FidelityCourse,
    condition_course,
    fidelity_course,
)
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.multiplicity import holm
from mpg_research.study.config.study_toml import DAYS_PER_YEAR
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow, Study
from mpg_research.study.scoring.course_frame import course_frame

__all__ = ["Fidelity", "describe_fidelity"]

#: What one unit of the time axis is of a year; waves of unknown length have no years.
_IN_YEAR = {"months": 12.0, "weeks": DAYS_PER_YEAR / 7}
_RESAMPLES = 500
_LEVEL_OF = coded("level_of")
_CONDITION = coded("condition")
_FEWEST_FAMILIES = 20
_PER_YEAR = estimates(digits=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity(Result):
    """What :func:`describe_fidelity` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "fidelity"


def describe_fidelity(study: Study, *, level: float = 0.95) -> Fidelity:
    """Describe how far the working elements are put in practice, and how that goes with the course.

    Parameters
    ----------
    study : Study
        A loaded study with the table ``practice``, or ``conditions``, or both.
    level : float
        Of intervals.

    Returns
    -------
    Fidelity
        The module says what its tables hold; those that the study has no records for are not there.
        Tables ``elements``, ``elements_by_organisation``, ``elements_by_year``,
        ``element_reliability``, ``element_agreement``, ``fidelity_course``, ``fidelity_spread``,
        ``conditions_by_organisation`` and ``sample_flow``.

    Raises
    ------
    NotApplicableError
        If the study has neither scores on working elements nor conditions of organisations.

    Notes
    -----
    The index is the mean of the elements scored, on their own scale. What goes together with it is an
    association: families for whom it goes well may also be easier to work with as it was meant.

    Examples
    --------
    >>> from mpg_research import describe_fidelity, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_fidelity(load_study(shipped_example()))
    >>> found.tables["elements"].data["working_element"].tolist()[-1]
    'index'
    """
    care = study.config.care
    course = course_frame(study)
    families_at = study.tables["episodes"].groupby("organisation")["family"].nunique()
    families_at.index = families_at.index.astype(str)
    conditions = _conditions(study)
    tables: list[ResultTable] = []
    flow = course.flow
    facts: dict[str, object] = {}
    try:
        rows = element_scores(study)
    except NotApplicableError:
        if not len(conditions):
            raise
        facts["elements"] = "not_recorded"
    else:
        tables += element_tables(rows, families_at)
        tables.append(reliability_table(rows, families_at, level=level, n_bootstrap=_RESAMPLES))
        agreement = agreement_table(
            rows, days=care.second_rater_days, minimum_raters=care.minimum_raters, level=level
        )
        tables += [agreement] if agreement is not None else []
        facts["agreement"] = "not_recorded" if agreement is None else "recorded"
        of_course, flow = _with_course(study, course, rows, level)
        tables += of_course
    tables += _condition_tables(study, course, conditions, level)
    facts["conditions"] = "recorded" if len(conditions) else "not_recorded"
    parameters = {
        "level": level,
        "minimum_raters": care.minimum_raters,
        "second_rater_days": care.second_rater_days,
        "condition_organisations": care.condition_organisations,
        **facts,
    }
    return Fidelity(
        tables=collect_tables([*tables, sample_flow_table(flow)]),
        flow=flow,
        notes=study.notes,
        provenance=provenance_of(
            study, parameters=parameters, instrument=course.instrument, outcome=course.outcome
        ),
        level=level,
    )


def _in_years(study: Study, course: CourseFrame) -> pd.DataFrame | None:
    """The course with years in the help and unique workers; None where waves have no known length."""
    if study.time_unit not in _IN_YEAR:
        return None
    data = course.data
    worker = data["worker"].astype(object).where(data["worker"].notna(), "")
    return data.assign(
        years=data["months"] / _IN_YEAR[study.time_unit],
        organisation=data["organisation"].astype(str),
        family=data["family"].astype(str),
        worker=data["organisation"].astype(str) + "|" + worker.astype(str),
    )


def _with_course(
    study: Study, course: CourseFrame, rows: pd.DataFrame, level: float
) -> tuple[list[ResultTable], SampleFlow]:
    """How the course goes together with the index of each family, at each level."""
    data = _in_years(study, course)
    scored = rows.dropna(subset=["family", INDEX])
    index = scored.groupby(scored["family"].astype(str))[INDEX].mean().rename("index")
    if data is None or not len(index):
        return [], course.flow
    used = data[data["family"].isin(index.index)]
    families = used.drop_duplicates("family")[["family", "organisation", "worker"]]
    families = families.assign(index=families["family"].map(index))
    step = FlowStep(
        "index_known", "with a score on the working elements", len(used), len(families),
        len(used[["family", "episode"]].drop_duplicates()),
    )  # fmt: skip
    flow = SampleFlow((*course.flow.steps, step))
    if len(families) < _FEWEST_FAMILIES or used["years"].nunique() < 3:
        return [], flow
    found = fidelity_course(
        used, families, fewest_organisations=study.config.care.condition_organisations, level=level
    )
    counts = {"n_families": len(families), "n_organisations": int(families["organisation"].nunique())}
    return [_course_table(found, counts), _spread_table(found, counts)], flow


def _course_table(found: FidelityCourse, counts: dict[str, int]) -> ResultTable:
    estimates = found.estimates if found.converged else found.estimates.iloc[:0]
    data = estimates[list(ESTIMATE_COLUMNS)].rename_axis("level_of").reset_index().assign(**counts)
    return ResultTable("fidelity_course", data, columns=(_LEVEL_OF, *_PER_YEAR))


def _spread_table(found: FidelityCourse, counts: dict[str, int]) -> ResultTable:
    data = found.spread.rename_axis("level_of").reset_index().assign(**counts)
    return ResultTable(
        "fidelity_spread",
        data,
        columns=(_LEVEL_OF, modelled("sd", digits=2, spread=True), tally("n_groups")),
    )


def _conditions(study: Study) -> pd.DataFrame:
    """organisation, condition, year, score: as they stand, of the study's organisations."""
    table = study.tables.get("conditions")
    names = ["organisation", "condition", "year", "score"]
    if table is None or not len(table):
        return pd.DataFrame(columns=names)
    rows = table[names].dropna()
    rows = rows.assign(
        organisation=rows["organisation"].astype(str),
        condition=rows["condition"].astype(str),
        year=rows["year"].astype(int),
        score=rows["score"].astype(float),
    )
    return rows[rows["organisation"].isin(study.organisations)].reset_index(drop=True)


def _condition_tables(
    study: Study, course: CourseFrame, conditions: pd.DataFrame, level: float
) -> list[ResultTable]:
    if not len(conditions):
        return []
    if conditions["organisation"].nunique() < study.config.care.condition_organisations:
        return [_narrative(study, conditions)]
    data = _in_years(study, course)
    return [] if data is None else [_moderators(study, data, conditions, level)]


def _narrative(study: Study, conditions: pd.DataFrame) -> ResultTable:
    """The last score of each condition at each organisation."""
    families = study.tables["episodes"].groupby("organisation")["family"].nunique()
    families.index = families.index.astype(str)
    last = conditions.sort_values("year", kind="stable").drop_duplicates(
        ["organisation", "condition"], keep="last"
    )
    data = last.sort_values(["organisation", "condition"], kind="stable").reset_index(drop=True)
    data = data.assign(
        n_families=data["organisation"].map(families).astype(int), year=data["year"].astype(str)
    )
    return ResultTable(
        "conditions_by_organisation",
        data,
        # No number of people: the families are those of the organisation that is described.
        columns=(
            EACH_ORGANISATION,
            _CONDITION,
            Column(name="year", meaning="date"),
            modelled("score", own=True),
        ),
    )


def _moderators(study: Study, data: pd.DataFrame, conditions: pd.DataFrame, level: float) -> ResultTable:
    """One condition at a time, its mean over the years; Holm's correction over the conditions."""
    rows, near = [], None
    fewest = study.config.care.condition_organisations
    for name, mine in conditions.groupby("condition", sort=True):
        scores = mine.groupby("organisation")["score"].mean()
        used = data[data["organisation"].isin(scores.index)]
        scores = scores[scores.index.isin(used["organisation"])]
        if len(scores) < fewest or scores.std(ddof=1) < 1e-9 or used["years"].nunique() < 3:
            continue
        found, fit = condition_course(used, scores, level=level, near=near)
        if not fit.converged:
            continue
        near = fit
        rows.append(
            {
                "condition": name,
                **{column: float(found[column]) for column in ESTIMATE_COLUMNS},
                "n_families": int(used["family"].nunique()),
                "n_organisations": len(scores),
            }
        )
    names = ["condition", *ESTIMATE_COLUMNS, "n_families", "n_organisations"]
    table = pd.DataFrame(rows, columns=names)
    table["p_adjusted"] = holm(table["p_value"].to_numpy(dtype=float)) if len(table) else []
    return ResultTable("condition_course", table, columns=(_CONDITION, *_PER_YEAR, P_ADJUSTED))
