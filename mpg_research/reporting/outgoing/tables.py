"""The scored measurements and the frame of the primary model, with what each column holds."""

import re

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.growth.random_part import BEND, SERIES
from mpg_research.reporting.outgoing.variables import Kind, OutTable, Variable
from mpg_research.study.model import Study
from mpg_research.study.schemas import ITEM_COLUMN, SCHEMAS

__all__ = ["analysis_frame", "expected_course_columns", "scored_measurements"]

_PHASES = {
    "before": "before the baseline window",
    "baseline": "in the baseline window",
    "course": "during the help",
    "follow_up": "after the end of the help",
    "undated": "without a place in time",
}
_FROM_INTAKE = ("child_age", "n_children", "single_parent", "earlier_care")
_KINDS: dict[str, Kind] = {
    "id": "text", "text": "text", "code": "code", "time": "date", "number": "number", "integer": "integer",
    "boolean": "boolean",
}  # fmt: skip


def scored_measurements(study: Study) -> OutTable:
    """Every measurement with its answers, scores and place in time.

    Parameters
    ----------
    study : Study
        A loaded study.

    Returns
    -------
    OutTable
        In the order of the file.
    """
    measurements = study.tables["measurements"]
    items = sorted(str(name) for name in measurements if ITEM_COLUMN.fullmatch(str(name)))
    frame = study.scores.reset_index(drop=True)
    answers = measurements[items].reset_index(drop=True)
    frame = pd.concat([frame, answers], axis=1)
    if frame["date"].isna().all():
        frame = frame.drop(columns="date")
    raw = [(one.raw_minimum, one.raw_maximum) for one in study.instruments.values()]
    low, high = min(each[0] for each in raw), max(each[1] for each in raw)
    unit = study.time_unit
    known = [
        *_ids(),
        _of_schema("measurements", "respondent"),
        Variable("instrument", "key of the questionnaire", "code", _instruments(study)),
        Variable("date", "day that the questionnaire was filled in", "date"),
        Variable("months", f"{unit} since the start of the help; 0 in the baseline window", "number"),
        Variable("phase", "place in the period of help", "code", _PHASES),
        Variable("n_answered", "items answered", "integer", minimum=0),
        Variable("raw", "raw score", "number", minimum=low, maximum=high),
        Variable("prorated", "the raw score was made from part of the items", "boolean"),
        Variable("t_score", "T-score by the norm table of the study", "number"),
        Variable("not_scored_reason", "why there is no score", "code"),
        Variable("declared_respondent", "the one respondent of the family that is analysed", "boolean"),
        *(Variable(name, f"answer to item {int(name[5:])}", "integer") for name in items),
    ]
    chosen = tuple(each for each in known if each.name in frame)
    return OutTable(
        "scores", "Scored measurements", "family, respondent, date and questionnaire", chosen,
        frame[[each.name for each in chosen]],
    )  # fmt: skip


def analysis_frame(study: Study, model: GrowthModel) -> OutTable:
    """The rows that the primary model was fitted to, with its columns of time and what is known at intake.

    Parameters
    ----------
    study : Study
        A loaded study.
    model : GrowthModel
        Fitted to it.

    Returns
    -------
    OutTable
    """
    data = model.fitted_data.reset_index(drop=True).copy()
    keys = dict(model.frame.organisations)
    data["organisation"] = data["organisation"].map(keys)
    data["worker"] = _worker_names(data["worker"], keys)
    data["occasion"] = data.groupby(SERIES)["months"].rank(method="first").astype(int)
    spline = expected_course_columns(model, data["months"].tolist())
    data = pd.concat([data, spline], axis=1)
    episodes = study.tables["episodes"]
    flags = [name for name in SCHEMAS["episodes"].names if name.startswith("problem_")]
    extra = dict.fromkeys([*_FROM_INTAKE, *flags, *study.config.analysis.case_mix])
    intake = [name for name in extra if name in episodes and name not in data]
    joined = data[["family", "episode"]].merge(
        episodes[["family", "episode", *intake]].drop_duplicates(["family", "episode"]),
        on=["family", "episode"], how="left",
    )  # fmt: skip
    data = pd.concat([data, joined[intake]], axis=1)
    unit = study.time_unit
    variables = [
        *_ids(),
        _of_schema("measurements", "respondent"),
        Variable("months", f"{unit} since the start of the help", "number", minimum=0),
        Variable("score", "the score that is analysed", "number"),
        Variable(BEND, "log(1 + months): the bend that families have of their own", "number"),
        Variable(SERIES, "number of the series within which residuals may carry on", "integer"),
        Variable("occasion", "number of the measurement within its series", "integer", minimum=1),
        *(
            Variable(str(name), f"column {number} of the natural spline of months", "number")
            for number, name in enumerate(spline, start=1)
        ),
        *(_at_intake(name, joined[name]) for name in intake),
    ]
    return OutTable(
        "analysis_frame", "The rows of the primary model", "measurement in the analysis", tuple(variables),
        data[[each.name for each in variables]],
    )  # fmt: skip


def expected_course_columns(model: GrowthModel, months: list[float]) -> pd.DataFrame:
    """The columns of the fixed part beside the intercept at given months: those of the spline.

    Parameters
    ----------
    model : GrowthModel
        Fitted without organisations and case mix.
    months : list of float
        Moments.

    Returns
    -------
    DataFrame, shape (n_months, n_columns)
        No columns where the course is a straight line, for ``months`` is that.
    """
    if model.shape == "linear":
        return pd.DataFrame(index=range(len(months)))
    different = sorted(set(months))
    rows = np.asarray(model.mean_rows(different))[:, 1:]
    place = np.searchsorted(different, months)
    return pd.DataFrame(rows[place], columns=[f"spline_{number + 1}" for number in range(rows.shape[1])])


def _worker_names(workers: pd.Series, keys: dict[str, str]) -> pd.Series:
    """Workers under the key of their organisation; of a family without a known worker, one of its own."""

    def named(worker: object) -> str | None:
        if not isinstance(worker, str):
            return None
        code, _, rest = worker.partition("/")
        rest = re.sub(r"^\x1f", "not known, family ", rest)
        return f"{keys.get(code, code)}/{rest}"

    return workers.map(named).astype(object)


def _ids() -> list[Variable]:
    return [
        Variable("family", "pseudonymous id of the family", "text"),
        Variable("episode", "period of help of this family", "text"),
        Variable("organisation", "key of the organisation that helps", "code"),
        Variable("worker", "worker in charge; unique within the organisation", "text"),
    ]


def _of_schema(table: str, name: str) -> Variable:
    column = SCHEMAS[table].column(name)
    assert column is not None
    words = {code: code.replace("_", " ") for code in column.vocabulary or ()}
    return Variable(name, column.meaning, _KINDS[column.kind], words, column.minimum, column.maximum)


def _at_intake(name: str, cells: pd.Series) -> Variable:
    column = SCHEMAS["episodes"].column(name)
    if column is not None:
        return _of_schema("episodes", name)
    if pd.api.types.is_bool_dtype(cells):
        return Variable(name, "case mix of this study, at intake", "boolean")
    number = pd.api.types.is_numeric_dtype(cells)
    return Variable(name, "case mix of this study, at intake", "number" if number else "code")


def _instruments(study: Study) -> dict[str, str]:
    return {key: instrument.abbreviation for key, instrument in study.instruments.items()}
