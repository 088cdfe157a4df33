"""Linear mixed models: ``fit_mixed`` and what it returns.

Longitudinal data with any number of nested or crossed grouping factors, in lme4's formula
language, with degrees of freedom for small numbers of groups. Knows nothing of families.
"""

from mpg_research.mixed.estimates import Estimates
from mpg_research.mixed.fit import MixedFit, fit_mixed
from mpg_research.mixed.inference import JointTest
from mpg_research.mixed.tables import Convergence, RandomEffects

__all__ = ["Convergence", "Estimates", "JointTest", "MixedFit", "RandomEffects", "fit_mixed"]
