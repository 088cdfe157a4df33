"""Linear mixed models: ``fit_mixed`` and what it returns.

Longitudinal data with any number of nested or crossed grouping factors, in lme4's formula
language, with degrees of freedom for small numbers of groups. Knows nothing of families.
"""

from mpg_research.mixed.compare_fits import FitComparison, compare_fits
from mpg_research.mixed.covariance.compound_symmetry import CompoundSymmetry
from mpg_research.mixed.covariance.protocol import ResidualStructure
from mpg_research.mixed.covariance.series_structure import SeriesStructure
from mpg_research.mixed.covariance.structures import AR1, CAR1, VarianceBy
from mpg_research.mixed.covariance.unstructured import Unstructured
from mpg_research.mixed.fit import fit_mixed
from mpg_research.mixed.inference.estimates import Estimates
from mpg_research.mixed.inference.fit_tables import Convergence, RandomEffects
from mpg_research.mixed.inference.tests import DfRule, JointTest
from mpg_research.mixed.questions.bootstrap import Bootstrap
from mpg_research.mixed.questions.diagnostics import RSquared
from mpg_research.mixed.result import MixedFit

__all__ = [
    "AR1",
    "CAR1",
    "Bootstrap",
    "CompoundSymmetry",
    "Convergence",
    "DfRule",
    "Estimates",
    "FitComparison",
    "JointTest",
    "MixedFit",
    "RSquared",
    "RandomEffects",
    "ResidualStructure",
    "SeriesStructure",
    "Unstructured",
    "VarianceBy",
    "compare_fits",
    "fit_mixed",
]
