"""Families in and out, waiting, and fewer agencies: as a person would count them, and what is lacking."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import describe_flow, emulate_fewer_agencies
from mpg_research.analysis.process.care_months import care_months
from mpg_research.analysis.process.fewer_agencies import first_fewer
from mpg_research.errors import ConfigError, NotApplicableError
from tests.analysis.process.care_studies import (
    EXPORT,
    care_of,
    care_study,
    episodes,
    plain_care,
    random_study,
    scores_of,
)
from tests.analysis.small_studies import make_study


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quarters_waits_and_intake_are_those_a_person_counts(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    periods = episodes(rng, 90)
    days = rng.integers(0, 90, len(periods))
    referred = periods["start"] - pd.to_timedelta(days, unit="D")
    single = rng.random(len(periods)) < 0.4
    periods = periods.assign(
        referred=referred.where(rng.random(len(periods)) < 0.8), single_parent=single.astype(int)
    )
    study = care_study(tmp_path, periods, None, scores_of(rng, periods))
    tables = {name: table.data for name, table in describe_flow(study).tables.items()}
    flow = tables["flow_by_quarter"].set_index(["quarter", "flow_direction"])["n_episodes"]
    for direction, column in (("in", "start"), ("out", "end")):
        quarters = [f"{day.year}-Q{day.quarter}" for day in periods[column].dropna()]
        now = f"{EXPORT.year}-Q{EXPORT.quarter}"
        expected = pd.Series([q for q in quarters if q != now]).value_counts()
        assert flow.xs(direction, level="flow_direction").to_dict() == expected.to_dict()
    known = np.sort(days[periods["referred"].notna()])
    row = tables["waiting"].set_index("calendar_year").loc["all"]
    for name, share in (("half", 0.5), ("third_quarter", 0.75), ("ninth_tenth", 0.9)):
        assert row[name] == known[int(np.ceil(share * len(known) - 1e-9)) - 1]
    assert tables["waiting_records"].set_index("waiting_state")["n_episodes"].sum() == len(periods)
    shares = tables["case_mix_by_quarter"].query("variable == 'single_parent'").set_index("quarter")["share"]
    compared = 0
    for quarter, mine in periods.groupby(periods["start"].dt.to_period("Q")):
        name = str(quarter).replace("Q", "-Q")
        if name in shares:
            assert shares[name] == pytest.approx(mine["single_parent"].mean())
            compared += 1
    assert compared == len(shares) > 0


def test_a_shift_is_found_and_a_referral_after_the_start_is_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    periods = episodes(rng, 300)
    years = (periods["start"] - periods["start"].min()).dt.days / 365.25
    periods = periods.assign(
        child_age=np.clip(6 + 3 * years + rng.normal(0, 2, 300), 0, 18).round(1),
        referred=periods["start"] + pd.to_timedelta(np.where(np.arange(300) < 30, 3, -20), unit="D"),
        worker=[f"w{each % 40}" for each in range(300)],
    )
    found = describe_flow(care_study(tmp_path, periods, None, scores_of(rng, periods))).tables
    drift = found["case_mix_drift"].data.set_index("variable")
    assert drift.loc["child_age", "conf_low"] < 3 < drift.loc["child_age", "conf_high"]
    assert drift.loc["child_age", "p_adjusted"] < 0.001
    states = found["waiting_records"].data.set_index("waiting_state")["n_episodes"]
    assert states["referred_after_start"] == 30


def test_without_a_calendar_there_are_no_quarters(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"family": np.repeat(np.arange(30), 3), "months": np.tile([0, 1, 2], 30), "score": 20}
    )
    with pytest.raises(NotApplicableError) as caught:
        describe_flow(make_study(tmp_path, rows))
    assert caught.value.code == "no_quarters"


@pytest.mark.parametrize("seed", [5, 6])
def test_the_first_month_with_few_comes_after_one_with_many(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care = care_months(study)
    found = dict(zip(care.units["family"], first_fewer(care, 2), strict=True))
    for family, mine in plain_care(study).groupby("family"):
        many, first = False, np.inf
        for row in mine.to_dict("records"):
            if pd.isna(row["n_agencies"]):
                continue
            if many and row["n_agencies"] <= 2:
                first = row["number"]
                break
            many = many or row["n_agencies"] > 2
        assert found[family] == first


def test_few_families_are_refused_and_the_association_is_still_there(tmp_path: Path) -> None:
    study, _ = random_study(tmp_path, 7, n=80)
    found = emulate_fewer_agencies(study, replicates=10).tables
    verdicts = found["agencies_verdicts"].data
    assert "answered" not in set(verdicts["estimable"])
    assert found["agencies_differences"].data.empty
    assert "intervention" not in verdicts
    assert {"before", "after"} <= set(found["around_fewer"].data["around"])


def test_impossible_numbers_and_tables_without_agencies(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    periods = episodes(rng)
    care, scores = care_of(rng, periods), scores_of(rng, periods)
    study = care_study(tmp_path / "all", periods, care, scores)
    for wrong in ({"at_most": -1}, {"within_months": 0.0}):
        with pytest.raises(ConfigError, match="at_most"):
            emulate_fewer_agencies(study, **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotApplicableError) as caught:
        emulate_fewer_agencies(study, at_most=50)
    assert caught.value.code == "never_many_agencies"
    with pytest.raises(NotApplicableError) as caught:
        emulate_fewer_agencies(
            care_study(tmp_path / "none", periods, care.drop(columns="n_agencies"), scores)
        )
    assert caught.value.code == "no_agencies"
