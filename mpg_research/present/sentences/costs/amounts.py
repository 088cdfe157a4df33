"""Amounts of money in sentences, and texts of the settings in the language of the reader."""

import math
from collections.abc import Mapping

import pandas as pd

from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_euros
from mpg_research.present.language.voice import Voice

__all__ = ["amount", "between", "euros", "interval_of", "is_known", "own_text", "payer_of_perspective", "way"]

_ENDS = ("conf_low", "conf_high")


def euros(voice: Voice, value: float) -> str:
    """An amount as it is, with the sign of the euro; a minus stands before it.

    Parameters
    ----------
    voice : Voice
    value : float
    """
    return format_euros(value, voice.language)


def amount(voice: Voice, value: float) -> str:
    """An amount that was found, rounded to the study's base: one that rounds to nothing is told as that.

    Parameters
    ----------
    voice : Voice
    value : float
    """
    base = voice.released.policy.round_money_to
    if value == 0 and base > 1 and not voice.released.audience.private:
        return voice.phrases("costs_and_effects.less_than", amount=euros(voice, float(base)))
    return euros(voice, value)


def is_known(row: pd.Series, *columns: str) -> bool:
    """Whether numbers of a row are all shown.

    Parameters
    ----------
    row : Series
    *columns : str
    """
    return all(math.isfinite(float(row[name])) for name in columns)


def way(row: pd.Series) -> str:
    """Whether an interval lies above zero, below it, or holds it.

    Parameters
    ----------
    row : Series
        With conf_low and conf_high.
    """
    low, high = (float(row[name]) for name in _ENDS)
    return "more" if low > 0 else "less" if high < 0 else "unclear"


def interval_of(voice: Voice, row: pd.Series, *, turned: bool = False) -> dict[str, str]:
    """The ends of an interval of money, with its level.

    Parameters
    ----------
    voice : Voice
    row : Series
    turned : bool
        Whether the other sign is spoken of.
    """
    low, high = (float(row[name]) for name in _ENDS)
    if turned:
        low, high = -high, -low
    return {"low": amount(voice, low), "high": amount(voice, high), "level": voice.level}


def between(voice: Voice, texts: list[str]) -> str:
    """Several things as a list: "a, b and c".

    Parameters
    ----------
    voice : Voice
    texts : list of str
    """
    *before, last = texts
    return voice.phrases("target_trial.and", before=", ".join(before), last=last) if before else last


def own_text(voice: Voice, texts: object) -> str:
    """A text of the settings in the reader's language, or another that there is; empty without any.

    Parameters
    ----------
    voice : Voice
    texts : mapping of str to str
    """
    if not isinstance(texts, Mapping) or not texts:
        return ""
    found = texts.get(voice.language) or next(iter(texts.values()))
    return clean_name(str(found))


def payer_of_perspective(voice: Voice) -> str:
    """Whose costs count, in words.

    Parameters
    ----------
    voice : Voice
    """
    return voice.label("value.perspective", voice.released.provenance.parameters["perspective"])
