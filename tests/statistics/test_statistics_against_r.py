"""The small statistics equal R's (script, output and session info in tests/oracles/analysis)."""

import json
from pathlib import Path

import numpy as np
import pytest

from mpg_research.statistics import (
    hedges_correction,
    holm,
    standardise_change,
    wilson_interval,
)

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "oracles" / "analysis" / "statistics.json").read_text(encoding="utf-8")
)
# The reference was written with 15 significant digits; both sides compute in double precision.
EXACT = 1e-10


def test_holm_equals_p_adjust() -> None:
    known = REFERENCE["holm"]
    np.testing.assert_allclose(holm(known["p"]), known["adjusted"], rtol=EXACT)


def test_holm_passes_over_missing_p_values() -> None:
    adjusted = holm([0.01, np.nan, 0.03])
    np.testing.assert_allclose(adjusted, [0.02, np.nan, 0.03], rtol=EXACT)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.2, 1.2])


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]).shape == (0,)


def test_standardised_change_equals_metafor() -> None:
    known = REFERENCE["smcr"]
    sd = known["sd"]
    for n, r, g, variance in zip(known["n"], known["r"], known["g"], known["variance"], strict=True):
        # With equal spread at both times the change of n families has this standard error.
        std_error = sd * np.sqrt(2 * (1 - r) / n)
        effect = standardise_change([known["m1"] - known["m2"]], [std_error], df=[n - 1], baseline_sd=sd, n=n)
        np.testing.assert_allclose(effect.estimate, [g], rtol=EXACT)
        np.testing.assert_allclose(effect.std_error**2, [variance], rtol=EXACT)


def test_hedges_correction_is_close_to_the_usual_approximation() -> None:
    # J is about 1 - 3 / (4 df - 1) (Hedges 1981); the approximation itself is good to 0.0004 from 10 df on.
    for df in (10, 25, 100):
        assert hedges_correction(df) == pytest.approx(1 - 3 / (4 * df - 1), abs=4e-4)
    assert np.isnan(hedges_correction(1))


def test_two_group_difference_equals_pingouin() -> None:
    pingouin = pytest.importorskip("pingouin")
    n_1, n_2, difference, sd = 18, 25, 3.1, 5.5
    n = n_1 + n_2
    effect = standardise_change(
        [difference], [sd * np.sqrt(1 / n_1 + 1 / n_2)], df=[n - 2], baseline_sd=sd, n=n
    )
    # pingouin leaves the interval uncorrected: d and its limits are ours without the factor J.
    d = difference / sd
    low, high = pingouin.compute_esci(stat=d, nx=n_1, ny=n_2, eftype="cohen", decimals=8)
    factor = hedges_correction(n - 1)
    np.testing.assert_allclose(
        [effect.conf_low[0] / factor, effect.conf_high[0] / factor], [low, high], atol=1e-7
    )


def test_no_spread_at_the_start_gives_no_effect_size() -> None:
    for sd in (0.0, np.nan):
        effect = standardise_change([1.0], [0.5], df=[10], baseline_sd=sd, n=10)
        assert np.isnan([effect.estimate[0], effect.conf_low[0], effect.conf_high[0]]).all()


def test_wilson_equals_prop_test() -> None:
    known = REFERENCE["wilson"]
    share = wilson_interval(known["count"], known["total"])
    # prop.test reaches its limits at 0 and 1 only to rounding error.
    np.testing.assert_allclose(share.conf_low, known["low"], atol=1e-12)
    np.testing.assert_allclose(share.conf_high, known["high"], atol=1e-12)
    narrower = wilson_interval(known["count"], known["total"], level=0.90)
    np.testing.assert_allclose(narrower.conf_low, known["low_90"], atol=1e-12)


def test_wilson_of_no_families_is_missing() -> None:
    share = wilson_interval([0], [0])
    assert np.isnan([share.estimate[0], share.conf_low[0], share.conf_high[0]]).all()


def test_wilson_refuses_more_than_all() -> None:
    with pytest.raises(ValueError, match="between 0 and their totals"):
        wilson_interval([11], [10])
