"""A papermill engine that runs a notebook's cells in this process instead of in a kernel."""

import platform
from typing import Any

from papermill.engines import Engine, papermill_engines

from mpg_research.reporting.warm.messages import tell
from mpg_research.reporting.warm.outputs import CellOutputs
from mpg_research.reporting.warm.shell import notebook_shell
from mpg_research.reporting.warm.streams import notebook_streams

__all__ = ["NAME", "WarmEngine", "register_engine"]

NAME = "mpg-warm"
_TAG_ERROR_EXPECTED = "raises-exception"


class WarmEngine(Engine):  # type: ignore[misc]
    """Runs the cells where it is called; whoever wants a page to stand alone calls it in a child process."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run all cells until one fails, and write down how each ended.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
            The notebook, and papermill's record of how it goes.
        kernel_name : str
            Not used: there is no kernel.
        **options
            Nor are these.
        """
        outputs = CellOutputs()
        with notebook_shell(outputs) as shell, notebook_streams(outputs.text) as descriptors:
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, cell_index=index)
                try:
                    if cell.cell_type != "code" or not cell.source.strip():
                        continue
                    tell(beat=index)
                    outputs.begin(cell.outputs)
                    cell.execution_count = shell.execution_count
                    ended = shell.run(cell.source)
                    for stream, text in descriptors.read():
                        outputs.text(stream, text)
                    if not ended and _TAG_ERROR_EXPECTED not in cell.metadata.get("tags", []):
                        nb_man.cell_exception(cell, cell_index=index)
                        break
                finally:
                    nb_man.cell_complete(cell, cell_index=index)
        nb_man.nb.metadata["language_info"] = {
            "name": "python",
            "version": platform.python_version(),
            "mimetype": "text/x-python",
            "codemirror_mode": {"name": "ipython", "version": 3},
            "pygments_lexer": "ipython3",
            "nbconvert_exporter": "python",
            "file_extension": ".py",
        }


def register_engine() -> str:
    """Make papermill know the engine.

    Returns
    -------
    str
        The name to give as ``engine_name``.
    """
    papermill_engines.register(NAME, WarmEngine)
    return NAME
