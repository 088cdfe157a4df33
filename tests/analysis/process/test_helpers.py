"""How many workers and agencies: the numbers as a person would count them, and studies that lack things."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import describe_helpers
from mpg_research.analysis.process.helpers import join_neighbours
from mpg_research.errors import NotApplicableError
from tests.analysis.process.care_studies import (
    care_of,
    care_study,
    episodes,
    plain_care,
    random_study,
    scores_of,
)


def counted(care: pd.DataFrame, name: str) -> dict[int, list[float]]:
    """Per month the numbers of all families, counted family by family."""
    found: dict[int, list[float]] = {}
    for _, mine in care.groupby("family"):
        met: set[str] = set()
        most = -1.0
        for row in mine.to_dict("records"):
            if name == "workers_so_far":
                met |= {row["worker"]} if pd.notna(row["worker"]) else set()
                value = float(len(met)) if met else math.nan
            else:
                most = max(most, float(row["n_agencies"])) if pd.notna(row["n_agencies"]) else most
                value = most if most >= 0 else math.nan
            if math.isfinite(value):
                found.setdefault(row["number"], []).append(value)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_by_month_are_those_a_person_counts(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care = plain_care(study)
    table = describe_helpers(study).tables["helpers_by_month"].data
    for name in ("workers_so_far", "most_agencies"):
        rows = table[table["care_measure"] == name].set_index("months")
        expected = counted(care, name)
        assert sorted(rows.index) == sorted(map(float, expected))
        for month, values in expected.items():
            ordered = sorted(values)
            for column, share in (("half", 0.5), ("third_quarter", 0.75), ("ninth_tenth", 0.9)):
                assert rows.loc[month, column] == ordered[math.ceil(share * len(ordered) - 1e-9) - 1]
            assert rows.loc[month, "n_families"] == len(values)


@pytest.mark.parametrize("seed", [4, 5])
def test_shares_and_plans_are_those_a_person_counts(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care = plain_care(study)
    found = describe_helpers(study)
    rows = found.tables["care_shares"].data.set_index(["care_element", "months"])["share"]
    for month, mine in care.groupby("number"):
        assert rows["one_plan", month] == pytest.approx(mine["one_plan"].astype(float).mean())
        several = mine["n_agencies"].dropna().astype(float)
        assert rows["several_agencies", month] == pytest.approx((several > 1).mean())
        assert rows["too_many_agencies", month] == pytest.approx((several > 2).mean())
    first = care.groupby("family")["one_plan"].agg(lambda plan: bool(plan.iloc[0]))
    ever = care.groupby("family")["one_plan"].agg(lambda plan: bool(plan.any()))
    classes = found.tables["plan_first"].data.set_index("class")["estimate"]
    if "plan_from_the_start" in classes:
        assert classes["plan_from_the_start"] == pytest.approx(first.mean())
    if "plan_never" in classes:
        assert classes["plan_never"] == pytest.approx(1 - ever.mean())
    assert classes.sum() == pytest.approx(1)


def test_every_row_of_care_is_used_or_left_out_for_a_reason(tmp_path: Path) -> None:
    study, _ = random_study(tmp_path, 6)
    records = describe_helpers(study).tables["care_records"].data.set_index("care_state")["n_records"]
    assert records.sum() == len(study.tables["care"])
    assert records["used"] == len(plain_care(study))
    assert {"before_help", "after_help"} <= set(records.index)


def test_the_order_of_rows_and_the_names_of_families_do_not_matter(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    periods = episodes(rng)
    care, scores = care_of(rng, periods), scores_of(rng, periods)
    one = describe_helpers(care_study(tmp_path / "a", periods, care, scores))
    turned = {name: f"g{999 - place}" for place, name in enumerate(periods["family"])}
    mixed = [table.assign(family=table["family"].map(turned)).sample(frac=1, random_state=1)
             for table in (periods, care, scores)]  # fmt: skip
    other = describe_helpers(care_study(tmp_path / "b", *mixed))
    for name in ("helpers_by_month", "helpers_at", "care_shares", "plan_first", "around_plan"):
        pd.testing.assert_frame_equal(one.tables[name].data, other.tables[name].data)


def test_what_is_not_recorded_has_no_rows_and_all_of_it_is_not_applicable(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    periods = episodes(rng)
    care, scores = care_of(rng, periods), scores_of(rng, periods)
    only_plan = care[["family", "episode", "month", "one_plan"]]
    found = describe_helpers(care_study(tmp_path / "plan", periods, only_plan, scores))
    assert found.tables["helpers_by_month"].data.empty
    assert found.tables["around_plan"].data.empty
    assert set(found.tables["care_shares"].data["care_element"]) == {"one_plan"}
    for folder, table, code in (
        ("none", None, "no_care"),
        ("hours", care[["family", "episode", "month", "contact_hours"]], "no_helpers"),
        (
            "early",
            care.assign(month=pd.to_datetime(care["month"]) - pd.DateOffset(years=20)),
            "no_care_in_help",
        ),
    ):
        with pytest.raises(NotApplicableError) as caught:
            describe_helpers(care_study(tmp_path / folder, periods, table, scores))
        assert caught.value.code == code


def test_one_month_of_care_is_enough(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    periods = episodes(rng)
    care = care_of(rng, periods, gap=0.0).drop_duplicates("family", keep="last")
    found = describe_helpers(care_study(tmp_path, periods, care, scores_of(rng, periods)))
    assert len(found.tables["care_records"].data)
    assert found.tables["around_plan"].data.empty


@pytest.mark.parametrize("seed", range(20))
def test_no_class_holds_few_families_and_all_numbers_have_a_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.poisson(rng.uniform(0.5, 6), rng.integers(1, 120)).astype(float)
    lowest = join_neighbours(values, (0, 2, 4, 6), np.arange(len(values)), minimum=10)
    sizes = np.histogram(values, [*lowest, np.inf])[0]
    assert sizes.sum() == len(values)
    assert len(sizes) == 1 or (sizes >= 10).all()
