"""More than one number per organisation: end level, reliable improvement, drop-out and duration.

Tables
------
- ``indicators(organisation, indicator, primary, n_group, estimate, conf_low, conf_high, expected, difference,
  difference_low, difference_high)``: ``change`` (points, the primary one), ``change_standardised`` and
  ``end_level`` come from the growth model, and what is expected is the mean of the organisations;
  ``duration`` is the mean number of months in help, counted up to two years, families still in help
  included (Kaplan-Meier), what is expected is the same over all families, and it is not adjusted.
- ``share_indicators(organisation, indicator, n_group, share_observed, observed_low, observed_high,
  expected_share, observed_difference, observed_difference_low, observed_difference_high)``:
  ``measured`` (around the primary month), ``reliably_improved`` (of families with two moments) and
  ``dropped_out`` (of ended episodes, those that the family or the provider ended early); what is expected
  comes from a logistic case-mix model, and the difference is observed minus expected.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import t as student_t

from mpg_research.analysis.frame import ModelFrame
from mpg_research.analysis.organisation_effects import OrganisationEffects
from mpg_research.analysis.quality import DROP_OUT_REASONS
from mpg_research.analysis.result import ResultTable
from mpg_research.errors import MpgError
from mpg_research.statistics.proportions import wilson_interval
from mpg_research.statistics.standardisation import logistic_expected
from mpg_research.study.model import Study

__all__ = ["INDICATORS", "case_mix_columns", "indicator_tables", "restricted_mean"]

FloatArray = NDArray[np.float64]

#: The indicators; the first is the declared primary one.
INDICATORS = ("change", "change_standardised", "end_level", "reliably_improved", "dropped_out", "duration")
#: Months of help are counted up to two years.
HORIZON = 24.0
_DAYS = 30.4375
#: A family counts as measured at the month when it was at most this far from it, in months.
_WINDOW = 1.5

_COLUMNS = [
    "organisation", "indicator", "primary", "n_group", "estimate", "conf_low", "conf_high", "expected",
    "difference", "difference_low", "difference_high", "n_families",
]  # fmt: skip
_SHARES = [
    "organisation", "indicator", "n_group", "share_observed", "observed_low", "observed_high",
    "expected_share", "observed_difference", "observed_difference_low", "observed_difference_high",
    "n_families",
]  # fmt: skip


def indicator_tables(
    study: Study,
    frame: ModelFrame,
    effects: OrganisationEffects,
    end_level: tuple[FloatArray, FloatArray],
    *,
    level: float,
    choices: dict[str, str],
) -> list[ResultTable]:
    """All indicators of all organisations, in two tables.

    Parameters
    ----------
    study : Study
    frame : ModelFrame
    effects : OrganisationEffects
        Change at the primary month.
    end_level : (ndarray (g,), ndarray (g, g))
        Adjusted scores at that month and their covariance.
    level : float
    choices : dict of str
        instrument, outcome, respondents and episodes in force.
    """
    rows = _model_rows("change", effects.raw, effects.raw_covariance, effects, level)
    sd = frame.baseline.sd
    if sd > 0:
        rows += _model_rows(
            "change_standardised", effects.raw / sd, effects.raw_covariance / sd**2, effects, level
        )
    rows += _model_rows("end_level", *end_level, effects, level)
    shares = _share_rows("reliably_improved", _improved(study, choices), frame, level)
    episodes = _episodes_used(study, frame)
    if "end_reason" in episodes.columns:
        ended = episodes[episodes["end_reason"].notna()]
        outcome = ended.assign(event=ended["end_reason"].isin(DROP_OUT_REASONS))
        shares += _share_rows("dropped_out", outcome[["family", "event"]], frame, level)
    near = (frame.data["months"] - effects.month).abs() <= _WINDOW
    measured = near.groupby(frame.data["family"]).any().rename("event").reset_index()
    shares += _share_rows("measured", measured, frame, level)
    rows += _duration_rows(study, episodes, frame, level)
    tables = [_table("indicators", rows, _COLUMNS, ("organisation", "indicator", "primary"))]
    if shares:
        tables.append(_table("share_indicators", shares, _SHARES, ("organisation", "indicator")))
    return tables


def _table(
    name: str, rows: list[tuple[object, ...]], columns: list[str], keys: tuple[str, ...]
) -> ResultTable:
    return ResultTable(
        name,
        pd.DataFrame(rows, columns=columns),
        keys=keys,
        values=tuple(column for column in columns if column not in (*keys, "n_families")),
        organisation_columns=("organisation",),
        parts_of_total=("organisation",),
    )


def _model_rows(
    name: str, estimate: FloatArray, covariance: FloatArray, effects: OrganisationEffects, level: float
) -> list[tuple[object, ...]]:
    g = len(estimate)
    contrast = np.eye(g) - 1.0 / g
    difference = contrast @ estimate
    error = np.sqrt(np.maximum(np.diagonal(contrast @ covariance @ contrast), 0.0))
    quantile = student_t.ppf(0.5 + level / 2, effects.df)
    half, apart = quantile * np.sqrt(np.diagonal(covariance)), quantile * error
    primary = "yes" if name == INDICATORS[0] else "no"
    return [
        (
            key, name, primary, int(effects.n_families[i]), estimate[i], estimate[i] - half[i],
            estimate[i] + half[i], float(estimate.mean()), difference[i], difference[i] - apart[i],
            difference[i] + apart[i], int(effects.n_families[i]),
        )
        for i, key in enumerate(effects.keys)
    ]  # fmt: skip


def _share_rows(
    name: str, outcome: pd.DataFrame, frame: ModelFrame, level: float
) -> list[tuple[object, ...]]:
    """Observed and expected shares; ``outcome`` has one row per family: family, event."""
    families = frame.episodes.assign(family=frame.episodes["family"].astype(str))
    joined = families.merge(outcome.assign(family=outcome["family"].astype(str)), on="family")
    joined = joined.drop_duplicates("family")
    if joined.empty or joined["event"].nunique() < 2:
        return []
    event = joined["event"].to_numpy(dtype=float)
    columns = case_mix_columns(joined.drop(columns=["family", "organisation", "event"]))
    complete = np.isfinite(columns).all(axis=1)
    expected = np.full(len(joined), np.nan)
    expected[complete] = (
        logistic_expected(event[complete], columns[complete]) if columns.shape[1] else event.mean()
    )
    rows: list[tuple[object, ...]] = []
    z = float(ndtri(0.5 + level / 2))
    for code, key in frame.organisations.items():
        mine = (joined["organisation"] == code).to_numpy() & complete
        n = int(mine.sum())
        if not n:
            continue
        share = wilson_interval([event[mine].sum()], [n], level=level)
        model = expected[mine]
        gap = float(event[mine].mean() - model.mean())
        half = z * float(np.sqrt(np.sum(model * (1 - model)))) / n
        rows.append(
            (
                key, name, n, float(share.estimate[0]), float(share.conf_low[0]),
                float(share.conf_high[0]), float(model.mean()), gap, gap - half, gap + half, n,
            )
        )  # fmt: skip
    return rows


def case_mix_columns(table: pd.DataFrame) -> FloatArray:
    """Case-mix columns as numbers: indicators of all but the first level of text columns, shape (n, k)."""
    columns = []
    for name in table.columns:
        values = table[name]
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            columns.append(values.to_numpy(dtype=float, na_value=np.nan))
            continue
        texts = values.astype(str)
        if set(texts.unique()) <= {"True", "False"}:
            columns.append((texts == "True").to_numpy(dtype=float))
            continue
        columns += [(texts == level).to_numpy(dtype=float) for level in sorted(texts.unique())[1:]]
    return np.column_stack(columns) if columns else np.zeros((len(table), 0))


def _improved(study: Study, choices: dict[str, str]) -> pd.DataFrame:
    """Families with a reliable change computed: family, event (improved)."""
    from mpg_research.analysis.individual_change import reliable_change

    empty = pd.DataFrame({"family": pd.Series(dtype=str), "event": pd.Series(dtype=bool)})
    try:
        found = reliable_change(
            study,
            instrument=choices["instrument"],
            outcome=choices["outcome"],
            respondents="declared",
            episodes=choices["episodes"],
        )
    except MpgError:
        # Without a reliability or a second moment there is no such indicator; the others stand.
        return empty
    table = found.tables["families"].data
    known = table[table["category"] != "not_computable"]
    return known.assign(event=known["category"] == "improved")[["family", "event"]]


def _episodes_used(study: Study, frame: ModelFrame) -> pd.DataFrame:
    used = frame.data[["family", "episode"]].drop_duplicates().astype(str)
    episodes = study.tables["episodes"]
    episodes = episodes.assign(family=episodes["family"].astype(str), episode=episodes["episode"].astype(str))
    return used.merge(episodes, on=["family", "episode"], how="inner")


def _duration_rows(
    study: Study, episodes: pd.DataFrame, frame: ModelFrame, level: float
) -> list[tuple[object, ...]]:
    if not {"start", "end"} <= set(episodes.columns):
        return []
    start = pd.to_datetime(episodes["start"], errors="coerce")
    end = pd.to_datetime(episodes["end"], errors="coerce")
    last = study.config.study.export_date
    until = end.fillna(pd.Timestamp(last) if last is not None else end.max())
    months = ((until - start).dt.days / _DAYS).to_numpy(dtype=float)
    ended, usable = end.notna().to_numpy(), np.isfinite(months) & (months > 0)
    if not usable.any() or not ended[usable].any():
        return []
    everyone, _ = restricted_mean(months[usable], ended[usable])
    z = float(ndtri(0.5 + level / 2))
    rows: list[tuple[object, ...]] = []
    codes = {key: code for code, key in frame.organisations.items()}
    for key in codes:
        mine = (episodes["organisation"].astype(str) == key).to_numpy() & usable
        if not mine.any():
            continue
        mean, error = restricted_mean(months[mine], ended[mine])
        gap, half = mean - everyone, z * error
        n = int(episodes.loc[mine, "family"].nunique())
        rows.append(
            (
                key,
                "duration",
                "no",
                n,
                mean,
                mean - half,
                mean + half,
                everyone,
                gap,
                gap - half,
                gap + half,
                n,
            )
        )
    return rows


def restricted_mean(months: FloatArray, ended: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean time up to :data:`HORIZON` with censoring, and its standard error.

    Parameters
    ----------
    months : ndarray, shape (n,)
        Time to the end, or to the last moment seen.
    ended : ndarray of bool, shape (n,)
        Whether the end was seen.

    Notes
    -----
    The area under the Kaplan-Meier curve; variance sum of A_j^2 d_j / (n_j (n_j - d_j)), A_j the area that is
    left from the j-th event on.
    """
    time = np.minimum(months, HORIZON)
    event = ended & (months <= HORIZON)
    moments = np.unique(time[event])
    at_risk = np.array([(time >= moment).sum() for moment in moments], dtype=float)
    deaths = np.array([(event & (time == moment)).sum() for moment in moments], dtype=float)
    survival = np.cumprod(1 - deaths / at_risk) if moments.size else np.zeros(0)
    edges = np.concatenate([[0.0], moments, [HORIZON]])
    heights = np.concatenate([[1.0], survival])
    areas = heights * np.diff(edges)
    left = areas.sum() - np.cumsum(areas)[:-1]
    kept = at_risk > deaths
    variance = np.sum(left[kept] ** 2 * deaths[kept] / (at_risk[kept] * (at_risk[kept] - deaths[kept])))
    return float(areas.sum()), float(np.sqrt(variance))
