"""The files that set the package up agree with each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def name_of(requirement: str) -> str:
    return re.split(r"[<>=!~ ;\[]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_environment_yml_has_the_packages_and_bounds_of_pyproject(project: dict) -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = {entry for entry in environment["dependencies"] if isinstance(entry, str)}
    listed -= {"pip"}
    wanted = {*project["dependencies"], *project["optional-dependencies"]["dev"]}
    wanted.add("python" + project["requires-python"])
    assert listed == wanted


def test_the_packages_the_project_promises_are_dependencies(project: dict) -> None:
    promised = {"jupyterlab", "statsmodels", "pandas", "seaborn", "papermill", "pingouin"}
    assert promised <= {name_of(requirement) for requirement in project["dependencies"]}


def test_the_lowest_versions_are_the_bounds(project: dict) -> None:
    lock = (ROOT / "requirements-lowest.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\d[0-9.]*?)(?:\.0)* ", lock, flags=re.MULTILINE))
    extras = project["optional-dependencies"]
    for requirement in {*project["dependencies"], *extras["dev"], *extras["pdf"], *extras["word"]}:
        bound = re.sub(r"(?:\.0)+$", "", requirement.partition(">=")[2])
        assert pins[name_of(requirement)].startswith(bound), requirement


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-lowest.lock"])
def test_lock_files_pin_and_hash_everything_and_name_no_index(project: dict, name: str) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==\S+.*\\$", lock, flags=re.MULTILINE)
    entries = re.findall(r"^[a-z0-9].*$", lock, flags=re.MULTILINE)
    assert len(pins) == len(entries), "every entry is pinned with == and followed by hashes"
    extras = project["optional-dependencies"]
    wanted = {*project["dependencies"], *extras["dev"], *extras["pdf"], *extras["word"]}
    assert {name_of(requirement) for requirement in wanted} <= {name_of(pin) for pin in pins}
    assert not re.search(r"https?://|file:|--index|--find-links|--extra-index", lock)


def test_the_pins_of_the_site_fit_those_of_the_environment(project: dict) -> None:
    pins = []
    for name in ("requirements.lock", "requirements-docs.lock"):
        lock = (ROOT / name).read_text(encoding="utf-8")
        found = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock, flags=re.MULTILINE)
        assert not re.search(r"https?://|file:|--index|--find-links|--extra-index", lock)
        pins.append({each: {version for other, version in found if other == each} for each, _ in found})
    environment, site = pins
    assert {name_of(each) for each in project["optional-dependencies"]["docs"]} <= set(site)
    assert {each for each in site if each in environment and not site[each] & environment[each]} == set()


def test_the_version_stands_in_one_place_and_the_changelog_begins_with_it(project: dict) -> None:
    import mpg_research
    from mpg_research.version import __version__

    read_from = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "version"
    ]
    assert project["dynamic"] == ["version"]
    assert "version" not in project
    assert (ROOT / read_from["path"]).read_text(encoding="utf-8").count(f'"{__version__}"') == 1
    assert mpg_research.__version__ == __version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[(.+?)\](.*)$", changes, flags=re.MULTILINE)
    assert next(name for name, _ in releases if name != "Unreleased") == __version__
    assert all(re.fullmatch(r" - \d{4}-\d\d-\d\d", date) for name, date in releases if name != "Unreleased")


def test_the_citation_has_the_licence_and_leaves_the_version_to_the_package(project: dict) -> None:
    from mpg_research.present.paper.citation import TITLE

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "version" not in citation
    assert citation["title"] == TITLE
    assert project["license"] == citation["license"] == "GPL-3.0-or-later"


def test_public_names_exist() -> None:
    import mpg_research

    for name in mpg_research.__all__:
        assert getattr(mpg_research, name) is not None, name


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, mpg_research, mpg_research.cli; "
        "heavy = {'pandas', 'numpy', 'scipy', 'matplotlib', 'pydantic', 'papermill'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_language_travels_in_the_wheel() -> None:
    from hatchling.builders.wheel import WheelBuilder

    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    catalogue = ROOT / "mpg_research" / "present" / "catalogue"
    files = {path.relative_to(ROOT).as_posix() for path in catalogue.rglob("*.toml")}
    assert len(files) > 20
    assert files <= packed
