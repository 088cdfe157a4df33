"""How wide a text is in DejaVu Sans, and a name in a few lines of a given width.

The widths are those of the font that comes with matplotlib, in a table of this package, so that a picture is
laid out without opening a font: ``python -m mpg_research.present.drawing.letters`` writes the table anew. A
letter that the font lacks (Chinese, Japanese, emoji) is taken to be as wide as letters of its kind are.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mpg_research.visible import visible

__all__ = ["FONT_STACK", "clean_text", "fit_lines", "text_width", "widths_of_font"]

#: What a reader's browser looks for, in this order; Verdana's letters are nearly as wide as DejaVu's.
FONT_STACK = "DejaVu Sans, Verdana, sans-serif"
TABLE = Path(__file__).with_name("letter_widths.json")
#: Widths in ems of what the font has no letter for: Chinese and Japanese signs and emoji, anything else.
WIDE, OTHER = 1.0, 0.7
#: Variation selectors, skin tones: part of the sign before them.
_JOINED = frozenset({*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400)})
_BLANKS = re.compile(r"[ \t\r\n]+")
#: Marks of direction that stand around a name, or in the texts of a language: a picture has a line per text.
_DIRECTIONS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x2066, 0x206A)])


def clean_text(text: str) -> str:
    """A text as a picture can hold it: one line, single spaces, nothing invisible."""
    return visible(_BLANKS.sub(" ", text.translate(_DIRECTIONS)))


@cache
def _table(bold: bool) -> dict[int, float]:
    runs = json.loads(TABLE.read_text(encoding="ascii"))["bold" if bold else "regular"]
    return {
        start + place: width / 2048 for start, widths in runs for place, width in enumerate(_unpacked(widths))
    }


def _unpacked(widths: list[int]) -> Iterable[int]:
    """Widths of letters in a row; a negative number repeats the width before it so many times."""
    last = 0
    for number in widths:
        if number < 0:
            yield from [last] * -number
        else:
            last = number
            yield number


@cache
def _width(letter: str, bold: bool) -> float:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf", "Cc"} or ord(letter) in _JOINED:
        return 0.0
    known = _table(bold).get(ord(letter))
    if known is not None:
        return known
    return WIDE if unicodedata.east_asian_width(letter) in {"W", "F"} else OTHER


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line of text is.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Of the letters; the width has the same unit.
    bold : bool

    Examples
    --------
    >>> text_width("Lindehof", 10) < text_width("Lindehof", 10, bold=True)
    True
    >>> round(text_width("iiii", 10), 1), round(text_width("MMMM", 10), 1)
    (11.1, 34.5)
    """
    return size * sum(_width(letter, bold) for letter in text)


def fit_lines(text: str, width: float, *, size: float, lines: int = 2, bold: bool = False) -> tuple[str, ...]:
    """A text in at most so many lines of a given width; the rest is cut off (the table has it in full).

    Parameters
    ----------
    text : str
        What is invisible in it is shown.
    width, size : float
        Of a line and of the letters, in one unit.
    lines : int
        How many lines there may be.
    bold : bool

    Returns
    -------
    tuple of str
        At least one line, which may be empty.

    Examples
    --------
    >>> fit_lines("Stichting Jeugdhulp aan Huis", 90, size=10)
    ('Stichting', 'Jeugdhulp aan…')
    """
    signs = _signs(clean_text(text).strip())
    found: list[str] = []
    while signs and len(found) < lines:
        count = _that_fit(signs, width, size, bold)
        if count < len(signs):
            if len(found) == lines - 1:
                room = width - text_width("…", size, bold=bold)
                count = max(1, _that_fit(signs, room, size, bold))
                found.append("".join(signs[:count]).rstrip() + "…")
                break
            blank = next((place for place in range(count, 0, -1) if signs[place] == " "), 0)
            count = blank or count
        found.append("".join(signs[:count]).rstrip())
        signs = signs[count:]
        while signs and signs[0] == " ":
            signs = signs[1:]
    return tuple(found) or ("",)


def _that_fit(signs: list[str], width: float, size: float, bold: bool) -> int:
    """How many of the first signs fit, at least one."""
    used = 0.0
    for place, sign in enumerate(signs):
        used += text_width(sign, size, bold=bold)
        if used > width + 1e-6:
            return max(1, place)
    return len(signs)


def _signs(text: str) -> list[str]:
    """Letters with the accents and variants that belong to them, which a cut keeps together."""
    signs: list[str] = []
    for letter in text:
        if signs and (unicodedata.category(letter) in {"Mn", "Me", "Mc"} or ord(letter) in _JOINED):
            signs[-1] += letter
        else:
            signs.append(letter)
    return signs


def widths_of_font() -> dict[str, list[list[object]]]:
    """The widths of all letters of DejaVu Sans as matplotlib has it, in runs: first letter, widths."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font, LoadFlags

    found: dict[str, list[list[object]]] = {}
    for name, file in (("regular", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf")):
        font = FT2Font(str(Path(get_data_path()) / "fonts" / "ttf" / file))
        codes = sorted(font.get_charmap())
        runs: list[list[object]] = []
        widths: list[int] = []
        last_code, last_width = -2, -1
        for code in codes:
            width = round(font.load_char(code, LoadFlags.NO_SCALE).horiAdvance)
            if code != last_code + 1:
                widths, last_width = [], -1
                runs.append([code, widths])
            if width == last_width and widths[-1] < 0:
                widths[-1] -= 1
            else:
                widths.append(-1 if width == last_width else width)
            last_code, last_width = code, width
        found[name] = runs
    return found


if __name__ == "__main__":
    lines = [
        f' "{name}": [\n' + ",\n".join(json.dumps(run, separators=(",", ":")) for run in runs) + "\n ]"
        for name, runs in widths_of_font().items()
    ]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
