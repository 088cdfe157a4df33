"""The cells of a table as accessible HTML, as plain text, and the numbers behind them as CSV."""

import io
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import numpy as np
import pandas as pd

from mpg_research.disclosure.released import ROUNDED, ReleasedTable
from mpg_research.present.language.names import clean_name, without_isolates
from mpg_research.present.language.voice import Voice

__all__ = ["Column", "Rows", "as_csv", "as_html", "as_text", "harmless_in_spreadsheets"]

#: Characters in the widest row, from which a table is set smaller to fit the page.
WIDE, VERY_WIDE = 88, 118
#: Rows up to which a table is not broken over two printed pages.
SHORT = 14
#: Columns from which a table may be wider than a small screen and can be scrolled with the keyboard.
SCROLLS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is written.

    Attributes
    ----------
    heading : str
        Above it.
    cells : list of str
        One per row.
    is_number, is_key : bool
        Whether it holds numbers, and whether it says what the row is.
    """

    heading: str
    cells: list[str]
    is_number: bool
    is_key: bool

    @property
    def width(self) -> int:
        """Characters it needs: its longest cell (of keys: word), or the longest word of its heading."""
        parts = [word for cell in self.cells for word in cell.split()] if self.is_key else self.cells
        return max(map(len, [*parts, *self.heading.split()]), default=0) + 2


@dataclass(frozen=True, slots=True)
class Rows:
    """A table as it is written: its columns, what stands around them, and what marks a row.

    Attributes
    ----------
    columns : tuple of Column
        From left to right, keys first.
    caption : str
        Above the table.
    notes : tuple of str
        Below it.
    general : frozenset of str
        Those of them that are true of other tables too: a page says them once.
    suppressed, own : tuple of bool
        Whether a row was withheld as a whole, and whether it is about the reading organisation.
    part : str
        What is shown of the table, where that is not all of it.
    file : str
        Where all its rows lie, seen from the page; empty where there is no such file.
    """

    columns: tuple[Column, ...]
    caption: str
    notes: tuple[str, ...]
    suppressed: tuple[bool, ...]
    own: tuple[bool, ...]
    part: str = ""
    file: str = ""
    general: frozenset[str] = frozenset()


def as_html(voice: Voice, rows: Rows) -> str:
    """The table with a caption, header cells that say what they head, and notes below."""
    mark = f' <small class="synthetic-mark">({escape(voice.mark)})</small>' if voice.mark else ""
    region = ' role="region" tabindex="0"' if len(rows.columns) >= SCROLLS else ""
    label = f' aria-label="{escape(rows.caption)}"' if region else ""
    lines = [
        f'<div class="{_classes(rows)}" lang="{voice.language}">',
        f'<div class="scroll"{region}{label}>',
        "<table>",
        f'<caption><span class="caption-text">{escape(rows.caption)}{mark}</span></caption>',
        "<thead><tr>",
    ]
    for column in rows.columns:
        kind = ' class="number"' if column.is_number else ""
        tag = 'th scope="col"' if column.heading else "td"  # a header cell without words heads nothing
        lines.append(f"<{tag}{kind}>{escape(column.heading)}</{tag[:2]}>")
    lines.append("</tr></thead>\n<tbody>")
    for row in range(len(rows.suppressed)):
        lines += _row(rows, row)
    lines.append("</tbody>\n</table>\n</div>")
    if rows.part:
        lines.append(f'<p class="table-part">{_part(voice, rows)}</p>')
    if rows.notes:
        notes = " ".join(_note(note, rows) for note in rows.notes)
        lines.append(f'<p class="table-note"><small>{notes}</small></p>')
    lines.append("</div>")
    return "\n".join(lines)


def _note(note: str, rows: Rows) -> str:
    return f'<span class="general">{escape(note)}</span>' if note in rows.general else escape(note)


def _part(voice: Voice, rows: Rows) -> str:
    """What is shown of a table, and a link to all of it."""
    if not rows.file:
        return escape(rows.part)
    link = f'<a href="{escape(quote(rows.file))}" download>{escape(rows.file)}</a>'
    before, _, after = voice.phrases("brief.file", file="\0").partition("\0")
    return f"{escape(rows.part)} {escape(before)}{link}{escape(after)}"


def _classes(rows: Rows) -> str:
    width = sum(column.width for column in rows.columns)
    size = " very-wide" if width > VERY_WIDE else " wide" if width > WIDE else ""
    return f"mpg-table{size}{' short' if len(rows.suppressed) <= SHORT else ''}"


def _row(rows: Rows, row: int) -> list[str]:
    kinds = [name for name, marks in (("suppressed", rows.suppressed), ("own", rows.own)) if marks[row]]
    lines = [f'<tr class="{" ".join(kinds)}">' if kinds else "<tr>"]
    for place, column in enumerate(rows.columns):
        text = escape(column.cells[row])
        if column.is_key:
            scope = ' scope="row"' if place == 0 or not rows.columns[place - 1].is_number else ""
            lines.append(f"<th{scope}>{text}</th>" if text else "<td></td>")
        else:
            lines.append(f'<td class="number">{text}</td>')
    return [*lines, "</tr>"]


def as_text(voice: Voice, table: Rows) -> str:
    """The table as plain text, its columns lined up."""
    columns = table.columns
    rows = [[column.heading for column in columns]]
    rows += [list(cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    lines = [table.caption + (f" ({voice.mark})" if voice.mark else "")]
    for row in rows:
        padded = [
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join([*lines, *([table.part] if table.part else []), *table.notes])


def as_csv(voice: Voice, table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame) -> str:
    """As released, with a decimal point; names in place of label codes; text that a spreadsheet would run
    as a formula is made harmless. ``rounded`` names the columns whose number in the row is rounded.
    """
    shown = data.copy()
    for column in table.organisation_columns:
        shown[column] = [without_isolates(voice.organisation(str(code))) for code in shown[column]]
    for column in shown.columns:
        if not pd.api.types.is_numeric_dtype(shown[column]):
            shown[column] = pd.Series(
                list(map(harmless_in_spreadsheets, shown[column])), shown.index, dtype=object
            )
    rounded, names = (marks == ROUNDED).to_numpy(), np.array(marks.columns, dtype=object)
    if rounded.any():
        shown["rounded"] = [" ".join(names[row]) if row.any() else "" for row in rounded]
    if voice.released.synthetic:
        shown["synthetic"] = True
    buffer = io.StringIO()
    shown.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def harmless_in_spreadsheets(value: object) -> object:
    """A text that a spreadsheet does not run as a formula; nothing stays nothing."""
    if value is None:
        return value
    text = clean_name(str(value))
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
