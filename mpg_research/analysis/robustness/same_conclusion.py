"""What one way of computing says about organisations, and whether another way says the same of each."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import t as student_t

from mpg_research.analysis.organisations.effects import OrganisationEffects
from mpg_research.arrays import FloatArray
from mpg_research.statistics import holm
from mpg_research.statistics.providers.reference_difference import differences_from_reference
from mpg_research.statistics.providers.standardisation import Reference

__all__ = ["VERDICT_COLUMNS", "Verdict", "beside_the_left_out", "judge", "not_possible", "verdict_row"]


#: What :func:`verdict_row` says of a way of computing, after its name.
VERDICT_COLUMNS = (
    "joint_p_value", "joint_conclusion", "compared", "different", "still_named", "other_side",
    "newly_named", "spread", "largest_shift", "agreement", "conclusion",
)  # fmt: skip
_TEXTS = frozenset({"joint_conclusion", "conclusion"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one way of computing says.

    Attributes
    ----------
    difference : dict of str to float
        Difference of each organisation's change from the reference (mean or median of the organisations),
        points; of those that are judged.
    joint_p_value : float
        Of the test that all organisations have the same change.
    side : dict of str to int
        The organisations that are named: they differ from the reference after Holm's correction, 1 above it
        and -1 below it. The joint test has no say in it.
    """

    difference: dict[str, float]
    joint_p_value: float
    side: dict[str, int]

    @property
    def different(self) -> frozenset[str]:
        """The organisations that are named."""
        return frozenset(self.side)

    def still_named(self, primary: "Verdict") -> frozenset[str]:
        """Organisations that the primary analysis names and this one too, on the same side."""
        return frozenset(key for key, side in primary.side.items() if self.side.get(key) == side)

    def other_side(self, primary: "Verdict") -> frozenset[str]:
        """Organisations that both name, on different sides."""
        return frozenset(key for key, side in primary.side.items() if self.side.get(key) == -side)

    def newly_named(self, primary: "Verdict") -> frozenset[str]:
        """Organisations that only this way of computing names."""
        return self.different - primary.different

    def conclusion(self, primary: "Verdict") -> str:
        """What becomes of the organisations that the primary analysis names.

        "same": those that can be judged here are named, on the same side, and nobody else; "more": they
        are, and others beside them; "changed": one of them is not, or the primary analysis names nobody
        and this one does.
        """
        wanted = primary.different & set(self.difference)
        new = self.newly_named(primary)
        if self.still_named(primary) != wanted or (new and not primary.side):
            return "changed"
        return "more" if new else "same"


def judge(
    effects: OrganisationEffects,
    *,
    level: float,
    reference: Reference = "mean",
    shift: FloatArray | None = None,
    judged: frozenset[str] | None = None,
) -> Verdict:
    """Test the organisations against each other, and each against their mean or median.

    Parameters
    ----------
    effects : OrganisationEffects
    level : float
        Confidence level of the intervals, between 0 and 1.
    reference : {"mean", "median"}
        Of all organisations in ``effects``, each weighing the same.
    shift : ndarray, shape (g,), optional
        Added to the changes, with their covariance as it is.
    judged : frozenset of str, optional
        Organisations that are judged, where the others only help to make up the reference.
    """
    raw = effects.raw if shift is None else effects.raw + shift
    found = differences_from_reference(raw, effects.own_covariance, reference=reference)
    rows = [place for place, key in enumerate(effects.keys) if judged is None or key in judged]
    difference = found.estimate[rows]
    t = np.abs(difference / found.std_error[rows])
    p_values = 2 * np.asarray(student_t.sf(t, effects.df[rows]))
    adjusted = p_values if len(raw) == 2 else holm(p_values)
    keys = [effects.keys[place] for place in rows]
    named = zip(keys, adjusted, difference, strict=True)
    return Verdict(
        dict(zip(keys, difference.tolist(), strict=True)),
        _joint(raw[rows], effects.own_covariance[np.ix_(rows, rows)], effects.df[rows]),
        {key: int(np.sign(gap)) for key, p, gap in named if p < 1 - level},
    )


#: Part of the largest variance below which a direction has none.
_NO_VARIANCE = 1e-9


def _joint(raw: FloatArray, covariance: FloatArray, df: FloatArray) -> float:
    """p-value of the test that all have the same change."""
    g = len(raw)
    if g < 2:
        return float("nan")
    found = differences_from_reference(raw, covariance)
    # Distances from a reference that the groups make together have one direction less; with many groups its
    # rounding error is above numpy's own limit for what counts as zero.
    inverse = np.linalg.pinv(found.covariance, rcond=_NO_VARIANCE, hermitian=True)
    statistic = float(found.estimate @ inverse @ found.estimate) / (g - 1)
    return float(f_distribution.sf(statistic, g - 1, min(float(np.min(df)), 1e8)))


def beside_the_left_out(primary: OrganisationEffects, found: OrganisationEffects) -> OrganisationEffects:
    """Effects that were found without some organisations, with those organisations put back as they were.

    So the reference stays that of all organisations: were it made anew of those that are left, leaving out
    one that is far off would move everybody else. The organisations that are put back keep their place
    among the others (their level is shifted by what the others moved on average, since the average family
    is another one without their families).

    Parameters
    ----------
    primary, found : OrganisationEffects
        ``found`` is about a part of the organisations of ``primary``.
    """
    place = {key: number for number, key in enumerate(primary.keys)}
    kept = np.array([place[key] for key in found.keys], dtype=np.intp)
    raw = primary.raw + float(np.mean(found.raw - primary.raw[kept]))
    raw[kept] = found.raw
    covariance = primary.own_covariance.copy()
    covariance[np.ix_(kept, kept)] = found.own_covariance
    df = primary.df.copy()
    df[kept] = found.df
    return replace(primary, raw=raw, raw_covariance=covariance, df=df)


def verdict_row(name: str, found: Verdict, primary: Verdict, level: float) -> tuple[object, ...]:
    """The name and :data:`VERDICT_COLUMNS` of a way of computing beside the primary one."""
    shared = [key for key in primary.difference if key in found.difference]
    mine = np.array([found.difference[key] for key in shared])
    theirs = np.array([primary.difference[key] for key in shared])
    # What moves all alike (another reference, another average family) is no shift of one organisation.
    gap = (mine - mine.mean()) - (theirs - theirs.mean())
    spread = mine.std() > 0 and theirs.std() > 0 and len(shared) > 2
    same_test = (found.joint_p_value < 1 - level) == (primary.joint_p_value < 1 - level)
    return (
        name,
        found.joint_p_value,
        "same" if same_test else "changed",
        len(shared),
        len(found.different),
        len(found.still_named(primary)),
        len(found.other_side(primary)),
        len(found.newly_named(primary)),
        float(np.std(mine, ddof=1)) if len(mine) > 1 else float("nan"),
        float(np.abs(gap).max()),
        float(np.corrcoef(mine, theirs)[0, 1]) if spread else float("nan"),
        found.conclusion(primary),
    )


def not_possible(name: str) -> tuple[object, ...]:
    """The same of a way that the data do not allow."""
    return (name, *("not_possible" if column in _TEXTS else float("nan") for column in VERDICT_COLUMNS))
