"""The four numbers of an organisation, each with what it is set beside and the word of certainty for it.

Every number is a released one, or a released one plus or minus a released one.
"""

import math
from dataclasses import dataclass

import pandas as pd

from mpg_research.frames import row_at
from mpg_research.present.language.certainty import (
    Certainty,
    certainty_of_difference,
    certainty_of_share,
    certainty_word,
    favourable_share,
    p_column,
    stands_out,
)
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.organisations import gap_words, rows_at_month, why_not

__all__ = ["SHARES", "Tile", "of_hundred", "own_rows", "sentence_of", "tiles_of"]

#: Shares in the order in which they are shown, after the change.
SHARES = ("reliably_improved", "dropped_out", "measured")
_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of the organisation that reads.

    Attributes
    ----------
    name : str
        "change", or the share.
    title : str
        What it is.
    number : str
        The number as it is written; "–" where it is not shown.
    word : str
        The word of certainty with what the number is set beside; "" where it is set beside nothing.
    words : str
        What there is to say beside it.
    certainty : {"better", "none", "worse", ""}
    stands_out, favourable : bool
        Whether chance seldom gives the difference, and whether it is on the better side.
    value, expected, low, high : float
        The own number, what is expected of it, and the range of chance around that; NaN where not shown.
    others : tuple of float
        The same number of the other organisations, by size.
    is_share : bool
    expected_text : str
        What was expected, as it is written.
    """

    name: str
    title: str
    number: str
    word: str = ""
    words: str = ""
    certainty: Certainty | str = ""
    stands_out: bool = False
    favourable: bool = False
    value: float = _NAN
    expected: float = _NAN
    low: float = _NAN
    high: float = _NAN
    others: tuple[float, ...] = ()
    is_share: bool = True
    expected_text: str = ""


def tiles_of(voice: Voice) -> list[Tile]:
    """The tiles in their order; none where nobody reads for an organisation."""
    if voice.released.own is None:
        return []
    return [_change_tile(voice), *(_share_tile(voice, name) for name in SHARES)]


def sentence_of(voice: Voice, tile: Tile) -> str:
    """A tile in one sentence, for those who do not see it."""
    values = {"title": tile.title, "number": tile.number, "word": tile.word, "words": tile.words}
    if tile.word:
        return voice.phrases("own_page.tile", **values)
    return voice.phrases(f"own_page.tile_{'alone' if math.isfinite(tile.value) else 'none'}", **values)


def of_hundred(voice: Voice, share: float) -> str:
    """How many of a hundred; never none or all of them where it is not."""
    number = round(100 * share)
    if number == 0 and share > 0:
        return voice.phrases("own_page.less_than_one")
    if number == 100 and share < 1:
        return voice.phrases("own_page.more_than_99")
    return voice.count(number)


def own_rows(voice: Voice, table: str) -> pd.DataFrame:
    """The rows of a released table that are about the organisation that reads."""
    rows = voice.frame(table)
    if not len(rows) or voice.released.own is None:
        return rows.iloc[:0]
    return rows[rows["organisation"] == voice.released.own].reset_index(drop=True)


def _change_tile(voice: Voice) -> Tile:
    title = voice.label("value.own_tile", "change")
    dash = voice.phrases("general.missing")
    table, own = voice.table("adjusted_change"), str(voice.released.own)
    if table is None:
        return Tile("change", title, dash, words=_not_compared(voice, "adjusted_change"), is_share=False)
    month = voice.primary_month(table.data["months"]) if len(table.data) else voice.main_month
    changes = rows_at_month(voice, "adjusted_change", month)
    if own not in changes.index:
        name = voice.organisation(own)
        words = voice.phrases(f"organisations.{why_not(voice, own, month)}", name=name)
        return Tile("change", title, dash, words=words, is_share=False)
    mine = row_at(changes, own)
    value = float(mine["estimate"])
    number = voice.phrases("own_page.points", number=voice.number(value), unit=voice.unit)
    others = tuple(sorted(changes["estimate"].drop(own).astype(float)))
    shown = {"value": value, "others": others, "is_share": False}
    differences = rows_at_month(voice, "difference_from_mean", month)
    if own not in differences.index or not _has_test(row_at(differences, own)):
        words = voice.phrases("organisations.no_difference")
        return Tile("change", title, number, words=words, **shown)  # type: ignore[arg-type]
    return _compared_change(voice, title, number, row_at(differences, own), shown)


def _has_test(row: pd.Series) -> bool:
    """Whether the p-value of a difference is shown: without it nothing is said of the difference."""
    return bool(pd.notna(row[p_column(row)]))


def _compared_change(voice: Voice, title: str, number: str, row: pd.Series, shown: dict[str, object]) -> Tile:
    level = voice.released.level
    certainty = certainty_of_difference(row, level=level, lower_is_better=voice.lower_is_better)
    gap, value = float(row["estimate"]), float(shown["value"])  # type: ignore[arg-type]
    half = (float(row["conf_high"]) - float(row["conf_low"])) / 2
    clear = stands_out(row)
    expected = value - gap
    return Tile(
        "change",
        title,
        number,
        word=certainty_word(voice.phrases, certainty, "reference"),
        words=voice.phrases("own_page.change_words", **gap_words(voice, row, differs=certainty != "none")),
        certainty=certainty,
        stands_out=clear,
        favourable=(gap < 0) == voice.lower_is_better,
        expected=expected,
        low=expected - half,
        high=expected + half,
        expected_text=voice.number(expected),
        **shown,  # type: ignore[arg-type]
    )


def _beside_share(voice: Voice, row: pd.Series, expected: float) -> list[str]:
    """What was expected, and of how many families the share is."""
    told = [voice.phrases("own_page.expected", expected=of_hundred(voice, expected))]
    number = float(row["n_group"])
    if math.isfinite(number):
        told.append(voice.phrases("own_page.of_families", families=voice.families(number)))
    return told


def _not_compared(voice: Voice, table: str) -> str:
    reason = voice.released.reason_for(table)
    return voice.phrases(f"withheld.{reason.code}", **reason.values) if reason is not None else ""


def _share_tile(voice: Voice, name: str) -> Tile:
    title = voice.label("value.own_tile", name)
    dash = voice.phrases("general.missing")
    every = voice.frame("share_indicators")
    rows = every[every["indicator"] == name] if len(every) else every
    mine = rows[rows["organisation"] == voice.released.own] if len(rows) else rows
    if not len(mine):
        # Where too few others stand beside it, only what is about the own families alone is left.
        reasons = (_not_compared(voice, table) for table in ("share_indicators", "adjusted_change"))
        words = next(filter(None, reasons), voice.phrases("own_page.not_computed"))
        return Tile(name, title, dash, words=words)
    row = mine.iloc[0]
    value = float(row["share_observed"])
    if not 0 <= value <= 1:
        key = "own_page.nobody_yet" if row["n_group"] == 0 else "own_page.too_few"
        return Tile(name, title, dash, words=voice.phrases(key, minimum=voice.minimum))
    number = voice.phrases("own_page.of_hundred", share=of_hundred(voice, value))
    known = rows[(rows["organisation"] != voice.released.own) & rows["share_observed"].notna()]
    shown = {"value": value, "others": tuple(sorted(known["share_observed"].astype(float)))}
    ends = [float(row.get(f"observed_difference{end}", _NAN)) for end in ("", "_low", "_high")]
    expected = float(row.get("expected_share", _NAN))
    if not (all(map(math.isfinite, ends)) and 0 <= expected <= 1):
        words = voice.phrases("own_page.no_expectation")
        return Tile(name, title, number, words=words, **shown)  # type: ignore[arg-type]
    certainty = certainty_of_share(row)
    return Tile(
        name,
        title,
        number,
        word=certainty_word(voice.phrases, certainty, "expected"),
        words="; ".join(_beside_share(voice, row, expected)),
        certainty=certainty,
        stands_out=stands_out(row),
        favourable=favourable_share(row),
        expected=expected,
        low=max(expected + ends[1], 0.0),
        high=min(expected + ends[2], 1.0),
        expected_text=of_hundred(voice, expected),
        **shown,  # type: ignore[arg-type]
    )
