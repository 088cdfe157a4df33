"""Where curves and dots end: at the last month with enough families, of each organisation its own."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from mpg_research.analysis.result import ResultTable
from mpg_research.errors import Note
from mpg_research.study.scoring.reach import Reach

__all__ = ["end_curves"]


def end_curves(tables: Mapping[str, ResultTable], reach: Reach) -> tuple[dict[str, ResultTable], list[Note]]:
    """The tables with ``adjusted_curve`` and ``observed_course`` up to where the measurements carry them.

    Parameters
    ----------
    tables : mapping of str to ResultTable
    reach : Reach

    Returns
    -------
    dict of str to ResultTable
        Rows of later months are left out, those about one organisation by its own families. The start stays,
        so that each organisation has a row.
    list of Note
        ``curves_end`` where any curve ends before the others.
    """
    found, n_ended = dict(tables), 0
    for name in ("adjusted_curve", "observed_course"):
        if name not in found:
            continue
        table = found[name]
        last = pd.Series(reach.last, index=table.data.index)
        if "organisation" in table.keys:
            own = table.data["organisation"].astype(str).map(dict(reach.by_organisation)).fillna(0.0)
            last = own.clip(upper=last)
        kept = (table.data["months"] == 0) | (table.data["months"] <= last)
        if name == "adjusted_curve":
            n_ended = int(table.data.loc[~kept, "organisation"].nunique())
        found[name] = replace(table, data=table.data[kept].reset_index(drop=True))
    if not n_ended:
        return found, []
    text = (
        f"Curves that end early (here {n_ended}) do so because after that fewer than {reach.needed} families "
        "of the organisation are measured."
    )
    return found, [Note("curves_end", text, {"n_organisations": n_ended, "needed": reach.needed})]
