"""Characteristics with a column per organisation and one for all: a paper's "Table 1"."""

from dataclasses import replace

import pandas as pd

from mpg_research.disclosure.released import ROUNDED, SUPPRESSED, ReleasedTable
from mpg_research.frames import row_at
from mpg_research.present.language.labels import key_label
from mpg_research.present.language.voice import Voice
from mpg_research.present.presented import PresentedTable
from mpg_research.present.tables.html import Column, Rows, as_html, as_text
from mpg_research.present.tables.tabulate import write_cell

__all__ = ["widen"]

#: More organisations than this are no columns side by side: the table stays as it is.
MOST_COLUMNS = 8
_KEYS = ["variable", "level"]
#: Of a characteristic with these two levels the first says all.
_YES_NO = {"yes", "no"}


def widen(voice: Voice, table: ReleasedTable, beside: ReleasedTable, plain: PresentedTable) -> PresentedTable:
    """The table with an organisation in each column; as it was where there are too many.

    Parameters
    ----------
    voice : Voice
    table : ReleasedTable
        Characteristics per organisation: variable, level, mean_or_share, sd.
    beside : ReleasedTable
        The same over all families.
    plain : PresentedTable
        The table as it is otherwise shown; its file stays the same.
    """
    organisation = table.organisation_columns[0]
    codes = list(dict.fromkeys(table.data[organisation]))
    if len(codes) > MOST_COLUMNS:
        return plain
    rows = [tuple(row) for row in beside.data[_KEYS].itertuples(index=False, name=None) if _says_all(row)]
    names = [_name(voice, beside, variable, level) for variable, level in rows]
    parts = [(voice.phrases("column.intake_all"), beside, pd.Series(True, index=beside.data.index))]
    parts += [
        (key_label(voice, table, organisation, code), table, table.data[organisation] == code)
        for code in codes
    ]
    columns = [Column(voice.phrases.label("column", "variable"), names, is_number=False, is_key=True)]
    columns += [
        Column(f"{name} ({_size(voice, part, mine)})", _cells(voice, part, mine, rows), True, False)
        for name, part, mine in parts
    ]
    notes = [voice.phrases("footnote.mean_or_share"), *_about_marks(voice, table, plain)]
    shown = Rows(
        columns=tuple(columns),
        caption=plain.caption,
        notes=tuple(notes),
        suppressed=(False,) * len(rows),
        own=(False,) * len(rows),
    )
    return replace(plain, html=as_html(voice, shown), text=as_text(voice, shown))


def _says_all(row: tuple[object, ...]) -> bool:
    return row[1] != "no"


def _name(voice: Voice, table: ReleasedTable, variable: str, level: str) -> str:
    name = key_label(voice, table, "variable", variable)
    return name if not level or level in _YES_NO else f"{name}: {key_label(voice, table, 'level', level)}"


def _cells(voice: Voice, table: ReleasedTable, mine: pd.Series, rows: list[tuple[object, ...]]) -> list[str]:
    data, marks = table.data[mine.to_numpy()], table.marks[mine.to_numpy()]
    places = {tuple(row): number for number, row in enumerate(data[_KEYS].itertuples(index=False, name=None))}
    declared = table.each_row("mean_or_share", data)
    cells = []
    for row in rows:
        place = places.get(row)
        if place is None:
            cells.append(voice.phrases("general.missing"))
            continue
        value, mark = data["mean_or_share"].iloc[place], marks["mean_or_share"].iloc[place]
        text = write_cell(voice, table, value, mark, declared[place])
        spread, hidden = data["sd"].iloc[place], marks["sd"].iloc[place] == SUPPRESSED
        if mark != SUPPRESSED and not hidden and spread == spread:
            text = f"{text} ({voice.number(float(spread))})"
        cells.append(text)
    return cells


def _size(voice: Voice, table: ReleasedTable, mine: pd.Series) -> str:
    """How many families a column is about: those of the row that all are in."""
    rows = table.data[mine.to_numpy()].assign(n_mark=table.marks.loc[mine.to_numpy(), "n_families"])
    means = rows[rows["level"] == ""]
    if not len(means):
        return voice.n_of(pd.Series({"n_families": float("nan")}))
    return voice.n_of(row_at(means, means["n_families"].astype(float).fillna(-1).idxmax()))


def _about_marks(voice: Voice, table: ReleasedTable, plain: PresentedTable) -> list[str]:
    """What the signs mean: by which rules something is hidden, or that numbers are rounded."""
    notes = []
    if plain.rules:
        names = "; ".join(rule.name for rule in plain.rules)
        heading = voice.phrases("decisions.rules")
        notes.append(voice.phrases("footnote.by_rule", names=names, heading=heading))
    elif (table.marks == ROUNDED).any(axis=None):
        notes.append(voice.phrases("footnote.rounded"))
    if voice.is_plain and (table.marks == SUPPRESSED).any(axis=None):
        values = {"minimum": voice.minimum, "missing": voice.phrases("general.missing")}
        notes.append(voice.phrases("footnote.cells", **values))
    return notes
