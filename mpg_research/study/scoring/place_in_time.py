"""Measurements to episodes, and their place in time: months since the start, and the phase."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.study.config.study_toml import DAYS_PER_MONTH, StudyConfig

__all__ = ["PHASES", "assign_episodes", "number_episodes", "place_in_time"]

PHASES = ("before", "baseline", "course", "follow_up", "undated")


def number_episodes(episodes: pd.DataFrame) -> pd.DataFrame:
    """Give episodes without an id the numbers 1, 2, ... in the order of their start, per family.

    Parameters
    ----------
    episodes : DataFrame
        Canonical episodes, with or without a column ``episode``.

    Returns
    -------
    DataFrame
        With a complete column ``episode``; rows in the same order.
    """
    episodes = episodes.copy()
    if "episode" not in episodes:
        episodes["episode"] = pd.Series(None, index=episodes.index, dtype=episodes["family"].dtype)
    lacking = episodes["episode"].isna()
    if lacking.any():
        ordered = episodes[["family", "start"]].sort_values(["family", "start"], kind="stable")
        number = (ordered.groupby("family", sort=False).cumcount() + 1).astype(str)
        episodes["episode"] = episodes["episode"].where(~lacking, number.reindex(episodes.index))
    return episodes


def assign_episodes(
    measurements: pd.DataFrame, episodes: pd.DataFrame, config: StudyConfig
) -> NDArray[np.int64]:
    """The episode of every measurement.

    A measurement that names its episode belongs to it. One that does not belongs, in this order, to
    the episode of its family

    1. whose start and end enclose its date (of several, the one that started last);
    2. that starts within the baseline window after its date (the nearest);
    3. that ended before its date (the one that started last): follow-up;
    4. that starts later than the window (the nearest): before the start.

    Parameters
    ----------
    measurements : DataFrame, shape (n_measurements, ...)
        Canonical measurements; index 0, 1, ...
    episodes : DataFrame, shape (n_episodes, ...)
        Canonical episodes, numbered, with ``start`` and ``end``; index 0, 1, ...
    config : StudyConfig
        For the baseline window.

    Returns
    -------
    ndarray of int, shape (n_measurements,)
        Position in ``episodes``; -1 where the family or the named episode does not exist.
    """
    position = np.full(len(measurements), -1, dtype=np.int64)
    known = episodes[["family", "episode"]].assign(_position=np.arange(len(episodes)))
    known = known.drop_duplicates(["family", "episode"])
    named = np.zeros(len(measurements), dtype=bool)
    if "episode" in measurements:
        named = measurements["episode"].notna().to_numpy(dtype=bool)
        wanted = measurements.loc[named, ["family", "episode"]]
        found = wanted.merge(known, on=["family", "episode"], how="left")["_position"]
        position[named] = found.fillna(-1).to_numpy(dtype=np.int64)
    if not named.all():
        position[~named] = _by_date(measurements[~named], episodes, config)
    return position


def _by_date(measurements: pd.DataFrame, episodes: pd.DataFrame, config: StudyConfig) -> NDArray[np.int64]:
    left = pd.DataFrame(
        {
            "family": measurements["family"].to_numpy(),
            "date": _days(measurements["date"]),
            "_row": np.arange(len(measurements)),
        }
    )
    right = pd.DataFrame(
        {
            "family": episodes["family"].to_numpy(),
            "start": _days(episodes["start"]),
            "end": _days(episodes["end"]),
            "_position": np.arange(len(episodes)),
        }
    )
    pairs = left.merge(right, on="family", how="inner")
    date, start = pairs["date"].to_numpy(), pairs["start"].to_numpy()
    end = pairs["end"].fillna(np.inf).to_numpy()
    window = _window(config)
    with np.errstate(invalid="ignore"):
        rule = np.select(
            [
                (start <= date) & (date <= end),
                (start - window <= date) & (date < start),
                date > end,
                date < start - window,
            ],
            [1, 2, 3, 4],
            default=5,
        )
    pairs["_rule"] = rule
    pairs["_tie"] = np.where((rule == 1) | (rule == 3), -start, start)
    best = pairs.sort_values(["_row", "_rule", "_tie", "_position"], kind="stable").drop_duplicates("_row")
    position = np.full(len(measurements), -1, dtype=np.int64)
    position[best["_row"].to_numpy()] = best["_position"].to_numpy()
    return position


def place_in_time(
    date: pd.Series, start: pd.Series, end: pd.Series, config: StudyConfig
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Months since the start of the episode, and the phase.

    Parameters
    ----------
    date, start, end : Series, shape (n_measurements,)
        Dates, or numbers where the study has no dates. A missing end means that help goes on.
    config : StudyConfig
        Baseline window, origin and unit.

    Returns
    -------
    months : ndarray of float, shape (n_measurements,)
        (date - start) in days / 30.4375, or the difference of the numbers times the length of the
        unit; exactly 0.0 in the baseline window; NaN where a date is missing.
    phase : ndarray of str, shape (n_measurements,)
        "before" the baseline window, "baseline" (in the window or on the day of the start), "course",
        "follow_up" (after the end), or "undated".
    """
    elapsed = _days(date) - _days(start)
    until_end = np.where(np.isnan(_days(end)), np.inf, _days(end) - _days(start))
    unit = 1 / DAYS_PER_MONTH if config.time.kind == "dates" else config.time.unit_in_months
    with np.errstate(invalid="ignore"):
        conditions = [
            np.isnan(elapsed),
            elapsed < -_window(config),
            elapsed <= 0,
            elapsed <= until_end,
        ]
    phase = np.select(conditions, ["undated", "before", "baseline", "course"], default="follow_up")
    months = elapsed / DAYS_PER_MONTH if config.time.kind == "dates" else elapsed * unit
    months = np.where(phase == "baseline", 0.0, months)
    return months, phase.astype(object)


def _days(times: pd.Series) -> NDArray[np.float64]:
    """Whole days since 1970 for dates, the numbers themselves otherwise; NaN where missing."""
    if pd.api.types.is_datetime64_any_dtype(times):
        days = times.to_numpy(dtype="datetime64[D]")
        numbers: NDArray[np.float64] = days.astype(np.int64).astype(float)
        numbers[np.isnat(days)] = np.nan
        return numbers
    return np.asarray(times.to_numpy(dtype=float, na_value=np.nan))


def _window(config: StudyConfig) -> float:
    """The baseline window in the unit of the times: days, or the study's own unit."""
    if config.time.kind == "dates":
        return float(config.time.baseline_window_days)
    days = config.time.days_per_axis_unit
    if days is None:
        return 0.0
    return config.time.baseline_window_days / days / config.time.unit_in_months
