"""Organisations over time: do families that start later do better or worse than others?

Tables of :class:`OrganisationsOverTime` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``all_by_cohort(cohort, n_measured, adjusted_change, adjusted_change_low,
  adjusted_change_high, ..., p_adjusted)``: by year of start the
  change of the average family at the primary month, from a growth model in which every year has a course
  of its own; and how far it lies from what was expected, the mean over the families of all years. p
  adjusted over the years (Holm). ``n_measured`` families were measured near the month.
- ``by_cohort(organisation, cohort, ...)``: the same with a course for every organisation in every year;
  empty where it was not followed far enough.
- ``run_chart``, ``run_signals``: :mod:`~mpg_research.analysis.cohorts.run_chart`.

``...`` stands for estimate, std_error, df, statistic, p_value, conf_low, conf_high of the difference.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.cohorts.frames import (
    FAMILIES_NEAR,
    StartedFrame,
    adjust_for_organisations,
    group_by,
    started,
    with_a_course,
)
from mpg_research.analysis.cohorts.run_chart import run_tables
from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    P_ADJUSTED,
    ends,
    estimates,
    key_column,
    modelled,
    number_of,
)
from mpg_research.analysis.growth.estimate_tables import model_notes
from mpg_research.analysis.growth.growth_model import DEFAULT_RULE, GrowthModel, Shape, fit_growth
from mpg_research.analysis.growth.model_frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth.question import choose_scores
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.organisations.effects import many_organisations
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    sample_flow_table,
)
from mpg_research.errors import ModelError, Note
from mpg_research.mixed.inference.tests import DfRule
from mpg_research.statistics import holm
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["OrganisationsOverTime", "compare_cohorts", "fit_years", "rows_of_groups"]

_CHANGE = ("adjusted_change", "adjusted_change_low", "adjusted_change_high")
_COHORT = key_column("cohort", adds_up="families")
_COLUMNS = (
    number_of("n_measured", of="families"), modelled(_CHANGE[0]), *ends(modelled(_CHANGE[0])),
    *estimates(csv_only=("std_error", "df", "statistic", "p_value")), P_ADJUSTED,
)  # fmt: skip
_VALUES = tuple(column.name for column in _COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationsOverTime(Result):
    """What :func:`compare_cohorts` found; its tables are described in the module's docstring."""

    month: float
    kind: ClassVar[str] = "organisations_over_time"


def compare_cohorts(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    rule: GrowthRule = DEFAULT_RULE,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> OrganisationsOverTime:
    """Follow the organisations over years of start.

    Parameters
    ----------
    study : Study
        With dates of the start of help.
    scores, shape, case_mix, months, rule, level
        As in :func:`~mpg_research.analysis.compare_organisations`.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    OrganisationsOverTime
        Tables ``all_by_cohort``, ``by_cohort``, ``run_chart``, ``run_signals`` and
        ``sample_flow`` (the module says what each holds; some are there only where the study has
        what they need).

    Raises
    ------
    ModelError
        If the measurements cannot carry a growth model.

    Notes
    -----
    The year of start stands in the growth model with a course of its own, so that all measurements of all
    families count, also of those whose help ended before the month (likelihood under missing at random).
    Comparing the families that are still measured at the month with what is expected of everybody would
    not do: where help ends on improvement, those who stay are the ones who improved least, in every year.
    Organisations are adjusted for, since in some years one may start more families than in others.

    A year of which fewer than five families were measured near the start, or near the month, is not
    compared, and a note names it: mostly the last ones, whose families have not been in help long enough.

    Examples
    --------
    >>> from mpg_research import compare_cohorts, load_study
    >>> from mpg_research.analysis import GrowthRule
    >>> from mpg_research.study import shipped_example
    >>> found = compare_cohorts(load_study(shipped_example()), shape="linear", rule=GrowthRule.simple())
    >>> found.tables["all_by_cohort"].data.set_index("cohort")["adjusted_change"].round(1).to_dict()
    {'2022': -4.8, '2023': -2.8, '2024': -4.9}
    """
    (scores,) = gather(older, scores)
    question = choose_scores(study, scores, case_mix=case_mix, months=months)
    month = question.primary_month
    frame = prepare_frame(question.course, until=month, minimum_measured=question.reach.minimum)
    with_start = started(frame, study)
    notes, formula, converged = list(frame.notes), "", True
    tables: list[ResultTable] = []
    years = with_start.start.dt.year.astype("Int64").astype(str)
    compared, near_month = with_a_course(with_start.frame.data, years, month)
    flow = frame.flow
    if len(compared) < 2:
        notes.append(_nothing(month))
    else:
        kept = with_start.only(years.isin(compared))
        years_kept = years[years.isin(compared)].reset_index(drop=True)
        flow = _with_step(frame.flow, kept.frame.data)
        model, more = fit_years(kept, years_kept, shape, level, rule=rule)
        notes = [*_notes_of(model, month), *more, *_not_compared(years, compared, month)]
        formula, converged = model.formula, model.converged
        decided = model.decided
        tables = [
            _pooled_table(model, kept, years_kept, near_month, month),
            *_combined_tables(kept, years_kept, month, shape, level, notes, rule=decided),
            *run_tables(with_start, month, shape=shape, rule=decided),
        ]
    return OrganisationsOverTime(
        month=month,
        tables=collect_tables([*tables, sample_flow_table(flow)]),
        level=level,
        converged=converged,
        **question.parts(
            flow, notes, shape=shape, level=level, months=[month], formula=rule.told(formula),
            **rule.described,
        ),
    )  # fmt: skip


def _nothing(month: float) -> Note:
    text = (
        f"Fewer than two years of start have {FAMILIES_NEAR} families with a date of start who were measured "
        f"near the start and near month {month:g}, so years cannot be compared."
    )
    return Note("no_cohorts", text, {"month": month, "families_needed": FAMILIES_NEAR}, "caution")


def _not_compared(years: pd.Series, compared: list[str], month: float) -> list[Note]:
    left = sorted(set(years.unique()) - set(compared))
    if not left:
        return []
    text = (
        f"Not compared are families who started in {', '.join(left)}: fewer than {FAMILIES_NEAR} of such a "
        f"year were measured near the start and near month {month:g}. A change there would be a line that is "
        "continued, not a result."
    )
    values: dict[str, str | int | float | bool] = {
        "level": ", ".join(left),
        "month": month,
        "families_needed": FAMILIES_NEAR,
    }
    return [Note("cohorts_not_followed", text, values, "caution")]


def _notes_of(model: GrowthModel, month: float) -> list[Note]:
    """What the model has to say, where it speaks of organisations in the words of years."""
    notes = []
    for note in model_notes(model, [month], minimum=0):
        if note.code == "shared_bend":
            text = "All years share the bend of the course and differ from it along a straight line."
            notes.append(Note("cohorts_share_bend", text, {}, note.level))
        elif note.code == "small_share_bend":
            text = (
                "Years with few families, or not measured to the month, share the bend of the course and "
                "differ from it along a straight line."
            )
            notes.append(Note("cohorts_small_share_bend", text, {}, note.level))
        elif note.code != "few_families":
            notes.append(note)
    return notes


def _with_step(flow: SampleFlow, data: pd.DataFrame) -> SampleFlow:
    """The flow with one step more: the families of the years that are compared."""
    n, families = len(data), int(data["family"].nunique())
    episodes = len(data[["family", "episode"]].drop_duplicates())
    last = [step for step in flow.steps if step.code == "analysed"]
    steps = [step for step in flow.steps if step.code != "analysed"]
    added = FlowStep("compared_years", "who started in a year that could be compared", n, families, episodes)
    ends = [replace(step, n_measurements=n, n_families=families, n_episodes=episodes) for step in last]
    return SampleFlow((*steps, added, *ends))


def fit_years(
    kept: StartedFrame, group: pd.Series, shape: Shape, level: float, *, rule: GrowthRule = DEFAULT_RULE
) -> tuple[GrowthModel, list[Note]]:
    """The model of the years, organisations adjusted for."""
    from mpg_research.analysis.organisations.compare import MANY_ORGANISATIONS

    frame, worker, adjusted = adjust_for_organisations(kept.frame, group, many=MANY_ORGANISATIONS)
    df: DfRule = "satterthwaite" if worker else "kenward-roger"
    model = fit_growth(
        group_by(frame, group),
        shape=shape,
        organisation="fixed",
        worker=worker,
        df=df,
        level=level,
        rule=rule,
    )
    if adjusted:
        return model, []
    text = (
        "Organisations and years of start hardly overlap, so differences between years can be differences "
        "between organisations."
    )
    return model, [Note("cohorts_are_organisations", text, {}, "caution")]


def _pooled_table(
    model: GrowthModel, kept: StartedFrame, years: pd.Series, near_month: pd.Series, month: float
) -> ResultTable:
    labels = list(model.frame.organisations.values())
    organisations = kept.frame.data["organisation"].groupby(years).nunique()
    data = rows_of_groups(model, month).assign(
        cohort=labels,
        n_measured=[int(near_month[label]) for label in labels],
        n_families=list(model.frame.families_of.values()),
        n_organisations=[int(organisations[label]) for label in labels],
    )
    columns = ["cohort", *_VALUES, "n_families", "n_organisations"]
    return ResultTable("all_by_cohort", data[columns], columns=(_COHORT, *_COLUMNS))


def rows_of_groups(model: GrowthModel, month: float) -> pd.DataFrame:
    """Change of each group, and its difference from the mean over all families."""
    change = model.organisation_rows([month])[:, 0] - model.organisation_rows([0.0])[:, 0]
    mean = model.mean_rows([month])[0] - model.mean_rows([0.0])[0]
    data = model.estimate(change - mean)[list(ESTIMATE_COLUMNS)].reset_index(drop=True)
    own = model.estimate(change)
    for name, column in zip(_CHANGE, ("estimate", "conf_low", "conf_high"), strict=True):
        data[name] = own[column].to_numpy(dtype=float)
    return _with_adjusted(data)


def _random_rows(model: GrowthModel, month: float, level: float) -> pd.DataFrame:
    """The same from random effects that are not shrunken."""
    many = many_organisations(model)
    change, covariance = many.change(model, month, shrink=False)
    sizes = np.array(list(model.frame.families_of.values()), dtype=float)
    g, df = len(sizes), many.df
    contrast = np.eye(g) - sizes / sizes.sum()
    estimate = contrast @ change
    error = np.sqrt(np.maximum(np.diagonal(contrast @ covariance @ contrast.T), 1e-300))
    own = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    times = float(student_t.ppf(0.5 + level / 2, df))
    data = pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": error,
            "df": df,
            "statistic": estimate / error,
            "p_value": 2 * student_t.sf(np.abs(estimate / error), df),
            "conf_low": estimate - times * error,
            "conf_high": estimate + times * error,
            "adjusted_change": change,
            "adjusted_change_low": change - times * own,
            "adjusted_change_high": change + times * own,
        }
    )
    return _with_adjusted(data)


def _with_adjusted(data: pd.DataFrame) -> pd.DataFrame:
    # With two groups the two differences are one question, asked from either side.
    p_values = data["p_value"].to_numpy(dtype=float)
    return data.assign(p_adjusted=p_values if len(data) == 2 else holm(p_values))


def _combined_tables(
    with_start: StartedFrame,
    years: pd.Series,
    month: float,
    shape: Shape,
    level: float,
    notes: list[Note],
    *,
    rule: GrowthRule,
) -> list[ResultTable]:
    """Every organisation in every year that was followed far enough."""
    names = with_start.frame.organisations
    keys = with_start.frame.data["organisation"]
    group = keys + " " + years
    compared, near_month = with_a_course(with_start.frame.data, group, month)
    if len(names) < 2 or len(compared) < 2:
        return []
    rows = group.isin(compared)
    frame = group_by(with_start.only(rows).frame, group[rows].reset_index(drop=True))
    fitted = _combined_rows(frame, month, shape, level, rule)
    if fitted is None:
        text = "Organisations could not be compared year by year: the model did not reach an answer."
        notes.append(Note("cohorts_together_only", text, {}, "caution"))
        return []
    # Those that were not followed far enough keep their row, empty: else their number of families would
    # follow from the others and the year's total.
    counts = with_start.frame.data["family"].groupby(group).nunique()
    data = fitted.set_index(pd.Index(compared)).reindex(sorted(counts.index))
    pairs = [label.split(" ") for label in data.index]
    data = data.assign(
        organisation=[names[code] for code, _ in pairs],
        cohort=[year for _, year in pairs],
        n_measured=[int(near_month[label]) for label in data.index],
        n_families=[int(counts[label]) for label in data.index],
    )
    data = data[["organisation", "cohort", *_VALUES, "n_families"]].reset_index(drop=True)
    return [
        ResultTable(
            "by_cohort",
            data,
            columns=(EACH_ORGANISATION, _COHORT, *_COLUMNS),
        )
    ]


def _combined_rows(
    frame: ModelFrame, month: float, shape: Shape, level: float, rule: GrowthRule
) -> pd.DataFrame | None:
    """Few combinations are fixed effects, many random ones, not shrunken, as organisations are."""
    from mpg_research.analysis.organisations.compare import MANY_ORGANISATIONS

    fixed = len(frame.organisations) < MANY_ORGANISATIONS
    df: DfRule = "kenward-roger" if fixed else "satterthwaite"
    try:
        model = fit_growth(
            frame, shape=shape, organisation="fixed" if fixed else "random", df=df, level=level, rule=rule
        )
    except ModelError:
        return None
    if not model.converged:
        return None
    return rows_of_groups(model, month) if fixed else _random_rows(model, month, level)
