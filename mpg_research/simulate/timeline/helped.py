"""All periods of help of the synthetic study side by side, so that nothing has to loop over families."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.course import burden
from mpg_research.simulate.families import Families, take
from mpg_research.simulate.periods import EXPORT_DATE, Periods
from mpg_research.simulate.plan import DAYS_PER_MONTH, OrganisationPlan

__all__ = ["Helped", "as_days", "iso_days", "line_up"]

_UNIX_EPOCH = 719_163  # 1970-01-01 as a proleptic ordinal


@dataclass(frozen=True, slots=True)
class Helped:
    """First and second periods of help, one after the other.

    Attributes
    ----------
    family : ndarray of str, shape (n,)
        Name of the family.
    number : ndarray of int, shape (n,)
        1 for first periods, 2 for second ones.
    organisation : ndarray of str, shape (n,)
        Key of the organisation.
    families : Families
        The families at the start of each period.
    start, end, last : ndarray of int, shape (n,)
        First day, last day (far ahead while help runs), and the last day that the data know of, as ordinals.
    again : ndarray of int, shape (n,)
        First day of the family's next period; far ahead where there is none.
    ended : ndarray of bool, shape (n,)
        Whether help had ended when the data were taken.
    end_reason : ndarray of int, shape (n,)
        1 to 5, as the CBS codes; 0 while help runs.
    intervention_time : ndarray of float, shape (n, 2)
        Months from start; infinite where there was none.
    silent : ndarray of bool, shape (n,)
        Whether the family never returns a form.
    """

    family: NDArray[np.str_]
    number: NDArray[np.int64]
    organisation: NDArray[np.str_]
    families: Families
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    last: NDArray[np.int64]
    again: NDArray[np.int64]
    ended: NDArray[np.bool_]
    end_reason: NDArray[np.int64]
    intervention_time: NDArray[np.float64]
    silent: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.family)

    def rows_of(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """The period of each row of a table with ``family`` and ``episode``, shape (n_rows,)."""
        keys = pd.MultiIndex.from_arrays([self.family, self.number.astype(str)])
        return np.asarray(keys.get_indexer(pd.MultiIndex.from_frame(frame[["family", "episode"]])))

    def rows_on(
        self,
        periods: NDArray[np.int64],
        days: NDArray[np.int64],
        **columns: NDArray[np.str_] | NDArray[np.object_] | str,
    ) -> pd.DataFrame:
        """Rows of a table about these periods on days (ordinals): family, episode, date and ``columns``."""
        whose = {"family": self.family[periods], "episode": self.number[periods].astype(str)}
        return pd.DataFrame({**whose, "date": iso_days(days), **columns})

    def burden_at(self, rows: NDArray[np.int64], days: NDArray[np.int64]) -> NDArray[np.float64]:
        """Latent burden of the periods ``rows`` on these days (ordinals), shape (n_rows,)."""
        months = (days - self.start[rows]) / DAYS_PER_MONTH
        return burden(take(self.families, rows), months, self.intervention_time[rows])


def line_up(
    periods: tuple[Periods, ...],
    names: NDArray[np.str_],
    plans: tuple[OrganisationPlan, ...],
    silent: NDArray[np.bool_],
) -> Helped:
    """Put the periods of help side by side.

    Parameters
    ----------
    periods : tuple of Periods
        First periods, then second ones.
    names : ndarray of str, shape (n_families,)
        Names of the families of the study.
    plans : tuple of OrganisationPlan
        The organisations.
    silent : ndarray of bool, shape (n_families,)
        Who never returns a form.

    Returns
    -------
    Helped
    """
    who = np.concatenate([each.who for each in periods])
    families = Families(
        **{
            each.name: np.concatenate([getattr(period.families, each.name) for period in periods])
            for each in fields(Families)
        }
    )
    start = np.concatenate([each.start for each in periods])
    end = np.concatenate([each.end for each in periods])
    number = np.repeat([each.number for each in periods], [len(each.who) for each in periods])
    again = np.full(len(who), np.iinfo(np.int64).max // 2)
    later = number > 1
    first_of = np.full(len(names), -1)
    first_of[who[~later]] = np.flatnonzero(~later)
    again[first_of[who[later]]] = start[later]
    keys = np.array([plan.key for plan in plans])
    return Helped(
        family=names[who],
        number=number,
        organisation=keys[families.organisation],
        families=families,
        start=start,
        end=end,
        last=np.minimum(end, EXPORT_DATE.toordinal()),
        again=again,
        ended=end <= EXPORT_DATE.toordinal(),
        end_reason=np.concatenate([each.course.end_reason for each in periods]),
        intervention_time=np.concatenate([each.course.intervention_time for each in periods]),
        silent=silent[who],
    )


def iso_days(ordinals: NDArray[np.int64]) -> NDArray[np.str_]:
    """Days as text such as 2025-06-30."""
    return np.asarray((ordinals - _UNIX_EPOCH).astype("datetime64[D]").astype(str))


def as_days(texts: pd.Series) -> NDArray[np.int64]:
    """Ordinals of days written as 2025-06-30."""
    days = texts.to_numpy(dtype="datetime64[D]").astype(np.int64)
    return np.asarray(days + _UNIX_EPOCH)
