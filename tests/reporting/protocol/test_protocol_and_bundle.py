import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError, MpgError
from mpg_research.reporting.files import MANIFEST, file_sha256
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.protocol.bundle import write_bundle
from mpg_research.reporting.protocol.commands import make_protocol
from mpg_research.reporting.protocol.write import protocol_page
from mpg_research.reporting.run.run import RunSummary
from mpg_research.study.config.plan import SEALED_FILE
from mpg_research.study.config.study_toml import read_config

PLAN = """
[plan]
power = "power.json"
exclusions = "Nobody <b>at all</b>."
subgroups = ["organisation"]
[plan.margins]
change = 2.5
[[plan.questions]]
text = { nl = "Gaat het beter?", en = "Is it better?" }
analyses = ["fit_trajectory"]
"""


@pytest.fixture
def planned(study: Path) -> Path:
    file = study / "study.toml"
    file.write_text(file.read_text("utf-8") + PLAN, encoding="utf-8")
    (study / "power.json").write_text('{"sentence": {"nl": "Met 20 is het genoeg.", "en": "20 will do."}}')
    return study


def test_the_plan_is_printed_sealed_and_amended(planned: Path, tmp_path: Path) -> None:
    said = make_protocol(planned, output=tmp_path / "plan")
    assert "Not sealed yet" in said
    page = (tmp_path / "plan" / "protocol_nl.html").read_text("utf-8")
    for text in ("Gaat het beter?", "fit_trajectory", "2.5", "Met 20 is het genoeg.", "niet verzegeld"):
        assert text in page
    assert "<b>at all" not in page
    assert not inspect_page(page, language="nl")
    assert zipfile.is_zipfile(tmp_path / "plan" / "protocol_nl.docx")
    said = make_protocol(planned, output=tmp_path / "plan", seal=True, day="2026-01-31")
    assert "(date given)" in said
    assert "after the data" in said
    file = planned / "study.toml"
    file.write_text(file.read_text("utf-8").replace("primary_month = 2", "primary_month = 0"))
    assert "Differs from the sealed plan: analysis.primary_month." in make_protocol(planned)
    make_protocol(planned, reason="Asked for.", day="2026-02-01")
    page = protocol_page(read_config(planned), "en")
    assert "Asked for." in page
    assert "1 setting differs" in page
    assert "tables.episodes.file" in page
    assert "tables.episodes.file" not in protocol_page(read_config(planned), "en", for_deposit=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["fit_trajectory"]', '["fit_trajectry"]', "no analysis 'fit_trajectry'"),
        ("power.json", "not_there.json", "power in study.toml: not_there.json cannot be read"),
        ("power.json", "episodes.csv", "has no sentence"),
        ("[plan]", "[plan]\nmonth = 7", r"\[plan\] month in study.toml is not what \[analysis\] has \(2\)"),
        ("[plan]", '[plan]\ncase_mix = ["child_age"]', r"\[plan\] case_mix"),
    ],
)
def test_a_plan_that_cannot_be_sealed(planned: Path, old: str, new: str, message: str) -> None:
    file = planned / "study.toml"
    file.write_text(file.read_text("utf-8").replace(old, new))
    with pytest.raises(ConfigError, match=message):
        make_protocol(planned, seal=True)
    assert not (planned / SEALED_FILE).exists()


def test_a_day_without_a_seal(planned: Path) -> None:
    with pytest.raises(ConfigError, match="--date is the day of a seal"):
        make_protocol(planned, day="2026-01-31")


def test_a_run_refuses_an_edited_seal_with_one_message(
    planned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_protocol(planned, output=tmp_path / "plan", seal=True, day="2026-01-31")
    sealed = planned / SEALED_FILE
    sealed.write_text(sealed.read_text("utf-8").replace("2026-01-31", "2025-01-31"), encoding="utf-8")
    assert main(["run", str(planned), "--output", str(tmp_path / "reports")]) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert said.count("was edited after it was sealed (number 1)") == 1
    assert not (tmp_path / "reports" / "small").exists()


def test_pages_say_what_differs_and_the_archive_holds_what_it_may(
    planned: Path, tmp_path: Path, run: Callable[..., RunSummary]
) -> None:
    make_protocol(planned, seal=True, day="2026-01-31")
    file = planned / "study.toml"
    file.write_text(file.read_text("utf-8").replace("primary_month = 2", "primary_month = 0"))
    summary = run(only=["01_data_quality", "report_funder"])
    assert summary.exit_code == 0
    reports = tmp_path / "reports"
    own = reports / "small" / "funder"
    researcher = (reports / "small" / "researcher" / "nl" / "01_data_quality.html").read_text("utf-8")
    assert "analysis.primary_month" in researcher
    assert "1 instelling wijkt af" in researcher
    funder = (own / "nl" / "report_funder.html").read_text("utf-8")
    assert "1 instelling wijkt daarvan af" in funder
    assert "analysis.primary_month" not in funder
    with pytest.raises(DisclosureError, match="not registered"):
        write_bundle(planned, reports=reports, output=tmp_path / "no.zip")
    _as_if_own(own / MANIFEST)
    first, names = write_bundle(planned, reports=reports, output=tmp_path / "one.zip")
    second, _ = write_bundle(planned, reports=reports, output=tmp_path / "two.zip")
    assert first.read_bytes() == second.read_bytes()
    assert {"plan/sealed_hashes.txt", "ro-crate-metadata.json", "data_dictionary.csv", "CITATION.cff"} <= set(
        names
    )
    assert f"plan/{SEALED_FILE}" not in names, "it names organisations"
    with zipfile.ZipFile(first) as archive:
        assert set(archive.namelist()) == set(names)
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
        text = b"".join(archive.read(name) for name in names)
        listed = archive.read("reports/nl/report_funder.html")
    assert {each["name"] for each in graph if each["@type"] == "File"} == {*names} - {
        "ro-crate-metadata.json"
    }
    assert listed == funder.encode()
    for row in range(12):
        assert f"F{row:02d}".encode() not in text, "no family"
    assert b"Linde" not in text
    assert b"episodes.csv,F" not in text
    licence = tmp_path / "licence.txt"
    licence.write_text("CC BY 4.0")
    write_bundle(planned, reports=reports, output=tmp_path / "three.zip", licence=licence)
    _refused(planned, reports, tmp_path)


def _as_if_own(manifest: Path) -> None:
    content = json.loads(manifest.read_bytes())
    for entry in content["steps"].values():
        entry["notebook_is"] = "own"
    manifest.write_text(json.dumps(content))


def _refused(planned: Path, reports: Path, tmp_path: Path) -> None:
    """Each thing that is not as it should be, alone: nothing is written."""
    own, no = reports / "small" / "funder", tmp_path / "no.zip"
    manifest, page = own / MANIFEST, own / "nl" / "report_funder.html"
    kept = {path: path.read_bytes() for path in (manifest, page)}

    def refused(message: str) -> None:
        with pytest.raises(MpgError, match=message):
            write_bundle(planned, reports=reports, output=no)
        assert not no.exists()
        for path, content in kept.items():
            path.write_bytes(content)

    (own / "families.csv").write_text("F01")
    refused(r"families.csv \(extra\)")
    (own / "families.csv").unlink()
    page.write_text("F01")
    refused(r"report_funder.html \(changed\)")
    content = json.loads(kept[manifest])
    manifest.write_text(json.dumps({**content, "private": "x"}))
    refused("not for release")
    manifest.write_text(json.dumps({**content, "recipient": "researcher"}))
    refused("for another reader")
    entry = next(iter(content["steps"].values()))
    (own / "data.parquet").write_bytes(b"F01")
    entry["outputs"]["data.parquet"] = file_sha256(own / "data.parquet")
    manifest.write_text(json.dumps(content))
    refused("lists what may not go in: data.parquet")
    (own / "data.parquet").unlink()
    page.write_text("<p>Wilgenhof</p>")
    content = json.loads(kept[manifest])
    for entry in content["steps"].values():
        if "nl/report_funder.html" in entry["outputs"]:
            entry["outputs"]["nl/report_funder.html"] = file_sha256(page)
    manifest.write_text(json.dumps(content))
    refused("names another organisation")
    with pytest.raises(ConfigError, match="expected funder or researcher"):
        write_bundle(planned, reports=reports, reader="organisation", output=no)
    with pytest.raises(ConfigError, match="text file in UTF-8"):
        write_bundle(planned, reports=reports, output=no, licence=tmp_path / "nothing.txt")
    with pytest.raises(MpgError, match="is no folder"):
        write_bundle(planned, reports=tmp_path / "elsewhere", output=no)
    file = planned / "study.toml"
    file.write_text(file.read_text("utf-8") + "# another\n", encoding="utf-8")
    refused("made by other settings")
