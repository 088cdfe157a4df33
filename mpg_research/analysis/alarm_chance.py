"""The chance that help ends badly, seen at each wave, from models fitted without the family's own part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from mpg_research.analysis.alarm_rules import bad_outcome, score_step
from mpg_research.analysis.expectation_model import (
    ExpectationModel,
    Fold,
    apply_model,
    fit_expectation,
)
from mpg_research.analysis.expectation_scores import forecast
from mpg_research.analysis.frame import BASELINE_MONTHS
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study

__all__ = ["Foretold", "chance_of_waves", "ended_courses", "foretell", "months_to_go", "parts_of"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Organisations are grouped into at most this many parts, so that the nested fits stay few.
_PARTS = 6
#: Points of the distribution of the time to go at which a forecast is made.
_POINTS = (0.1, 0.3, 0.5, 0.7, 0.9)
#: The time to go is learnt from this many courses at least: the longest ones where fewer were still running.
_LEAST_ENDS = 10
#: Where no course has ended, a forecast looks this many months ahead.
_AHEAD = 6.0
#: No forecast looks ahead less than this.
_LEAST_AHEAD = 1.0
#: From this many ended courses on, those that still run have no end to learn from or to be judged by.
_ENOUGH_ENDED = 20


@dataclass(frozen=True, slots=True)
class Foretold:
    """Chances of a bad end at every wave, and those that limits on them may be learnt from.

    Attributes
    ----------
    rows : DataFrame
        Waves: course, wave, months, score, and the coded case mix.
    part : ndarray of str, shape (n_waves,)
        What is left out together: organisations, or families.
    by : {"organisations", "families"}
    chance : ndarray, shape (n_waves,)
        By a model that saw nothing of the wave's own part.
    training : mapping of str to ndarray, shape (n_waves,)
        Of each part: chances at the waves of the *other* parts, by models that saw neither that part nor the
        wave's own (where too few courses remain for that: not that part). NaN in the part itself.
    judged : ndarray of bool, shape (n_waves,)
        Waves of courses with an intake score, an end, and a wave between.
    bad : ndarray of bool, shape (n_waves,)
        Whether the last score of the wave's course is a bad end.
    """

    rows: pd.DataFrame = field(repr=False)
    part: NDArray[np.str_] = field(repr=False)
    by: str
    chance: FloatArray = field(repr=False)
    training: Mapping[str, FloatArray] = field(repr=False)
    judged: BoolArray = field(repr=False)
    bad: BoolArray = field(repr=False)

    def only_judged(self) -> "Foretold":
        """The same, of the judged waves only."""
        keep = self.judged
        return replace(
            self,
            rows=self.rows[keep].reset_index(drop=True),
            part=self.part[keep],
            chance=self.chance[keep],
            training={label: chance[keep] for label, chance in self.training.items()},
            judged=keep[keep],
            bad=self.bad[keep],
        )


def parts_of(units: pd.DataFrame) -> tuple[NDArray[np.str_], str]:
    """The part of each course, and what the parts were made by.

    With three organisations or more: the organisation, or a group of them of about equal size. With fewer:
    a sixth of the families, by hash, so that a family's part does not depend on the other families.
    """
    sizes = units.groupby("organisation").size().sort_values(ascending=False, kind="stable")
    if len(sizes) < 3:
        digest = [sha256(str(family).encode()).hexdigest() for family in units["family"]]
        return np.array([str(int(value[8:16], 16) % _PARTS) for value in digest]), "families"
    filled = np.zeros(min(_PARTS, len(sizes)))
    home = {}
    for organisation, size in sizes.items():
        place = int(np.argmin(filled))
        filled[place] += size
        home[organisation] = str(place)
    return np.asarray(units["organisation"].map(home).to_numpy(dtype=str)), "organisations"


def ended_courses(study: Study, units: pd.DataFrame) -> tuple[BoolArray, bool]:
    """Whether each course is over, and whether the study says so.

    Where fewer than 20 courses are known to be over, all of them count as if they were.
    """
    episodes = study.tables["episodes"]
    known = np.zeros(len(units), dtype=bool)
    if "end" in episodes:
        named = episodes.assign(
            family=episodes["family"].astype(str), episode=episodes["episode"].astype(str)
        ).set_index(["family", "episode"])["end"]
        known = named.reindex(pd.MultiIndex.from_frame(units[["family", "episode"]])).notna().to_numpy()
    enough = int(known.sum()) >= _ENOUGH_ENDED
    return (known if enough else np.ones(len(units), dtype=bool)), enough


def foretell(
    rows: pd.DataFrame,
    columns: Sequence[str],
    part: NDArray[np.str_],
    *,
    by: str,
    sign: float,
    margin: float,
    ended: BoolArray,
    ahead: float | None = None,
    models: Mapping[str, ExpectationModel] | None = None,
) -> Foretold:
    """Chances of a bad end at every wave, by nested cross-validation over the parts.

    Parameters
    ----------
    rows : DataFrame
        Waves with coded case mix, in blocks by course (0, 1, ...); index 0, 1, ...
    columns : sequence of str
        The coded case mix.
    part : ndarray of str, shape (n_waves,)
    by : str
        What the parts were made by.
    sign : float
        -1 where a fall is an improvement.
    margin : float
        Improvement in points up to which an end counts as bad.
    ended : ndarray of bool, shape (n_waves,)
        Whether the wave's course is over.
    ahead : float, optional
        Months that a forecast looks ahead; by default the time to go is learnt from the courses that the
        model was fitted on.
    models : mapping of str to ExpectationModel, optional
        Models without one part, where they are known already.

    Returns
    -------
    Foretold
    """
    grouped = rows.groupby("course")["months"]
    judged = np.asarray(
        (grouped.transform("first") <= BASELINE_MONTHS) & (grouped.transform("size") >= 3) & ended
    )
    is_end = judged & (rows["wave"] == grouped.transform("size") - 1).to_numpy()
    months, labels = rows["months"].to_numpy(dtype=float), sorted(set(part))
    step = score_step(rows["score"])

    def seen_by(
        model: ExpectationModel, label: str, without: set[str]
    ) -> tuple[NDArray[np.intp], FloatArray]:
        places = np.flatnonzero(part == label)
        fold = apply_model(model, rows.iloc[places], label, places)
        ends = months[is_end & ~np.isin(part, list(without))]
        return places, chance_of_waves(fold, sign=sign, margin=margin, step=step, ends=ends, ahead=ahead)

    known = dict(models or {})
    single = {
        label: known[label] if label in known else fit_expectation(rows[part != label], columns)
        for label in labels
    }
    chance = np.full(len(rows), np.nan)
    training = {label: np.full(len(rows), np.nan) for label in labels}
    for one in labels:
        places, found = seen_by(single[one], one, {one})
        chance[places] = found
    for place, one in enumerate(labels):
        for two in labels[place + 1 :]:
            try:
                model = fit_expectation(rows[~np.isin(part, [one, two])], columns)
            except NotApplicableError:
                # Too few courses without both: then at least nothing of the part itself.
                pairs = {one: single[one], two: single[two]}
            else:
                pairs = {one: model, two: model}
            for mine, other in ((one, two), (two, one)):
                places, found = seen_by(pairs[mine], other, {one, two})
                training[mine][places] = found
    last = rows.groupby("course").ngroup().to_numpy()
    bad = bad_outcome(rows, sign=sign, margin=margin)[last]
    return Foretold(rows, part, by, chance, training, judged, bad)


def months_to_go(months: FloatArray, ends: FloatArray, ahead: float | None = None) -> FloatArray:
    """Months from each wave to moments at which its course may end, shape (n_waves, n_points).

    Parameters
    ----------
    months : ndarray, shape (n_waves,)
    ends : ndarray, shape (n_courses,)
        Months of the last waves of other courses.
    ahead : float, optional
        One fixed time instead.

    Returns
    -------
    ndarray
        The 10th, 30th, ... 90th percentile of the time that courses which ran longer still had to go; of the
        ten longest courses where fewer ran longer. At least a month.
    """
    if ahead is not None or not len(ends):
        return np.full((len(months), 1), _AHEAD if ahead is None else ahead)
    ordered = np.sort(ends)
    first = np.minimum(np.searchsorted(ordered, months, "right"), max(len(ordered) - _LEAST_ENDS, 0))
    place = first[:, None] + np.array(_POINTS) * (len(ordered) - first)[:, None]
    return np.asarray(np.maximum(ordered[place.astype(np.intp)] - months[:, None], _LEAST_AHEAD))


def chance_of_waves(
    fold: Fold,
    *,
    sign: float,
    margin: float,
    step: float,
    ends: FloatArray,
    ahead: float | None = None,
) -> FloatArray:
    """Chance of a bad end as seen at each wave from the waves up to then.

    Parameters
    ----------
    fold : Fold
        Courses and the model that was fitted without them.
    sign, margin, ahead : float
        As in :func:`foretell`.
    step : float
        Distance of neighbouring scores: an end exactly on the margin is bad.
    ends : ndarray
        Months of the last waves of the courses the model was fitted on.

    Returns
    -------
    ndarray, shape (n_waves,)

    Notes
    -----
    Given the waves so far the last score is normal with the forecast's mean m(t) and standard deviation s(t);
    the chance that it is no more than ``margin`` better than the first, observed score is the mean over the
    months to go of Phi((margin + step / 2 - sign (m(t) - first)) / s(t)).
    """
    rows = fold.data
    go = months_to_go(rows["months"].to_numpy(dtype=float), ends, ahead)
    place = np.repeat(np.arange(len(rows)), go.shape[1])
    at = rows["months"].to_numpy(dtype=float)[place] + go.ravel()
    mean, sd = forecast(fold.model, fold.effects, place, rows.iloc[place].reset_index(drop=True), at)
    first = rows["score"].to_numpy(dtype=float)[place - rows["wave"].to_numpy()[place]]
    boundary = step * (np.floor(margin / step + 1e-9) + 0.5)
    return np.asarray(ndtr((boundary - sign * (mean - first)) / sd).reshape(go.shape).mean(axis=1))
