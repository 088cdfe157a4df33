"""The tables of reliable change between two moments."""

from collections.abc import Mapping

import pandas as pd

from mpg_research.analysis.columns import (
    CLASS,
    EACH_ORGANISATION,
    ESTIMATE,
    ORGANISATION,
    coded,
    key_column,
    modelled,
    number_of,
    observed,
    setting,
)
from mpg_research.analysis.families.choices import Thresholds
from mpg_research.analysis.families.courses import COURSE_KEYS
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.result import ResultTable, family_table
from mpg_research.statistics.change.clinical_change import ClinicalChange
from mpg_research.statistics.change.clinical_classes import CHANGE_CLASSES
from mpg_research.statistics.change.group_change import group_change
from mpg_research.statistics.change.reliable_change import ChangeMethod, Direction, ReliableChangeIndex

__all__ = [
    "THREE_CLASSES",
    "course_table",
    "group_tables",
    "method_table",
    "reason_table",
    "share_tables",
    "threshold_table",
    "true_share_table",
]

THREE_CLASSES = ("improved", "unchanged", "deteriorated")
#: The class of reliable change that each of the five classes is a part of.
_DIRECTIONS = {
    "recovered": "improved", "improved": "improved", "unchanged": "unchanged",
    "deteriorated": "deteriorated", "harmed": "deteriorated",
}  # fmt: skip
_DIRECTION = key_column("direction", adds_up="families", csv_only=True)


def course_table(units: pd.DataFrame) -> ResultTable:
    """One row per course; never shown in reports."""
    keys = (*COURSE_KEYS, "organisation")
    values = (
        "months_pre", "months_post", "pre", "post", "change", "index", "category", "class", "crossed_class",
        "percentage", "percentage_class", "important_class", "reason",
    )  # fmt: skip
    return family_table("families", units, keys=keys, values=values)


def share_tables(units: pd.DataFrame, approaches: Mapping[str, str], level: float) -> list[ResultTable]:
    """Shares per class, over all families and per organisation.

    ``direction`` says which of the three classes of reliable change a class is a part of: its rows add up to
    a number that another approach shows.
    """
    pooled, single = [], []
    for approach, column in approaches.items():
        classes = CHANGE_CLASSES if approach == "five_classes" else THREE_CLASSES
        pooled.append(share_rows(units, column, classes, level=level).assign(approach=approach))
        own = share_rows(units, column, classes, by=("organisation",), level=level)
        single.append(own.assign(approach=approach))
    return [
        share_table(name, _with_direction(rows), *by, coded("approach"), _DIRECTION, CLASS)
        for name, rows, by in (
            ("shares", pooled, ()),
            ("shares_by_organisation", single, (EACH_ORGANISATION,)),
        )
    ]


def _with_direction(rows: list[pd.DataFrame]) -> pd.DataFrame:
    data = pd.concat(rows, ignore_index=True)
    return data.assign(direction=data["class"].map(_DIRECTIONS))


def method_table(
    units: pd.DataFrame, indices: Mapping[ChangeMethod, ReliableChangeIndex], level: float
) -> ResultTable:
    """The three classes by each method."""
    pieces = [
        share_rows(units.assign(found=index.category), "found", THREE_CLASSES, level=level).assign(
            method=name
        )
        for name, index in indices.items()
    ]
    return share_table("methods", pd.concat(pieces, ignore_index=True), coded("method"), CLASS)


def group_tables(
    units: pd.DataFrame,
    thresholds: Thresholds,
    direction: Direction,
    level: float,
) -> list[ResultTable]:
    """Mean change beside its thresholds, over all families and per organisation."""
    wanted = []
    if thresholds.percentage is not None:
        wanted.append(("percentage", "percentage", thresholds.percentage, thresholds.percentage_worse))
    if thresholds.important is not None:
        wanted.append(("important", "change", thresholds.important, thresholds.important_worse))
    pooled, single = [], []
    for approach, column, better, worse in wanted:
        for key, mine in [("", units), *units.groupby("organisation", sort=True)]:
            found = group_change(
                mine[column], improvement=better, deterioration=worse, direction=direction, level=level
            )
            known = mine[mine[column].notna()]
            numbers = (
                found.estimate, found.std_error, found.df, found.conf_low, found.conf_high, found.category,
                known["family"].nunique(),
            )  # fmt: skip
            if key:
                single.append((key, approach, *numbers))
            else:
                pooled.append((approach, *numbers, known["organisation"].nunique()))
    values = ("estimate", "std_error", "df", "conf_low", "conf_high", "class")
    columns = ["approach", *values, "n_families"]
    declared = (*(column for column in ESTIMATE if column.name in values), coded("class", is_key=False))
    return [
        ResultTable(
            "group_change",
            pd.DataFrame(pooled, columns=[*columns, "n_organisations"]),
            columns=(coded("approach"), *declared),
        ),
        ResultTable(
            "group_change_by_organisation",
            pd.DataFrame(single, columns=["organisation", *columns]),
            columns=(ORGANISATION, coded("approach"), *declared),
        ),
    ]


def threshold_table(units: pd.DataFrame, indices: Mapping[ChangeMethod, ReliableChangeIndex]) -> ResultTable:
    """Error and smallest reliable change of each method."""
    both = units[units["change"].notna()]
    rows = [(name, i.std_error, i.critical, i.threshold, i.error_rate) for name, i in indices.items()]
    values = ("std_error", "critical", "threshold", "share_in_error")
    data = pd.DataFrame(rows, columns=["method", *values]).assign(
        n_families=both["family"].nunique(), n_organisations=both["organisation"].nunique()
    )
    columns = (
        coded("method"), observed("std_error", digits=2), setting("critical", digits=2, plain=False),
        observed("threshold", digits=2), setting("share_in_error", percent=True, digits=0),
    )  # fmt: skip
    return ResultTable("thresholds", data, columns=columns)


def reason_table(units: pd.DataFrame) -> ResultTable:
    """Courses without an answer, by reason."""
    without = units[units["reason"] != ""]
    data = without.groupby("reason", sort=True).agg(
        n_courses=("course", "size"),
        n_families=("family", "nunique"),
        n_organisations=("organisation", "nunique"),
    )
    return ResultTable(
        "not_computable",
        data.reset_index(),
        columns=(coded("reason", adds_up="families"), number_of("n_courses")),
    )


def true_share_table(units: pd.DataFrame, found: ClinicalChange) -> ResultTable:
    """Estimated shares of true change at group level; NaN where they are not defined."""
    both = units[units["change"].notna()]
    rows = [("truly_improved", found.truly_improved), ("truly_functional", found.truly_functional)]
    data = pd.DataFrame(rows, columns=["quantity", "estimate"]).assign(
        n_families=both["family"].nunique(), n_organisations=both["organisation"].nunique()
    )
    columns = (coded("quantity"), modelled("estimate", percent=True, digits=0))
    return ResultTable("true_shares", data, columns=columns)
