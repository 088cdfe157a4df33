"""How well the questionnaire measures in this study.

Tables of :class:`Measurement` (beside ``sample_flow``)
------------------------------------------------------
- ``reliability(instrument, coefficient, estimate, conf_low, conf_high, n_measurements)``: ``alpha`` and
  ``omega`` on the first complete questionnaire of each family, ``icc_over_time`` on the families measured in
  each of the first three months. Without rows where only totals are known.
- ``items(instrument, item, mean, sd, item_rest_correlation, n_measurements)``: all measurements of the course
  by the respondents used; items in the direction in which they are added up.
- ``score_distribution(instrument, score_low, score_high, n_measurements)``: scored measurements per band of
  the raw score (or the T-score where that is the outcome), both ends included.
- ``scores(instrument, mean, sd, n_measurements)``: the same measurements in one line.
"""

from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import N_MEASUREMENTS, coded, ends, key_column, modelled, observed
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.errors import Note
from mpg_research.instruments import Instrument, estimate_reliability, estimate_stability, item_statistics
from mpg_research.instruments.score import turn_items
from mpg_research.study.model import CourseFrame, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["Measurement", "describe_measurement"]

_BANDS = 10
_RELIABILITY = modelled("estimate", digits=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Result):
    """What :func:`describe_measurement` found; its tables are described in the module's docstring."""

    instrument: Instrument
    kind: ClassVar[str] = "measurement"


def describe_measurement(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> Measurement:
    """Describe how a questionnaire behaves in a study: reliability, items, distribution of scores.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Confidence level of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    Measurement

    Examples
    --------
    >>> from mpg_research import describe_measurement, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_measurement(load_study(shipped_example()))
    >>> found.tables["reliability"].data["coefficient"].tolist()
    ['alpha', 'omega', 'icc_over_time']
    """
    (scores,) = gather(older, scores)
    course = course_frame(study, scores=scores)
    questionnaire = study.instruments[course.instrument]
    used = _used_scores(study, course)
    notes = [*study.notes, *_measurement_notes(questionnaire)]
    tables = [
        ResultTable(
            "reliability",
            _reliability(study, questionnaire, used, level),
            columns=(
                key_column("instrument"),
                coded("coefficient"),
                _RELIABILITY,
                *ends(_RELIABILITY, "conf", heading="interval"),
                N_MEASUREMENTS,
            ),
        ),
        ResultTable(
            "items",
            _items(study, questionnaire, used),
            columns=(
                key_column("instrument"),
                key_column("item"),
                observed("mean", digits=2),
                observed("sd", digits=2),
                observed("item_rest_correlation", digits=2),
                N_MEASUREMENTS,
            ),
        ),
        ResultTable(
            "score_distribution",
            _distribution(questionnaire, used, course.outcome),
            columns=(
                key_column("instrument"),
                key_column("score_low", ends="low", adds_up="families"),
                key_column("score_high", ends="high", adds_up="families"),
                N_MEASUREMENTS,
            ),
        ),
        ResultTable(
            "scores",
            _summary(questionnaire, used, course.outcome),
            columns=(
                key_column("instrument"),
                observed("mean"),
                observed("sd", digits=2, plain=False),
                N_MEASUREMENTS,
            ),
        ),
        sample_flow_table(course.flow),
    ]
    return Measurement(
        instrument=questionnaire,
        tables=collect_tables(tables),
        flow=course.flow,
        notes=tuple(notes),
        provenance=provenance_of(
            study,
            parameters={"instrument": course.instrument, "level": level},
            instrument=course.instrument,
            outcome=course.outcome,
        ),
        level=level,
    )


def _used_scores(study: Study, course: CourseFrame) -> pd.DataFrame:
    """Scored measurements of the course by the respondents in use; the index is that of the measurements."""
    scores = study.scores
    used = (scores["instrument"] == course.instrument) & scores["phase"].isin(["baseline", "course"])
    if course.respondents == "declared":
        used &= scores["declared_respondent"]
    return scores[used & scores[course.outcome].notna()]


def _measurement_notes(instrument: Instrument) -> list[Note]:
    if not instrument.total_only:
        return []
    text = f"Only totals of {instrument.abbreviation} are known, so nothing can be said about its items."
    return [Note("total_only", text, {"instrument": instrument.key})]


def _answers(study: Study, instrument: Instrument, scores: pd.DataFrame) -> pd.DataFrame | None:
    measurements = study.tables["measurements"]
    if instrument.total_only or not set(instrument.items) <= set(measurements.columns):
        return None
    answers = measurements.loc[scores.index, list(instrument.items)]
    return answers if bool(answers.notna().any(axis=None)) else None


def _reliability(study: Study, instrument: Instrument, scores: pd.DataFrame, level: float) -> pd.DataFrame:
    pieces = []
    ordered = scores.sort_values(["family", "months"], kind="stable")
    answers = _answers(study, instrument, ordered)
    if answers is not None:
        families = ordered["family"].astype(str)
        pieces.append(estimate_reliability(instrument, answers, families=families, level=level))
    pieces.append(estimate_stability(ordered, level=level))
    found = pd.concat(pieces, ignore_index=True)
    found.insert(0, "instrument", instrument.key)
    return found


def _items(study: Study, instrument: Instrument, scores: pd.DataFrame) -> pd.DataFrame:
    answers = _answers(study, instrument, scores)
    columns = ["instrument", "item", "mean", "sd", "item_rest_correlation", "n_measurements", "n_families"]
    if answers is None:
        return pd.DataFrame(columns=columns)
    values = turn_items(instrument, answers)
    found = item_statistics(values)
    families = [int(scores.loc[answers[item].notna(), "family"].nunique()) for item in instrument.items]
    return pd.DataFrame(
        {
            "instrument": instrument.key,
            "item": list(instrument.items),
            "mean": found.mean,
            "sd": found.sd,
            "item_rest_correlation": found.item_rest_correlation,
            "n_measurements": found.n_answered,
            "n_families": families,
        }
    )


def _distribution(instrument: Instrument, scores: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Counts in about ten bands; whole scores for raw totals, tens for T-scores."""
    values = scores[outcome].to_numpy(dtype=float)
    if outcome == "raw":
        low, high = instrument.raw_minimum, instrument.raw_maximum
        width = float(np.ceil((high - low + 1) / _BANDS))
    else:
        width = 5.0
        low = float(np.floor(values.min() / width) * width)
        high = float(values.max())
    starts = np.arange(low, high + 1e-9, width)
    band = np.clip(np.floor((values - low) / width).astype(int), 0, len(starts) - 1)
    rows = []
    for number, start in enumerate(starts):
        mine = scores[band == number]
        end = min(start + width - 1, high) if outcome == "raw" else start + width
        counts = (len(mine), mine["family"].nunique(), mine["organisation"].nunique())
        rows.append((instrument.key, start, end, *counts))
    columns = ["instrument", "score_low", "score_high", "n_measurements", "n_families", "n_organisations"]
    return pd.DataFrame(rows, columns=columns)


def _summary(instrument: Instrument, scores: pd.DataFrame, outcome: str) -> pd.DataFrame:
    values = scores[outcome].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "instrument": [instrument.key],
            "mean": [float(values.mean())],
            "sd": [float(values.std(ddof=1)) if len(values) > 1 else float("nan")],
            "n_measurements": [len(values)],
            "n_families": [int(scores["family"].nunique())],
            "n_organisations": [int(scores["organisation"].nunique())],
        }
    )
