"""Answers to scores: range, reverse keys, missing items, T-scores."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import DataError
from mpg_research.instruments.model import Instrument
from mpg_research.instruments.norms import look_up_t_scores

__all__ = ["score_items", "score_totals", "turn_items"]


def score_items(
    instrument: Instrument, items: pd.DataFrame, *, child_age: pd.Series | float | None = None
) -> pd.DataFrame:
    """Raw scores, and T-scores where the instrument has norms, from answers to the items.

    Parameters
    ----------
    instrument : Instrument
        The questionnaire; its reverse keys and missing-item rule are applied.
    items : DataFrame, shape (n_measurements, n_items or more)
        Columns ``item_01`` ... with the answers as given; missing answers are NaN. Other columns
        are ignored.
    child_age : Series or float, optional
        Age of the child in years **at intake** (fixed over the course: a T-score must not jump at
        a birthday). A Series has the index of `items`.

    Returns
    -------
    DataFrame, index of `items`
        ``raw`` (float), ``n_answered`` (Int64), ``prorated`` (bool), ``t_score`` (float) and
        ``not_scored_reason`` (text: empty, ``"no_items_answered"`` or ``"items_missing"``).

    Raises
    ------
    DataError
        If an item column is missing, or an answer is not a whole number in range.

    Examples
    --------
    >>> import pandas as pd
    >>> from mpg_research.instruments import load_instrument, score_items
    >>> obvl_k = load_instrument("obvl_k")
    >>> answers = pd.DataFrame([[2] * 10, [2] * 9 + [None]], columns=list(obvl_k.items))
    >>> score_items(obvl_k, answers)["raw"].tolist()
    [20.0, nan]
    """
    answers = turn_items(instrument, items)
    n_answered = np.isfinite(answers).sum(axis=1)
    n_missing = instrument.n_items - n_answered
    scored = (n_missing <= instrument.missing_rule.max_missing) & (n_answered > 0)
    sums = np.nansum(answers, axis=1)
    raw = np.full(len(answers), np.nan)
    raw[scored] = sums[scored] * instrument.n_items / n_answered[scored]
    reason = np.where(scored, "", np.where(n_answered == 0, "no_items_answered", "items_missing"))
    return pd.DataFrame(
        {
            "raw": raw,
            "n_answered": pd.array(n_answered, dtype="Int64"),
            "prorated": scored & (n_missing > 0),
            "t_score": _t_scores(instrument, raw, child_age),
            "not_scored_reason": pd.array(reason, dtype="str"),
        },
        index=items.index,
    )


def score_totals(
    instrument: Instrument, totals: pd.Series, *, child_age: pd.Series | float | None = None
) -> pd.DataFrame:
    """The same columns as `score_items`, from total scores as the export gives them.

    Parameters
    ----------
    instrument : Instrument
        The questionnaire; totals are taken as they are, already turned and added up.
    totals : Series, shape (n_measurements,)
        Total scores; missing is NaN.
    child_age : Series or float, optional
        Age of the child in years at intake.

    Returns
    -------
    DataFrame, index of `totals`
        ``n_answered`` is missing throughout, since a total does not tell; the reason for a missing
        score is ``"no_total"``.

    Raises
    ------
    DataError
        If a total lies outside the range of the instrument.
    """
    raw = pd.to_numeric(totals, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    outside = np.isfinite(raw) & ((raw < instrument.raw_minimum) | (raw > instrument.raw_maximum))
    unreadable = ~np.isfinite(raw) & totals.notna().to_numpy(dtype=bool)
    if (outside | unreadable).any():
        wrong = outside | unreadable
        example = totals[wrong].iloc[0]
        raise DataError(
            f"{instrument.abbreviation}: {int(wrong.sum())} total scores are not numbers from "
            f"{instrument.raw_minimum:g} to {instrument.raw_maximum:g} (the first is {example!r}). "
            "Correct the export, or declare the code for missing."
        )
    return pd.DataFrame(
        {
            "raw": raw,
            "n_answered": pd.array([pd.NA] * len(totals), dtype="Int64"),
            "prorated": np.zeros(len(totals), dtype=bool),
            "t_score": _t_scores(instrument, raw, child_age),
            "not_scored_reason": pd.array(np.where(np.isfinite(raw), "", "no_total"), dtype="str"),
        },
        index=totals.index,
    )


def turn_items(instrument: Instrument, items: pd.DataFrame) -> NDArray[np.float64]:
    """The answers as numbers with the reverse-keyed items turned round.

    Parameters
    ----------
    instrument : Instrument
        A questionnaire with single items.
    items : DataFrame
        Columns ``item_01`` ... as given.

    Returns
    -------
    ndarray of float, shape (n_measurements, n_items)
        Missing answers are NaN.

    Raises
    ------
    DataError
        As `score_items`.
    """
    if instrument.total_only:
        raise DataError(
            f"{instrument.abbreviation} is read as a total score: which items are reverse-keyed is not known "
            "here, so single items cannot be added up. Give a column with the total."
        )
    lacking = [name for name in instrument.items if name not in items.columns]
    if lacking:
        raise DataError(
            f"{instrument.abbreviation} has {instrument.n_items} items, but the table lacks "
            f"{', '.join(lacking)}. Name the columns in study.toml."
        )
    assert instrument.item_minimum is not None  # an instrument with items has their range
    assert instrument.item_maximum is not None
    low, high = instrument.item_minimum, instrument.item_maximum
    answers = np.empty((len(items), instrument.n_items))
    for position, name in enumerate(instrument.items):
        given = items[name]
        values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        finite = np.isfinite(values)
        wrong = (finite & ((values < low) | (values > high) | (values != np.round(values)))) | (
            ~finite & given.notna().to_numpy(dtype=bool)
        )
        if wrong.any():
            raise DataError(
                f"{instrument.abbreviation}, {name}: {int(wrong.sum())} answers are not whole numbers "
                f"from {low} to {high} (the first is {given[wrong].iloc[0]!r}). Correct the export, "
                "or declare the code for missing."
            )
        answers[:, position] = low + high - values if name in instrument.reverse_items else values
    return answers


def _t_scores(
    instrument: Instrument, raw: NDArray[np.float64], child_age: pd.Series | float | None
) -> NDArray[np.float64]:
    if instrument.norms is None:
        return np.full(raw.shape, np.nan)
    if child_age is None:
        ages = None
    elif isinstance(child_age, pd.Series):
        ages = pd.to_numeric(child_age, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    else:
        ages = np.full(raw.shape, float(child_age))
    return look_up_t_scores(instrument.norms, raw, ages)
