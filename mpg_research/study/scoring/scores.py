"""The table of scores: one row per measurement, placed in time."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.instruments import Instrument, score_items, score_totals
from mpg_research.plurals import words_counted
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings, Places
from mpg_research.study.schemas import ITEM_COLUMN
from mpg_research.study.scoring.check_place import check_place_in_time
from mpg_research.study.scoring.check_scored import check_families_measured, check_scored
from mpg_research.study.scoring.place_in_time import place_in_time
from mpg_research.study.tables.canonical import RESPONDENT_NOT_GIVEN
from mpg_research.study.tables.columns import Table

__all__ = ["IN_COURSE", "SCORE_COLUMNS", "check_scores", "make_scores", "unused_scores"]

IN_COURSE = ("baseline", "course")
FIRST_PARENT = "first_parent"
SCORE_COLUMNS = (
    "family", "episode", "organisation", "worker", "respondent", "instrument", "date", "months", "phase",
    "n_answered", "raw", "prorated", "t_score", "not_scored_reason", "declared_respondent",
)  # fmt: skip


def make_scores(
    measurements: pd.DataFrame,
    episodes: pd.DataFrame,
    position: NDArray[np.int64],
    instruments: Mapping[str, Instrument],
    config: StudyConfig,
) -> pd.DataFrame:
    """Score every measurement and place it in its episode.

    Parameters
    ----------
    measurements : DataFrame, shape (n_measurements, ...)
        Canonical and without errors; index 0, 1, ...
    episodes : DataFrame
        Canonical episodes; index 0, 1, ...
    position : ndarray of int, shape (n_measurements,)
        The episode of each measurement, as a position in ``episodes``.
    instruments : mapping
        By key; holds every instrument in ``measurements``.
    config : StudyConfig

    Returns
    -------
    DataFrame, shape (n_measurements, 15)
        In the order of ``measurements``; columns as in :class:`~mpg_research.study.model.Study`.
    """
    of_episode = episodes.iloc[position].reset_index(drop=True)
    scores = measurements[["family", "episode"]].copy()
    scores["organisation"] = of_episode["organisation"]
    scores["worker"] = of_episode["worker"]
    scores["respondent"] = measurements["respondent"]
    scores["instrument"] = measurements["instrument"]
    dates = measurements["date"]
    if config.time.kind == "numbers":
        dates = pd.Series(pd.NaT, index=measurements.index, dtype="datetime64[s]")
    scores["date"] = dates
    months, phase = place_in_time(measurements["date"], of_episode["start"], of_episode["end"], config)
    scores["months"] = months
    scores["phase"] = pd.Series(phase, dtype=measurements["family"].dtype)
    age = of_episode.get("child_age")
    scored = _scored(measurements, instruments, age)
    scores = scores.join(scored)
    scores["declared_respondent"] = _declared(scores)
    return scores[list(SCORE_COLUMNS)]


def _scored(
    measurements: pd.DataFrame, instruments: Mapping[str, Instrument], child_age: pd.Series | None
) -> pd.DataFrame:
    """Scores from the items where any was answered, else from the total."""
    parts = []
    has_total = "total" in measurements
    for key, instrument in instruments.items():
        rows = measurements[(measurements["instrument"] == key).to_numpy(dtype=bool, na_value=False)]
        if rows.empty:
            continue
        items = [name for name in instrument.items if name in rows]
        answered = rows[items].notna().any(axis=1) if items else pd.Series(False, index=rows.index)
        by_total = ~answered & rows["total"].notna() if has_total else pd.Series(False, index=rows.index)
        if instrument.total_only or not items:
            by_total[:] = True
        for chosen, from_total in ((rows[by_total], True), (rows[~by_total], False)):
            if chosen.empty:
                continue
            ages = None if child_age is None else child_age[chosen.index]
            if from_total:
                totals = chosen["total"] if has_total else pd.Series(np.nan, index=chosen.index)
                parts.append(score_totals(instrument, totals, child_age=ages))
            else:
                complete = chosen.reindex(columns=list(instrument.items))
                parts.append(score_items(instrument, complete, child_age=ages))
    return pd.concat(parts).sort_index()


def _declared(scores: pd.DataFrame) -> pd.Series:
    """One respondent per family and instrument.

    The first parent where that one has a score in the course; else who has most scores in the course
    (then most measurements, then the first name in the alphabet).
    """
    usable = (scores["raw"].notna() & scores["phase"].isin(IN_COURSE)).astype(int)
    keys = ["family", "instrument", "respondent"]
    counts = scores[keys].assign(_scored=usable, _all=1).groupby(keys, as_index=False, sort=True).sum()
    counts["_first"] = (counts["respondent"] == FIRST_PARENT) & (counts["_scored"] > 0)
    counts = counts.sort_values(
        ["family", "instrument", "_first", "_scored", "_all", "respondent"],
        ascending=[True, True, False, False, False, True],
        kind="stable",
    )
    chosen = counts.drop_duplicates(["family", "instrument"])[keys].assign(declared=True)
    merged = scores[keys].merge(chosen, on=keys, how="left")["declared"]
    return pd.Series(merged.notna().to_numpy(dtype=bool), index=scores.index)


def unused_scores(scores: pd.DataFrame) -> int:
    """Scores in the course of another respondent than the declared one."""
    in_course = scores["raw"].notna() & scores["phase"].isin(IN_COURSE)
    return int((in_course & ~scores["declared_respondent"]).sum())


def check_scores(
    scores: pd.DataFrame,
    measurements: Table,
    episodes: Table,
    instruments: Mapping[str, Instrument],
    config: StudyConfig,
    findings: Findings,
) -> None:
    """Oddities that show once measurements stand in time: all of them warnings."""
    places = measurements.places
    dates = measurements.frame["date"]

    def day(place: int) -> str:
        value = dates.iloc[place]
        return value.date().isoformat() if isinstance(value, pd.Timestamp) else f"{value:g}"

    phase = scores["phase"].to_numpy(dtype=object)
    window = config.time.baseline_window_days
    told = check_place_in_time(phase, measurements, episodes, config, findings)
    if not told.all():
        findings.add_rows(
            "before_start", places, "date", (phase == "before") & ~told,
            lambda place: f"measured on {day(place)}, more than {window} days before the start",
            remedy="What lies before the start is left out of the course.", severity="warning",
            together=f"measurements lie more than {window} days before the start",
        )  # fmt: skip
        findings.add_rows(
            "after_end", places, "date", (phase == "follow_up") & ~told,
            lambda place: f"measured on {day(place)}, after the end of the episode",
            remedy="What lies after the end counts as follow-up and is left out of the course.",
            severity="warning", together="measurements lie after the end of the episode",
        )  # fmt: skip
    _check_respondents(scores, places, config, findings)
    _check_not_given(scores, places, config, findings)
    _check_totals(scores, measurements, findings)
    frame = episodes.frame
    unit = config.study.english_unit
    check_scored(scores, measurements, instruments, findings)
    check_families_measured(scores, episodes, findings, unit)
    minimum = config.disclosure.minimum_families
    families = frame.groupby("organisation")["family"].nunique()
    few = frame["organisation"].map(families) < minimum
    few &= ~frame["organisation"].duplicated()
    findings.add_rows(
        "few_families", episodes.places, "organisation", few.to_numpy(dtype=bool, na_value=False),
        lambda place: f'organisation "{frame["organisation"].iloc[place]}" has fewer than '
        f"{words_counted(minimum, unit)}",
        remedy="Its figures will be suppressed in the reports.", severity="warning",
    )  # fmt: skip


def _check_respondents(scores: pd.DataFrame, places: Places, config: StudyConfig, findings: Findings) -> None:
    """Scores left out because no code for the first parent is known: who answered most was taken instead."""
    unused = unused_scores(scores)
    in_course = scores["raw"].notna() & scores["phase"].isin(IN_COURSE)
    codes = scores["respondent"][in_course]
    if config.analysis.respondents == "both" or not unused or (codes == FIRST_PARENT).any():
        return
    listed = ", ".join(f'"{code}"' for code in sorted(codes.unique())[:8])
    number = int(in_course.sum())
    findings.add(
        Problem(
            found=(
                f"no measurement is of the first parent (the codes are {listed}): of each family the "
                f"respondent with most measurements is used, and {unused} of {number} scores "
                f"({unused / number:.0%}) are not"
            ),
            expected=f'the code {FIRST_PARENT}, or respondents = "both" in [analysis]',
            remedy='Say who is the first parent in [tables.measurements]: values = { respondent = { "..." = '
            f'"{FIRST_PARENT}" }} }}.',
            file=places.file, column=places.columns.get("respondent", "respondent"),
            severity="warning", code="unused_scores",
        ),
        times=unused,
    )  # fmt: skip


def _check_not_given(scores: pd.DataFrame, places: Places, config: StudyConfig, findings: Findings) -> None:
    """Scores left out because some rows of the file do not say who answered."""
    in_course = scores["raw"].notna() & scores["phase"].isin(IN_COURSE)
    nameless = in_course & (scores["respondent"] == RESPONDENT_NOT_GIVEN)
    unused = nameless & ~scores["declared_respondent"]
    if config.analysis.respondents == "both" or not unused.any():
        return
    first = int(np.flatnonzero(unused.to_numpy(dtype=bool))[0])
    findings.add(
        Problem(
            found=(
                f"{int(nameless.sum())} of {int(in_course.sum())} scores do not say who answered, and "
                f"{int(unused.sum())} of these are not used: they count as another respondent"
            ),
            expected="a respondent in each row",
            remedy="Fill it in. If every row is of one person, leave the column out and say so in "
            f'[tables.measurements]: constants = {{ respondent = "{FIRST_PARENT}" }}.',
            file=places.file_of(first), row=places.row_of(first),
            column=places.column_of("respondent", first),
            severity="warning", code="respondent_not_given",
        ),
        times=int(unused.sum()),
    )  # fmt: skip


def _check_totals(scores: pd.DataFrame, measurements: Table, findings: Findings) -> None:
    """A total in the export that differs from the sum of the items."""
    frame = measurements.frame
    if "total" not in frame or not any(ITEM_COLUMN.fullmatch(str(name)) for name in frame):
        return
    complete = scores["n_answered"].notna() & ~scores["prorated"] & scores["raw"].notna()
    differs = complete & frame["total"].notna() & (frame["total"] != scores["raw"])
    total, summed = frame["total"].to_numpy(), scores["raw"].to_numpy()
    findings.add_rows(
        "total_differs", measurements.places, "total", differs.to_numpy(dtype=bool),
        lambda place: f"a total of {total[place]:g}; the items make {summed[place]:g}",
        expected="the same from both",
        remedy="The items were used; look whether the export holds items already turned round.",
        severity="warning",
    )  # fmt: skip
