"""Which decimal separator a file uses: decided once for the whole file, never per cell."""

from collections.abc import Sequence

import pandas as pd

from mpg_research.errors import Problem
from mpg_research.frames import distinct_values
from mpg_research.study.files.read import RawTable
from mpg_research.study.tables.notation import notation_of
from mpg_research.study.tables.values import Decimal, decimal_of, parse_number

__all__ = ["row_of", "settle_decimal"]


def settle_decimal(raw: RawTable, sources: Sequence[str]) -> tuple[Decimal, Problem | None]:
    """The decimal separator of the number columns of a file.

    Parameters
    ----------
    raw : RawTable
        The file.
    sources : sequence of str
        Columns that should hold numbers.

    Returns
    -------
    decimal : {".", ","}
        The one in use; the more frequent one where both are. Where every fraction of a column could as
        well be thousands (40.000), that sign: the column says so itself.
    problem : Problem or None
        Both occur.

    Notes
    -----
    A column that shows by its thousands how it is written (2.335,46) is read in its own way and speaks for
    the file only where nothing else does.
    """
    texts = {name: _texts(raw.frame[name]) for name in dict.fromkeys(sources)}
    sure: set[Decimal] = set()
    for name, column in list(texts.items()):
        notation, _ = notation_of(column, file_decimal=".")
        if notation.is_certain:
            sure.add(notation.decimal)
            del texts[name]
    found = decimal_of(text for column in texts.values() for text in column)
    if found == "." or found == ",":
        return found, None
    if found == "mixed":
        return _more_frequent(texts), _mixed(raw, texts)
    if len(sure) == 1:
        return next(iter(sure)), None
    if found == "ambiguous":
        signs = {sign for column in texts.values() for text in column for sign in ".," if sign in text}
        return ("," if "," in signs else "."), None
    return ".", None


def _texts(cells: pd.Series) -> list[str]:
    return [value for value in distinct_values(cells) if isinstance(value, str)]


def _fractions(texts: Sequence[str], decimal: Decimal) -> list[str]:
    return [text for text in texts if decimal in text and parse_number(text, decimal) is not None]


def _more_frequent(texts: dict[str, list[str]]) -> Decimal:
    counts = {
        decimal: sum(len(_fractions(column, decimal)) for column in texts.values()) for decimal in (".", ",")
    }
    return "," if counts[","] > counts["."] else "."


def _mixed(raw: RawTable, texts: dict[str, list[str]]) -> Problem:
    examples = []
    for decimal in (".", ","):
        name, text = next(
            (name, fractions[0])
            for name, column in texts.items()
            if (fractions := _fractions(column, decimal))
        )
        examples.append(f'"{text}" in row {row_of(raw, name, text)}, column {name}')
    return Problem(
        found=f"decimal points and decimal commas: {examples[0]} and {examples[1]}",
        expected="one of the two throughout the file",
        remedy=(
            'Correct the export, or say it of the columns that differ: decimals = { COLUMN = "," } in the '
            "table's section of study.toml."
        ),
        file=raw.name,
        code="mixed_decimals",
    )


def row_of(raw: RawTable, name: str, text: str) -> int:
    """The row of the file in which this cell stands first."""
    return int(raw.rows[(raw.frame[name] == text).to_numpy(dtype=bool).argmax()])
