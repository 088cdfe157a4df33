"""What one way of computing says about organisations, and whether another way says the same."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import t as student_t

from mpg_research.analysis.organisation_effects import OrganisationEffects
from mpg_research.statistics import holm

__all__ = ["VERDICT_COLUMNS", "Verdict", "judge", "not_possible", "verdict_row"]

FloatArray = NDArray[np.float64]

#: What :func:`verdict_row` says of a way of computing, after its name.
VERDICT_COLUMNS = (
    "joint_p_value", "compared", "different", "spread", "largest_shift", "agreement", "conclusion",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one way of computing says.

    Attributes
    ----------
    difference : dict of str to float
        Difference of each organisation's change from the mean of the organisations, points.
    joint_p_value : float
        Of the test that all organisations have the same change.
    different : frozenset of str
        Organisations that differ from the mean after Holm's correction, if the joint test says that any do.
    """

    difference: dict[str, float]
    joint_p_value: float
    different: frozenset[str]

    def agrees(self, other: "Verdict", level: float) -> bool:
        """Whether both lead to the same conclusion about the organisations that both have."""
        shared = set(self.difference) & set(other.difference)
        same_test = (self.joint_p_value < 1 - level) == (other.joint_p_value < 1 - level)
        return same_test and self.different & shared == other.different & shared


def judge(effects: OrganisationEffects, *, level: float, shift: FloatArray | None = None) -> Verdict:
    """Test the organisations against each other and against their mean.

    Parameters
    ----------
    effects : OrganisationEffects
    level : float
    shift : ndarray, shape (g,), optional
        Added to the changes, with their covariance as it is.
    """
    raw = effects.raw if shift is None else effects.raw + shift
    g = len(raw)
    contrast = np.eye(g) - 1.0 / g
    difference = contrast @ raw
    covariance = contrast @ effects.raw_covariance @ contrast
    error = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
    p_values = 2 * student_t.sf(np.abs(difference / error), effects.df)
    statistic = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference) / (g - 1)
    joint = float(f_distribution.sf(statistic, g - 1, min(float(np.min(effects.df)), 1e8)))
    adjusted = p_values if g == 2 else holm(p_values)
    found = frozenset(key for key, p in zip(effects.keys, adjusted, strict=True) if p < 1 - level)
    return Verdict(
        dict(zip(effects.keys, difference.tolist(), strict=True)),
        joint,
        found if joint < 1 - level else frozenset(),
    )


def verdict_row(name: str, found: Verdict, primary: Verdict, level: float) -> tuple[object, ...]:
    """The name and :data:`VERDICT_COLUMNS` of a way of computing beside the primary one."""
    shared = [key for key in primary.difference if key in found.difference]
    mine = np.array([found.difference[key] for key in shared])
    theirs = np.array([primary.difference[key] for key in shared])
    # Organisations that were left out move the mean: compared are the differences among those that stayed.
    gap = (mine - mine.mean()) - (theirs - theirs.mean())
    spread = mine.std() > 0 and theirs.std() > 0 and len(shared) > 2
    return (
        name,
        found.joint_p_value,
        len(shared),
        len(found.different),
        float(np.std(mine, ddof=1)),
        float(np.abs(gap).max()),
        float(np.corrcoef(mine, theirs)[0, 1]) if spread else float("nan"),
        "same" if found.agrees(primary, level) else "changed",
    )


def not_possible(name: str) -> tuple[object, ...]:
    """The same of a way that the data do not allow."""
    return (name, *[float("nan")] * (len(VERDICT_COLUMNS) - 1), "not_possible")
