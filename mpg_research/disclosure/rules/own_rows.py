"""What an organisation may see of itself where too few others stand beside it.

Only numbers that are computed from its own families and nothing else: no model, no expected share, no
difference, no total. Such numbers are the same whatever the others did, so nothing about the others
follows from them. They are rounded like those of an unnamed organisation: laid beside the report of the
funder, an exact number of the own families would give away the exact number of the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure.rules.cells import Cells, cells_of, count_columns
from mpg_research.disclosure.rules.refusals import FEW_OTHERS, all_hidden
from mpg_research.disclosure.rules.rounding import round_counts, round_ratios
from mpg_research.disclosure.rules.small_numbers import hide_implied_counts

__all__ = ["own_tables", "round_own", "without_empty"]


def own_tables(
    tables: Mapping[str, ResultTable], own: str, refused: Mapping[str, tuple[str, Mapping[str, int]]]
) -> dict[str, Cells]:
    """The own rows of tables that are withheld since too few others stand beside the organisation.

    Parameters
    ----------
    tables : mapping of str to ResultTable
        Of the result, as they came in: what was hidden for the sake of others would tell of them.
    own : str
        Key of the reading organisation.
    refused : mapping of str to (str, mapping)
        Code and values of the reason, by table.

    Returns
    -------
    dict of str to Cells
        Nothing is hidden or rounded yet.
    """
    kept = {}
    for name in (each for each in tables if each in refused):
        table = tables[name]
        if refused[name][0] == FEW_OTHERS and len(table.organisation_columns) == 1 and _has_own(table):
            cells = cells_of(_only_own(table, own))
            if cells.length:
                kept[name] = cells
    return kept


def _has_own(table: ResultTable) -> bool:
    """Whether something other than the number of families is about the own families alone."""
    return any(column.own and column.name != "n_families" for column in table.columns)


def _only_own(table: ResultTable, own: str) -> ResultTable:
    data = table.data
    rows = np.array([str(key) == own for key in data[table.organisation_columns[0]]], dtype=bool)
    # A row about no family is there because others have families in it (their months, for instance).
    rows &= data["n_families"].to_numpy(dtype=float, na_value=np.nan) > 0
    for column in table.columns:
        if column.not_own:
            rows &= ~data[column.name].isin(column.not_own).to_numpy()
    columns = tuple(column for column in table.columns if column.is_key or column.own)
    names = [column.name for column in columns]
    return replace(table, data=data.loc[rows, names].reset_index(drop=True), columns=columns)


def round_own(tables: Iterable[Cells], minimum: int) -> None:
    """Hide shares that give small counts, and round what is left."""
    for cells in tables:
        rows, families = cells.every_row(), cells.exact("n_families")
        hide_implied_counts(cells, rows, minimum)
        round_ratios(cells, rows, families)
        for column in count_columns(cells):
            round_counts(cells, rows, column, minimum)


def without_empty(tables: Mapping[str, Cells]) -> dict[str, Cells]:
    """Tables in which something is left to be seen."""
    return {name: cells for name, cells in tables.items() if not all_hidden(cells)}
