"""The residual structures that the house offers: what a message lists and the documentation names."""

from typing import NamedTuple

from mpg_research.mixed.covariance.compound_symmetry import CompoundSymmetry
from mpg_research.mixed.covariance.protocol import ResidualStructure
from mpg_research.mixed.covariance.structures import AR1, CAR1, VarianceBy
from mpg_research.mixed.covariance.unstructured import Unstructured

__all__ = ["STRUCTURES", "Registered"]


class Registered(NamedTuple):
    """A structure and how it is written."""

    structure: type[ResidualStructure]
    usage: str


#: One line each. A class of one's own needs none: ``residual=`` takes any :class:`ResidualStructure`.
STRUCTURES = (
    Registered(AR1, "AR1(wave, within=family)"),
    Registered(CAR1, "CAR1(time, within=family)"),
    Registered(CompoundSymmetry, "CompoundSymmetry(within=family)"),
    Registered(Unstructured, "Unstructured(wave, within=family)"),
    Registered(VarianceBy, "VarianceBy(column)"),
)
