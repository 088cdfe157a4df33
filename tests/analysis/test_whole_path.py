"""From files to estimates: a study with known coefficients, written, read, compared."""

from pathlib import Path

import numpy as np
import pytest

from mpg_research.analysis import GrowthRule, compare_organisations
from mpg_research.mixed import fit_mixed
from mpg_research.simulate.gaussian import GaussianTruth, simulate_gaussian, simulate_gaussian_study
from mpg_research.study import load_study

SEED = 12
# The files hold three decimals of each score.
ROUNDING = 1e-3


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder: Path = tmp_path_factory.mktemp("gaussian") / "study"
    simulate_gaussian_study(folder, seed=SEED)
    # The simulator's own model: a line per family, independent residuals.
    simple = GrowthRule.simple()
    return compare_organisations(load_study(folder), shape="linear", worker=False, rule=simple)


def test_the_comparison_is_the_model_fitted_by_hand(found: object) -> None:
    data = simulate_gaussian(SEED)
    fit = fit_mixed(
        "score ~ months * organisation + months * child_age + months * single_parent + (1 + months | family)",
        data,
        df="kenward-roger",
    )
    families = data.drop_duplicates("family")
    at = {"child_age": families["child_age"].mean(), "single_parent": families["single_parent"].mean()}
    slopes = fit.slopes("months", by="organisation", at=at).frame
    table = found.tables["adjusted_change"].data  # type: ignore[attr-defined]
    year = table[table["months"] == 12]
    assert year["organisation"].tolist() == slopes["organisation"].tolist()
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(year[column], 12 * slopes[column], atol=12 * ROUNDING)
    np.testing.assert_allclose(year["df"], slopes["df"], rtol=1e-3)


def test_the_known_changes_lie_in_the_intervals(found: object) -> None:
    table = found.tables["adjusted_change"].data  # type: ignore[attr-defined]
    truth = GaussianTruth()
    average = {covariate.name: covariate.centre for covariate in found.model.frame.covariates}  # type: ignore[attr-defined]
    pairs = zip(table["organisation"], table["months"], strict=True)
    true = np.array([truth.adjusted_change(key, month, average) for key, month in pairs])
    # Both months rest on one slope per organisation: six intervals, of which two misses have a chance of 3 %.
    misses = ((table["conf_low"] > true) | (table["conf_high"] < true))[table["months"] == 12].sum()
    assert misses <= 1


def test_everything_about_the_study_is_said(found: object) -> None:
    codes = [note.code for note in found.notes]  # type: ignore[attr-defined]
    assert "synthetic_data" in codes
    assert "no_norms" in codes
    assert "course_bends" not in codes
