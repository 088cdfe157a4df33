"""The shipped notebooks on the example study, for the two readers from outside."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from mpg_research.reporting.formats import also_in
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.run.run import run_study
from mpg_research.study import read_config, shipped_example

OWN = "merelstroom"
#: All formats whose libraries are here; the others need nothing.
FORMATS = ["html"] + ["pdf"] * (find_spec("typst") is not None) + ["docx"] * (find_spec("docx") is not None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reports = tmp_path_factory.mktemp("reports")
    for choice in ({"only": ["report_funder"]}, {"organisation": [OWN]}):
        with also_in(",".join(FORMATS)):
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
        "startmoment",
        "Kenward en Roger",
    ):
        assert said in page
    assert "niet mag concluderen" in page
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
    assert "Vier cijfers" in text
    assert "Four numbers" not in text
    assert str(shipped_example()) not in text
    assert str(folder) not in text


@pytest.mark.skipif("pdf" not in FORMATS, reason="typst is not installed")
@pytest.mark.parametrize("recipient", ["funder", OWN])
def test_the_page_is_there_as_a_pdf_that_can_be_read_aloud(folder: Path, recipient: str) -> None:
    (path,) = (folder / recipient / "nl").glob("*.pdf")
    assert b"<pdfuaid:part>1<" in path.read_bytes(), "Typst checked it for PDF/UA-1"


@pytest.mark.skipif("docx" not in FORMATS, reason="python-docx is not installed")
def test_the_page_and_its_tables_are_there_as_word_with_pictures(folder: Path) -> None:
    from docx import Document

    names = sorted(path.name for path in (folder / OWN / "nl").glob("*.docx"))
    assert names == ["report_organisation.docx", "report_organisation_tables.docx"]
    page, tables = (Document(folder / OWN / "nl" / name) for name in names)
    assert len(page.inline_shapes) >= 2
    assert all(shape._inline.docPr.get("descr") for shape in page.inline_shapes)
    assert len(tables.tables) >= 3
