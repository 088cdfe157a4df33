"""Spells of workers: as a person would follow them, and studies that lack things."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import describe_worker_spells
from mpg_research.analysis.process.care_months import care_months
from mpg_research.analysis.process.spells import find_spells
from mpg_research.errors import NotApplicableError
from tests.analysis.process.care_studies import (
    care_of,
    care_study,
    episodes,
    plain_care,
    random_study,
    scores_of,
)


def followed(care: pd.DataFrame) -> tuple[list[tuple[str, int, int]], list[tuple[str, int]], int]:
    """Spells (family, months, whether another took over), changes (family, month), months at risk."""
    spells, changes, at_risk = [], [], 0
    for family, mine in care[care["worker"].notna()].groupby("family"):
        began = before = None
        for row in mine.to_dict("records"):
            if before is None:
                began = row["number"]
            elif row["worker"] != before["worker"]:
                spells.append((family, row["number"] - began, 1))
                changes.append((family, row["number"]))
                began = row["number"]
            before = row
        spells.append((family, before["number"] - began, 0))
        at_risk += int(mine["number"].iloc[-1] - mine["number"].iloc[0])
    return spells, changes, at_risk


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_spells_and_rates_are_those_a_person_counts(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    expected, changes, at_risk = followed(plain_care(study))
    found = find_spells(care_months(study))
    lasted = np.floor(found.time).astype(int).tolist()
    assert sorted(zip(lasted, (found.end == "changed").astype(int).tolist(), strict=True)) == sorted(
        (months, over) for _, months, over in expected
    )
    assert len(found.changed_unit) == len(changes)
    rates = describe_worker_spells(study).tables["change_rates"].data.set_index("stretch_of_help")
    assert rates.loc["whole", "rate"] == pytest.approx(12 * len(changes) / at_risk)
    parts = rates.drop(index="whole")
    assert parts["n_changes"].sum() == len(changes)
    assert parts["n_months"].sum() == pytest.approx(at_risk)


@pytest.mark.parametrize("seed", [5, 6])
def test_survival_is_kaplan_meier(tmp_path: Path, seed: int) -> None:
    from scipy.stats import CensoredData, ecdf

    study, _ = random_study(tmp_path, seed, n=120)
    spells, _, _ = followed(plain_care(study))
    time, over = (np.array([spell[place] for spell in spells], dtype=float) for place in (1, 2))
    curve = ecdf(CensoredData(uncensored=time[over == 1], right=time[over == 0])).sf
    rows = describe_worker_spells(study).tables["spell_survival"].data
    assert (rows["spell_curve"] == "stays").sum() >= 2
    for row in rows[rows["spell_curve"] == "stays"].itertuples():
        assert row.estimate == pytest.approx(float(curve.evaluate(row.months)))


@pytest.mark.parametrize("seed", [7, 11, 12])
def test_a_worker_who_leaves_takes_all_families_along_and_is_one_cluster(tmp_path: Path, seed: int) -> None:
    study, _ = random_study(tmp_path, seed)
    care = care_months(study)
    first = care.rows[care.rows["worker"] >= 0].drop_duplicates("unit")
    name = care.units["organisation"].to_numpy()[first["unit"]] + "/" + first["worker_name"].to_numpy()
    cluster = care.units["worker"].to_numpy()[first["unit"]]
    assert len(set(zip(name, cluster, strict=True))) == len(set(name)) == len(set(cluster))


def test_the_worker_of_the_period_beside_those_of_the_months(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    periods = episodes(rng, 90)
    care = care_of(rng, periods)
    named = care[care["worker"].notna()].sort_values(["family", "month"])
    inside = named[named["family"].isin(periods["family"])]
    first = inside.groupby("family")["worker"].first().reindex(periods["family"])
    other = np.where(np.arange(len(periods)) % 3 == 0, "w99", first.to_numpy())
    study = care_study(tmp_path, periods.assign(worker=other), care, scores_of(rng, periods))
    rows = describe_worker_spells(study).tables["episode_worker"].data.set_index("class")["estimate"]
    assert rows["not_in_care"] == pytest.approx(1 / 3, abs=0.05)


def test_without_workers_it_is_not_applicable(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    periods = episodes(rng)
    care, scores = care_of(rng, periods), scores_of(rng, periods)
    for folder, table, code in (
        ("none", None, "no_care"),
        ("column", care.drop(columns="worker"), "no_workers"),
        ("empty", care.assign(worker=None), "no_workers"),
    ):
        with pytest.raises(NotApplicableError) as caught:
            describe_worker_spells(care_study(tmp_path / folder, periods, table, scores))
        assert caught.value.code == code


def test_one_month_of_care_and_one_worker_for_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    periods = episodes(rng)
    care, scores = care_of(rng, periods, gap=0.0), scores_of(rng, periods)
    inside = care[care["month"] >= care["family"].map(periods.set_index("family")["start"])]
    one = describe_worker_spells(
        care_study(tmp_path / "one", periods, inside.drop_duplicates("family").assign(worker="w1"), scores)
    )
    assert one.tables["change_rates"].data.empty
    assert one.tables["around_change"].data.empty
    same = describe_worker_spells(care_study(tmp_path / "same", periods, care.assign(worker="w1"), scores))
    assert same.tables["change_rates"].data["rate"].iloc[0] == 0
    assert (same.tables["spell_survival"].data.query("spell_curve == 'stays'")["estimate"] == 1).all()
