"""How completely things are recorded, beside a count by hand on random records."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.interventions.completeness import describe_records
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.disclosure.reconstruction import hidden_counts, open_counts
from mpg_research.errors import NotApplicableError
from mpg_research.study import Study, load_study, shipped_example
from tests.study.small import EPISODES, STUDY, edited, small_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    episodes = edited(
        EPISODES, ("011,1,org_a,w2,2024-01-11,2024-12-31", "011,1,org_a,w2,2024-01-11,"),
        ("012,1,", "013,1,org_c,w1,2024-03-01,2024-03-31,6\n014,1,org_c,w1,2024-03-02,2024-04-29,6\n012,1,"),
    )  # fmt: skip
    return load_study(small_study(tmp_path_factory.mktemp("kept"), episodes=episodes))


def months_by_hand(start: pd.Timestamp, end: pd.Timestamp) -> list[pd.Timestamp]:
    """First days of the months that lie whole between two days."""
    days = pd.date_range(start, end)
    found = []
    for month in sorted({day.replace(day=1) for day in days}):
        if set(pd.date_range(month, month + pd.offsets.MonthEnd(0))) <= set(days):
            found.append(month)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_by_hand(seed: int, study: Study) -> None:
    rng = np.random.default_rng(seed)
    episodes = study.tables["episodes"]
    chosen = rng.integers(0, 14, 60)
    care = pd.DataFrame(
        {
            "family": [f"{n + 1:03d}" for n in chosen],
            "episode": "1",
            "month": [pd.Timestamp(2024, int(m), 1) for m in rng.integers(1, 13, 60)],
        }
    ).drop_duplicates()
    silent = care["family"].isin(episodes.loc[episodes["organisation"] == "org_c", "family"])
    events = care[~silent].sample(10, random_state=seed).rename(columns={"month": "date"})
    records = {"care": care, "events": events.assign(event="placement")}
    found = describe_records(replace(study, tables={**study.tables, **records})).tables
    rows = found["recorded_by_organisation"].data.set_index(["record_table", "organisation"])
    assert ("events", "org_c") not in rows.index, "nothing recorded is no low share"
    for name, table in records.items():
        for key, mine in episodes.groupby("organisation"):
            with_any = [family for family in mine["family"] if family in set(table["family"])]
            if with_any:
                assert rows.loc[(name, key), "share_recorded"] == pytest.approx(len(with_any) / len(mine))
                time = "month" if name == "care" else "date"
                last = table[table["family"].isin(mine["family"])].groupby("family")[time].max()
                ordered = sorted(last, reverse=True)
                expected = f"{ordered[2]:%Y-%m}" if len(ordered) >= 3 else ""
                assert rows.loc[(name, key), "last_recorded"] == expected
    without = total = 0
    keeps = set(episodes.loc[episodes["family"].isin(care["family"]), "organisation"])
    for row in episodes[episodes["organisation"].isin(keeps)].itertuples():
        end = pd.Timestamp("2025-12-31") if pd.isna(row.end) else row.end
        has = set(care.loc[care["family"] == row.family, "month"])
        for month in months_by_hand(row.start, end):
            total += 1
            without += month not in has
    together = found["care_months"].data.iloc[0]
    assert together["n_months"] == total
    assert together["share_without_care"] == pytest.approx(without / total)


@pytest.mark.parametrize("seed", range(4))
def test_columns_that_may_be_empty_are_counted_by_hand(seed: int, study: Study) -> None:
    """Random tables with gaps: the share filled in is that of the rows about periods of help."""
    rng = np.random.default_rng(seed)
    families = [f"{n + 1:03d}" for n in rng.integers(0, 16, 50)]  # the last two are no families of the study
    known = set(study.tables["episodes"]["family"])
    made, expected = {}, {}
    for table, column in (("practice", "rater"), ("goals", "set_by"), ("care", "n_helpers")):
        gaps = rng.random(50) < rng.random()
        values = [None if gap else "x" for gap in gaps]
        time = "month" if table == "care" else "date"
        made[table] = pd.DataFrame(
            {"family": families, "episode": "1", time: pd.Timestamp(2024, 5, 1), column: values}
        )
        inside = [value for family, value in zip(families, values, strict=True) if family in known]
        expected[table, column] = (len(inside), sum(value is not None for value in inside) / len(inside))
    found = describe_records(replace(study, tables={**study.tables, **made})).tables["recorded_columns"].data
    rows = found.set_index(["record_table", "record_column"])
    assert len(rows) == 3
    for key, (number, share) in expected.items():
        assert rows.loc[key, "n_rows"] == number
        assert rows.loc[key, "share_filled"] == pytest.approx(share)


def test_what_is_known_at_the_end_is_of_help_that_has_ended(study: Study) -> None:
    episodes = study.tables["episodes"]
    episodes = episodes.assign(satisfaction=np.where(episodes["end"].isna(), np.nan, 7.5), region="north")
    care = pd.DataFrame({"family": ["001"], "episode": ["1"], "month": [pd.Timestamp(2024, 5, 1)]})
    tables = {**study.tables, "episodes": episodes, "care": care}
    rows = describe_records(replace(study, tables=tables)).tables["recorded_columns"].data
    rows = rows.set_index("record_column")
    assert rows.loc["satisfaction", "share_filled"] == 1
    assert rows.loc["satisfaction", "n_rows"] == len(episodes) - 1
    assert rows.loc["region", "n_rows"] == len(episodes)


def test_scores_of_teams_alone_are_no_record_of_families(study: Study) -> None:
    teams = pd.DataFrame({"team": ["t1"], "date": [pd.Timestamp(2024, 5, 1)]})
    with pytest.raises(NotApplicableError):
        describe_records(replace(study, tables={**study.tables, "practice": teams}))


def test_without_any_table_it_does_not_arise(study: Study) -> None:
    with pytest.raises(NotApplicableError) as caught:
        describe_records(study)
    assert caught.value.code == "no_records"


def test_the_example_gives_no_small_number_away() -> None:
    example = load_study(shipped_example())
    result = describe_records(example)
    for audience in (Audience("researcher"), Audience("funder"), Audience("organisation", "vlierdonk")):
        shown = release(result, audience, policy=policy_of(example))
        assert open_counts(hidden_counts([shown]), 10) == []


def test_times_in_numbers_have_no_calendar_months(tmp_path: Path) -> None:
    toml = (
        STUDY.replace("export_date = 2025-12-31\n", "")
        + '[time]\nkind = "numbers"\n[tables.care]\nfile = "care.csv"\n'
    )
    episodes = "family,episode,organisation,start,end\n" + "".join(
        f"{n:03d},1,a,0,12\n" for n in range(1, 13)
    )
    items = ",".join(f"item_{k:02d}" for k in range(1, 11))
    rows = "".join(
        f"{n:03d},1,first_parent,{m},{','.join(['2'] * 10)}\n" for n in range(1, 13) for m in (0, 3, 6)
    )
    care = "family,episode,month\n" + "".join(f"{n:03d},1,{m}\n" for n in range(1, 13) for m in (1, 2))
    folder = small_study(
        tmp_path, toml=toml, episodes=episodes, care__csv=care,
        measurements=f"family,episode,respondent,date,{items}\n{rows}",
    )  # fmt: skip
    found = describe_records(load_study(folder)).tables
    assert "care_months" not in found
    assert found["recorded_by_organisation"].data["share_recorded"].tolist() == [1.0]
