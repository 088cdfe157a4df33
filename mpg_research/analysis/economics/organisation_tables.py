"""What a family costs at each organisation, as it is and over the same case mix, and the funnel plot of it.

Help is followed for different times at different organisations, so each has its own chance of being followed.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student_t

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    Column,
    coded,
    ends,
    modelled,
    number_of,
)
from mpg_research.analysis.economics.mean_tables import MEAN, CostWindow
from mpg_research.analysis.organisations.funnel_tables_shared import (
    FLAGS,
    LINES,
    STEPS,
    SUMMARY,
    calibration,
    flags,
    funnel_lines,
    funnel_summary,
    step_rows,
    volume_outcome,
)
from mpg_research.analysis.organisations.ranks import FEWEST_FOR_RANKS
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.errors import Note
from mpg_research.statistics.economics.censored_costs import censored_mean
from mpg_research.statistics.economics.follow_up import completeness_weights
from mpg_research.statistics.economics.skewed_costs import StandardisedCosts, standardised_costs
from mpg_research.statistics.providers.false_alarms import simulate_false_alarms
from mpg_research.statistics.providers.funnel import make_funnel
from mpg_research.study.model import Study

__all__ = ["CASE_MIX_ROWS", "OF_ORGANISATIONS", "OrganisationCosts", "organisation_costs"]

#: With fewer workers than this an organisation's errors are over families.
_FEWEST_WORKERS = 5
_SIMULATIONS = 500
CASE_MIX_ROWS = 10
_OWN = MEAN.but(own=True)
_ADJUSTED = Column(name="adjusted_cost", meaning="money", about="mean_cost", digits=0)
#: What the table of organisations declares.
OF_ORGANISATIONS = (
    EACH_ORGANISATION,
    _OWN,
    *ends(_OWN, is_total=False, largest=()),
    _ADJUSTED,
    *ends(_ADJUSTED),
    Column(name="largest", meaning="extreme", digits=0, own=True, csv_only=True, plain=False),
    Column(name="second_largest", meaning="extreme", digits=0, own=True, csv_only=True, plain=False),
    number_of("n_group", of="families", own=True),
)
_EUROS = modelled("value", digits=0, spread=True, in_money=True)
_LINES = tuple(column if column.is_key else column.but(digits=0, in_money=True) for column in LINES)
_SUMMARY = (
    coded("quantity"),
    SUMMARY[1].but(
        rows={
            **SUMMARY[1].rows,
            **dict.fromkeys(("target", "target_adjusted", "between_sd"), _EUROS),
            "tau2": modelled("value", digits=0, spread=True),
        }
    ),
)


@dataclass(frozen=True, slots=True)
class OrganisationCosts:
    """What was found of organisations.

    Attributes
    ----------
    tables : list of ResultTable
        ``costs_by_organisation``, and with five organisations or more that can be adjusted ``cost_funnel``,
        ``cost_funnel_lines``, ``cost_funnel_summary`` and ``cost_funnel_steps``.
    notes : list of Note
    case_mix : tuple of str
        The columns that were adjusted for.
    """

    tables: list[ResultTable]
    notes: list[Note]
    case_mix: tuple[str, ...]


def organisation_costs(study: Study, window: CostWindow, *, asked: float, seed: int = 0) -> OrganisationCosts:
    """Mean costs of each organisation, with case mix and a funnel plot.

    Parameters
    ----------
    study : Study
    window : CostWindow
    asked : float
        Months that the study asked for.
    seed : int
        Of the simulated false-alarm rate.

    Notes
    -----
    The raw mean is weighted with the organisation's own chance of being followed. The adjusted one comes
    from a gamma regression with a log link and a level per organisation, of families followed to the last
    month and weighted with the inverse of that chance, and is averaged over the case mix of all families;
    its variance function is the mean, which holds where costs are not proportional in the case mix.
    """
    followed = window.costs.followed
    home = followed["organisation"].to_numpy(dtype=str)
    clusters = _clusters(window, home)
    weight = np.zeros(len(home))
    known = []
    for key in np.unique(home):
        mine = home == key
        if (window.time[mine] >= window.months).any():
            ended = np.zeros(int(mine.sum()), dtype=bool)
            weight[mine] = completeness_weights(window.time[mine], ended, horizon=float(window.months))
            known.append(str(key))
    notes = []
    if short := int(np.unique(home).size) - len(known):
        text = f"{short} organisations have no family that is followed for {window.months} months."
        notes.append(
            Note("organisations_too_short", text, {"n_organisations": short, "months": window.months})
        )
    amounts = window.amounts()
    raw = pd.DataFrame([_raw(window, amounts, home == key, clusters, key) for key in known])
    if raw.empty:
        return OrganisationCosts([], notes, ())
    names, mix, complete = _case_mix(study, followed)
    adjusted = _adjust(window, home, clusters, weight, mix, complete, known)
    if adjusted is None:
        notes.append(Note("costs_not_adjusted", "Costs per organisation could not be adjusted for case mix."))
        names = ()
    elif without := int((~complete).sum()):
        text = (
            f"{without} families are left out of the adjusted costs, since a column of the case mix is not "
            "known."
        )
        notes.append(Note("costs_without_case_mix", text, {"n_families": without}, "caution"))
    table = _with_adjusted(raw, adjusted, window.level)
    tables = [ResultTable("costs_by_organisation", table, columns=OF_ORGANISATIONS)]
    if adjusted is not None and len(adjusted.keys) >= FEWEST_FOR_RANKS:
        tables += _funnel(window, adjusted, declared=asked == window.months, seed=seed)
    return OrganisationCosts(tables, notes, names)


def _clusters(window: CostWindow, home: np.ndarray) -> np.ndarray:
    """Workers; families where the organisation has few workers."""
    workers = window.costs.followed["worker"].to_numpy(dtype=str)
    number = pd.Series(workers).groupby(home).transform("nunique").to_numpy()
    families = window.costs.followed["family"].to_numpy(dtype=str)
    return np.where(number >= _FEWEST_WORKERS, workers, np.char.add(families, "/own"))


def _raw(
    window: CostWindow, every: FloatArray, mine: BoolArray, clusters: np.ndarray, key: str
) -> dict[str, object]:
    amounts, ended = every[mine], np.zeros(int(mine.sum()), dtype=bool)
    found = censored_mean(
        amounts, window.time[mine], ended=ended, edges=window.edges, clusters=clusters[mine],
        level=window.level,
    )  # fmt: skip
    known = np.where(window.edges[1:] <= window.time[mine][:, None], amounts, 0.0).sum(axis=1)
    largest = np.sort(np.concatenate([[0.0, 0.0], known]))[-2:] / len(known)
    scale = found.estimate / known.mean() if known.sum() > 0 else 1.0
    return {
        "organisation": key,
        "mean_cost": found.estimate,
        "mean_cost_low": max(found.conf_low, 0.0),
        "mean_cost_high": found.conf_high,
        "largest": largest[1] * scale,
        "second_largest": largest[0] * scale,
        "n_group": len(known),
        "n_families": int((known > 0).sum()),
    }


def _case_mix(study: Study, followed: pd.DataFrame) -> tuple[tuple[str, ...], FloatArray, BoolArray]:
    """Columns of the case mix at the first period, as numbers; and the families that have them all."""
    episodes = study.tables["episodes"].drop_duplicates(["family", "episode"])
    keys = pd.MultiIndex.from_frame(episodes[["family", "episode"]].astype(str))
    place = keys.get_indexer(pd.MultiIndex.from_frame(followed[["family", "episode"]].astype(str)))
    names, columns = [], []
    for name in study.config.analysis.case_mix:
        if name not in episodes:
            continue
        values = episodes[name].iloc[place].reset_index(drop=True)
        found = _numbers(values)
        if len(found):
            names.append(name)
            columns += found
    mix = np.column_stack(columns) if columns else np.zeros((len(followed), 0))
    complete: BoolArray = np.asarray(np.isfinite(mix).all(axis=1))
    spread = mix[complete].std(axis=0) if complete.any() else np.zeros(mix.shape[1])
    mix = mix[:, spread > 0]
    centred: FloatArray = mix
    if mix.shape[1]:
        centred = (mix - mix[complete].mean(axis=0)) / spread[spread > 0]
    return tuple(names), centred, complete


def _numbers(values: pd.Series) -> list[FloatArray]:
    """A column of the case mix as numbers: a yes or no and a number as they are, words as one column each."""
    if pd.api.types.is_numeric_dtype(values) or values.dtype == "boolean":
        return [np.asarray(values.astype("Float64").to_numpy(dtype=float, na_value=np.nan))]
    known = values.notna().to_numpy()
    words = values.astype(object).where(values.notna(), "").astype(str).to_numpy()
    return [np.where(known, (words == word).astype(float), np.nan) for word in sorted(set(words[known]))[1:]]


@dataclass(frozen=True, slots=True)
class _Adjusted:
    """Adjusted means of a organisations."""

    keys: tuple[str, ...]
    found: StandardisedCosts
    df: FloatArray
    sizes: FloatArray
    misfit: float


def _adjust(
    window: CostWindow,
    home: NDArray[np.str_],
    clusters: np.ndarray,
    weight: FloatArray,
    mix: FloatArray,
    complete: BoolArray,
    known: list[str],
) -> _Adjusted | None:
    cost = window.amounts().sum(axis=1)
    rows = complete & np.isin(home, known)
    # A level on a log scale needs costs, and an error needs more than one worker or family.
    keys = []
    for key in known:
        mine = rows & (home == key) & (weight > 0)
        if cost[mine].sum() > 0 and np.unique(clusters[mine]).size > 1:
            keys.append(key)
    rows &= np.isin(home, keys)
    if len(keys) < 2 or (rows & (weight > 0)).sum() < len(keys) + CASE_MIX_ROWS * (mix.shape[1] + 1):
        return None
    try:
        found = standardised_costs(
            np.where(weight > 0, cost, 0.0)[rows], group=home[rows], case_mix=mix[rows] if mix.size else None,
            clusters=clusters[rows], weight=weight[rows], target="these", variance="mean",
            level=window.level,
        )  # fmt: skip
    except ValueError:
        return None
    seen = rows & (weight > 0)
    number = pd.Series(clusters[seen]).groupby(home[seen]).nunique().reindex(keys)
    sizes = pd.Series(home[rows]).value_counts().reindex(keys)
    whole = seen[rows]
    misfit = calibration(found.fit.fitted[whole], cost[seen] - found.fit.fitted[whole])
    return _Adjusted(
        tuple(keys), found, np.asarray(number, dtype=float) - 1, np.asarray(sizes, dtype=float), misfit
    )


def _with_adjusted(raw: pd.DataFrame, adjusted: _Adjusted | None, level: float) -> pd.DataFrame:
    names = ["adjusted_cost", "adjusted_cost_low", "adjusted_cost_high"]
    if adjusted is None:
        return raw.assign(**dict.fromkeys(names, np.nan))
    found = adjusted.found
    half = student_t.ppf(0.5 + level / 2, adjusted.df) * found.std_error
    columns = {
        "adjusted_cost": found.mean,
        "adjusted_cost_low": np.maximum(found.mean - half, 0.0),
        "adjusted_cost_high": found.mean + half,
    }
    table = pd.DataFrame(columns, index=pd.Index(adjusted.keys))
    return raw.join(table, on="organisation")


def _funnel(window: CostWindow, adjusted: _Adjusted, *, declared: bool, seed: int) -> list[ResultTable]:
    found, rate = adjusted.found, 1 - window.level
    funnel = make_funnel(found.mean, found.covariance, df=adjusted.df, rate=rate)
    alarms = simulate_false_alarms(
        found.covariance, tau2=funnel.overdispersion.tau2, rate=rate, n_simulations=_SIMULATIONS, rng=seed
    )
    per_family = float(np.median(adjusted.sizes * found.std_error**2))
    behind = {"n_families": int(adjusted.sizes.sum()), "n_organisations": len(adjusted.keys)}
    points = pd.DataFrame(
        {
            "organisation": list(adjusted.keys),
            "adjusted_cost": found.mean,
            "n_effective": per_family / found.std_error**2,
            "z_adjusted": funnel.z_adjusted,
            **flags(funnel),
            "n_families": adjusted.sizes.astype(int),
        }
    )
    columns = (
        EACH_ORGANISATION,
        replace(_ADJUSTED, about="", follows="costs_by_organisation.adjusted_cost"),
        number_of("n_effective", of="families"),
        modelled("z_adjusted", digits=2, spread=True),
        *FLAGS,
    )
    quantities = {
        **funnel_summary(funnel, alarms), "between_sd": float(np.sqrt(funnel.overdispersion.tau2))
    }  # fmt: skip
    summary = pd.DataFrame({"quantity": list(quantities), "value": list(quantities.values())})
    volume = volume_outcome(found.mean, found.std_error, adjusted.sizes, funnel.overdispersion.tau2)
    steps = step_rows(
        funnel, alarms, declared=declared, month=float(window.months), fits=True, misfit=adjusted.misfit,
        smallest=float(adjusted.sizes.min()), volume=volume,
    )  # fmt: skip
    lines = funnel_lines(funnel, found.std_error, per_family)
    checked = pd.DataFrame(steps, columns=["check", "verdict", "value", "threshold_value"])
    return [
        ResultTable("cost_funnel", points, columns=columns),
        ResultTable("cost_funnel_lines", lines.assign(**behind), columns=_LINES),
        ResultTable("cost_funnel_summary", summary.assign(**behind), columns=_SUMMARY),
        ResultTable("cost_funnel_steps", checked.assign(**behind), columns=STEPS),
    ]
