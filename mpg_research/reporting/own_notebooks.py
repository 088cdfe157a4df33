"""Which notebooks are the package's own: by what stands in their cells, not by their name or their place.

Of a notebook counts what can change a page: of every cell its kind, its text and its tags, in their order,
and what the notebook says of itself (for whom it is, which choices it gives). What JupyterLab writes when
somebody opens, runs and saves it does not count: outputs, numbers of runs, ids, the kernel. The hashes of
the package's own notebooks stand in ``own_notebooks.sha256`` beside this module, a line per cell, so that a
message can say which cell differs; after a change of a notebook ``python -m
mpg_research.reporting.own_notebooks`` writes them anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mpg_research.reporting.files import json_sha256
from mpg_research.reporting.notebooks import DECLARATION, notebook_content

__all__ = [
    "OWN_LIST",
    "NotebookContent",
    "content_of",
    "difference_from_own",
    "is_own",
    "own_list",
    "write_own_list",
]

#: Not among the files whose change makes pages due: a notebook's own hash does that already.
OWN_LIST = Path(__file__).with_name("own_notebooks.sha256")
_SAID = "metadata"
#: A cell that papermill puts in when it runs a notebook.
_INJECTED = "injected-parameters"
_HEADING = (
    "# What stands in the notebooks of the package, cell by cell (SHA-256; see own_notebooks.py).\n"
    "# Written by: python -m mpg_research.reporting.own_notebooks\n"
)


@dataclass(frozen=True, slots=True)
class NotebookContent:
    """What stands in a notebook, as hashes.

    Attributes
    ----------
    said : str
        Of what it says of itself.
    cells : tuple of str
        Of each cell, in order.
    """

    said: str
    cells: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """One hash over all of it."""
        return json_sha256([self.said, list(self.cells)])


def content_of(notebook: Path | Mapping[str, Any], *, as_run: bool = False) -> NotebookContent:
    """What stands in a notebook.

    Parameters
    ----------
    notebook : Path or mapping
        Its file, or the notebook itself.
    as_run : bool
        Leave out the one cell of parameters that a run puts in, so that a notebook and what was run of it are
        the same.

    Returns
    -------
    NotebookContent

    Raises
    ------
    ConfigError
        If the file cannot be read as a notebook.
    """
    content = notebook_content(notebook) if isinstance(notebook, Path) else notebook
    cells = list(content["cells"])
    injected = next((place for place, cell in enumerate(cells) if _INJECTED in _tags(cell)), None)
    if as_run and injected is not None:
        del cells[injected]
    return NotebookContent(json_sha256(content["metadata"].get(DECLARATION)), tuple(map(_cell_sha256, cells)))


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return sorted(map(str, cell.get("metadata", {}).get("tags", [])))


def _cell_sha256(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return json_sha256([cell.get("cell_type"), text, _tags(cell)])


@cache
def own_list() -> dict[str, NotebookContent]:
    """What stands in the package's own notebooks, by name."""
    said: dict[str, str] = {}
    cells: dict[str, list[str]] = {}
    for line in OWN_LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            digest, name, what = line.split()
            if what == _SAID:
                said[name] = digest
            else:
                cells.setdefault(name, []).append(digest)
    return {name: NotebookContent(digest, tuple(cells[name])) for name, digest in said.items()}


def is_own(name: str, content: NotebookContent) -> bool:
    """Whether a notebook of that name is the package's, unchanged."""
    return own_list().get(name) == content


def difference_from_own(name: str, content: NotebookContent) -> str:
    """In a few words what is other than in the package's notebook of that name.

    Parameters
    ----------
    name : str
        Of the notebook.
    content : NotebookContent
        What stands in it.

    Returns
    -------
    str
        As it stands after "07_mine.ipynb: ".
    """
    own = own_list().get(name)
    if own is None:
        return "the package has no notebook of this name"
    if content.cells != own.cells:
        pairs = zip(content.cells, own.cells, strict=False)
        first = next((place for place, (now, was) in enumerate(pairs) if now != was), None)
        if first is None:
            first = min(len(content.cells), len(own.cells))
        number, rest, of_own = first + 1, content.cells[first + 1 :], own.cells[first + 1 :]
        if content.cells[first:] == of_own:
            return f"cell {number} of the package's is left out"
        if rest == own.cells[first:]:
            return f"cell {number} was added"
        if rest == of_own:
            return f"cell {number} was changed"
        return f"cell {number} is the first that differs"
    return "what it says of itself in its metadata was changed"


def write_own_list(notebooks: Iterable[Path]) -> bytes:
    """The list of what stands in notebooks.

    Parameters
    ----------
    notebooks : iterable of Path
        Their files.

    Returns
    -------
    bytes
        What belongs in :data:`OWN_LIST`.
    """
    lines = []
    for path in sorted(notebooks):
        content = content_of(path)
        lines.append(f"{content.said}  {path.stem}  {_SAID}\n")
        lines += [
            f"{digest}  {path.stem}  {number}\n" for number, digest in enumerate(content.cells, start=1)
        ]
    return "".join([_HEADING, *lines]).encode()


if __name__ == "__main__":
    OWN_LIST.write_bytes(write_own_list(Path("notebooks").glob("*.ipynb")))
