"""Rows that cover are chosen for all groups at once, and are those of going from group to group."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.disclosure.rules.cells import Cells, cells_of, frames_of, mask_of
from mpg_research.disclosure.rules.complementary_suppression import (
    cover_each_month,
    cover_shares,
    cover_small_rows,
)
from mpg_research.disclosure.rules.following import hide_share
from mpg_research.disclosure.rules.labels import stable_order
from mpg_research.disclosure.rules.small_numbers import base_of, shares_in, small_rows
from tests.disclosure.made_tables import made_table

MINIMUM = 10
DIGEST = "5d" * 32


def same(found: Cells, expected: Cells) -> None:
    for one, other in zip(frames_of(found), frames_of(expected), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert found.has_complement == expected.has_complement


def crossed(rng: np.random.Generator, second: list[object], name: str) -> pd.DataFrame:
    """Organisations by moments or indicators, some small or empty, in no particular order."""
    keys = [f"o{number}" for number in range(int(rng.integers(2, 9)))]
    data = pd.DataFrame([(key, one) for key in keys for one in second], columns=["organisation", name])
    data["n_families"] = rng.choice([0, 3, 8, 12, 25, 60], size=len(data))
    return data.sample(frac=0.9, random_state=int(rng.integers(1 << 30))).reset_index(drop=True)


@pytest.mark.parametrize("seed", range(12))
def test_months_are_covered_as_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = crossed(rng, [0.0, 6.0, 12.0, 18.0], "months")
    data.insert(2, "mean", rng.normal(20, 3, size=len(data)))
    keys = ("organisation", "months")
    table = made_table("observed_course", data, keys, ("mean",), keys[:1], keys[:1])
    found, plain = cells_of(table), cells_of(table)
    for cells in (found, plain):
        cells.hide_rows(small_rows(cells, MINIMUM))
    cover_each_month(found, MINIMUM)
    keyed = stable_order(data["organisation"])
    for rows in data.groupby("months").indices.values():
        order = np.argsort([keyed.index(key) for key in data["organisation"].iloc[rows]]).tolist()
        counts = data["n_families"].to_numpy(dtype=float)[rows]
        small = plain.hidden()[rows]
        extra = cover_small_rows(small, counts, MINIMUM, order=order, each_knows_its_own=True)
        if extra.any():
            plain.hide_rows(mask_of(rows[extra], len(data)))
            plain.has_complement = True
    same(found, plain)


@pytest.mark.parametrize("seed", range(12))
def test_shares_are_covered_as_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    data = crossed(rng, ["improved", "dropped_out", "seen"], "indicator")
    data.insert(2, "n_group", data["n_families"])
    data.insert(3, "share_observed", rng.uniform(0.02, 0.98, size=len(data)))
    keys = ("organisation", "indicator")
    table = made_table("share_indicators", data, keys, ("n_group", "share_observed"), keys[:1], keys[:1])
    found, plain = cells_of(table), cells_of(table)
    few = (data["share_observed"] * data["n_group"] < MINIMUM).to_numpy()
    for cells in (found, plain):
        hide_share(cells, few, "share_observed")
    cover_shares(found, MINIMUM)
    keyed = stable_order(data["organisation"])
    for column in plain.numbers:
        for base, chosen in shares_in(plain, column):
            size, share = base_of(plain, base), table.data[column].to_numpy(dtype=float)
            counts = np.where(chosen, np.minimum(share * size, (1 - share) * size), np.nan)
            for rows in data.groupby("indicator").indices.values():
                small = plain.hidden(column)[rows] & chosen[rows]
                order = np.argsort([keyed.index(key) for key in data["organisation"].iloc[rows]]).tolist()
                extra = cover_small_rows(small, counts[rows], MINIMUM, order=order, each_knows_its_own=True)
                if extra.any():
                    hide_share(plain, mask_of(rows[extra], len(data)), column)
                    plain.has_complement = True
    same(found, plain)


def test_random_tables_have_something_to_cover() -> None:
    """Else the comparisons above could not fail."""
    covered = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        data = crossed(rng, [0.0, 6.0, 12.0, 18.0], "months")
        data.insert(2, "mean", rng.normal(20, 3, size=len(data)))
        keys = ("organisation", "months")
        cells = cells_of(made_table("observed_course", data, keys, ("mean",), keys[:1], keys[:1]))
        cells.hide_rows(small_rows(cells, MINIMUM))
        cover_each_month(cells, MINIMUM)
        covered += cells.has_complement
    assert covered >= 3
