"""What the first page says of other results: organisations, reliable change, and how the answer could tip."""

import pandas as pd

from mpg_research.present.language.certainty import stands_out
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.first_page.words import out_of_hundred

__all__ = ["change_in_short", "organisations_in_short", "shares_in_short"]

_ORDER = ("dropped_out", "reliably_improved", "measured")


def change_in_short(voice: Voice, threshold: float, methods: pd.DataFrame) -> list[str]:
    """From where on a change counts, and what other definitions give.

    Parameters
    ----------
    voice : Voice
    threshold : float
        The smallest change that counts, in points.
    methods : DataFrame
        Share that improved by each definition, those that may be said; columns ``estimate``.
    """
    said = []
    if voice.can_be_a_change(threshold):
        said.append(voice.phrases("first_page.reliable", threshold=voice.nonzero(threshold), unit=voice.unit))
    if len(methods) > 1:
        ends = methods["estimate"].min(), methods["estimate"].max()
        low, high = (out_of_hundred(voice, float(end)) for end in ends)
        if low != high:
            said.append(voice.phrases("first_page.other_ways", low=low, high=high))
    return said


def organisations_in_short(voice: Voice, *, differ: str, named: list[tuple[str, str]]) -> list[str]:
    """Whether organisations differ, without a test.

    Parameters
    ----------
    voice : Voice
    differ : {"differ", "alike", "alike_but_named", ""}
        What the joint test says; "" where there is none.
    named : list of (str, str)
        Label code of each organisation that differs from the average, and how far.
    """
    said = [voice.phrases(f"first_page.{differ}", concept=voice.concept)] if differ else []
    if named:
        names = "; ".join(
            voice.phrases("first_page.one_name", name=voice.organisation(code), gap=gap)
            for code, gap in named
        )
        said.append(voice.phrases("first_page.names", names=names))
    return said


def shares_in_short(voice: Voice) -> list[str]:
    """Dropped out, improved, measured: of every 100, per organisation, and how many of those differ."""
    every, apart = voice.frame("shares_of_all"), voice.frame("share_indicators")
    known = apart[apart["share_observed"].between(0, 1)] if len(apart) else apart
    said = []
    for name in _ORDER:
        rows = every[every["indicator"] == name] if len(every) else every
        if not len(rows) or not 0 <= float(rows["share_observed"].iloc[0]) <= 1:
            continue
        mine = known[known["indicator"] == name] if len(known) else known
        said.append(
            voice.phrases(
                f"first_page.share_{name}", share=out_of_hundred(voice, rows["share_observed"].iloc[0]),
                moment=voice.moment(voice.main_month), period=voice.period(voice.main_month),
                between=_between(voice, mine), beyond=_beyond(voice, mine),
            )
        )  # fmt: skip
    if said and len(apart) and not (known["indicator"].value_counts() > 1).any():
        said.append(voice.phrases("first_page.apart_hidden"))
    return said


def _between(voice: Voice, rows: pd.DataFrame) -> str:
    if len(rows) < 2:
        return ""
    ends = rows["share_observed"].min(), rows["share_observed"].max()
    low, high = (out_of_hundred(voice, end) for end in ends)
    return voice.phrases("first_page.between", low=low, high=high)


def _beyond(voice: Voice, rows: pd.DataFrame) -> str:
    if len(rows) < 2:
        return ""
    number = sum(stands_out(row) for _, row in rows.iterrows())
    return voice.phrases("first_page.beyond", number=voice.count(number)) if number else ""
