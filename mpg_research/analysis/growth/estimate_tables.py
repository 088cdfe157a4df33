"""Tables that several analyses have in common."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import EACH_ORGANISATION, Column, coded, estimates, key_column, modelled
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.errors import ConfigError, Note
from mpg_research.statistics import standardise_change
from mpg_research.study.model import CourseFrame, Study

__all__ = [
    "add_standardised",
    "chosen_months",
    "coefficient_table",
    "describe_parameters",
    "estimate_rows",
    "model_notes",
    "pooled_table",
    "study_notes",
    "table_by_organisation",
    "variance_table",
]


def chosen_months(study: Study, months: tuple[float, ...] | list[float] | None) -> list[float]:
    """The months asked for, else those of ``study.toml``; increasing, not negative, one after 0.

    Raises
    ------
    ConfigError
        If they are not so.
    """
    listed = [float(month) for month in (study.config.analysis.months if months is None else months)]
    if listed != sorted(set(listed)) or not np.isfinite(listed).all() or not listed or listed[0] < 0:
        raise ConfigError(f"months must be increasing numbers, 0 or later; found {listed}.")
    if listed[-1] == 0:
        raise ConfigError(
            f"months must hold a month after 0, or there is no change to speak of; found {listed}."
        )
    return listed


def estimate_rows(model: GrowthModel, keys: pd.DataFrame, rows: FloatArray) -> pd.DataFrame:
    """Key columns beside the seven columns of the estimates of ``rows``, shape (len(keys), p)."""
    estimates = model.estimate(rows)[list(ESTIMATE_COLUMNS)].reset_index(drop=True)
    return pd.concat([keys.reset_index(drop=True), estimates], axis=1)


def add_standardised(table: pd.DataFrame, frame: ModelFrame, level: float) -> pd.DataFrame:
    """The table with standardised, standardised_low, standardised_high: change / baseline SD, Hedges' J."""
    effect = standardise_change(
        table["estimate"],
        table["std_error"],
        df=table["df"],
        baseline_sd=frame.baseline.sd,
        n=frame.baseline.n_families,
        level=level,
    )
    return table.assign(
        standardised=effect.estimate, standardised_low=effect.conf_low, standardised_high=effect.conf_high
    )


def coefficient_table(model: GrowthModel) -> ResultTable:
    """Fixed effects that are not about single organisations, under the study's own column names.

    With organisations as fixed effects, ``(Intercept)`` is the expected score of the average family at
    the start and ``months`` the change per month, both averaged over the families.
    """
    fixed = model.fit.fixed
    named = {"Intercept": "(Intercept)"}
    for covariate in model.frame.covariates:
        shown = f"{covariate.name}={covariate.level}" if covariate.level else covariate.name
        named[covariate.column] = shown
        named[f"months:{covariate.column}"] = named[f"{covariate.column}:months"] = f"months:{shown}"
    terms = [str(term) for term in fixed.index]
    if model.organisation == "fixed":
        averaged = _averaged_course(model)
        own = [place for place, term in enumerate(terms) if "covariate_" in term and term in named]
        labels = [*averaged, *(named[terms[place]] for place in own)]
        rows = np.vstack([*averaged.values(), np.eye(len(terms))[own]])
    else:
        labels, rows = [named.get(term, term) for term in terms], np.eye(len(terms))
    data = estimate_rows(model, pd.DataFrame({"term": labels}), rows)
    columns = (coded("term"), *estimates(digits=3, error_digits=3))
    table = pooled_table("coefficients", data, model.frame, columns=columns)
    return replace(table, n_coefficients=int(np.isfinite(fixed["estimate"]).sum()))


def _averaged_course(model: GrowthModel) -> dict[str, FloatArray]:
    start, next_month = model.mean_rows([0.0, 1.0])
    if model.shape == "spline":
        return {"(Intercept)": start}
    return {"(Intercept)": start, "months": next_month - start}


def variance_table(model: GrowthModel) -> ResultTable:
    """Variances and covariances of the random effects and of the residual.

    Where residuals carry on, a last row has the correlation of two that are a month apart.
    """
    data = model.fit.random[["group", "term_1", "term_2", "covariance", "sd", "correlation"]].copy()
    data["group"] = data["group"].replace({"Residual": "residual"})
    added: list[list[object]] = []
    if "residual" not in set(data["group"]):
        sd = float(model.fit.residual_sd)
        added.append(["residual", "", "", sd**2, sd, np.nan])
    if model.correlation is not None:
        added.append(["residual", "month_apart", "month_apart", np.nan, np.nan, model.correlation])
    if added:
        data = pd.concat([data, pd.DataFrame(added, columns=data.columns)], ignore_index=True)
    columns = (
        coded("group"), key_column("term_1"), key_column("term_2"), modelled("covariance", digits=3),
        modelled("sd", digits=2), modelled("correlation", digits=2),
    )  # fmt: skip
    return pooled_table("variance_components", data, model.frame, columns=columns)


def table_by_organisation(name: str, data: pd.DataFrame, columns: Iterable[Column]) -> ResultTable:
    """A table whose rows are about one organisation each, or about one by the other keys of ``columns``."""
    return ResultTable(name, data, columns=(EACH_ORGANISATION, *columns))


def pooled_table(
    name: str, data: pd.DataFrame, frame: ModelFrame, *, columns: Iterable[Column]
) -> ResultTable:
    """A table whose every row is about all families of the model."""
    counted = data.assign(n_families=frame.n_families, n_organisations=len(frame.organisations))
    return ResultTable(name, counted.reset_index(drop=True), columns=tuple(columns))


def model_notes(model: GrowthModel, months: list[float], *, minimum: int) -> list[Note]:
    """Cautions about what the model was asked: few families, months beyond the data, no baseline spread."""
    frame = model.frame
    notes = [*frame.notes, *model.notes]
    small = sum(number < minimum for number in frame.families_of.values())
    if model.organisation == "fixed" and small:
        notes.append(
            Note(
                "few_families",
                f"{small} of {len(frame.organisations)} organisations have fewer than {minimum} "
                "families; their own results are very uncertain.",
                {"n_organisations": small, "all_organisations": len(frame.organisations), "minimum": minimum},
                "caution",
            )
        )
    if not frame.baseline.sd > 0:
        notes.append(
            Note(
                "no_baseline_spread",
                "There is no spread of scores at the start to express changes in, so standardised changes "
                "are missing.",
                {"n_families": frame.baseline.n_families},
            )
        )
    else:
        notes.append(
            Note(
                "standardised_by_intake",
                "Standardised changes are in standard deviations of this study's families at the start. "
                "Families get "
                "help because things go badly, so they can differ less than families in general: these are "
                "no "
                "effect sizes of a population.",
            )
        )
    return notes


def study_notes(study: Study, instrument: str, outcome: str) -> list[Note]:
    """What a reader should know before any number: synthetic data, no norms, made-up norms."""
    questionnaire = study.instruments[instrument]
    notes: list[Note] = []
    if study.synthetic:
        text = "These are synthetic data: no family in them exists."
        notes.append(Note("synthetic_data", text, {}, "caution"))
    if outcome == "raw" and questionnaire.norms is None:
        text = f"No norm table of {questionnaire.abbreviation} was supplied, so the raw score is used."
        notes.append(Note("no_norms", text, {"instrument": questionnaire.abbreviation}))
    if outcome == "t_score" and questionnaire.synthetic_norms:
        text = "The T-scores come from a norm table made from simulated families, not from the publisher."
        notes.append(Note("synthetic_norms", text, {"instrument": questionnaire.abbreviation}, "caution"))
    known = {note.code for note in study.notes}
    return [*study.notes, *(note for note in notes if note.code not in known)]


def describe_parameters(study: Study, course: CourseFrame, **parameters: Any) -> dict[str, Any]:
    """The arguments of an analysis, with what is needed to put its numbers into words.

    ``direction`` ("higher_is_worse" or "higher_is_better"), ``instrument_name``, ``time_unit`` ("months" or
    "waves"), ``raw_minimum`` and ``raw_maximum`` come from the study.
    """
    questionnaire = study.instruments[course.instrument]
    return {
        **parameters,
        "respondents": course.respondents,
        "episodes": course.episodes,
        "case_mix": list(course.case_mix),
        "instrument_name": questionnaire.abbreviation,
        "direction": questionnaire.direction,
        "raw_minimum": questionnaire.raw_minimum,
        "raw_maximum": questionnaire.raw_maximum,
        "time_unit": study.time_unit,
    }
