"""A checklist for reporting, filled in: where on the page each item is answered, or who is to write it.

The lists stand in ``checklists.toml``: an item's number, its words, and the parts, tables and figures of a
page that can answer it. What of these the page shows is answered there; the study can state texts of its own
(``[checklists]`` in ``study.toml``).
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

import pandas as pd

from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.sources import sources
from mpg_research.present.presented import PresentedTable
from mpg_research.present.tables.html import harmless_in_spreadsheets
from mpg_research.toml import parse_toml

__all__ = ["Item", "Place", "checklists", "fill_checklist"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a checklist.

    Attributes
    ----------
    number : str
        As the list has it: "12a".
    key : str
        Its words in the catalogue, and what a study states a text under.
    places : tuple of str
        Where a page may answer it: "part:methods", "table:change", "figure:mean_course".
    """

    number: str
    key: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A part, table or figure that a page shows.

    Attributes
    ----------
    anchor : str
        Id on the page; empty where there is nothing to link to.
    words : str
        What it is called.
    """

    anchor: str
    words: str


@cache
def checklists() -> Mapping[str, tuple[str, tuple[Item, ...]]]:
    """The checklists by name: what their source is called, and their items in order.

    Examples
    --------
    >>> {name: len(items) for name, (_, items) in checklists().items()}
    {'strobe': 33, 'target': 39}
    """
    text = files("mpg_research.present").joinpath("paper", "checklists.toml").read_text("utf-8")
    return {
        name: (
            str(listed["source"]),
            tuple(Item(number, str(entry[0]), tuple(entry[1:])) for number, entry in listed["items"].items()),
        )
        for name, listed in parse_toml(text).items()
    }


def fill_checklist(
    name: str, shown: Mapping[str, Sequence[Place]], stated: Mapping[str, str], *, voice: Voice
) -> PresentedTable:
    """A checklist with where each of its items is answered.

    Parameters
    ----------
    name : str
        "strobe" or "target".
    shown : mapping of str to sequence of Place
        What the page shows, by place as the list has it.
    stated : mapping of str to str
        Texts of the study by key of the item, in the language of the page.
    voice : Voice
        The language, and the words of the study.

    Returns
    -------
    PresentedTable
        With a link to each part, table and figure that answers an item.

    Raises
    ------
    ConfigError
        If there is no such list, or a text is stated for an item that it does not have.
    """
    known = checklists()
    if name not in known:
        raise ConfigError(
            f"There is no checklist {name!r}; expected one of {', '.join(known)}. {did_you_mean(name, known)}"
            .rstrip()
        )  # fmt: skip
    source, items = known[name]
    keys = [item.key for item in items]
    for key in stated:
        if key not in keys:
            raise ConfigError(
                f"[checklists.{name}] {key} in study.toml is no item of that list; expected one of "
                f"{', '.join(keys)}. {did_you_mean(key, keys)}".rstrip()
            )
    phrases = voice.phrases
    rows = [_row(item, shown, stated.get(item.key, ""), voice, name) for item in items]
    answered = sum(row.is_answered for row in rows)
    caption = phrases(f"checklist.{name}")
    notes = [
        phrases("checklist.how_many", answered=str(answered), all=str(len(rows))),
        phrases("checklist.source", source=sources()[source].text.rstrip(".")),
    ]
    headings = [phrases(f"checklist.{column}") for column in ("number", "asked", "answered")]
    return PresentedTable(
        name=name,
        language=voice.language,
        html=_html(rows, headings, caption, notes, voice),
        csv=_csv(rows),
        text="\n".join([caption, *(f"{row.number}\t{row.asked}\t{row.plain}" for row in rows), *notes]),
        caption=caption,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    number: str
    asked: str
    places: tuple[Place, ...]
    is_answered: bool

    @property
    def plain(self) -> str:
        return "; ".join(place.words for place in self.places)

    @property
    def html(self) -> str:
        return "; ".join(
            f'<a class="cross-reference" href="#{escape(place.anchor)}">{escape(place.words)}</a>'
            if place.anchor
            else escape(place.words)
            for place in self.places
        )


def _row(item: Item, shown: Mapping[str, Sequence[Place]], stated: str, voice: Voice, name: str) -> _Row:
    phrases = voice.phrases
    asked = phrases(f"checklist.{name}_item.{item.key}")
    found = [place for where in item.places for place in shown.get(where, ())]
    if stated:
        found.insert(0, Place("", phrases("checklist.stated", text=stated)))
    if found:
        return _Row(item.number, asked, tuple(dict.fromkeys(found)), True)
    key = "not_here" if item.places else "people"
    return _Row(item.number, asked, (Place("", phrases(f"checklist.{key}")),), False)


def _html(
    rows: Sequence[_Row], headings: Sequence[str], caption: str, notes: Sequence[str], voice: Voice
) -> str:
    mark = f' <small class="synthetic-mark">({escape(voice.mark)})</small>' if voice.mark else ""
    lines = [
        f'<div class="mpg-table checklist" lang="{voice.language}">',
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">',
        "<table>",
        f'<caption><span class="caption-text">{escape(caption)}{mark}</span></caption>',
        "<thead><tr>"
        + "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
        + "</tr></thead>",
        "<tbody>",
    ]
    lines += [
        f'<tr><th scope="row">{escape(row.number)}</th><td>{escape(row.asked)}</td><td>{row.html}</td></tr>'
        for row in rows
    ]
    lines += ["</tbody>", "</table>", "</div>"]
    lines += [f'<p class="table-note"><small>{escape(" ".join(notes))}</small></p>', "</div>"]
    return "\n".join(lines)


def _csv(rows: Sequence[_Row]) -> str:
    table = pd.DataFrame(
        {
            "item": [row.number for row in rows],
            "asked": [harmless_in_spreadsheets(row.asked) for row in rows],
            "answered_in": [harmless_in_spreadsheets(row.plain) for row in rows],
            "is_answered": [row.is_answered for row in rows],
        }
    )
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()
