"""The chance that help ends badly, seen at each wave, from models fitted without the family's own part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.analysis.families.courses import Courses
from mpg_research.analysis.growth.model_frame import BASELINE_MONTHS
from mpg_research.analysis.monitoring.end_forecast import Chances, chance_of_waves, line_ends
from mpg_research.analysis.monitoring.expectation_model import (
    PARTS,
    ExpectationModel,
    Fold,
    apply_model,
    code_case_mix,
    fit_expectation,
    group_organisations,
)
from mpg_research.analysis.monitoring.rules import bad_outcome, score_step
from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.errors import NotApplicableError
from mpg_research.statistics.change.reliable_change import improvement_sign
from mpg_research.study.model import Study

__all__ = ["EndForecast", "ended_courses", "foretell", "model_parts", "predict_bad_end"]


#: From this many ended courses on, those that still run have no end to learn from or to be judged by.
_ENOUGH_ENDED = 20


@dataclass(frozen=True, slots=True)
class EndForecast:
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
    ended : ndarray of bool, shape (n_waves,)
        Whether the wave's course is over.
    line_chance : ndarray, shape (n_waves,)
        The chance that the family's own line, without swings and errors, ends badly, seen at each wave by the
        model of ``chance``.
    line_bad : ndarray, shape (n_waves,)
        The same of the line from the first to the last wave of the wave's course, given *all* its waves.
    line_training : mapping of str to ndarray, shape (n_waves,)
        As ``training``, of the chance of the own line.
    models : mapping of str to ExpectationModel
        The model of the other parts, by part: what ``chance`` comes from.
    ends : mapping of str to ndarray
        Months of the last waves of the judged courses of the other parts, by part.
    """

    rows: pd.DataFrame = field(repr=False)
    part: NDArray[np.str_] = field(repr=False)
    by: str
    chance: FloatArray = field(repr=False)
    training: Mapping[str, FloatArray] = field(repr=False)
    judged: BoolArray = field(repr=False)
    bad: BoolArray = field(repr=False)
    ended: BoolArray = field(repr=False)
    line_chance: FloatArray = field(repr=False)
    line_bad: FloatArray = field(repr=False)
    line_training: Mapping[str, FloatArray] = field(repr=False)
    models: Mapping[str, ExpectationModel] = field(repr=False)
    ends: Mapping[str, FloatArray] = field(repr=False)

    def only_judged(self) -> "EndForecast":
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
            ended=self.ended[keep],
            line_chance=self.line_chance[keep],
            line_bad=self.line_bad[keep],
            line_training={label: chance[keep] for label, chance in self.line_training.items()},
        )


def model_parts(units: pd.DataFrame) -> tuple[NDArray[np.str_], str]:
    """The part of each course, and what the parts were made by.

    With three organisations or more: the organisation, or a group of them of about equal size. With fewer:
    a sixth of the families, by hash, so that a family's part does not depend on the other families.
    """
    if units["organisation"].nunique() < 3:
        digest = [sha256(str(family).encode()).hexdigest() for family in units["family"]]
        return np.array([str(int(value[8:16], 16) % PARTS) for value in digest]), "families"
    home = group_organisations(units, PARTS)
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


def predict_bad_end(
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
    carry_on: bool = True,
    nested: bool = True,
) -> EndForecast:
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
    carry_on : bool
        Whether the models may find swings that carry on from month to month.
    nested : bool
        Whether the chances that limits are learnt from come from models without two parts. Without, they come
        from those without the wave's own part: the same but for a trace of the judged part, at a third of
        the cost.

    Returns
    -------
    EndForecast
    """
    grouped = rows.groupby("course")["months"]
    judged = np.asarray(
        (grouped.transform("first") <= BASELINE_MONTHS) & (grouped.transform("size") >= 3) & ended
    )
    is_end = judged & (rows["wave"] == grouped.transform("size") - 1).to_numpy()
    months, labels = rows["months"].to_numpy(dtype=float), sorted(set(part))
    step = score_step(rows["score"])

    def ends_without(left_out: set[str]) -> FloatArray:
        return np.asarray(months[is_end & ~np.isin(part, list(left_out))])

    def seen_by(model: ExpectationModel, label: str, without: set[str]) -> tuple[Fold, Chances]:
        places = np.flatnonzero(part == label)
        fold = apply_model(model, rows.iloc[places], label, places)
        found = chance_of_waves(
            fold, sign=sign, margin=margin, step=step, ends=ends_without(without), ahead=ahead
        )
        return fold, found

    known = dict(models or {})
    single = {
        label: known[label]
        if label in known
        else fit_expectation(rows[part != label], columns, carry_on=carry_on)
        for label in labels
    }
    chance, line_chance, line_bad = np.full((3, len(rows)), np.nan)
    for one in labels:
        fold, found = seen_by(single[one], one, {one})
        chance[fold.rows], line_chance[fold.rows] = found.score, found.line
        line_bad[fold.rows] = line_ends(fold, sign=sign, margin=margin, step=step)
    training, line_training = (
        {label: np.where(part == label, np.nan, np.nan if nested else known) for label in labels}
        for known in (chance, line_chance)
    )
    for place, one in enumerate(labels if nested else ()):
        for two in labels[place + 1 :]:
            pairs = {one: single[one], two: single[two]}
            try:
                model = fit_expectation(
                    rows[~np.isin(part, [one, two])], columns,
                    carry_on=any(pair.correlation > 0 for pair in pairs.values()),
                )  # fmt: skip
            except NotApplicableError:
                # Too few courses without both: then at least nothing of the part itself.
                pass
            else:
                pairs = {one: model, two: model}
            for mine, other in ((one, two), (two, one)):
                fold, found = seen_by(pairs[mine], other, {one, two})
                training[mine][fold.rows] = found.score
                line_training[mine][fold.rows] = found.line
    last = rows.groupby("course").ngroup().to_numpy()
    bad = bad_outcome(rows, sign=sign, margin=margin)[last]
    return EndForecast(
        rows, part, by, chance, training, judged, bad, ended, line_chance, line_bad, line_training,
        single, {label: ends_without({label}) for label in labels},
    )  # fmt: skip


def foretell(
    study: Study, courses: Courses, folds: tuple[Fold, ...], *, margin: float, ahead: float | None
) -> tuple[EndForecast, bool]:
    """Chances of a bad end at every wave, and whether the study says which courses are over.

    Parameters
    ----------
    study : Study
        A loaded study.
    courses : Courses
    folds : tuple of Fold
        Models of the expected bands, which serve again where they left out a whole part.
    margin, ahead
        As in :func:`predict_bad_end`.
    """
    rows, columns = code_case_mix(courses.rows, courses.frame.case_mix)
    part_of_course, by = model_parts(courses.units)
    ended, known = ended_courses(study, courses.units)
    course_of_wave = rows["course"].to_numpy()
    part = part_of_course[course_of_wave]
    foretold = predict_bad_end(
        rows, columns, part, by=by, sign=improvement_sign(courses.instrument.direction), margin=margin,
        ended=ended[course_of_wave], ahead=ahead, models=_known_models(folds, part),
    )  # fmt: skip
    return foretold, known


def _known_models(folds: tuple[Fold, ...], part: NDArray[np.str_]) -> dict[str, ExpectationModel]:
    """The models of the bands whose left-out courses are those of a whole part."""
    found = {}
    for fold in folds:
        labels = set(part[fold.rows])
        label = labels.pop()
        if not labels and int((part == label).sum()) == len(fold.rows):
            found[label] = fold.model
    return found
