"""The Gaussian simulator draws from exactly the coefficients it states."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ConfigError
from mpg_research.mixed import fit_mixed
from mpg_research.simulate.gaussian import GaussianTruth, simulate_gaussian, simulate_gaussian_study
from mpg_research.study import course_frame, load_study

FORMULA = "score ~ months * organisation + child_age + single_parent + (1 + months | family)"
STANDARD_ERRORS = 4.0  # a false alarm among 14 coefficients once in about 1,100 seeds
WITHIN = 0.06  # relative error of a standard deviation from 6,000 families: about 1 % expected, slopes 2 %


def test_without_noise_the_scores_are_the_line_of_the_coefficients() -> None:
    truth = GaussianTruth(sd_intercept=0, sd_slope=0, sd_residual=0)
    data = simulate_gaussian(1, truth=truth, families=60)
    effects = truth.fixed_effects(reference="org_c")
    expected = effects["Intercept"] + effects["months"] * data["months"]
    for key in truth.organisation_levels:
        if key != "org_c":
            own = data["organisation"] == key
            added = (
                effects[f"organisation[T.{key}]"] + effects[f"months:organisation[T.{key}]"] * data["months"]
            )
            expected = expected + own * added
    for name in truth.case_mix_levels:
        expected = expected + (effects[name] + effects[f"months:{name}"] * data["months"]) * data[name]
    np.testing.assert_allclose(data["score"], expected, atol=1e-9)


def test_the_coefficients_are_recovered_from_a_large_sample() -> None:
    truth = GaussianTruth()
    data = simulate_gaussian(20, families=6000)
    fit = fit_mixed(FORMULA, data)
    fixed = fit.fixed
    expected = pd.Series(truth.fixed_effects()).loc[fixed.index]
    away = (fixed["estimate"] - expected) / fixed["std_error"]
    assert away.abs().max() < STANDARD_ERRORS
    assert fit.residual_sd == pytest.approx(truth.sd_residual, rel=WITHIN)


def test_variances_of_workers_and_respondents_are_as_stated() -> None:
    truth = GaussianTruth(sd_intercept=0, sd_slope=0, sd_residual=0, sd_worker=3, sd_respondent=2)
    data = simulate_gaussian(5, truth=truth, families=6000, second_parent=1.0)
    flat = GaussianTruth(sd_intercept=0, sd_slope=0, sd_residual=0).fixed_effects()
    same = data.drop_duplicates(["family", "respondent"]).pivot(
        index="family", columns="respondent", values="score"
    )
    between = same["first_parent"] - same["second_parent"]
    assert between.std() == pytest.approx(2 * np.sqrt(2), rel=WITHIN)
    start = data[(data["months"] == 0) & (data["organisation"] == "org_a")]
    known = flat["Intercept"] + flat["child_age"] * start["child_age"]
    known = known + flat["single_parent"] * start["single_parent"]
    residual = (start["score"] - known).groupby(start["worker"]).mean()
    assert residual.std() == pytest.approx(3, rel=0.25)  # from about 170 workers


def test_visits_are_missed_and_families_stop_whatever_their_score() -> None:
    data = simulate_gaussian(2, families=600)
    per_family = data.groupby("family")["months"]
    assert (per_family.min() == 0).all()
    assert per_family.max().between(0, 12.5).all()
    assert 0.15 < (per_family.max() < 10).mean() < 0.4
    assert simulate_gaussian(2, families=600).equals(data)
    assert set(simulate_gaussian(2, families=60, second_parent=0.5)["respondent"]) == {
        "first_parent",
        "second_parent",
    }


def test_too_few_families_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"at least five per organisation \(30\)"):
        simulate_gaussian(1, families=20)


def test_the_same_scores_come_back_from_a_study_folder(tmp_path: Path) -> None:
    study = load_study(simulate_gaussian_study(tmp_path / "study", seed=7, families=60))
    course = course_frame(study, case_mix=("child_age", "single_parent")).data
    data = simulate_gaussian(7, families=60)
    both = course.merge(data, on=["family", "respondent"], suffixes=("", "_drawn"))
    both = both[(both["months"] - both["months_drawn"]).abs() < 1e-6]
    assert len(both) == len(data) == len(course)
    np.testing.assert_allclose(both["score"], both["score_drawn"], atol=6e-4)
    np.testing.assert_allclose(both["child_age"].astype(float), both["child_age_drawn"])
    with pytest.raises(ConfigError, match="not an empty folder"):
        simulate_gaussian_study(tmp_path / "study")
