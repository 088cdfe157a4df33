"""Error of measurement of a questionnaire's score around a family's own course, from its items."""

import numpy as np

from mpg_research.instruments.error_within import ErrorWithin, error_within
from mpg_research.instruments.score import turn_items
from mpg_research.study.model import Study
from mpg_research.study.scoring.scores import IN_COURSE

__all__ = ["error_of_scores"]

_SERIES = ["family", "episode", "respondent"]


def error_of_scores(study: Study, key: str) -> ErrorWithin | None:
    """Error variance of a raw score; None where the study has no items of the questionnaire.

    Parameters
    ----------
    study : Study
    key : str
        Of the questionnaire.
    """
    instrument, measurements = study.instruments[key], study.tables["measurements"]
    if instrument.total_only or not set(instrument.items) <= set(measurements.columns):
        return None
    scores = study.scores
    used = (scores["instrument"] == key) & scores["phase"].isin(IN_COURSE) & scores["declared_respondent"]
    scores = scores[used & scores["raw"].notna()]
    answers = measurements.loc[scores.index, list(instrument.items)]
    if not bool(answers.notna().any(axis=None)):
        return None
    series = scores[_SERIES].astype(str).groupby(_SERIES, sort=False).ngroup().to_numpy().astype(np.intp)
    months = scores["months"].to_numpy(dtype=float)
    return error_within(turn_items(instrument, answers), series, months)
