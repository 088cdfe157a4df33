"""Families in groups: who is compared with whom, with the case mix of each family."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.monitoring.expectation_model import code_case_mix
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ConfigError, NotApplicableError, Note, did_you_mean
from mpg_research.study.model import FlowStep, SampleFlow, Study

__all__ = ["FEWEST_FAMILIES", "MOST_GROUPS", "FamilyGroups", "groups_of_column"]

#: With fewer families, or fewer than two workers, a group is not compared; ours.
FEWEST_FAMILIES = 10
#: More values than this are no groups; ours.
MOST_GROUPS = 8


@dataclass(frozen=True, slots=True)
class FamilyGroups:
    """Families in groups 0, 1, ..., the first being the one that the others are compared with.

    Attributes
    ----------
    names : tuple of str
        Of the groups, as values of the column.
    unit : ndarray of int, shape (n,)
        Rows of ``followed`` of the costs.
    code : ndarray of int, shape (n,)
        The group of each family.
    case_mix : ndarray, shape (n, q)
        Centred.
    families : DataFrame
        As ``followed``, in the order of ``unit``.
    flow : SampleFlow
    notes : tuple of Note
    """

    names: tuple[str, ...]
    unit: IntArray
    code: IntArray
    case_mix: FloatArray
    families: pd.DataFrame = field(repr=False)
    flow: SampleFlow
    notes: tuple[Note, ...]

    def of(self, families: pd.Series) -> IntArray:
        """Row of each of these families; -1 where it is in no group, shape (n,).

        Parameters
        ----------
        families : Series
        """
        places = pd.Index(self.families["family"].astype(str))
        return np.asarray(places.get_indexer(pd.Index(families.astype(str))))

    @property
    def strata(self) -> IntArray | None:
        """The group, where every worker has families of one group only; else None."""
        groups = pd.Series(self.code).groupby(self.families["worker"].to_numpy()).nunique()
        return self.code if (groups == 1).all() else None


def groups_of_column(
    study: Study, costs: FamilyCosts, column: str, *, case_mix: tuple[str, ...]
) -> FamilyGroups:
    """Groups by a column of ``episodes``, as it was at the first period of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    column : str
        Of yes and no, or of at most eight values.
    case_mix : tuple of str
        Columns of ``episodes``; the one that is compared is left out of them.

    Returns
    -------
    FamilyGroups

    Raises
    ------
    ConfigError
        If there is no such column, or it has too many values.
    NotApplicableError
        If fewer than two groups have enough families.
    """
    table = study.tables["episodes"]
    if column not in table or column in ("family", "episode", "organisation", "worker", "start", "end"):
        hint = did_you_mean(column, [str(name) for name in table.columns])
        raise ConfigError(
            f"by = {column!r} is no column of the table episodes that makes groups of families; expected one "
            f"with a few values, or intervention. {hint}".rstrip()
        )
    mixed = [name for name in case_mix if name in table and name != column]
    own = table[["family", "episode", column, *mixed]].drop_duplicates(["family", "episode"])
    own = own.assign(family=own["family"].astype(str), episode=own["episode"].astype(str))
    rows = costs.followed.reset_index(drop=True)
    rows = rows.assign(unit=np.arange(len(rows)), family=rows["family"].astype(str))
    rows = rows.drop(columns=[name for name in (column, *mixed) if name in rows])
    rows = rows.assign(episode=rows["episode"].astype(str)).merge(own, on=["family", "episode"], how="left")
    steps, notes = list(costs.flow.steps), []

    def keep(kept: pd.Series, code: str, text: str) -> None:
        nonlocal rows
        rows = rows[np.asarray(kept, dtype=bool)].reset_index(drop=True)
        steps.append(FlowStep(code, text, 0, int(rows["family"].nunique()), len(rows)))

    keep(rows[column].notna(), "group_known", "whose group is known")
    names = _names(rows[column], column)
    keep(rows[mixed].notna().all(axis=1), "case_mix_known", "whose case mix is known")
    group = _as_text(rows[column])
    counted = rows.groupby(group.to_numpy()).agg(n=("family", "nunique"), workers=("worker", "nunique"))
    enough = counted.index[(counted["n"] >= FEWEST_FAMILIES) & (counted["workers"] >= 2)]
    left_out = [name for name in names if name not in enough]
    if len(names) - len(left_out) < 2:
        raise NotApplicableError(
            f"Fewer than two groups of {column} have {FEWEST_FAMILIES} families and two workers with known "
            "costs, so that nothing can be compared.",
            code="no_groups_to_compare",
        )
    if left_out:
        text = (
            f"{len(left_out)} groups with fewer than {FEWEST_FAMILIES} families or one worker are left out."
        )
        notes.append(Note("small_groups_left_out", text, {"n_groups": len(left_out)}))
    names = tuple(name for name in names if name in enough)
    keep(group.isin(names), "compared", "in a group with enough families")
    code = pd.Index(names).get_indexer(pd.Index(_as_text(rows[column])))
    coded, columns = code_case_mix(rows, tuple(mixed))
    values = coded[list(columns)].to_numpy(dtype=float).reshape(len(rows), len(columns))
    return FamilyGroups(
        names, rows["unit"].to_numpy(dtype=np.intp), np.asarray(code, dtype=np.intp), _independent(values),
        rows[[*costs.followed.columns]], SampleFlow(tuple(steps)), tuple(notes),
    )  # fmt: skip


def _as_text(values: pd.Series) -> pd.Series:
    if values.dtype == "boolean" or values.dtype == bool:
        return values.map({True: "yes", False: "no"}).astype(object)
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() == values.dropna().round()).all():
        return values.map(lambda value: f"{value:.0f}").astype(object)
    return values.astype(str).astype(object)


def _names(values: pd.Series, column: str) -> tuple[str, ...]:
    found = sorted(set(_as_text(values)))
    if len(found) > MOST_GROUPS or pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise ConfigError(
            f"by = {column!r} has {len(found)} values; expected at most {MOST_GROUPS} groups. Make a "
            "column of groups in the table episodes."
        )
    return tuple(found)


def _independent(columns: FloatArray) -> FloatArray:
    """Columns that vary and do not follow from those before them, in units of their spread."""
    spread = columns.std(axis=0) if len(columns) else np.zeros(columns.shape[1])
    columns = columns[:, spread > 1e-9] / spread[spread > 1e-9]
    kept: list[int] = []
    for place in range(columns.shape[1]):
        tried = np.column_stack([np.ones(len(columns)), columns[:, [*kept, place]]])
        if np.linalg.matrix_rank(tried, tol=1e-6 * len(columns) ** 0.5) == tried.shape[1]:
            kept.append(place)
    return columns[:, kept]
