import json
import unicodedata

import pytest

from mpg_research.present.drawing import letters
from mpg_research.present.drawing.letters import clean_text, fit_lines, text_width, widths_of_font

NAMES = (
    "Stichting Jeugdhulp aan Huis Noord-Veluwe en Omstreken",
    "angenaam" * 12,
    "منظمة رعاية الأسرة والطفل في المدينة",
    "東京都児童相談所東京都児童相談所",
    "👩🏽‍⚕️ Zorg 🏡 dichtbij huis",
    "",
    "A",
)


def test_the_table_of_widths_is_that_of_the_font() -> None:
    assert json.loads(letters.TABLE.read_text(encoding="ascii")) == widths_of_font()


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_what_matplotlib_measures(bold: bool) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    for text in ("Organisatie A (n ≈ 20)", "−5,0 (−6,9 tot −3,1)", "Zürich, Łódź, Škoda", "HHHHHHHHHH"):
        drawn = TextPath(
            (0, 0), text, size=100, prop=FontProperties(family="DejaVu Sans", weight="bold" if bold else 400)
        )
        # Kerning and the room beside the outermost letters are all that is between the two.
        assert text_width(text, 100, bold=bold) == pytest.approx(drawn.get_extents().x1, rel=0.03)


def test_letters_that_the_font_lacks_have_a_width_and_accents_have_none() -> None:
    assert text_width("東京", 10) == pytest.approx(20)
    assert text_width("😀", 10) > 5
    assert text_width("e\u0301", 10) == text_width("e", 10)
    assert text_width("\u202e", 10) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [12.0, 60.0, 140.0])
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_names_keep_within_their_lines(name: str, width: float, lines: int) -> None:
    found = fit_lines(name, width, size=9.5, lines=lines)
    assert 1 <= len(found) <= lines
    for line in found:
        assert text_width(line, 9.5) <= width or len(line.rstrip("…")) <= 4
    if not found[-1].endswith("…"):
        assert "".join(found).replace(" ", "") == clean_text(name).replace(" ", "")


def test_a_cut_keeps_letters_and_their_accents_together() -> None:
    name = "e\u0301" * 40
    for width in range(10, 60, 3):
        for line in fit_lines(name, float(width), size=9.5):
            assert not line or not unicodedata.combining(line[0])
            assert line.rstrip("…").count("e") == line.count("\u0301")


def test_texts_hold_nothing_that_xml_may_not() -> None:
    assert clean_text("a\x00b\x0bc\ud800d\ufffe\u2068e\u2069\u202e") == (
        "a‹U+0000›b‹U+000B›c‹U+D800›d‹U+FFFE›e‹U+202E›"
    )
    assert clean_text("a  b\n\tc") == "a b c"
    assert clean_text("maand\u00a018") == "maand\u00a018"
