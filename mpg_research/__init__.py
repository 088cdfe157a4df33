"""Longitudinal analysis of parenting stress in multi-problem families.

A study folder goes in, trustworthy reports come out, with one command (``mpg run``).
In a notebook or script::

    from mpg_research import load_study, fit_trajectory, compare_organisations, show

Names are imported on first use, so that ``import mpg_research`` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "load_study": "mpg_research.study",
    "check_study": "mpg_research.study",
    "Study": "mpg_research.study",
    "Scores": "mpg_research.study",
    "fit_mixed": "mpg_research.mixed",
    "fit_trajectory": "mpg_research.analysis",
    "ErrorModel": "mpg_research.analysis",
    "Margin": "mpg_research.analysis",
    "Thresholds": "mpg_research.analysis",
    "compare_organisations": "mpg_research.analysis",
    "check_robustness": "mpg_research.analysis",
    "compare_cohorts": "mpg_research.analysis",
    "compare_providers": "mpg_research.analysis",
    "describe_quality": "mpg_research.analysis",
    "describe_measurement": "mpg_research.analysis",
    "reliable_change": "mpg_research.analysis",
    "reliable_trend": "mpg_research.analysis",
    "course": "mpg_research.analysis",
    "sudden_changes": "mpg_research.analysis",
    "expected_course": "mpg_research.analysis",
    "signals": "mpg_research.analysis",
    "evaluate_signals": "mpg_research.analysis",
    "describe_missing": "mpg_research.analysis",
    "Audience": "mpg_research.disclosure",
    "policy_of": "mpg_research.disclosure",
    "release": "mpg_research.disclosure",
    "show": "mpg_research.present",
    "begin": "mpg_research.reporting",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
