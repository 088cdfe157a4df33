"""Spells of a worker with a family, from the months of care."""

from dataclasses import dataclass

import numpy as np

from mpg_research.analysis.process.care_months import CareMonths
from mpg_research.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Spells", "find_spells"]

#: A period that ends so many months after its last known worker, or sooner, ended with that worker.
_NEAR = 1.0


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells of workers with families, and the changes between them.

    Attributes
    ----------
    unit : ndarray of int, shape (spells,)
    time : ndarray, shape (spells,)
        Months from the first month of the spell to the first of the next worker; to half a month after the
        last one where help ended then; to the last month seen otherwise.
    end : ndarray of str, shape (spells,)
        "changed", "help_over" or "still" (also where no worker is named any more).
    is_first : ndarray of bool, shape (spells,)
        The first worker of the unit.
    changed_unit, changed_at : ndarray, shape (changes,)
        Where and in which month another worker took over.
    reason : ndarray of str, shape (changes,)
        "planned", "sudden" or "".
    first_known, last_known : ndarray, shape (units,)
        First and last month with a worker; infinite and minus infinite without one.
    """

    unit: IntArray
    time: FloatArray
    end: np.ndarray
    is_first: BoolArray
    changed_unit: IntArray
    changed_at: FloatArray
    reason: np.ndarray
    first_known: FloatArray
    last_known: FloatArray

    def first_change(self, n_units: int) -> tuple[FloatArray, np.ndarray]:
        """The month of the first change of each unit (infinite without one), and its reason.

        Parameters
        ----------
        n_units : int
        """
        event, reason = np.full(n_units, np.inf), np.full(n_units, "", dtype=object)
        unit, first = np.unique(self.changed_unit, return_index=True)
        event[unit], reason[unit] = self.changed_at[first], self.reason[first]
        return event, reason


def find_spells(care: CareMonths) -> Spells:
    """Find the spells of workers in months of care.

    Parameters
    ----------
    care : CareMonths

    Returns
    -------
    Spells
    """
    rows = care.rows[care.rows["worker"] >= 0]
    unit = rows["unit"].to_numpy(dtype=np.intp)
    month = rows["month"].to_numpy(dtype=float)
    worker = rows["worker"].to_numpy()
    n = len(care.units)
    new_unit = np.append(True, np.diff(unit) != 0)
    changed = np.append(False, np.diff(worker) != 0) & ~new_unit
    begins = np.flatnonzero(new_unit | changed)
    after = np.append(begins[1:], len(unit))
    is_changed = np.append(changed[begins[1:]], False)
    last = month[after - 1]
    first_known, last_known = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first_known, unit, month)
    np.maximum.at(last_known, unit, month)
    of = unit[begins]
    over = care.units["ended"].to_numpy(dtype=bool)[of]
    near = care.units["last"].to_numpy(dtype=float)[of] - last <= _NEAR
    end = np.select([is_changed, over & near], ["changed", "help_over"], "still")
    following = month[np.minimum(after, len(month) - 1)]
    lasted = np.where(is_changed, following, last) - month[begins]
    return Spells(
        unit=of,
        time=np.where(end == "help_over", lasted + 0.5, lasted),
        end=end,
        is_first=new_unit[begins],
        changed_unit=unit[changed],
        changed_at=month[changed],
        reason=rows["reason"].to_numpy(dtype=object)[changed],
        first_known=first_known,
        last_known=last_known,
    )
