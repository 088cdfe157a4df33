"""Concordance of two predictors against pROC, counted pairs, and where it is not defined."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.statistics.forecasts.concordance import compare_concordance, expected_concordance

ORACLE = Path(__file__).parents[1] / "oracles" / "concordance"
#: pROC writes fifteen digits.
DIGITS = 1e-12


def test_equals_proc() -> None:
    data = pd.read_csv(ORACLE / "concordance.csv")
    expected = pd.read_csv(ORACLE / "expected.csv").iloc[0]
    found = compare_concordance(data["one"], data["other"], happened=data["event"])
    for name, value in expected.items():
        assert getattr(found, str(name)) == pytest.approx(value, abs=DIGITS), name
    assert (found.n, found.n_happened) == (80, int(data["event"].sum()))


def test_counts_pairs_and_ties_count_half() -> None:
    event = np.array([True, True, False, False, False])
    value = np.array([2.0, 1.0, 1.0, 0.0, 3.0])
    pairs = [float(a > b) + 0.5 * float(a == b) for a in value[event] for b in value[~event]]
    found = compare_concordance(value, -value, happened=event)
    assert found.one == pytest.approx(np.mean(pairs))
    assert found.one + found.other == pytest.approx(1.0)


def test_not_defined_where_all_end_alike() -> None:
    assert np.isnan(compare_concordance([1, 2], [2, 1], happened=[True, True]).difference)
    single = compare_concordance([1, 2, 0], [2, 1, 0], happened=[True, False, False])
    assert single.difference == pytest.approx(-0.5)
    assert np.isnan(single.std_error)


def test_expected_concordance_is_that_of_all_pairs_weighed_by_their_chance() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        n = int(rng.integers(3, 30))
        value, chance = rng.integers(0, 8, n).astype(float), rng.random(n)
        weight = rng.integers(0, 3, n).astype(float)
        won = pairs = 0.0
        for i in range(n):
            for j in range(n):
                if i == j:
                    continue
                likely = weight[i] * weight[j] * chance[i] * (1 - chance[j])
                won += likely * ((value[i] > value[j]) + 0.5 * (value[i] == value[j]))
                pairs += likely
        found = expected_concordance(value, chance, weight)
        assert found == pytest.approx(won / pairs) if pairs > 1e-9 else np.isnan(found)
        happened = chance > 0.5
        if 0 < happened.sum() < n:
            one = compare_concordance(value, value, happened=happened).one
            assert expected_concordance(value, happened) == pytest.approx(one)
    assert np.isnan(expected_concordance([1.0, 2.0], [1, 1]))
