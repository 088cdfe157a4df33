"""Numerics beside the mixed models: arrays in, small frozen dataclasses out."""

from mpg_research.statistics.effect_size import StandardisedEffect, hedges_correction, standardise_change
from mpg_research.statistics.items import ItemStatistics, item_statistics
from mpg_research.statistics.multiplicity import holm
from mpg_research.statistics.proportions import Proportion, wilson_interval

__all__ = [
    "ItemStatistics",
    "Proportion",
    "StandardisedEffect",
    "hedges_correction",
    "holm",
    "item_statistics",
    "standardise_change",
    "wilson_interval",
]
