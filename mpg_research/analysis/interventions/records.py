"""What was recorded of families beside their scores, on the time axis of their courses.

Nothing is invented: what cannot be placed in a course is left out and counted under one reason, and every
record that was read is in the frame or in one of these counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.families.courses import Courses
from mpg_research.errors import Note
from mpg_research.study.model import Study
from mpg_research.study.schemas import EVENTS, INTERVENTIONS, ROLES
from mpg_research.study.scoring.place_in_time import assign_episodes, place_in_time

__all__ = ["OTHER_CODE", "WORKER_CHANGE", "Records", "read_happenings", "read_interventions"]

#: What a code is called that stands neither in the toolkit nor in ``[vocabularies]`` of study.toml.
OTHER_CODE = "not_listed"
#: What a change of the worker in charge is called among the happenings.
WORKER_CHANGE = "worker_change"
_KEYS = ["family", "episode"]
#: Why records are left out, in the order in which that is decided: each counts under the first that holds.
_LEFT_OUT = {
    "unknown_family": "name a family without any period of help",
    "unknown_episode": "name a period of help that their family does not have",
    "without_course": "are of a period of help that is not among the courses looked at",
    "undated": "have no date, or their help has no start",
    "before_help": "lie before the start of the help",
    "after_help": "lie after the end of the help",
    "twice_on_one_day": "stand there a second time for the same family, day and code; they count once",
}


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one table, placed in the courses.

    Attributes
    ----------
    frame : DataFrame
        One row per record that is used; sorted by family, episode and months. ``months`` counts from the same
        zero as the courses, in the unit of the study's time axis.
    n_read : int
        Records in the table; 0 where the study has no such table.
    left_out : mapping of str to int
        Records left out, by reason; each record counts under one. With the rows of ``frame`` they add up to
        ``n_read``.
    notes : tuple of Note
        What was left out or is odd, with numbers.
    recorded : bool
        Whether the study has the table at all.
    """

    frame: pd.DataFrame
    n_read: int
    left_out: Mapping[str, int]
    notes: tuple[Note, ...]
    recorded: bool


def read_interventions(study: Study, courses: Courses) -> Records:
    """The interventions with the families of the courses, one row each.

    Parameters
    ----------
    study : Study
        A loaded study.
    courses : Courses
        From :func:`mpg_research.analysis.families.courses.read_courses`: whose interventions, and time zero.

    Returns
    -------
    Records
        Columns of ``frame``: family, episode, organisation, months, code, role.

    Notes
    -----
    ``code`` is one of the toolkit's or of ``[vocabularies.interventions]``; another one becomes
    :data:`OTHER_CODE`: something was done, and a note counts how often its name is not known. ``role`` is one
    of ours or of ``[vocabularies.roles]``, and empty where unknown or not among these, so that no name of a
    person gets further. Two different codes on one day are two interventions. An intervention before the day
    of the start is left out, also where measurements of those weeks count as time zero.
    """
    table = study.tables.get("interventions")
    columns = [*_KEYS, "organisation", "months", "code", "role"]
    if table is None:
        return Records(pd.DataFrame(columns=columns), 0, dict.fromkeys(_LEFT_OUT, 0), (), False)
    vocabularies = study.config.vocabularies
    placed = _placed(table, "date", study, courses)
    code, unlisted = _listed(placed["intervention"], {*INTERVENTIONS, *vocabularies.interventions})
    role = placed["role"] if "role" in placed else pd.Series("", index=placed.index, dtype=object)
    role, nameless = _listed(role, {*ROLES, *vocabularies.roles})
    placed = placed.assign(role=role, _unlisted=unlisted, _nameless=nameless)
    kept, left_out = _sorted_out(placed, "intervention")
    kept = kept.assign(code=code[kept.index].replace("", OTHER_CODE))
    notes = _notes("interventions", "interventions", left_out)
    for name, column, text in (
        ("code_not_listed", "_unlisted", "have a code that is in no list of study.toml; they count as other"),
        (
            "role_not_listed",
            "_nameless",
            "name a role that is in no list of study.toml; it counts as unknown",
        ),
    ):
        number = int(kept[column].sum())
        if number:
            notes.append(
                Note(f"interventions_{name}", f"{number} interventions {text}.", {"n_records": number})
            )
    return Records(kept[columns].reset_index(drop=True), len(table), left_out, tuple(notes), True)


def read_happenings(study: Study, courses: Courses) -> Records:
    """Events and changes of the worker in charge in the courses, for the time axis of a family's page.

    Parameters
    ----------
    study : Study
        A loaded study.
    courses : Courses
        As for :func:`read_interventions`.

    Returns
    -------
    Records
        Columns of ``frame``: family, episode, months, what (the code of an event, or ``worker_change``).
        ``n_read`` counts events and the changes found, since a change is no row of a table.

    Notes
    -----
    A worker changed in the first month of the table ``care`` that names another worker than the last
    month before it with a name; the change is placed at the first day of that month, or at the start of
    help where that is later. Who the workers are stays behind.
    """
    columns = [*_KEYS, "months", "what"]
    parts, notes, n_read, left_out = [], [], 0, dict.fromkeys(_LEFT_OUT, 0)
    events, changes = study.tables.get("events"), _worker_changes(study)
    for name, words, table in (
        ("events", "events", events),
        ("worker_changes", "changes of worker", changes),
    ):
        if table is None:
            continue
        placed = _placed(table, "date", study, courses)
        what, _ = _listed(placed["event"], {*EVENTS, *study.config.vocabularies.events, WORKER_CHANGE})
        kept, out = _sorted_out(placed.assign(role=""), "event")
        parts.append(kept.assign(what=what[kept.index].replace("", OTHER_CODE))[columns])
        notes += _notes(name, words, out)
        n_read += len(table)
        left_out = {reason: left_out[reason] + out[reason] for reason in _LEFT_OUT}
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    frame = frame.sort_values([*_KEYS, "months", "what"], kind="stable").reset_index(drop=True)
    return Records(frame, n_read, left_out, tuple(notes), bool(parts))


def _placed(table: pd.DataFrame, time: str, study: Study, courses: Courses) -> pd.DataFrame:
    """The records with episode, organisation, months, and the first reason to leave each out ("" if none)."""
    frame = table.reset_index(drop=True)
    episodes = study.tables["episodes"].reset_index(drop=True)
    position = assign_episodes(frame.rename(columns={time: "date"}), episodes, study.config)
    own = episodes.iloc[np.maximum(position, 0)].reset_index(drop=True)
    months, phase = place_in_time(frame[time], own["start"], own["end"], study.config)
    units = courses.units.drop_duplicates(_KEYS).set_index(_KEYS)["organisation"]
    keys = pd.MultiIndex.from_arrays([own[name].astype(str) for name in _KEYS])
    reasons = {
        "unknown_family": ~frame["family"].isin(episodes["family"]).to_numpy(dtype=bool),
        "unknown_episode": position < 0,
        "without_course": ~keys.isin(units.index),
        "undated": phase == "undated",
        "before_help": (frame[time] < own["start"]).to_numpy(dtype=bool, na_value=False),
        "after_help": phase == "follow_up",
    }
    return frame.assign(
        family=frame["family"].astype(object),
        episode=own["episode"].astype(str),
        organisation=units.reindex(keys).to_numpy(dtype=object),
        months=months,
        _date=frame[time],
        _reason=np.select(list(reasons.values()), list(reasons), default=""),
    )


def _listed(codes: pd.Series, known: set[str]) -> tuple[pd.Series, pd.Series]:
    """The codes that are known, others and missing ones empty; and where one is given that is not known."""
    given = codes.notna() & (codes.astype(str).str.strip() != "")
    listed = codes.isin(known)
    return codes.astype(object).where(listed, ""), given & ~listed


def _sorted_out(placed: pd.DataFrame, code: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """The records that are used, sorted, and how many are left out for each reason."""
    usable = placed[placed["_reason"] == ""]
    usable = usable.assign(_role_unknown=usable["role"] == "")
    ordered = usable.sort_values([*_KEYS, "months", code, "_role_unknown"], kind="stable")
    kept = ordered.drop_duplicates([*_KEYS, "_date", code])
    counts = placed["_reason"].value_counts()
    left_out = {reason: int(counts.get(reason, 0)) for reason in _LEFT_OUT}
    left_out["twice_on_one_day"] = len(ordered) - len(kept)
    return kept, left_out


def _notes(what: str, words: str, left_out: Mapping[str, int]) -> list[Note]:
    """One note for each reason for which records were left out."""
    return [
        Note(f"{what}_{reason}", f"{number} {words} {_LEFT_OUT[reason]}.", {"n_records": number})
        for reason, number in left_out.items()
        if number
    ]


def _worker_changes(study: Study) -> pd.DataFrame | None:
    """Months in which another worker is in charge than before: family, episode, date, event."""
    care = study.tables.get("care")
    if care is None or "worker" not in care:
        return None
    named = care[care["worker"].notna() & care["month"].notna()]
    if "episode" not in named:
        position = assign_episodes(
            named.rename(columns={"month": "date"}), study.tables["episodes"], study.config
        )
        named = named.assign(episode=study.tables["episodes"]["episode"].to_numpy(dtype=object)[position])
    ordered = named.sort_values([*_KEYS, "month"], kind="stable")
    before = ordered.groupby(_KEYS)["worker"].shift()
    changed = ordered[before.notna() & (before != ordered["worker"])]
    starts = study.tables["episodes"].drop_duplicates(_KEYS)[[*_KEYS, "start"]]
    changed = changed[[*_KEYS, "month"]].merge(starts, on=_KEYS, how="left")
    date = changed["month"].where(~(changed["month"] < changed["start"]), changed["start"])
    return changed.assign(date=date, event=WORKER_CHANGE)[[*_KEYS, "date", "event"]]
