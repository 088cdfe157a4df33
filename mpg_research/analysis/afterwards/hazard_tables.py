"""Tables of hazards after a good end: cause-specific Cox models with case mix, and how organisations differ.

Every organisation has a baseline of its own, errors are over workers (over families where those are few), and
limits take a quantile of t for their number. A hazard ratio is an association.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import t as student_t

from mpg_research.analysis.afterwards.first_events import WORSE, FirstEvents
from mpg_research.analysis.afterwards.worsening_tables import looked_at
from mpg_research.analysis.columns import Column, coded, ends, estimates, modelled
from mpg_research.analysis.monitoring.expectation_model import case_mix_labels, code_case_mix
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.survival.cox import CoxFit, fit_cox, proportionality
from mpg_research.statistics.survival.interval_hazards import fit_interval_ratios
from mpg_research.statistics.survival.shared_frailty import SharedFrailty, fit_shared_frailty

__all__ = ["ANY", "HazardTables", "hazard_tables"]

#: The first event of any kind.
ANY = "any_event"
_RATIO = modelled("hazard_ratio", digits=2)
_WITH_FRAILTY = modelled("frailty_ratio", digits=2)
_VARIANCE = modelled("variance", digits=2, spread=True)


@dataclass(frozen=True, slots=True)
class HazardTables:
    """What the models of hazards found.

    Attributes
    ----------
    tables : tuple of ResultTable
        ``hazards``, ``proportional``, ``frailty`` and ``hazards_with_frailty``, as far as there are events
        enough.
    not_made : tuple of str
        Events without a model, since they are too few or a group had none at all.
    without_case_mix : int
        Families left out since a column of the model is not known of them.
    terms : tuple of str
        The columns of the model.
    """

    tables: tuple[ResultTable, ...]
    not_made: tuple[str, ...]
    without_case_mix: int
    terms: tuple[str, ...]


def hazard_tables(
    events: FirstEvents,
    case_mix: Sequence[str],
    *,
    families: pd.DataFrame,
    level: float,
    minimum_events: int,
    minimum_groups: int,
    frailty: bool = True,
) -> HazardTables:
    """Fit the models.

    Parameters
    ----------
    events : FirstEvents
        ``rows`` with the columns of the case mix.
    case_mix : sequence of str
    families : DataFrame
        Waves after the end, from :class:`~mpg_research.analysis.afterwards.later_scores.LaterScores`.
    level : float
    minimum_events : int
        Per coefficient; with fewer there is no model.
    minimum_groups : int
        Fewer workers, and errors are over families; fewer of what could have a frailty, and there is none.
    frailty : bool
        Whether to ask how much organisations (or workers) differ.
    """
    terms, design, known = _design(events.rows, case_mix)
    mine = events.of(known)
    if not terms or not len(mine.rows):
        return HazardTables((), events.causes, int((~known).sum()), tuple(terms))
    x, rows = design[known], mine.rows
    fits, checks, not_made = [], [], []
    for kind, cause in enumerate((*mine.causes, ANY)):
        event, time, watch = _of_cause(mine, kind)
        happened = int((event & watch).sum())
        if happened < minimum_events * len(terms):
            not_made.append(cause)
            continue
        found = _fit(cause, rows[watch], time[watch], event[watch], x[watch], terms, level, minimum_groups)
        if found is None:
            not_made.append(cause)
            continue
        fits.append(found[0])
        checks.append(found[1])
    worse = _of_waves(mine, families, x, terms, level, minimum_events, minimum_groups)
    if worse is None:
        not_made.insert(0, WORSE)
    else:
        fits.insert(0, worse)
    tables = []
    if fits:
        names = [
            "event", "variable", *(c.name for c in estimates()), "hazard_ratio", "ratio_low", "ratio_high",
            "n_families", "n_organisations",
        ]  # fmt: skip
        tables.append(
            ResultTable(
                "hazards",
                pd.DataFrame([row for fit in fits for row in fit], columns=names),
                columns=(
                    coded("event"),
                    coded("variable"),
                    *estimates(digits=2, plain=False),
                    _RATIO,
                    *ends(_RATIO, "ratio"),
                ),
            )
        )
    if checks:
        names = ["event", "statistic", "df", "p_value", "n_families", "n_organisations"]
        tables.append(
            ResultTable(
                "proportional",
                pd.DataFrame(checks, columns=names),
                columns=(
                    coded("event"),
                    modelled("statistic", digits=2, plain=False),
                    Column(name="df", meaning="df", plain=False),
                    Column(name="p_value", meaning="p"),
                ),
            )
        )
    if frailty:
        robust = next((fit for fit in fits if fit[0][0] == ANY), [])
        tables += _frailty(mine, x, terms, robust, level, minimum_events, minimum_groups)
    return HazardTables(tuple(tables), tuple(not_made), int((~known).sum()), tuple(terms))


def _design(rows: pd.DataFrame, case_mix: Sequence[str]) -> tuple[list[str], FloatArray, np.ndarray]:
    """Names, columns and who is known of: how the help ended, the thin line, months of help, case mix."""
    columns: dict[str, pd.Series] = {}
    if rows["end_reason"].nunique() > 1:
        first = "as_planned" if (rows["end_reason"] == "as_planned").any() else rows["end_reason"].min()
        for value in sorted(set(rows["end_reason"]) - {first}):
            columns[f"end_{value}"] = (rows["end_reason"] == value).astype(float)
    line = rows["thin_line"]
    if {"yes", "no"} <= set(line):
        kept = (line == "yes").astype(float)
        columns["thin_line"] = kept.where(line != "not_recorded")
    columns["months_of_help"] = rows["helped"] / 12
    names = [name for name in case_mix if name in rows]
    complete = rows[names].notna().all(axis=1) if names else pd.Series(True, index=rows.index)
    if names and complete.any():
        coded_rows, coded_names = code_case_mix(rows[complete], names)
        for label, name in zip(case_mix_labels(rows[complete], names), coded_names, strict=True):
            columns[label] = coded_rows[name].reindex(rows.index)
    frame = pd.DataFrame(columns, index=rows.index)
    known = frame.notna().all(axis=1).to_numpy(dtype=bool)
    varies = [str(name) for name in frame if frame[known][name].nunique() > 1]
    return varies, np.asarray(frame[varies].to_numpy(dtype=float)), known


def _of_cause(events: FirstEvents, kind: int) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    """Who had it, time under watch, and who was watched at all."""
    rows, k = events.rows, len(events.causes)
    cause, time = rows["cause"].to_numpy(), rows["time"].to_numpy(dtype=float)
    if kind == k:
        return cause > 0, time, np.ones(len(rows), dtype=bool)
    until = np.minimum(time, events.watched[:, kind])
    return cause == kind + 1, until, until > np.maximum(rows["entry"].to_numpy(dtype=float), 0.0)


def _fit(
    cause: str,
    rows: pd.DataFrame,
    time: FloatArray,
    event: np.ndarray,
    x: FloatArray,
    terms: list[str],
    level: float,
    minimum: int,
) -> tuple[list[tuple[object, ...]], tuple[object, ...]] | None:
    workers = rows["worker"].to_numpy(dtype=str)
    cluster = workers if len(set(workers)) >= minimum else rows["family"].to_numpy(dtype=str)
    entry, strata = rows["entry"].to_numpy(dtype=float), rows["organisation"].to_numpy(dtype=str)
    try:
        fit = fit_cox(time, event, x, cluster=cluster, entry=entry, strata=strata)
        if not fit.converged:
            return None
        check = proportionality(time, event, x, entry=entry, strata=strata)[-1]
    except (ValueError, np.linalg.LinAlgError):
        return None
    behind = (int(rows["family"].nunique()), int(rows["organisation"].nunique()))
    robust = _over_clusters(fit, event, cluster)
    found = _term_rows(cause, terms, fit.coefficients, robust, fit.n_clusters, level, behind)
    return found, (cause, check.statistic, float(check.df), check.p_value, *behind)


def _over_clusters(fit: CoxFit, event: np.ndarray, cluster: np.ndarray) -> FloatArray:
    """Covariance over clusters, each cluster's part enlarged by its share of the events.

    Without it the errors are too small with some tens of clusters: whoever has many of the events pulls the
    coefficients to itself (a one-step jackknife with the cluster's information taken in proportion).
    """
    number = np.unique(cluster, return_inverse=True)[1]
    share = np.minimum(np.bincount(number, event) / event.sum(), 0.5)
    sums = cluster_sums(fit.scores @ fit.covariance, number) / (1 - share)[:, None]
    result: FloatArray = sums.T @ sums
    return result


def _term_rows(
    cause: str,
    terms: list[str],
    slopes: FloatArray,
    robust: FloatArray,
    n_clusters: int,
    level: float,
    behind: tuple[int, int],
) -> list[tuple[object, ...]]:
    df = float(max(n_clusters - 1, 1))
    errors = np.sqrt(np.diag(robust) * n_clusters / df)
    quantile = float(student_t.ppf(0.5 + level / 2, df))
    found: list[tuple[object, ...]] = []
    for name, slope, error in zip(terms, slopes, errors, strict=True):
        statistic = slope / error
        low, high = slope - quantile * error, slope + quantile * error
        found.append(
            (cause, name, slope, error, df, statistic, float(2 * student_t.sf(abs(statistic), df)), low, high,
             np.exp(slope), np.exp(low), np.exp(high), *behind)
        )  # fmt: skip
    return found


def _of_waves(
    events: FirstEvents,
    families: pd.DataFrame,
    x: FloatArray,
    terms: list[str],
    level: float,
    minimum_events: int,
    minimum: int,
) -> list[tuple[object, ...]] | None:
    """Hazard ratios of a worsening, known between two waves only; one baseline for all organisations."""
    if families.empty:
        return None
    known, clean, seen = looked_at(events, families)
    happened = known & np.isfinite(seen)
    if happened.sum() < minimum_events * len(terms) or (x[known].std(axis=0) <= 0).any():
        return None
    # Stretches of the baseline with an equal part of the worsenings each.
    middle = np.quantile(seen[happened], [1 / 3, 2 / 3])
    longest = float(np.where(np.isfinite(seen), seen, clean)[known].max())
    edges = np.unique(np.concatenate([[0.0], middle, [longest]]))
    rows = events.rows[known]
    workers = rows["worker"].to_numpy(dtype=str)
    cluster = workers if len(set(workers)) >= minimum else rows["family"].to_numpy(dtype=str)
    try:
        fit = fit_interval_ratios(clean[known], seen[known], x[known], edges, cluster=cluster)
    except (ValueError, np.linalg.LinAlgError):
        return None
    if not fit.converged:
        return None
    behind = (int(rows["family"].nunique()), int(rows["organisation"].nunique()))
    return _term_rows(WORSE, terms, fit.coefficients, fit.robust, fit.n_clusters, level, behind)


def _frailty(
    events: FirstEvents,
    x: FloatArray,
    terms: list[str],
    robust: list[tuple[object, ...]],
    level: float,
    minimum_events: int,
    minimum: int,
) -> list[ResultTable]:
    """How much organisations (workers, where these are few) differ in the hazard of any first event.

    And the hazard ratios with that difference, beside those with errors over workers.
    """
    rows = events.rows
    event = (rows["cause"] > 0).to_numpy()
    if int(event.sum()) < minimum_events * len(terms):
        return []
    unit = "organisation" if rows["organisation"].nunique() >= minimum else "worker"
    groups = rows[unit].to_numpy(dtype=str)
    if len(set(groups)) < minimum:
        return []
    strata = None if unit == "organisation" else rows["organisation"].to_numpy(dtype=str)
    try:
        fit = fit_shared_frailty(
            rows["time"], event, x, groups, entry=rows["entry"], strata=strata, level=level
        )
    except (ValueError, np.linalg.LinAlgError):
        return []
    if not fit.converged:
        return []
    data = pd.DataFrame(
        [
            {
                "frailty_of": unit, "variance": fit.variance, "variance_low": fit.low,
                "variance_high": fit.high, "p_value": fit.p_value,
                "n_families": rows["family"].nunique(), "n_organisations": rows["organisation"].nunique(),
            }
        ]
    )  # fmt: skip
    columns = (coded("frailty_of"), _VARIANCE, *ends(_VARIANCE), Column(name="p_value", meaning="p"))
    found = [ResultTable("frailty", data, columns=columns)]
    if robust:
        found.append(_beside_robust(fit, terms, robust, level))
    return found


def _beside_robust(
    fit: SharedFrailty, terms: list[str], robust: list[tuple[object, ...]], level: float
) -> ResultTable:
    """Hazard ratios of any first event, with errors over workers and with a frailty."""
    half = float(ndtri(0.5 + level / 2)) * fit.std_error
    numbers = (np.exp(fit.coefficients + side) for side in (0.0, -half, half))
    rows = [
        (name, *row[-5:-2], *(float(value) for value in values), *row[-2:])
        for name, row, *values in zip(terms, robust, *numbers, strict=True)
    ]
    names = [
        "variable", "hazard_ratio", "ratio_low", "ratio_high", "frailty_ratio", "frailty_ratio_low",
        "frailty_ratio_high", "n_families", "n_organisations",
    ]  # fmt: skip
    return ResultTable(
        "hazards_with_frailty",
        pd.DataFrame(rows, columns=names),
        columns=(
            coded("variable"),
            _RATIO,
            *ends(_RATIO, "ratio"),
            _WITH_FRAILTY,
            *ends(_WITH_FRAILTY),
        ),
    )
