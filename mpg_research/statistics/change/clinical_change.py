"""Reliable change and the cut-off together, from two rows of scores to the five classes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpg_research.statistics.change.change_methods import ChangeMethod
from mpg_research.statistics.change.clinical_classes import (
    check_sides,
    classify_change,
    clinical_cutoff,
    crossed_cutoff,
    true_score_index,
)
from mpg_research.statistics.change.group_change import true_change_shares
from mpg_research.statistics.change.pairs import paired
from mpg_research.statistics.change.reliable_change import (
    Direction,
    ReliableChangeIndex,
    reliable_change_index,
)

__all__ = ["ClinicalChange", "clinical_change"]


@dataclass(frozen=True, slots=True)
class ClinicalChange:
    """Change of n persons against error and against a cut-off.

    Attributes
    ----------
    reliable : ReliableChangeIndex
        Index and three classes.
    five_classes : ndarray of str, shape (n,)
        Recovered, improved, unchanged, deteriorated, harmed or not_computable; without a cut-off the three
        classes of ``reliable``.
    crossed : ndarray of str, shape (n,)
        Who moved from one range to the other, whatever the error; "not_computable" without a cut-off.
    cutoff : float or None
        The score between the ranges; between *true* scores for Hageman-Arrindell.
    truly_improved, truly_functional : float
        Estimated shares at group level (Hageman and Arrindell); NaN where they are not defined.
    """

    reliable: ReliableChangeIndex
    five_classes: NDArray[np.str_]
    crossed: NDArray[np.str_]
    cutoff: float | None
    truly_improved: float
    truly_functional: float


def clinical_change(
    pre: ArrayLike,
    post: ArrayLike,
    *,
    reliability: float,
    method: ChangeMethod = "JT",
    reliability_post: float | None = None,
    functional: tuple[float, float] | None = None,
    clinical: tuple[float, float] | None = None,
    cutoff: Literal["a", "b", "c"] | float | None = None,
    sd: float | None = None,
    direction: Direction = "higher_is_worse",
    level: float = 0.95,
) -> ClinicalChange:
    """Judge each person's change against error and against the cut-off between two ranges.

    Parameters
    ----------
    pre, post : array_like, shape (n,)
        Scores; NaN where missing. Columns of a table are paired by their index.
    reliability, method, reliability_post, sd, direction, level
        As in :func:`mpg_research.statistics.change.reliable_change.reliable_change_index`.
    functional, clinical : (mean, sd), optional
        Of the reference groups; the clinical one is by default that of the complete pairs at pre.
    cutoff : {"a", "b", "c"} or float, optional
        By default "c" where a functional group is given, else none.

    Returns
    -------
    ClinicalChange

    Raises
    ------
    ValueError
        If a number is impossible, a reference group that is needed is missing, or the functional group scores
        worse than the clinical one.

    Examples
    --------
    >>> found = clinical_change([30, 28, 25, 33], [12, 27, 26, 30], reliability=0.8, functional=(10, 5))
    >>> found.five_classes.tolist()
    ['recovered', 'unchanged', 'unchanged', 'unchanged']
    """
    x, y = paired(pre, post)
    reliable = reliable_change_index(
        x, y, reliability=reliability, method=method, reliability_post=reliability_post, sd=sd,
        direction=direction, level=level,
    )  # fmt: skip
    both = ~np.isnan(x) & ~np.isnan(y)
    one, two = x[both], y[both]
    several = len(one) > 1
    spread = float(np.std(one, ddof=1)) if several else float("nan")
    error = (spread if sd is None else sd) * float(np.sqrt(1 - reliability)) if method == "HA" else 0.0
    usable = error if np.isfinite(error) else 0.0
    own = (float(one.mean()), spread) if several else None
    limit = _limit(cutoff, functional, clinical or own, direction, usable)
    check_sides(clinical or own, functional, direction)
    shares = true_change_shares(x, y, reliability=reliability, sd=sd, cutoff=limit, direction=direction)
    if limit is None:
        nobody = np.full(x.shape, "not_computable")
        return ClinicalChange(reliable, reliable.category, nobody, None, *shares)
    index = None
    if usable > 0 and several:
        index = true_score_index(
            y, cutoff=limit, std_error_of_measurement=usable, mean_post=float(two.mean()),
            sd_post=float(np.std(two, ddof=1)),
        )  # fmt: skip
    return ClinicalChange(
        reliable=reliable,
        five_classes=classify_change(
            reliable.category, x, y, cutoff=limit, direction=direction, post_index=index,
            critical=reliable.critical,
        ),
        crossed=crossed_cutoff(
            x, y, cutoff=limit, direction=direction, post_index=index, critical=reliable.critical
        ),
        cutoff=limit,
        truly_improved=shares[0],
        truly_functional=shares[1],
    )  # fmt: skip


def _limit(
    cutoff: str | float | None,
    functional: tuple[float, float] | None,
    clinical: tuple[float, float] | None,
    direction: Direction,
    error: float,
) -> float | None:
    """The cut-off asked for; between true scores where an error is to be taken out."""
    if cutoff is None and functional is None:
        return None
    if isinstance(cutoff, int | float | np.integer | np.floating) and not isinstance(cutoff, bool):
        if not np.isfinite(cutoff):
            raise ValueError(f"the cut-off must be a number; found {cutoff}")
        return float(cutoff)
    kind: Literal["a", "b", "c"] = "c" if cutoff is None else cutoff  # type: ignore[assignment]
    return clinical_cutoff(
        kind, clinical=clinical, functional=functional, direction=direction, std_error_of_measurement=error
    )
