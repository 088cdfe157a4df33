"""Every score that a worker gave, on any scale, with when, by whom and what the parent said at that time.

Scales are the severity of life domains (``domains``: the mean over the domains of a date, each about its own
mean in the study, so that it does not matter which were scored), the working elements (``practice``: their
mean) and questionnaires that workers fill in (the key of the instrument).
"""

from dataclasses import dataclass

import pandas as pd

from mpg_research.analysis.practice.elements import index_of
from mpg_research.arrays import FloatArray
from mpg_research.errors import NotApplicableError
from mpg_research.study.config.study_toml import DAYS_PER_YEAR
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.scoring.scores import IN_COURSE

__all__ = ["DOMAINS_SCALE", "PRACTICE_SCALE", "WorkerScores", "worker_scores"]

DOMAINS_SCALE, PRACTICE_SCALE = "domains", "practice"
_KEYS = ["family", "episode"]
_COLUMNS = [*_KEYS, "date", "rater", "role", "score"]


@dataclass(frozen=True, slots=True)
class WorkerScores:
    """Scores by workers.

    Attributes
    ----------
    rows : DataFrame
        scale, family, episode, organisation, rater ("organisation|worker"), role, is_own (whether the rater
        was the worker of this family then, as far as is known), date, score, parent (the parent's score
        nearest in time), and in years: calendar (since the first score), in_job, together, in_help. Missing
        where not known. Only scores during the help, by a known rater.
    flow : SampleFlow
        From all scores by workers to those with everything known.
    """

    rows: pd.DataFrame
    flow: SampleFlow


def worker_scores(study: Study, *, parent_days: float) -> WorkerScores:
    """Gather the scores that workers gave during the help.

    Parameters
    ----------
    study : Study
        A loaded study.
    parent_days : float
        How far from a worker's score the parent's may lie.

    Returns
    -------
    WorkerScores

    Raises
    ------
    NotApplicableError
        Without dates, without a table of workers with the start of their work, or without any scale that
        workers score.
    """
    if study.config.time.kind != "dates":
        raise NotApplicableError(
            f"Times in study {study.name} are numbers: how long workers have done their work is not known "
            'then. Give dates ([time] kind = "dates").',
            code="drift_without_dates",
        )
    workers = study.tables.get("workers")
    if workers is None or not len(workers):
        raise NotApplicableError(
            f"Study {study.name} has no table workers (organisation, worker, start): how long somebody has "
            "done this work is not recorded. See docs/explanation/practice.md.",
            code="no_worker_starts",
        )
    scales = [_domains(study), _practice(study), *_questionnaires(study)]
    scales = [frame for frame in scales if len(frame)]
    if not scales:
        raise NotApplicableError(
            f"Study {study.name} has no scale that workers score: no domains, working elements or "
            "questionnaires with a rater. See docs/explanation/practice.md.",
            code="no_rated_scales",
        )
    rows = pd.concat(scales, ignore_index=True)
    steps = [_step("worker_scores", "scores by workers", rows)]
    rows = _in_help(study, rows)
    steps.append(_step("scores_in_help", "on a date during the help", rows))
    rows = rows[rows["rater"].notna() & (rows["rater"].astype(str).str.strip() != "")]
    steps.append(_step("rater_known", "by a known worker", rows))
    rows = _with_workers(study, rows, workers)
    steps.append(_step("years_known", "whose years in the job are known", rows[rows["in_job"].notna()]))
    rows = rows.assign(parent=_nearest_parent(study, rows, parent_days))
    complete = rows[rows[["in_job", "parent"]].notna().all(axis=1)]
    steps.append(_step("parent_nearby", "with a score of the parent at about that time", complete))
    return WorkerScores(rows.reset_index(drop=True), SampleFlow(tuple(steps)))


def _step(code: str, text: str, rows: pd.DataFrame) -> FlowStep:
    return FlowStep(code, text, len(rows), int(rows["family"].nunique()), len(rows[_KEYS].drop_duplicates()))


def _taken(study: Study, name: str) -> pd.DataFrame:
    """A table with the columns that it may lack."""
    table = study.tables.get(name)
    if table is None:
        return pd.DataFrame(columns=[*_KEYS, "date", "rater", "rater_role"])
    lacking = [column for column in (*_KEYS, "date", "rater", "rater_role") if column not in table]
    return table.assign(**dict.fromkeys(lacking, None))


def _domains(study: Study) -> pd.DataFrame:
    table = _taken(study, "domains")
    if not len(table):
        return pd.DataFrame(columns=["scale", *_COLUMNS])
    severity = table["severity"].astype("Float64").astype(float)
    about = severity - severity.groupby(table["domain"]).transform("mean") + severity.mean()
    frame = table[[*_KEYS, "date", "rater"]].assign(score=about).dropna(subset=["family", "date", "score"])
    means = frame.groupby([*_KEYS, "date", "rater"], dropna=False, sort=True)["score"].mean().reset_index()
    return means.assign(scale=DOMAINS_SCALE, role=None)


def _practice(study: Study) -> pd.DataFrame:
    table = _taken(study, "practice")
    if not len(table):
        return pd.DataFrame(columns=["scale", *_COLUMNS])
    frame = table[[*_KEYS, "date", "rater"]].assign(role=table["rater_role"], score=index_of(table))
    return frame.dropna(subset=["family", "date", "score"]).assign(scale=PRACTICE_SCALE)


def _questionnaires(study: Study) -> list[pd.DataFrame]:
    """Scores with a rater, or by the worker as respondent; one frame per instrument."""
    given = study.tables["measurements"]
    scores = study.scores
    rater = given["rater"] if "rater" in given else pd.Series(None, index=given.index, dtype=object)
    values = rater.astype(object).where(rater.notna(), None).to_numpy()
    rater = pd.Series(values, index=scores.index, dtype=object)
    by_worker = (scores["respondent"].astype(str) == "worker") | rater.notna()
    usable = by_worker & scores["raw"].notna() & scores["phase"].isin(IN_COURSE)
    chosen = scores[usable]
    frame = chosen[[*_KEYS, "date", "instrument"]].assign(
        rater=rater[usable], role=None, score=chosen["raw"].astype(float)
    )
    return [
        part.drop(columns="instrument").assign(scale=str(key))
        for key, part in frame.groupby("instrument", sort=True, observed=True)
    ]


def _in_help(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Scores of known periods of help, from the baseline window on to the end."""
    episodes = study.tables["episodes"].drop_duplicates(_KEYS)
    known = episodes[[*_KEYS, "organisation", "start", "end"]].assign(own_worker=episodes["worker"])
    joined = rows.astype({"family": str}).merge(known, on=_KEYS, how="inner")
    window = pd.Timedelta(days=study.config.time.baseline_window_days)
    inside = (joined["date"] >= joined["start"] - window) & (
        joined["end"].isna() | (joined["date"] <= joined["end"])
    )
    return joined[inside.to_numpy(dtype=bool, na_value=False)].reset_index(drop=True)


def _with_workers(study: Study, rows: pd.DataFrame, workers: pd.DataFrame) -> pd.DataFrame:
    """Years in the job, with this family and in the help; and whether it was the family's own worker."""
    began = workers.drop_duplicates(["organisation", "worker"])[["organisation", "worker", "start"]]
    began = began.rename(columns={"worker": "rater", "start": "began"}).astype({"organisation": str})
    rows = rows.astype({"organisation": str, "rater": str}).merge(
        began.astype({"rater": str}), on=["organisation", "rater"], how="left"
    )
    in_job = _years(rows["date"] - rows["began"])
    rows["in_job"] = in_job.where(in_job >= 0)
    rows["in_help"] = _years(rows["date"] - rows["start"]).clip(lower=0)
    rows["calendar"] = _years(rows["date"] - rows["date"].min())
    charge, first_charge = _in_charge(study)
    month = rows["date"].dt.to_period("M").astype(str)
    index = pd.MultiIndex.from_arrays([rows["family"], rows["episode"], month])
    in_charge = pd.Series(charge.reindex(index).to_numpy(dtype=object), index=rows.index)
    own = in_charge.where(in_charge.notna(), rows["own_worker"].astype(object))
    is_own = own.isna() | (own.astype(str) == rows["rater"])
    role = rows["role"].astype(object)
    rows["is_own"] = is_own.where(role.isna(), role == "family_worker").astype(bool)
    index = pd.MultiIndex.from_arrays([rows["family"], rows["episode"], rows["rater"]])
    came = pd.Series(pd.to_datetime(first_charge.reindex(index).to_numpy()), index=rows.index)
    from_start = came.isna() & (rows["own_worker"].astype(object).astype(str) == rows["rater"])
    came = came.where(~from_start, rows["start"])
    first = rows.groupby([*_KEYS, "rater"])["date"].transform("min")
    came = came.where(came.notna() & (came <= first), first)
    came = came.where(came >= rows["start"], rows["start"])
    rows["together"] = _years(rows["date"] - came).clip(lower=0)
    rows["rater"] = rows["organisation"] + "|" + rows["rater"]
    kept = [
        "scale", *_KEYS, "organisation", "rater", "role", "is_own", "date", "score",
        "calendar", "in_job", "together", "in_help",
    ]  # fmt: skip
    return rows[kept]


def _in_charge(study: Study) -> tuple[pd.Series, pd.Series]:
    """The worker in charge by family, episode and month; since which month by family, episode and worker."""
    care = study.tables.get("care")
    if care is None or "worker" not in care or not len(care):
        empty = pd.MultiIndex.from_arrays([[], [], []])
        return pd.Series(dtype=object, index=empty), pd.Series(dtype="datetime64[s]", index=empty)
    known = care.dropna(subset=["month", "worker"]).sort_values("month", kind="stable")
    months = known["month"].dt.to_period("M").astype(str)
    by_month = known.assign(month=months).drop_duplicates([*_KEYS, "month"]).set_index([*_KEYS, "month"])
    since = known.drop_duplicates([*_KEYS, "worker"]).set_index([*_KEYS, "worker"])["month"]
    return by_month["worker"].astype(object), since


def _years(apart: pd.Series) -> pd.Series:
    years: pd.Series = apart.dt.total_seconds() / (86_400 * DAYS_PER_YEAR)
    return years


def _nearest_parent(study: Study, rows: pd.DataFrame, days: float) -> FloatArray:
    """The score of the course nearest in time, in the same period of help; NaN where none is near enough."""
    course = course_frame(study)
    scores = study.scores
    usable = (
        (scores["instrument"] == course.instrument)
        & scores["declared_respondent"]
        & scores["phase"].isin(IN_COURSE)
        & (scores["respondent"].astype(str) != "worker")
    )
    parents = scores[usable].assign(score=scores[course.outcome].astype(float))
    parents = parents.dropna(subset=["date", "score"]).sort_values("date", kind="stable")
    left = rows[[*_KEYS, "date"]].reset_index(names="place").sort_values("date", kind="stable")
    found = pd.merge_asof(
        left.assign(date=left["date"].astype("datetime64[ns]")),
        parents[[*_KEYS, "date", "score"]].assign(date=parents["date"].astype("datetime64[ns]")),
        on="date", by=_KEYS, direction="nearest", tolerance=pd.Timedelta(days=days),
    )  # fmt: skip
    nearest: FloatArray = found.set_index("place")["score"].reindex(rows.index).to_numpy(dtype=float)
    return nearest
