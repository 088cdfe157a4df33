"""Which rules left their marks on a released table, and which setting of study.toml governs each."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.disclosure.released import ROUNDED, SUPPRESSED, ReleasedTable

__all__ = ["SETTING_OF", "rules_applied"]

#: The setting in [disclosure] that governs a rule, by the rule's code; empty where none does.
SETTING_OF: Mapping[str, str] = {
    "small_groups": "minimum_families",
    "small_groups_covered": "minimum_families",
    "outer_quantiles": "minimum_families",
    "single_families": "",
    "dominated": "dominance_largest_percent",
    "rounded": "rounding",
    "family_level": "",
    "names_in_text": "",
    "all_suppressed": "minimum_families",
    "gives_away_a_small_group": "minimum_families",
    "few_degrees_of_freedom": "minimum_families",
    "too_few_organisations": "minimum_other_organisations",
    "too_few_other_organisations": "minimum_other_organisations",
    "pooled_with_too_few": "minimum_other_organisations",
}
_OF_ONE = frozenset({"extreme", "family"})


def rules_applied(
    table: ReleasedTable, *, marks: pd.DataFrame | None = None, columns: Iterable[str] | None = None
) -> tuple[str, ...]:
    """The rules by which cells of a table are hidden or rounded.

    Which of the hidden cells is small itself, and which covers for it, is not told: that would help to find
    the small one.

    Parameters
    ----------
    table : ReleasedTable
        From the gate.
    marks : DataFrame, optional
        Rows of the table's marks, where not all are shown.
    columns : iterable of str, optional
        Columns that are shown; by default all.

    Returns
    -------
    tuple of str
        Codes of :data:`SETTING_OF`, each once, in its order.
    """
    marks = table.marks if marks is None else marks
    found: set[str] = set()
    found |= {"dominated"} if table.has_dominated else set()
    small = "small_groups_covered" if table.has_complement else "small_groups"
    whole_rows = _hidden(marks["n_families"]) if "n_families" in marks else np.zeros(len(marks), dtype=bool)
    for name in marks.columns if columns is None else (each for each in columns if each in marks.columns):
        kinds = set(marks[name].to_numpy(dtype=object))
        if ROUNDED in kinds:
            found.add("rounded")
        if SUPPRESSED not in kinds:
            continue
        hidden = _hidden(marks[name])
        about = table.column(name)
        alone = hidden & ~whole_rows
        if about.meaning in _OF_ONE:
            found.add("single_families")
        elif about.at is not None and alone.any():
            found.add("outer_quantiles")
            found |= {small} if (hidden & whole_rows).any() else set()
        else:
            found.add(small)
    return tuple(code for code in SETTING_OF if code in found)


def _hidden(marks: "pd.Series[Any]") -> NDArray[np.bool_]:
    return np.array([mark == SUPPRESSED for mark in marks.to_numpy(dtype=object)], dtype=bool)
