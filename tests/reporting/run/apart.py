"""Notebooks in a process of their own, as a run makes them: functions that such a process calls."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpg_research.reporting.run.execute import NotebookFailure, run_notebook
from mpg_research.reporting.warm.pool import Ended, open_pool
from mpg_research.reporting.warm.work import Work


def nothing(given: Mapping[str, Any]) -> None:
    """What the process does first."""


def execute(given: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Run a notebook; how it failed, if it did. The executed notebook lies in ``output``."""
    try:
        run_notebook(
            Path(part["source"]),
            notebook=Path(part["source"]).stem,
            parameters=part["parameters"],
            output=Path(part["output"]),
        )
    except NotebookFailure as failure:
        return {"message": str(failure), "is_bug": failure.is_bug, "traceback": failure.traceback}
    return {}


def run_apart(*sources: Path, into: Path, patience: float = float("inf"), **parameters: Any) -> list[Ended]:
    """Run notebooks one after the other in one process, each to ``into / its name``."""
    parts = tuple(
        {"source": str(source), "parameters": parameters, "output": str(into / source.name)}
        for source in sources
    )
    work = Work("notebooks", f"{__name__}:{execute.__name__}", {}, parts, patience=patience)
    with open_pool(1, function=f"{__name__}:{nothing.__name__}", given={}) as pool:
        pool.prepare()
        return [ended for ended in pool.run([work]) if ended.what != "begins"]
