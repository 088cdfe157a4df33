"""A page is the same, byte for byte, without the store, when it fills it, and when it reads from it."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mpg_research.reporting.notebooks import read_notebook
from mpg_research.reporting.store import results, source
from mpg_research.study.shipped import shipped_notebooks

ROOT = Path(__file__).resolve().parents[3]


def shown(notebook: str, output: Path, **parameters: str) -> tuple[list[Any], dict[str, bytes]]:
    """What the cells of a notebook show, and the files that they write."""
    file = shipped_notebooks() / f"{notebook}.ipynb"
    names = read_notebook(file).model().model_dump() | {"language": "en", "output": str(output)} | parameters
    bundles = []
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            *statements, last = ast.parse("".join(cell["source"])).body
            exec(compile(ast.Module(statements, []), notebook, "exec"), names)
            if isinstance(last, ast.Expr):
                bundles.append(eval(compile(ast.Expression(last.value), notebook, "eval"), names))
            else:
                exec(compile(ast.Module([last], []), notebook, "exec"), names)
    written = {
        path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()
    }
    return [bundle._repr_mimebundle_() for bundle in bundles], written


@pytest.mark.parametrize("notebook", ["02_measurement", "report_organisation"])
def test_what_a_notebook_shows_and_writes_is_the_same_with_the_store(
    notebook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, cache in (("without", "off"), ("fills", str(tmp_path)), ("reads", str(tmp_path))):
        monkeypatch.setenv("MPG_CACHE", cache)
        results.forget()
        source._OPEN.clear()
        monkeypatch.setattr(source, "_CODE_AT_START", [])  # an earlier test may have set another
        if name == "reads":
            monkeypatch.setattr("mpg_research.study.load.load_study", None)
        found.append(shown(notebook, tmp_path / name))
    assert len(found[0][0]) > 10
    assert len(found[0][1]) > 5
    assert found[0] == found[1] == found[2]


READ = """
import sys
from mpg_research import begin
session = begin("report_organisation", language="en")
session.release(session.analyse("compare_organisations"))
heavy = ("scipy", "statsmodels", "pingouin", "mpg_research.study.load", "mpg_research.mixed")
print([name for name in heavy if name in sys.modules])
"""


def test_reading_a_stored_result_loads_neither_the_study_nor_what_computes(tmp_path: Path) -> None:
    """The first of two processes fills the store, the second reads it."""
    environment = {"PYTHONPATH": str(ROOT), "MPG_CACHE": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", READ]
    said = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert "mpg_research.mixed" in said[0]
    assert said[1] == "[]"
