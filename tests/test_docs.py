"""What the README and the docs show can be run and read as shown."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_study_toml_in_the_docs_is_valid(tmp_path: Path) -> None:
    from mpg_research.study import read_config

    shown = [block for page in PAGES for block in blocks(page, "toml") if "[study]" in block]
    assert shown
    for block in shown:
        tomllib.loads(block)
        (tmp_path / "study.toml").write_text(block, encoding="utf-8")
        read_config(tmp_path)


@pytest.mark.parametrize("name", ["README.md", "docs/explanation/each_familys_course.md", "docs/reference/for_r_and_spss_users.md"])
def test_python_on_a_page_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for block in blocks(ROOT / name, "python"):
        exec(compile(block, name, "exec"), names)
    assert names


def test_the_page_of_rooms_names_every_room_and_its_door() -> None:
    package = ROOT / "mpg_research"
    rooms = {
        path.parent.relative_to(package).as_posix()
        for path in package.rglob("__init__.py")
        if len(path.parent.relative_to(package).parts) == 2
    }
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    doors = dict(re.findall(r"^\| `([\w/]+)/` \| `(\w+\.py)` \|", page, flags=re.MULTILINE))
    assert rooms | {"simulate"} == set(doors)
    for room, door in doors.items():
        assert (package / room / door).is_file(), (room, door)


def test_no_folder_of_the_package_is_a_heap() -> None:
    for folder in (ROOT / "mpg_research").rglob("*"):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 15, (folder.name, len(modules))
