"""Numbers as people write them: thousands signs, currencies, per cent. One notation per column.

A column that is read here holds text. Its decimal sign is settled from cells that can mean one thing only
(1.234,56 or 1,234.56 or 1.234.567), else it is that of the file; a cell that does not fit is no number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mpg_research.study.tables.values import Decimal, parse_number

__all__ = ["Notation", "notation_of", "written_as_number"]

CURRENCIES = ("€", "$", "£")
OTHER: dict[str, Decimal] = {".": ",", ",": "."}
SPACES = " \u00a0\u2007\u2009\u202f'\u2019"
_CURRENCY = r"€|\$|£|eur\.?|euros?|usd|gbp"
_UNITS = (
    r"jaar|jaren|jr|years?|yrs?|maand|maanden|mnd|months?|weken|week|weeks|dag|dagen|days?|"
    r"uur|uren|hours?|hrs?"
)
_WRITTEN = re.compile(
    rf"(?P<before>(?:{_CURRENCY})?)[{SPACES}]*(?P<sign>[+-]?)[{SPACES}]*(?P<currency>(?:{_CURRENCY})?)[{SPACES}]*"
    rf"(?P<digits>[+-]?[\d.,][\d.,{SPACES}]*?)(?P<whole>[.,]-{{1,2}})?[{SPACES}]*"
    rf"(?P<after>(?:{_CURRENCY}|%|procent|percent|per cent|{_UNITS})?\.?)",
    re.IGNORECASE,
)
_BOTH_SIGNS = re.compile(r"\d{1,3}(?:([.,])\d{3})+(?!\1)[.,]\d*")
_GROUPS = re.compile(r"\d{1,3}([.,])\d{3}(?:\1\d{3})+")
_ONE_GROUP = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_SPACED = re.compile(rf"\d{{1,3}}(?:[{SPACES}]\d{{3}})+(?:[.,]\d*)?")


@dataclass(frozen=True, slots=True)
class _Written:
    """A cell in parts: sign, digits with their signs, and what the number is of ("€", "%" or "")."""

    sign: str
    digits: str
    unit: str
    whole: Decimal | None


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of one column are written.

    Attributes
    ----------
    decimal : {".", ","}
        The decimal sign; the other one separates thousands.
    unit : str
        The sign most cells bear: "%", a currency, or "".
    is_certain : bool
        Whether the column itself shows which sign is the decimal one.
    ambiguous : str
        A cell that may be a fraction or thousands and nothing in the column decides; else "".
    takes_units : bool
        Whether a currency, per cent or a unit of time may stand beside the number.
    """

    decimal: Decimal
    unit: str = ""
    is_certain: bool = False
    ambiguous: str = ""
    takes_units: bool = True

    def parse(self, value: object) -> float | None:
        """The number in a cell, or None if the cell is none in this notation.

        Examples
        --------
        >>> Notation(",").parse("€ 2.335,46"), Notation(",").parse("2.33,46"), Notation(".").parse("45%")
        (2335.46, None, None)
        """
        plain = parse_number(value, self.decimal)
        if not isinstance(value, str) or (plain is not None and self.unit != "%"):
            return plain
        written = _parts(value)
        if written is None or (written.unit == "%") != (self.unit == "%"):
            return None
        if written.unit and not self.takes_units:
            return None
        if written.unit and self.unit and written.unit != self.unit:
            return None
        if written.whole not in (None, self.decimal):
            return None
        return parse_number(written.sign + _without_groups(written.digits, self.decimal), self.decimal)


def written_as_number(value: object) -> bool:
    """Whether a cell is meant as a number, however it is written: digits, signs, a currency, per cent.

    Examples
    --------
    >>> [written_as_number(text) for text in ("€ 1.234,-", "12,5 %", "0-4 jaar", "1.23.4", "twee")]
    [True, True, False, True, False]
    """
    if parse_number(value) is not None or parse_number(value, ",") is not None:
        return True
    return isinstance(value, str) and _parts(value) is not None


def notation_of(
    values: Iterable[object], *, file_decimal: Decimal, chosen: Decimal | None = None
) -> tuple[Notation, Sequence[str]]:
    """How a column writes its numbers.

    Parameters
    ----------
    values : iterable
        The distinct cells.
    file_decimal : {".", ","}
        The decimal sign of the rest of the file.
    chosen : {".", ","}, optional
        What ``study.toml`` says of this column or table; it decides.

    Returns
    -------
    notation : Notation
    against : sequence of str
        Two cells that show different decimal signs, where there are such.
    """
    texts = [value for value in values if isinstance(value, str)]
    parts = [(text, written) for text in texts if (written := _parts(text)) is not None]
    shown: dict[Decimal, list[str]] = {".": [], ",": []}
    for text, written in parts:
        sign = _certain(written)
        if sign is not None:
            shown[sign].append(text)
    unit = _most_frequent([written.unit for _, written in parts])
    if chosen is not None:
        return Notation(chosen, unit, True), ()
    if shown["."] or shown[","]:
        decimal: Decimal = "," if len(shown[","]) > len(shown["."]) else "."
        against = (shown["."][0], shown[","][0]) if shown["."] and shown[","] else ()
        return Notation(decimal, unit, True), against
    fractions = [text for text, written in parts if re.search(r"[.,]", written.digits)]
    groups = [text for text, written in parts if _ONE_GROUP.fullmatch(written.digits)]
    of_file = all(OTHER[file_decimal] in text for text in groups)
    thousands = [text for text in groups if OTHER[file_decimal] in text]
    with_fraction = [text for text in fractions if file_decimal in text]
    if thousands and with_fraction:
        return Notation(file_decimal, unit), (thousands[0], with_fraction[0])
    doubtful = bool(groups) and len(groups) == len(fractions) and not of_file
    return Notation(file_decimal, unit, False, groups[0] if doubtful else ""), ()


def _parts(text: str) -> _Written | None:
    text = text.strip().replace("\u2212", "-")
    match = _WRITTEN.fullmatch(text)
    if match is None or not any(sign.isdigit() for sign in match["digits"]):
        return None
    if any(sign.isdigit() and not sign.isascii() for sign in match["digits"]):
        return None
    digits, sign = match["digits"].strip(SPACES), match["sign"]
    if digits[0] in "+-":
        sign, digits = sign + digits[0], digits[1:]
    units = {_unit(match[name]) for name in ("before", "currency", "after")} - {""}
    if len(units) > 1 or len(sign) > 1:
        return None
    whole: Decimal | None = None
    if match["whole"]:
        whole = "," if match["whole"][0] == "," else "."
    return _Written(sign, digits, next(iter(units), ""), whole)


def _unit(text: str) -> str:
    plain = text.lower().rstrip(".").strip()
    if plain in ("€", "eur", "euro", "euros"):
        return "€"
    if plain in ("$", "usd"):
        return "$"
    if plain in ("£", "gbp"):
        return "£"
    if plain in ("%", "procent", "percent", "per cent"):
        return "%"
    return plain


def _certain(written: _Written) -> Decimal | None:
    """The decimal sign where the cell can mean one thing only: by its thousands, its ",-" or its currency."""
    digits = written.digits
    if written.whole is not None:
        return written.whole
    if match := _BOTH_SIGNS.fullmatch(digits):
        return OTHER[match[1]]
    if match := _GROUPS.fullmatch(digits):
        return OTHER[match[1]]
    if _SPACED.fullmatch(digits) and (signs := re.findall(r"[.,]", digits)):
        return "," if signs[0] == "," else "."
    if written.unit and (signs := re.findall(r"[.,]", digits)) and len(signs) == 1:
        sign: Decimal = "," if signs[0] == "," else "."
        amount = written.unit in CURRENCIES and _ONE_GROUP.fullmatch(digits)  # of money, no third decimal
        return OTHER[sign] if amount else None if _ONE_GROUP.fullmatch(digits) else sign
    return None


def _without_groups(digits: str, decimal: Decimal) -> str:
    """The digits without signs for thousands; as they are where those do not stand at every third place."""
    whole, sign, fraction = digits.partition(decimal)
    for group in (OTHER[decimal], *SPACES):
        if group in whole:
            parts = whole.split(group)
            if not (1 <= len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:])):
                return digits + "?"
            if parts[0].startswith("0") or not all(part.isdigit() for part in parts):
                return digits + "?"
            return "".join(parts) + sign + fraction
    return digits


def _most_frequent(units: Sequence[str]) -> str:
    signs = sorted({unit for unit in units if unit}, key=lambda unit: (-units.count(unit), unit))
    if not signs:
        return ""
    plain = units.count("")
    return signs[0] if signs[0] != "%" or units.count("%") >= plain else ""
