"""Scores after the end of help, and when one was first reliably worse than the last score in help.

A worsening is known at a wave only: it came about after the wave before it (or the end) and at the latest at
the wave where it was seen. By the study's own rule of reliable change, on the declared respondent.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from mpg_research.analysis.afterwards.good_ends import axis_in_months
from mpg_research.analysis.families.courses import read_courses
from mpg_research.analysis.families.score_error import measurement_error
from mpg_research.errors import ConfigError, DataError
from mpg_research.statistics.change.reliable_change import reliable_change_index
from mpg_research.study.model import CourseFrame, Study
from mpg_research.study.which_scores import Scores

__all__ = ["LaterScores", "read_later_scores"]

_KEYS = ["family", "episode"]
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class LaterScores:
    """Scores after good ends.

    Attributes
    ----------
    rows : DataFrame
        One row per wave after the end: family, months (since the end), score, last (the last score in help),
        worse (reliably so).
    families : DataFrame
        One row per family with a score shortly before the end and one after it: family, last, seen_at (months
        since the end of the first wave that was reliably worse; infinite where none was), not_before (of the
        wave before that one, or 0), clean_by_event (the last wave that was not worse), last_wave, n_waves.
    frame : CourseFrame or None
        The scores in force.
    by_chance : float
        Share of these families of whom some wave would be called worse if nothing but measurement error
        moved their scores; NaN without.
    rule : str
        Of reliable change; empty where scores carry none.
    """

    rows: pd.DataFrame
    families: pd.DataFrame
    frame: CourseFrame | None
    by_chance: float
    rule: str


def read_later_scores(study: Study, ends: pd.DataFrame, *, scores: Scores, level: float) -> LaterScores:
    """The scores after these ends, against the last score in help.

    Parameters
    ----------
    study : Study
    ends : DataFrame
        ``rows`` of :class:`~mpg_research.analysis.afterwards.good_ends.GoodEnds`.
    scores : Scores
    level : float
        Of reliable change.
    """
    try:
        courses = read_courses(study, scores=replace(scores, respondents="declared", episodes="all"))
    except (ConfigError, DataError):
        return LaterScores(_no_rows(), _no_families(), None, float("nan"), "")
    frame, unit = courses.frame, axis_in_months(study)
    later = _after(study, ends, frame, unit)
    before = _before(courses.rows, ends, unit, study.config.afterwards.last_score_months)
    rows = later.merge(before, on="family", how="left")
    worse, chance, rule = np.zeros(len(rows), dtype=bool), float("nan"), ""
    known = rows["last"].notna().to_numpy(dtype=bool)
    source = measurement_error(study, courses, required=False)
    usable = np.isfinite(source.reliability) and 0 < source.reliability < 1
    if known.any() and usable:
        method = study.config.analysis.change_method
        spread = source.sd if source.sd > 0 else None
        try:
            found = reliable_change_index(
                rows["last"].to_numpy(dtype=float), rows["score"].to_numpy(dtype=float),
                reliability=source.reliability, method=method, sd=spread,
                direction=courses.instrument.direction, level=level,
            )  # fmt: skip
            worse, rule = found.category == "deteriorated", method
        except ValueError:
            usable = False
    rows = rows.assign(worse=worse)
    families = _by_family(rows[known]) if rule else _no_families()
    if len(families):
        chance = float(_chance_of_any(families["n_waves"].to_numpy(), level).mean())
    return LaterScores(rows, families, frame, chance, rule)


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {"family": pd.Series(dtype=object), "months": pd.Series(dtype=float), "score": pd.Series(dtype=float),
         "last": pd.Series(dtype=float), "worse": pd.Series(dtype=bool)}
    )  # fmt: skip


def _no_families() -> pd.DataFrame:
    columns = ["last", "seen_at", "not_before", "clean_by_event", "last_wave", "n_waves"]
    return pd.DataFrame({"family": pd.Series(dtype=object), **{c: pd.Series(dtype=float) for c in columns}})


def _after(study: Study, ends: pd.DataFrame, frame: CourseFrame, unit: float) -> pd.DataFrame:
    """Waves after the end; scores of one day are averaged."""
    table = study.scores
    chosen = table[
        (table["instrument"] == frame.instrument)
        & table["declared_respondent"]
        & (table["phase"] == "follow_up")
        & table[frame.outcome].notna()
    ]
    chosen = chosen.assign(**{name: chosen[name].astype(str) for name in _KEYS})
    found = chosen.merge(ends[[*_KEYS, "helped"]], on=_KEYS)
    months = np.round(found["months"].to_numpy(dtype=float) * unit - found["helped"], _DECIMALS)
    found = found.assign(months=months, score=found[frame.outcome].astype(float))
    found = found[found["months"] > 0]
    if found.empty:
        return _no_rows()[["family", "months", "score"]]
    means: pd.DataFrame = found.groupby(["family", "months"], as_index=False)[["score"]].mean()
    return means.sort_values(["family", "months"], kind="stable").reset_index(drop=True)


def _before(rows: pd.DataFrame, ends: pd.DataFrame, unit: float, within: float) -> pd.DataFrame:
    """The last score in help of each family, where it lies shortly before the end."""
    last = rows.groupby(_KEYS, as_index=False).last()[[*_KEYS, "months", "score"]]
    found = last.merge(ends[[*_KEYS, "helped"]], on=_KEYS)
    near = found["helped"] - found["months"] * unit <= within + 1e-9
    return found.loc[near, ["family", "score"]].rename(columns={"score": "last"})


def _by_family(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return _no_families()
    previous = rows.groupby("family")["months"].shift(1).fillna(0.0)
    first = rows.assign(previous=previous)[rows["worse"]].drop_duplicates("family").set_index("family")
    grouped = rows.groupby("family")
    families = pd.DataFrame(
        {"last": grouped["last"].first(), "last_wave": grouped["months"].max(), "n_waves": grouped.size()}
    )
    families["clean_by_event"] = rows[~rows["worse"]].groupby("family")["months"].max()
    families["seen_at"] = first["months"].reindex(families.index).fillna(np.inf)
    families["not_before"] = first["previous"].reindex(families.index).fillna(np.inf)
    return families.reset_index()


def _chance_of_any(n_waves: np.ndarray, level: float) -> np.ndarray:
    """Chance that one of several waves is called worse by error alone: all are compared with one last score.

    With equal errors e of all scores a wave is called worse where (e_wave - e_last) / sqrt(2) exceeds z.
    """
    z = float(ndtri(0.5 + level / 2))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    each = ndtr(z * np.sqrt(2) + nodes)
    counts, place = np.unique(n_waves.astype(int), return_inverse=True)
    shares = np.array([1 - float(weights @ each**count) for count in counts])
    return shares[place]
