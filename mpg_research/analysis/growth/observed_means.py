"""What was observed around each month, as means of families."""

import numpy as np
import pandas as pd

from mpg_research.study.scoring.reach import month_step, occasion_of

__all__ = ["month_grid", "month_step", "observed_means"]


def month_grid(data: pd.DataFrame) -> list[float]:
    """Months from 0 to the last measurement, :func:`month_step` apart."""
    step = month_step(data)
    last = np.floor(data["months"].max() / step + 0.5)
    return [float(place * step) for place in np.arange(last + 1)]


def observed_means(data: pd.DataFrame, *, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Mean and spread of the observed scores around each month.

    Parameters
    ----------
    data : DataFrame
        Measurements with family, episode, organisation, respondent, months, score.
    by : tuple of str
        Columns to keep apart, e.g. ``("organisation",)``.

    Returns
    -------
    DataFrame
        ``by``, months, mean, sd, n_measurements, n_families, n_organisations. A month holds what was
        measured from half a step before to half a step after it (half a month where families are
        measured monthly). A family counts once per month: its scores there are averaged first.
    """
    step = month_step(data)
    placed = data.assign(months=occasion_of(data["months"], step))
    keys = [*by, "months"]
    families = placed.groupby([*keys, "family"], as_index=False).agg(
        mean=("score", "mean"), size=("score", "size")
    )
    found = families.groupby(keys).agg(
        mean=("mean", "mean"), sd=("mean", "std"), n_measurements=("size", "sum"), n_families=("mean", "size")
    )
    found["n_organisations"] = placed.groupby(keys)["organisation"].nunique()
    return found.reset_index()
