"""The notebooks as they are stored: thin, in two languages, without outputs."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from mpg_research.languages import texts_in
from mpg_research.reporting.notebooks import DECLARATION, find_notebooks, read_notebook
from mpg_research.reporting.page.folding import FOLD
from mpg_research.reporting.page.notebook_texts import text_key, write_texts
from mpg_research.study import shipped_notebooks

FOLDER = shipped_notebooks()
NOTEBOOKS = find_notebooks()
LONGEST_CODE_CELL = 6
#: About one family, so no part of a run: `mpg profile` executes it, into a folder the user names.
SENSITIVE = {"course_profile"}
#: Says nothing of itself, so that no run makes it: it is where a person begins.
FOR_PEOPLE = {"00_start_here", "plan_study"}


@pytest.fixture(params=list(NOTEBOOKS))
def path(request: pytest.FixtureRequest) -> Path:
    return FOLDER / f"{request.param}.ipynb"


def calls(path: Path, name: str) -> list[ast.Call]:
    trees = (ast.parse(cell.source) for cell in cells(path, "code"))
    found = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == name]


def cells(path: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_all_in_the_folder_are_made_but_those_about_one_family() -> None:
    files = [path for path in FOLDER.glob("*.ipynb") if path.stem not in FOR_PEOPLE]
    roles = {path.stem: read_notebook(path).role for path in files}
    assert set(roles) == set(NOTEBOOKS) | SENSITIVE
    assert {name for name, role in roles.items() if role == "family"} == SENSITIVE


def test_stored_without_outputs_and_in_one_form(path: Path) -> None:
    stored = path.read_text(encoding="utf-8")
    node = json.loads(stored)
    nbformat.validate(nbformat.read(path, as_version=4))
    assert stored == json.dumps(node, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells(path, "code"))
    assert set(node["metadata"]) == {"kernelspec", "language_info", DECLARATION}


def test_thin_no_definitions_only_calls(path: Path) -> None:
    for cell in cells(path, "code"):
        tree = ast.parse(cell.source)
        forbidden = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.Try)
        assert not any(isinstance(node, forbidden) for node in ast.walk(tree)), cell.source
        assert len(cell.source.splitlines()) <= LONGEST_CODE_CELL


def test_parameters_fit_and_the_notebook_begins_with_its_own_name(path: Path) -> None:
    given = [argument.arg for call in calls(path, "begin") for argument in call.keywords]
    assert sorted(given) == sorted(read_notebook(path).model.model_fields)
    assert any(
        f'begin(\n    "{path.stem}"' in c.source or f'begin("{path.stem}"' in c.source
        for c in cells(path, "code")
    )


def test_every_text_stands_in_both_languages_side_by_side(path: Path) -> None:
    languages = [cell.metadata["tags"][0] for cell in cells(path, "markdown")]
    assert languages == ["nl", "en"] * (len(languages) // 2)
    keys = [text_key(cell) for cell in cells(path, "markdown")]
    assert keys[::2] == keys[1::2]
    assert all(len(set(cell.metadata["tags"]) - {FOLD}) == 2 for cell in cells(path, "markdown"))
    texts = [cell.source for cell in cells(path, "markdown")]
    for dutch, english in zip(texts[::2], texts[1::2], strict=True):
        assert headings(dutch) == headings(english)
        assert dutch.count("\n- ") == english.count("\n- ")


def test_the_texts_are_those_of_the_catalogue(path: Path) -> None:
    stored = json.loads(path.read_text(encoding="utf-8"))
    written = write_texts(json.loads(path.read_text(encoding="utf-8")))
    assert stored == written, "run python -m mpg_research.reporting.page.notebook_texts"


def test_the_catalogue_has_no_text_that_no_notebook_shows() -> None:
    shown = {
        f"notebook.{text_key(cell)}" for path in FOLDER.glob("*.ipynb") for cell in cells(path, "markdown")
    }
    assert shown == {key for key in texts_in("en") if key.startswith("notebook.")}


def headings(text: str) -> list[int]:
    return [len(line) - len(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")]


def test_each_says_what_may_not_be_concluded_and_what_was_decided(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert re.search("niet mag (worden geconcludeerd|concluderen)", text)
    assert re.search("may not (be concluded|conclude)", text)
    code = "\n".join(cell.source for cell in cells(path, "code"))
    assert "session.decisions(" in code
    assert '"sample_flow")' in code
