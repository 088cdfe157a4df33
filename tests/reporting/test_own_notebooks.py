"""Own is what stands in a notebook: every edit that could change a page is noticed, saving is not."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from mpg_research.cli import main
from mpg_research.errors import ConfigError
from mpg_research.reporting.allowed_notebooks import (
    REGISTER,
    judge_notebooks,
    read_register,
    refuse_unknown,
    register_notebooks,
)
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.own_notebooks import (
    OWN_LIST,
    content_of,
    difference_from_own,
    is_own,
    own_list,
    write_own_list,
)
from mpg_research.study.shipped import shipped_notebooks
from tests.reporting.notebook_makers import DEFAULTS, make_notebook

NAME = "report_funder"
CODE = 5  # place of a cell of code


@pytest.fixture
def notebook() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((shipped_notebooks() / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    assert content["cells"][CODE]["cell_type"] == "code"
    return content


def test_the_list_is_that_of_the_notebooks_that_are_shipped() -> None:
    files = list(shipped_notebooks().glob("*.ipynb"))
    assert OWN_LIST.read_bytes() == write_own_list(files), (
        "a notebook was changed: python -m mpg_research.reporting.own_notebooks writes the list anew"
    )
    assert set(own_list()) == {path.stem for path in files}
    assert all(is_own(path.stem, content_of(path)) for path in files)


def _code(notebook: dict[str, Any]) -> None:
    notebook["cells"][CODE]["source"] = ["session.study"]


def _one_letter(notebook: dict[str, Any]) -> None:
    notebook["cells"][CODE]["source"][0] += " "


def _text(notebook: dict[str, Any]) -> None:
    notebook["cells"][0]["source"][-1] += "!"


def _another_kind(notebook: dict[str, Any]) -> None:
    notebook["cells"][0]["cell_type"] = "code"


def _tags(notebook: dict[str, Any]) -> None:
    notebook["cells"][CODE]["metadata"]["tags"] = ["nl"]


def _no_tags(notebook: dict[str, Any]) -> None:
    notebook["cells"][0]["metadata"] = {}


def _added(notebook: dict[str, Any]) -> None:
    notebook["cells"].insert(CODE, copy.deepcopy(notebook["cells"][CODE]) | {"source": "1"})


def _added_as_if_injected(notebook: dict[str, Any]) -> None:
    _added(notebook)
    notebook["cells"][CODE]["metadata"] = {"tags": ["injected-parameters"]}


def _added_at_the_end(notebook: dict[str, Any]) -> None:
    notebook["cells"].append(copy.deepcopy(notebook["cells"][CODE]))


def _left_out(notebook: dict[str, Any]) -> None:
    del notebook["cells"][CODE]


def _swapped(notebook: dict[str, Any]) -> None:
    cells = notebook["cells"]
    cells[CODE], cells[CODE + 1] = cells[CODE + 1], cells[CODE]


def _role(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["mpg_research"]["role"] = "researcher"


def _says_nothing(notebook: dict[str, Any]) -> None:
    del notebook["metadata"]["mpg_research"]


EDITS = {
    _code: "cell 6 was changed",
    _one_letter: "cell 6 was changed",
    _text: "cell 1 was changed",
    _another_kind: "cell 1 was changed",
    _tags: "cell 6 was changed",
    _no_tags: "cell 1 was changed",
    _added: "cell 6 was added",
    _added_as_if_injected: "cell 6 was added",
    _added_at_the_end: "was added",
    _left_out: "cell 6 of the package's is left out",
    _swapped: "cell 6 is the first that differs",
    _role: "what it says of itself in its metadata was changed",
    _says_nothing: "what it says of itself in its metadata was changed",
}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_every_edit_is_noticed_and_its_place_is_said(edit: Any, notebook: dict[str, Any]) -> None:
    edit(notebook)
    content = content_of(notebook)
    assert not is_own(NAME, content)
    assert EDITS[edit] in difference_from_own(NAME, content)


def test_a_notebook_under_the_name_of_another_is_not_the_packages(notebook: dict[str, Any]) -> None:
    assert not is_own("report_organisation", content_of(notebook))
    assert not is_own("07_mine", content_of(notebook))
    assert difference_from_own("07_mine", content_of(notebook)) == "the package has no notebook of this name"


def test_opening_running_and_saving_is_no_edit(notebook: dict[str, Any]) -> None:
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"other-{number}"
        cell["metadata"] |= {"collapsed": False, "execution": {"iopub.status.busy": "2026"}}
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell |= {"execution_count": number, "outputs": [{"output_type": "stream", "text": "x"}]}
    notebook["metadata"]["kernelspec"] = {"name": "mine", "display_name": "Mine", "language": "python"}
    assert is_own(NAME, content_of(notebook))


def test_what_was_run_is_compared_without_the_parameters_that_a_run_puts_in(notebook: dict[str, Any]) -> None:
    before = content_of(notebook, as_run=True)
    injected = {
        "cell_type": "code",
        "metadata": {"tags": ["injected-parameters"]},
        "source": "language = 'nl'",
    }
    notebook["cells"].insert(3, injected)
    assert content_of(notebook, as_run=True) == before
    notebook["cells"].insert(3, injected)
    assert content_of(notebook, as_run=True) != before, "one such cell, not two"


def changed(folder: Path, notebook: dict[str, Any]) -> dict[str, NotebookSpec]:
    folder.mkdir(exist_ok=True)
    _code(notebook)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return find_notebooks(folder)


def test_a_changed_notebook_is_refused_until_it_is_registered_as_it_is(
    notebook: dict[str, Any], tmp_path: Path
) -> None:
    there = changed(tmp_path / "notebooks", notebook)
    study = tmp_path / "study"
    study.mkdir()
    standings = judge_notebooks(there.values(), study)
    with pytest.raises(ConfigError, match=r"report_funder.ipynb: cell 6 was changed") as caught:
        refuse_unknown(standings, there, study)
    assert f'mpg register "{study}" "{there[NAME].file}"' in str(caught.value)
    assert "--allow-modified" in str(caught.value)
    assert register_notebooks(study, [there[NAME].file]) == {NAME: "funder"}
    standings = judge_notebooks(there.values(), study)
    assert standings[NAME].kind == "registered"
    refuse_unknown(standings, there, study)
    notebook["cells"][CODE]["source"] = "session.study "
    (tmp_path / "notebooks" / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert judge_notebooks(there.values(), study)[NAME].kind == "modified", "changed after it was registered"
    own = find_notebooks()
    assert {each.kind for each in judge_notebooks(own.values(), study).values()} == {"own"}


def test_a_registered_notebook_runs_and_is_named_in_index_and_record(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = {"notebook": "07_mine", "role": "researcher"}
    folder = tmp_path / "notebooks"
    file = make_notebook(folder, "07_mine", 'sentence("Nieuw.")', defaults=DEFAULTS, declared=declared)
    options = ["run", str(study), "--output", str(tmp_path / "out"), "--notebooks", str(folder)]
    assert main(options) == ConfigError.exit_code
    assert "the package has no notebook of this name" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*options, "--explain"]) == ConfigError.exit_code
    assert main([*options, "--explain", "--allow-modified"]) == 0
    assert main(["register", str(study), str(file)]) == 0
    assert "Registered 07_mine, for the researcher" in capsys.readouterr().out
    assert main(options) == 0
    published = tmp_path / "out" / "small"
    page = published / "researcher" / "nl" / "07_mine.html"
    assert "Gewijzigd notebook" not in page.read_text(encoding="utf-8")
    assert "notebook geregistreerd" in (published / "index.html").read_text(encoding="utf-8")
    record = json.loads((published / "researcher" / "manifest.json").read_bytes())
    assert record["steps"]["nl/07_mine"]["notebook_is"] == "registered"
    (study / REGISTER).unlink()
    capsys.readouterr()
    assert main([*options, "--explain", "--allow-modified"]) == 0
    assert "the notebook is not registered any more" in capsys.readouterr().out


def test_registering_keeps_what_was_registered(notebook: dict[str, Any], tmp_path: Path) -> None:
    there = changed(tmp_path / "notebooks", notebook)
    register_notebooks(tmp_path, [there[NAME].file])
    register_notebooks(tmp_path, [shipped_notebooks() / "01_data_quality.ipynb"])
    assert set(read_register(tmp_path)) == {NAME, "01_data_quality"}
    with pytest.raises(ConfigError, match="There is no notebook"):
        register_notebooks(tmp_path, [tmp_path / "nowhere.ipynb"])
    with pytest.raises(ConfigError, match="Two notebooks have the name"):
        register_notebooks(tmp_path, [there[NAME].file, shipped_notebooks() / f"{NAME}.ipynb"])


@pytest.mark.parametrize(
    "text", ["[", '"07_mine" = 7', '"07_mine" = "abc"', '[notebooks]\n"07_mine" = "x"', f'a = "{"A" * 64}"']
)
def test_a_list_that_is_not_right_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / REGISTER).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="as mpg register writes them"):
        read_register(tmp_path)
