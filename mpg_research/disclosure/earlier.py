"""A released result as it can be kept, and back: what a reader was given once can be given again.

What is kept are the tables, marks and notes as they left the gate, nothing that stands before it. The words
of a page are not kept: they are said anew, of the numbers of then.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from mpg_research.analysis.columns import Column
from mpg_research.analysis.result import AnalysisResult, Provenance
from mpg_research.disclosure import released as _released
from mpg_research.disclosure.released import Released, ReleasedTable, Withheld
from mpg_research.errors import Note

__all__ = ["NOT_EARLIER", "as_released_before", "describe_frame", "describe_released"]

#: Why a table is withheld that the release whose numbers are kept did not have.
NOT_EARLIER = "not_in_earlier_release"
_RULES = (
    "minimum_families", "minimum_other_organisations", "rounding", "midpoint", "public_groups",
    "name_organisations_to_funder", "dominance_within_percent", "dominance_largest_percent", "round_money_to",
)  # fmt: skip
_WHOLE = "suppressed"
#: Kinds of columns whose values JSON holds as they are.
_EXACT = frozenset({"float64", "int64", "bool", "str"})
#: Of them those whose values are Python's own already.
_PLAIN = frozenset({"float64", "int64", "bool"})


def describe_released(released: Released) -> dict[str, Any]:
    """What is kept of a release.

    Parameters
    ----------
    released : Released
        From the gate.

    Returns
    -------
    dict
        JSON types only. A table that would not come back exactly is left out.
    """
    tables = {}
    for name, table in released.tables.items():
        data, marks = describe_frame(table._data), describe_frame(table._marks)
        if data is not None and marks is not None:
            tables[name] = {"has_complement": table.has_complement, "data": data, "marks": marks}
            if table.has_dominated:
                tables[name]["has_dominated"] = True
    return {
        "kind": released.kind,
        "rules": {name: getattr(released.policy, name) for name in _RULES},
        "tables": tables,
        "withheld": [{**asdict(each), "values": dict(each.values)} for each in released.withheld],
        "notes": [{**asdict(note), "values": dict(note.values)} for note in released.notes],
        "provenance": asdict(released.provenance),
        "level": released.level,
        "converged": released.converged,
        "labels": {code: dict(words) for code, words in released.organisation_labels.items()},
        "own": released.own,
    }


def as_released_before(kept: Mapping[str, Any], released: Released, result: AnalysisResult) -> Released:
    """What a reader was given before, in place of what a result would give now.

    Parameters
    ----------
    kept : mapping
        From :func:`describe_released`.
    released : Released
        What the gate makes of the result now, for the same reader.
    result : AnalysisResult
        The result, whose tables say what the columns mean.

    Returns
    -------
    Released
        The tables, marks, notes and choices of then. A table that was not released then, or had other
        columns, is withheld with that reason.
    """
    rules = {name: kept["rules"][name] for name in _RULES if name in kept["rules"]}
    policy = replace(released.policy, **rules)
    before_names = policy.sees_names(released.audience)
    there = kept["tables"] if before_names == released.policy.sees_names(released.audience) else {}
    tables = {}
    for name, table in there.items():
        restored = _restored(name, table, _columns_of(name, released, result))
        if restored is not None:
            tables[name] = restored
    withheld = [Withheld(**each) for each in kept["withheld"]]
    known = {*tables, *(each.table for each in withheld)}
    minimum = {"minimum": released.policy.minimum_families}
    withheld += [Withheld(name, NOT_EARLIER, minimum) for name in result.tables if name not in known]
    labels = released.organisation_labels
    return Released(
        kind=released.kind,
        audience=released.audience,
        policy=policy,
        tables=tables,
        withheld=tuple(withheld),
        notes=tuple(Note(**note) for note in kept["notes"]),
        provenance=Provenance(**kept["provenance"]),
        level=kept["level"],
        converged=kept["converged"],
        synthetic=released.synthetic,
        organisation_labels={
            code: {**words, **labels.get(code, {})} for code, words in kept["labels"].items()
        },
        own=kept["own"],
        seal=_released._SEAL,
    )


def describe_frame(frame: pd.DataFrame) -> list[dict[str, Any]] | None:
    """A frame in JSON types, column by column; None if it would not come back exactly.

    Parameters
    ----------
    frame : DataFrame
        Rows by number.

    Returns
    -------
    list of dict or None
    """
    columns = []
    for name in frame.columns:
        kind, values = str(frame[name].dtype), frame[name].tolist()
        if kind not in _PLAIN:
            values = [_plain(value) for value in values]
        if kind not in _EXACT and not _comes_back(frame[name], kind, values):
            return None
        columns.append({"name": name, "kind": kind, "values": values})
    return columns


def _comes_back(column: pd.Series, kind: str, values: list[Any]) -> bool:
    try:
        back = pd.Series(values, dtype=kind, name=column.name)
        pd.testing.assert_series_equal(back, column.reset_index(drop=True), check_exact=True)
    except (AssertionError, TypeError, ValueError):
        return False
    return [type(value) for value in back] == [type(value) for value in column]


def _frame(columns: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {each["name"]: pd.Series(each["values"], dtype=each["kind"]) for each in columns},
        columns=[each["name"] for each in columns],
    )


def _plain(value: Any) -> Any:
    if value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _columns_of(name: str, released: Released, result: AnalysisResult) -> tuple[Column, ...]:
    table = released.tables.get(name) or result.tables.get(name)
    return table.columns if table is not None else ()


def _restored(name: str, kept: Mapping[str, Any], columns: tuple[Column, ...]) -> ReleasedTable | None:
    """The table, if its columns are still those that are declared."""
    data, marks = _frame(kept["data"]), _frame(kept["marks"])
    if {column.name for column in columns} != set(data.columns) - {_WHOLE}:
        return None
    return ReleasedTable(
        name=name,
        columns=columns,
        has_complement=kept["has_complement"],
        _data=data,
        _marks=marks,
        seal=_released._SEAL,
        has_dominated=bool(kept.get("has_dominated", False)),
    )
