"""Families without measurements, and answers that make no score: each fault said once, with its numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.frames import is_among
from mpg_research.instruments import Instrument
from mpg_research.plurals import counted, words_counted
from mpg_research.study.findings import Findings
from mpg_research.study.tables.columns import Table

__all__ = ["check_families_measured", "check_scored"]

SHOWN = 5
FEWEST, NOTABLE = 5, 0.05  # measurements without a score that are worth a word
NEVER = 10  # measurements of one organisation with an item that is empty in all


def check_families_measured(
    scores: pd.DataFrame, episodes: Table, findings: Findings, unit: tuple[str, str] | None
) -> None:
    """Families without any measurement: one warning, with the organisations that have none at all.

    Parameters
    ----------
    scores : DataFrame
        As in :class:`~mpg_research.study.model.Study`.
    episodes : Table
        Canonical.
    findings : Findings
        Receives the problem.
    unit : tuple of str or None
        One and more of whom the study is about, in English.
    """
    frame = episodes.frame
    unmeasured = ~is_among(frame["family"], scores["family"].unique())
    without = (unmeasured & ~frame["family"].duplicated()).to_numpy(dtype=bool)
    positions = np.flatnonzero(without)
    if not len(positions):
        return
    ids = [str(frame["family"].iloc[int(place)]) for place in positions]
    everybody = words_counted(int(frame["family"].nunique()), unit)
    none_at_all = unmeasured.groupby(frame["organisation"]).all()
    listed = ", ".join(f'"{key}"' for key in none_at_all.index[none_at_all])
    verb = "has" if len(ids) == 1 else "have"
    found = f"{len(ids)} of {everybody} {verb} no measurements ({_some(ids)})"
    if listed and not none_at_all.all():
        found += f"; of {listed} nobody was measured"
    findings.add(
        Problem(
            found=found,
            remedy="They are in no analysis of scores; the reports count them. Look whether measurements are "
            "missing from the export.",
            file=episodes.places.file_of(int(positions[0])), row=episodes.places.row_of(int(positions[0])),
            column=episodes.places.column_of("family", int(positions[0])),
            severity="warning", code="family_without_measurements",
        ),
        times=len(ids),
    )  # fmt: skip


def check_scored(
    scores: pd.DataFrame, measurements: Table, instruments: Mapping[str, Instrument], findings: Findings
) -> None:
    """Measurements that were answered in part and make no score, and items that are empty in a whole group.

    Parameters
    ----------
    scores : DataFrame
        As in :class:`~mpg_research.study.model.Study`, in the order of ``measurements``.
    measurements : Table
        Canonical.
    instruments : mapping
        By key.
    findings : Findings
        Receives the problems: one per questionnaire about part answers, one about empty ones.
    """
    frame = measurements.frame
    for key, instrument in instruments.items():
        items = [name for name in instrument.items if name in frame]
        rows = (frame["instrument"] == key).to_numpy(dtype=bool, na_value=False)
        unscored = scores["raw"].isna().to_numpy(dtype=bool) & rows
        if not items:
            answered = np.zeros((len(frame), 0), dtype=bool)
        else:
            answered = frame[items].notna().to_numpy(dtype=bool)
        partly = unscored & answered.any(axis=1)
        empty = unscored & ~answered.any(axis=1)
        if _notable(partly, rows):
            found = _partly(scores, answered, partly, rows, items, instrument)
            _add(
                found,
                f"all {instrument.n_items} items answered" if not instrument.missing_rule.max_missing
                else f"at most {instrument.missing_rule.max_missing} items without an answer",
                "They are in no analysis of scores. Look whether the columns are the right ones and whether "
                f"answers are missing from the export, or allow gaps: [instruments.{key}] "
                "maximum_missing_items = 1 (or more).",
                "not_scored", partly, measurements, findings,
            )  # fmt: skip
        if _notable(empty, rows):
            _add(
                f"{int(empty.sum())} of {int(rows.sum())} measurements of {instrument.abbreviation} hold no "
                f"answer at all{_families_in_vain(scores, empty, rows)}",
                "an answer in each row",
                "They count as not filled in. Look whether answers are missing from the export.",
                "no_answers", empty, measurements, findings,
            )  # fmt: skip


def _notable(some: NDArray[np.bool_], rows: NDArray[np.bool_]) -> bool:
    number = int(some.sum())
    return number > 0 and (number == rows.sum() or number >= max(FEWEST, NOTABLE * rows.sum()))


def _partly(
    scores: pd.DataFrame,
    answered: NDArray[np.bool_],
    partly: NDArray[np.bool_],
    rows: NDArray[np.bool_],
    items: list[str],
    instrument: Instrument,
) -> str:
    """How many, and the item that is lacking most; where it is lacking in whole organisations, which."""
    number, of_all = int(partly.sum()), int(rows.sum())
    missing = (~answered[partly]).sum(axis=0)
    most = int(missing.argmax())
    found = (
        f"{number} of {of_all} measurements of {instrument.abbreviation} are answered in part and make no "
        f"score; most often {items[most]} is empty ({int(missing[most])} times)"
    )
    filled = rows & answered.any(axis=1)
    if not (filled & answered[:, most]).any():
        return f"{found}: nobody has an answer to it"
    of = scores["organisation"].to_numpy(dtype=object)
    keys = sorted({str(key) for key in of[partly]})
    never = [
        key for key in keys
        if (here := filled & (of == key)).sum() >= NEVER and not (here & answered[:, most]).any()
    ]  # fmt: skip
    listed = ", ".join(f'"{key}"' for key in never[:SHOWN])
    return f"{found}, and always so at {listed}" if never else found


def _families_in_vain(scores: pd.DataFrame, empty: NDArray[np.bool_], rows: NDArray[np.bool_]) -> str:
    """The families all of whose rows are empty."""
    families = set(scores["family"][empty]) - set(scores["family"][rows & ~empty])
    if not families:
        return ""
    return f"; {len(families)} of their families never answered ({_some(sorted(map(str, families)))})"


def _add(
    found: str,
    expected: str,
    remedy: str,
    code: str,
    mask: NDArray[np.bool_],
    measurements: Table,
    findings: Findings,
) -> None:
    place = int(np.flatnonzero(mask)[0])
    problem = Problem(
        found=found, expected=expected, remedy=remedy, file=measurements.places.file_of(place),
        row=measurements.places.row_of(place), severity="warning", code=code,
    )  # fmt: skip
    findings.add(problem, times=int(mask.sum()))


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (
        f" and {counted(len(ids) - SHOWN, 'others')}" if len(ids) > SHOWN else ""
    )
