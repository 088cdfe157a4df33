"""Reports: typed parameters, notebooks that are run, pages that are checked, and the record of it all.

Names are imported on first use, so that a run in which nothing has changed loads almost nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "begin": "session.session",
    "Session": "session.session",
    "run_study": "run.run",
    "RunSummary": "run.run",
    "validate_parameters": "parameters",
    "inspect_page": "page.accessibility",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
