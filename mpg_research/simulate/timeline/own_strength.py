"""A second, invented questionnaire beside the OBVL-K: six items about own strength, filled in by parents."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.course import shape_of_course
from mpg_research.simulate.plan import DAYS_PER_MONTH
from mpg_research.simulate.timeline.helped import Helped, as_days
from mpg_research.simulate.timeline.planted import PLANTED

__all__ = ["INSTRUMENT", "own_strength_forms", "own_strength_text"]

INSTRUMENT = "own_strength"
N_ITEMS = 6
HIGHEST = 5
EVERY_MONTHS = 2
_SLOPES = np.array([1.6, 1.3, 1.9, 1.2, 1.5, 1.7])
_STEPS = np.array([-1.6, -0.5, 0.6, 1.8])
_LOCATIONS = np.array([-0.3, 0.2, 0.0, 0.4, -0.1, 0.1])

_TEXT = """\
# An invented questionnaire, made for the example study: nobody's instrument. Its items have no wording.
key = "own_strength"
abbreviation = "EK-V"
direction = "higher_is_better"
source = "Invented for the example study (synthetic data): six items, answers 1 to 5, a plain sum."

[concept]
nl = "de eigen kracht"
en = "own strength"

[name]
nl = "Eigen kracht (verzonnen voorbeeldlijst)"
en = "Own strength (invented example list)"

[items]
number = 6
minimum = 1
maximum = 5
reverse = []
"""


def own_strength_text() -> str:
    """The file that describes the questionnaire."""
    return _TEXT


def own_strength_forms(
    rng: np.random.Generator, measurements: pd.DataFrame, helped: Helped
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forms beside the OBVL-K of the declared respondent, about every two months of help.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    measurements : DataFrame
        The forms of the OBVL-K, as text.
    helped : Helped
        The periods of help.

    Returns
    -------
    forms : DataFrame
        Rows of the table ``measurements``, as text.
    truth : DataFrame
        Level and slope (per 12 months) of each period, as text; in SD of the level at the start.

    Notes
    -----
    ``strength(t) = level + slope t / 12``. Level and slope have known correlations with the latent burden at
    the start and with its change over 12 months if nothing were done. Neither moves before the other.
    """
    planted, n = PLANTED["own_strength"], len(helped)
    families = helped.families
    start_r, slope_r = (
        planted["correlation_with_burden_at_start"],
        planted["correlation_of_slope_with_change_in_burden"],
    )
    change = shape_of_course(families.course, families.size, np.full(n, 12.0))
    level = start_r * _standard(families.level) + np.sqrt(1 - start_r**2) * rng.normal(size=n)
    own = slope_r * _standard(change) + np.sqrt(1 - slope_r**2) * rng.normal(size=n)
    slope = planted["slope_mean"] + planted["slope_sd"] * own
    rows, day = helped.rows_of(measurements), as_days(measurements["date"])
    months = (day - helped.start[rows]) / DAYS_PER_MONTH
    declared = np.where(families.second_only[rows], "second_parent", "first_parent")
    asked = (measurements["respondent"].to_numpy(dtype=object) == declared) & (months > -1)
    asked &= (day <= helped.last[rows]) & (np.round(np.maximum(months, 0)) % EVERY_MONTHS == 0)
    chosen = np.flatnonzero(asked & (rng.random(len(rows)) < planted["share_answered"]))
    time = np.maximum(months[chosen], 0) / 12
    strength = level[rows[chosen]] + slope[rows[chosen]] * time
    strength = strength + rng.normal(scale=planted["sd_occasion"], size=len(chosen))
    answers = _answers(rng, strength)
    forms = measurements.iloc[chosen].assign(instrument=INSTRUMENT)
    for place, name in enumerate(
        sorted(column for column in map(str, measurements) if column.startswith("item_"))
    ):
        forms[name] = answers[:, place].astype(str) if place < N_ITEMS else ""
    truth = pd.DataFrame(
        {
            "family": helped.family,
            "episode": helped.number.astype(str),
            "level": [f"{value:.3f}" for value in level],
            "slope_per_12_months": [f"{value:.3f}" for value in slope],
            "change_in_burden_12_months": [f"{value:.3f}" for value in change],
        }
    )
    return forms, truth


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / values.std())


def _answers(rng: np.random.Generator, strength: NDArray[np.float64]) -> NDArray[np.int64]:
    """Answers 1-5 from a graded response model, shape (n, 6)."""
    uniform = np.clip(rng.random((len(strength), N_ITEMS)), 1e-12, 1 - 1e-12)
    tendency = strength[:, None] + np.log(uniform / (1 - uniform)) / _SLOPES
    steps = _LOCATIONS[None, :, None] + _STEPS
    return np.asarray(1 + (tendency[:, :, None] > steps).sum(axis=2))
