"""Hours, need and worsening: as a person would count them, and studies that lack things."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import describe_dose
from mpg_research.analysis.process.care_months import care_months
from mpg_research.analysis.process.need import dose_rows, need_rows
from mpg_research.analysis.process.worsening import first_worsening, months_until, raised
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study
from tests.analysis.process.care_studies import (
    care_of,
    care_study,
    episodes,
    plain_care,
    random_study,
    scores_of,
)


def scores_by_month(study: Study) -> dict[str, dict[int, list[float]]]:
    """Scores of each family by calendar month since the start."""
    starts = study.tables["episodes"].set_index("family")["start"]
    found: dict[str, dict[int, list[float]]] = {}
    for row in study.tables["measurements"].to_dict("records"):
        start = starts[row["family"]]
        month = (row["date"].year - start.year) * 12 + row["date"].month - start.month
        found.setdefault(row["family"], {}).setdefault(month, []).append(float(row["total"]))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_need_is_the_last_score_of_an_earlier_month(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care, scores = care_months(study), scores_by_month(study)
    rows = need_rows(study, care, oldest=3.0)["score"]
    expected = {}
    for row in plain_care(study).to_dict("records"):
        earlier = [m for m in scores.get(row["family"], {}) if row["number"] - 3 <= m < row["number"]]
        if earlier and pd.notna(row["contact_hours"]):
            cause = float(np.mean(scores[row["family"]][max(earlier)]))
            expected[row["family"], row["number"]] = (float(row["contact_hours"]), cause)
    family = care.units["family"].to_numpy()[rows["unit"]]
    months = rows["months"].astype(int)
    keys = list(zip(family, months, strict=True))
    assert sorted(keys) == sorted(expected)
    found = np.column_stack([rows["outcome"], rows["cause"]])
    np.testing.assert_allclose(found, [expected[key] for key in keys])


@pytest.mark.parametrize("seed", [3, 4])
def test_the_dose_comes_before_the_score(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care = care_months(study)
    hours = {
        (row["family"], row["number"]): row["contact_hours"] for row in plain_care(study).to_dict("records")
    }
    expected = sorted(
        (float(np.mean(values)), float(hours[family, month - 1]))
        for family, by_month in scores_by_month(study).items()
        for month, values in by_month.items()
        if pd.notna(hours.get((family, month - 1)))
    )
    rows = dose_rows(care)
    found = sorted(zip(rows["outcome"], rows["cause"], strict=True))
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("seed", range(4))
def test_raised_hours_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = rng.gamma(3, 3, (12, 10))
    hours[rng.random(hours.shape) < 0.2] = np.nan
    found = raised(hours, within=2, at_least=1.0)
    for unit in range(12):
        for month in range(10):
            before = [h for h in hours[unit, max(0, month - 3) : month] if np.isfinite(h)]
            after = hours[unit, month + 1 : month + 3]
            known = before and len(after) == 2 and np.isfinite(after).all()
            expected = float(after.mean() - np.mean(before) >= 1.0) if known else np.nan
            assert found[unit, month] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("seed", [5, 6])
def test_a_worsening_is_the_first_large_rise_from_one_score_to_the_next(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care = care_months(study)
    found = first_worsening(care, 4.0, -1.0)
    for unit, family in enumerate(care.units["family"]):
        by_month = sorted((m, float(np.mean(v))) for m, v in scores_by_month(study).get(family, {}).items())
        jumps = [m for (_, one), (m, other) in pairwise(by_month) if other - one >= 4]
        assert found[unit] == (jumps[0] if jumps else np.inf)


def test_weeks_are_whole_months_and_at_least_one() -> None:
    assert [months_until(weeks) for weeks in (1, 4, 8, 13, 26)] == [1, 1, 2, 3, 6]


def test_more_hours_by_need_are_found_and_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    periods = episodes(rng, 150)
    care, scores = care_of(rng, periods), scores_of(rng, periods)
    starts = periods.set_index("family")["start"]
    last = scores.assign(month=scores["date"].dt.to_period("M")).groupby(["family", "month"])["total"].mean()
    before = [
        last.get((family, pd.Period(month, "M") - 1), np.nan)
        for family, month in zip(care["family"], care["month"], strict=True)
    ]
    more = np.where(np.isfinite(before), 0.4 * (np.nan_to_num(before) - 40), 0.0)
    care["contact_hours"] = np.clip(8 + more + rng.normal(0, 1, len(care)), 0, 60).round(1)
    assert starts.notna().all()
    one = describe_dose(care_study(tmp_path / "a", periods, care, scores))
    row = one.tables["hours_follow_need"].data.set_index("part").loc["within"]
    assert row["conf_low"] > 0
    mixed = [table.sample(frac=1, random_state=3) for table in (periods, care, scores)]
    other = describe_dose(care_study(tmp_path / "b", *mixed))
    for name in (
        "hours_by_month",
        "visits_by_month",
        "hours_follow_need",
        "dose_response",
        "around_worsening",
    ):
        pd.testing.assert_frame_equal(one.tables[name].data, other.tables[name].data, rtol=1e-4)


def test_what_is_not_recorded_has_no_rows_and_all_of_it_is_not_applicable(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    periods = episodes(rng)
    care, scores = care_of(rng, periods), scores_of(rng, periods)
    keys = ["family", "episode", "month"]
    visits = describe_dose(care_study(tmp_path / "visits", periods, care[[*keys, "n_visits"]], scores))
    assert len(visits.tables["visits_by_month"].data)
    for name in ("hours_by_month", "hours_follow_need", "dose_response", "around_worsening"):
        assert visits.tables[name].data.empty
    one = care[care["month"] >= care["family"].map(periods.set_index("family")["start"])]
    month = describe_dose(care_study(tmp_path / "one", periods, one.drop_duplicates("family"), scores))
    assert month.tables["hours_follow_need"].data.empty
    for folder, table, code in (("none", None, "no_care"), ("worker", care[[*keys, "worker"]], "no_hours")):
        with pytest.raises(NotApplicableError) as caught:
            describe_dose(care_study(tmp_path / folder, periods, table, scores))
        assert caught.value.code == code
