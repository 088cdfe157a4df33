"""Small notebooks for the tests of the machinery: they load no study and draw nothing."""

from pathlib import Path

import nbformat
from nbformat import v4

from mpg_research.reporting.notebooks import DECLARATION, find_notebooks

DEFAULTS = 'study = ""\nlanguage = "nl"\noutput = ""'
SHOW = """\
from pathlib import Path
from mpg_research.reporting.files import json_bytes
from mpg_research.writing import write_atomically
from mpg_research.reporting.parameters import validate_parameters
from mpg_research.reporting.session.session import RECORD, Shown
from mpg_research.reporting.session.written import note_file, note_shown
from types import SimpleNamespace

def sentence(text):
    bundle = {"text/html": f"<p>{text}</p>", "text/plain": text}
    note_shown(Path(output), bundle)  # as a session does
    return Shown(SimpleNamespace(_repr_mimebundle_=lambda include, exclude: bundle), {role!r})
"""
#: What the notebooks of the package say of themselves.
NOTEBOOKS = find_notebooks()


def make_notebook(
    folder: Path,
    name: str,
    *code: str,
    defaults: str | None = None,
    declared: dict[str, object] | None = None,
) -> Path:
    """A notebook with the right parameter cell, a title in two languages, and these code cells.

    Without ``declared`` it is one of the package's, by name and with what that says of itself.
    """
    if declared is None:
        spec = NOTEBOOKS[name]
        declared = {"notebook": name, "role": spec.role}
        fields = spec.model.model_fields.items()
        defaults = defaults or "\n".join(f"{field} = {info.default!r}" for field, info in fields)
    cells = [
        v4.new_markdown_cell(f"# Verslag {name}\n\n## Uitkomst\n\nTekst.", metadata={"tags": ["nl"]}),
        v4.new_markdown_cell(f"# Report {name}\n\n## Outcome\n\nText.", metadata={"tags": ["en"]}),
        v4.new_code_cell(defaults or DEFAULTS, metadata={"tags": ["parameters"]}),
        v4.new_code_cell(SHOW.replace("{role!r}", repr(declared.get("role")))),
        *(v4.new_code_cell(source) for source in code),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(v4.new_notebook(cells=cells, metadata={DECLARATION: declared}), path)
    return path


def make_all_notebooks(folder: Path, *code: str) -> Path:
    """All notebooks of the main job, each with the same code cells."""
    for name in NOTEBOOKS:
        make_notebook(folder, name, *(code or ('sentence("Een zin.")', WRITE_TABLE)))
    return folder


WRITE_TABLE = """\
flow = [{"step": "read", "n_families": 20}]
result = {
    "kind": "trajectory", "verb": "fit_trajectory", "module": "mpg_research.analysis.growth.trajectory",
    "part": "", "options": {}, "parameters": {}, "notes": [], "withheld": [], "sample_flow": flow,
}
cells = {"flow": {"rows": 1, "cells": 1, "rows_suppressed": 0, "suppressed": 0, "rounded": 0}}
shown = {"kind": "tables", "name": "flow", "result": "fit_trajectory", "cells": cells, "rules": []}
record = {"organisations": [], "results": {"fit_trajectory": result}, "shown": {"T-00000": shown}}
table = write_atomically(Path(output) / "tables" / "flow.csv", b"step;n_families\\nread;20\\n")
note_file(Path(output), write_atomically(Path(output) / RECORD, json_bytes(record)), table);
"""
