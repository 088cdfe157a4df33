"""Which families with running help are due for a talk, and why. Sensitive: families one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.analysis.families.courses import Courses
from mpg_research.analysis.interventions.records import read_interventions
from mpg_research.analysis.monitoring.rules import CALLS
from mpg_research.analysis.monitoring.signals import Signals, signals
from mpg_research.analysis.talk.called import called_since
from mpg_research.analysis.talk.every_wave import look_at_every_wave
from mpg_research.analysis.talk.history import read_decisions
from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.frames import each_row
from mpg_research.study.config.study_toml import DAYS_PER_MONTH
from mpg_research.study.config.talk import TalkConfig
from mpg_research.study.model import Study

__all__ = ["REASONS", "DueFamilies", "find_due"]

#: Why a family can be due, the most pressing first.
REASONS = ("off_track", "worse", "may_stand_still", "unmeasured", "evaluate")


@dataclass(frozen=True, slots=True)
class DueFamilies:
    """What :func:`find_due` found. Sensitive: every row is about one family.

    Attributes
    ----------
    as_of : date
    families : DataFrame
        One row per family that is due: organisation, worker ("" where unknown), family, episode, months (of
        help), the columns of :data:`REASONS` (yes or no), chance (of a bad end) and since (month of the first
        wave of the unbroken row of calls; NaN without), last_measured (months ago; NaN where never),
        last_action (code, "" where none), last_what ("intervention" or "decision"), last_ago (months ago);
        sorted by organisation, worker, and how pressing it is.
    running : mapping of str to int
        Families with running help, by organisation.
    talk : TalkConfig
        The limits in force.
    organisations : mapping of str to mapping
        Public names, by key and language.
    own_codes : mapping of str to mapping
        Words of the study's own interventions, by code and language.
    unit : mapping of str to tuple of str
        Whom the study is about, per language, if not families.
    synthetic : bool
    """

    as_of: date
    families: pd.DataFrame
    running: Mapping[str, int]
    talk: TalkConfig
    organisations: Mapping[str, Mapping[str, str]]
    own_codes: Mapping[str, Mapping[str, str]]
    unit: Mapping[str, tuple[str, str, str]]
    synthetic: bool


def find_due(
    study: Study,
    *,
    as_of: date | None = None,
    organisation: str | None = None,
    known: Signals | None = None,
) -> DueFamilies:
    """The families whose help runs and who are off track, worse, unmeasured, or without clear progress.

    Parameters
    ----------
    study : Study
        A loaded study, with dates.
    as_of : date, optional
        The day that is looked from; by default the study's ``export_date``, else today. Later measurements,
        ends and records are left aside.
    organisation : str, optional
        Only this organisation.
    known : Signals, optional
        The study's signals, where they are known already.

    Returns
    -------
    DueFamilies

    Raises
    ------
    ConfigError
        If the study has no dates, or no such organisation.

    Notes
    -----
    Off track and "may be standing still" are the words of :func:`mpg_research.analysis.signals` at the last
    wave of any respondent. Worse: the course is shown to deteriorate, or the family's own line is worse than
    at its start with the chance that counts as clear (``talk.clear_progress``). Unmeasured: the last
    measurement with a score, or without one the start, lies longer ago than ``talk.unmeasured_after``.
    Evaluate: help has lasted ``talk.evaluate_after`` or longer, there are two measurements or more, and no
    respondent's own line is better than at its start with that chance, nor at the best possible score.
    """
    if study.config.time.kind != "dates":
        raise ConfigError(
            f"Who is due for a talk can be told of a study with dates only; study {study.name} has numbers. "
            'Give dates in the files, and [time] kind = "dates" in study.toml.'
        )
    if organisation is not None and organisation not in study.organisations:
        raise ConfigError(
            f'Study {study.name} has no organisation "{organisation}"; expected one of '
            f"{', '.join(study.organisations)}. {did_you_mean(organisation, study.organisations)}".rstrip()
        )
    day = study.config.last_date if as_of is None else as_of
    running = _running(study, day)
    if organisation is not None:
        running = running[running["organisation"] == organisation]
    found = signals(study) if known is None else known
    every = look_at_every_wave(found, study)
    now = running[["family", "episode", "months"]].rename(columns={"months": "months_now"})
    waves = every.waves.merge(now, on=["family", "episode"])
    waves = waves[waves["months"] <= waves["months_now"]]
    by_family = dict(iter(waves.groupby("family", sort=False)))
    # also of families that no signal can be given, since their case mix is not known
    scored = study.scores[study.scores["raw"].notna()]
    scored = scored[scored["instrument"] == found.courses.frame.instrument].astype(
        {"family": str, "episode": str}
    )
    scored = scored[["family", "episode", "months"]].merge(now, on=["family", "episode"])
    seen = scored[scored["months"] <= scored["months_now"]].groupby("family")["months"].max().to_dict()
    acted = _last_actions(study, every.courses, running)
    rows = [
        _reasons(row, by_family.get(row.family), seen.get(row.family), acted.get(row.family), found.talk)
        for row in each_row(running)
    ]
    names = [
        "organisation", "worker", "family", "episode", "months", *REASONS, "chance", "since", "last_measured",
        "last_action", "last_what", "last_ago",
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=names)
    data = data[data[list(REASONS)].any(axis=1)]
    pressing = data[list(REASONS)].to_numpy(dtype=bool).argmax(axis=1) if len(data) else np.zeros(0)
    order = data.assign(_first=pressing, _chance=-data["chance"].fillna(-1.0).astype(float))
    data = order.sort_values(["organisation", "worker", "_first", "_chance", "family"], kind="stable")
    words, languages = study.config.vocabularies.interventions, study.config.study.languages
    return DueFamilies(
        as_of=day,
        families=data[names].reset_index(drop=True),
        running={str(key): int(n) for key, n in running.groupby("organisation")["family"].nunique().items()},
        talk=found.talk,
        organisations={
            key: {code: study.organisation_name(key, code) for code in languages}
            for key in study.organisations
        },
        own_codes={code: {one: text.in_language(one) for one in languages} for code, text in words.items()},
        unit=study.config.study.unit_words,
        synthetic=study.synthetic,
    )


def _running(study: Study, day: date) -> pd.DataFrame:
    """The period of help of each family that runs on this day, with who is in charge."""
    episodes, now = study.tables["episodes"], pd.Timestamp(day)
    begun = episodes["start"].notna() & (episodes["start"] <= now)
    open_still = episodes["end"].isna() | (episodes["end"] > now)
    mine = episodes[begun & open_still].sort_values(["family", "start"], kind="stable")
    mine = mine.drop_duplicates("family", keep="last")
    worker = mine["worker"] if "worker" in mine else pd.Series(None, index=mine.index, dtype=object)
    keys = pd.MultiIndex.from_arrays([mine["family"].astype(str), mine["episode"].astype(str)])
    latest = _latest_workers(study, now).reindex(keys)
    worker = pd.Series(latest.to_numpy(dtype=object), mine.index).where(latest.notna().to_numpy(), worker)
    return pd.DataFrame(
        {
            "organisation": mine["organisation"].astype(str),
            "worker": worker.where(worker.notna(), "").astype(str),
            "family": mine["family"].astype(str),
            "episode": mine["episode"].astype(str),
            "months": (now - mine["start"]).dt.days / DAYS_PER_MONTH,
        }
    ).reset_index(drop=True)


def _latest_workers(study: Study, now: pd.Timestamp) -> pd.Series:
    """The worker of the last month of the table care up to a day, by family and episode."""
    care = study.tables.get("care")
    if care is None or "worker" not in care or "episode" not in care:
        return pd.Series(dtype=object, index=pd.MultiIndex.from_arrays([[], []]))
    known = care[care["worker"].notna() & (care["month"] <= now) & care["episode"].notna()]
    ordered = known.sort_values("month", kind="stable")
    keys = [ordered["family"].astype(str), ordered["episode"].astype(str)]
    return ordered["worker"].groupby(keys).last()


def _last_actions(study: Study, courses: Courses, running: pd.DataFrame) -> dict[str, tuple[str, str, float]]:
    """The last intervention or decision in the running period: what, code, months since the start."""
    done = read_interventions(study, courses).frame.assign(what="intervention")
    made = read_decisions(study).assign(what="decision")
    columns = ["family", "episode", "months", "code", "what"]
    both = pd.concat([done.reindex(columns=columns), made.reindex(columns=columns)], ignore_index=True)
    both = both.assign(family=both["family"].astype(str), months=both["months"].astype(float))
    now = running[["family", "episode", "months"]].rename(columns={"months": "months_now"})
    both = both.merge(now, on=["family", "episode"])
    both = both[both["months"] <= both["months_now"]].sort_values("months", kind="stable")
    return {
        str(row.family): (str(row.what), str(row.code), float(row.months))
        for row in each_row(both.drop_duplicates("family", keep="last"))
    }


def _reasons(
    row: Any,
    waves: pd.DataFrame | None,
    seen: float | None,
    acted: tuple[str, str, float] | None,
    talk: TalkConfig,
) -> tuple[Any, ...]:
    """One row of the table, from the waves of all respondents up to the day."""
    last = pd.DataFrame() if waves is None else waves.groupby("respondent", sort=False).tail(1)
    chance = since = float("nan")
    measured = float("nan") if seen is None else row.months - seen
    told = dict.fromkeys(REASONS, False)
    if waves is not None and len(last):
        called = last[last["signal"].isin(CALLS)]
        told["off_track"] = bool((last["signal"] == "off_track").any())
        told["may_stand_still"] = bool((last["signal"] == "may_stand_still").any()) and not told["off_track"]
        worse = last["deteriorating"].astype(bool) | (last["worse_chance"] >= talk.clear_progress)
        told["worse"] = bool(worse.any())
        chance = float((called if len(called) else last)["chance"].max())
        since = float(np.nanmin([*(called_since(mine) for _, mine in waves.groupby("respondent")), np.inf]))
        since = since if np.isfinite(since) else float("nan")
        followed = last[last["wave"] > 0]
        better = (followed["worse_chance"] <= 1 - talk.clear_progress) | (followed["at_limit"] == "best")
        told["evaluate"] = row.months >= talk.evaluate_after and len(followed) > 0 and not better.any()
    waited = row.months if np.isnan(measured) else measured
    told["unmeasured"] = bool(waited > talk.unmeasured_after)
    what, code, at = acted or ("", "", float("nan"))
    return (
        row.organisation, row.worker, row.family, row.episode, row.months, *(told[name] for name in REASONS),
        chance, since, measured, code, what, row.months - at,
    )  # fmt: skip
