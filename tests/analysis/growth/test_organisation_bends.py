"""Many organisations whose courses bend differently: changes before the end are those of each of them."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.organisations.effects import effects_of, many_organisations
from tests.analysis.frames import course_of

MOMENTS = np.arange(0.0, 13.0)
ORGANISATIONS, FAMILIES, STUDIES = 14, 30, 4


def study(seed: int, early_sd: float) -> tuple[pd.DataFrame, dict[float, np.ndarray]]:
    """Families gain early, at some organisations more than at others; and the true change per month."""
    rng = np.random.default_rng([seed, 3])
    slope, early = rng.normal(0, 0.06, ORGANISATIONS), rng.normal(0, early_sd, ORGANISATIONS)
    place = np.repeat(np.arange(ORGANISATIONS), FAMILIES)
    n = len(place)

    def gain(months: np.ndarray | float) -> np.ndarray | float:
        return 1 - np.exp(-np.asarray(months) / 3)

    level = 26 + rng.normal(0, 3, n)
    own = -0.2 + slope[place] + rng.normal(0, 0.2, n)
    score = level[:, None] + own[:, None] * MOMENTS + (early[place] - 3)[:, None] * gain(MOMENTS)
    family = np.repeat(np.arange(n), MOMENTS.size)
    data = pd.DataFrame(
        {
            "family": np.char.add("f", family.astype(str)),
            "episode": "1",
            "organisation": np.array([f"k{number:02d}" for number in range(ORGANISATIONS)])[place[family]],
            "worker": None,
            "respondent": "first_parent",
            "months": np.tile(MOMENTS, n),
            "score": score.ravel() + rng.normal(0, 2, score.size),
        }
    )
    return data, {month: slope * month + early * gain(month) for month in (3.0, 6.0, 12.0)}


@pytest.mark.parametrize("early_sd", [0.0, 1.0])
def test_changes_before_the_end_are_unbiased_and_covered(early_sd: float) -> None:
    ratio: dict[float, list[float]] = {}
    covered: dict[float, list[np.ndarray]] = {}
    for seed in range(STUDIES):
        data, truth = study(seed, early_sd)
        model = fit_growth(prepare_frame(course_of(data), by_organisation=True), organisation="random")
        assert model.shape == "spline"
        many = many_organisations(model)
        for month, true in truth.items():
            found = effects_of(model, month, better="low", many=many)
            apart, real = found.raw - found.raw.mean(), true - true.mean()
            ratio.setdefault(month, []).append(float(apart @ real / (real @ real)))
            covered.setdefault(month, []).append(np.abs(apart - real) < 1.96 * found.std_error)
    for month in (3.0, 6.0, 12.0):
        # 56 organisations: the share covered has a standard error of .03. With one bend for all it is half.
        assert np.mean(covered[month]) > 0.95 - 3 * 0.03
    if early_sd:
        # The bend is drawn towards the common one, by as much as it is chance; with one for all it is .4.
        assert np.mean(ratio[3.0]) == pytest.approx(0.85, abs=0.15)
        assert np.mean(ratio[12.0]) == pytest.approx(1, abs=0.15)


def test_a_straight_line_has_no_bend_of_its_own() -> None:
    data, _ = study(1, 1.0)
    frame = prepare_frame(course_of(data), by_organisation=True)
    line = fit_growth(frame, organisation="random", shape="linear")
    curve = fit_growth(frame, organisation="random")
    assert line.organisation_row(6.0).tolist() == [1.0, 6.0]
    assert curve.organisation_row(0.0).tolist() == [1.0, 0.0, 0.0]
    assert "bend | organisation" in curve.formula
    assert "(1 + months | organisation)" in line.formula
