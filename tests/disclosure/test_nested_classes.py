"""Five classes beside the three that they are parts of: no small class follows by subtraction."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.families.change_tables import share_tables
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure.rules.cells import cells_of
from mpg_research.disclosure.rules.complementary_suppression import cover_groups

PARTS = {
    "improved": ("recovered", "improved"),
    "unchanged": ("unchanged",),
    "deteriorated": ("deteriorated", "harmed"),
}
MINIMUM = 10


def tables_of(counts: dict[str, int]) -> list[ResultTable]:
    five = [name for name, number in counts.items() for _ in range(number)]
    whole = {part: name for name, parts in PARTS.items() for part in parts}
    n = len(five)
    units = pd.DataFrame(
        {
            "family": [f"f{k}" for k in range(n)],
            "organisation": np.where(np.arange(n) % 2 == 0, "a", "b"),
            "worker": "w",
            "five": five,
            "three": [whole[name] for name in five],
        }
    )
    return share_tables(units, {"reliable": "three", "five_classes": "five"}, 0.95)


def shown(table: ResultTable) -> pd.Series:
    """Number of families of each row after the gate's rule on small numbers, missing where hidden."""
    cells = cells_of(table)
    cells.hide_rows(table.data["n_families"].between(1, MINIMUM - 1).to_numpy())
    parts = [column.name for column in table.columns if column.adds_up == "families"]
    cover_groups(cells, parts, MINIMUM)
    hidden = cells.hidden()
    data = table.data.assign(left=table.data["n_families"].where(~hidden))
    return data.set_index([key for key in table.keys if key != "direction"])["left"]


@pytest.mark.parametrize(
    "counts",
    [
        {"recovered": 44, "improved": 4, "unchanged": 90, "deteriorated": 20, "harmed": 15},
        {"recovered": 3, "improved": 40, "unchanged": 90, "deteriorated": 30, "harmed": 4},
        {"recovered": 40, "improved": 40, "unchanged": 5, "deteriorated": 30, "harmed": 40},
        {"recovered": 40, "improved": 2, "unchanged": 5, "deteriorated": 3, "harmed": 40},
    ],
)
def test_a_small_class_does_not_follow_from_the_class_it_is_part_of(counts: dict[str, int]) -> None:
    left = shown(tables_of(counts)[0])
    total = sum(counts.values())
    for whole, parts in PARTS.items():
        known = left["reliable", whole]
        hidden = [part for part in parts if np.isnan(left["five_classes", part])]
        if np.isfinite(known):
            assert len(hidden) != 1, whole
        elif not hidden:
            # the hidden class is the sum of its parts: then another hidden one must stand beside it
            others = [left["reliable", other] for other in PARTS if other != whole]
            assert np.isnan(others).sum() >= 1
            assert sum(left["five_classes", part] for part in parts) >= MINIMUM
    for approach, names in (("reliable", tuple(PARTS)), ("five_classes", tuple(counts))):
        lost = [name for name in names if np.isnan(left[approach, name])]
        kept = sum(left[approach, name] for name in names if name not in lost)
        assert not lost or (len(lost) >= 2 and total - kept > MINIMUM)
