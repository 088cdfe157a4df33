"""Where a reader begins: a start page in each folder that tells of no other, and the sender's overview."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from mpg_research.cli import main
from mpg_research.reporting.record.last_run import NAME, read_last_run
from mpg_research.reporting.run.run import RunSummary
from mpg_research.study.names import safe_folder_name
from tests.reporting.conftest import ORGANISATIONS
from tests.reporting.notebook_makers import make_notebook


def links_in(page: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', page)


def test_every_folder_begins_with_a_page_that_leads_to_all_in_it_and_nowhere_else(
    run: Callable[..., RunSummary],
) -> None:
    folder = run().folder
    for recipient in ("funder", "researcher", *map(safe_folder_name, ORGANISATIONS)):
        own = folder / recipient
        page = (own / "index.html").read_text("utf-8")
        for link in links_in(page):
            if not link.startswith("#"):
                assert (own / link).resolve().is_relative_to(own.resolve()), (recipient, link)
                assert (own / link).is_file(), (recipient, link)
        for made in own.glob("nl/*.html"):
            assert f"nl/{made.name}" in links_in(page), (recipient, made.name)
        assert len([each for each in own.iterdir() if not each.name.startswith(".")]) <= 6
        others = {name for key, name in ORGANISATIONS.items() if safe_folder_name(key) != recipient}
        if recipient != "researcher":
            assert not [name for name in others if name in page], recipient


def test_pages_lead_to_themselves_in_other_languages_and_to_the_start(
    run: Callable[..., RunSummary], study: Path
) -> None:
    file = study / "study.toml"
    file.write_text(
        file.read_text("utf-8").replace('languages = ["nl"]', 'languages = ["nl", "en"]'), "utf-8"
    )
    folder = run(only=["report_funder"]).folder / "funder"
    for code, other in (("nl", "en"), ("en", "nl")):
        page = folder / code / "report_funder.html"
        targets = [
            (page.parent / link.partition("#")[0]).resolve()
            for link in links_in(page.read_text("utf-8"))
            if ".." in link
        ]
        assert (folder / other / "report_funder.html").resolve() in targets
        assert (folder / "index.html").resolve() in targets


def test_the_overview_says_what_failed_and_what_changed(
    run: Callable[..., RunSummary], notebooks: Path, study: Path
) -> None:
    first = run()
    assert "Voor het eerst gemaakt" in first.index.read_text("utf-8")
    table = study / "measurements.csv"
    table.write_text(table.read_text("utf-8") + "F00,first_parent,2024-04-05" + ",2" * 10 + "\n", "utf-8")
    run()
    text = first.index.read_text("utf-8")
    assert "Opnieuw gemaakt" in text
    assert "measurements.csv veranderde" in text
    make_notebook(notebooks, "report_funder", "1 / 0")
    run()
    text = first.index.read_text("utf-8")
    assert "Bij de laatste run mislukte 1 pagina." in text
    assert "ZeroDivisionError" in text
    before = (first.folder / NAME).read_bytes()
    run()
    assert (first.folder / NAME).read_bytes() == before, "a run that changes nothing leaves what was said"
    (first.folder / NAME).write_text(json.dumps({"format": 99}), "utf-8")
    assert read_last_run(first.folder).failed == {}


def test_the_overview_is_opened_where_that_is_asked(monkeypatch, tmp_path: Path, study: Path, capsys) -> None:
    opened: list[str] = []
    for answer in (True, False):
        monkeypatch.setattr("webbrowser.open", lambda page, answer=answer: opened.append(page) or answer)
        options = ["--only", "01_data_quality", "--output", str(tmp_path / "out"), "--open"]
        assert main(["run", str(study), *options]) == 0
    assert opened == [(tmp_path / "out" / "small" / "index.html").as_uri()] * 2
    assert "no browser was found here" in capsys.readouterr().err
