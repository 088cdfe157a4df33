"""What can be wrong or odd in the tables about care as a time line: who helped, how much, who scored."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.frames import is_among
from mpg_research.study.findings import Findings
from mpg_research.study.tables.columns import Table, texts_where
from mpg_research.study.tables.direct_identifiers import looks_like_free_text

__all__ = ["check_care_over_time", "overlapping_workers"]

_SCORED_BY = {"practice": ("date",), "domains": ("date", "domain")}


def overlapping_workers(table: Table, findings: Findings) -> NDArray[np.bool_]:
    """Months of one period of help with two different workers in charge: an error each.

    Parameters
    ----------
    table : Table
        The table ``care``, canonical, with its episodes.
    findings : Findings
        Receives the problems.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        The rows that were told of, so that they are not told of again as rows that stand there twice.
    """
    frame = table.frame
    told = np.zeros(len(frame), dtype=bool)
    keys = ["family", "episode", "month"]
    if not {*keys, "worker"} <= set(frame):
        return told
    named = frame[frame[keys].notna().all(axis=1) & frame["worker"].notna()]
    first = named.drop_duplicates(keys)[[*keys, "worker"]].assign(_row=lambda rows: rows.index)
    pairs = named[[*keys, "worker"]].reset_index().merge(first, on=keys, suffixes=("", "_first"))
    pairs = pairs[pairs["worker"] != pairs["worker_first"]]
    told[pairs["index"].to_numpy(dtype=np.int64)] = True
    other = dict(zip(pairs["index"], zip(pairs["worker_first"], pairs["_row"], strict=True), strict=True))

    def found(place: int) -> str:
        worker, row = other[place]
        month = frame["month"].iloc[place]
        when = f"{month:%Y-%m}" if isinstance(month, pd.Timestamp) else f"month {month:g}"
        return (
            f"family {frame['family'].iloc[place]} has two workers in charge in {when}: "
            f"{frame['worker'].iloc[place]} here, and {worker} in {table.places.named(int(row), place)}"
        )

    findings.add_rows(
        "overlapping_workers", table.places, "worker", told, found,
        expected="one worker in charge in each month of help",
        remedy="Keep one row of that month, of who was in charge for most of it, with the hours and visits "
        "of both added up; n_helpers counts who else helped.",
        together="rows name a second worker in charge in a month that has one already",
    )  # fmt: skip
    return told


def check_care_over_time(tables: Mapping[str, Table], findings: Findings) -> None:
    """Impossible counts, workers nobody knows, and what lies between the tables.

    Parameters
    ----------
    tables : mapping of str to Table
        Canonical, those of families with their episodes.
    findings : Findings
        Receives the problems.
    """
    if (care := tables.get("care")) is not None:
        _check_counts(care, findings)
    if (episodes := tables.get("episodes")) is None:
        return
    _check_referral(episodes, findings)
    for name in ("workers", "conditions"):
        if name in tables:
            _check_known_organisations(name, tables[name], episodes.frame["organisation"], findings)
    for name, per in _SCORED_BY.items():
        if name in tables:
            _check_raters(name, tables[name], per, findings)
    if "workers" in tables:
        _check_workers(tables, findings)
    if (decisions := tables.get("decisions")) is not None:
        _check_ideas(decisions, findings)
    if (goals := tables.get("goals")) is not None and looks_like_free_text(goals.frame["goal"]):
        findings.add(
            Problem(
                found="the goals look like words of families or workers",
                expected="a number or a key of each goal (g1, g2)",
                remedy="Number the goals of each family, and leave their wording where it is: it may tell "
                "who they are.",
                file=goals.places.file, column=goals.places.columns.get("goal", "goal"),
                severity="warning", code="goal_in_words",
            )
        )  # fmt: skip


def _check_counts(care: Table, findings: Findings) -> None:
    frame = care.frame
    if {"n_visits", "at_home"} <= set(frame):
        home, visits = (
            frame[name].to_numpy(dtype=float, na_value=np.nan) for name in ("at_home", "n_visits")
        )
        findings.add_rows(
            "more_at_home", care.places, "at_home", home > visits,
            lambda place: f"{home[place]:g} visits at home of {visits[place]:g} visits in all",
            expected="at_home no larger than n_visits, of which it is a part",
            remedy="Correct one of the two, or leave at_home empty where it is not known.",
            together="rows have more visits at home than visits",
        )  # fmt: skip
    if {"n_helpers", "contact_hours"} <= set(frame):
        helpers, hours = (
            frame[name].to_numpy(dtype=float, na_value=np.nan) for name in ("n_helpers", "contact_hours")
        )
        findings.add_rows(
            "hours_without_helper", care.places, "n_helpers", (helpers < 1) & (hours > 0),
            lambda place: f"{hours[place]:g} hours of contact and {helpers[place]:g} helpers",
            expected="1 or more: n_helpers counts the worker in charge too",
            remedy="Add the worker in charge, or leave n_helpers empty where it is not known.",
            together="rows have hours of contact and no helper",
        )  # fmt: skip


def _check_referral(episodes: Table, findings: Findings) -> None:
    frame = episodes.frame
    if "referred" not in frame:
        return
    referred, start, end = frame["referred"], frame["start"], frame["end"]
    late = (referred > end).to_numpy(dtype=bool, na_value=False)
    findings.add_rows(
        "end_before_referral", episodes.places, "referred", late,
        lambda place: f"referred on {_day(referred, place)}, after the help had ended ({_day(end, place)})",
        expected="a referral before the help",
        remedy="Correct one of the two; a referral for a next period belongs in that period's row, or in the "
        "table events.",
        together="referrals lie after the end of their help",
    )  # fmt: skip
    findings.add_rows(
        "referred_after_start", episodes.places, "referred",
        (referred > start).to_numpy(dtype=bool, na_value=False) & ~late,
        lambda place: f"referred on {_day(referred, place)}, after the start ({_day(start, place)})",
        expected="a referral on or before the start",
        remedy="Correct one of the two. As it is, no wait is known of this period.",
        severity="warning", together="referrals lie after the start of their help",
    )  # fmt: skip


def _check_known_organisations(name: str, table: Table, known: pd.Series, findings: Findings) -> None:
    """Rows about organisations without a family in the study."""
    keys = table.frame["organisation"]
    unknown = (keys.notna() & ~is_among(keys, known.dropna().unique())).to_numpy(dtype=bool)
    findings.add_values(
        f"{name}_of_unknown_organisation", table.places, "organisation", unknown,
        keys.to_numpy(dtype=object), lambda key: f'the organisation "{key}", which has no family here',
        expected="organisations that occur in the table episodes",
        remedy="Correct the key. As it is, these rows are not used.", severity="warning",
    )  # fmt: skip


def _check_raters(name: str, table: Table, per: tuple[str, ...], findings: Findings) -> None:
    """Scores of which no two raters gave one: nothing can be said about their agreement."""
    frame = table.frame
    keys = [key for key in ("family", "episode", "organisation", "team", *per) if key in frame]
    if "rater" not in frame or not len(frame):
        return
    named = frame[frame["rater"].notna()]
    if named.empty or named.groupby(keys, dropna=False)["rater"].nunique().max() >= 2:
        return
    number = int(named["rater"].nunique())
    who = "one rater gave all scores" if number == 1 else f"none of {number} raters scored what another did"
    findings.add(
        Problem(
            found=f"{who} ({len(named)} rows with a rater)",
            expected="now and then two raters, apart from each other, of one family on one day",
            remedy="Nothing can be said about agreement between raters. The rest runs.",
            file=table.places.file, column=table.places.columns.get("rater", "rater"),
            severity="warning", code="one_rater",
        )
    )  # fmt: skip


def _check_workers(tables: Mapping[str, Table], findings: Findings) -> None:
    """Workers and raters who are not in the table workers, and workers who help before they start there."""
    workers = tables["workers"].frame.dropna(subset=["organisation", "worker"])
    known = pd.MultiIndex.from_frame(workers[["organisation", "worker"]].astype(object))
    episodes = tables["episodes"].frame
    of_episode = episodes.drop_duplicates(["family", "episode"])[["family", "episode", "organisation"]]
    seen = []
    for name, column, time in (
        ("episodes", "worker", "start"), ("care", "worker", "month"), ("interventions", "worker", "date"),
        ("practice", "rater", "date"), ("domains", "rater", "date"), ("measurements", "rater", "date"),
    ):  # fmt: skip
        table = tables.get(name)
        if table is None or not {"family", "episode", column, time} <= set(table.frame):
            continue
        named = table.frame[["family", "episode", column, time]].reset_index(names="_row")
        named = named[named[column].notna()].merge(of_episode, on=["family", "episode"])
        keys = pd.MultiIndex.from_frame(named[["organisation", column]].astype(object))
        unknown = np.zeros(len(table.frame), dtype=bool)
        unknown[named["_row"].to_numpy(dtype=np.int64)[~keys.isin(known)]] = True
        organisation = pd.Series(named["organisation"].to_numpy(), index=named["_row"])
        ids = table.frame[column].to_numpy(dtype=object)
        shown = texts_where(unknown, np.arange(len(ids)), lambda place, of=organisation, ids=ids: (  # type: ignore[misc]
            f"{ids[place]} of {of[place]}"
        ))  # fmt: skip
        findings.add_values(
            "unknown_worker", table.places, column, unknown, shown,
            lambda who, column=column: f"the {column} {who}, who is not in the table workers",  # type: ignore[misc]
            expected="workers who occur in the table workers, with their organisation",
            remedy="Add the worker, or correct the id. As it is, the years in the job are not known.",
            severity="warning",
        )  # fmt: skip
        if name in ("episodes", "care"):
            last = named[time] + pd.offsets.MonthEnd(1) if _is_month(named[time], time) else named[time]
            seen.append(pd.DataFrame({
                "organisation": named["organisation"], "worker": named[column], "first": last,
            }))  # fmt: skip
    if not seen:
        return
    first = pd.concat(seen).groupby(["organisation", "worker"], as_index=False)["first"].min()
    places, frame = tables["workers"].places, tables["workers"].frame
    joined = frame[["organisation", "worker", "start"]].merge(
        first, on=["organisation", "worker"], how="left"
    )
    late = (joined["start"] > joined["first"]).to_numpy(dtype=bool, na_value=False)
    findings.add_rows(
        "worker_starts_late", places, "start", late,
        lambda place: (
            f"worker {frame['worker'].iloc[place]} of {frame['organisation'].iloc[place]} starts on "
            f"{_day(frame['start'], place)}, after helping families already ({_day(joined['first'], place)})"
        ),
        expected="a start on or before the first month of care by this worker",
        remedy="Correct the start, or look whether the id was given to another worker later. As it is, the "
        "years in the job of those months are not known.",
        severity="warning", together="workers start after they have helped families already",
    )  # fmt: skip


def _check_ideas(decisions: Table, findings: Findings) -> None:
    frame = decisions.frame
    if not {"family_asked", "idea_followed"} <= set(frame):
        return
    odd = (frame["idea_followed"].notna() & frame["family_asked"].eq(False)).to_numpy(
        dtype=bool, na_value=False
    )
    findings.add_rows(
        "idea_without_asking", decisions.places, "idea_followed", odd,
        lambda place: "something about the family's idea, where the family was not asked",
        expected="an empty cell where family_asked is no",
        remedy="Correct one of the two. As it is, the cell is not counted.",
        severity="warning", together="rows tell of the family's idea where it was not asked",
    )  # fmt: skip


def _is_month(times: pd.Series, name: str) -> bool:
    return name == "month" and pd.api.types.is_datetime64_any_dtype(times)


def _day(times: pd.Series, place: int) -> str:
    value = times.iloc[place]
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else f"{value:g}"
