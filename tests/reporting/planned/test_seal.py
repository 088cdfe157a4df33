import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.present.language.phrases import study_phrases
from mpg_research.reporting.files import json_bytes, json_sha256
from mpg_research.reporting.page.planned import deviation_rows, plan_note
from mpg_research.reporting.planned.deviations import find_deviations
from mpg_research.reporting.planned.planned_analyses import planned_analyses
from mpg_research.reporting.planned.seal import amend_plan, read_sealed, seal_plan
from mpg_research.reporting.store.inputs import input_files
from mpg_research.study.config.plan import SEALED_FILE
from mpg_research.study.config.study_toml import StudyConfig, read_config

PLAN = """
[plan]
[[plan.questions]]
text = { nl = "Gaat het beter?", en = "Is it better?" }
analyses = ["fit_trajectory"]
"""
DAY = date(2026, 1, 31)


def write(study: Path, *replaced: tuple[str, str], more: str = "") -> StudyConfig:
    """The study's settings, with some of them written otherwise."""
    file = study / "study.toml"
    text = file.read_text("utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text + more, encoding="utf-8")
    return read_config(study)


@pytest.fixture
def sealed(study: Path) -> StudyConfig:
    config = write(study, more=PLAN)
    seal_plan(config, day=DAY)
    return config


def test_a_plan_is_sealed_with_its_day_and_compared(sealed: StudyConfig, study: Path) -> None:
    (plan,) = read_sealed(sealed)
    assert (plan.day, plan.date_is, plan.data_were_there) == (DAY, "given", True)
    assert find_deviations(sealed, [plan]) == ()
    assert study.resolve() / SEALED_FILE in [path.resolve() for path in input_files(sealed)]
    changed = write(study, ("primary_month = 2", "primary_month = 0"))
    (found,) = find_deviations(changed, [plan])
    assert (found.setting, found.planned, found.done) == ("analysis.primary_month", 2.0, 0.0)
    assert (found.since, found.reason) == (None, "")


def test_before_the_data_the_day_of_the_machine(study: Path) -> None:
    config = write(study, more=PLAN)
    for file in study.glob("*.csv"):
        file.unlink()
    plan = seal_plan(config)
    assert (plan.date_is, plan.data_were_there) == ("machine", False)
    note = plan_note(config, "researcher", "nl")
    assert note is not None
    assert "nog geen bestand" in " ".join(note.sentences)


def test_amendments_say_since_when_and_why(sealed: StudyConfig, study: Path) -> None:
    first = write(study, ("primary_month = 2", "primary_month = 0"))
    amend_plan(first, "The funder asked.", day=DAY + timedelta(1))
    second = write(study, ("export_date = 2025-12-31", "export_date = 2026-01-01"))
    amend_plan(second, "More data.", day=DAY + timedelta(2))
    rows = {each.setting: each for each in find_deviations(second, read_sealed(second))}
    assert {name: (each.since, each.reason) for name, each in rows.items()} == {
        "analysis.primary_month": (DAY + timedelta(1), "The funder asked."),
        "study.export_date": (DAY + timedelta(2), "More data."),
    }
    back = write(study, ("primary_month = 0", "primary_month = 2"))
    rows = {each.setting: each for each in find_deviations(back, read_sealed(back))}
    month = rows["analysis.primary_month"]
    assert (month.planned, month.done, month.reason) == (0.0, 2.0, ""), "an amendment that was not followed"
    amend_plan(back, "Back again.", day=DAY + timedelta(3))
    assert [each.setting for each in find_deviations(back, read_sealed(back))] == ["study.export_date"]


def test_readers_read_what_is_for_them(sealed: StudyConfig, study: Path) -> None:
    assert plan_note(sealed, "organisation", "nl") is None
    none = plan_note(sealed, "funder", "en")
    assert none is not None
    assert none.sentences[0].endswith("and no setting differs from it.")
    hostile = "<script>alert(1)</script>"
    config = write(study, ("primary_month = 2", "primary_month = 0"), ("Small study", hostile))
    one = plan_note(config, "funder", "en")
    assert one is not None
    assert one.rows == ()
    assert len(one.sentences) == 1
    assert "2 settings differ from it, and the researcher's pages list them" in one.sentences[0]
    all_ = plan_note(config, "researcher", "en")
    assert all_ is not None
    assert [row[0] for row in all_.rows] == ["analysis.primary_month", "study.title"]
    assert all_.rows[0][1:] == ("2", "0", "no amendment says", "none given")
    assert all(len(row) == len(all_.columns) for row in all_.rows)
    phrases = study_phrases(config, "nl")
    assert deviation_rows(find_deviations(config, read_sealed(config)), phrases)[0][1:3] == ("2", "0")


def test_without_a_seal_nothing_is_said(study: Path) -> None:
    config = write(study, more=PLAN)
    assert plan_note(config, "researcher", "nl") is None
    assert planned_analyses(config) is None
    assert study / SEALED_FILE not in input_files(config)


def test_an_analysis_that_is_added_after_the_data_stays_exploratory(sealed: StudyConfig, study: Path) -> None:
    assert planned_analyses(sealed) == {"fit_trajectory"}
    more = write(study, ('["fit_trajectory"]', '["fit_trajectory", "reliable_change"]'))
    amend_plan(more, "One more.", day=DAY)
    assert planned_analyses(more) == {"fit_trajectory"}


def _rewritten(study: Path, change: str) -> None:
    """The sealed file with one thing changed that must not be."""
    file = study / SEALED_FILE
    content = json.loads(file.read_bytes())
    first, second = content["sealed"]
    if change == "edited":
        first["settings"]["analysis.primary_month"] = 0.0
    elif change == "resealed":
        first["settings"]["analysis.primary_month"] = 0.0
        first["sha256"] = json_sha256({name: each for name, each in first.items() if name != "sha256"})
    elif change == "dropped":
        content["sealed"] = [second]
    elif change == "swapped":
        content["sealed"] = [second, first]
    elif change == "emptied":
        content["sealed"] = []
    elif change == "day":
        first["sealed_on"] = "2020-13-01"
    elif change == "type":
        first["settings"] = []
    elif change == "format":
        content["format"] = 99
    file.write_bytes(b"{" if change == "cut" else json_bytes(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("edited", "was edited after it was sealed .number 1"),
        ("resealed", "broken chain: number 2"),
        ("dropped", "broken chain: number 1"),
        ("swapped", "broken chain: number 1"),
        ("emptied", "lacks a part"),
        ("day", "lacks a part"),
        ("type", "lacks a part"),
        ("format", "not of format"),
        ("cut", "is no JSON"),
    ],
)
def test_a_file_that_is_not_as_it_was_sealed_is_refused(
    sealed: StudyConfig, study: Path, change: str, message: str
) -> None:
    config = write(study, ("primary_month = 2", "primary_month = 0"))
    amend_plan(config, "Why.", day=DAY)
    _rewritten(study, change)
    with pytest.raises(ConfigError, match=message):
        read_sealed(config)


def test_what_cannot_be_sealed(study: Path) -> None:
    bare = read_config(study)
    with pytest.raises(ConfigError, match=r"no \[plan\]"):
        seal_plan(bare)
    config = write(study, more=PLAN)
    with pytest.raises(ConfigError, match="was not sealed, so it cannot be amended"):
        amend_plan(config, "Why.")
    with pytest.raises(ConfigError, match="no day in the future"):
        seal_plan(config, day=date(9999, 1, 1))
    seal_plan(config, day=DAY)
    with pytest.raises(ConfigError, match="is sealed already"):
        seal_plan(config)
    with pytest.raises(ConfigError, match="same version is not sealed twice"):
        amend_plan(config, "Why.")
    with pytest.raises(ConfigError, match="needs a reason"):
        amend_plan(config, " ")
    changed = write(study, ("primary_month = 2", "primary_month = 0"))
    with pytest.raises(ConfigError, match="expected a day from 2026-01-31"):
        amend_plan(changed, "Why.", day=DAY - timedelta(1))
    assert len(read_sealed(changed)) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[plan.margins]\nchange = -1\n", "margins"),
        ("", "subgroup nonsense"),
        ("", "primary"),
        ("", "analyses"),
    ],
)
def test_a_plan_that_says_something_impossible(study: Path, more: str, message: str) -> None:
    text = {
        "margins": PLAN + more,
        "subgroup nonsense": PLAN.replace("[plan]", '[plan]\nsubgroups = ["nonsense"]'),
        "primary": PLAN.replace("analyses", 'kind = "secondary"\nanalyses'),
        "analyses": PLAN.replace('["fit_trajectory"]', "[]"),
    }[message]
    with pytest.raises(ConfigError, match=message) as error:
        write(study, more=text)
    assert "study.toml" in str(error.value)
