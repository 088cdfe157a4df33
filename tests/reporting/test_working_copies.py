"""Copies of the notebooks to work in: one language, the study filled in, nothing of a user's lost."""

import json
from pathlib import Path

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.languages import languages
from mpg_research.reporting.allowed_notebooks import judge_notebooks
from mpg_research.reporting.files import MANIFEST
from mpg_research.reporting.notebooks import find_notebooks
from mpg_research.reporting.page.notebook_texts import TEXT
from mpg_research.reporting.session import session as session_module
from mpg_research.reporting.working_copies import write_working_copies
from mpg_research.study import shipped_example, shipped_notebooks

NAMES = sorted(path.name for path in shipped_notebooks().glob("*.ipynb"))


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text("utf-8"))["cells"]


@pytest.mark.parametrize("language", languages())
def test_a_copy_has_the_texts_of_one_language_and_all_that_computes(tmp_path: Path, language: str) -> None:
    odd = tmp_path / 'a "study"\'s place'
    odd.symlink_to(shipped_example(), target_is_directory=True)
    found = write_working_copies(tmp_path / "lab", study=odd, language=language)
    assert list(found.written) == NAMES
    assert "00_start_here.ipynb" in NAMES
    for name in NAMES:
        whole, copy = cells_of(shipped_notebooks() / name), cells_of(tmp_path / "lab" / name)
        keys = [tag for cell in whole for tag in cell["metadata"].get("tags", []) if tag.startswith(TEXT)]
        texts = [cell for cell in copy if cell["cell_type"] == "markdown"]
        assert len(texts) == len(keys) / len(languages()), name
        assert not [text for text in texts if "{" in "".join(text["source"])], "words are filled in"
        computing = [cell for cell in whole if cell["cell_type"] == "code"]
        (parameters,) = [cell for cell in copy if "parameters" in cell["metadata"].get("tags", [])]
        values: dict[str, object] = {}
        exec("".join(parameters["source"]), values)
        assert values["language"] == language
        assert Path(str(values["study"])) == odd
        assert len([cell for cell in copy if cell["cell_type"] == "code"]) == len(computing)
        assert json.loads((tmp_path / "lab" / name).read_text("utf-8"))["nbformat"] == 4


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path, capsys) -> None:
    (tmp_path / "lab").mkdir()
    mine = tmp_path / "lab" / "03_trajectories.ipynb"
    mine.write_text("my own work", "utf-8")
    assert main(["notebooks", str(tmp_path / "lab"), "--language", "en"]) == 0
    assert mine.read_text("utf-8") == "my own work"
    said = capsys.readouterr().out
    assert "Left as they are, for they were there: 03_trajectories.ipynb." in said
    assert write_working_copies(tmp_path / "lab", language="nl").written == ()


def test_a_run_does_not_take_a_copy_for_the_package_s_own(tmp_path: Path) -> None:
    write_working_copies(tmp_path / "lab", language="nl")
    standings = judge_notebooks(find_notebooks(tmp_path / "lab").values(), shipped_example())
    assert {standing.kind for standing in standings.values()} == {"modified"}


def test_what_cannot_be_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no language 'de'; expected nl, en"):
        write_working_copies(tmp_path / "lab", language="de")
    with pytest.raises(ConfigError, match="has no study"):
        write_working_copies(tmp_path / "lab", study=tmp_path)
    (tmp_path / "reports" / "small" / "funder").mkdir(parents=True)
    (tmp_path / "reports" / "small" / "funder" / MANIFEST).write_text("{}", "utf-8")
    (tmp_path / "reports" / "small" / "index.html").write_text("", "utf-8")
    (tmp_path / "other").mkdir()  # a manifest of something else, not far away, is nothing
    (tmp_path / "other" / MANIFEST).write_text("{}", "utf-8")
    assert write_working_copies(tmp_path / "mine", language="en").written
    for place in ("small", "small/funder", "small/funder/lab"):
        with pytest.raises(DisclosureError, match="is passed on"):
            write_working_copies(tmp_path / "reports" / place)
    assert not (tmp_path / "lab").exists()
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigError, match="Nothing can be written in"):
        write_working_copies(tmp_path / "file")


def test_by_hand_a_long_analysis_says_so_and_a_page_says_nothing(monkeypatch, capsys) -> None:
    monkeypatch.setattr(session_module, "_A_WHILE", 0.0)
    for by_hand in (True, False):
        with session_module._told("fit_trajectory", by_hand=by_hand):
            pass
        said = capsys.readouterr().err
        assert ("fit_trajectory: 0 s" in said) is by_hand
