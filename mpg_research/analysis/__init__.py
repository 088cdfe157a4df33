"""The questions researchers ask, one module each: a Study in, a frozen result out.

The functions are imported on first use, so that ``import mpg_research.analysis`` stays light.
"""

from importlib import import_module
from typing import Any

__all__ = [
    "CourseOfFamilies",
    "Courses",
    "DataQuality",
    "ErrorModel",
    "ExpectedCourse",
    "FamilyProfile",
    "GrowthRule",
    "IndividualChange",
    "Margin",
    "Measurement",
    "MissingData",
    "OrganisationComparison",
    "OrganisationRobustness",
    "OrganisationsOverTime",
    "ProviderComparison",
    "ReliableTrend",
    "SignalQuality",
    "Signals",
    "SuddenChangesOfFamilies",
    "Thresholds",
    "TrajectoryFit",
    "check_robustness",
    "compare_cohorts",
    "compare_organisations",
    "compare_providers",
    "course",
    "course_slopes",
    "describe_family",
    "describe_measurement",
    "describe_missing",
    "describe_quality",
    "evaluate_signals",
    "expected_course",
    "fit_trajectory",
    "read_courses",
    "reliable_change",
    "reliable_trend",
    "signals",
    "sudden_changes",
]

_HOMES = {
    "DataQuality": "data.quality",
    "describe_quality": "data.quality",
    "Measurement": "data.measurement",
    "describe_measurement": "data.measurement",
    "TrajectoryFit": "growth.trajectory",
    "fit_trajectory": "growth.trajectory",
    "GrowthRule": "growth.rule",
    "OrganisationComparison": "organisations.compare",
    "compare_organisations": "organisations.compare",
    "OrganisationRobustness": "robustness.check",
    "check_robustness": "robustness.check",
    "OrganisationsOverTime": "cohorts.compare",
    "compare_cohorts": "cohorts.compare",
    "ProviderComparison": "providers.compare",
    "compare_providers": "providers.compare",
    "ErrorModel": "families.choices",
    "Margin": "families.choices",
    "Thresholds": "families.choices",
    "Courses": "families.courses",
    "read_courses": "families.courses",
    "IndividualChange": "families.change",
    "reliable_change": "families.change",
    "ReliableTrend": "families.trend",
    "reliable_trend": "families.trend",
    "CourseOfFamilies": "families.direction",
    "course": "families.direction",
    "course_slopes": "families.course_slopes",
    "SuddenChangesOfFamilies": "families.sudden_changes",
    "sudden_changes": "families.sudden_changes",
    "ExpectedCourse": "monitoring.expected_course",
    "expected_course": "monitoring.expected_course",
    "Signals": "monitoring.signals",
    "signals": "monitoring.signals",
    "SignalQuality": "monitoring.quality",
    "evaluate_signals": "monitoring.quality",
    "MissingData": "missing.describe",
    "describe_missing": "missing.describe",
    "FamilyProfile": "family_profile",
    "describe_family": "family_profile",
}


def __getattr__(name: str) -> Any:
    """Import the module behind a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
