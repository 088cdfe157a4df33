import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.reporting.run.execute import NotebookFailure, run_notebook
from tests.reporting.notebook_makers import make_notebook


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


def test_kernels_of_two_threads_do_not_meet_and_stand_alone(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), sys.executable, os.environ['OPENBLAS_NUM_THREADS'])"
    paths = [make_notebook(tmp_path / str(number), "01_data_quality", code) for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        texts = list(pool.map(lambda path: outputs(run(path, path.parent)), paths))
    folders = {text.split()[0] for text in texts}
    assert len(folders) == 3
    assert not any(Path(folder).exists() for folder in folders), "a kernel's own folder is removed"
    assert all(text.split()[2] == "1" for text in texts)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no Unix sockets here")
def test_a_kernel_opens_no_network_port(tmp_path: Path) -> None:
    code = "from ipykernel.connect import *; print(get_connection_info(unpack=True)['transport'])"
    path = make_notebook(tmp_path, "01_data_quality", code)
    assert outputs(run(path, tmp_path)) == "ipc\n"


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


def test_a_kernel_that_dies_is_reported(tmp_path: Path) -> None:
    path = make_notebook(tmp_path, "01_data_quality", "import os; os._exit(1)")
    with pytest.raises(NotebookFailure, match="kernel died"):
        run(path, tmp_path)


def test_leaving_early_is_not_completing(tmp_path: Path) -> None:
    path = make_notebook(tmp_path, "01_data_quality", "raise SystemExit(0)", "1 + 1")
    with pytest.raises(NotebookFailure):
        run(path, tmp_path)


def test_a_parameter_the_notebook_does_not_have_stops_before_a_kernel_starts(tmp_path: Path) -> None:
    path = make_notebook(tmp_path, "01_data_quality", "1 + 1")
    with pytest.raises(ConfigError, match="'organisation' is not a parameter"):
        run(path, tmp_path, organisation="org_a")
    assert not (tmp_path / "out").exists()


def test_a_wrong_parameter_stops_inside_the_kernel_too(tmp_path: Path) -> None:
    path = make_notebook(
        tmp_path, "01_data_quality", "validate_parameters('01_data_quality', {'language': 'de'})"
    )
    with pytest.raises(NotebookFailure, match=r"language: found 'de'"):
        run(path, tmp_path)
