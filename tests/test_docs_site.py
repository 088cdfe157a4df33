"""The documentation site: what is made from the code says what it says, and faults are found."""

import re
import tomllib
from pathlib import Path

import pytest

import mpg_research
from docs_site.__main__ import MADE, SHIM, keep_local
from docs_site.api import FACES, api_pages, signature_of
from docs_site.checked import faults_of
from docs_site.command_line import exit_codes
from docs_site.docstrings import as_markdown
from docs_site.practice_export import write_export
from docs_site.result_tables import MEANINGS
from mpg_research.analysis.columns import Meaning
from mpg_research.errors import MpgError
from mpg_research.study.config.study_toml import StudyConfig

ROOT = Path(__file__).resolve().parents[1]


def test_every_public_name_has_its_place_in_the_api() -> None:
    pages = api_pages()
    for face, page in FACES.items():
        module = __import__(face, fromlist=["__all__"])
        headings = re.findall(r"^## `(\w+)`$", pages[f"{page}.md"], flags=re.MULTILINE)
        assert headings == [name for name in module.__all__ if name != "__version__"]
    for text in pages.values():
        assert ":func:`" not in text
        assert "``" not in text.replace("```", "")


def test_a_docstring_becomes_markdown() -> None:
    text = (
        "Do it to ``x``.\n\nParameters\n----------\nx, y : float\n    What :func:`~a.b.do` "
        "takes.\n\n    More.\n\n"
        "Examples\n--------\n>>> do(1)\n2\n\nThen::\n\n    do(2)\n"
    )
    assert as_markdown(text) == (
        "Do it to `x`.\n\n**Parameters**\n\n- **`x, y`** (float): What `a.b.do` takes.\n\n    More.\n\n"
        "**Examples**\n\n```pycon\n>>> do(1)\n2\n```\n\nThen:\n\n```\ndo(2)\n```"
    )


def test_signatures_are_those_of_the_source() -> None:
    assert signature_of(mpg_research.load_study, "load_study").startswith("load_study(")
    assert "shape='spline'" in signature_of(mpg_research.fit_trajectory, "fit_trajectory")
    assert signature_of(mpg_research.Audience, "Audience").startswith("Audience(role")


def test_every_exit_code_is_said() -> None:
    kinds = [MpgError, *MpgError.__subclasses__()]
    assert {kind.exit_code for kind in kinds} | {0, 1, 8, 70, 130} == set(exit_codes())


def test_every_setting_stands_on_its_page() -> None:
    page = MADE["reference/settings.md"]()
    for section, field in StudyConfig.model_fields.items():
        assert f"## `[{section}" in page
        for setting in getattr(field.annotation, "model_fields", {}):
            assert f"| `{setting}` |" in page, (section, setting)
    assert all(MADE[name]() for name in MADE)


def test_every_meaning_of_a_column_has_words() -> None:
    assert set(MEANINGS) == set(Meaning.__args__)


def test_the_export_to_practise_on_is_what_the_command_writes(tmp_path: Path) -> None:
    write_export(tmp_path)
    for path in (ROOT / "docs" / "tutorial" / "export").iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_the_site_names_pages_that_are_there_or_are_made() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    named = set(re.findall(r"'([\w/.]+\.md)'", str(site["nav"])))
    made = {f"docs/{name}" for name in MADE} | {f"docs/reference/api/{name}" for name in api_pages()}
    made |= {"index.md", "docs/gallery/index.md", "docs/reference/result_tables.md"}
    assert {name for name in named - made if not (ROOT / name).is_file()} == set()
    assert made <= named
    assert site["theme"]["font"] is False


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="b.html#there">b</a><a href="sub/">s</a><a href="https://example.org">w</a>', ""),
        ('<a href="gone.html">b</a>', "which is not there"),
        ('<a href="b.html#nowhere">b</a>', "no such place"),
        ('<script src="https://example.org/x.js"></script>', "loads https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "loads //example.org/x.css"),
        ('<img src="no.png">', "which is not there"),
    ],
)
def test_faults_of_a_site_are_found(tmp_path: Path, body: str, fault: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text("<p>s</p>")
    (tmp_path / "b.html").write_text('<h2 id="there">b</h2>')
    (tmp_path / "a.html").write_text(body)
    found = faults_of(tmp_path)
    assert (fault in found[0] and len(found) == 1) if fault else found == []


def test_the_one_script_from_elsewhere_is_kept_local(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.html").write_text(f'<script src="{SHIM}"></script>')
    assert len(faults_of(tmp_path)) == 1
    keep_local(tmp_path)
    from docs_site import checked

    checked._read.cache_clear()
    assert faults_of(tmp_path) == []
