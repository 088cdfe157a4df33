"""The coefficients of the Gaussian simulation, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["GaussianTruth"]

_ORGANISATIONS = ("org_a", "org_b", "org_c", "org_d", "org_e", "org_f")


def _frozen(*values: float) -> Mapping[str, float]:
    return MappingProxyType(dict(zip(_ORGANISATIONS, values, strict=True)))


@dataclass(frozen=True, slots=True)
class GaussianTruth:
    """All coefficients of a simulated growth model.

    Attributes
    ----------
    intercept, slope : float
        Mean score at time zero and mean change per month where all that is added below is 0.
    organisation_levels, organisation_slopes : mapping of str to float
        What each organisation adds to the score at time zero and to the change per month.
    case_mix_levels, case_mix_slopes : mapping of str to float
        Effects of ``child_age`` (years) and ``single_parent`` (0 or 1) on the score at time zero and on
        the change per month.
    sd_intercept, sd_slope, correlation : float
        Between families: the random intercept, the random slope, and their correlation.
    sd_worker, sd_respondent : float
        Random intercepts of workers and of respondents within families; 0 leaves them out.
    sd_residual : float
        Of single scores.
    """

    intercept: float = 60.0
    slope: float = -0.60
    organisation_levels: Mapping[str, float] = field(
        default_factory=lambda: _frozen(0.0, 1.5, -1.0, 0.5, 2.0, -0.5)
    )
    organisation_slopes: Mapping[str, float] = field(
        default_factory=lambda: _frozen(0.0, -0.20, 0.10, 0.0, 0.25, -0.10)
    )
    case_mix_levels: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"child_age": -0.15, "single_parent": 2.0})
    )
    case_mix_slopes: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"child_age": 0.0, "single_parent": 0.0})
    )
    sd_intercept: float = 6.0
    sd_slope: float = 0.5
    correlation: float = -0.2
    sd_worker: float = 0.0
    sd_respondent: float = 0.0
    sd_residual: float = 4.0

    def fixed_effects(self, *, reference: str | None = None) -> dict[str, float]:
        """Coefficients of ``score ~ months * organisation + months * child_age + months * single_parent``.

        Parameters
        ----------
        reference : str, optional
            Organisation against which the others are coded; the first by default.

        Returns
        -------
        dict of str to float
            By the names that ``fit_mixed`` gives, such as ``"months:organisation[T.org_b]"``. A term that
            a model leaves out is 0 here if its effect is.
        """
        base = next(iter(self.organisation_levels)) if reference is None else reference
        effects = {
            "Intercept": self.intercept + self.organisation_levels[base],
            "months": self.slope + self.organisation_slopes[base],
        }
        for key in self.organisation_levels:
            if key != base:
                level = self.organisation_levels[key] - self.organisation_levels[base]
                slope = self.organisation_slopes[key] - self.organisation_slopes[base]
                effects[f"organisation[T.{key}]"] = level
                effects[f"months:organisation[T.{key}]"] = slope
        for name, level in self.case_mix_levels.items():
            effects[name] = level
            effects[f"months:{name}"] = self.case_mix_slopes[name]
        return effects

    def adjusted_change(self, organisation: str, months: float, case_mix: Mapping[str, float]) -> float:
        """Expected change since time zero at an organisation, for families with this mean case mix."""
        slope = self.slope + self.organisation_slopes[organisation]
        slope += sum(self.case_mix_slopes[name] * case_mix[name] for name in self.case_mix_slopes)
        return slope * months

    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the families' intercepts and slopes, shape (2, 2)."""
        shared = self.correlation * self.sd_intercept * self.sd_slope
        return np.array([[self.sd_intercept**2, shared], [shared, self.sd_slope**2]])
