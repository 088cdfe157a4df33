"""Which analyses a notebook asks for, and making one of them: plain functions of paths, for a run."""

import ast
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpg_research.errors import NotApplicableError
from mpg_research.reporting.store.verbs import verb_name, verbs

__all__ = ["Analysis", "analyses_of", "is_stored", "make_analysis"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis of a study: a verb of :mod:`mpg_research.analysis` and its options.

    Attributes
    ----------
    verb : str
        Its name.
    options : mapping
        Its arguments after the study; JSON types only.
    """

    verb: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


def analyses_of(notebook: Path, parameters: Mapping[str, Any]) -> tuple[Analysis, ...]:
    """The analyses that a notebook's code cells ask for, as far as they can be read without running it.

    Parameters
    ----------
    notebook : Path
        The notebook.
    parameters : mapping
        Its parameters with defaults filled in: what ``session.parameters.x`` stands for.

    Returns
    -------
    tuple of Analysis
        Each once, in order. Calls whose options cannot be read (a variable, a computation) are left out: the
        page computes those itself.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    found: dict[str, Analysis] = {}
    for cell in cells:
        if cell.get("cell_type") == "code":
            for analysis in _in_source("".join(cell["source"]), parameters):
                text = json.dumps([analysis.verb, analysis.options], sort_keys=True)
                found.setdefault(text, analysis)
    return tuple(found.values())


def make_analysis(study_file: str, verb: str, options: Mapping[str, Any]) -> str:
    """Compute an analysis and store it, unless it is stored already; where another makes it, wait for it.

    Parameters
    ----------
    study_file : str
        The study's folder or its ``study.toml``.
    verb : str
        Name of an analysis in :mod:`mpg_research.analysis`.
    options : mapping
        Its arguments after the study; JSON types only.

    Returns
    -------
    str
        The key under which it lies in the store; empty where it cannot be stored.
    """
    from mpg_research.reporting.store.results import is_there, key_of, result_of
    from mpg_research.reporting.store.source import open_study

    source = open_study(study_file)
    with suppress(NotApplicableError):
        result_of(source, verb_name(verb), options)
    return key_of(source.of_results, verb, options) if is_there(source, verb, options) else ""


def is_stored(study_file: str, verb: str, options: Mapping[str, Any]) -> bool:
    """Whether the result of an analysis is in the store.

    Parameters
    ----------
    study_file : str
        The study's folder or its ``study.toml``.
    verb : str
        Name of an analysis in :mod:`mpg_research.analysis`.
    options : mapping
        Its arguments after the study; JSON types only.

    Returns
    -------
    bool
    """
    from mpg_research.reporting.store.results import is_there
    from mpg_research.reporting.store.source import open_study

    return is_there(open_study(study_file), verb_name(verb), options)


def _in_source(source: str, parameters: Mapping[str, Any]) -> Iterator[Analysis]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "session.analyse"):
            continue
        verb = _verb(node.args[0]) if len(node.args) == 1 else ""
        if verb not in verbs():
            continue
        try:
            options = {str(word.arg): _value(word, parameters) for word in node.keywords}
        except ValueError:
            continue
        yield Analysis(verb, options)


def _verb(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return ast.unparse(node).rpartition(".")[2]


def _value(word: ast.keyword, parameters: Mapping[str, Any]) -> Any:
    """What an option is given: a literal, or one of the notebook's parameters.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    text = ast.unparse(word.value)
    name = text.removeprefix("session.parameters.")
    if name != text and name in parameters:
        return parameters[name]
    if word.arg is None:
        raise ValueError(text)
    return ast.literal_eval(word.value)
