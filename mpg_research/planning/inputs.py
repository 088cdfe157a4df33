"""What a plan is made of: families, organisations, waves, drop-out, spreads and the effect looked for."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ConfigError, did_you_mean

__all__ = ["INPUTS", "OURS", "PUBLISHED", "Inputs", "Origin", "change_inputs", "read_number"]

#: Above this a study is not planned here: a slip of the keyboard, or a register.
LARGEST = {"families": 20_000, "organisations": 500, "workers": 200, "waves": 120}


@dataclass(frozen=True, slots=True)
class Inputs:
    """A study as it is planned, and what is believed of its families.

    Attributes
    ----------
    families : int
        At the start, over all organisations.
    organisations : int
        How many; families are spread evenly unless ``sizes`` lists them.
    sizes : tuple of int
        Families of each organisation at the start; empty for equal ones. With another number of families
        they keep their proportions.
    workers : int
        In each organisation, each with about as many families.
    waves : int
        Measurements planned per family, the one at the start included.
    spacing : float
        Months between two waves.
    dropout : tuple of float
        Chance that a family that is still measured stops before the next month: one number for every month,
        or one per month from the first on (the last holds from then on).
    missed : float
        Chance that a single measurement after the first fails.
    sd : float
        Standard deviation of a single score at the start, over all families.
    icc_family, icc_worker, icc_organisation : float
        Shares of the variance at the start between families of a worker, between workers of an organisation,
        and between organisations; what is left is the variation of single scores.
    sd_slope, sd_slope_worker, sd_slope_organisation : float
        Standard deviations of the change per month: between families, workers and organisations.
    correlation : float
        Between a family's level and its change per month.
    serial : float
        Correlation of what is left over, a month apart.
    effect : float
        What is looked for, in points from the first to the last wave.
    treated : float
        Share of the families that get the intervention, where the question is about one.
    alpha : float
        Chance of a false finding that the test allows.
    """

    families: int = 200
    organisations: int = 6
    sizes: tuple[int, ...] = ()
    workers: int = 1
    waves: int = 13
    spacing: float = 1.0
    dropout: tuple[float, ...] = (0.03,)
    missed: float = 0.15
    sd: float = 10.0
    icc_family: float = 0.55
    icc_worker: float = 0.0
    icc_organisation: float = 0.02
    sd_slope: float = 0.5
    sd_slope_worker: float = 0.0
    sd_slope_organisation: float = 0.0
    correlation: float = -0.2
    serial: float = 0.0
    effect: float = math.nan
    treated: float = 0.5
    alpha: float = 0.05

    def __post_init__(self) -> None:
        _check(self)

    @property
    def months(self) -> FloatArray:
        """Moments of the waves, in months."""
        found: FloatArray = np.arange(self.waves, dtype=np.float64) * float(self.spacing)
        return found

    @property
    def last_month(self) -> float:
        """Month of the last wave, which the effect is about."""
        return float(self.months[-1])

    @property
    def residual_variance(self) -> float:
        """Variance of a single score around the family's own course."""
        return self.sd**2 * (1.0 - self.icc_family - self.icc_worker - self.icc_organisation)

    def family_covariance(self) -> FloatArray:
        """Covariance of the families' levels and changes per month, shape (2, 2)."""
        level, slope = math.sqrt(self.icc_family) * self.sd, self.sd_slope
        shared = self.correlation * level * slope
        return np.array([[level**2, shared], [shared, slope**2]], dtype=np.float64)

    def family_counts(self) -> IntArray:
        """Families of each organisation, shape (organisations,)."""
        shares = np.array(self.sizes or (1,) * self.organisations, dtype=float)
        limits = np.round(np.cumsum(shares / shares.sum()) * self.families)
        return np.diff(np.concatenate([[0.0], limits])).astype(np.int64)

    def retained(self) -> FloatArray:
        """Share of the families not yet stopped at each wave, shape (waves,)."""
        hazards = np.array([self.dropout[min(m, len(self.dropout) - 1)] for m in range(_whole(self) + 1)])
        stays = np.concatenate([[1.0], np.cumprod(1.0 - hazards)])
        found: FloatArray = np.interp(self.months, np.arange(len(stays)), stays)
        return found


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of an input comes from.

    Attributes
    ----------
    kind : {"given", "study", "published", "ours"}
        Of what is published the catalogues have the source: ``plan.source.NAME``.
    """

    kind: str


INPUTS = tuple(each.name for each in fields(Inputs))
#: Values that can be read in print, with where. The rest of the defaults is ours, and the page says so.
PUBLISHED = {"sd": Origin("published")}
OURS = Origin("ours")
_WHOLE = ("families", "organisations", "workers", "waves")
_SHARES = ("missed", "icc_family", "icc_worker", "icc_organisation", "serial")
_SPREADS = ("sd_slope", "sd_slope_worker", "sd_slope_organisation")


def _whole(inputs: Inputs) -> int:
    return math.ceil(inputs.last_month)


def _fail(name: str, found: Any, expected: str) -> ConfigError:
    return ConfigError(f"Plan: {name} = {found}; expected {expected}.")


def _check(inputs: Inputs) -> None:
    """Refuse what no study can be, one message each."""
    for name in _WHOLE:
        value, least = getattr(inputs, name), 2 if name == "waves" else 1
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST[name]:
            raise _fail(name, value, f"a whole number from {least} to {LARGEST[name]:,}")
    for name in _SHARES:
        if not 0 <= getattr(inputs, name) < 1:
            raise _fail(name, getattr(inputs, name), "a share from 0 to below 1")
    for name in _SPREADS:
        if not (math.isfinite(getattr(inputs, name)) and getattr(inputs, name) >= 0):
            raise _fail(name, getattr(inputs, name), "points per month, 0 or more")
    if not (math.isfinite(inputs.sd) and inputs.sd > 0):
        raise _fail("sd", inputs.sd, "points, above 0")
    if not (math.isfinite(inputs.spacing) and inputs.spacing > 0):
        raise _fail("spacing", inputs.spacing, "months between waves, above 0")
    if not -1 < inputs.correlation < 1:
        raise _fail("correlation", inputs.correlation, "a correlation between -1 and 1")
    for name in ("treated", "alpha"):
        if not 0 < getattr(inputs, name) < 1:
            raise _fail(name, getattr(inputs, name), "a share between 0 and 1")
    if not inputs.dropout or not all(0 <= each < 1 for each in inputs.dropout):
        raise _fail("dropout", list(inputs.dropout), "chances from 0 to below 1, per month")
    if not (math.isnan(inputs.effect) or math.isfinite(inputs.effect)) or inputs.effect == 0:
        raise ConfigError(
            f"Plan: effect = {inputs.effect:g}; expected the smallest change in points that would matter, "
            "not 0. The chance of a false finding where there is no effect stands beside every power."
        )
    _check_together(inputs)


def _check_together(inputs: Inputs) -> None:
    shares = {name: getattr(inputs, name) for name in ("icc_family", "icc_worker", "icc_organisation")}
    if sum(shares.values()) >= 1:
        told = " + ".join(f"{name} {value:g}" for name, value in shares.items())
        raise ConfigError(
            f"Plan: {told} = {sum(shares.values()):g}; expected less than 1 together: they are shares of one "
            "variance, and single scores vary too."
        )
    if inputs.sizes and (any(size < 2 for size in inputs.sizes) or len(inputs.sizes) != inputs.organisations):
        raise _fail("sizes", list(inputs.sizes), f"{inputs.organisations} whole numbers of 2 or more")
    if inputs.family_counts().min() < 2:
        raise _fail(
            "families", inputs.families, f"two or more in each of {inputs.organisations} organisations"
        )
    if inputs.families < inputs.organisations * inputs.workers:
        raise _fail("workers", inputs.workers, "no more than there are families in an organisation")
    if inputs.waves == 2 and inputs.sd_slope > 0 and inputs.serial > 0:
        raise _fail(
            "serial", inputs.serial, "0 with two waves: a slope and a correlation cannot be told apart"
        )
    if inputs.retained()[1:].max() * inputs.families < 2:
        raise _fail("dropout", list(inputs.dropout), "some families left at the second wave")


@dataclass(frozen=True, slots=True)
class _Reader:
    """How an input is read from a text or a TOML value."""

    whole: bool = False
    several: bool = False


_READERS = {
    name: _Reader(whole=name in (*_WHOLE, "sizes"), several=name in ("sizes", "dropout")) for name in INPUTS
}


def read_number(name: str, value: Any) -> Any:
    """The value of an input as it was written: a number, or a list of them.

    Parameters
    ----------
    name : str
        Of the input.
    value : str, number or list
        A text may have numbers with commas between them.

    Raises
    ------
    ConfigError
        If there is no such input, or it is no number.
    """
    if name not in _READERS:
        raise ConfigError(
            f"Plan: there is no input {name!r}; expected {', '.join(INPUTS)}. "
            f"{did_you_mean(name, INPUTS)}".rstrip()
        )
    reader = _READERS[name]
    listed = (
        value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    )
    if len(listed) != 1 and not reader.several:
        raise _fail(name, value, "one number")
    numbers = [_one(name, each, whole=reader.whole) for each in listed]
    return tuple(numbers) if reader.several else numbers[0]


def _one(name: str, value: Any, *, whole: bool) -> float | int:
    try:
        number = float(value.strip()) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        raise _fail(name, repr(value), "a number, with a decimal point") from None
    if isinstance(value, bool):
        raise _fail(name, value, "a number")
    if not whole:
        return number
    if not math.isfinite(number) or number != int(number):
        raise _fail(name, value, "a whole number")
    return int(number)


def change_inputs(inputs: Inputs, **changes: Any) -> Inputs:
    """The same plan with something changed.

    Parameters
    ----------
    inputs : Inputs
    **changes
        Inputs by name. Another number of organisations drops listed sizes; listed sizes say how many
        organisations and, unless families are given too, how many families there are.
    """
    if changes.get("sizes"):
        changes.setdefault("organisations", len(changes["sizes"]))
        changes.setdefault("families", int(sum(changes["sizes"])))
    elif "organisations" in changes and changes["organisations"] != inputs.organisations:
        changes.setdefault("sizes", ())
    return replace(inputs, **changes)
