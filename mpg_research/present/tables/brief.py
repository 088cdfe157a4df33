"""Long tables about many organisations in short, with all rows in the file beside the page.

The reading organisation sees its own rows and between which numbers the others lie; other readers the rows
that stand out. What is shown of the others is computed from the numbers that the gate released, as they were
released.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import P_ADJUSTED
from mpg_research.analysis.columns import Column as Declared
from mpg_research.disclosure.released import ROUNDED, ReleasedTable
from mpg_research.present.columns import Shape, shape_of
from mpg_research.present.language.voice import Voice
from mpg_research.present.many import HALF, MOST, are_many, number_of_organisations, quantiles

__all__ = ["SHOWN_ROWS", "Brief", "Spread", "shorten"]

#: Rows of a long table that are shown.
SHOWN_ROWS = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """Between which numbers the others lie: a column beside the own rows.

    Attributes
    ----------
    heading : str
        Key of its heading.
    ends : list of tuple of float
        Per row; NaN where too few others are shown.
    rounded : list of bool
        Per row, whether numbers of the others were rounded.
    shape : Shape
        How its numbers are written.
    """

    heading: str
    ends: list[tuple[float, float]]
    rounded: list[bool]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Brief:
    """What is shown of a long table.

    Attributes
    ----------
    rows : list of int
        Places of the rows that are shown, from the top down.
    spreads : tuple of Spread
        Columns beside them.
    sentence : str
        What is shown, and of how many rows.
    """

    rows: list[int]
    spreads: tuple[Spread, ...]
    sentence: str


def shorten(voice: Voice, table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame) -> Brief | None:
    """What is shown of a table about organisations; None where all of it is.

    Parameters
    ----------
    voice : Voice
    table : ReleasedTable
    data, marks : DataFrame
        Its rows, and what the gate did to them.
    """
    columns = table.organisation_columns
    if len(data) <= SHOWN_ROWS or not columns or not are_many(number_of_organisations(data, columns)):
        return None
    own = voice.released.own
    mine = np.flatnonzero((data[columns[0]] == own).to_numpy()) if own and len(columns) == 1 else np.array([])
    if mine.size:
        rows = [int(place) for place in mine]
        return Brief(
            rows, _spreads(table, data, marks, rows), voice.phrases("brief.own", **_total(voice, data))
        )
    return _standing_out(voice, table, data)


def _total(voice: Voice, data: pd.DataFrame) -> dict[str, str]:
    return {"total": voice.count(float(len(data)))}


def _main_column(table: ReleasedTable) -> Declared | None:
    """The number that a row is about, where the columns say so; of a rank nothing is summed up."""
    shown = [table.column(name) for name in table.values if not table.column(name).csv_only]
    if any(column.meaning == "rank" for column in shown):
        return None
    return next((c for c in shown if c.meaning in ("model", "share", "mean") and not c.ends), None)


def _spreads(
    table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame, mine: Sequence[int]
) -> tuple[Spread, ...]:
    main = _main_column(table)
    if main is None:
        return ()
    organisation = table.organisation_columns[0]
    keys = [key for key in table.keys if key != organisation]
    kinds = _kinds(data, keys)
    values = data[main.name].to_numpy(dtype=float, na_value=np.nan)
    rounded = (marks[main.name] == ROUNDED).to_numpy()
    others: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        others.setdefault(kind, []).append(place)
    about = [[place for place in others[kinds[row]] if place not in set(mine)] for row in mine]
    return tuple(
        Spread(
            heading=heading,
            ends=[quantiles(values[places], at) for places in about],
            rounded=[bool(rounded[places].any()) for places in about],
            shape=shape_of(main),
        )
        for heading, at in (("others_half", HALF), ("others_most", MOST))
    )


def _standing_out(voice: Voice, table: ReleasedTable, data: pd.DataFrame) -> Brief:
    """The rows of the moment asked about that stand out: by their corrected p-values, or else by far."""
    rows = np.arange(len(data))
    total, sentences = _total(voice, data), []
    time = next((key for key in table.keys if table.column(key).meaning == "time"), None)
    if time is not None and data[time].nunique() > 1:
        month = voice.primary_month(data[time])
        rows = rows[(data[time] == month).to_numpy()]
        sentences.append(voice.phrases("brief.moment", moment=voice.moment(month)))
    if len(rows) > SHOWN_ROWS:
        p_value = next((c for c in table.columns if c.name == P_ADJUSTED.name), None)
        apart = np.nan_to_num(_distances(table, data.iloc[rows]), nan=-1.0)
        p_values = np.ones(len(rows))
        if p_value is not None:
            found = data[p_value.name].to_numpy(dtype=float, na_value=np.nan)[rows]
            p_values = np.nan_to_num(found, nan=2.0)
        order = np.lexsort((-apart, p_values))
        rows = np.sort(rows[order[:SHOWN_ROWS]])
        key = "smallest_p" if p_value is not None else "furthest" if (apart >= 0).any() else "first"
        number = voice.count(float(len(rows)))
        sentences.append(voice.phrases(f"brief.{key}", number=number, **total))
    else:
        sentences.append(voice.phrases("brief.of", **total))
    return Brief([int(place) for place in rows], (), " ".join(sentences))


def _distances(table: ReleasedTable, data: pd.DataFrame) -> np.ndarray:
    """How far each row lies from the middle of the rows of its kind, in quartile ranges of these."""
    main = _main_column(table)
    if main is None:
        return np.full(len(data), np.nan)
    keys = [key for key in table.keys if key not in table.organisation_columns]
    values = pd.Series(data[main.name].to_numpy(dtype=float, na_value=np.nan))
    groups = values.groupby(_kinds(data, keys))
    ranges = groups.transform(lambda each: each.quantile(0.75) - each.quantile(0.25))
    return np.asarray(
        (values - groups.transform("median")).abs() / ranges.where(ranges > 0, 1.0), dtype=float
    )


def _kinds(data: pd.DataFrame, keys: list[str]) -> list[str]:
    """What each row is about, apart from whom: rows of one kind can be laid beside each other."""
    return ["\0".join(map(str, row)) for row in data[keys].itertuples(index=False, name=None)]
