"""Costs of single families against the same worked out row by row; nothing is lost or counted twice."""

from collections import defaultdict

import numpy as np
import pytest

from mpg_research.analysis.economics.family_costs import family_costs
from tests.analysis.economics.cost_studies import PLANS, draw_study, draw_tables
from tests.analysis.economics.dense_costs import dense_rows

#: Sums of the same products in another order.
NEAR = 1e-6


def by_key(costs):
    found = defaultdict(float)
    for row in costs.rows.itertuples(index=False):
        for name in ("amount", "discounted"):
            found[row.family, row.month, row.item, row.payer, row.phase, name] += getattr(row, name)
    return found


@pytest.mark.parametrize("name", PLANS)
def test_costs_are_those_worked_out_row_by_row(tmp_path, name):
    compared = 0
    for seed in range(2):
        tables = draw_tables(np.random.default_rng(seed), PLANS[name])
        study = draw_study(tmp_path / f"{name}{seed}", np.random.default_rng(seed), PLANS[name])
        costs = family_costs(study, year=2024)
        expected = dense_rows(tables, year=2024, rate=0.03, before=PLANS[name].before)
        found = by_key(costs)
        assert set(found) == {key for key, value in expected.items() if value > 0}
        for key, value in found.items():
            assert value == pytest.approx(expected[key], rel=1e-5), key
        compared += len(found)
    assert compared > 100
