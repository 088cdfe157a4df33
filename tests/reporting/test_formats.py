"""The formats that pages are published in: who asks for them, what they need, and where they stand."""

import json
import os
from collections.abc import Callable
from importlib import util
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.reporting import formats
from mpg_research.reporting.documents.make import make_documents
from mpg_research.reporting.formats import VARIABLE, also_in, formats_of, made_with, require_formats
from mpg_research.reporting.page.name_search import refuse_names, searchable_text
from mpg_research.reporting.run import fingerprint
from mpg_research.reporting.run.explain import explain_run
from mpg_research.reporting.run.plan import plan_steps
from mpg_research.reporting.run.run import run_study
from mpg_research.study import read_config

ALL = ("html", "pdf", "docx")
all_are_here = pytest.mark.skipif(
    any(util.find_spec(module) is None for module in ("typst", "pypdf", "docx")),
    reason="typst, pypdf or python-docx is not installed",
)
PAGE = (
    "<html lang='nl'><head><title>{0}</title></head><body><main><h1>T</h1><p>{1}</p>"
    "<table><caption>c</caption><thead><tr><th scope='col'>a</th></tr></thead>"
    "<tbody><tr><td>{2}</td></tr></tbody></table></main></body></html>"
)
SVG = (
    '<svg width="90pt" height="60pt" viewBox="0 0 90 60" xmlns="http://www.w3.org/2000/svg" role="img" '
    'aria-label="{}"></svg>'
)


def add_to(study: Path, text: str) -> Path:
    file = study / "study.toml"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    return study


def test_the_study_asks_and_the_command_line_asks_otherwise(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert formats_of(read_config(study)) == ("html",)
    config = read_config(add_to(study, '[report]\nformats = ["docx", "pdf"]\n'))
    assert formats_of(config) == ALL, "the page itself is always made"
    with also_in("html"):
        assert formats_of(config) == ("html",)
    with also_in(" PDF ,html"):
        assert formats_of(config) == ("html", "pdf")
    assert VARIABLE not in os.environ
    with also_in("pfd"), pytest.raises(ConfigError, match=r"--formats names 'pfd'.*pdf"):
        formats_of(config)


def test_a_format_that_there_is_not_is_refused_by_name(study: Path) -> None:
    with pytest.raises(ConfigError, match=r"formats"):
        read_config(add_to(study, '[report]\nformats = ["html", "odt"]\n'))


def test_the_option_reaches_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(*_: object, **__: object) -> None:
        seen.append(os.environ.get(VARIABLE))
        raise KeyboardInterrupt

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("mpg_research.reporting.run.run.run_study", run)
    for options in ([], ["--formats", "html,pdf"]):
        main(["run", *options])
    assert seen == [None, "html,pdf"]


def test_what_is_missing_is_said_before_anything_runs(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        require_formats(ALL)
    said = str(caught.value)
    assert "pdf needs typst and pypdf; docx needs python-docx" in said
    assert "pip install 'mpg_research[pdf,word]'" in said
    assert "--formats html." in said
    with also_in("pdf"), pytest.raises(ConfigError, match="mpg_research\\[pdf\\]"):
        run_study(study, reports=tmp_path / "reports")
    assert not (tmp_path / "reports").exists()
    require_formats(("html",))


def test_pages_in_other_formats_are_told_apart(study: Path) -> None:
    config = read_config(study)
    inputs = fingerprint.read_inputs(config)
    step = plan_steps(config)[0]
    prints = {
        fingerprint.step_fingerprint(step, inputs=inputs, notebook_sha256="0" * 64, formats=made_with(each))
        for each in (("html",), ("html", "pdf"), ("html", "docx"), ALL)
    }
    assert len(prints) == 4
    assert made_with(("html",)) == ()


@pytest.fixture
def run(study: Path, notebooks: Path, tmp_path: Path) -> Callable[..., Path]:
    def call(where: str, asked: str) -> Path:
        with also_in(asked):
            summary = run_study(
                study,
                reports=tmp_path / where,
                notebooks=notebooks,
                allow_modified=True,
                only=["report_organisation", "01_data_quality"],
            )
        assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
        return summary.folder

    return call


@all_are_here
def test_documents_stand_beside_the_page_in_the_record_and_go_when_not_asked_for(
    run: Callable[..., Path], study: Path, notebooks: Path, tmp_path: Path
) -> None:
    first, again = run("a", "pdf,docx"), run("b", "pdf,docx")
    own = first / "org_a"
    base = "nl/report_organisation"
    made = {f"{base}.pdf", f"{base}.docx"}
    entry = json.loads((own / "manifest.json").read_bytes())["steps"][base]
    assert made <= set(entry["outputs"])
    assert not [name for name in entry["outputs"] if name.endswith(".png")]
    assert (first / "researcher" / "nl" / "01_data_quality.pdf").is_file()
    assert not (first / "researcher" / "nl" / "01_data_quality.docx").exists(), (
        "its tables only, and it has none"
    )
    listed = json.loads((own / "outputs.json").read_bytes())["results"]
    page = next(each for each in listed.values() if each["type"] == "page")
    assert made <= {file["name"] for file in page["files"]}
    crate = (own / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert "application/pdf" in crate
    assert "wordprocessingml" in crate
    for name in made:
        assert (own / name).read_bytes() == (again / "org_a" / name).read_bytes()
    with also_in("html"):
        reasons = explain_run(study, reports=tmp_path / "a", notebooks=notebooks, allow_modified=True,
                              only=["report_organisation"])  # fmt: skip
    assert {reason for each in reasons for reason in each.reasons} == {"other formats are asked for"}
    run("a", "html")
    assert not [name for name in made if (own / name).exists()]


@all_are_here
@pytest.mark.parametrize("place", ["title", "paragraph", "cell", "description"])
@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_a_name_is_found_wherever_it_stands_in_a_document(tmp_path: Path, kind: str, place: str) -> None:
    other = "Jeugd & Co"
    escaped = "Jeugd &amp; Co"
    texts = [escaped if place == each else "Noord" for each in ("title", "paragraph", "cell")]
    html = PAGE.format(*texts)
    if place == "description":
        figure = f"<figure>{SVG.format(f'Lijn van {escaped}')}<figcaption>f</figcaption></figure>"
        html = html.replace("</main>", f"{figure}</main>")
    for ending, content in make_documents(html, "nl", "funder", (kind,), {}).items():
        file = tmp_path / "file"
        file.write_bytes(content)
        text = searchable_text(content)
        assert "c" in text.split()
        if other in text:
            with pytest.raises(DisclosureError, match="names another organisation"):
                refuse_names({"a": file}, forbidden=(other,), own=())
        else:
            assert ending == "_tables.docx"
            assert place in {"paragraph", "description"}, "the document of the tables has only those"
        refuse_names({"a": file}, forbidden=("Zuid",), own=())
