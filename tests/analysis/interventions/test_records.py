"""Records beside the scores: random bad ones are used or counted under one reason; nothing is invented."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.families.courses import Courses, read_courses
from mpg_research.analysis.interventions.records import OTHER_CODE, read_happenings, read_interventions
from mpg_research.study import Study, check_study, load_study
from mpg_research.study.schemas import INTERVENTIONS, ROLES
from tests.study.small import EPISODES, STUDY, edited, small_study

DAYS_PER_MONTH = 365.25 / 12
TABLE = '[tables.interventions]\nfile = "interventions.csv"\n'
OWN_CODE = '[vocabularies.interventions]\nwalk = "Walk"\n'


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Twelve families; one had help twice, one was never measured, one has no start."""
    episodes = edited(
        EPISODES,
        ("012,1", "012,2,org_b,w9,2025-03-01,,5\n013,1,org_a,w1,2024-02-01,,6\n012,1"),
        ("011,1,org_a,w2,2024-01-11,2024-12-31", "011,1,org_a,w2,2024-01-11,"),
    )
    folder = tmp_path_factory.mktemp("records")
    return load_study(small_study(folder, episodes=episodes, toml=STUDY + OWN_CODE))


@pytest.fixture(scope="module")
def courses(study: Study) -> Courses:
    return read_courses(study)


def random_records(rng: np.random.Generator, number: int) -> pd.DataFrame:
    """Records of every kind, good and bad."""
    families = [*(f"{k:03d}" for k in range(1, 14)), "999"]
    codes = [*list(INTERVENTIONS)[:3], "walk", "something else", "another thing"]
    day = pd.Timestamp("2023-11-01") + pd.to_timedelta(rng.integers(0, 600, number), unit="D")
    if rng.random() < 0.5:
        day = pd.Series(day).where(rng.random(number) > 0.1).to_numpy()
    frame = pd.DataFrame(
        {
            "family": rng.choice(families, number),
            "episode": rng.choice(["1", "2", "7", None], number, p=[0.6, 0.1, 0.05, 0.25]),
            "date": np.asarray(day, dtype="datetime64[s]"),
            "intervention": rng.choice(codes, number),
        }
    )
    if rng.random() < 0.7:
        frame["role"] = rng.choice([*list(ROLES)[:2], None, "Jan de Vries", ""], number)
    return pd.concat([frame, frame.sample(frac=0.3, random_state=int(rng.integers(1000)))], ignore_index=True)


def by_hand(study: Study, courses: Courses, records: pd.DataFrame) -> tuple[Counter[str], list[tuple]]:
    """Reasons, and the records that are used, one record at a time in plain Python."""
    episodes = study.tables["episodes"].to_dict("records")
    in_course = set(zip(courses.units["family"], courses.units["episode"], strict=True))
    reasons: Counter[str] = Counter()
    used: dict[tuple, tuple] = {}
    for record in records.to_dict("records"):
        own = [each for each in episodes if each["family"] == record["family"]]
        date, named = record["date"], record.get("episode")
        if not own:
            reasons["unknown_family"] += 1
            continue
        if isinstance(named, str):
            found = [each for each in own if each["episode"] == named]
        else:
            found = sorted(own, key=lambda each: _preference(each, date))
        if not found:
            reasons["unknown_episode"] += 1
            continue
        episode = found[0]
        if (episode["family"], episode["episode"]) not in in_course:
            reasons["without_course"] += 1
        elif pd.isna(date):
            reasons["undated"] += 1
        elif date < episode["start"]:
            reasons["before_help"] += 1
        elif not pd.isna(episode["end"]) and date > episode["end"]:
            reasons["after_help"] += 1
        else:
            key = (episode["family"], episode["episode"], date, record["intervention"])
            months = (date - episode["start"]).days / DAYS_PER_MONTH
            known = record["intervention"] in (*INTERVENTIONS, "walk")
            role = record.get("role") if record.get("role") in ROLES else ""
            if key in used:
                reasons["twice_on_one_day"] += 1
                role = used[key][-1] or role
            code = record["intervention"] if known else OTHER_CODE
            used[key] = (episode["family"], episode["episode"], round(months, 9), code, role)
    return reasons, sorted(used.values())


def _preference(episode: dict, date: pd.Timestamp) -> tuple:
    if pd.isna(date):
        return (5, episode["start"].toordinal())
    start, end = episode["start"], episode["end"]
    days = (start - date).days
    if start <= date and (pd.isna(end) or date <= end):
        return (1, days)
    if 0 < days <= 30:
        return (2, days)
    return (4, days) if days > 30 else (3, days)


@pytest.mark.parametrize("seed", range(25))
def test_every_record_is_used_or_counted_once(seed: int, study: Study, courses: Courses) -> None:
    rng = np.random.default_rng(seed)
    records = random_records(rng, int(rng.integers(1, 60)))
    spoilt = replace(study, tables={**study.tables, "interventions": records})
    found = read_interventions(spoilt, courses)
    reasons, used = by_hand(study, courses, records)
    assert {name: number for name, number in found.left_out.items() if number} == dict(reasons)
    assert found.n_read == len(records) == len(found.frame) + sum(found.left_out.values())
    told = {note.code: note.values["n_records"] for note in found.notes}
    assert {k: v for k, v in told.items() if "not_listed" not in k} == {
        f"interventions_{name}": number for name, number in reasons.items()
    }
    rows = [(row.family, row.episode, round(row.months, 9), row.code) for row in found.frame.itertuples()]
    assert sorted(rows) == [each[:4] for each in used]
    assert set(found.frame["role"]) <= {*ROLES, ""}, "a name of a person got through"
    assert (found.frame["months"] >= 0).all()
    assert told.get("interventions_code_not_listed", 0) == sum(each[3] == OTHER_CODE for each in used)
    shuffled = records.sample(frac=1, random_state=seed)
    again = read_interventions(replace(study, tables={**study.tables, "interventions": shuffled}), courses)
    assert again.left_out == found.left_out
    keys = ["family", "episode", "months", "code"]
    pd.testing.assert_frame_equal(again.frame[keys], found.frame[keys])


def test_a_study_without_the_table_says_so(study: Study, courses: Courses) -> None:
    found = read_interventions(study, courses)
    assert (found.recorded, found.n_read, len(found.frame), found.notes) == (False, 0, 0, ())
    assert not read_happenings(study, courses).recorded


def test_workers_change_and_things_happen(study: Study, courses: Courses) -> None:
    month = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"])
    care = pd.DataFrame(
        {"family": "001", "episode": "1", "month": month, "worker": ["a", "b", None, "b", "a"]}
    )
    events = pd.DataFrame(
        {"family": ["001", "001", "002"], "episode": "1", "event": ["placement", "what is this", "eviction"],
         "date": pd.to_datetime(["2024-03-01", "2024-03-02", "2025-06-01"])}
    )  # fmt: skip
    found = read_happenings(replace(study, tables={**study.tables, "care": care, "events": events}), courses)
    assert found.frame["what"].tolist() == ["worker_change", "placement", OTHER_CODE, "worker_change"]
    start = pd.Timestamp("2024-01-01")
    expected = [(day - start).days / DAYS_PER_MONTH for day in (month[1], *events["date"][:2], month[4])]
    assert found.frame["months"].tolist() == pytest.approx(expected)
    assert found.n_read == 5
    assert {name: number for name, number in found.left_out.items() if number} == {"after_help": 1}


CASES = {
    "before": ("001,1,2023-12-20,network_meeting,", "intervention_before_start", 2, "2024-01-01"),
    "after": ("001,1,2025-01-20,network_meeting,", "intervention_after_end", 2, "2024-12-31"),
    "code": ("001,1,2024-01-20,netwrok,", "unknown_code", 2, "[vocabularies.interventions]"),
    "role": ("001,1,2024-01-20,network_meeting,boss", "unknown_code", 2, "[vocabularies.roles]"),
    "twice": ("001,1,2024-01-20,walk,\n001,1,2024-01-20,walk,", "duplicate_interventions", 3, "as row 2"),
}


@pytest.mark.parametrize("case", CASES)
def test_check_says_where_what_and_what_to_do(case: str, tmp_path: Path) -> None:
    rows, code, row, said = CASES[case]
    folder = small_study(
        tmp_path, toml=STUDY + TABLE + OWN_CODE,
        interventions__csv=f"family,episode,date,intervention,role\n{rows}\n",
    )  # fmt: skip
    report = check_study(folder)
    (problem,) = report.problems
    assert (problem.code, problem.row, problem.file) == (code, row, "interventions.csv")
    assert problem.severity == "warning"
    assert said in str(problem)
    assert problem.expected
    assert problem.remedy


def test_many_outside_the_help_are_one_finding(tmp_path: Path) -> None:
    rows = "".join(f"{k:03d},1,2022-0{k % 9 + 1}-01,walk\n" for k in range(1, 13))
    folder = small_study(
        tmp_path, toml=STUDY + TABLE + OWN_CODE,
        interventions__csv=f"family,episode,date,intervention\n{rows}",
    )  # fmt: skip
    report = check_study(folder)
    (problem,) = report.problems
    assert problem.code == "intervention_before_start"
    assert "12 of 12" in problem.found
    assert report.counts[problem.code] == 12


@pytest.mark.parametrize("heading", ["naam", "name of worker", "voornaam"])
def test_a_column_with_names_is_refused_as_a_role(heading: str, tmp_path: Path) -> None:
    folder = small_study(
        tmp_path,
        toml=STUDY + TABLE.rstrip() + f'\ncolumns = {{ role = "{heading}" }}\n' + OWN_CODE,
        interventions__csv=f"family,episode,date,intervention,{heading}\n"
        "001,1,2024-02-01,walk,Jan\n002,1,2024-02-01,walk,Piet\n",
    )
    assert "direct_identifier" in {problem.code for problem in check_study(folder).errors}
