"""The target trial that is emulated: its choices, all of them named settings, and what it asks of data."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.errors import ConfigError
from mpg_research.study.config.study_toml import DAYS_PER_MONTH

__all__ = ["ANY", "STABILITY", "Stagnation", "TrialLimits", "TrialProtocol"]

#: The strategy "an intervention of whatever kind".
ANY = "any"
#: Interventions after which the goal is no longer that the score falls, but that it does not rise.
STABILITY = ("critical_maximum",)
#: When help stands still: no better than some months before; or what the signals say of the wave.
Stagnation = Literal["no_progress", "signal"]
#: What may happen to those who start nothing: nothing until the outcome either, or whatever is usual.
Later = Literal["none", "as_usual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProtocol:
    """Who enters, what is compared, what is looked at; every number is our own choice, not a rule of others.

    Attributes
    ----------
    stagnation : {"no_progress", "signal"}
        A wave makes a family eligible where its score is no better than the score ``lookback`` months before
        by more than ``progress``; or where the signal of the wave is off track or may be standing still.
    lookback : float
        Months.
    progress : float
        Points of improvement up to which help counts as standing still.
    washout : float, optional
        Months before the wave in which there was no intervention; by default there was none at all before in
        this period of help.
    grace_weeks : float
        Weeks within which the intervention starts, counted from the wave, and before the next wave: what is
        done after a new score answers that one.
    later : {"none", "as_usual"}
        What happens to those who started nothing: nothing until the outcome, or whatever is usual.
    months : tuple of float
        Months after the wave of which the score is compared.
    window : float
        How far from that month the score may lie; of several the nearest counts.
    stable : float, optional
        Points by which a score may be worse and still count as not worse, where the goal is stability; by
        default half a standard deviation of the scores at eligible waves.
    """

    stagnation: Stagnation = "no_progress"
    lookback: float = 3.0
    progress: float = 0.0
    washout: float | None = None
    grace_weeks: float = 8.0
    later: Later = "none"
    months: tuple[float, ...] = (3.0, 6.0)
    window: float = 1.0
    stable: float | None = None

    @property
    def grace(self) -> float:
        """Months within which the intervention starts."""
        return self.grace_weeks * 7 / DAYS_PER_MONTH

    def is_quiet(self, months: FloatArray) -> BoolArray:
        """Whether so long without an intervention is enough.

        Parameters
        ----------
        months : ndarray, shape (n,)
            Since the last one; infinite where there was none.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        least = np.inf if self.washout is None else self.washout
        return np.asarray(months >= least, dtype=bool)

    def __post_init__(self) -> None:
        if self.stagnation not in ("no_progress", "signal"):
            raise ConfigError(f"stagnation = {self.stagnation!r}; expected no_progress or signal.")
        if self.later not in ("none", "as_usual"):
            raise ConfigError(f"later = {self.later!r}; expected none or as_usual.")
        positive = {"lookback": self.lookback, "grace_weeks": self.grace_weeks, "window": self.window}
        for name, value in positive.items():
            if not value > 0:
                raise ConfigError(f"{name} = {value}; expected a positive number.")
        if self.washout is not None and not self.washout >= 0:
            raise ConfigError(f"washout = {self.washout}; expected a number of months, 0 or more.")
        if not self.months:
            raise ConfigError("months is empty; expected months after the wave, such as (3, 6).")
        for month in self.months:
            if not month - self.window > self.grace:
                raise ConfigError(
                    f"months = {month:g} with window = {self.window:g}: the score could lie within the "
                    f"{self.grace_weeks:g} weeks of grace. Take a later month or a smaller window."
                )
        if self.stable is not None and not self.stable >= 0:
            raise ConfigError(f"stable = {self.stable}; expected a number of points, 0 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLimits:
    """From when on a comparison cannot be made from the data; our own choices.

    Attributes
    ----------
    families : int
        Fewest families per strategy that followed it and have an outcome.
    effective : float
        Smallest effective sample size of a strategy.
    overlap : float
        Smallest share of all trials whose chance of a start occurs under both strategies.
    imbalance : float
        Largest standardised difference between the strategies after weighting.
    clusters : int
        Fewest workers (or families, where workers are not known).
    truncation : float
        Weights above this quantile of their strategy are set to it.
    few_clusters : int
        Up to so many clusters errors are corrected for their being few.
    per_column : int
        Starts that the model needs for each of its columns: case mix beyond that is left out.
    """

    families: int = 20
    effective: float = 20.0
    overlap: float = 0.8
    imbalance: float = 0.2
    clusters: int = 8
    truncation: float = 0.99
    few_clusters: int = 100
    per_column: int = 5

    def __post_init__(self) -> None:
        for name in ("overlap", "truncation"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ConfigError(f"{name} = {value}; expected a share above 0 and at most 1.")
        for name in ("families", "effective", "imbalance", "clusters", "per_column"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigError(f"{name} = {value}; expected a positive number.")
