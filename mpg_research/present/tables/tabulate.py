"""Released tables as accessible HTML, as CSV and as plain text."""

import math
from collections.abc import Sequence

import pandas as pd

from mpg_research.analysis.columns import Column as Declared
from mpg_research.disclosure.applied_rules import rules_applied
from mpg_research.disclosure.private_names import marked_name
from mpg_research.disclosure.released import ROUNDED, SUPPRESSED, Released, ReleasedTable
from mpg_research.present.columns import Shape, shape_of
from mpg_research.present.language.labels import band_label, key_label
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import (
    format_count,
    format_df,
    format_number,
    format_p,
    format_share,
)
from mpg_research.present.language.voice import Voice, refuse, voice_of, withheld_text
from mpg_research.present.presented import PresentedTable, PresentedText, SaidRule
from mpg_research.present.registry import kind_named
from mpg_research.present.tables.brief import Spread, shorten
from mpg_research.present.tables.html import Column, Rows, as_csv, as_html, as_text
from mpg_research.present.tables.point_ranks import without_point_ranks

__all__ = ["tabulate", "tabulate_rows", "write_cell"]


def tabulate(
    released: Released, table: str, *, language: str, folder: str = "", file: str = ""
) -> PresentedTable | PresentedText:
    """Present one table of a released result.

    Parameters
    ----------
    released : Released
        From :func:`mpg_research.disclosure.release`.
    table : str
        Name of the table, e.g. ``"change"``.
    language : str
        Language of headings, labels and numbers.
    folder : str
        Where the CSV file will lie, seen from the page; a table that shows a part of its rows links to it.
    file : str
        Name of that file without its ending, if not that of the table.

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
        sentence = voice.phrases("withheld.empty", caption=voice.caption(table))
        return PresentedText(table, voice.language, ((sentence,),), voice.mark, shows_numbers=False)
    plain = tabulate_rows(voice, found, name=file, folder=folder)
    kind = kind_named(released.kind)
    beside = voice.table(kind.beside_organisations.get(table, "")) if kind else None
    if beside is None:
        return plain
    from mpg_research.present.tables.wide import widen

    return widen(voice, found, beside, plain)


def tabulate_rows(
    voice: Voice, table: ReleasedTable, *, name: str = "", only_own: bool = False, folder: str = ""
) -> PresentedTable:
    """Present a released table under its own name or another; of organisations perhaps the own rows only.

    Of many organisations the reader sees a part, with a link to all rows in ``folder``.
    """
    table = without_point_ranks(voice, table)
    data, marks = table.data, table.marks
    file_name = marked_name(name or table.name, private=voice.released.audience.private)
    if only_own and table.organisation_columns:
        mine = pd.Series(_is_own(voice, table, data), dtype=bool)
        data, marks = (part[mine.to_numpy()].reset_index(drop=True) for part in (data, marks))
    csv = as_csv(voice, table, data, marks)
    brief = shorten(voice, table, data, marks)
    if brief is not None:
        data, marks = (part.iloc[brief.rows].reset_index(drop=True) for part in (data, marks))
    columns = [_key_column(voice, table, data, key) for key in table.keys if _shows_key(table, data, key)]
    order = [*[v for v in table.values if v not in table.keys], "n_families"]
    if "n_group" in order and data["n_group"].equals(data["n_families"]):
        order.remove("n_group")  # what the row is out of, where that is not all its families
    if _organisations_vary(voice, data):
        order.append("n_organisations")
    columns += _value_columns(voice, table, data, marks, list(dict.fromkeys(order)))
    columns += [_spread_column(voice, spread) for spread in (brief.spreads if brief else ())]
    applied = rules_applied(table, marks=marks, columns=order)
    rules = () if voice.is_plain else tuple(voice.rule(code) for code in applied)
    general = _general_footnotes(voice, table, data, shown=order)
    rows = Rows(
        columns=tuple(columns),
        caption=voice.caption(table.name),
        notes=(*_footnotes(voice, marks, table, shown=order, rules=rules), *general),
        general=frozenset(general),
        suppressed=tuple(data["suppressed"].tolist()),
        own=tuple(_is_own(voice, table, data)),
        part=brief.sentence if brief else "",
        file=f"{folder}/{file_name}.csv" if brief and folder else "",
    )
    return PresentedTable(
        name=file_name,
        language=voice.language,
        html=as_html(voice, rows),
        csv=csv,
        text=as_text(voice, rows),
        caption=rows.caption,
        rules=rules,
    )


def _spread_column(voice: Voice, spread: Spread) -> Column:
    """Between which numbers the others lie, beside the own rows."""
    cells = []
    for (low, high), rounded in zip(spread.ends, spread.rounded, strict=True):
        if not (math.isfinite(low) and math.isfinite(high)):
            cells.append(voice.phrases("general.missing"))
            continue
        low_text, high_text = (write_number(end, voice.language, spread.shape) for end in (low, high))
        text = voice.phrases("general.interval", low=low_text, high=high_text)
        cells.append(voice.about_cell(text, ROUNDED if rounded else ""))
    return Column(voice.phrases(f"column.{spread.heading}"), cells, is_number=True, is_key=False)


def _is_own(voice: Voice, table: ReleasedTable, data: pd.DataFrame) -> list[bool]:
    """Which rows are about the reading organisation and nobody else."""
    own, columns = voice.released.own, list(table.organisation_columns)
    if own is None or len(columns) != 1:
        return [False] * len(data)
    return [code == own for code in data[columns[0]]]


def _shows_key(table: ReleasedTable, data: pd.DataFrame, key: str) -> bool:
    """A questionnaire that is the same in all rows says nothing, unless it is all that a row is about."""
    if table.column(key).csv_only or table.column(key).ends == "high":
        return False
    if len(data) and all(str(value) in ("", "nan", "None") for value in data[key]):
        return False
    return key != "instrument" or len(table.keys) == 1 or data[key].nunique() > 1


def _organisations_vary(voice: Voice, data: pd.DataFrame) -> bool:
    """Whether the number of organisations deserves a column; where it is the same, a note says it."""
    return not voice.is_plain and "n_organisations" in data.columns and data["n_organisations"].nunique() > 1


def _key_column(voice: Voice, table: ReleasedTable, data: pd.DataFrame, key: str) -> Column:
    if table.column(key).ends == "low":
        pairs = zip(data[key], data[table.column(key).other_end], strict=True)
        cells = [band_label(voice, low, high) for low, high in pairs]
    else:
        cells = [key_label(voice, table, key, value) for value in data[key]]
        if key in table.organisation_columns:
            marked = zip(cells, _is_own(voice, table, data), strict=True)
            cells = [voice.phrases("general.own", name=cell) if own else cell for cell, own in marked]
    return Column(voice.phrases.label("column", key), cells, is_number=False, is_key=True)


def _value_columns(
    voice: Voice, table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame, order: Sequence[str]
) -> list[Column]:
    columns = []
    for column in order:
        about = table.column(column)
        paired = bool(about.ends) and about.other_end in order
        if about.csv_only or (voice.is_plain and not about.plain) or (paired and about.ends == "high"):
            continue
        if paired:
            cells = _interval_cells(voice, data, marks, about)
            heading = voice.phrases(f"column.{about.heading}", level=voice.level)
        else:
            cells = _cells(voice, table, data, marks, about)
            own = f"{table.name}.{column}"
            heading = voice.label("column", own if voice.phrases.has(f"column.{own}") else column)
        columns.append(Column(heading, cells, is_number=True, is_key=False))
    return columns


def _cells(
    voice: Voice, table: ReleasedTable, data: pd.DataFrame, marks: pd.DataFrame, about: Declared
) -> list[str]:
    values = data[about.name]
    rows = zip(values, marks[about.name], table.each_row(about.name, data), strict=True)
    cells = [write_cell(voice, table, value, mark, of_row) for value, mark, of_row in rows]
    if about.meaning != "share" or about.of == "n_families" or about.of not in data:
        return cells
    nobody = values.isna() & (data[about.of] == 0) & (marks[about.name] != SUPPRESSED)
    return [
        voice.phrases("general.not_yet") if none else cell for cell, none in zip(cells, nobody, strict=True)
    ]


def write_cell(voice: Voice, table: ReleasedTable, value: object, mark: str, about: Declared) -> str:
    """A cell of a released table: its number or words, or what stands where it may not be shown."""
    if mark == SUPPRESSED:
        is_small_for_sure = about.name == "n_families" and not table.has_complement
        key = "general.families_under" if is_small_for_sure else "general.missing"
        return voice.phrases(key, minimum=voice.minimum)
    if not isinstance(value, int | float):
        known = about.meaning == "label" and value is not None
        if known and not value:  # nothing was judged
            return voice.phrases("general.missing")
        text = voice.label(f"value.{about.name}", value) if known else str(value)
        return clean_name(text) if value is not None else voice.phrases("general.missing")
    number = float(value)
    return voice.about_cell(write_number(number, voice.language, shape_of(about, number)), mark)


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


def _interval_cells(voice: Voice, data: pd.DataFrame, marks: pd.DataFrame, low: Declared) -> list[str]:
    cells = []
    shape = shape_of(low)
    for row in range(len(data)):
        ends = [float(data[column].iloc[row]) for column in (low.name, low.other_end)]
        hidden = SUPPRESSED in (marks[low.name].iloc[row], marks[low.other_end].iloc[row])
        if hidden or not all(map(math.isfinite, ends)):
            cells.append(voice.phrases("general.missing"))
            continue
        texts = [write_number(end, voice.language, shape) for end in ends]
        interval = voice.phrases("general.interval", low=texts[0], high=texts[1])
        cells.append(voice.about_cell(interval, marks[low.name].iloc[row]))
    return cells


def _footnotes(
    voice: Voice,
    marks: pd.DataFrame,
    table: ReleasedTable,
    *,
    shown: Sequence[str],
    rules: Sequence[SaidRule] = (),
) -> list[str]:
    """What is to be said of this table."""
    phrases = voice.phrases
    notes = _about_marks(voice, table, marks, shown) if voice.is_plain else []
    if rules:
        names = "; ".join(rule.name for rule in rules)
        notes.append(phrases("footnote.by_rule", names=names, heading=phrases("decisions.rules")))
    return notes


def _general_footnotes(
    voice: Voice, table: ReleasedTable, data: pd.DataFrame, *, shown: Sequence[str]
) -> list[str]:
    """What is true of other tables of a page too."""
    phrases, notes = voice.phrases, list[str]()
    if _has_neutral_labels(voice, table, data):
        notes.append(phrases("footnote.neutral"))
    if not voice.is_plain and "n_organisations" in data.columns and "n_organisations" not in shown:
        numbers = data["n_organisations"].dropna()
        if len(numbers) and numbers.iloc[0] > 0:
            notes.append(phrases("footnote.pooled", number=voice.count(numbers.iloc[0])))
    if {"conf_low", "conf_high"} <= set(shown):
        notes.append(phrases("footnote.interval", level=voice.level))
    if "observed_beyond_chance" in shown:
        notes.append(phrases("footnote.chance", level=voice.level))
    scores = _scores(table, shown)
    if table.organisation_columns and "estimate" in scores and voice.adjusted:
        notes.append(voice.adjusted)
    if scores and voice.direction and table.name not in ("reliability", "items"):
        notes.append(voice.direction)
    return notes


def _about_marks(voice: Voice, table: ReleasedTable, marks: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """What the signs in a table mean, for readers who meet a few of them."""
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
    return notes


def _scores(table: ReleasedTable, shown: Sequence[str]) -> set[str]:
    """Of estimate and mean, those that are shown and are of scores: a share is adjusted for nothing."""
    return {
        column.name
        for column in table.columns
        if column.name in ("estimate", "mean")
        and column.name in shown
        and column.meaning in ("mean", "model")
        and not column.is_amount
    }


def _has_neutral_labels(voice: Voice, table: ReleasedTable, data: pd.DataFrame) -> bool:
    """Whether the rows have organisations without their name."""
    released = voice.released
    if not released.audience.is_external or released.policy.sees_names(released.audience):
        return False
    codes = {code for column in table.organisation_columns for code in data[column]}
    return bool(codes - {released.own})
