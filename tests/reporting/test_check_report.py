"""What mpg check says to machines, and on its internal page."""

import html
import json
import re
import stat
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DataError, DisclosureError, Problem
from mpg_research.languages import languages
from mpg_research.reporting.check_report import check_as_json, check_as_page, write_check_page
from mpg_research.study import check_study
from mpg_research.study.check import look_at_study
from mpg_research.study.checks.by_month import measured_by_month
from mpg_research.study.model import CheckReport
from tests.study.small import MEASUREMENTS, STUDY, edited, small_study

NASTY = '<script>alert("x")</script>\u202e'


def spoiled(folder: Path) -> Path:
    row = "001,1,first_parent,2024-01-15,"
    answer = MEASUREMENTS.partition(row)[2][0]
    return small_study(folder, measurements=edited(MEASUREMENTS, (f"{row}{answer}", f"{row}99")))


def test_machines_get_all_of_it_in_the_form_that_is_documented(tmp_path: Path, capsys) -> None:
    folder = spoiled(tmp_path / "small")
    assert main(["check", str(folder), "--json"]) == DataError.exit_code
    found = json.loads(capsys.readouterr().out)
    report = check_study(folder)
    assert (found["format"], found["version"], found["ok"]) == ("mpg-check", 1, False)
    assert len(found["problems"]) == len(report.problems) == found["n_errors"] + found["n_warnings"]
    first = next(each for each in found["problems"] if each["code"] == "out_of_range")
    assert (first["file"], first["row"], first["column"]) == ("measurements.csv", 2, "item_01")
    assert found["counts"] == dict(report.counts)
    page = (Path(__file__).parents[2] / "docs" / "reference" / "check.md").read_text(encoding="utf-8")
    for key in {*found, *found["problems"][0], *found["summary"][0]}:
        assert f"`{key}`" in page
    broken = small_study(tmp_path / "broken", toml="[study]\nname = 3\n")
    assert main(["check", str(broken), "--json"]) == DataError.exit_code
    assert json.loads(capsys.readouterr().out)["problems"][0]["row"] == 2
    assert main(["check", str(small_study(tmp_path / "whole")), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]


@pytest.mark.parametrize("language", languages())
def test_the_page_is_internal_whole_and_loads_nothing(language: str, tmp_path: Path) -> None:
    folder = spoiled(tmp_path / "small")
    page, report = write_check_page(folder, tmp_path / "check.html", language=language)
    text = page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert f'<html lang="{language}">' in text
    assert text.count("<h1>") == 1
    assert {"nl": "niet doorgeven", "en": "do not pass on"}[language] in text
    assert not re.search(r"<script|https?:|src=|{", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))
    for problem in report.problems:
        assert problem.code in text
    assert "missing_values = [99]" in re.findall(r"<pre>(.*?)</pre>", text, flags=re.DOTALL)[0]
    samples = text[text.index("item_01") :]
    assert "first_parent" in samples
    assert not re.search(r"<td>0\d\d</td>|<td>w\d</td>|<td>2024-", text)  # ids, workers, days


def test_what_stands_in_findings_is_text(tmp_path: Path) -> None:
    problem = Problem(found=NASTY, expected=NASTY, remedy=f'x = "{NASTY}"', file=NASTY, code="odd")
    page = check_as_page(CheckReport(study=NASTY, problems=(problem,)), None, language="nl")
    assert "<script" not in page
    assert "\u202e" not in page
    assert html.escape("<script>") in page
    assert json.loads(check_as_json(CheckReport(study=NASTY, problems=(problem,))))["study"]


def test_it_goes_nowhere_near_reports_and_over_nothing_of_yours(tmp_path: Path) -> None:
    folder = small_study(tmp_path / "small")
    for place in (tmp_path / "reports" / "x.html", tmp_path / "Reports" / "a" / "x.html"):
        with pytest.raises(DisclosureError, match="small numbers"):
            write_check_page(folder, place)
    mine = tmp_path / "thesis.html"
    mine.write_text("mine")
    with pytest.raises(ConfigError, match="something else"):
        write_check_page(folder, mine)
    assert mine.read_text() == "mine"
    page, _ = write_check_page(folder, tmp_path / "check.html")
    assert write_check_page(folder, page)[0] == page  # one of its own is written anew
    for place in ("", tmp_path, tmp_path / "thesis.html" / "x.html"):
        with pytest.raises(ConfigError):
            write_check_page(folder, place)


def test_months_are_counted_as_by_hand(tmp_path: Path) -> None:
    """Twelve families in help all year, each measured in January, April and July."""
    _, assembly = look_at_study(small_study(tmp_path / "small"))
    assert assembly is not None
    data = measured_by_month(assembly.tables, dated=True).set_index(["organisation", "month"])
    assert data.loc[("org_a", "2024-04")].tolist() == [6, 6]
    assert data.loc[("org_b", "2024-05")].tolist() == [6, 0]
    assert data.index.get_level_values("month").unique().tolist() == [
        f"2024-0{month}" for month in range(1, 8)
    ]
    assert measured_by_month({}, dated=True).empty


def test_a_study_without_dates_or_without_a_table_has_its_page_too(tmp_path: Path) -> None:
    number = edited(STUDY, ("export_date = 2025-12-31", '[time]\nkind = "numbers"\nunit = "months"'))
    for name, change in (
        ("numbers", {"toml": number}), ("gone", {"measurements": b""}), ("toml", {"toml": "[study\n"}),
    ):  # fmt: skip
        report, assembly = look_at_study(small_study(tmp_path / name, **change))
        for language in languages():
            assert "<h1>" in check_as_page(report, assembly, language=language)
