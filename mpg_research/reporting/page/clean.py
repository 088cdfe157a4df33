"""An executed notebook made fit to be handed over: one language, no times, no paths, gated outputs only."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mpg_research.errors import DisclosureError, ReportError
from mpg_research.languages import languages
from mpg_research.present.language.phrases import phrases_in
from mpg_research.present.language.terms import TimeUnit, UnitWords
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.page.notebook_texts import TEXT, texts_of_notebook
from mpg_research.reporting.session.session import MARK

__all__ = ["clean_notebook", "warning_counts"]

_WARNING = re.compile(r"^(?:.*?:\d+: )?(\w*Warning)\b", re.MULTILINE)
_KEPT_OUTPUT_TYPES = ("text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain")


def clean_notebook(
    node: Any,
    *,
    language: str,
    parameters: Mapping[str, Any],
    unit: UnitWords | None = None,
    time: TimeUnit = "months",
    groups: bool = False,
) -> Any:
    """A published notebook from an executed one.

    Text cells are those of the language (:mod:`mpg_research.reporting.page.notebook_texts`); cells of other
    languages go, and so do times, run ids and whatever a program wrote to its error stream.
    Cell ids follow from the position. The parameter cell holds the step's own parameters, without this
    machine's paths.

    Parameters
    ----------
    node : NotebookNode
        The executed notebook.
    language : str
        Code of the report's language.
    parameters : mapping
        The parameters as they may be shown.
    unit : UnitWords or None
        Whom the study is about, where that is not families; the text cells say so.
    time : {"months", "weeks", "waves"}
        What the time axis counts; the text cells say so.
    groups : bool
        Whether the text cells speak of groups in place of organisations.

    Returns
    -------
    NotebookNode
        A new notebook.

    Raises
    ------
    DisclosureError
        If a cell shows something that did not come through the gate.
    ReportError
        If a cell holds an error.
    """
    nbformat = import_nbformat()

    cells: list[Any] = []
    known = set(languages())
    texts = texts_of_notebook(node.cells, phrases_in(language, groups=groups, unit=unit, time=time))
    for number, cell in enumerate(node.cells, start=1):
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown" and number - 1 not in texts:
            continue
        if cell.cell_type == "raw" or (cell.cell_type == "code" and tags & known and language not in tags):
            continue
        if "injected-parameters" in tags:
            continue
        kept = sorted(tag for tag in tags - known if not str(tag).startswith(TEXT))
        if cell.cell_type == "code":
            source = _parameter_source(parameters) if "parameters" in tags else cell.source
            clean = nbformat.v4.new_code_cell(source)
            clean.execution_count = cell.execution_count
            clean.outputs = [
                _clean_output(output, number) for output in cell.outputs if not _is_noise(output)
            ]
        else:
            clean = nbformat.v4.new_markdown_cell(texts[number - 1])
        clean.id = f"cell-{len(cells) + 1:02d}"
        clean.metadata = nbformat.from_dict({"tags": kept} if kept else {})
        cells.append(clean)
    published = nbformat.v4.new_notebook(cells=cells)
    published.nbformat_minor = 5
    published.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
            "mpg_research": {"parameters": dict(parameters), "language": language},
        }
    )
    return published


def warning_counts(node: Any) -> dict[str, int]:
    """How often which kind of Python warning was written; the text may quote data and is left out."""
    counts: Counter[str] = Counter()
    for cell in node.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                counts.update(_WARNING.findall(output.text) or ["other"])
    return dict(sorted(counts.items()))


def _is_noise(output: Any) -> bool:
    return bool(output.output_type == "stream" and output.name == "stderr")


def _clean_output(output: Any, number: int) -> Any:
    nbformat = import_nbformat()

    if output.output_type == "error":
        raise ReportError(f"Cell {number} of the notebook ended in an error.")
    if output.output_type == "stream":
        raise DisclosureError(
            f"Cell {number} of the notebook prints text. A report shows only what went through the "
            "disclosure gate: use session.sentences, session.table or session.figure, and remove the print."
        )
    if MARK not in output.get("metadata", {}):
        raise DisclosureError(
            f"Cell {number} of the notebook shows something that did not go through the disclosure gate. Use "
            "session.sentences, session.table or session.figure, or end the line with a semicolon."
        )
    data = {kind: output.data[kind] for kind in _KEPT_OUTPUT_TYPES if kind in output.data}
    return nbformat.v4.new_output("display_data", data=data, metadata={MARK: dict(output.metadata[MARK])})


def _parameter_source(parameters: Mapping[str, Any]) -> str:
    return "\n".join(
        ["# The parameters of this report", *(f"{name} = {value!r}" for name, value in parameters.items())]
    )
