"""Two questionnaires put together: correlations over families, and what carries over; as tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from mpg_research.analysis.columns import coded, ends, key_column, modelled, setting
from mpg_research.analysis.outcomes.growth_together import (
    fit_together,
    random_correlation,
    some_families,
    stack,
)
from mpg_research.analysis.outcomes.item_error import error_of_scores
from mpg_research.analysis.result import ResultTable
from mpg_research.statistics.two_outcomes.fit import Carried, Fitted, Verdict, carried_over
from mpg_research.study.model import Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.which_scores import Scores

__all__ = ["PATHS", "put_together", "sign_of", "tables_together"]

#: In the order of the matrix of what carries over, by rows.
PATHS = ("first_to_itself", "other_to_first", "first_to_other", "other_to_itself")
#: Families with both questionnaires below which their courses are not put together.
_FEWEST = 30
_EFFECTS = {"slopes": ("slope_1", "slope_2"), "levels": ("level_1", "level_2")}
_FOUND = modelled("estimate", digits=2)
_Row = dict[str, object]
#: Rows of the three tables.
Together = tuple[list[_Row], list[_Row], list[_Row]]


def sign_of(study: Study, key: str) -> float:
    """-1 where a higher score of the questionnaire is worse, else 1.

    Parameters
    ----------
    study : Study
    key : str
        Of the questionnaire.
    """
    return -1.0 if study.instruments[key].direction == "higher_is_worse" else 1.0


def put_together(study: Study, first: str, other: str, *, name: str, level: float) -> Together:
    """Rows of the three tables about two questionnaires; none where too few families have both.

    Parameters
    ----------
    study : Study
    first, other : str
        Keys of the questionnaires.
    name : str
        What the other one is called.
    level : float
        Of the limits.
    """
    one, two = (_gains(study, key) for key in (first, other))
    both = set(one.data["family"]) & set(two.data["family"])
    if len(both) < _FEWEST:
        return [], [], []
    parts = [some_families(each.data[each.data["family"].isin(both)], sorted(both)) for each in (one, two)]
    lag = _lag(*parts)
    rows = stack(*parts, lag=lag)
    behind = {
        "instrument": name,
        "n_families": int(rows["family"].nunique()),
        "n_organisations": int(rows["organisation"].nunique()),
    }
    fit, carried = _fitted(rows, one, two)
    if fit is None:
        return [], [], []
    correlations: list[_Row] = []
    for effect, names in _EFFECTS.items():
        found = random_correlation(fit, *names, level=level)
        correlations.append(
            {"effect": effect, "estimate": found.estimate, "conf_low": found.conf_low,
             "conf_high": found.conf_high, **behind}
        )  # fmt: skip
    shares = fit.reliability if carried.verdict == "estimated" else (np.nan, np.nan)
    settings: list[_Row] = [
        {"lag_months": lag, "carried_verdict": carried.verdict, "swing_share_first": shares[0],
         "swing_share_other": shares[1], **behind}
    ]  # fmt: skip
    if carried.verdict != "estimated":
        return correlations, [], settings
    half = float(ndtri(0.5 + level / 2)) * carried.std_error
    paths: list[_Row] = [
        {"path": path, "estimate": carried.estimate.flat[place], "std_error": carried.std_error.flat[place],
         "conf_low": (carried.estimate - half).flat[place],
         "conf_high": (carried.estimate + half).flat[place], **behind}
        for place, path in enumerate(PATHS)
    ]  # fmt: skip
    return correlations, paths, settings


def _fitted(rows: pd.DataFrame, one: "_Gains", two: "_Gains") -> tuple[Fitted | None, Carried]:
    """The model of both, with error of measurement where the items tell it, and what carries over."""
    nothing = np.full((2, 2), np.nan)
    verdict: Verdict = "no_items"
    if one.noise > 0 and two.noise > 0:
        fit = fit_together(rows, carries_over=True, noise=(one.noise, two.noise))
        verdict = "not_converged"
        if fit is not None:
            carried = carried_over(fit, (one.noise_error, two.noise_error))
            if carried.verdict == "estimated":
                return fit, carried
            verdict = carried.verdict
    fit = fit_together(rows, carries_over=True) or fit_together(rows, carries_over=False)
    return fit, Carried(verdict, nothing, nothing)


@dataclass(frozen=True, slots=True)
class _Gains:
    """family, organisation, months and score of one questionnaire, up is better, in SD at the start.

    ``noise``: the error variance of a score, in the same unit; NaN where it is not known.
    """

    data: pd.DataFrame
    noise: float
    noise_error: float


def _gains(study: Study, key: str) -> _Gains:
    course = course_frame(study, scores=Scores(instrument=key, outcome="raw", respondents="declared"))
    data = course.data[["family", "organisation", "months", "score"]].copy()
    data["family"] = data["family"].astype(str)
    first = data[data["months"] <= 1].drop_duplicates("family")["score"]
    spread = float(first.std(ddof=1)) if len(first) > 1 else float("nan")
    spread = spread if spread > 0 else float(data["score"].std(ddof=1))
    data["score"] = sign_of(study, key) * data["score"] / spread
    error = error_of_scores(study, key)
    if error is None:
        return _Gains(data, float("nan"), float("nan"))
    return _Gains(data, error.variance / spread**2, error.std_error / spread**2)


def _lag(one: pd.DataFrame, two: pd.DataFrame) -> float:
    """Usual months between two moments of the questionnaire that is filled in less often; at least one."""
    gaps = []
    for data in (one, two):
        ordered = data.sort_values(["family", "months"])
        apart = ordered.groupby("family")["months"].diff()
        apart = apart[apart > 0]
        gaps.append(float(apart.median()) if len(apart) else 1.0)
    return max(1.0, float(np.round(max(gaps))))


def tables_together(parts: list[Together]) -> list[ResultTable]:
    """The three tables about two questionnaires each, empty where there is nothing.

    Parameters
    ----------
    parts : list
        From :func:`put_together`.
    """
    limits = ends(_FOUND, "conf", heading="interval")
    error = modelled("std_error", digits=2, plain=False, is_error=True)
    declared = {
        "growth_together": (coded("effect"), _FOUND, *limits),
        "carried_over": (coded("path"), _FOUND, error, *limits),
        "together_settings": (
            setting("lag_months"),
            coded("carried_verdict", is_key=False),
            modelled("swing_share_first", percent=True, plain=False),
            modelled("swing_share_other", percent=True, plain=False),
        ),
    }
    tables = []
    for place, (name, columns) in enumerate(declared.items()):
        rows = [row for part in parts for row in part[place]]
        names = ["instrument", *(column.name for column in columns), "n_families", "n_organisations"]
        tables.append(
            ResultTable(name, pd.DataFrame(rows, columns=names), columns=(key_column("instrument"), *columns))
        )
    return tables
