"""How single questions behave, against R (tests/oracles/analysis)."""

import json
from pathlib import Path

import numpy as np
import pytest

from mpg_research import statistics
from mpg_research.instruments import item_statistics

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "oracles" / "analysis" / "statistics.json").read_text(encoding="utf-8")
)
# The reference was written with 15 significant digits; both sides compute in double precision.
EXACT = 1e-10


def test_item_statistics_equal_r() -> None:
    known = REFERENCE["items"]
    found = item_statistics(known["values"])
    np.testing.assert_allclose(found.mean, known["mean"], rtol=EXACT)
    np.testing.assert_allclose(found.sd, known["sd"], rtol=EXACT)
    np.testing.assert_allclose(found.item_rest_correlation, known["item_rest"], rtol=EXACT)


def test_item_statistics_with_gaps_and_constant_items() -> None:
    values = np.array(REFERENCE["items"]["values"], dtype=float)
    gaps = values.copy()
    gaps[0, 0] = np.nan
    gaps[:, 1] = 2.0
    found = item_statistics(gaps)
    assert found.n_answered[0] == len(values) - 1
    assert found.mean[0] == pytest.approx(values[1:, 0].mean())
    assert found.sd[1] == 0
    assert np.isnan(found.item_rest_correlation[1])
    rest = gaps[1:, 1:].sum(axis=1)
    assert found.item_rest_correlation[0] == pytest.approx(np.corrcoef(gaps[1:, 0], rest)[0, 1])


def test_the_old_place_goes_on_working() -> None:
    assert statistics.item_statistics is item_statistics
