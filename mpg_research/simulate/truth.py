"""What is true of the population behind the synthetic study, from a very large simulation.

Sums of ordinal answers have no exact linear coefficients, so the truth is not a formula but the mean
of a population so large that its own error does not matter.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.simulate.course import simulate_course
from mpg_research.simulate.families import draw_families
from mpg_research.simulate.norms import t_scores
from mpg_research.simulate.plan import CLASSES, OrganisationPlan

__all__ = ["TRUTH_MONTHS", "population_truth"]

TRUTH_MONTHS = 18
_BATCH = 50_000


def population_truth(
    rng: np.random.Generator,
    plans: tuple[OrganisationPlan, ...],
    sizes: NDArray[np.int64],
    norms: pd.DataFrame,
    *,
    families: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean course per organisation, with its own families and with an equal case mix.

    Parameters
    ----------
    rng : Generator
        Randomness.
    plans, sizes : tuple of OrganisationPlan, ndarray of int
        The organisations, and their sizes in the study: the equal case mix is that of all its families.
    norms : DataFrame
        The norm table, for the mean T-score.
    families : int
        Simulated families per organisation and case mix.
    progress : callable, optional
        Told after each organisation how many are done, and how many there are.

    Returns
    -------
    mean_course : DataFrame
        ``organisation, case_mix`` ("own" or "equal"), ``months, mean_raw, sd_raw, mean_t_score,
        sd_t_score, se_raw, n_families``.
    classes : DataFrame
        ``organisation, case_mix, course, share``.

    Notes
    -----
    First periods of help, declared respondent, every visit exactly at the month, nobody leaving and
    every item answered: what a likelihood method estimates if what is missing is missing at random.
    Interventions follow on the scores that would have been seen, as in the study.
    """
    courses, classes = [], []
    for place, plan in enumerate(plans):
        for case_mix in ("own", "equal"):
            sums, counts = np.zeros((4, TRUTH_MONTHS + 1)), np.zeros(len(CLASSES))
            for size in _batches(families):
                own = np.full(size, place)
                kind = own if case_mix == "own" else rng.choice(len(plans), size=size, p=sizes / sizes.sum())
                drawn = draw_families(rng, plans, own, case_mix_of=kind)
                visits = np.broadcast_to(np.arange(TRUTH_MONTHS + 1.0), (size, TRUTH_MONTHS + 1))
                course = simulate_course(rng, drawn, visits, may_leave=False, keep_items=False)
                t = t_scores(norms, course.raw, drawn.child_age)
                raw = course.raw.astype(float)
                sums += np.stack([raw.sum(0), (raw**2).sum(0), t.sum(0), (t**2).sum(0)])
                counts += np.bincount(drawn.course, minlength=len(CLASSES))
            courses.append(_moments(plan.key, case_mix, sums, families))
            shares = {"organisation": plan.key, "case_mix": case_mix, "course": CLASSES}
            classes.append(pd.DataFrame({**shares, "share": counts / families}))
        if progress is not None:
            progress(place + 1, len(plans))
    return pd.concat(courses, ignore_index=True), pd.concat(classes, ignore_index=True)


def _batches(families: int) -> list[int]:
    whole, rest = divmod(families, _BATCH)
    return [_BATCH] * whole + ([rest] if rest else [])


def _moments(organisation: str, case_mix: str, sums: NDArray[np.float64], families: int) -> pd.DataFrame:
    mean_raw, mean_t = sums[0] / families, sums[2] / families
    sd_raw = np.sqrt(sums[1] / families - mean_raw**2)
    return pd.DataFrame(
        {
            "organisation": organisation,
            "case_mix": case_mix,
            "months": np.arange(TRUTH_MONTHS + 1),
            "mean_raw": mean_raw,
            "sd_raw": sd_raw,
            "mean_t_score": mean_t,
            "sd_t_score": np.sqrt(sums[3] / families - mean_t**2),
            "se_raw": sd_raw / np.sqrt(families),
            "n_families": families,
        }
    )
