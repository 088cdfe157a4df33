"""Copies of the notebooks to work in: one language, and the study they are about filled in.

The notebooks of the package hold their texts in every language, since one file makes the page in each. In a
copy stand those of one language, and its cell of parameters names that language and the study, so that "run
all cells" in JupyterLab does what somebody expects who opens it. A run never takes a copy for the package's
own (:mod:`mpg_research.reporting.allowed_notebooks`).
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research.errors import ConfigError, DisclosureError, suggestion
from mpg_research.languages import languages
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.reporting.page.notebook_texts import texts_of_notebook
from mpg_research.reporting.profile import is_written_by_a_run
from mpg_research.study.config.study_toml import read_config
from mpg_research.study.shipped import shipped_example, shipped_notebooks
from mpg_research.writing import write_atomically

__all__ = ["WorkingCopies", "write_working_copies"]


@dataclass(frozen=True, slots=True)
class WorkingCopies:
    """What became of the copies.

    Attributes
    ----------
    folder : Path
        Where they lie.
    written, kept : tuple of str
        Names of files that were written, and of files that were there and were left as they are.
    """

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]


def write_working_copies(folder: str | Path, *, study: str | Path = "", language: str = "") -> WorkingCopies:
    """Write copies of the package's notebooks into a folder; a file that is there is never written over.

    Parameters
    ----------
    folder : str or Path
        An existing or new folder, in no folder of reports.
    study : str or Path
        The study that their cells of parameters name; empty is the example study.
    language : str
        Code of their language; empty is the first of :func:`mpg_research.languages.languages`.

    Returns
    -------
    WorkingCopies

    Raises
    ------
    ConfigError
        If the language or the study is not there, or the folder cannot be made.
    DisclosureError
        If the folder belongs to reports: what is worked in must not be passed on with them.
    """
    chosen = language or languages()[0]
    if chosen not in languages():
        known = ", ".join(languages())
        raise ConfigError(
            f"There is no language {chosen!r}{suggestion(chosen, languages())}; expected {known}."
        )
    config = read_config(study or shipped_example())
    phrases = study_phrases(config, chosen)
    place = Path(folder).expanduser()
    for above in (place.resolve(), *place.resolve().parents):
        if is_written_by_a_run(above):
            raise DisclosureError(
                f"{place} lies in a folder of reports ({above}), which is passed on. Name a folder elsewhere."
            )
    given = {"language": chosen, **({"study": str(config.folder)} if study else {})}
    written, kept = [], []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file in sorted(shipped_notebooks().glob("*.ipynb")):
            if (place / file.name).exists():
                kept.append(file.name)
                continue
            copy = _in_one_language(json.loads(file.read_bytes()), phrases, given)
            text = json.dumps(copy, ensure_ascii=False, indent=1, sort_keys=True)
            write_atomically(place / file.name, f"{text}\n".encode())
            written.append(file.name)
    except OSError as error:
        raise ConfigError(f"Nothing can be written in {place}: {error.strerror}.") from None
    return WorkingCopies(place, tuple(written), tuple(kept))


def _in_one_language(
    content: Mapping[str, Any], phrases: Phrases, given: Mapping[str, str]
) -> dict[str, Any]:
    """A notebook whose texts are in one language and whose parameters have these values."""
    copy: dict[str, Any] = dict(content)
    texts, known = texts_of_notebook(copy["cells"], phrases), set(languages())
    cells = []
    for place, cell in enumerate(copy["cells"]):
        spoken = known & set(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "markdown":
            if place not in texts:
                continue
            cell["source"] = texts[place].splitlines(keepends=True)
            cell["metadata"] = {}
        elif spoken and phrases.language not in spoken:
            continue
        elif "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = _with_values("".join(cell["source"]), given).splitlines(keepends=True)
        cells.append(cell)
    copy["cells"] = cells
    return copy


def _with_values(source: str, given: Mapping[str, str]) -> str:
    """A cell of parameters in which some have other values; everything else of it stays as it stands."""
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name in given and statement.lineno == statement.end_lineno:
                lines[statement.lineno - 1] = f"{name} = {given[name]!r}"
    return "\n".join(lines)
