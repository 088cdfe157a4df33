"""Organisations beside each other, adjusted for the families they help.

Tables of :class:`OrganisationComparison` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``adjusted_means(organisation, months, ...)``: expected score of the study's average family at each
  organisation, at the months asked for; ``adjusted_curve`` the same month by month, for a figure.
- ``adjusted_change(organisation, months, ..., standardised, standardised_low, standardised_high)``: change
  since the start.
- ``difference_from_mean(organisation, months, ..., p_adjusted)``: that change minus the mean of the
  organisations' changes, each organisation weighing the same; p adjusted over the organisations of a month.
- ``pairwise(organisation_1, organisation_2, months, ..., p_adjusted)``: change of the first minus change of
  the second; p adjusted over the pairs of a month.
- ``joint_test(effect, statistic, df_numerator, df_denominator, p_value)``: F tests that all
  organisations have the same course (``organisation:months``) and start level (``organisation``).
- ``case_mix(organisation, variable, level, kind, mean_or_share, sd)``: the families of each organisation;
  ``kind`` is "mean" (one row) or "share" (one row per level; ``n_families`` are those at that level).
- ``by_organisation(organisation, n_measurements, measurements_per_family)``.
- ``observed_course(organisation, months, mean, sd, n_measurements)``: families measured around each month.
- ``coefficients``, ``variance_components``: as in the trajectory; over all organisations.

``...`` stands for estimate, std_error, df, statistic, p_value, conf_low, conf_high.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.case_mix import case_mix_table
from mpg_research.analysis.frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth import GrowthModel, Shape, fit_growth
from mpg_research.analysis.observed import month_grid
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Provenance,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.tables import (
    add_standardised,
    chosen_months,
    coefficient_table,
    describe_parameters,
    estimate_rows,
    model_notes,
    pooled_table,
    study_notes,
    variance_table,
)
from mpg_research.analysis.trajectory import observed_table, primary_month_of
from mpg_research.errors import ConfigError, ModelError, Note
from mpg_research.mixed.inference import DfRule
from mpg_research.statistics import holm
from mpg_research.study.course import course_frame
from mpg_research.study.model import SampleFlow, Study

__all__ = ["MANY_ORGANISATIONS", "OrganisationComparison", "compare_organisations"]

#: From this many organisations on, random effects describe them better than fixed ones.
MANY_ORGANISATIONS = 10

Adjust = Literal["holm", "none"]
FloatArray = NDArray[np.float64]

_STANDARDISED = ("standardised", "standardised_low", "standardised_high")


@dataclass(frozen=True, slots=True)
class OrganisationComparison:
    """What :func:`compare_organisations` found; its tables are described in the module's docstring.

    Attributes
    ----------
    model : GrowthModel
        The fitted model, for further questions (``model.fit`` is the mixed-model fit).
    primary_month : float
        The month that a one-sentence answer is about.
    adjust : {"holm", "none"}
        How p-values were adjusted for the number of contrasts.
    baseline_sd : float
        Standard deviation that changes are divided by, in points; the same for all organisations.
    """

    model: GrowthModel = field(repr=False)
    primary_month: float
    adjust: Adjust
    baseline_sd: float
    tables: Mapping[str, ResultTable]
    flow: SampleFlow
    notes: tuple[Note, ...]
    provenance: Provenance
    level: float
    converged: bool
    kind: str = "organisations"


def compare_organisations(
    study: Study,
    *,
    instrument: str | None = None,
    outcome: str | None = None,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    adjust: Adjust = "holm",
    worker: bool | None = None,
    df: DfRule = "kenward-roger",
    level: float = 0.95,
) -> OrganisationComparison:
    """Compare the change of families between organisations, adjusted for case mix.

    Parameters
    ----------
    study : Study
        A loaded study.
    instrument, outcome, respondents, episodes : str, optional
        Which scores; by default as ``study.toml`` says.
    shape : {"linear", "spline"}
        A natural cubic spline per organisation, or a straight line. Families tend to improve fast at
        first; a line through such a course misleads at every single month (a note says so where it does).
    case_mix : tuple of str, optional
        Columns of ``episodes`` to adjust for, in level and in change; by default those of ``study.toml``.
        Give ``()`` for no adjustment.
    months : sequence of float, optional
        Moments to report, in months (or waves) since the start; by default those of ``study.toml``.
    adjust : {"holm", "none"}
        Adjustment of p-values for the number of contrasts within a month.
    worker : bool, optional
        Random effects of workers within organisations; by default where workers are known, ten or more,
        and have two families on average.
    df : str
        Rule of the degrees of freedom: "kenward-roger", "satterthwaite", "residual" or "normal".
    level : float
        Confidence level.

    Returns
    -------
    OrganisationComparison

    Raises
    ------
    ModelError
        If there are fewer than two organisations, or the measurements cannot carry the model.
    ConfigError
        If an option is impossible.

    Notes
    -----
    ``score ~ spline(months) * organisation + x + months:x + (1 + months | family)`` by REML, x the case
    mix centred at the study's average family; more random terms as in ``fit_trajectory``. Organisations
    are fixed effects: with a handful of them their spread cannot be estimated well. The reference is the
    plain mean over organisations, so that it does not hang on who is large.

    Examples
    --------
    >>> from mpg_research import compare_organisations, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = compare_organisations(load_study(shipped_example()))
    >>> sorted(found.tables["difference_from_mean"].data["months"].unique().tolist())
    [6.0, 12.0]
    """
    if adjust not in ("holm", "none"):
        raise ConfigError(f"adjust must be 'holm' or 'none'; found {adjust!r}.")
    wanted = chosen_months(study, months)
    columns = study.config.analysis.case_mix if case_mix is None else case_mix
    course = course_frame(
        study,
        instrument=instrument,
        outcome=outcome,
        respondents=respondents,
        episodes=episodes,
        case_mix=tuple(columns),
    )
    frame = prepare_frame(course, by_organisation=True)
    _check_organisations(frame)
    model = fit_growth(frame, shape=shape, organisation="fixed", worker=worker, df=df, level=level)
    primary = primary_month_of(study, wanted)
    parameters = describe_parameters(
        study, course, shape=model.shape, worker=model.worker, df=df, level=level, months=wanted,
        primary_month=primary, adjust=adjust, formula=model.formula,
    )  # fmt: skip
    notes = study_notes(study, course.instrument, course.outcome) + model_notes(model, wanted)
    return OrganisationComparison(
        model=model,
        primary_month=primary,
        adjust=adjust,
        baseline_sd=frame.baseline.sd,
        tables=comparison_tables(model, wanted, adjust=adjust, level=level),
        flow=frame.flow,
        notes=tuple(notes + _size_notes(frame)),
        provenance=provenance_of(
            study, parameters=parameters, instrument=course.instrument, outcome=course.outcome
        ),
        level=level,
        converged=model.converged,
    )


def comparison_tables(
    model: GrowthModel, months: list[float], *, adjust: Adjust, level: float
) -> dict[str, ResultTable]:
    """The tables of a comparison, from a model with organisations as fixed effects."""
    frame = model.frame
    later = [month for month in months if month > 0]
    grid = [month for month in month_grid(frame.data) if month < months[-1]]
    curve = sorted({0.0, *grid, *months})
    change = model.organisation_rows(later) - model.organisation_rows([0.0])
    tables = [
        _per_organisation("adjusted_means", model, months, model.organisation_rows(months)),
        _per_organisation("adjusted_curve", model, curve, model.organisation_rows(curve)),
        _adjusted_change(model, later, change, level),
        _difference_from_mean(model, later, change, adjust),
        _pairwise(model, later, change, adjust),
        _joint_test(model, months[-1]),
        case_mix_table(frame),
        _by_organisation(frame),
        observed_table(frame, by_organisation=True),
        coefficient_table(model),
        variance_table(model),
        sample_flow_table(frame.flow),
    ]
    return collect_tables(tables)


def _check_organisations(frame: ModelFrame) -> None:
    if len(frame.organisations) < 2:
        raise ModelError(
            f"A comparison needs at least two organisations with measurements at two moments; found "
            f"{len(frame.organisations)}. Use fit_trajectory for a study of one organisation."
        )


def _size_notes(frame: ModelFrame) -> list[Note]:
    number = len(frame.organisations)
    if number < MANY_ORGANISATIONS:
        return []
    text = (
        f"{number} organisations are compared as fixed effects; with {MANY_ORGANISATIONS} or more, estimates "
        "that borrow strength from each other (random effects) would be steadier."
    )
    return [Note("many_organisations_fixed", text, {"n_organisations": number}, "caution")]


def _per_organisation(name: str, model: GrowthModel, months: list[float], rows: FloatArray) -> ResultTable:
    data = _estimates(model, months, rows)
    return ResultTable(
        name,
        data,
        keys=("organisation", "months"),
        values=tuple(
            column for column in data.columns if column not in ("organisation", "months", "n_families")
        ),
        organisation_columns=("organisation",),
        parts_of_total=("organisation",),
    )


def _estimates(model: GrowthModel, months: list[float], rows: FloatArray) -> pd.DataFrame:
    """Estimates of rows (organisations, months, p), with the families of each organisation."""
    frame = model.frame
    keys = pd.DataFrame(
        [(key, month) for key in frame.organisations.values() for month in months],
        columns=["organisation", "months"],
    )
    data = estimate_rows(model, keys, rows.reshape(len(keys), -1))
    return data.assign(n_families=np.repeat(list(frame.families_of.values()), len(months)))


def _adjusted_change(
    model: GrowthModel, months: list[float], change: FloatArray, level: float
) -> ResultTable:
    table = _per_organisation("adjusted_change", model, months, change)
    data = add_standardised(table.data, model.frame, level)
    return _with_columns(table, data, _STANDARDISED)


def _difference_from_mean(
    model: GrowthModel, months: list[float], change: FloatArray, adjust: Adjust
) -> ResultTable:
    table = _per_organisation("difference_from_mean", model, months, change - change.mean(axis=0))
    # With two organisations the two differences are one question, asked from either side.
    once = len(model.frame.organisations) == 2
    data = table.data.assign(p_adjusted=_adjusted(table.data, "none" if once else adjust))
    return _with_columns(table, data, ("p_adjusted",))


def _with_columns(table: ResultTable, data: pd.DataFrame, columns: tuple[str, ...]) -> ResultTable:
    return ResultTable(
        table.name,
        data,
        keys=table.keys,
        values=(*table.values, *columns),
        organisation_columns=table.organisation_columns,
        parts_of_total=table.parts_of_total,
    )


def _adjusted(data: pd.DataFrame, adjust: Adjust) -> pd.Series:
    """p-values adjusted within each month."""
    if adjust == "none":
        return data["p_value"]
    return data.groupby("months")["p_value"].transform(lambda p: holm(p.to_numpy(dtype=float)))


def _pairwise(model: GrowthModel, months: list[float], change: FloatArray, adjust: Adjust) -> ResultTable:
    keys = list(model.frame.organisations.values())
    sizes = list(model.frame.families_of.values())
    pairs = [(i, j, m) for i, j in combinations(range(len(keys)), 2) for m in range(len(months))]
    labels = pd.DataFrame(
        [(keys[i], keys[j], months[m]) for i, j, m in pairs],
        columns=["organisation_1", "organisation_2", "months"],
    )
    rows = np.array([change[i, m] - change[j, m] for i, j, m in pairs])
    data = estimate_rows(model, labels, rows)
    data = data.assign(
        p_adjusted=_adjusted(data, adjust), n_families=[min(sizes[i], sizes[j]) for i, j, _ in pairs]
    )
    return ResultTable(
        "pairwise",
        data,
        keys=("organisation_1", "organisation_2", "months"),
        values=(*ESTIMATE_COLUMNS, "p_adjusted"),
        organisation_columns=("organisation_1", "organisation_2"),
    )


def _joint_test(model: GrowthModel, last_month: float) -> ResultTable:
    """F tests on contrasts with the mean of organisations; redundant rows fall out in ``fit.test``."""
    start = model.organisation_rows([0.0])
    # A natural spline with five knots has four free directions in time; four moments span them.
    moments = (
        [last_month * share for share in (1 / 4, 1 / 2, 3 / 4, 1)]
        if model.shape == "spline"
        else [last_month]
    )
    course = model.organisation_rows(moments) - start
    rows = []
    for effect, combinations_ in (("organisation:months", course), ("organisation", start)):
        contrasts = combinations_ - combinations_.mean(axis=0)
        test = model.fit.test(contrasts.reshape(-1, contrasts.shape[-1]))
        rows.append((effect, test.statistic, test.df, test.df_denominator, test.p_value))
    columns = ["effect", "statistic", "df_numerator", "df_denominator", "p_value"]
    data = pd.DataFrame(rows, columns=columns)
    return pooled_table("joint_test", data, model.frame, keys=("effect",), values=tuple(columns[1:]))


def _by_organisation(frame: ModelFrame) -> ResultTable:
    counts = frame.data.groupby("organisation").agg(
        n_measurements=("family", "size"), n_families=("family", "nunique")
    )
    data = counts.reset_index()
    data["organisation"] = data["organisation"].map(dict(frame.organisations))
    data["measurements_per_family"] = data["n_measurements"] / data["n_families"]
    return ResultTable(
        "by_organisation",
        data,
        keys=("organisation",),
        values=("n_measurements", "measurements_per_family"),
        organisation_columns=("organisation",),
        parts_of_total=("organisation",),
    )
