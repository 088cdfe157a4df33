"""Cluster-robust errors beside the model's: do the random part and the residuals look right?

Table ``robust_change`` of a trajectory and ``robust_difference`` of a comparison: the rows of ``change`` and
``difference_from_mean`` with their limits by the model and by the sandwich over families (over workers, where
these are in the model), and ``error_ratio``, the width of the second over that of the first. A sandwich is no
substitute for a right model: where families stop early it mends the errors, not the estimates.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.columns import ESTIMATE, MONTHS, ends, modelled
from mpg_research.analysis.growth.estimate_tables import estimate_rows, pooled_table, table_by_organisation
from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.mixed.inference.robust import RobustKind, cluster_robust
from mpg_research.statistics.providers.reference_difference import differences_from_reference

__all__ = ["robust_change", "robust_difference"]


#: With more clusters than this CR2 takes seconds and CR0 is as good.
_CORRECTED = 2_000
#: The model is questioned where robust errors are this much larger (a threshold that was not tested).
_LARGER = 1.25
_COLUMNS = (
    *(column for column in ESTIMATE if column.name in ("estimate", "conf_low", "conf_high")),
    modelled("robust_error", digits=2, is_error=True), *ends(ESTIMATE[0], "robust"),
    modelled("error_ratio", digits=2),
)  # fmt: skip
_VALUES = tuple(column.name for column in _COLUMNS)


def robust_change(
    model: GrowthModel, months: list[float], primary_month: float
) -> tuple[ResultTable, list[Note]]:
    """The change of the average family with both kinds of limits.

    Parameters
    ----------
    model : GrowthModel
    months : list of float
        After 0.
    primary_month : float
        Whose errors are compared in a note.
    """
    keys = pd.DataFrame({"months": months})
    data, notes = _both(model, keys, model.mean_rows(months) - model.mean_rows([0.0]), primary_month)
    return pooled_table("robust_change", data, model.frame, columns=(MONTHS, *_COLUMNS)), notes


def robust_difference(
    model: GrowthModel,
    months: list[float],
    primary_month: float,
    *,
    beside: ResultTable | None = None,
) -> tuple[ResultTable, list[Note]]:
    """The difference of each organisation's change from the reference, with both kinds of limits.

    Of organisations as fixed effects; as random effects they are no combinations of fixed effects, and a note
    says so.

    Parameters
    ----------
    model : GrowthModel
    months : list of float
        After 0.
    primary_month : float
        Whose errors are compared in a note.
    beside : ResultTable, optional
        ``difference_from_mean`` with the median as reference (see :func:`from_median`): its estimates and
        limits are the model's, and the robust errors are those of differences from the median too, by the
        same bootstrap, with the degrees of freedom of the difference from the mean. By default the mean.
    """
    columns = ["organisation", "months"]
    if model.organisation != "fixed":
        text = "Robust errors are not shown: they are there for organisations that are fixed effects."
        empty = pd.DataFrame(columns=[*columns, *_VALUES, "n_families"])
        note = Note("no_robust_errors", text, {})
        return table_by_organisation("robust_difference", empty, (MONTHS, *_COLUMNS)), [note]
    frame = model.frame
    change = model.organisation_rows(months) - model.organisation_rows([0.0])
    keys = pd.DataFrame(
        [(key, month) for key in frame.organisations.values() for month in months],
        columns=columns,
    )
    rows = (change - change.mean(axis=0)).reshape(len(keys), -1)
    data, notes = _both(model, keys, rows, primary_month, beside=beside, changes=change)
    sizes = dict(zip(frame.organisations.values(), frame.families_of.values(), strict=True))
    data = data.assign(n_families=data["organisation"].map(sizes))
    return table_by_organisation("robust_difference", data, (MONTHS, *_COLUMNS)), notes


def _both(
    model: GrowthModel,
    keys: pd.DataFrame,
    rows: FloatArray,
    primary_month: float,
    *,
    beside: ResultTable | None = None,
    changes: FloatArray | None = None,
) -> tuple[pd.DataFrame, list[Note]]:
    clusters = min(len(term.levels) for term in model.fit.problem.random)
    kind: RobustKind = "CR2" if clusters <= _CORRECTED else "CR0"
    try:
        robust = cluster_robust(model.fit.solution, kind=kind)
    except ModelError as problem:
        text = f"Robust errors are not shown: {problem}"
        empty = pd.DataFrame(columns=[*keys.columns, *_VALUES])
        return empty, [Note("no_robust_errors", text, {})]
    if beside is None or changes is None:
        found = estimate_rows(model, keys, rows)
        error = np.sqrt(np.einsum("ij,jk,ik->i", rows, robust.covariance, rows))
    else:
        found = keys.merge(beside.data, on=list(keys.columns), how="left")
        error = _from_median(model, changes, robust.covariance)
    half = student_t.ppf(0.5 + model.fit.level / 2, robust.degrees(rows)) * error
    data = found[[*keys.columns, "estimate", "conf_low", "conf_high"]].assign(
        robust_error=error,
        robust_low=found["estimate"] - half,
        robust_high=found["estimate"] + half,
        error_ratio=error / found["std_error"],
    )
    notes = []
    ratio = float(data.loc[data["months"] == primary_month, "error_ratio"].median())
    if ratio > _LARGER:
        text = (
            f"Robust errors at the primary month are {ratio:.1f} times those of the model: its random part "
            "may be wrong. (From which ratio on that is likely has not been tested.)"
        )
        notes.append(Note("robust_larger", text, {"ratio": round(ratio, 1)}, "caution"))
    return data, notes


def _from_median(model: GrowthModel, changes: FloatArray, covariance: FloatArray) -> FloatArray:
    """Robust errors of differences from the median organisation; ``changes`` (organisations, months, p)."""
    errors = []
    for change in changes.transpose(1, 0, 2):
        estimate = change @ model.fit.solution.beta
        found = differences_from_reference(estimate, change @ covariance @ change.T, reference="median")
        errors.append(found.std_error)
    return np.stack(errors, axis=1).ravel()
