"""Who is due for a talk, as page and CSV: what they say, and where they never go."""

import csv
import io
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from mpg_research.analysis.talk.due import REASONS, DueFamilies
from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.present.talk.due_page import due_as_csv, present_due
from mpg_research.reporting.due import read_day, write_due
from mpg_research.study.config.talk import TalkConfig

NAN = float("nan")
NASTY = '<b>"x"&</b>'


def made(**others: object) -> DueFamilies:
    row = {
        "organisation": "org_a", "worker": NASTY, "family": NASTY, "episode": "1", "months": 7.04,
        **dict.fromkeys(REASONS, False), "off_track": True, "evaluate": True, "chance": 0.614, "since": 2.0,
        "last_measured": 0.5, "last_action": "network_meeting", "last_what": "intervention", "last_ago": 1.3,
    }  # fmt: skip
    unknown = {
        **row, "worker": "", "family": "=1+1", "off_track": False, "evaluate": False, "unmeasured": True,
        "chance": NAN, "since": NAN, "last_measured": NAN, "last_action": "", "last_what": "",
        "last_ago": NAN,
    }  # fmt: skip
    decided = {**row, "family": "f3", "last_action": "hand_over", "last_what": "decision"}
    own = {**row, "family": "f4", "last_action": "own"}
    given: dict[str, object] = {
        "as_of": date(2025, 6, 30), "families": pd.DataFrame([row, unknown, decided, own]),
        "running": {"org_a": 9}, "talk": TalkConfig(),
        "organisations": {"org_a": {"nl": "Organisatie <A>", "en": "Organisation <A>"}},
        "own_codes": {"own": {"nl": "Iets <eigens>", "en": "Something <own>"}}, "unit": {}, "synthetic": True,
        **others,
    }  # fmt: skip
    return DueFamilies(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ("van koers; nog geen duidelijke vooruitgang: evalueren, stoppen of overdragen",
                "61%", "4 van de 9 gezinnen",
                "hulpverlener niet bekend", "Netwerkoverleg, 1,3 maanden geleden", "Besluit: overdragen",
                "Iets &lt;eigens&gt;")),
        ("en", ("off track; no clear progress yet: evaluate, stop or hand over",
                "61%", "4 of 9 families", "worker not known",
                "Network meeting, 1.3 months ago", "Decision: hand over", "Something &lt;own&gt;")),
    ],
)  # fmt: skip
def test_the_page_says_who_why_and_what_was_done(language: str, words: tuple[str, ...]) -> None:
    html = present_due(made(), language=language)
    for word in words:
        assert word in html
    assert html.count("<h1>") == 1
    assert f'<html lang="{language}">' in html
    assert NASTY not in html
    assert "&lt;b&gt;" in html
    assert "&lt;A&gt;" in html
    assert "<script" not in html
    assert not re.search(r'(src|href)="https?:', html)
    assert "nan" not in html.lower().replace("onderzoekers", "")


def test_it_speaks_of_whom_the_study_is_about_and_of_nobody() -> None:
    clients = made(unit={"nl": ("cliënt", "cliënten", "de"), "en": ("client", "clients", "")})
    for language, other in (("nl", "gezin"), ("en", "famil")):
        text = re.sub(r"<[^>]+>", " ", present_due(clients, language=language)).lower()
        assert "cli" in text
        assert other not in text
    empty = made(families=made().families.iloc[:0], running={})
    assert "Niemand" in present_due(empty, language="nl")
    assert len(due_as_csv(empty).splitlines()) == 1


def test_the_csv_holds_codes_and_nothing_that_runs() -> None:
    rows = list(csv.DictReader(io.StringIO(due_as_csv(made()))))
    assert [row["family"] for row in rows][1] == "'=1+1"
    assert rows[0]["chance"] == "0.61"
    assert rows[0]["off_track"] == "True"
    assert rows[1]["chance"] == ""
    assert rows[0]["as_of"] == "2025-06-30"
    assert "synthetic" not in due_as_csv(replace(made(), synthetic=False)).splitlines()[0]


def test_the_command_writes_for_its_maker_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "own"
    asked = ["due", "--output", str(folder), "--language", "en", "--organisation", "brinkelaar"]
    assert main([*asked, "--as-of", "2024-03-01"]) == 0
    assert "sensitive" in capsys.readouterr().out
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".csv", ".html"]
    if os.name == "posix":
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    text = next(file for file in files if file.suffix == ".html").read_text(encoding="utf-8")
    assert "As of 2024-03-01" in text
    assert "Brinkelaar" in text
    assert "Hazelgaard" not in text
    with pytest.raises(DisclosureError, match="reports folder"):
        write_due("", output=tmp_path / "reports" / "mine")
    for options, said in (
        ({"as_of": "1 juli"}, "no day"),
        ({"language": "de"}, "language: found 'de'"),
        ({"output": ""}, "folder you name"),
    ):
        with pytest.raises(ConfigError, match=said):
            write_due("", **{"output": tmp_path / "other", **options})  # type: ignore[arg-type]
    assert not (tmp_path / "other").exists()


def test_a_day_is_read_as_written() -> None:
    assert read_day(" 2025-12-31 ") == date(2025, 12, 31)
    assert read_day("") is None
