"""The range of chance on the page: around what was expected, and never at odds with the verdict beside it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.result import ResultTable
from mpg_research.disclosure import Audience, release
from mpg_research.present import tabulate
from mpg_research.statistics.providers.range_of_chance import range_of_chance
from tests.disclosure.made_results import NAMES, made_policy, make_organisations
from tests.disclosure.made_tables import made_table

VALUES = (
    *("n_group", "share_observed", "observed_low", "observed_high", "expected_share", "observed_difference"),
    *("observed_difference_low", "observed_difference_high", "observed_beyond_chance"),
)
READERS = (Audience("researcher"), Audience("funder"), Audience("organisation", "linde"))
WORDS = {"en": ("no", "lower", "higher"), "nl": ("nee", "lager", "hoger")}


def shares(seed: int) -> ResultTable:
    """Random shares of organisations of random size, some far from what was expected of them."""
    rng = np.random.default_rng(seed)
    rows = []
    for key in NAMES:
        n, hoped = int(rng.integers(22, 300)), float(rng.uniform(0.05, 0.95))
        observed = float(np.clip(round(n * rng.uniform(0, 1)) / n, 10 / n, 1 - 10 / n))
        low, high = range_of_chance(hoped, n, variance=hoped * (1 - hoped) / n)
        gap = observed - hoped
        beyond = "lower" if gap < low else "higher" if gap > high else "no"
        rows.append((key, "measured", n, observed, 0.1, 0.9, hoped, gap, low, high, beyond, n))
    data = pd.DataFrame(rows, columns=["organisation", "indicator", *VALUES, "n_families"])
    return made_table(
        "share_indicators", data, ("organisation", "indicator"), VALUES, ("organisation",), ("organisation",)
    )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("audience", READERS, ids=lambda audience: audience.role)
def test_the_difference_lies_in_or_outside_the_range_as_the_verdict_says(seed: int, audience) -> None:
    made = make_organisations(dict.fromkeys(NAMES, 60))
    made = replace(made, tables={**made.tables, "share_indicators": shares(seed)})
    released = release(made, audience, policy=made_policy())
    data = released.tables["share_indicators"].data
    assert data["observed_difference"].notna().sum() >= 3
    for row in data[data["observed_difference"].notna()].itertuples():
        low, high, gap = row.observed_difference_low, row.observed_difference_high, row.observed_difference
        assert low <= 0 <= high
        where = "lower" if gap < low else "higher" if gap > high else "no"
        assert where == row.observed_beyond_chance
    for language, words in WORDS.items():
        text = str(tabulate(released, "share_indicators", language=language))
        assert ("range of chance" if language == "en" else "bereik van het toeval") in text
        assert any(word in text for word in words)
    hidden = data[data["share_observed"].isna()]
    assert hidden["observed_beyond_chance"].isna().all()
