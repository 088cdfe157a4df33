"""What came after the end of the help: contact kept up, scores, and events."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.course import answer_items
from mpg_research.simulate.periods import EXPORT_DATE, days_to_weekday
from mpg_research.simulate.plan import DAYS_PER_MONTH, PROBLEMS
from mpg_research.simulate.timeline.helped import Helped
from mpg_research.simulate.timeline.planted import PLANTED

__all__ = ["AFTER_MONTHS", "Aftermath", "draw_aftermath", "events_afterwards", "waves_afterwards"]

AFTER_MONTHS = (3.5, 6.0, 12.0)
"""Months after the end at which the OBVL-K is filled in again; not before a hundred days."""

_KNOWN_MONTHS = 24  # after which nothing is recorded any more
_UNKNOWN_LINE = 0.05


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Per period of help, what is true after its end.

    Attributes
    ----------
    thin_line : ndarray of bool, shape (n,)
        Whether contact was kept up.
    known : ndarray of bool, shape (n,)
        Whether the table says so.
    until : ndarray of int, shape (n,)
        Last day after the end of which something is known (export, next period or two years).
    relapse : ndarray of float, shape (n,)
        Months from the end to a latent relapse; infinite where help has not ended.
    """

    thin_line: NDArray[np.bool_]
    known: NDArray[np.bool_]
    until: NDArray[np.int64]
    relapse: NDArray[np.float64]

    def column(self, helped: Helped) -> NDArray[np.object_]:
        """The column ``thin_line`` of the table ``episodes``."""
        text = np.where(self.thin_line, "1", "0").astype(object)
        text[~(helped.ended & self.known)] = ""
        return text

    def truth(self, helped: Helped) -> pd.DataFrame:
        """Thin line and latent relapse of each ended period, as text."""
        ended = np.flatnonzero(helped.ended)
        return pd.DataFrame(
            {
                "family": helped.family[ended],
                "episode": helped.number[ended].astype(str),
                "thin_line": self.thin_line[ended].astype(int).astype(str),
                "months_to_relapse": [f"{value:.2f}" for value in self.relapse[ended]],
            }
        )


def draw_aftermath(rng: np.random.Generator, helped: Helped) -> Aftermath:
    """Whether contact was kept up, and when (latent) problems come back.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped : Helped
        The periods of help.

    Returns
    -------
    Aftermath
    """
    planted, n = PLANTED["afterwards"], len(helped)
    export = EXPORT_DATE.toordinal()
    back = helped.again <= export
    thin = rng.random(n) < np.where(back, planted["thin_line_if_back"], planted["thin_line_if_not_back"])
    hazard = planted["relapse_per_month"] * np.exp(planted["log_hazard_ratio_thin_line"] * thin)
    relapse = np.where(helped.ended, rng.exponential(1 / hazard), np.inf)
    until = np.minimum(
        helped.end + round(_KNOWN_MONTHS * DAYS_PER_MONTH), np.minimum(export, helped.again - 1)
    )
    return Aftermath(thin, rng.random(n) >= _UNKNOWN_LINE, until, relapse)


def waves_afterwards(rng: np.random.Generator, helped: Helped, aftermath: Aftermath) -> pd.DataFrame:
    """Forms of the OBVL-K some months after the end, of the declared respondent.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    helped, aftermath :
        The periods of help, and what is true after them.

    Returns
    -------
    DataFrame
        Rows of the table ``measurements``, as text.

    Notes
    -----
    After the end the burden stays as it was on the last day; from a relapse on it is higher by a known step.
    """
    planted, n = PLANTED["afterwards"], len(helped)
    parts = []
    for month in AFTER_MONTHS:
        day = days_to_weekday(helped.end + round(month * DAYS_PER_MONTH) + rng.integers(-5, 6, size=n))
        asked = helped.ended & ~helped.silent & (day <= aftermath.until)
        chosen = np.flatnonzero(asked & (rng.random(n) < planted["share_of_each_wave"]))
        level = helped.burden_at(chosen, helped.end[chosen])
        since = (day[chosen] - helped.end[chosen]) / DAYS_PER_MONTH
        level = level + planted["relapse_burden"] * (since > aftermath.relapse[chosen])
        families = helped.families
        level = level + np.where(families.second_only[chosen], families.second_shift[chosen], 0.0)
        answers = answer_items(rng, level + rng.normal(scale=0.3, size=len(chosen)))
        respondent = np.where(families.second_only[chosen], "second_parent", "first_parent")
        frame = helped.rows_on(chosen, day[chosen], respondent=respondent, instrument="obvl_k")
        for place in range(answers.shape[1]):
            frame[f"item_{place + 1:02d}"] = answers[:, place].astype(str)
        parts.append(frame)
    return pd.concat(parts)


def events_afterwards(
    rng: np.random.Generator, events: pd.DataFrame, helped: Helped, aftermath: Aftermath
) -> pd.DataFrame:
    """The table ``events`` with placements and evictions after the end of help, at known rates.

    Parameters
    ----------
    rng : Generator
        A stream of its own.
    events : DataFrame
        The table as text; its rows stay.
    helped, aftermath :
        The periods of help, and what is true after them.

    Returns
    -------
    DataFrame
    """
    planted, n = PLANTED["afterwards"], len(helped)
    housing = helped.families.problems[:, PROBLEMS.index("housing")]
    everybody = np.arange(n)
    above = helped.burden_at(everybody, helped.last) - 1.2
    rates = {
        "placement": planted["placement_per_month"] * np.exp(planted["placement_per_sd_burden"] * above),
        "eviction": np.where(
            housing, planted["eviction_per_month_with_housing_problem"], planted["eviction_per_month"]
        ),
    }
    had = helped.rows_of(events)
    parts = [events]
    for event, rate in rates.items():
        day = helped.end + 1 + np.floor(rng.exponential(1 / rate) * DAYS_PER_MONTH).astype(np.int64)
        earlier = np.zeros(n, dtype=bool)
        earlier[had[(events["event"] == event).to_numpy(dtype=bool)]] = True
        chosen = np.flatnonzero(helped.ended & ~earlier & (day <= aftermath.until))
        parts.append(helped.rows_on(chosen, day[chosen], event=event))
    return pd.concat(parts)
