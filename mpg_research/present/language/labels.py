"""What the keys of a table say, in words."""

import re

from mpg_research.disclosure.released import ReleasedTable
from mpg_research.present.columns import shape_of
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.numbers import format_number, format_share
from mpg_research.present.language.voice import Voice

__all__ = ["band_label", "key_label", "numbers_label"]

#: A class of numbers: "number_2_3", "number_4_up".
_NUMBERS = re.compile(r"^number_(\d+)_(\d+|up)$")
_SPLINE = re.compile(r"^(?:cr|cc|bs|ns)\(months\b[^\[]*\)\[?(?:T\.)?(\d+)?\]?$")


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
    if key == "period":
        return voice.quarter(value)
    if key == "step":
        return clean_name(voice.phrases.label("value.step", value))
    if key in ("term", "term_1", "term_2"):
        return _term_label(voice, str(value))
    if key == "stretch" and str(value).startswith("until_"):
        weeks = float(str(value).removeprefix("until_"))
        digits = 0 if weeks == round(weeks) else 1
        return voice.phrases("value.stretch.within", weeks=voice.number(weeks, digits))
    if key == "tenure" and str(value).startswith("from_"):
        years = float(str(value).removeprefix("from_"))
        digits = 0 if years == round(years) else 1
        return voice.phrases("value.tenure.from", years=voice.number(years, digits))
    if key == "around" and str(value).lstrip("-").isdigit():
        return _around_label(voice, int(str(value)))
    numbers = _NUMBERS.match(str(value))
    if numbers:
        return numbers_label(voice, int(numbers.group(1)), numbers.group(2))
    own = voice.released.policy.own_words.get(key, {}).get(str(value), {})
    if own.get(voice.language):
        return clean_name(own[voice.language])
    if table.column(key).meaning == "label":
        return clean_name(voice.label(f"value.{key}", value)) if str(value) else ""
    if isinstance(value, float) and shape_of(table.column(key)).kind == "share":
        return format_share(value, voice.language, digits=0)
    if isinstance(value, float):
        return format_number(value, voice.language, digits=0 if value == round(value) else 1)
    return clean_name(str(value))


def _around_label(voice: Voice, months: int) -> str:
    """So many months before or after something."""
    if months == 0:
        return voice.phrases("general.same_month")
    return voice.phrases(
        "general.months_before" if months < 0 else "general.months_after", number=abs(months)
    )


def _term_label(voice: Voice, term: str) -> str:
    """A term of the model in words, interactions with "×"."""
    labels = []
    for part in term.split(":") if term else []:
        keys = [key for key in ("value.variable", "value.term") if voice.phrases.has(f"{key}.{part}")]
        spline = _SPLINE.match(part)
        if spline:
            labels.append(voice.phrases("general.spline", number=spline.group(1) or "1"))
        else:
            labels.append(voice.phrases.label(keys[0], part) if keys else part)
    return clean_name(" × ".join(labels))


def numbers_label(voice: Voice, low: int, high: str) -> str:
    """A class of numbers in words: "2 to 3", "4 or more", "1"."""
    if high == "up":
        return voice.phrases("general.number_up", low=low) if low else voice.phrases("general.number_any")
    if str(low) == high:
        return high
    return voice.phrases("general.number_to", low=low, high=int(high))


def band_label(voice: Voice, low: float, high: float) -> str:
    """A band of scores: "14 to 17"."""
    ends = [format_number(end, voice.language, digits=0 if end == round(end) else 1) for end in (low, high)]
    return voice.phrases("general.band", low=ends[0], high=ends[1])
