import sys
from pathlib import Path

import nbformat
import pytest

from mpg_research.errors import ConfigError
from mpg_research.reporting.run.execute import NotebookFailure, run_notebook
from tests.reporting.notebook_makers import make_notebook
from tests.reporting.run.apart import run_apart


def run(path: Path, tmp_path: Path, **parameters: object) -> object:
    return run_notebook(
        path, notebook=path.stem, parameters=parameters, output=tmp_path / "out" / "executed.ipynb"
    )


def outputs(node: object) -> str:
    return "".join(output.get("text", "") for cell in node.cells for output in cell.get("outputs", []))


def test_parameters_arrive_with_their_types_also_through_folders_with_braces(tmp_path: Path) -> None:
    folder = tmp_path / "a {b} c"
    path = make_notebook(folder, "report_organisation", "print(repr(organisation), repr(language))")
    assert outputs(run(path, folder, organisation="007", language="en")) == "'007' 'en'\n"


def test_each_notebook_has_a_folder_of_its_own_and_one_thread_for_linear_algebra(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), sys.executable, os.environ['OPENBLAS_NUM_THREADS'])"
    paths = [make_notebook(tmp_path / str(number), "01_data_quality", code) for number in range(2)]
    for number, path in enumerate(paths):
        (ended,) = run_apart(path, into=tmp_path / f"out {number}")
        assert ended.result == {}
    texts = [outputs(nbformat.read(tmp_path / f"out {n}" / path.name, 4)) for n, path in enumerate(paths)]
    folders = {text.split()[0] for text in texts}
    assert len(folders) == 2
    assert not any(Path(folder).exists() for folder in folders), "a notebook's own folder is removed"
    assert [text.split()[1:] for text in texts] == [[sys.executable, "1"]] * 2


def test_the_packages_own_message_is_the_reason(tmp_path: Path) -> None:
    code = "from mpg_research.errors import DataError; raise DataError('measurements.csv, row 12: found 5.')"
    path = make_notebook(tmp_path, "01_data_quality", code)
    with pytest.raises(NotebookFailure) as caught:
        run(path, tmp_path)
    assert str(caught.value) == "measurements.csv, row 12: found 5."
    assert not caught.value.is_bug
    assert "DataError" in caught.value.traceback


def test_any_other_error_is_called_a_bug(tmp_path: Path) -> None:
    path = make_notebook(tmp_path, "01_data_quality", "{}['family']")
    with pytest.raises(NotebookFailure, match=r"^KeyError: 'family' \(this is a bug") as caught:
        run(path, tmp_path)
    assert caught.value.is_bug


def test_leaving_early_is_not_completing(tmp_path: Path) -> None:
    for code in ("raise SystemExit(0)", "exit", "quit()"):
        for cells in ([code], [code, "1 + 1"]):
            path = make_notebook(tmp_path, "01_data_quality", *cells)
            with pytest.raises(NotebookFailure):
                run(path, tmp_path)


def test_a_parameter_the_notebook_does_not_have_stops_before_anything_runs(tmp_path: Path) -> None:
    path = make_notebook(tmp_path, "01_data_quality", "1 + 1")
    with pytest.raises(ConfigError, match="'organisation' is not a parameter"):
        run(path, tmp_path, organisation="org_a")
    assert not (tmp_path / "out").exists()


def test_a_wrong_parameter_stops_inside_the_notebook_too(tmp_path: Path) -> None:
    path = make_notebook(
        tmp_path, "01_data_quality", "validate_parameters('01_data_quality', {'language': 'de'})"
    )
    with pytest.raises(NotebookFailure, match=r"language: found 'de'"):
        run(path, tmp_path)
