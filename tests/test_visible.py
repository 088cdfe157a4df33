"""What is invisible in a text from data is shown by its number; what a language is written with stays."""

import json
import sys
import unicodedata

import pytest

from mpg_research.present.drawing.letters import clean_text
from mpg_research.present.language.names import clean_name
from mpg_research.present.language.phrases import readable
from mpg_research.visible import escaped, visible

#: Unicode's Bidi_Control, zero widths and fillers, and one of each further kind.
HIDDEN = [
    *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u034f\u115f\u1160\u3164\uffa0\u2800",
    *"\u180e\ufff9\U000e0001\U000e0061\U000e007f\ufe00\ufe0f\U000e0100\U000e01ef\U0001d173\x00\x1b\x7f\x85\ue000",
]
KEPT = [
    "Zoë & Søn’s",
    "می\u200cخواهم",  # Persian: without the joiner it is another spelling
    "क्\u200dष",
    "\N{FAMILY}\ufe0f",
    "\N{HEAVY BLACK HEART}\ufe0f\u200d\N{FIRE}",
    "\N{WOMAN}\N{EMOJI MODIFIER FITZPATRICK TYPE-3}\u200d\N{PERSONAL COMPUTER}",
    "葛\U000e0100城",
    "שלום",
]


@pytest.mark.parametrize("sign", HIDDEN, ids=lambda sign: f"{ord(sign):04X}")
def test_what_is_invisible_is_shown_by_its_number(sign: str) -> None:
    assert visible(f"Lin{sign}de") == f"Lin‹U+{ord(sign):04X}›de"
    assert sign not in readable(f"Lin{sign}de")
    assert sign not in clean_text(f"Lin{sign}de")
    if not sign.isspace():
        assert clean_name(f" Lin{sign}de\n Zuid") == f"Lin‹U+{ord(sign):04X}›de Zuid"


def test_every_character_that_works_unseen_is_found() -> None:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        if unicodedata.category(sign) in hidden and sign not in "\t\n":
            assert sign not in visible(f"a{sign}b"), hex(code)


@pytest.mark.parametrize("text", KEPT)
def test_what_a_language_is_written_with_stays(text: str) -> None:
    assert visible(text) == text
    assert clean_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a\ufe0f",
        "\N{FAMILY}\ufe0f\ufe0f",
        "\N{FAMILY}\u200da",
        "a\U000e0100",
        "葛\U000e0100\U000e0101",
        "ab\u200ccd",
        "ش\u200ca",
        "\u200d\N{FIRE}",
    ],
)
def test_a_joiner_or_variant_elsewhere_is_shown(text: str) -> None:
    assert "‹U+" in visible(text)


def test_text_that_was_shown_is_not_changed_again() -> None:
    once = visible("".join(f"x{sign}" for sign in HIDDEN))
    assert visible(once) == once


def test_json_keeps_its_value_and_shows_what_is_hidden() -> None:
    value = {"na\u202eme": ["\U000e0041", "é", "\u2066x"], "plain": 1}
    written = escaped(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(written) == value
    assert "\\u202e" in written
    assert "é" in written
    assert not set(written) & set("\u202e\U000e0041\u2066")
