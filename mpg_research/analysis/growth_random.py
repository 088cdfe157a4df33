"""The random part of the growth model: families, respondents, episodes, workers and organisations."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.frame import ModelFrame
from mpg_research.errors import ModelError, Note

__all__ = ["BEND", "bend", "random_part"]

#: Column in which random organisations differ from the common course beside a straight line.
BEND = "bend"
#: A random slope needs families whose own line leaves something over: this many with three moments.
_FAMILIES_FOR_SLOPE = 3
#: From this many workers with on average two families each, workers enter the model by default.
_WORKERS_FOR_EFFECT = 10
_FAMILIES_PER_WORKER = 2.0


def bend(months: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bend that organisations differ in: log(1 + months), much of it in the first months."""
    result: NDArray[np.float64] = np.log1p(np.maximum(months, 0.0))
    return result


def random_part(
    frame: ModelFrame, organisation: str | bool, worker: bool | None, notes: list[Note], *, own_bend: bool
) -> tuple[str, bool]:
    """The random terms of the formula, and whether workers are among them.

    Parameters
    ----------
    frame : ModelFrame
    organisation : {False, "fixed", "random"}
    worker : bool, optional
        Workers, or as many as there are decide.
    notes : list of Note
        What there is to say is added here.
    own_bend : bool
        Whether random organisations also differ in how their course bends.

    Raises
    ------
    ModelError
        If the data cannot carry what was asked for.
    """
    data = frame.data
    terms = ["(1 + months | family)" if _has_slopes(data) else "(1 | family)"]
    if terms == ["(1 | family)"]:
        notes.append(
            Note(
                "no_random_slope",
                "Families have too few measurements each to see how their courses differ, so the model lets "
                "families differ in level only.",
                {},
                "caution",
            )
        )
    for column in ("respondent", "episode"):
        if data.groupby("family")[column].nunique().max() > 1:
            terms.append(f"(1 | family:{column})")
    with_worker = _use_workers(data, worker)
    if with_worker:
        terms.append("(1 + months || worker)")
    if organisation == "random":
        if len(frame.organisations) < 2:
            raise ModelError("A random effect of organisations needs at least two organisations; found one.")
        terms.append(f"(1 + months{f' + {BEND}' if own_bend else ''} | organisation)")
    return " + ".join(terms), with_worker


def _has_slopes(data: pd.DataFrame) -> bool:
    """As lme4 asks: more measurements than random effects, and families with three moments or more."""
    moments = data.groupby("family")["months"].nunique()
    return len(data) > 2 * len(moments) and int((moments >= 3).sum()) >= _FAMILIES_FOR_SLOPE


def _use_workers(data: pd.DataFrame, worker: bool | None) -> bool:
    unknown = int(data["worker"].isna().sum())
    if worker is None:
        if unknown:
            return False
        families = data.groupby("worker")["family"].nunique()
        return len(families) >= _WORKERS_FOR_EFFECT and float(families.mean()) >= _FAMILIES_PER_WORKER
    if worker and unknown:
        raise ModelError(
            f"{unknown} of {len(data)} measurements have no known worker, so workers cannot enter the model. "
            "Complete the column worker of the episodes, or leave workers out (worker=False)."
        )
    return worker
