"""Families without consent, or another legal ground, are left out before anything is looked at."""

from pathlib import Path

import pytest

from mpg_research.errors import ConfigError, DataError
from mpg_research.study import check_study, course_frame, load_study, read_config
from tests.study.small import EPISODES, MEASUREMENTS, STUDY, edited, small_study

CONSENT = STUDY + '[consent]\ncolumn = "toestemming"\npermits = ["ja"]\n'
EVENTS = STUDY.replace("[analysis]", '[tables.events]\nfile = "events.csv"\n[analysis]')
WITHOUT = ("002", "005", "009")


def episodes(values: dict[str, str], text: str = EPISODES) -> str:
    """The episodes with a column for consent: "ja", or what is given by family."""
    head, *rows = text.strip().split("\n")
    return "\n".join([f"{head},toestemming", *(f"{row},{values.get(row[:3], 'ja')}" for row in rows)]) + "\n"


def refusing(tmp_path: Path, values: dict[str, str], **others: str) -> Path:
    return small_study(tmp_path / "s", toml=others.pop("toml", CONSENT), episodes=episodes(values), **others)


@pytest.mark.parametrize("value", ["nee", "", "onbekend", "ja maar", "99"])
def test_families_without_it_are_in_no_table_and_no_score(tmp_path: Path, value: str) -> None:
    study = load_study(refusing(tmp_path, dict.fromkeys(WITHOUT, value)))
    for table in (*study.tables.values(), study.scores):
        assert not set(table["family"]) & set(WITHOUT)
        assert table["family"].nunique() == 9
    first, helped = course_frame(study).flow.steps[:2]
    assert (first.code, first.n_families, first.n_episodes, first.n_measurements) == ("in_files", 12, 12, 36)
    assert (helped.code, helped.n_families, helped.n_episodes, helped.n_measurements) == ("helped", 9, 9, 27)
    found = next(each for each in study.checks.warnings if each.code == "without_consent")
    empty = 3 if not value else 0
    assert f"3 families left out before anything else ({empty} with an empty cell" in found.found
    assert "9 measurements" in found.found


@pytest.mark.parametrize("value", ["ja", " Ja", "JA"])
def test_capitals_and_spaces_do_not_matter(tmp_path: Path, value: str) -> None:
    study = load_study(refusing(tmp_path, {"003": value}))
    assert study.without_consent is not None
    assert study.without_consent.n_families == 0
    assert [note.code for note in study.notes if "consent" in note.code] == ["all_consent"]
    assert course_frame(study).flow.steps[0].n_families == 12


def test_without_the_section_everybody_counts(tmp_path: Path) -> None:
    study = load_study(refusing(tmp_path, dict.fromkeys(WITHOUT, "nee"), toml=STUDY))
    assert study.without_consent is None
    assert course_frame(study).flow.steps[0].code == "helped"


def test_one_period_without_it_is_enough_to_be_left_out(tmp_path: Path) -> None:
    twice = EPISODES + "003,2,org_a,w1,2025-01-02,,7\n"
    text = episodes({}, twice).replace("2025-01-02,,7,ja", "2025-01-02,,7,nee")
    study = load_study(small_study(tmp_path / "s", toml=CONSENT, episodes=text))
    assert "003" not in set(study.scores["family"])
    assert course_frame(study).flow.steps[0].n_episodes == 13


def test_nothing_is_said_of_what_is_wrong_with_those_left_out(tmp_path: Path) -> None:
    """Neither of them nor of families that no episode knows."""
    wrong = edited(EPISODES, ("005,1,org_a,w2,2024-01-05", "005,1,org_z z,w2,2024-13-45"))
    answers = edited(MEASUREMENTS, ("009,1,first_parent,2024-01-15,", "009,1,first_parent,31-31-2024,"))
    toml = EVENTS + '[consent]\ncolumn = "toestemming"\npermits = ["ja"]\n'
    made = small_study(
        tmp_path / "s",
        toml=toml,
        episodes=episodes(dict.fromkeys(WITHOUT, "nee"), wrong),
        measurements=answers,
        events__csv="family,date,event\n005,2024-99-01,placement\n777,2024-03-01,placement\n001,2024-03-01,placement\n",
    )
    report = check_study(made)
    assert report.ok, report.as_text()
    text = report.as_text()
    assert not any(word in text for word in ("2024-13-45", "31-31-2024", "org_z", "2024-99-01", "777"))
    assert "3 families without consent, left out before anything else" in text
    assert [each.found[:16] for each in report.warnings if each.code == "consent_not_known"] == [
        "1 row left out, "
    ]
    assert len(load_study(made).tables["events"]) == 1


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ('column = "toestemmming"', 'there is no column "toestemmming"'),
        ('permits = ["yes"]', 'no row of "toestemming" holds one of "yes"'),
    ],
)
def test_where_it_cannot_be_known_nothing_is_read(tmp_path: Path, change: str, found: str) -> None:
    key = change.partition(" ")[0]
    toml = "\n".join(change if line.startswith(f"{key} =") else line for line in CONSENT.split("\n"))
    made = refusing(tmp_path, {"003": "nee"}, toml=toml, measurements="family,date\n003,2024-99-99\n")
    report = check_study(made)
    assert [each.code for each in report.errors] == ["consent_not_known"]
    assert found in report.errors[0].found
    assert "study.toml" in report.errors[0].where
    assert "99-99" not in report.as_text()
    with pytest.raises(DataError, match="whose data may be used is not known"):
        load_study(made)


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ('column = "toestemming"', "permits"),
        ('column = ""\npermits = ["ja"]', "consent.column"),
        ('column = "toestemming"\npermits = []', "consent.permits"),
        ('column = "toestemming"\npermits = ["ja", ""]', "an empty cell never does"),
        ('column = "toestemming"\npermits = "ja"', "consent.permits"),
        ('column = "toestemming"\npermit = ["ja"]', 'Did you mean "permits"'),
    ],
)
def test_a_wrong_section_is_explained(tmp_path: Path, section: str, found: str) -> None:
    with pytest.raises(ConfigError, match="consent") as refused:
        read_config(refusing(tmp_path, {}, toml=f"{STUDY}[consent]\n{section}\n"))
    assert found in str(refused.value)


def test_a_value_that_no_row_holds_is_told(tmp_path: Path) -> None:
    toml = CONSENT.replace('["ja"]', '["ja", "jaa"]')
    report = check_study(refusing(tmp_path, {}, toml=toml))
    assert [each.code for each in report.warnings if "consent" in each.code] == ["consent_value_unused"]


def test_numbers_and_a_wide_file_for_both_tables(tmp_path: Path) -> None:
    """One row per family, with consent as a number, serves episodes and measurements."""
    waves = "".join(f",q{wave}_{item}" for wave in (1, 2) for item in range(1, 11))
    rows = [f"{number:03d},org_a,2024-01-01,{number % 2}" + ",2" * 20 for number in range(1, 13)]
    text = f"family,organisation,start,ground{waves},d1,d2\n" + "\n".join(
        f"{row},2024-01-10,2024-06-10" for row in rows
    )
    toml = """\
[study]
name = "wide"
export_date = 2025-12-31
[tables.episodes]
file = "all.csv"
[tables.measurements]
file = "all.csv"
layout = "wide"
patterns = { item = "q{wave}_{item}", date = "d{wave}" }
constants = { instrument = "obvl_k" }
[consent]
column = "ground"
permits = [1]
"""
    study = load_study(small_study(tmp_path / "s", toml=toml, all__csv=text + "\n"))
    assert sorted(study.scores["family"].unique()) == ["001", "003", "005", "007", "009", "011"]
    first = course_frame(study).flow.steps[0]
    assert (first.n_families, first.n_measurements) == (12, 24)
