"""The shipped notebooks on the example study, for the two readers from outside."""

import json
from pathlib import Path

import pytest

from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.run.run import run_study
from mpg_research.study import read_config, shipped_example

OWN = "merelstroom"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reports = tmp_path_factory.mktemp("reports")
    for choice in ({"only": ["report_funder"]}, {"organisation": [OWN]}):
        summary = run_study(reports=reports, language=["nl"], **choice)
        assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
    return reports / "example"


def names() -> dict[str, str]:
    organisations = read_config(shipped_example()).organisations
    return {key: entry.name.in_language("nl") for key, entry in organisations.items()}


@pytest.mark.parametrize("recipient", ["funder", OWN])
def test_the_page_is_in_order_and_says_what_must_be_said(folder: Path, recipient: str) -> None:
    (path,) = (folder / recipient / "nl").glob("*.html")
    page = path.read_text(encoding="utf-8")
    assert inspect_page(page, language="nl") == ()
    for said in (
        "Synthetische gegevens",
        "niet mag worden geconcludeerd",
        "Tijdstip nul",
        "Kenward en Roger",
    ):
        assert said in page
    assert "session." not in page, "code is for the researcher only"


@pytest.mark.parametrize("recipient", ["funder", OWN])
def test_no_file_names_another_organisation(folder: Path, recipient: str) -> None:
    others = {word for key, name in names().items() if key != recipient for word in (key, name)}
    for path in (folder / recipient).rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", errors="replace")
            assert not [name for name in others if name in text], path


def test_the_own_name_is_there_beside_unnamed_others(folder: Path) -> None:
    page = (folder / OWN / "nl" / "report_organisation.html").read_text(encoding="utf-8")
    assert f'<tr class="own">\n<th scope="row">{names()[OWN]} (eigen)</th>' in page
    assert '<th scope="row">Organisatie A</th>' in page


def test_tables_and_figures_lie_beside_the_page_and_in_the_record(folder: Path) -> None:
    own = folder / OWN
    entry = json.loads((own / "manifest.json").read_bytes())["steps"]["nl/report_organisation"]
    found = {path.relative_to(own).as_posix() for path in own.rglob("*") if path.is_file()}
    beside = {"index.html", "manifest.json", "outputs.json", "ro-crate-metadata.json"}
    stands_in = {"en/report_organisation.html"}  # says that the page was not made in that language
    assert found == {*entry["outputs"], *beside, *stands_in}
    assert {Path(name).suffix for name in found} >= {".html", ".ipynb", ".csv", ".svg", ".json"}
    assert not [name for name in found if name.endswith(".png")]  # only where somebody asks for them
    assert entry["results"]["compare_organisations"]["sample_flow"][-1]["step"] == "analysed"


def test_the_executed_notebook_holds_one_language_and_no_path_of_this_machine(folder: Path) -> None:
    text = (folder / OWN / "nl" / "notebooks" / "report_organisation.ipynb").read_text(encoding="utf-8")
    assert "Het antwoord in het kort" in text
    assert "The answer in brief" not in text
    assert str(shipped_example()) not in text
    assert str(folder) not in text
