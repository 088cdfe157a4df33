"""The notebooks there are: found by looking in a folder, each saying for whom it is and what it takes.

A notebook says two things of itself. In its metadata stands for whom it is::

    "mpg_research": {
        "notebook": "03_trajectories", "role": "researcher", "choices": {"shape": ["linear", "spline"]}
    }

and its cell tagged "parameters" names its parameters with their defaults, whose types are theirs. Nothing
about a notebook stands anywhere else. A copy ("03_trajectories-Copy1") still has the name of the original in
its metadata: no run makes it, so that a draft never lands in a recipient's folder.
"""

import ast
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from mpg_research.errors import ConfigError, suggestion
from mpg_research.languages import languages
from mpg_research.study.config.sections import Language
from mpg_research.study.shipped import shipped_notebooks

__all__ = [
    "DECLARATION",
    "FOLDER",
    "ROLES",
    "NotebookParameters",
    "NotebookSpec",
    "OrganisationReportParameters",
    "find_notebooks",
    "notebook_content",
    "notebook_spec",
    "read_notebook",
]

Role = Literal["researcher", "funder", "organisation", "family"]
#: For whom a notebook can be. One about a family is sensitive: no run makes it and no recipient gets it.
ROLES: tuple[Role, ...] = ("researcher", "funder", "organisation", "family")
#: Key of a notebook's metadata under which it says for whom it is.
DECLARATION = "mpg_research"
#: Environment variable that tells a kernel in which folder its notebook lies.
FOLDER = "MPG_NOTEBOOKS"
_KEYS = ("notebook", "role", "choices")
_TYPES = (str, bool, int, float, list)


class NotebookParameters(BaseModel):
    """What every notebook takes.

    Attributes
    ----------
    study : str
        Folder of the study, or its ``study.toml``. Empty: the example study.
    language : str
        Code of the language of the report; the first one by default.
    output : str
        Folder that tables and figures are written to. Empty (by hand): nothing is written.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    study: str = ""
    language: Language = languages()[0]
    output: str = ""


class OrganisationReportParameters(NotebookParameters):
    """What every report for one organisation takes.

    Attributes
    ----------
    organisation : str
        Key of the organisation in ``study.toml``. Empty (by hand): the first one there.
    """

    organisation: str = ""


@dataclass(frozen=True, slots=True)
class NotebookSpec:
    """One notebook, by what it says of itself.

    Attributes
    ----------
    name : str
        File name without ``.ipynb``.
    role : {"researcher", "funder", "organisation", "family"}
        For whom it is written; one for an organisation is made for each of them.
    model : type of NotebookParameters
        Its typed parameters.
    file : Path
        Where it lies.
    """

    name: str
    role: Role
    model: type[NotebookParameters]
    file: Path


def find_notebooks(folder: str | Path | None = None) -> dict[str, NotebookSpec]:
    """The notebooks that a run makes, by name: those in the folder that say for whom they are.

    Parameters
    ----------
    folder : str or Path, optional
        Where to look; by default among the notebooks of the package.

    Returns
    -------
    dict of str to NotebookSpec
        In the order of their names. Left out are notebooks that say nothing, copies under another name, and
        those about one family.

    Raises
    ------
    ConfigError
        If a notebook cannot be read, or what it says of itself is not right.

    Examples
    --------
    >>> find_notebooks()["report_funder"].role
    'funder'
    """
    place = Path(folder) if folder is not None else shipped_notebooks()
    found = {}
    for file in sorted(place.glob("*.ipynb")):
        said = _declared(file)
        if said is not None and said.get("notebook") == file.stem:
            spec = read_notebook(file)
            if spec.role != "family":
                found[spec.name] = spec
    return found


def notebook_spec(notebook: str, folder: str | Path | None = None) -> NotebookSpec:
    """The notebook of that name, of those that a run makes.

    Parameters
    ----------
    notebook : str
        Its name.
    folder : str or Path, optional
        Where it lies; by default where the run says, in the working folder, or among those of the package.

    Raises
    ------
    ConfigError
        If there is none, or what it says of itself is not right.
    """
    ours = [*_folder_of_the_run(), Path.cwd(), shipped_notebooks()]
    for place in ours if folder is None else [Path(folder)]:
        file = place / f"{notebook}.ipynb"
        if file.is_file():
            spec = read_notebook(file)
            if spec.role != "family":
                return spec
    known = list(find_notebooks(folder))
    raise ConfigError(
        f"There is no notebook {notebook!r}{suggestion(notebook, known)}. "
        f"The notebooks are: {', '.join(known)}."
    )


def read_notebook(file: Path) -> NotebookSpec:
    """What a notebook says of itself.

    Raises
    ------
    ConfigError
        If it does not say for whom it is, is a copy under another name, has not exactly one cell tagged
        "parameters", or that cell lacks what every notebook takes or holds more than plain values.
    """
    said = _declared(file)
    if said is None:
        example = json.dumps({DECLARATION: {"notebook": file.stem, "role": "researcher"}})
        raise ConfigError(
            f"{file.name} does not say for whom it is. Add to the metadata of the notebook (in JupyterLab: "
            f"property inspector, advanced tools, notebook metadata): {example}. The roles are: "
            f"{', '.join(ROLES)}."
        )
    for key in said:
        if key not in _KEYS:
            raise ConfigError(
                f"The metadata of {file.name} have a key {key!r} under {DECLARATION!r}"
                f"{suggestion(key, _KEYS)}; expected {', '.join(_KEYS)}."
            )
    if said.get("notebook") != file.stem:
        raise ConfigError(
            f"{file.name} says in its metadata that it is the notebook {said.get('notebook')!r}. Is it a "
            f'copy? To make it a notebook of its own, write "notebook": "{file.stem}" there, and the same '
            "name in begin()."
        )
    role = said.get("role")
    if role not in ROLES:
        raise ConfigError(
            f"The metadata of {file.name} say role {role!r}{suggestion(str(role), ROLES)}; "
            f"expected {', '.join(ROLES)}."
        )
    base = OrganisationReportParameters if role == "organisation" else NotebookParameters
    model = _model(file, base, dict(said.get("choices", {})))
    return NotebookSpec(file.stem, cast(Role, role), model, file)


def _folder_of_the_run() -> list[Path]:
    return [Path(os.environ[FOLDER])] if os.environ.get(FOLDER) else []


def _declared(file: Path) -> Mapping[str, Any] | None:
    """What stands in the metadata; of a notebook without it what the package's own of that name says."""
    said = notebook_content(file)["metadata"].get(DECLARATION)
    if said is None:
        own = shipped_notebooks() / file.name
        said = notebook_content(own)["metadata"].get(DECLARATION) if own.is_file() and own != file else None
    return said if said is None else dict(said)


def notebook_content(file: Path) -> dict[str, Any]:
    """Metadata and cells of a notebook, as its file has them.

    Parameters
    ----------
    file : Path
        The notebook.

    Returns
    -------
    dict
        ``metadata`` and ``cells``.

    Raises
    ------
    ConfigError
        If it cannot be read as a notebook.
    """
    stat = file.stat()
    return _read(file, stat.st_mtime_ns, stat.st_size)


@cache
def _read(file: Path, modified: int, size: int) -> dict[str, Any]:
    """A notebook's content; the time and the size are there so that a changed file is read again."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {"metadata": dict(content.get("metadata", {})), "cells": list(content["cells"])}
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{file} is no notebook: its content cannot be read as one.") from None


def _model(file: Path, base: type[NotebookParameters], choices: dict[str, Any]) -> type[NotebookParameters]:
    """The typed parameters: those that every notebook of the role takes, and the cell's own."""
    given = _parameter_cell(file)
    missing = [name for name in base.model_fields if name not in given]
    if missing:
        listed = "; ".join(f"{name!r} is missing" for name in missing)
        raise ConfigError(f"The parameter cell of {file.name} does not fit: {listed}.")
    own = {name: value for name, value in given.items() if name not in base.model_fields}
    for name in choices:
        if name not in own:
            raise ConfigError(
                f"The metadata of {file.name} give choices for {name!r}{suggestion(name, own)}, which its "
                "parameter cell does not have."
            )
    fields: dict[str, Any] = {}
    for name, value in own.items():
        if type(value) not in _TYPES:
            raise ConfigError(
                f"The parameter cell of {file.name} sets {name!r} to {value!r}; expected a text, a number, "
                "True or False, or a list: the type of a parameter is that of its default."
            )
        fields[name] = (Literal[tuple(choices[name])] if name in choices else type(value), value)
    model = cast("type[NotebookParameters]", create_model(file.stem, __base__=base, **fields))
    try:
        model.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{one['loc'][0]!r} is {one['input']!r}: {one['msg']}" for one in error.errors())
        raise ConfigError(f"The parameter cell of {file.name} does not fit: {wrong}.") from None
    return model


def _parameter_cell(file: Path) -> dict[str, Any]:
    """Names and defaults in the one cell tagged "parameters"."""
    cells = [
        c for c in notebook_content(file)["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])
    ]
    if len(cells) != 1:
        raise ConfigError(f"{file.name} has {len(cells)} cells tagged 'parameters'; expected exactly one.")
    source = "".join(cells[0]["source"])
    given: dict[str, Any] = {}
    try:
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.Assign):
                targets: list[ast.expr] = statement.targets
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                targets = [statement.target]
            else:
                raise ValueError
            value = ast.literal_eval(cast(ast.expr, statement.value))
            given.update({cast(ast.Name, target).id: value for target in targets})
    except (SyntaxError, ValueError, TypeError, AttributeError):
        raise ConfigError(
            f"The parameter cell of {file.name} does not fit: it holds more than names with a plain value, "
            'such as language = "nl".'
        ) from None
    return given
