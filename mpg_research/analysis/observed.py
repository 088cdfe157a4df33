"""What was observed around a moment, as means of families."""

import numpy as np
import pandas as pd

__all__ = ["month_grid", "observed_means", "typical_gap"]

#: Measurements from half a month before to half a month after a month belong to it.
_HALF_MONTH = 0.5


def typical_gap(data: pd.DataFrame) -> float:
    """Median time between successive measurements of a family by one respondent; 1 where there are none."""
    ordered = data.sort_values(["family", "episode", "respondent", "months"], kind="stable")
    gaps = ordered.groupby(["family", "episode", "respondent"])["months"].diff()
    gaps = gaps[gaps > 0]
    return float(gaps.median()) if len(gaps) else 1.0


def month_grid(data: pd.DataFrame) -> list[float]:
    """Moments from 0 to the last measurement, a month apart (wider where measurements are sparser)."""
    step = max(1.0, float(np.round(typical_gap(data))))
    last = float(np.floor(data["months"].max() / step + 0.5)) * step
    return [float(month) for month in np.arange(0.0, last + step / 2, step)]


def observed_means(data: pd.DataFrame, months: list[float], *, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Mean and spread of the observed scores around each month.

    Parameters
    ----------
    data : DataFrame
        Measurements with family, episode, organisation, respondent, months, score.
    months : list of float
        Moments. A measurement belongs to a moment when it lies less than half the typical gap between
        a family's measurements away, and at least half a month.
    by : tuple of str
        Columns to keep apart, e.g. ``("organisation",)``.

    Returns
    -------
    DataFrame
        ``by``, months, mean, sd, n_measurements, n_families, n_organisations; moments without any
        measurement are left out. A family counts once: its scores around a moment are averaged first.
    """
    half = max(_HALF_MONTH, typical_gap(data) / 2)
    pieces = []
    for month in months:
        near = data[(data["months"] >= month - half) & (data["months"] < month + half)]
        if near.empty:
            continue
        family_means = near.groupby([*by, "family"])["score"].agg(["mean", "size"]).reset_index()
        grouped = family_means.groupby(list(by)) if by else family_means.groupby(lambda _: 0)
        summary = grouped.agg(
            mean=("mean", "mean"),
            sd=("mean", "std"),
            n_measurements=("size", "sum"),
            n_families=("mean", "size"),
        )
        summary["months"] = month
        organisations = near.groupby(list(by)) if by else near.groupby(lambda _: 0)
        summary["n_organisations"] = organisations["organisation"].nunique()
        pieces.append(summary.reset_index() if by else summary)
    columns = [*by, "months", "mean", "sd", "n_measurements", "n_families", "n_organisations"]
    found = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)
    return found[columns].sort_values([*by, "months"], kind="stable", ignore_index=True)
