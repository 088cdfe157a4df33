"""The measurements an analysis of the course uses, and how the sample became what it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np
import pandas as pd

from mpg_research.errors import ConfigError, DataError, did_you_mean
from mpg_research.study.model import CourseFrame, FlowStep, SampleFlow, Study
from mpg_research.study.scoring.scores import IN_COURSE
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["course_frame", "course_frames"]

IDENTIFIERS = ("family", "episode", "organisation", "worker", "start", "end", "end_reason")


def course_frame(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    case_mix: Sequence[str] | None = (),
    **older: Unpack[ScoreKeywords],
) -> CourseFrame:
    """Select the scored measurements in the course of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    case_mix : sequence of str, optional
        Columns of the table episodes to add; rows without them are dropped and counted. None asks
        for those of ``[analysis]``. Yes/no columns become 1.0 and 0.0.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    CourseFrame
        Data sorted by organisation, family, episode, respondent and months; and the sample flow.

    Raises
    ------
    ConfigError
        If a choice or a column does not exist.
    DataError
        If no measurement is left.

    Notes
    -----
    The flow starts at all families of the table episodes: who was never asked, or never answered, is counted.
    Time zero is the start of the episode. Measurements within the baseline window before it count as
    time zero; earlier ones, and ones after the end (follow-up), are not part of the course.

    Examples
    --------
    >>> from mpg_research.study import course_frame, load_study, shipped_example
    >>> course = course_frame(load_study(shipped_example()))
    >>> bool((course.data["months"] >= 0).all())
    True
    """
    (scores,) = gather(older, scores)
    defaults = study.config.analysis
    key = scores.instrument or defaults.instrument or _only_instrument(study)
    score = _choice("outcome", scores.outcome or defaults.outcome, ("raw", "t_score"))
    who = _choice("respondents", scores.respondents or defaults.respondents, ("declared", "both"))
    which = _choice("episodes", scores.episodes or defaults.episodes, ("first", "all"))
    extra = tuple(defaults.case_mix if case_mix is None else case_mix)
    _known_columns(study, extra)
    if key not in study.instruments:
        known = ", ".join(study.instruments)
        raise ConfigError(f'There is no instrument "{key}" in study {study.name}; expected one of {known}.')
    flow = _Flow(study)
    flow.keep("instrument", f"measured with {study.instruments[key].abbreviation}",
              lambda rows: rows["instrument"] == key)  # fmt: skip
    flow.keep("answered", "with an answer", _answered)
    flow.keep("dated", "with a date and a start of help", lambda rows: rows["phase"] != "undated")
    flow.keep("not_before", "not before the baseline window", lambda rows: rows["phase"] != "before")
    flow.keep(
        "in_course", "not after the end of help (follow-up)", lambda rows: rows["phase"].isin(IN_COURSE)
    )
    words = "with a score" if score == "raw" else "with a T-score"
    flow.keep("scored", words, lambda rows: rows[score].notna())
    if who == "declared":
        flow.keep("respondent", "of the one declared respondent per family",
                  lambda rows: rows["declared_respondent"])  # fmt: skip
    if which == "first":
        flow.keep(
            "first_episode", "in the first episode of the family with a score", _in_first_episode(study)
        )
    rows = flow.rows
    if extra:
        intake = study.tables["episodes"][["family", "episode", *extra]]
        joined = rows[["family", "episode"]].merge(intake, on=["family", "episode"], how="left")[list(extra)]
        complete = joined.notna().all(axis=1).to_numpy(dtype=bool)
        columns = {name: _plain(joined[name]).to_numpy() for name in extra}
        rows = flow.keep("case_mix", f"with {', '.join(extra)} known at intake", lambda _: complete)
        columns = {name: values[complete] for name, values in columns.items()}
        rows = rows.assign(**columns)
    if rows.empty:
        raise DataError(
            f"No measurement of {key} in study {study.name} is left for an analysis of the course:\n"
            f"{flow.result().as_text()}\nSee mpg check for the reasons."
        )
    flow.step("analysed", "analysed")
    data = rows.assign(score=rows[score].astype(float))
    order = ["organisation", "family", "episode", "respondent", "months"]
    data = data.sort_values(order, kind="stable").reset_index(drop=True)
    columns_out = ["family", "episode", "organisation", "worker", "respondent", "months", "score", *extra]
    return CourseFrame(data[columns_out], flow.result(), key, score, who, which, extra)


def course_frames(
    study: Study, *, scores: Scores = AS_CONFIGURED, case_mix: Sequence[str] | None = ()
) -> dict[str, CourseFrame]:
    """The course of each questionnaire that ``[analysis] instruments`` names, the primary one first.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores, but for the instrument. A T-score is taken where the questionnaire has norms, else the
        raw score: ``outcome`` of each frame says which.
    case_mix : sequence of str, optional
        As in :func:`course_frame`.

    Returns
    -------
    dict of str to CourseFrame
        By the key of the questionnaire; one entry in a study of one questionnaire.

    Raises
    ------
    ConfigError, DataError
        As :func:`course_frame`.

    Notes
    -----
    Each frame has its own families and moments. What was filled in by one respondent on one day is brought
    together by ``family``, ``episode``, ``respondent`` and ``months``. Whether a high score is good or bad
    stands in ``study.instruments[key].direction``.

    Examples
    --------
    >>> from mpg_research.study import course_frames, load_study, shipped_example
    >>> {key: frame.outcome for key, frame in course_frames(load_study(shipped_example())).items()}
    {'obvl_k': 'raw', 'own_strength': 'raw'}
    """
    defaults = study.config.analysis
    outcome = scores.outcome or defaults.outcome
    keys = defaults.instruments or (_only_instrument(study),)
    frames = {}
    for key in keys:
        normed = key in study.instruments and study.instruments[key].norms is not None
        own = outcome if outcome == "raw" or normed else "raw"
        frames[key] = course_frame(
            study, scores=replace(scores, instrument=key, outcome=own), case_mix=case_mix
        )
    return frames


class _Flow:
    """Rows that shrink step by step, with the counts of each step."""

    def __init__(self, study: Study) -> None:
        self.rows = study.scores
        helped = study.tables["episodes"][["family", "episode"]].drop_duplicates()
        first = FlowStep("helped", "helped", len(self.rows), int(helped["family"].nunique()), len(helped))
        self._steps: list[FlowStep] = [*_with_everybody(study, first), first]
        self.step("read", "measured")

    def step(self, code: str, text: str) -> None:
        rows = self.rows
        n_episodes = len(rows[["family", "episode"]].drop_duplicates())
        self._steps.append(FlowStep(code, text, len(rows), rows["family"].nunique(), n_episodes))

    def keep(self, code: str, text: str, chosen: object) -> pd.DataFrame:
        mask = chosen(self.rows)  # type: ignore[operator]
        self.rows = self.rows[np.asarray(mask, dtype=bool)]
        self.step(code, text)
        return self.rows

    def result(self) -> SampleFlow:
        return SampleFlow(tuple(self._steps))


def _with_everybody(study: Study, helped: FlowStep) -> list[FlowStep]:
    """Where a ground for using the data is asked for: the families in the files, those without it too."""
    out = study.without_consent
    if out is None:
        return []
    return [
        FlowStep(
            "in_files",
            "in the files, with consent or without",
            helped.n_measurements + out.n_measurements,
            helped.n_families + out.n_families,
            helped.n_episodes + out.n_episodes,
        )
    ]


def _answered(rows: pd.DataFrame) -> pd.Series:
    """Measurements that hold an answer or a total, and not only a date."""
    return rows["raw"].notna() | (rows["n_answered"].fillna(0) > 0)


def _in_first_episode(study: Study) -> object:
    starts = study.tables["episodes"][["family", "episode", "start"]]

    def chosen(rows: pd.DataFrame) -> object:
        present = rows[["family", "episode"]].drop_duplicates().merge(starts, on=["family", "episode"])
        first = present.sort_values(["family", "start", "episode"], kind="stable").drop_duplicates("family")
        wanted = dict(zip(first["family"], first["episode"], strict=True))
        return rows["family"].map(wanted) == rows["episode"]

    return chosen


def _plain(values: pd.Series) -> pd.Series:
    """Yes/no as 1.0 and 0.0, so that models and means can use it; other kinds as they are."""
    return values.astype("Float64").astype(float) if values.dtype == "boolean" else values


def _only_instrument(study: Study) -> str:
    measured = study.scores["instrument"].unique().tolist()
    if len(measured) == 1:
        return str(measured[0])
    raise ConfigError(
        f"Study {study.name} has measurements of {', '.join(sorted(measured))}; name the one to analyse "
        "in study.toml: [analysis] instrument."
    )


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        listed = " or ".join(f'"{each}"' for each in allowed)
        raise ConfigError(f'{name} = "{value}"; expected {listed}. {did_you_mean(value, allowed)}'.rstrip())
    return value


def _known_columns(study: Study, names: Sequence[str]) -> None:
    known = [str(name) for name in study.tables["episodes"] if name not in IDENTIFIERS]
    for name in names:
        if name not in known:
            raise ConfigError(
                f'The case-mix column "{name}" is not in the table episodes of study {study.name}; '
                f"expected one of {', '.join(known) or 'none: the table has no such columns'}. "
                f"{did_you_mean(name, known)}".rstrip()
            )
