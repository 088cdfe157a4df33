"""Which notebooks a run may run: the package's own, those registered for the study, or any if the user
says so.

A notebook is a program that sees the families. One that somebody changed may show or write what it likes,
so a run stops before it, unless whoever is responsible for the study looked at it and registered it (``mpg
register``), or asks for it (``mpg run --allow-modified``). Registered is what stands in it, by hash: a
later change counts as one. The list lies in the study's folder, apart from ``study.toml``: registering a
notebook changes no result.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mpg_research.errors import ConfigError
from mpg_research.reporting.notebooks import NotebookSpec, read_notebook
from mpg_research.reporting.own_notebooks import content_of, difference_from_own, is_own
from mpg_research.toml import parse_toml
from mpg_research.writing import write_atomically

__all__ = ["REGISTER", "Standing", "judge_notebooks", "refuse_unknown", "register_notebooks"]

#: The list of registered notebooks in a study's folder.
REGISTER = "notebooks.toml"
_HEADING = """\
# Notebooks that may make reports of this study although they are not the package's: "name" = SHA-256 of what
# stands in it. Written by: mpg register STUDY NOTEBOOK. Whoever adds a line here has read the notebook: it is
# a program that sees every family. A notebook that is changed afterwards must be registered again.
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a notebook is one of the package's, registered for the study, or neither.

    Attributes
    ----------
    kind : {"own", "registered", "modified"}
        Which.
    sha256 : str
        Hash of what stands in it.
    difference : str
        In a few words what is other than in the package's notebook of that name; empty for its own.
    """

    kind: Literal["own", "registered", "modified"]
    sha256: str
    difference: str = ""


def judge_notebooks(notebooks: Iterable[NotebookSpec], study: Path) -> dict[str, Standing]:
    """The standing of notebooks in a study.

    Parameters
    ----------
    notebooks : iterable of NotebookSpec
        Those to look at.
    study : Path
        The study's folder.

    Returns
    -------
    dict of str to Standing
        By name.

    Raises
    ------
    ConfigError
        If the list of registered notebooks is not as it should be.
    """
    found, registered = {}, read_register(study)
    for spec in notebooks:
        content = content_of(spec.file)
        if is_own(spec.name, content):
            found[spec.name] = Standing("own", content.sha256)
        else:
            kind: Literal["registered", "modified"] = (
                "registered" if registered.get(spec.name) == content.sha256 else "modified"
            )
            found[spec.name] = Standing(kind, content.sha256, difference_from_own(spec.name, content))
    return found


def refuse_unknown(
    standings: Mapping[str, Standing], notebooks: Mapping[str, NotebookSpec], study: Path
) -> None:
    """Stop before a run that would run a notebook that is neither the package's nor registered.

    Parameters
    ----------
    standings : mapping of str to Standing
        Of the notebooks that the run would run.
    notebooks : mapping of str to NotebookSpec
        All there are, by name.
    study : Path
        The study's folder.

    Raises
    ------
    ConfigError
        With each such notebook, what differs, and what can be done.
    """
    unknown = {name: each for name, each in standings.items() if each.kind == "modified"}
    if not unknown:
        return
    listed = "\n".join(f"- {notebooks[name].file}: {each.difference}" for name, each in unknown.items())
    paths = " ".join(f'"{notebooks[name].file}"' for name in unknown)
    raise ConfigError(
        "Nothing was run, since a notebook is a program that sees every family, and these are neither as "
        f"they come with the package nor registered for this study:\n{listed}\n"
        "If you have read them and they may make reports of this study:\n"
        f'  mpg register "{study}" {paths}\n'
        "To try them out first: mpg run --allow-modified (their pages then say so). If you did not mean to "
        "change them, put those of the package back."
    )


def read_register(study: Path) -> dict[str, str]:
    """The registered notebooks of a study: hash of what stands in each, by name.

    Parameters
    ----------
    study : Path
        The study's folder.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ConfigError
        If the list is not as it should be.
    """
    path = study / REGISTER
    if not path.is_file():
        return {}
    remedy = 'expected lines such as "07_mine" = "64 hexadecimal digits", as mpg register writes them'
    try:
        listed = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); {remedy}.") from None
    for name, digest in listed.items():
        if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ConfigError(f"{path} does not give {name!r} the hash of a notebook; {remedy}.")
    return {name: str(digest) for name, digest in listed.items()}


def register_notebooks(study: Path, files: Iterable[str | Path]) -> dict[str, str]:
    """Let notebooks make reports of a study, as they are now.

    Parameters
    ----------
    study : Path
        The study's folder.
    files : iterable of str or Path
        The notebooks.

    Returns
    -------
    dict of str to str
        For whom each of them is, by name.

    Raises
    ------
    ConfigError
        If one of them is no notebook that a run can make, or two have one name.
    """
    listed, roles = read_register(study), {}
    for file in map(Path, files):
        if not file.is_file():
            raise ConfigError(f"There is no notebook {file}.")
        spec = read_notebook(file)
        if spec.name in roles:
            raise ConfigError(f"Two notebooks have the name {spec.name!r}. Give one of them another name.")
        listed[spec.name] = content_of(file).sha256
        roles[spec.name] = spec.role
    lines = [
        f'{json.dumps(name, ensure_ascii=False)} = "{digest}"\n' for name, digest in sorted(listed.items())
    ]
    write_atomically(study / REGISTER, "".join([_HEADING, *lines]).encode())
    return dict(roles)
