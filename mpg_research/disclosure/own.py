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
from mpg_research.disclosure.cells import Cells, cells_of, count_columns, hide_implied_counts
from mpg_research.disclosure.refusals import FEW_OTHERS, all_hidden
from mpg_research.disclosure.rounding import round_counts, round_ratios

__all__ = ["OWN_DATA", "own_tables", "round_own", "without_empty"]

#: Tables, and their columns, whose rows come from the families of the organisation in the row alone.
OWN_DATA: Mapping[str, frozenset[str]] = {
    "observed_course": frozenset({"mean", "sd", "n_measurements"}),
    "by_organisation": frozenset(
        {"n_measurements", "share_with_baseline", "measurements_per_family", "n_reached", "share_ended_early"}
        | {"ended_early_low", "ended_early_high"}
    ),
    "case_mix": frozenset({"mean_or_share", "sd"}),
    "share_indicators": frozenset({"n_group", "share_observed", "observed_low", "observed_high"}),
}
#: Rows that hang on other families too: what counts as reliable follows from the spread of all scores.
NOT_OWN = frozenset({"reliably_improved", "reliably_worsened"})


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
    for name in OWN_DATA.keys() & tables.keys() & refused.keys():
        table = tables[name]
        if refused[name][0] == FEW_OTHERS and len(table.organisation_columns) == 1:
            cells = cells_of(_only_own(table, own))
            if len(cells.data):
                kept[name] = cells
    return kept


def _only_own(table: ResultTable, own: str) -> ResultTable:
    data = table.data
    rows = np.array([str(key) == own for key in data[table.organisation_columns[0]]], dtype=bool)
    # A row about no family is there because others have families in it (their months, for instance).
    rows &= data["n_families"].to_numpy(dtype=float, na_value=np.nan) > 0
    for key in table.keys:
        rows &= ~data[key].isin(NOT_OWN).to_numpy()
    values = tuple(column for column in table.values if column in OWN_DATA[table.name])
    columns = [*table.keys, *values, "n_families"]
    return replace(table, data=data.loc[rows, columns].reset_index(drop=True), values=values)


def round_own(tables: Iterable[Cells], minimum: int) -> None:
    """Hide shares that give small counts, and round what is left."""
    for cells in tables:
        rows = np.ones(len(cells.data), dtype=bool)
        families = cells.table.data["n_families"].to_numpy(dtype=float, na_value=np.nan)
        hide_implied_counts(cells, rows, minimum)
        round_ratios(cells, rows, families)
        for column in count_columns(cells):
            round_counts(cells, rows, column)


def without_empty(tables: Mapping[str, Cells]) -> dict[str, Cells]:
    """Tables in which something is left to be seen."""
    return {name: cells for name, cells in tables.items() if not all_hidden(cells)}
