"""The simulated truth is recovered without bias, and intervals hold it as often as they say.

The small version of benchmarks/coverage.py, with fewer families and fewer runs.
"""

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import fit_mixed
from mpg_research.simulate.gaussian import GaussianTruth, simulate_gaussian

RUNS = 120
FORMULA = (
    "score ~ months * organisation + months * child_age + months * single_parent + (1 + months | family)"
)
# Sixteen effects of one run hang together, so the runs are the sample: 120 run means of the share of hits
# scatter with a standard error of about 0.8 points around 95 %. Three of those either way.
COVERAGE = (0.925, 0.975)
# Mean errors in Monte Carlo standard errors: the largest of sixteen stays below this in all but 1 in 400.
LARGEST_Z = 4.0


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    truth = GaussianTruth()
    pieces = []
    for seed in range(RUNS):
        data = simulate_gaussian(np.random.default_rng([77, seed]), truth=truth, families=60)
        fit = fit_mixed(FORMULA, data, df="kenward-roger")
        assert fit.converged
        true = pd.Series(truth.fixed_effects()).loc[fit.fixed.index]
        hit = (fit.fixed["conf_low"] <= true) & (true <= fit.fixed["conf_high"])
        pieces.append(pd.DataFrame({"error": fit.fixed["estimate"] - true, "hit": hit, "run": seed}))
    return pd.concat(pieces).rename_axis("term").reset_index()


def test_fixed_effects_are_unbiased(runs: pd.DataFrame) -> None:
    errors = runs.groupby("term")["error"]
    z = errors.mean() / (errors.std() / np.sqrt(RUNS))
    assert len(z) == 16
    assert z.abs().max() < LARGEST_Z


def test_intervals_hold_the_truth_as_often_as_they_say(runs: pd.DataFrame) -> None:
    low, high = COVERAGE
    assert low < runs["hit"].mean() < high
