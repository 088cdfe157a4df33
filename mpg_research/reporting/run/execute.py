"""Run one notebook in a kernel of its own, with its parameters, and say in words why it failed."""

import logging
import re
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research import errors
from mpg_research.errors import MpgError, ReportError
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.notebooks import read_notebook
from mpg_research.reporting.parameters import check_parameters
from mpg_research.reporting.run.kernel import private_kernel_manager

__all__ = ["KernelRegistry", "NotebookFailure", "run_notebook"]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_OWN_ERRORS = {
    name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, MpgError)
}
#: Longest that one cell may take, in seconds: a runaway fit must not hold up the other reports for ever.
CELL_TIMEOUT = 1800


class NotebookFailure(ReportError):
    """A notebook did not run to its end.

    Attributes
    ----------
    traceback : str
        The kernel's traceback, for ``--debug``. It may quote data and is never written to a file.
    is_bug : bool
        True if the error is none that this package raises on purpose.
    """

    def __init__(self, message: str, *, traceback: str = "", is_bug: bool = False) -> None:
        super().__init__(message)
        self.traceback = traceback
        self.is_bug = is_bug


@dataclass
class KernelRegistry:
    """The kernels that run now, so that an interruption can end them all."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._managers: list[Any] = []
        self.stopped = False

    def add(self, manager: Any) -> None:
        """Remember a kernel's manager; if all was stopped meanwhile, end this kernel too."""
        with self._lock:
            self._managers.append(manager)
            if self.stopped:
                _kill(manager)

    def stop(self) -> None:
        """Kill every kernel at once; the threads that wait for them then come back with an error."""
        with self._lock:
            self.stopped = True
            for manager in self._managers:
                _kill(manager)


def _kill(manager: Any) -> None:
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    if process is not None and process.poll() is None:
        process.kill()


def run_notebook(
    source: Path,
    *,
    notebook: str,
    parameters: Mapping[str, Any],
    output: Path,
    registry: KernelRegistry | None = None,
) -> Any:
    """Execute a notebook with papermill and return it.

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
    registry : KernelRegistry, optional
        Where to enter the kernel.

    Returns
    -------
    NotebookNode
        With the outputs of every cell.

    Raises
    ------
    ConfigError
        If the parameters are not the notebook's, or what it says of itself is not right.
    NotebookFailure
        If a cell fails, the kernel dies, or a cell was left out.
    """
    registry = registry or KernelRegistry()
    model = read_notebook(source).model
    values = check_parameters(model, parameters, notebook).model_dump(mode="json")
    with tempfile.TemporaryDirectory(prefix="mpg-", ignore_cleanup_errors=True) as folder:
        manager = private_kernel_manager(Path(folder), notebooks=source.absolute().parent)
        node = _execute(source, values, output, _registered(manager, registry))
    _refuse_unfinished(node)
    return node


def _registered(manager_class: Any, registry: KernelRegistry) -> Any:
    class RegisteredKernelManager(manager_class):  # type: ignore[misc]
        async def start_kernel(self, **arguments: Any) -> None:
            if registry.stopped:
                raise NotebookFailure("The run was interrupted before this notebook started.")
            await super().start_kernel(**arguments)
            registry.add(self)

    return RegisteredKernelManager


def _execute(source: Path, values: Mapping[str, Any], output: Path, manager_class: Any) -> Any:
    import_nbformat()
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        return papermill.execute_notebook(
            _literal(source),
            _literal(output),
            parameters=dict(values),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            execution_timeout=CELL_TIMEOUT,
            kernel_manager_class=manager_class,
        )
    except PapermillExecutionError as error:
        raise _failure(error) from None
    except DeadKernelError:
        raise NotebookFailure(
            "The kernel died while the notebook ran. Usually the machine has too little memory: "
            "close other programs, or run with --jobs 1."
        ) from None
    except CellTimeoutError:
        raise NotebookFailure(
            f"A cell took longer than {CELL_TIMEOUT // 60} minutes and was stopped."
        ) from None


def _literal(path: Path) -> str:
    """A path that papermill leaves as it is: it would fill in braces."""
    return str(path.absolute()).replace("{", "{{").replace("}", "}}")


def _failure(error: Any) -> NotebookFailure:
    """What went wrong in the kernel: our own message if there is one, else what kind of bug it is."""
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
