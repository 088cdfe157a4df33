"""One study: configuration, table schemas, loading, checking, pseudonyms and simulation.

Names are imported on first use, so that reading a configuration does not load pandas.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "StudyConfig": "config.study_toml",
    "read_config": "config.study_toml",
    "source_paths": "config.study_toml",
    "check_study": "check",
    "load_study": "load",
    "course_frame": "scoring.course_frame",
    "init_instrument": "init",
    "init_study": "init",
    "pseudonymise": "pseudonyms",
    "safe_folder_name": "names",
    "shipped_example": "shipped",
    "shipped_notebooks": "shipped",
    "CheckReport": "model",
    "CourseFrame": "model",
    "FlowStep": "model",
    "SampleFlow": "model",
    "SourceFile": "model",
    "Study": "model",
    "Scores": "which_scores",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
