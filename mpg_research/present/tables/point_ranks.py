"""Ranks as single numbers are left out where an order would be mostly chance."""

import math

from mpg_research.disclosure.released import ReleasedTable, without
from mpg_research.frames import quantity
from mpg_research.present.language.voice import Voice

__all__ = ["LEAST_RANKABILITY", "has_point_ranks", "without_point_ranks"]

#: Per cent of the differences between organisations that is no chance, below which no rank is named.
LEAST_RANKABILITY = 50.0
#: What puts one organisation at one place; between which places it may lie stays.
_POINTS = ("rank", "expected_rank", "percentile", "best_third", "worst_third")


def has_point_ranks(voice: Voice) -> bool:
    """Whether a rank may be named: rankability is shown, and half or more."""
    rankability = quantity(voice.frame("funnel_summary"), "rankability")
    return math.isfinite(rankability) and rankability >= LEAST_RANKABILITY


def without_point_ranks(voice: Voice, table: ReleasedTable) -> ReleasedTable:
    """The table of ranks without single ranks where none may be named; any other table as it is.

    Parameters
    ----------
    voice : Voice
    table : ReleasedTable
    """
    if table.name != "ranks" or has_point_ranks(voice):
        return table
    return without(table, _POINTS)
