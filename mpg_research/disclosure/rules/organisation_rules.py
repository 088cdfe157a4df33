"""Rules about organisations: how many must stand together, and rows that follow the neutral order."""

import numpy as np

from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.rules.cells import Cells
from mpg_research.disclosure.rules.labels import Labels
from mpg_research.errors import DisclosureError

__all__ = [
    "deviations",
    "is_contrast",
    "is_observed_by_organisation",
    "stands_for_whole",
    "times_of",
    "too_few_in_comparison",
    "too_few_pooled",
    "use_labels",
]


def too_few_in_comparison(cells: Cells, audience: Audience, *, policy: DisclosurePolicy) -> str:
    """The reason to withhold a table of organisations, or ""."""
    if policy.public_groups:
        return ""
    visible = ~cells.hidden()
    shown = {key for column in cells.table.organisation_columns for key in cells.data[column][visible]}
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
    if policy.public_groups or audience.organisation is None or not cells.length:
        return False
    pooled = np.full(cells.length, float(organisations))
    if "n_organisations" in cells.data:
        pooled = np.nan_to_num(cells.exact("n_organisations"))
    few = pooled - 1 < policy.minimum_other_organisations
    cells.hide_rows(few & ~cells.hidden())
    return bool(few.all())


def use_labels(cells: Cells, labels: Labels) -> None:
    """Put label codes in place of keys, turn pairs to the order of the labels and sort the rows by it."""
    columns = list(cells.table.organisation_columns)
    if not columns:
        return
    for column in columns:
        cells.relabel(column, [labels.code_of[key] for key in cells.data[column]])
    if not labels.neutral:
        return
    if len(columns) == 2:
        _turn_pairs(cells, columns[0], columns[1], labels)
    places = [_places(cells, column, labels) for column in columns]
    others = [key for key in cells.keys if key not in columns]
    ranks = [_appearance(cells.data[key].tolist()) for key in others]
    cells.take(np.lexsort([*reversed(ranks), *reversed(places)]))


def _places(cells: Cells, column: str, labels: Labels) -> np.ndarray:
    return np.array([labels.order[code] for code in cells.data[column]], dtype=int)


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
    rows = _places(cells, first, labels) > _places(cells, second, labels)
    turning = [column for column in cells.numbers if cells.about(column).in_pair == "turns"]
    bounds = [
        (column, cells.about(column).other_end) for column in turning if cells.about(column).ends == "low"
    ]
    for low, high in [(first, second), *bounds]:
        cells.exchange(rows, low, high)
    for column in turning:
        cells.put(rows, column, -cells.data[column])


def times_of(cells: Cells) -> list[str]:
    """The keys that are moments in time."""
    return [key for key in cells.keys if cells.about(key).meaning == "time"]


def stands_for_whole(cells: Cells) -> bool:
    """Whether a row of an organisation is about all its families: model-based ones at any month are."""
    others = [key for key in cells.keys if cells.about(key).meaning not in ("organisation", "time")]
    one = len(cells.table.organisation_columns) == 1
    return one and not others and not is_observed_by_organisation(cells)


def is_observed_by_organisation(cells: Cells) -> bool:
    """Whether rows are about the families of an organisation measured in one month, which differ by month."""
    return cells.once("observed", lambda: _is_observed_by_organisation(cells))


def _is_observed_by_organisation(cells: Cells) -> bool:
    if len(cells.table.organisation_columns) != 1 or len(cells.keys) != 2 or not times_of(cells):
        return False
    organisations = cells.data[cells.table.organisation_columns[0]]
    families = np.nan_to_num(cells.exact("n_families"), nan=-1.0)
    return len(set(zip(organisations, families, strict=True))) > len(set(organisations))


def is_contrast(cells: Cells) -> bool:
    """Whether rows are about one organisation beside others: a pair, or the distance from all."""
    return len(cells.table.organisation_columns) > 1 or deviations(cells)


def deviations(cells: Cells) -> bool:
    """Whether the numbers of a column within each group are taken from their own mean or median.

    Then they add up to zero, and any one follows from the others; or the middle one is zero, and what the
    organisation in the middle has can be read off the others.
    """
    return cells.once("deviations", lambda: _deviations(cells))


def _deviations(cells: Cells) -> bool:
    others = [key for key in cells.keys if key not in cells.table.organisation_columns]
    rows_of = cells.groups(others)
    if not rows_of:
        return False
    order, sizes = np.concatenate(rows_of), np.array([len(rows) for rows in rows_of])
    starts = np.cumsum(sizes) - sizes
    for column in cells.numbers:
        if cells.about(column).meaning in ("count", "tally") or cells.is_text(column):
            continue
        values = cells.exact(column)[order]
        sums, spread = np.add.reduceat(values, starts), np.add.reduceat(np.abs(values), starts)
        known = np.isfinite(spread) & (spread > 0)
        if not known.any():
            continue
        if np.all((sizes > 1) & (np.abs(sums) < 1e-6 * spread), where=known):
            return True
        ends = starts + sizes
        if all(_from_their_median(values[starts[k] : ends[k]]) for k in np.flatnonzero(known)):
            return True
    return False


def _from_their_median(values: np.ndarray) -> bool:
    """Whether fractions have zero as their median; among whole numbers that is no more than chance."""
    if len(values) < 3 or np.all(values == np.round(values)):
        return False
    zeros = int((np.abs(values) < 1e-12).sum())
    return zeros <= 1 and abs(float(np.median(values))) < 1e-9 * float(np.abs(values).max())
