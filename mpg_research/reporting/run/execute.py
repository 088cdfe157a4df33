"""Run one notebook with its parameters in this process, and say in words why it failed."""

import logging
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpg_research import errors
from mpg_research.errors import MpgError, ReportError
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.notebooks import FOLDER, read_notebook
from mpg_research.reporting.parameters import check_parameters
from mpg_research.reporting.store.fonts import bring_fonts, keep_fonts
from mpg_research.reporting.warm.reset import process_restored

__all__ = ["CELL_TIMEOUT", "PROCESS_DIED", "TOO_LONG", "NotebookFailure", "run_notebook"]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_OWN_ERRORS = {
    name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, MpgError)
}
#: Longest that one cell may take, in seconds: a runaway fit must not hold up the other reports for ever.
CELL_TIMEOUT = 1800
PROCESS_DIED = (
    "The kernel died while the notebook ran. Usually the machine has too little memory: "
    "close other programs, or run with --jobs 1."
)
TOO_LONG = f"A cell took longer than {CELL_TIMEOUT // 60} minutes and was stopped."


class NotebookFailure(ReportError):
    """A notebook did not run to its end.

    Attributes
    ----------
    traceback : str
        The traceback, for ``--debug``. It may quote data and is never written to a file.
    is_bug : bool
        True if the error is none that this package raises on purpose.
    """

    def __init__(self, message: str, *, traceback: str = "", is_bug: bool = False) -> None:
        super().__init__(message)
        self.traceback = traceback
        self.is_bug = is_bug


def run_notebook(
    source: Path,
    *,
    notebook: str,
    parameters: Mapping[str, Any],
    output: Path,
    is_ours: bool = False,
) -> Any:
    """Execute a notebook with papermill in this process and return it.

    It works in an empty folder of its own, and leaves the process as it was as far as that can be done from
    within. What a run makes stands in a child process besides.

    Parameters
    ----------
    source : Path
        The notebook as it is shipped.
    notebook : str
        Its name.
    parameters : mapping
        Its parameters; JSON types only.
    output : Path
        Where the executed notebook is kept while it runs (a staging folder).
    is_ours : bool
        Whether it is one of the package, so that what matplotlib found out in it may be kept.

    Returns
    -------
    NotebookNode
        With the outputs of every cell.

    Raises
    ------
    ConfigError
        If the parameters are not the notebook's, or what it says of itself is not right.
    NotebookFailure
        If a cell fails, or a cell was left out.
    """
    model = read_notebook(source).model
    values = check_parameters(model, parameters, notebook).model_dump(mode="json")
    source, output = source.absolute(), output.absolute()
    with tempfile.TemporaryDirectory(prefix="mpg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings = folder / "matplotlib"
        has_fonts = "MPLCONFIGDIR" in os.environ or bring_fonts(settings)
        with process_restored(folder):
            os.environ |= {
                FOLDER: str(source.parent),
                "IPYTHONDIR": str(folder / "ipython"),
                "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(settings)),
            }
            node = _execute(source, values, output)
        if is_ours and not has_fonts:
            keep_fonts(settings)
    _refuse_unfinished(node)
    return node


def _execute(source: Path, values: Mapping[str, Any], output: Path) -> Any:
    import_nbformat()
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from mpg_research.reporting.warm.engine import register_engine

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        return papermill.execute_notebook(
            _literal(source),
            _literal(output),
            parameters=dict(values),
            engine_name=register_engine(),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
        )
    except PapermillExecutionError as error:
        raise _failure(error) from None


def _literal(path: Path) -> str:
    """A path that papermill leaves as it is: it would fill in braces."""
    return str(path.absolute()).replace("{", "{{").replace("}", "}}")


def _failure(error: Any) -> NotebookFailure:
    """What went wrong in a cell: our own message if there is one, else what kind of bug it is."""
    traceback = _ANSI.sub("", "\n".join(error.traceback))
    if error.ename in _OWN_ERRORS:
        return NotebookFailure(_ANSI.sub("", str(error.evalue)), traceback=traceback)
    summary = _ANSI.sub("", f"{error.ename}: {error.evalue}".splitlines()[0])[:300]
    message = f"{summary} (this is a bug in the package or the notebook; --debug shows where)"
    return NotebookFailure(message, traceback=traceback, is_bug=True)


def _refuse_unfinished(node: Any) -> None:
    """A notebook with a failed or skipped cell never becomes a report."""
    for number, cell in enumerate(node.cells, start=1):
        status = cell.metadata.get("papermill", {}).get("status")
        if status != "completed":
            raise NotebookFailure(
                f"Cell {number} of the notebook is {status or 'not run'}; it must be completed."
            )
        skipped = cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None
        if skipped:
            raise NotebookFailure(f"Cell {number} of the notebook was not run.")
