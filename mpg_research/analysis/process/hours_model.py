"""The score after some months on the hours of these months, in a marginal structural model; or a refusal.

Hours answer to scores, and scores go on by themselves: no slope of the within-between model is right then.
Here every month of help begins a window of k months. What was known before it is in the model of the score;
what changed since, and moved the hours, is weighted away. Asked for by ``[care] hours_model_months``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import coded, estimates, modelled, number_of
from mpg_research.analysis.interventions.protocol import TrialLimits
from mpg_research.analysis.monitoring.expectation_model import code_case_mix
from mpg_research.analysis.process.care_months import KEYS, CareMonths
from mpg_research.analysis.result import ESTIMATE_COLUMNS, ResultTable
from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.errors import Note
from mpg_research.mixed.design.bases import natural_spline_basis
from mpg_research.statistics.trials.marginal_structural import (
    MarginalStructural,
    Windows,
    fit_marginal_structural,
)
from mpg_research.statistics.trials.regression import WeightedFit
from mpg_research.statistics.trials.weights import effective_sample_size
from mpg_research.study.model import Study

__all__ = [
    "ANSWERED",
    "FREE",
    "REFUSALS",
    "HoursWindows",
    "cut_windows",
    "hours_model_tables",
    "judge",
    "windows_of",
]

ANSWERED = "answered"
#: What stands in the way of a number, the weightiest first.
REFUSALS = (
    "few_families", "few_clusters", "not_converged", "hours_follow", "few_effective", "hours_imbalance",
)  # fmt: skip
#: Share of the variance of hours that must not follow from what was known before them; ours.
FREE = 0.1
#: Columns of the months of help, which hours and scores may follow in any curve.
_CURVE = 3
#: What a verdict goes by.
_NUMBERS = (
    modelled("effective_windows", digits=0, plain=False),
    modelled("largest_weight", digits=1, plain=False),
    modelled("correlation_before", digits=2, plain=False),
    modelled("correlation_after", digits=2, plain=False),
    modelled("free_hours", percent=True, plain=False),
)


@dataclass(frozen=True, slots=True)
class HoursWindows:
    """Windows of hours, and whose they are.

    Attributes
    ----------
    windows : Windows
    unit : ndarray of int, shape (n,)
        Row of the units of care.
    start : ndarray of int, shape (n,)
        The first month of the window, since the start of help.
    """

    windows: Windows
    unit: IntArray
    start: IntArray


def windows_of(care: CareMonths, months: int, *, oldest: float, case_mix: tuple[str, ...]) -> HoursWindows:
    """Every month of help with hours, and a score before it, as the start of a window.

    Parameters
    ----------
    care : CareMonths
    months : int
        Of a window; the score is that of the month after it.
    oldest : float
        Months that the last score before the window may lie back.
    case_mix : tuple of str
        Columns of ``episodes`` that hours may hang on; families of whom one is not known are left out.
    """
    hours = care.wide(care.rows["hours"])
    score = np.full((len(care.units), care.n_months + 1), np.nan)
    table = care.scores()
    table = table[(table["month"] >= 0) & (table["month"] <= care.n_months)]
    score[table["unit"].to_numpy(), table["month"].to_numpy()] = table["score"].to_numpy(dtype=float)
    fixed, known = _case_mix(care, case_mix)
    return cut_windows(hours, score, months, oldest=oldest, fixed=fixed, known=known)


def cut_windows(
    hours: FloatArray,
    score: FloatArray,
    months: int,
    *,
    oldest: float,
    fixed: FloatArray,
    known: BoolArray,
) -> HoursWindows:
    """Cut courses of hours and scores into windows.

    Parameters
    ----------
    hours : ndarray, shape (units, m)
        By month since the start of help; NaN where not known.
    score : ndarray, shape (units, m + 1)
    months : int
        Of a window; the score is that of the month after it.
    oldest : float
        Months that the last score before the window may lie back.
    fixed : ndarray, shape (units, p)
        Of each unit, the same in all months.
    known : ndarray of bool, shape (units,)
        Which units count.
    """
    width = score.shape[1]
    last, before, mean, age = _so_far(score)
    usual = _mean_so_far(hours)
    numbers = np.arange(width)
    curve = natural_spline_basis(numbers.astype(float), {}, df=_CURVE, name="months")[:, 1:]
    found: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray, IntArray, IntArray]] = []
    for start in range(1, width - months):
        fine = np.isfinite(hours[:, start]) & np.isfinite(hours[:, start - 1]) & known
        unit = np.flatnonzero(fine & (age[:, start] <= oldest))
        at = np.arange(start, start + months + 1)
        moved = np.stack([last[unit][:, at], before[unit][:, at], mean[unit][:, at]], axis=2)
        rows = [hours[unit][:, at - 1], usual[unit][:, at]]
        past = np.concatenate(
            [
                np.stack(rows, axis=2),
                np.broadcast_to(curve[at], (len(unit), months + 1, curve.shape[1])),
                np.broadcast_to(fixed[unit][:, None, :], (len(unit), months + 1, fixed.shape[1])),
            ],
            axis=2,
        )
        gap = np.isnan(hours[unit][:, start : start + months]).cumsum(axis=1) > 0
        amounts = np.where(gap, np.nan, hours[unit][:, start : start + months])
        found.append((amounts, score[unit, start + months], moved, past, unit, np.full(len(unit), start)))
    if not found:
        shape = (0, months + 1)
        empty = Windows(np.zeros((0, months)), np.zeros(0), np.zeros((*shape, 3)), np.zeros((*shape, 2)))
        return HoursWindows(empty, np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))
    amounts, outcome, moved, past, unit, begun = (
        np.concatenate([part[place] for part in found]) for place in range(6)
    )
    windows = Windows(amounts, outcome, moved, past)
    return HoursWindows(windows, unit.astype(np.intp), begun.astype(np.intp))


def _so_far(score: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Before each month: the last score, the one before it (else itself), the mean so far, and its age."""
    n, width = score.shape
    last, before, age = (np.full((n, width), np.nan) for _ in range(3))
    for month in range(1, width):
        new = np.isfinite(score[:, month - 1])
        last[:, month] = np.where(new, score[:, month - 1], last[:, month - 1])
        earlier = np.where(new, last[:, month - 1], before[:, month - 1])
        before[:, month] = np.where(np.isfinite(earlier), earlier, last[:, month])
        age[:, month] = np.where(new, 1.0, age[:, month - 1] + 1)
    return last, before, _mean_so_far(score), age


def _mean_so_far(values: FloatArray) -> FloatArray:
    """The mean of all months before each month, NaN without any; shape (n, months + 1)."""
    counts = np.cumsum(np.isfinite(values), axis=1)
    sums = np.cumsum(np.nan_to_num(values), axis=1)
    means = np.divide(sums, counts, out=np.full(values.shape, np.nan), where=counts > 0)
    return np.concatenate([np.full((len(values), 1), np.nan), means], axis=1)


def _case_mix(care: CareMonths, names: tuple[str, ...]) -> tuple[FloatArray, BoolArray]:
    """Columns of the case mix of every unit, and of whom all are known."""
    table = care.study.tables["episodes"].drop_duplicates(KEYS)
    kept = [name for name in names if name in table]
    if not kept:
        return np.zeros((len(care.units), 0)), np.ones(len(care.units), dtype=bool)
    intake = table[[*KEYS, *kept]].astype(dict.fromkeys(KEYS, str))
    rows = care.units[KEYS].astype(str).merge(intake, on=KEYS, how="left")
    known = rows[kept].notna().all(axis=1).to_numpy(dtype=bool)
    if not known.any():
        return np.zeros((len(rows), 0)), known
    coded_rows, columns = code_case_mix(rows[known], kept)
    values = np.zeros((len(rows), len(columns)))
    values[known] = coded_rows[list(columns)].to_numpy(dtype=float)
    return values, known


def case_mix_note(care: CareMonths, names: tuple[str, ...]) -> tuple[Note, ...]:
    """How many families with hours are left out of the model, since something of their case mix is not known.

    Parameters
    ----------
    care : CareMonths
    names : tuple of str
        Columns of the case mix.
    """
    known = _case_mix(care, names)[1]
    timed = np.isfinite(care.wide(care.rows["hours"])).any(axis=1)
    family = care.units["family"].to_numpy(dtype=str)
    every = len(np.unique(family[timed]))
    left_out = every - len(np.unique(family[timed & known]))
    if not left_out:
        return ()
    text = (
        f"{left_out} of {every} families with hours are left out of the model of hours: something of the "
        "case mix that hours may hang on is not known of them."
    )
    return (Note("hours_case_mix_unknown", text, {"n_unknown": left_out, "n_all": every}, "caution"),)


def judge(found: MarginalStructural, family: IntArray, cluster: np.ndarray, limits: TrialLimits) -> str:
    """Whether the data carry the model: :data:`ANSWERED`, or the weightiest of :data:`REFUSALS`.

    Parameters
    ----------
    found : MarginalStructural
    family, cluster : ndarray, shape (n,)
        Of each window.
    limits : TrialLimits
        Those of the target trials: families, effective (families), clusters, imbalance (a correlation).
    """
    used = found.used
    if len(np.unique(family[used])) < limits.families:
        return "few_families"
    if len(np.unique(cluster[used])) < limits.clusters:
        return "few_clusters"
    if not (found.converged and found.total.converged):
        return "not_converged"
    if not found.free >= FREE:
        return "hours_follow"
    if effective_sample_size(np.bincount(family[used], found.weight[used])) < limits.effective:
        return "few_effective"
    return "hours_imbalance" if found.after > limits.imbalance else ANSWERED


def hours_model_tables(
    study: Study, care: CareMonths, *, months: int, oldest: float, level: float
) -> list[ResultTable]:
    """``hours_model_verdict`` and ``hours_model``; without rows where the model is not asked for.

    Parameters
    ----------
    study : Study
    care : CareMonths
    months : int
        Of a window; 0 where the model is not asked for.
    oldest : float
        Months that the last score before the window may lie back.
    level : float
    """
    if not months or "hours" not in care.recorded:
        return _tables([], [])
    limits = TrialLimits()
    given = windows_of(care, months, oldest=oldest, case_mix=study.config.analysis.case_mix)
    family = care.units["family_number"].to_numpy(dtype=np.intp)[given.unit]
    cluster = np.unique(care.units["worker"].to_numpy(dtype=str), return_inverse=True)[1][given.unit]
    found, verdict = None, "few_families"
    if len(np.unique(family[given.windows.complete])) >= limits.families:
        found = fit_marginal_structural(
            given.windows, clusters=cluster, truncation=limits.truncation, level=level
        )
        verdict = judge(found, family, cluster, limits)
    behind = care.behind(given.unit if found is None else given.unit[found.used])
    rows = []
    if found is not None and verdict == ANSWERED:
        kinds: list[tuple[str, str, WeightedFit, int]] = [
            ("every_month", "weighted", found.total, 0), ("every_month", "unweighted", found.plain, 0),
        ]  # fmt: skip
        if months > 1 and found.parts.converged:
            kinds += [
                ("last_month", "weighted", found.parts, 0), ("months_before", "weighted", found.parts, 1),
            ]  # fmt: skip
        rows = [
            (hours_of, weighting, *(float(getattr(fit, name)[place]) for name in ESTIMATE_COLUMNS),
             int(found.used.sum()), *behind)
            for hours_of, weighting, fit, place in kinds
        ]  # fmt: skip
    numbers: tuple[float, ...] = (np.nan,) * len(_NUMBERS)
    if found is not None and verdict not in ("few_families", "few_clusters", "not_converged"):
        numbers = found.effective, found.largest, found.before, found.after, found.free
    return _tables([(verdict, *numbers, *behind)], rows)


def _tables(verdict: Sequence[tuple[object, ...]], rows: Sequence[tuple[object, ...]]) -> list[ResultTable]:
    names = ["hours_verdict", *(number.name for number in _NUMBERS), "n_families", "n_organisations"]
    columns = ["hours_of", "weighting", *ESTIMATE_COLUMNS, "n_measurements", "n_families", "n_organisations"]
    keys = (coded("hours_of"), coded("weighting"))
    return [
        ResultTable(
            "hours_model_verdict",
            pd.DataFrame(verdict, columns=names),
            columns=(coded("hours_verdict", is_key=False), *_NUMBERS),
        ),
        ResultTable(
            "hours_model",
            pd.DataFrame(rows, columns=columns),
            columns=(*keys, *estimates(digits=3, error_digits=3), number_of("n_measurements")),
        ),
    ]
