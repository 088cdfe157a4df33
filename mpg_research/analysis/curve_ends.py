"""Where the curve of an organisation ends: at the last month with enough of its families measured."""

from collections.abc import Mapping
from dataclasses import replace

from mpg_research.analysis.result import ResultTable
from mpg_research.errors import Note
from mpg_research.study.reach import Reach

__all__ = ["end_curves"]


def end_curves(tables: Mapping[str, ResultTable], reach: Reach) -> tuple[dict[str, ResultTable], list[Note]]:
    """The tables with ``adjusted_curve`` up to where each organisation's measurements carry it.

    Parameters
    ----------
    tables : mapping of str to ResultTable
    reach : Reach

    Returns
    -------
    dict of str to ResultTable
        Rows of later months are left out. The start stays, so that each organisation has a row.
    list of Note
        ``curves_end`` where any curve ends before the others.
    """
    table = tables.get("adjusted_curve")
    if table is None:
        return dict(tables), []
    last = table.data["organisation"].astype(str).map(dict(reach.by_organisation)).fillna(0.0)
    kept = (table.data["months"] == 0) | (table.data["months"] <= last)
    found = {**tables, table.name: replace(table, data=table.data[kept].reset_index(drop=True))}
    n_ended = int(table.data.loc[~kept, "organisation"].nunique())
    if not n_ended:
        return found, []
    text = (
        f"Curves that end early (here {n_ended}) do so because after that fewer than {reach.needed} families "
        "of the organisation are measured."
    )
    return found, [Note("curves_end", text, {"n_organisations": n_ended, "needed": reach.needed})]
