"""The list of fonts of matplotlib: kept once, brought to every page, and nothing else in its place."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mpg_research.reporting.store.folder import Folder
from mpg_research.reporting.store.fonts import bring_fonts, keep_fonts

NAME = "fontlist-v999.json"


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "store")


def _made(place: Path, content: str = "{}", name: str = NAME) -> Path:
    place.mkdir()
    (place / name).write_text(content, encoding="utf-8")
    return place


def test_what_one_page_found_out_is_brought_to_the_next(store: Folder, tmp_path: Path) -> None:
    assert not bring_fonts(tmp_path / "first", folder=store)
    assert not (tmp_path / "first").exists()
    keep_fonts(_made(tmp_path / "made", '{"fonts": "é"}'), folder=store)
    assert bring_fonts(tmp_path / "next", folder=store)
    assert json.loads((tmp_path / "next" / NAME).read_text(encoding="utf-8")) == {"fonts": "é"}


@pytest.mark.parametrize(
    "name", ["matplotlibrc", "fontlist-v1.json.py", "fontlist-v../x.json", "fontlist-v.json"]
)
def test_nothing_but_a_list_of_fonts_is_kept(store: Folder, tmp_path: Path, name: str) -> None:
    place = tmp_path / "made"
    (place / name).parent.mkdir(parents=True)
    (place / name).write_text("{}", encoding="utf-8")
    keep_fonts(place, folder=store)
    keep_fonts(tmp_path / "not there", folder=store)
    assert not bring_fonts(tmp_path / "next", folder=store)


def test_a_list_that_was_touched_is_noticed_and_goes(store: Folder, tmp_path: Path) -> None:
    keep_fonts(_made(tmp_path / "made"), folder=store)
    assert store.path is not None
    (file,) = store.path.iterdir()
    file.write_bytes(file.read_bytes() + b" ")
    assert not bring_fonts(tmp_path / "next", folder=store)
    assert not file.exists()


def test_machines_do_not_share_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    shared = Folder(tmp_path / "shared" / "store", shared=True)
    keep_fonts(_made(tmp_path / "made"), folder=shared)
    assert not bring_fonts(tmp_path / "next", folder=shared)
    assert shared.size() == (0, 0)


def test_matplotlib_reads_what_is_brought(store: Folder, tmp_path: Path) -> None:
    """Its own list, with a mark in it, comes back in another process."""
    made = tmp_path / "made"
    code = "import matplotlib.font_manager as fonts; print(fonts.fontManager._FontManager__default_weight)"

    def matplotlib_in(place: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"MPLCONFIGDIR": str(place), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert matplotlib_in(made) == "normal"
    (file,) = made.glob("fontlist-*.json")
    marked = json.loads(file.read_text(encoding="utf-8")) | {"_FontManager__default_weight": "marked"}
    file.write_text(json.dumps(marked), encoding="utf-8")
    keep_fonts(made, folder=store)
    assert bring_fonts(tmp_path / "next", folder=store)
    assert matplotlib_in(tmp_path / "next") == "marked"
