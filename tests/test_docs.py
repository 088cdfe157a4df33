"""What the README and the docs show can be run and read as shown."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from mpg_research.cli import build_parser, main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]
TUTORIAL = DOCS / "tutorial" / "own_study.md"
#: Run elsewhere: the tutorial (below), covariance_structures (tests/mixed/design), and the verbs of
#: organisations.md, which take long, as the examples in their docstrings.
ELSEWHERE = {
    TUTORIAL,
    DOCS / "reference" / "covariance_structures.md",
    DOCS / "explanation" / "organisations.md",
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_pages_stand_in_the_four_parts_and_are_listed() -> None:
    """A new page goes into tutorial/, how_to/, explanation/ or reference/; index.md and zensical.toml."""
    assert [path.name for path in DOCS.glob("*.md")] == ["index.md"]
    listed = re.findall(r"\]\((\w+/[^)#]+)\)", (DOCS / "index.md").read_text(encoding="utf-8"))
    pages = {page.relative_to(DOCS).as_posix() for page in PAGES if page.parent.parent == DOCS}
    assert set(listed) == pages
    site = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    assert {name for name in pages if f'"docs/{name}"' not in site} == set()


def test_code_and_messages_name_pages_that_are_there() -> None:
    for folder in ("mpg_research", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in re.findall(r"\bdocs/[\w/.]+\.(?:md|toml)\b", path.read_text(encoding="utf-8")):
                assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)} speaks of {name}"


def test_every_study_toml_in_the_docs_is_valid(tmp_path: Path) -> None:
    from mpg_research.study import read_config

    shown = [block for page in PAGES for block in blocks(page, "toml") if "[study]" in block]
    assert len(shown) > 5
    for block in shown:
        tomllib.loads(block)
        (tmp_path / "study.toml").write_text(block, encoding="utf-8")
        read_config(tmp_path)


WITH_PYTHON = [page for page in PAGES if blocks(page, "python") and page not in ELSEWHERE]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python_on_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    assert names


def commands(page: Path) -> list[str]:
    """Every ``mpg`` command that a page shows."""
    shown = [
        line for kind in ("console", "sh") for block in blocks(page, kind) for line in block.splitlines()
    ]
    found = (re.search(r"^(?:[$>] )?(?:\S*[/\\])?mpg (.+)", line) for line in shown)
    return [match.group(1) for match in found if match]


def test_every_command_on_a_page_is_one() -> None:
    parser, seen = build_parser(), 0
    for page in PAGES:
        for line in commands(page):
            parser.parse_args(shlex.split(line, comments=True))
            seen += 1
    assert seen > 25


def edited(text: str) -> str:
    """study.toml after what the tutorial tells to do with it, block by block."""
    shown = re.findall(
        r"<!-- study.toml: (\w+) -->\n```toml\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL
    )
    block = dict(shown)
    episodes, measurements = block["tables"].split("\n\n")
    text = re.sub(r"^title = .*\n", block["study"], text, count=1, flags=re.MULTILINE)
    text = text.replace('[tables.episodes]\nfile = "episodes.csv"\n', f"{episodes}\n{block['episodes']}")
    wanted = measurements + block["measurements"] + block["missing"]
    text = text.replace('[tables.measurements]\nfile = "measurements.csv"\n', wanted)
    text = re.sub(r"^case_mix = .*\n", block["case_mix"], text, count=1, flags=re.MULTILINE)
    return text + block["end"]


def test_the_tutorial_leads_from_the_export_to_a_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "mystudy"]) == 0
    for path in (DOCS / "tutorial" / "export").glob("*.csv"):
        (tmp_path / "mystudy" / path.name).write_bytes(path.read_bytes())
    file = tmp_path / "mystudy" / "study.toml"
    file.write_text(edited(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert main(["check", "mystudy"]) == 0
    assert "0 errors" in capsys.readouterr().out
    names: dict[str, object] = {}
    for block in blocks(TUTORIAL, "python"):
        exec(compile(block, TUTORIAL.name, "exec"), names)
    assert names["comparison"].converged  # type: ignore[attr-defined]


def test_the_page_of_rooms_names_every_room_and_its_door() -> None:
    package = ROOT / "mpg_research"
    rooms = {
        path.parent.relative_to(package).as_posix()
        for path in package.rglob("__init__.py")
        if len(path.parent.relative_to(package).parts) == 2
    }
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    doors = dict(re.findall(r"^\| `([\w/]+)/` \| `(\w+\.py)` \|", page, flags=re.MULTILINE))
    assert rooms | {"simulate"} == set(doors)
    for room, door in doors.items():
        assert (package / room / door).is_file(), (room, door)


def test_no_folder_of_the_package_is_a_heap() -> None:
    for folder in (ROOT / "mpg_research").rglob("*"):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 15, (folder.name, len(modules))
