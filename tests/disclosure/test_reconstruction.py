"""A solver looks for hidden counts in whole releases of random studies with a small organisation."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import columns as declare
from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, Released, release
from mpg_research.disclosure.reconstruction import hidden_counts, open_counts, quick_ranges
from tests.disclosure.made_results import MadeResult, flow_of, made_policy, result_of

KEYS = ("linde", "eik", "berk", "es", "iep", "wilg")
READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
CLASSES = ("better", "same", "worse")


def study(seed: int) -> tuple[MadeResult, dict[tuple[object, ...], int]]:
    """Organisations, one of them small; their classes; all together. And the true numbers by row."""
    rng = np.random.default_rng(seed)
    sizes = dict(zip(KEYS, rng.integers(14, 90, len(KEYS)).tolist(), strict=True))
    sizes[str(rng.choice(KEYS[1:]))] = int(rng.integers(1, 10))
    classes = {
        key: rng.multinomial(size, rng.dirichlet([2.0, 1.0, 0.3])).tolist() for key, size in sizes.items()
    }
    whole = pd.DataFrame({"organisation": KEYS, "value": 1.0, "n_families": [sizes[key] for key in KEYS]})
    rows = [
        (key, name, number / sizes[key], sizes[key], number)
        for key in KEYS
        for name, number in zip(CLASSES, classes[key], strict=True)
    ]
    parts = pd.DataFrame(rows, columns=["organisation", "class", "estimate", "n_group", "n_families"])
    total = sum(sizes.values())
    sums = [sum(classes[key][place] for key in KEYS) for place in range(3)]
    pooled = pd.DataFrame({"class": CLASSES, "n_group": total, "n_families": sums, "n_organisations": 6})
    pooled["estimate"] = pooled["n_families"] / total
    share = declare.observed_share("estimate", of="n_group")
    tables = (
        ResultTable("made", whole, (declare.EACH_ORGANISATION, declare.modelled("value"))),
        ResultTable(
            "shares_by_organisation",
            parts,
            (declare.EACH_ORGANISATION, declare.CLASS, share, declare.N_GROUP),
        ),
        ResultTable("shares", pooled, (declare.CLASS, share, declare.N_GROUP)),
    )
    truth: dict[tuple[object, ...], int] = {("made", (key,)): size for key, size in sizes.items()}
    truth |= {("shares_by_organisation", (row[0], row[1])): row[4] for row in rows}
    truth |= {("shares", (name,)): number for name, number in zip(CLASSES, sums, strict=True)}
    return result_of("made", *tables, flow=flow_of(total + 40, total)), truth


def released(seed: int, reader: Audience, **rules: object) -> tuple[Released, dict[tuple[object, ...], int]]:
    result, truth = study(seed)
    return release(result, reader, policy=made_policy(**{"rounding": 5, **rules})), truth


@pytest.mark.parametrize("reader", READERS, ids=[reader.role for reader in READERS])
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"rounding": 6, "midpoint": True},
        {"name_organisations_to_funder": True},
        {"rounding": 0, "name_organisations_to_funder": True},
    ],
)
def test_every_small_number_stays_possible_where_one_is_hidden(
    reader: Audience, rules: dict[str, object]
) -> None:
    tried = 0
    for seed in range(12):
        shown, truth = released(seed, reader, **rules)
        found = hidden_counts([shown])
        assert open_counts(found, 10) == [], seed
        tried += len(found)
        for each in found if reader.role == "researcher" else ():
            assert each.low <= truth[each.table, each.row] <= each.high
    assert tried > 60


def test_without_the_rules_the_solver_finds_the_small_one() -> None:
    """That it finds nothing above says something: in an open release it does find."""
    result, truth = study(3)
    shown = release(result, READERS[0], policy=made_policy(rounding=5))
    small = next(row for (table, row), number in truth.items() if table == "made" and number < 10)
    whole = shown.tables["made"]
    data, marks = whole.data, whole.marks
    for row, key in enumerate(data["organisation"]):
        if (key,) != small:
            exact = float(truth["made", (key,)])
            whole._data.loc[row, "n_families"], whole._marks.loc[row, "n_families"] = exact, ""
    assert len(data) == len(marks)
    flow = shown.tables["sample_flow"]
    total = sum(number for (table, _), number in truth.items() if table == "made")
    flow._data.loc[len(flow.data) - 1, "n_families"] = float(total)
    flow._marks.loc[len(flow.data) - 1, "n_families"] = ""
    found = {each.row: each for each in hidden_counts([shown]) if each.table == "made"}
    assert (found[small].low, found[small].high) == (truth["made", small], truth["made", small])
    assert found[small] in open_counts(found.values(), 10)
    quick = {
        each.row: each for each in quick_ranges("made", shown.tables, shown.policy) if each.table == "made"
    }
    assert (quick[small].low, quick[small].high) == (found[small].low, found[small].high)


def brute_range(shown: Released, total: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Every number of families that each organisation can have, by trying all of them."""
    data, marks = shown.tables["made"].data, shown.tables["made"].marks["n_families"]
    allowed = [
        range(0, total[1] + 1) if mark == "suppressed" else range(max(int(value) - 2, 1), int(value) + 3)
        for value, mark in zip(data["n_families"], marks, strict=True)
    ]
    fits = [tried for tried in product(*allowed) if total[0] <= sum(tried) <= total[1]]
    ends = zip(*fits, strict=True)
    return {key: (min(each), max(each)) for key, each in zip(data["organisation"], ends, strict=True)}


@pytest.mark.parametrize("seed", range(6))
def test_the_solver_says_what_trying_all_numbers_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = KEYS[:4]
    sizes = [*rng.integers(10, 18, 3).tolist(), int(rng.integers(2, 9))]
    data = pd.DataFrame({"organisation": keys, "value": 1.0, "n_families": sizes})
    table = ResultTable("made", data, (declare.EACH_ORGANISATION, declare.modelled("value")))
    result = result_of("made", table, flow=flow_of(100, sum(sizes)))
    shown = release(result, READERS[0], policy=made_policy(rounding=5, minimum_other_organisations=1))
    last = int(shown.tables["sample_flow"].data["n_families"].iloc[-1])
    found = {each.row[0]: (each.low, each.high) for each in hidden_counts([shown])}
    assert found
    expected = brute_range(shown, (last - 2, last + 2))
    assert found == {key: expected[key] for key in found}
