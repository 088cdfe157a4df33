"""Nothing is published that came from beside the session: no file, no output, no record of a notebook's
own.
"""

from pathlib import Path
from typing import Any

from mpg_research.errors import DisclosureError
from mpg_research.reporting.files import file_sha256
from mpg_research.reporting.session.session_record import RECORD
from mpg_research.reporting.session.shown import MARK
from mpg_research.reporting.session.written import Written, output_sha256
from mpg_research.visible import visible

__all__ = ["refuse_files_beside", "refuse_outputs_beside"]

_PUBLISHED = ("tables", "figures")


def refuse_files_beside(folder: Path, written: Written, notebook: str) -> dict[str, Path]:
    """The files to publish, where the folder holds what the session wrote and nothing else.

    Parameters
    ----------
    folder : Path
        The session's output folder.
    written : Written
        What the session wrote.
    notebook : str
        Name of the notebook, for the message.

    Returns
    -------
    dict of str to Path
        Tables and figures, by their name seen from the folder.

    Raises
    ------
    DisclosureError
        If a file there is not the session's, was changed since, or is gone. Its name is said, never what is
        in it.
    """
    found = {path.relative_to(folder).as_posix(): path for path in _files_in(folder)}
    for name in sorted({*found, *written.files}):
        if name not in found:
            what = "is gone, although its session had written it"
        elif name not in written.files:
            what = "was not written by its session"
        elif found[name].is_symlink() or not found[name].is_file() or _is_changed(found[name], written, name):
            what = "was changed after its session had written it"
        else:
            continue
        raise DisclosureError(
            f"{visible(name)} {what}, so nothing of this report was published. A report holds what "
            "session.table and session.figure write, as only that went through the disclosure gate. Change "
            f"the notebook {notebook}: a file of your own belongs in a folder of your own, not in this."
        )
    return {name: path for name, path in sorted(found.items()) if _is_published(name)}


def _files_in(folder: Path) -> list[Path]:
    """Everything below a folder that is no folder itself; links are not followed."""
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]


def _is_changed(path: Path, written: Written, name: str) -> bool:
    return file_sha256(path) != written.files[name]


def _is_published(name: str) -> bool:
    kind, _, file = name.partition("/")
    return name != RECORD and kind in _PUBLISHED and "/" not in file


def refuse_outputs_beside(node: Any, written: Written) -> None:
    """Stop if a cell shows something with the mark of the gate that the session did not show.

    Parameters
    ----------
    node : NotebookNode
        The notebook as it was run.
    written : Written
        What the session showed.

    Raises
    ------
    DisclosureError
        With the number of the cell.
    """
    for number, cell in enumerate(node.cells, start=1):
        for output in cell.get("outputs", []):
            marked = MARK in output.get("metadata", {})
            if marked and output_sha256(output.get("data", {})) not in written.shown:
                raise DisclosureError(
                    f"Cell {number} of the notebook shows something that its session did not make, so "
                    "nothing of this report was published. Use session.sentences, session.table or "
                    "session.figure."
                )
