"""A whole published folder, searched: nothing of the machine in it, and names from data are only names."""

import getpass
import json
import platform
import re
import tempfile
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.page.name_search import png_words
from mpg_research.reporting.pictures import PNG
from mpg_research.reporting.run.run import RunSummary, run_study
from mpg_research.simulate.study import simulate_study

#: Names that organisations give themselves, as somebody may write them who means harm.
NAMES = [
    '" onerror="alert(1)',
    "Linde\u202ehof\u2066",
    "<img src=x onerror=alert(1)>' onload='x'",
    "javascript:alert(1) Wil\u200bg\U000e0041en",
]
SHOWN = ("Linde‹U+202E›hof‹U+2066›", "Wil‹U+200B›g‹U+E0041›en")
#: Kept out of every file: what works unseen. (Isolates are the package's own, around other scripts.)
UNSEEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2067\ufeff\U000e0000-\U000e0fff]")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSummary, Path]:
    """Reports of a synthetic study whose organisations have such names, some also as PNG."""
    place = tmp_path_factory.mktemp("odd-place-of-a-study")
    study = simulate_study(place / "study", families=100, organisations=len(NAMES), truth_families=0)
    names = iter(NAMES)
    text = (study / "study.toml").read_text(encoding="utf-8")
    text = re.sub(
        r'(\[organisations\.\w+\]\nname = )"[^"]*"',
        lambda found: found[1] + json.dumps(next(names), ensure_ascii=False),
        text,
    )
    (study / "study.toml").write_text(text, encoding="utf-8")
    assert not list(names), "every organisation has one"
    given = {"reports": place / "out", "language": ["en"], "jobs": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PNG, "1")
        first = run_study(study, only=["01_data_quality"], **given)
    summary = run_study(study, only=["report_organisation"], **given)
    for each in (first, summary):
        assert each.exit_code == 0, [outcome.reason for outcome in each.outcomes]
    return summary, place


def files_of(summary: RunSummary) -> dict[str, str]:
    """Every published file as text: of a PNG the words in it."""
    found = {}
    for path in sorted(summary.folder.rglob("*")):
        if path.is_file() and path.name != ".lock":
            content = path.read_bytes()
            words = png_words(content) if path.suffix == ".png" else content
            assert words is not None, f"{path} is whole"
            found[path.relative_to(summary.folder).as_posix()] = words.decode("utf-8")
    kinds = {Path(name).suffix for name in found}
    assert kinds - {".txt"} == {".html", ".ipynb", ".csv", ".svg", ".png", ".json"}
    return found


def test_nothing_of_the_machine_is_in_a_folder_that_is_handed_over(
    published: tuple[RunSummary, Path],
) -> None:
    summary, place = published
    secrets = {
        "study": str(place),
        "a part of its path": place.name,
        "home": str(Path.home()),
        "temporary files": tempfile.gettempdir(),
        "host": platform.node(),
        "release": platform.release(),
        "system": platform.platform(),
        # Knots at the root of time are written so; the home folder of that user is looked for above.
        "user": "" if getpass.getuser() == "root" else getpass.getuser(),
    }
    for name, written in files_of(summary).items():
        text = re.sub(r"<style>.*?</style>", "", written, flags=re.DOTALL)  # ":root" is no user
        # "root" is also how the knots of a spline lie.
        text = re.sub(r'knots(=|": "|",\s*"value": ")root', "knots", text)
        for what, secret in secrets.items():
            found = re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text)
            assert not (secret and found), f"{name} holds the {what}"
        assert not re.search(r"/(?:tmp|home|root|Users|var/folders)/", text), name
        assert not re.search(r'"(?:host|platform|user|kernel)"', text), name


def test_names_are_names_and_what_is_unseen_in_them_is_shown(published: tuple[RunSummary, Path]) -> None:
    summary, _ = published
    seen: set[str] = set()
    for name, text in files_of(summary).items():
        assert not UNSEEN.search(text), name
        seen |= {shown for shown in SHOWN if shown in unescape(text)}
        if name.endswith(".html"):
            assert not inspect_page(text)
            assert not re.search(r"<[^<>]*\son\w+\s*=", _without_values(text)), name
        if name.endswith((".html", ".svg")):
            assert not re.search(r"on(?:error|load)=[\"']", text), "not even as text"
        if name.endswith(".svg"):
            root = ElementTree.fromstring(text)
            for element in root.iter():
                assert not [key for key in element.attrib if key.startswith("on")], name
    assert seen == set(SHOWN)
    index = files_of(summary)["index.html"]
    assert "Linde‹U+202E›hof‹U+2066›" in index
    assert "&lt;img src=x onerror=alert(1)&gt;&#39; onload" in index


def _without_values(page: str) -> str:
    """A page without the values of its attributes: what is left between < and > is markup."""
    return re.sub(r'="[^"]*"', "=", page)


def test_each_organisation_has_its_report_whatever_its_name(published: tuple[RunSummary, Path]) -> None:
    summary, _ = published
    assert [outcome.status for outcome in summary.outcomes] == ["ok"] * len(NAMES)
