"""Families in groups: who is compared with whom, with the case mix of each family."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mpg_research.analysis.economics.family_costs import FamilyCosts
from mpg_research.analysis.monitoring.expectation_model import code_case_mix
from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ConfigError, NotApplicableError, Note, did_you_mean
from mpg_research.study.checks.prices import NO_GROUPS
from mpg_research.study.model import FlowStep, SampleFlow, Study

__all__ = [
    "FEWEST_FAMILIES",
    "MOST_GROUPS",
    "FamilyGroups",
    "groups_of_column",
    "groups_of_organisations",
]

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
    study: Study, costs: FamilyCosts, column: str, *, case_mix: tuple[str, ...], asked: str = "by"
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
    asked : str
        What the column was named as, for messages.

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
    if column not in table or column in NO_GROUPS:
        hint = did_you_mean(column, [str(name) for name in table.columns])
        more = ", intervention, fewer_agencies, or organisation" if asked == "by" else ""
        raise ConfigError(
            f"{asked} = {column!r} is no column of the table episodes that makes groups of families; "
            f"expected one with a few values{more}. {hint}".rstrip()
        )
    rows = _with_columns(study, costs, (column, *case_mix))
    mixed = [name for name in case_mix if name in table and name != column]
    steps, notes = list(costs.flow.steps), []
    rows = _keep(steps, rows, rows[column].notna(), "group_known", "whose group is known")
    names = _names(rows[column], column, asked)
    rows = _keep(steps, rows, rows[mixed].notna().all(axis=1), "case_mix_known", "whose case mix is known")
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
    rows = _keep(steps, rows, group.isin(names), "compared", "in a group with enough families")
    return _groups(costs, rows, _as_text(rows[column]), names, mixed, steps, notes)


def groups_of_organisations(
    study: Study, costs: FamilyCosts, *, case_mix: tuple[str, ...], with_effect: frozenset[str],
    horizon: float,
) -> FamilyGroups:  # fmt: skip
    """Groups by the organisation of the first period of help, without those that few families tell of.

    Parameters
    ----------
    study : Study
        A loaded study.
    costs : FamilyCosts
    case_mix : tuple of str
        Columns of ``episodes``.
    with_effect : frozenset of str
        Families of whom the effect is known.
    horizon : float
        Months since the start.

    Returns
    -------
    FamilyGroups
        Of organisations with so many families (:data:`FEWEST_FAMILIES`, or more where the study does not
        show so few) who are followed to the horizon, and of whom the effect is known, and with two workers.

    Raises
    ------
    NotApplicableError
        If fewer than two organisations have enough families.
    """
    fewest = max(FEWEST_FAMILIES, study.config.disclosure.minimum_families)
    rows = _with_columns(study, costs, case_mix)
    mixed = [name for name in case_mix if name in rows]
    steps, notes = list(costs.flow.steps), []
    rows = _keep(steps, rows, rows[mixed].notna().all(axis=1), "case_mix_known", "whose case mix is known")
    rows = rows.assign(organisation=rows["organisation"].astype(str))
    every = sorted(set(rows["organisation"]))
    counted = pd.DataFrame(
        {
            "effect": rows["family"].isin(with_effect).groupby(rows["organisation"]).sum(),
            "followed": (rows["months"] >= horizon).groupby(rows["organisation"]).sum(),
        }
    )
    workers = rows.groupby("organisation")["worker"].nunique()
    names = tuple(
        name for name in every if counted.loc[name].min() >= fewest and workers[name] >= 2
    )  # fmt: skip
    if len(names) < 2:
        raise NotApplicableError(
            f"Fewer than two organisations have {fewest} families who are followed for {horizon:g} months, "
            "whose effect is known, and two workers, so that they cannot be compared by costs and effects.",
            code="no_organisations_to_compare",
        )
    if len(names) < len(every):
        left_out = len(every) - len(names)
        text = (
            f"{left_out} organisations have fewer than {fewest} families who are followed for {horizon:g} "
            "months and whose effect is known, or one worker; they are left out."
        )
        notes.append(Note("organisations_left_out", text, {"n_organisations": left_out}))
    rows = _keep(
        steps, rows, rows["organisation"].isin(names), "organisations_compared",
        "at an organisation with enough families",
    )  # fmt: skip
    return _groups(costs, rows, rows["organisation"], names, mixed, steps, notes)


def _with_columns(study: Study, costs: FamilyCosts, columns: tuple[str, ...]) -> pd.DataFrame:
    """The families whose costs are known, with columns of their first period of help."""
    table = study.tables["episodes"]
    chosen = [name for name in dict.fromkeys(columns) if name in table]
    own = table[["family", "episode", *chosen]].drop_duplicates(["family", "episode"])
    own = own.assign(family=own["family"].astype(str), episode=own["episode"].astype(str))
    rows = costs.followed.reset_index(drop=True)
    rows = rows.assign(unit=np.arange(len(rows)), family=rows["family"].astype(str))
    rows = rows.drop(columns=[name for name in chosen if name in rows])
    found: pd.DataFrame = rows.assign(episode=rows["episode"].astype(str)).merge(
        own, on=["family", "episode"], how="left"
    )
    return found


def _keep(steps: list[FlowStep], rows: pd.DataFrame, kept: pd.Series, code: str, text: str) -> pd.DataFrame:
    """Some of the rows, with a step in the flow."""
    found: pd.DataFrame = rows[np.asarray(kept, dtype=bool)].reset_index(drop=True)
    steps.append(FlowStep(code, text, 0, int(found["family"].nunique()), len(found)))
    return found


def _groups(
    costs: FamilyCosts, rows: pd.DataFrame, group: pd.Series, names: tuple[str, ...], mixed: list[str],
    steps: list[FlowStep], notes: list[Note],
) -> FamilyGroups:  # fmt: skip
    code = pd.Index(names).get_indexer(pd.Index(group))
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


def _names(values: pd.Series, column: str, asked: str) -> tuple[str, ...]:
    found = sorted(set(_as_text(values)))
    if len(found) > MOST_GROUPS or pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise ConfigError(
            f"{asked} = {column!r} has {len(found)} values; expected at most {MOST_GROUPS} groups. Make a "
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
