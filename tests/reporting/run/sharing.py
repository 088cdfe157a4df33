"""What a process imports for a notebook though its parent was prepared: functions for such a process."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpg_research.reporting.run.execute import run_notebook
from mpg_research.reporting.run.prepare import prepare_process

_BEFORE: set[str] = set()


def prepare(given: Mapping[str, Any]) -> dict[str, Any]:
    """As a run prepares the process that all others are forked from."""
    answer = prepare_process(given)
    _BEFORE.update(sys.modules)
    return answer


def new_modules(given: Mapping[str, Any], part: Mapping[str, Any]) -> list[str]:
    """Run a notebook, and name what was imported for it."""
    source = Path(part["source"])
    output = Path(part["parameters"]["output"]) / "executed.ipynb"
    run_notebook(source, notebook=source.stem, parameters=part["parameters"], output=output)
    return sorted(set(sys.modules) - _BEFORE)
