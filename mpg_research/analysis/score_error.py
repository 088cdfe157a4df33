"""The error of a single score: the reliability in force, and where it comes from."""

from dataclasses import dataclass

import numpy as np

from mpg_research.analysis.courses import Courses, baseline_spread
from mpg_research.analysis.frame import BASELINE_MONTHS
from mpg_research.errors import ConfigError
from mpg_research.instruments import estimate_reliability
from mpg_research.statistics.reliable_trend import own_line_residuals
from mpg_research.study.model import Study

__all__ = ["ErrorSource", "measurement_error"]

#: Fewer families say too little about the error.
_LEAST_FAMILIES = 20


@dataclass(frozen=True, slots=True)
class ErrorSource:
    """Reliability of the scores and where it comes from.

    Attributes
    ----------
    reliability : float
    origin : {"published", "estimated", "given", "unknown"}
    kind : str
        Such as "alpha"; empty where the user gave a number.
    source : str
        Publication, or how it was estimated.
    sd : float
        Standard deviation of the scores at the start, in points.
    """

    reliability: float
    origin: str
    kind: str
    source: str
    sd: float

    @property
    def sem(self) -> float:
        """Standard error of measurement, in points."""
        return float(self.sd * np.sqrt(1 - self.reliability))

    @property
    def described(self) -> dict[str, object]:
        """The reliability and where it comes from, for the provenance of a result."""
        return {
            "reliability": self.reliability if np.isfinite(self.reliability) else None,
            "reliability_origin": self.origin,
            "reliability_kind": self.kind,
            "reliability_source": self.source,
        }


def measurement_error(
    study: Study,
    courses: Courses,
    reliability: float | str | None = None,
    *,
    sd: float | None = None,
    required: bool = True,
) -> ErrorSource:
    """The error of a single score.

    Parameters
    ----------
    study : Study
    courses : Courses
    reliability : float or {"published", "estimated"}, optional
        A number between 0 and 1 (both excluded), the instrument's published coefficient, or alpha
        estimated on each family's first complete questionnaire at intake. By default the published one, else
        the estimate. Where only totals are known, it is estimated from the spread of repeated scores around
        the families' own lines, which holds true fluctuation too: a lower limit, so that less counts as
        change.

    sd : float, optional
        Standard deviation of the scores, as of a norm group; by default that of this study's first scores.
    required : bool
        Whether to refuse where none was asked for and none is published or can be estimated; if not, it is
        NaN, of origin "unknown".

    Returns
    -------
    ErrorSource

    Raises
    ------
    ConfigError
        If the number is impossible, or nothing is published or can be estimated.
    """
    if sd is not None and not (np.isfinite(sd) and sd > 0):
        raise ConfigError(f"sd = {sd}; expected a positive number of points.")
    spread = baseline_spread(courses) if sd is None else float(sd)
    return _source(study, courses, reliability, spread, required=required)


def _source(
    study: Study, courses: Courses, reliability: float | str | None, sd: float, *, required: bool
) -> ErrorSource:
    instrument = courses.instrument
    published = instrument.reliability
    if isinstance(reliability, int | float) and not isinstance(reliability, bool):
        if not 0 < reliability < 1:
            raise ConfigError(
                f"reliability = {reliability:g}; expected a number between 0 and 1, both excluded. Give the "
                "coefficient of a publication, or 'estimated'."
            )
        return ErrorSource(float(reliability), "given", "", "given by the user", sd)
    if reliability not in (None, "published", "estimated"):
        raise ConfigError(f"reliability = {reliability!r}; expected a number, 'published' or 'estimated'.")
    if reliability != "estimated" and published is not None:
        return ErrorSource(published.value, "published", published.kind, published.source, sd)
    if reliability == "published":
        raise ConfigError(
            f"No reliability of {instrument.abbreviation} is on file. Give a number from a publication, or "
            "'estimated' where single items are known."
        )
    found = _estimate(study, courses)
    if found is None:
        within = _within_families(courses, sd)
        if within is not None:
            text = "one minus the spread around the families' own lines over that at the start, in this study"
            return ErrorSource(within, "estimated", "within_families", text, sd)
        if not required and reliability is None:
            return ErrorSource(float("nan"), "unknown", "", "", sd)
        raise ConfigError(
            f"The reliability of {instrument.abbreviation} is neither on file nor can it be estimated (that "
            "takes 20 families or more with all single items answered, or measured three times). Give it as "
            "a number: reliability=0.80."
        )
    text = "Cronbach's alpha on the first complete questionnaire of each family at intake in this study"
    return ErrorSource(found, "estimated", "alpha", text, sd)


def _estimate(study: Study, courses: Courses) -> float | None:
    instrument, measured = courses.instrument, study.tables["measurements"]
    if instrument.total_only or not set(instrument.items) <= set(measured.columns):
        return None
    scores = study.scores[study.scores["instrument"] == instrument.key]
    scores = scores[scores["family"].astype(str).isin(set(courses.units["family"]))]
    # At intake: an answer at a wave must not hang on later ones.
    scores = scores[scores["months"] <= BASELINE_MONTHS]
    scores = scores.sort_values(["family", "months"], kind="stable")
    answers = measured.loc[scores.index, list(instrument.items)]
    families = scores["family"].astype(str)
    found = estimate_reliability(instrument, answers, families=families, n_bootstrap=10)
    alpha = float(found.loc[found["coefficient"] == "alpha", "estimate"].iloc[0])
    return alpha if 0 < alpha < 1 else None


def _within_families(courses: Courses, sd: float) -> float | None:
    """Reliability from repeated scores; None with too few families or no spread between them."""
    rows = courses.rows
    waves = rows.groupby("course")["months"].transform("nunique")
    several = rows[waves >= 3]
    if several["family"].nunique() < _LEAST_FAMILIES or not sd > 0:
        return None
    squares, df = own_line_residuals(several["course"], several["months"], several["score"])
    found = 1 - squares / df / sd**2
    return float(found) if 0 < found < 1 else None
