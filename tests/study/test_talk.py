"""The table decisions and the section [talk]: read, checked with messages, and made by mpg init."""

from pathlib import Path

import pytest

from mpg_research.errors import ConfigError, DataError
from mpg_research.study import check_study, init_study, load_study, read_config
from tests.study.small import STUDY, small_study

WITH = STUDY + '[tables.decisions]\nfile = "decisions.csv"\n'
HEAD = "family,date,decision,reason\n"


def test_decisions_are_read_in_both_languages(tmp_path: Path) -> None:
    rows = "001,2024-05-01,doorgaan,\n001,2024-06-01,hand_over,Other help is better placed\n"
    made = load_study(small_study(tmp_path, toml=WITH, decisions__csv=HEAD + rows))
    table = made.tables["decisions"]
    assert table["decision"].tolist() == ["go_on", "hand_over"]
    assert table["reason"].fillna("").tolist() == ["", "Other help is better placed"]
    assert "decisions" not in load_study(small_study(tmp_path / "without")).tables


@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        ("001,2024-05-01,perhaps,\n", "unknown_code", "go_on, change, stop, hand_over"),
        ("999,2024-05-01,stop,\n", "unknown_family", "999"),
        ("001,2024-13-01,stop,\n", "impossible_date", "2024-13-01"),
        ("001,2027-01-01,stop,\n", "date_in_future", "2027-01-01"),
        ("001,,stop,\n", "missing_date", "date"),
        ("001,2024-05-01,stop,\n001,2024-05-01,stop,x\n", "duplicate_decisions", "decisions"),
    ],
)
def test_what_is_wrong_with_a_decision_is_said(tmp_path: Path, row: str, code: str, said: str) -> None:
    report = check_study(small_study(tmp_path, toml=WITH, decisions__csv=HEAD + row))
    assert code in report.counts, report.counts
    assert said in report.as_text()


def test_a_few_families_without_help_are_left_out_and_most_are_an_error(tmp_path: Path) -> None:
    """In a table kept beside the help: its export may hold more than the study."""
    rows = ["001,2024-05-01,go_on,", "002,2024-05-01,go_on,", "999,2024-05-01,stop,"]
    few = small_study(tmp_path / "few", toml=WITH, decisions__csv=HEAD + "\n".join(rows) + "\n")
    report = check_study(few)
    assert report.ok
    assert report.counts["unknown_family"] == 1
    assert "left out" in report.as_text()
    assert load_study(few).tables["decisions"]["family"].tolist() == ["001", "002"]
    most = small_study(tmp_path / "most", toml=WITH, decisions__csv=HEAD + "\n".join(rows[1:]) + "\n")
    assert not check_study(most).ok


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ahead = 0", "ahead"),
        ("still_alarms = 1.5", "still_alarms"),
        ("clear_progress = 0.4", "clear_progress"),
        ("unmeasured_after = true", "unmeasured_after"),
        ("evaluate_afer = 6", "evaluate_after"),
    ],
)
def test_what_is_wrong_under_talk_is_said(tmp_path: Path, line: str, said: str) -> None:
    folder = small_study(tmp_path, toml=f"{STUDY}[talk]\n{line}\n")
    with pytest.raises((ConfigError, DataError), match=said):
        read_config(folder)


def test_a_new_study_knows_both(tmp_path: Path) -> None:
    made = init_study(tmp_path / "new")
    assert "decisions.csv" in {file.name for file in made}
    assert (tmp_path / "new" / "decisions.csv").read_text().startswith("family,episode,date,decision,reason")
    text = (tmp_path / "new" / "study.toml").read_text(encoding="utf-8")
    assert '# [tables.decisions]\n# file = "decisions.csv"' in text
    assert read_config(tmp_path / "new").talk.evaluate_after == 6
    assert "hand_over" in (tmp_path / "new" / "codebook.md").read_text(encoding="utf-8")
