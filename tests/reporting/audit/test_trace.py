"""What is behind a table or figure of the example, by id, name and file."""

import json
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ReportError
from mpg_research.reporting.audit.trace import trace_output
from mpg_research.reporting.run.run import run_study
from mpg_research.reporting.session.reference import reference_of

REFERENCE = reference_of("01_data_quality", "tables", "overview")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reports")
    summary = run_study(reports=place, only=["01_data_quality"], language=["en"], jobs=1)
    assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
    return place / "example"


def test_id_name_and_file_lead_to_the_same(reports: Path) -> None:
    file = "en/tables/01_data_quality/overview.csv"
    asked = (REFERENCE, REFERENCE.lower(), "overview", "01_data_quality/overview", file)
    texts = {trace_output(reports / "researcher", what).as_text() for what in asked}
    texts.add(trace_output(reports, str(reports / "researcher" / file)).as_text())
    texts.add(trace_output(reports / "researcher" / file).as_text())
    assert len(texts) == 1


def test_it_tells_data_code_parameters_and_rules(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(reports), REFERENCE]) == 0
    told = capsys.readouterr().out
    manifest = json.loads((reports / "researcher" / "manifest.json").read_bytes())
    entry = manifest["steps"]["en/01_data_quality"]
    for said in (
        f"{REFERENCE}  table overview, page 01_data_quality, for researcher",
        f"measurements.csv  {entry['inputs']['data']['measurements.csv'][:16]}",
        "describe_quality in mpg_research.analysis.data.quality",
        f"mpg_research {entry['versions']['mpg_research']}",
        "minimum_families=10",
        "overview: ",
        "suppressed",
        entry["fingerprint"][:16],
    ):
        assert said in told


def test_every_id_on_the_page_leads_somewhere(reports: Path) -> None:
    page = (reports / "researcher" / "en" / "01_data_quality.html").read_text(encoding="utf-8")
    entry = json.loads((reports / "researcher" / "manifest.json").read_bytes())["steps"]["en/01_data_quality"]
    assert entry["shown"]
    for reference, shown in entry["shown"].items():
        assert f'id="{reference}"' in page
        assert f">Trace: {reference}<" in page
        (found,) = trace_output(reports, reference).found
        assert (found.kind, found.name) == (shown["kind"], shown["name"])
        assert set(found.files.values()) == {"unchanged"}
        assert any(name.endswith(".csv") for name in found.files)


def test_for_programs_it_is_json(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(reports), REFERENCE, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["id"] == REFERENCE
    assert found["results"]["describe_quality"]["verb"] == "describe_quality"


def test_a_page_leads_to_all_its_results(reports: Path) -> None:
    (found,) = trace_output(reports, "01_data_quality").found
    assert found.kind == "pages"
    assert set(found.results) == {"describe_quality", "describe_records"}


def test_what_is_not_there_is_said_with_what_is(reports: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match='Did you mean "overview"'):
        trace_output(reports, "overwiev")
    stray = tmp_path / "a.csv"
    stray.write_text("a")
    with pytest.raises(ReportError, match="is no file of published reports"):
        trace_output(stray)
