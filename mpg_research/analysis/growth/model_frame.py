"""From the measurements of a course to the columns of a model, under names that are ours.

Column names and organisation keys of an export never reach a formula: covariates become
``covariate_1``, ``covariate_2``, ..., organisations ``o001``, ``o002``, ... in the order of their keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.errors import ModelError, NotApplicableError, Note
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow

__all__ = ["BASELINE_MONTHS", "BaselineSpread", "Covariate", "ModelFrame", "prepare_frame"]

#: A family's first measurement counts as its baseline when it lies at most this many months after the start.
BASELINE_MONTHS = 1.0

#: A random term for families takes more than one.
_FEWEST_FAMILIES = 2
#: An organisation has a course of its own from so many families measured at so many moments on ...
_FEWEST_COURSES = 2
_FEWEST_MOMENTS = 2
#: ... the last of its measurements at or beyond this share of the time to the month of comparison, and that
#: of another family at or beyond the next one: one late row can be a wrong date.
_FOLLOWED = 0.75
_ALSO_FOLLOWED = 0.5

_KEEP = ["family", "episode", "organisation", "worker", "respondent", "months", "score"]


@dataclass(frozen=True, slots=True)
class Covariate:
    """One column of the case mix as the model sees it.

    Attributes
    ----------
    name : str
        Column in the study.
    level : str
        The category that this indicator is about; empty for a number.
    column : str
        Name in the model's data.
    centre : float
        Mean over episodes (each counting once), subtracted in the model: 0 is the average family.
    """

    name: str
    level: str
    column: str
    centre: float


@dataclass(frozen=True, slots=True)
class BaselineSpread:
    """Standard deviation of the scores at the start (points) and the families behind it."""

    sd: float
    n_families: int


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """Everything a model of the course is fitted on.

    Attributes
    ----------
    data : DataFrame
        One row per measurement: score, months, family, episode, organisation (code), worker (unique
        over organisations), respondent, and one centred column per covariate.
    organisations : mapping of str to str
        Organisation code in ``data`` to the study's key, in the order of the keys.
    covariates : tuple of Covariate
    episodes : DataFrame
        One row per episode: family, organisation (code), and the case-mix columns as the study has them.
    flow : SampleFlow
        The course's flow, with the steps of this module added.
    notes : tuple of Note
    baseline : BaselineSpread
    until : float, optional
        Primary month of the comparison.
    minimum_measured : int, optional
        Families that are enough; None where the size of organisations does not matter.
    """

    data: pd.DataFrame
    organisations: Mapping[str, str]
    covariates: tuple[Covariate, ...]
    episodes: pd.DataFrame
    flow: SampleFlow
    notes: tuple[Note, ...]
    baseline: BaselineSpread
    until: float | None = None
    minimum_measured: int | None = None

    @property
    def n_families(self) -> int:
        """Distinct families."""
        return int(self.data["family"].nunique())

    @property
    def families_of(self) -> dict[str, int]:
        """Distinct families by organisation code."""
        counts = self.data.groupby("organisation")["family"].nunique()
        return {code: int(counts[code]) for code in self.organisations}


def prepare_frame(
    course: CourseFrame,
    *,
    by_organisation: bool = False,
    until: float | None = None,
    minimum_measured: int | None = None,
) -> ModelFrame:
    """Name, complete, centre and check the measurements of a course.

    Parameters
    ----------
    course : CourseFrame
        The measurements in the course of help, from ``course_frame``.
    by_organisation : bool
        Whether each organisation gets a course of its own. Left out and counted then are organisations
        with fewer than two families measured at two moments (their course would be that of a family), and
        those not followed far enough; case mix that is the same within every organisation too.
    until : float, optional
        Primary month of the comparison. An organisation has no course to that month if in the last quarter
        of the time up to there it was not measured, or in the last half fewer than two of its families were.
    minimum_measured : int, optional
        ``[analysis] minimum_measured``: an organisation needs three times as many families for a bend of its
        own. By default its size does not matter.

    Returns
    -------
    ModelFrame

    Raises
    ------
    ModelError
        If there is no course to model: no scores, scores that never vary, one moment only, or no
        family with two measurements.
    NotApplicableError
        If no organisation has a course of its own.

    Notes
    -----
    Episodes with a missing covariate are left out and counted in the flow, one step per covariate.
    """
    data = course.data
    steps = [step for step in course.flow.steps if step.code != "analysed"]
    notes: list[Note] = []
    for name in course.case_mix:
        known = data[name].notna()
        if not known.all():
            data = data[known]
            steps.append(_step(f"{name}_known", f"with a known {name}", data))
    _check_course(data)
    if by_organisation:
        data = _with_a_course(data, until, steps, notes)
        _check_course(data)
    keys = sorted(data["organisation"].astype(str).unique())
    codes = {key: f"o{number:03d}" for number, key in enumerate(keys, start=1)}
    covariates, columns = _code_covariates(data, course.case_mix, by_organisation, notes)
    frame = data[_KEEP].copy()
    for name in ("family", "episode", "organisation", "respondent"):
        frame[name] = frame[name].astype(str)
    frame["organisation"] = frame["organisation"].map(codes)
    worker = data["worker"]
    frame["worker"] = (frame["organisation"] + "/" + worker.astype(str)).where(worker.notna(), None)
    frame = pd.concat([frame, columns], axis=1).reset_index(drop=True)
    steps.append(_step("analysed", "analysed", frame))
    return ModelFrame(
        data=frame,
        organisations={code: key for key, code in codes.items()},
        covariates=covariates,
        episodes=_episode_rows(data, course.case_mix, codes),
        flow=SampleFlow(tuple(steps)),
        notes=tuple(notes),
        baseline=_baseline_spread(frame),
        until=until,
        minimum_measured=minimum_measured,
    )


def _step(code: str, text: str, data: pd.DataFrame) -> FlowStep:
    episodes = len(data[["family", "episode"]].drop_duplicates())
    return FlowStep(code, text, len(data), int(data["family"].nunique()), episodes)


def _with_a_course(
    data: pd.DataFrame, until: float | None, steps: list[FlowStep], notes: list[Note]
) -> pd.DataFrame:
    """Without organisations that have no course of their own: they would make every comparison uncertain."""
    organisation = data["organisation"].astype(str)
    moments = data.groupby([organisation, "family"])["months"].nunique()
    courses = (moments >= _FEWEST_MOMENTS).groupby(level=0).sum()
    near = pd.Series(True, index=courses.index)
    if until is not None:
        furthest = min(float(data["months"].max()), until)
        lasts = data.groupby([organisation, "family"])["months"].max().sort_values(ascending=False)
        last = lasts.groupby(level=0)
        second = lasts[last.cumcount() < _FEWEST_COURSES].groupby(level=0).min()
        near = (last.max() >= _FOLLOWED * furthest) & (second >= _ALSO_FOLLOWED * furthest)
    without = sorted(courses.index[(courses < _FEWEST_COURSES) | ~near])
    if not without:
        return data
    kept = data[~organisation.isin(without)]
    if kept.empty:
        raise NotApplicableError(
            f"None of the {len(without)} organisations has a course of its own: that takes {_FEWEST_COURSES} "
            f"families measured at {_FEWEST_MOMENTS} moments, up to near the month asked for.",
            code="one_organisation",
        )
    steps.append(_step("organisation_with_course", "in organisations with a course of their own", kept))
    text = (
        f"Left out of the comparison: {len(without)} organisations without a course of their own (fewer than "
        f"{_FEWEST_COURSES} families measured at {_FEWEST_MOMENTS} moments, or not followed far enough)."
    )
    values = {
        "n_organisations": len(without),
        "families_needed": _FEWEST_COURSES,
        "moments": _FEWEST_MOMENTS,
    }
    notes.append(Note("organisation_without_course", text, values, "caution"))
    return kept


def _check_course(data: pd.DataFrame) -> None:
    """Refuse what no growth model can be fitted to."""
    if data.empty:
        raise ModelError(
            "There is no scored measurement in the course of help, so there is no course to model. "
            "`mpg check` says what is left out of the measurements, and why."
        )
    n_families = data["family"].nunique()
    if n_families < _FEWEST_FAMILIES:
        raise ModelError(
            f"Only {n_families} family has scores in the course of help; a model of how families differ "
            f"needs at least {_FEWEST_FAMILIES}, and says something from about ten. The course of a single "
            "family: mpg profile."
        )
    moments = data.groupby("family")["months"].nunique()
    if moments.max() < 2 and data["months"].nunique() > 1:
        raise ModelError(
            f"None of the {n_families} families has measurements at two moments, so no family's course can "
            "be seen; expected at least two per family for a part of the families. Check the family ids "
            "and dates of the measurements."
        )
    if data["months"].nunique() < 2:
        raise ModelError(
            f"All {len(data)} measurements lie at one moment (month {data['months'].iloc[0]:g}); a course "
            "needs at least two. Check the dates of the measurements and the starts of the episodes."
        )
    if data["score"].nunique() < 2:
        raise ModelError(
            f"All {len(data)} scores are {data['score'].iloc[0]:g}; a model needs scores that vary. "
            "Check the items or totals in the measurements."
        )


def _code_covariates(
    data: pd.DataFrame, names: tuple[str, ...], by_organisation: bool, notes: list[Note]
) -> tuple[tuple[Covariate, ...], pd.DataFrame]:
    """Centred numeric columns for numbers, and for all but the most frequent category."""
    episodes = ~data.duplicated(["family", "episode"])
    covariates: list[Covariate] = []
    columns: dict[str, pd.Series] = {}
    for name in names:
        values = data[name]
        if values[episodes].nunique() < 2:
            notes.append(
                Note(
                    "constant_case_mix",
                    f"{name} is the same for all families and was left out.",
                    {"name": name},
                )
            )
            continue
        if by_organisation and data.groupby("organisation")[name].nunique().max() < 2:
            text = f"{name} is the same for all families of an organisation, so it cannot be adjusted for."
            notes.append(Note("case_mix_is_organisation", text, {"name": name}, "caution"))
            continue
        for level, numbers in _indicators(values, episodes):
            column = f"covariate_{len(covariates) + 1}"
            centre = float(numbers[episodes].mean())
            covariates.append(Covariate(name, level, column, centre))
            columns[column] = numbers - centre
    return tuple(covariates), pd.DataFrame(columns, index=data.index)


def _indicators(values: pd.Series, episodes: pd.Series) -> list[tuple[str, pd.Series]]:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return [("", values.astype(float))]
    texts = values.astype(str)
    if set(texts.unique()) <= {"True", "False"}:
        return [("", (texts == "True").astype(float))]
    counts = texts[episodes].value_counts()
    reference = sorted(counts.index[counts == counts.max()])[0]
    others = [level for level in sorted(counts.index) if level != reference]
    return [(level, (texts == level).astype(float)) for level in others]


def _episode_rows(data: pd.DataFrame, case_mix: tuple[str, ...], codes: Mapping[str, str]) -> pd.DataFrame:
    rows = data.drop_duplicates(["family", "episode"])[["family", "organisation", *case_mix]]
    return rows.assign(organisation=rows["organisation"].astype(str).map(codes)).reset_index(drop=True)


def _baseline_spread(data: pd.DataFrame) -> BaselineSpread:
    """Spread of the first scores near the start, one per family, episode and respondent."""
    early = data[data["months"] <= BASELINE_MONTHS].sort_values("months", kind="stable")
    first = early.drop_duplicates(["family", "episode", "respondent"])
    n_families = int(first["family"].nunique())
    if n_families < 2:
        return BaselineSpread(float("nan"), n_families)
    return BaselineSpread(float(np.std(first["score"].to_numpy(dtype=float), ddof=1)), n_families)
