"""Which families each organisation helps."""

import pandas as pd

from mpg_research.analysis.frame import ModelFrame
from mpg_research.analysis.result import ResultTable

__all__ = ["case_mix_table"]

_COLUMNS = ["organisation", "variable", "level", "kind", "mean_or_share", "sd", "n_families"]


def case_mix_table(frame: ModelFrame) -> ResultTable:
    """Case mix per organisation: means of numbers, shares of every level of the rest.

    Of shares every level has its row ("yes" and "no" too), and ``n_families`` are the families *at* that
    level, so that a share behind which few families stand is recognised as a small cell.
    """
    variables = [name for name in frame.episodes.columns if name not in ("family", "organisation")]
    rows = []
    for code, key in frame.organisations.items():
        mine = frame.episodes[frame.episodes["organisation"] == code]
        for name in variables:
            rows += [(key, name, *row) for row in _describe(mine[name], mine["family"], frame.episodes[name])]
    return ResultTable(
        "case_mix",
        pd.DataFrame(rows, columns=_COLUMNS),
        keys=("organisation", "variable", "level", "kind"),
        values=("mean_or_share", "sd"),
        organisation_columns=("organisation",),
        parts_of_total=("organisation", "level"),
    )


def _describe(
    mine: pd.Series, families: pd.Series, everyone: pd.Series
) -> list[tuple[str, str, float, float, int]]:
    """Rows (level, kind, mean_or_share, sd, n_families) of one variable at one organisation."""
    number = pd.api.types.is_numeric_dtype(everyone) and not pd.api.types.is_bool_dtype(everyone)
    if number and not set(everyone.unique()) <= {0, 1}:
        values = mine.astype(float)
        return [("", "mean", float(values.mean()), float(values.std()), int(families.nunique()))]
    rows = []
    names = {"True": "yes", "False": "no", "1": "yes", "0": "no", "1.0": "yes", "0.0": "no"}
    binary = set(everyone.astype(str).unique()) <= set(names)
    for level in sorted(everyone.astype(str).unique()):
        at_level = mine.astype(str) == level
        shown = names[level] if binary else level
        n_families = int(families[at_level].nunique())
        rows.append((shown, "share", float(at_level.mean()), float("nan"), n_families))
    return rows
