"""Rules about organisations: how many must stand together, and rows that follow the neutral order."""

import numpy as np

from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.rules.cells import Cells, hide_rows, mask_of
from mpg_research.disclosure.rules.labels import Labels
from mpg_research.errors import DisclosureError

__all__ = ["too_few_in_comparison", "too_few_pooled", "use_labels"]


def too_few_in_comparison(cells: Cells, audience: Audience, *, policy: DisclosurePolicy) -> str:
    """The reason to withhold a table of organisations, or ""."""
    if policy.public_groups:
        return ""
    visible = ~cells.hidden()
    shown = {key for column in cells.table.organisation_columns for key in cells.data.loc[visible, column]}
    if not audience.is_external:
        return "too_few_organisations" if len(shown) < policy.minimum_other_organisations else ""
    others = shown - {audience.organisation}
    # Without an organisation of its own to stand beside, a funder sees each beside all the others.
    number = len(others) if audience.organisation is not None else len(others) - 1
    return "too_few_other_organisations" if number < policy.minimum_other_organisations else ""


def too_few_pooled(cells: Cells, audience: Audience, *, policy: DisclosurePolicy, organisations: int) -> bool:
    """Whether an organisation could subtract itself from a pooled table and see fewer than three others.

    Rows that pool too few are suppressed; true if no row is left. Tables that do not say how many
    organisations they pool are taken to pool all that the result has.
    """
    if policy.public_groups or audience.organisation is None or not len(cells.data):
        return False
    pooled = np.full(len(cells.data), float(organisations))
    if "n_organisations" in cells.data.columns:
        column = cells.table.data["n_organisations"].to_numpy(dtype=float, na_value=np.nan)
        pooled = np.nan_to_num(column) if len(column) == len(cells.data) else pooled
    few = pooled - 1 < policy.minimum_other_organisations
    hide_rows(cells, few & ~cells.hidden())
    return bool(few.all())


def use_labels(cells: Cells, labels: Labels) -> None:
    """Put label codes in place of keys, turn pairs to the order of the labels and sort the rows by it."""
    columns = list(cells.table.organisation_columns)
    if not columns:
        return
    for column in columns:
        cells.data[column] = [labels.code_of[key] for key in cells.data[column]]
    if not labels.neutral:
        return
    if len(columns) == 2:
        _turn_pairs(cells, columns[0], columns[1], labels)
    places = [cells.data[column].map(labels.order).to_numpy() for column in columns]
    others = [key for key in cells.table.keys if key not in columns]
    ranks = [_appearance(cells.data[key].tolist()) for key in others]
    order = np.lexsort([*reversed(ranks), *reversed(places)])
    cells.data = cells.data.iloc[order].reset_index(drop=True)
    cells.marks = cells.marks.iloc[order].reset_index(drop=True)


def _appearance(values: list[object]) -> np.ndarray:
    """Rank of each value: numbers by size, text by alphabet, so that the order of the rows tells nothing."""
    ordered = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    place = {value: rank for rank, value in enumerate(ordered)}
    return np.array([place[value] for value in values])


def _turn_pairs(cells: Cells, first: str, second: str, labels: Labels) -> None:
    """Swap pairs that run against the order of the labels: who comes first would tell the alphabet."""
    unknown = [column for column in cells.numbers if not cells.about(column).in_pair]
    if unknown:
        raise DisclosureError(
            f"Table {cells.table.name!r} compares pairs, and its columns {unknown} do not say whether they "
            "change sign where a pair is turned round."
        )
    order = cells.data[first].map(labels.order) > cells.data[second].map(labels.order)
    rows = mask_of(np.flatnonzero(order.to_numpy()), len(cells.data))
    turning = [column for column in cells.numbers if cells.about(column).in_pair == "turns"]
    bounds = [
        (column, cells.about(column).other_end) for column in turning if cells.about(column).ends == "low"
    ]
    for low, high in [(first, second), *bounds]:
        for frame in (cells.data, cells.marks):
            frame.loc[rows, [low, high]] = frame.loc[rows, [high, low]].to_numpy()
    for column in turning:
        cells.data.loc[rows, column] = -cells.data.loc[rows, column]
