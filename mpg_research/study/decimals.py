"""Which decimal separator a file uses: decided once for the whole file, never per cell."""

from collections.abc import Sequence

import pandas as pd

from mpg_research.errors import Problem
from mpg_research.study.read import RawTable
from mpg_research.study.values import Decimal, decimal_of, parse_number

__all__ = ["settle_decimal"]


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
        The one in use; the more frequent one where both are.
    problem : Problem or None
        Both occur, or every fraction could as well be thousands (40.000).
    """
    texts = {name: _texts(raw.frame[name]) for name in dict.fromkeys(sources)}
    found = decimal_of(text for column in texts.values() for text in column)
    if found == "." or found == ",":
        return found, None
    if found == "ambiguous":
        name = next(name for name, column in texts.items() if decimal_of(column) == "ambiguous")
        example = next(text for text in texts[name] if decimal_of([text]) == "ambiguous")
        problem = Problem(
            found=f'"{example}", which may be a fraction or thousands',
            expected="numbers that can be read in one way",
            remedy='Set decimal = "." or decimal = "," for this table in study.toml.',
            file=raw.path.name, column=name, row=_row_of(raw, name, example), code="ambiguous_decimal",
        )  # fmt: skip
        return ("," if "," in example else "."), problem
    if found is None:
        return ".", None
    return _more_frequent(texts), _mixed(raw, texts)


def _texts(cells: pd.Series) -> list[str]:
    return [value for value in pd.unique(cells) if isinstance(value, str)]


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
        examples.append(f'"{text}" in row {_row_of(raw, name, text)}, column {name}')
    return Problem(
        found=f"decimal points and decimal commas: {examples[0]} and {examples[1]}",
        expected="one of the two throughout the file",
        remedy="Correct the export; the rows that differ from the others are listed too.",
        file=raw.path.name,
        code="mixed_decimals",
    )


def _row_of(raw: RawTable, name: str, text: str) -> int:
    return int(raw.rows[(raw.frame[name] == text).to_numpy(dtype=bool).argmax()])
