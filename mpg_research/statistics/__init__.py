"""Numerics beside the mixed models: arrays in, small frozen dataclasses out.

Change of single persons, from plain rows of scores: :func:`reliable_change_index` (six methods),
:func:`clinical_change` (with cut-offs, in five classes), :func:`crossed_cutoff`, :func:`percentage_change`,
:func:`important_change`; of a group :func:`group_change`, :func:`group_difference` and
:func:`true_change_shares`; over all waves :func:`reliable_trend_index`, :func:`course_answers` and
:func:`find_sudden_changes`.

``item_statistics`` is at home in :mod:`mpg_research.instruments`, and can still be had from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mpg_research.statistics.change.change_thresholds import important_change, percentage_change
from mpg_research.statistics.change.clinical_change import ClinicalChange, clinical_change
from mpg_research.statistics.change.clinical_classes import classify_change, clinical_cutoff, crossed_cutoff
from mpg_research.statistics.change.effect_size import (
    StandardisedEffect,
    hedges_correction,
    standardise_change,
)
from mpg_research.statistics.change.group_change import (
    GroupChange,
    group_change,
    group_difference,
    true_change_shares,
)
from mpg_research.statistics.change.reliable_change import (
    ReliableChangeIndex,
    reliable_change_index,
    smallest_reliable_change,
)
from mpg_research.statistics.change.reliable_trend import (
    ReliableTrendIndex,
    reliable_trend_index,
    trend_error_sd,
)
from mpg_research.statistics.change.sudden_changes import SuddenChanges, find_sudden_changes
from mpg_research.statistics.courses.course_answer import CourseAnswers, course_answers
from mpg_research.statistics.courses.waves_needed import WavesNeeded, waves_needed
from mpg_research.statistics.multiplicity import holm
from mpg_research.statistics.proportions import Proportion, wilson_interval

if TYPE_CHECKING:
    from mpg_research.instruments.items import ItemStatistics as ItemStatistics
    from mpg_research.instruments.items import item_statistics as item_statistics

__all__ = [
    "ClinicalChange",
    "CourseAnswers",
    "GroupChange",
    "ItemStatistics",
    "Proportion",
    "ReliableChangeIndex",
    "ReliableTrendIndex",
    "StandardisedEffect",
    "SuddenChanges",
    "WavesNeeded",
    "classify_change",
    "clinical_change",
    "clinical_cutoff",
    "course_answers",
    "crossed_cutoff",
    "find_sudden_changes",
    "group_change",
    "group_difference",
    "hedges_correction",
    "holm",
    "important_change",
    "item_statistics",
    "percentage_change",
    "reliable_change_index",
    "reliable_trend_index",
    "smallest_reliable_change",
    "standardise_change",
    "trend_error_sd",
    "true_change_shares",
    "waves_needed",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    # The items of a questionnaire moved upstairs; whoever asks for them here still gets them.
    if name in ("ItemStatistics", "item_statistics"):
        return getattr(import_module("mpg_research.instruments.items"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
