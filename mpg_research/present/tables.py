"""Released tables as accessible HTML, as CSV and as plain text."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from mpg_research.disclosure.released import ROUNDED, SUPPRESSED, Released, ReleasedTable
from mpg_research.present.columns import HIDDEN_KEYS, Shape, interval_of, is_left_out, shape_of
from mpg_research.present.numbers import format_count, format_df, format_number, format_p, format_share
from mpg_research.present.organisation_columns import CODED_VALUES, value_kind
from mpg_research.present.presented import PresentedTable, PresentedText
from mpg_research.present.voice import Voice, clean_name, refuse, voice_of, withheld_text

__all__ = ["tabulate", "tabulate_rows"]

CODED = frozenset(
    {
        "quantity",
        "step",
        "coefficient",
        "severity",
        "effect",
        "group",
        "kind",
        "level",
        "variable",
        "code",
        "term",
        "class",
        "approach",
        "method",
        "reason",
        "pattern",
        "rule",
        "target",
        "question",
        "sample",
        "outcome",
        "source",
        "start",
        "by",
    }
    | CODED_VALUES
)


def tabulate(released: Released, table: str, *, language: str) -> PresentedTable | PresentedText:
    """Present one table of a released result.

    Parameters
    ----------
    released : Released
        From :func:`mpg_research.disclosure.release`.
    table : str
        Name of the table, e.g. ``"change"``.
    language : {"nl", "en"}
        Language of headings, labels and numbers.

    Returns
    -------
    PresentedTable or PresentedText
        The table; or, where it may not be shown (withheld, or the model did not converge), the sentence
        that says why.

    Raises
    ------
    DisclosureError
        If ``released`` did not come from the gate.
    """
    voice = voice_of(released, language)
    refused = refuse(voice, table)
    if refused is not None:
        return refused
    found = voice.table(table)
    if found is None:
        return withheld_text(voice, table, table)
    if not len(found.data):
        sentence = voice.phrases("withheld.empty", caption=_caption(voice, table))
        return PresentedText(table, voice.language, ((sentence,),), voice.mark, shows_numbers=False)
    return tabulate_rows(voice, found)


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cells: list[str]
    is_number: bool
    is_key: bool


def tabulate_rows(voice: Voice, table: ReleasedTable, *, name: str = "") -> PresentedTable:
    """Present a released table under its own name or another."""
    data, marks = table.data, table.marks
    columns = [_key_column(voice, table, data, key) for key in table.keys if _shows_key(table, data, key)]
    order = [*[v for v in table.values if v not in table.keys], "n_families"]
    if _organisations_vary(voice, data):
        order.append("n_organisations")
    columns += _value_columns(voice, table, data, marks, list(dict.fromkeys(order)))
    caption = _caption(voice, table.name)
    notes = _footnotes(voice, table, marks, shown=order)
    return PresentedTable(
        name=name or table.name,
        language=voice.language,
        html=_html(voice, columns, caption, notes, data["suppressed"].tolist()),
        csv=_csv(voice, table, data),
        text=_text(voice, columns, caption, notes),
    )


def _shows_key(table: ReleasedTable, data: pd.DataFrame, key: str) -> bool:
    """A questionnaire that is the same in all rows says nothing, unless it is all that a row is about."""
    if key in HIDDEN_KEYS or key == "score_high":
        return False
    return key != "instrument" or len(table.keys) == 1 or data[key].nunique() > 1


def _organisations_vary(voice: Voice, data: pd.DataFrame) -> bool:
    """Whether the number of organisations deserves a column; where it is the same, a note says it."""
    return not voice.is_plain and "n_organisations" in data.columns and data["n_organisations"].nunique() > 1


def _key_column(voice: Voice, table: ReleasedTable, data: pd.DataFrame, key: str) -> _Column:
    if key == "score_low" and "score_high" in data.columns:
        pairs = zip(data["score_low"], data["score_high"], strict=True)
        cells = [band_label(voice, low, high) for low, high in pairs]
    else:
        cells = [key_label(voice, table, key, value) for value in data[key]]
    return _Column(voice.phrases.label("column", key), cells, is_number=False, is_key=True)


def key_label(voice: Voice, table: ReleasedTable, key: str, value: object) -> str:
    """What a key says, in words."""
    if key in table.organisation_columns:
        return voice.organisation(str(value))
    if key == "months" and isinstance(value, int | float):
        return voice.moment(float(value))
    if key == "item":
        number = str(value).rpartition("_")[2]
        return (
            voice.phrases("general.item", number=int(number)) if number.isdigit() else clean_name(str(value))
        )
    if key == "instrument":
        facts = voice.released.policy.instruments.get(str(value))
        return clean_name(facts.name if facts else str(value))
    if key == "step":
        return clean_name(voice.phrases.label("value.step", value))
    if key in ("term", "term_1", "term_2"):
        return _term_label(voice, str(value))
    if key in CODED:
        return clean_name(voice.phrases.label(f"value.{key}", value)) if str(value) else ""
    if isinstance(value, float):
        return format_number(value, voice.language, digits=0 if value == round(value) else 1)
    return clean_name(str(value))


def _term_label(voice: Voice, term: str) -> str:
    """A term of the model in words, interactions with "×"."""
    labels = []
    for part in term.split(":") if term else []:
        keys = [key for key in ("value.variable", "value.term") if voice.phrases.has(f"{key}.{part}")]
        labels.append(voice.phrases.label(keys[0], part) if keys else part)
    return clean_name(" × ".join(labels))


def band_label(voice: Voice, low: float, high: float) -> str:
    """A band of scores: "14 to 17"."""
    ends = [format_number(end, voice.language, digits=0 if end == round(end) else 1) for end in (low, high)]
    return voice.phrases("general.band", low=ends[0], high=ends[1])


def _value_columns(
    voice: Voice, table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame, order: Sequence[str]
) -> list[_Column]:
    uppers = {pair[0] for column in order if (pair := interval_of(column)) and pair[0] in order}
    columns = []
    for column in order:
        shape = shape_of(table.name, column)
        if column in uppers or is_left_out(table.name, column) or (voice.is_plain and not shape.plain):
            continue
        pair = interval_of(column)
        if pair and pair[0] in uppers:
            cells = _interval_cells(voice, data, marks, column, pair[0], shape)
            heading = voice.phrases(f"column.{pair[1]}", level=voice.level)
        else:
            cells = _cells(voice, table, data, marks, column, shape)
            heading = voice.phrases.label("column", column)
        columns.append(_Column(heading, cells, is_number=True, is_key=False))
    return columns


def _cells(
    voice: Voice, table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame, column: str, shape: Shape
) -> list[str]:
    return [
        _cell(voice, table, value, mark, column, _row_shape(data.iloc[row], column, shape))
        for row, (value, mark) in enumerate(zip(data[column], marks[column], strict=True))
    ]


def _row_shape(row: pd.Series, column: str, shape: Shape) -> Shape:
    """Where one column holds several kinds of numbers, the key of the row says which."""
    if column == "mean_or_share" and row.get("kind") == "share":
        return Shape("share", digits=0)
    if column in ("value", "threshold_value"):
        value = row[column]
        kind = value_kind(row.get("quantity"), row.get("check"))
        if kind is not None:
            return Shape(kind[0], digits=kind[1])
        return Shape("count") if pd.isna(value) or value == round(value) else Shape("number", digits=1)
    return shape


def _cell(voice: Voice, table: ReleasedTable, value: object, mark: str, column: str, shape: Shape) -> str:
    if mark == SUPPRESSED:
        is_small_for_sure = column == "n_families" and not table.has_complement
        key = "general.families_under" if is_small_for_sure else "general.missing"
        return voice.phrases(key, minimum=voice.minimum)
    if not isinstance(value, int | float):
        known = column in CODED_VALUES and value is not None
        text = voice.phrases.label(f"value.{column}", value) if known else str(value)
        return clean_name(text) if value is not None else voice.phrases("general.missing")
    return voice.about(write_number(float(value), voice.language, shape), mark)


def write_number(value: float, language: str, shape: Shape) -> str:
    """A number as its column wants it."""
    if shape.kind == "p":
        return format_p(value, language)
    if shape.kind == "df":
        return format_df(value, language)
    if shape.kind == "share":
        return format_share(value, language, digits=shape.digits)
    if shape.kind == "count":
        return format_count(value, language)
    return format_number(value, language, digits=shape.digits)


def _interval_cells(
    voice: Voice, data: pd.DataFrame, marks: pd.DataFrame, low: str, high: str, shape: Shape
) -> list[str]:
    cells = []
    for row in range(len(data)):
        ends = [float(data[column].iloc[row]) for column in (low, high)]
        if SUPPRESSED in (marks[low].iloc[row], marks[high].iloc[row]) or any(map(math.isnan, ends)):
            cells.append(voice.phrases("general.missing"))
            continue
        texts = [write_number(end, voice.language, shape) for end in ends]
        interval = voice.phrases("general.interval", low=texts[0], high=texts[1])
        cells.append(voice.about(interval, marks[low].iloc[row]))
    return cells


def _caption(voice: Voice, name: str) -> str:
    key = f"caption.{name}"
    if not voice.phrases.has(key):
        return voice.phrases("caption.other", table=clean_name(name))
    return voice.phrases(key, unit=voice.unit)


def _footnotes(voice: Voice, table: ReleasedTable, marks: pd.DataFrame, *, shown: Sequence[str]) -> list[str]:
    phrases, notes = voice.phrases, []
    values = {"minimum": voice.minimum, "missing": phrases("general.missing")}
    visible = marks[[column for column in shown if column in marks.columns]]
    suppressed = bool((visible == SUPPRESSED).any(axis=None))
    if suppressed and table.has_complement:
        notes.append(phrases("footnote.complement", **values))
    elif suppressed and (marks["n_families"] == SUPPRESSED).any():
        notes.append(phrases("footnote.small", **values))
    elif suppressed:
        notes.append(phrases("footnote.cells", **values))
    if (visible == ROUNDED).any(axis=None):
        notes.append(phrases("footnote.rounded"))
    if table.organisation_columns and voice.released.audience.is_external and not _all_named(voice):
        notes.append(phrases("footnote.neutral"))
    if not voice.is_plain and "n_organisations" in marks.columns and "n_organisations" not in shown:
        numbers = table.data["n_organisations"].dropna()
        if len(numbers):
            notes.append(phrases("footnote.pooled", number=voice.count(numbers.iloc[0])))
    if {"conf_low", "conf_high"} <= set(shown):
        notes.append(phrases("footnote.interval", level=voice.level))
    if table.organisation_columns and "estimate" in shown and voice.adjusted:
        notes.append(voice.adjusted)
    if {"estimate", "mean"} & set(shown) and voice.direction and table.name not in ("reliability", "items"):
        notes.append(voice.direction)
    return notes


def _all_named(voice: Voice) -> bool:
    released = voice.released
    return released.policy.sees_names(released.audience)


def _html(
    voice: Voice, columns: Sequence[_Column], caption: str, notes: Sequence[str], suppressed: Sequence[bool]
) -> str:
    mark = f' <small class="synthetic-mark">({escape(voice.mark)})</small>' if voice.mark else ""
    lines = [
        f'<div class="mpg-table" lang="{voice.language}">',
        "<table>",
        f"<caption>{escape(caption)}{mark}</caption>",
        "<thead><tr>",
    ]
    for column in columns:
        kind = ' class="number"' if column.is_number else ""
        lines.append(f'<th scope="col"{kind}>{escape(column.heading)}</th>')
    lines.append("</tr></thead>\n<tbody>")
    for row in range(len(suppressed)):
        lines.append('<tr class="suppressed">' if suppressed[row] else "<tr>")
        for place, column in enumerate(columns):
            text = escape(column.cells[row])
            if column.is_key:
                scope = ' scope="row"' if place == 0 or not columns[place - 1].is_number else ""
                lines.append(f"<th{scope}>{text}</th>")
            else:
                lines.append(f'<td class="number">{text}</td>')
        lines.append("</tr>")
    lines.append("</tbody>\n</table>")
    lines += [f'<p class="table-note"><small>{escape(note)}</small></p>' for note in notes]
    lines.append("</div>")
    return "\n".join(lines)


def _text(voice: Voice, columns: Sequence[_Column], caption: str, notes: Sequence[str]) -> str:
    rows = [[column.heading for column in columns]]
    rows += [list(cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    lines = [caption + (f" ({voice.mark})" if voice.mark else "")]
    for row in rows:
        padded = [
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join([*lines, *notes])


def _csv(voice: Voice, table: ReleasedTable, data: pd.DataFrame) -> str:
    """Unrounded, with a decimal point; names in place of label codes; text that a spreadsheet would run
    as a formula is made harmless.
    """
    shown = data.copy()
    for column in table.organisation_columns:
        shown[column] = [voice.organisation(str(code)) for code in shown[column]]
    for column in shown.columns:
        if not pd.api.types.is_numeric_dtype(shown[column]):
            shown[column] = [_harmless(value) for value in shown[column]]
    if voice.released.synthetic:
        shown["synthetic"] = True
    buffer = io.StringIO()
    shown.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _harmless(value: object) -> object:
    if value is None:
        return value
    text = clean_name(str(value))
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
