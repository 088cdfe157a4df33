"""What goes out: tables with a description of each column."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

__all__ = ["OutTable", "Variable", "codebook_table", "spss_names"]

Kind = Literal["text", "code", "number", "integer", "boolean", "date"]

_LONGEST_NAME = 64  # bytes of a variable's name in SPSS
_RESERVED = frozenset(["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"])


@dataclass(frozen=True, slots=True)
class Variable:
    """One column that goes out.

    Attributes
    ----------
    name : str
        In CSV and Parquet.
    label : str
        What it holds, in English.
    kind : {"text", "code", "number", "integer", "boolean", "date"}
        "code" is text of which the values are few; in SPSS a number with value labels.
    values : mapping of str to str
        What codes are called, as far as the package or study.toml knows them: no value of this mapping comes
        from the data.
    minimum, maximum : float or None
        Limits of the scale, not of what was found.
    """

    name: str
    label: str
    kind: Kind
    values: Mapping[str, str] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class OutTable:
    """One table that goes out.

    Attributes
    ----------
    name : str
        Of its files.
    title : str
        What it holds.
    row : str
        What one row is.
    variables : tuple of Variable
    frame : DataFrame
        Its columns are the variables, in that order.
    key : tuple of str
        Columns that together tell rows apart; empty where none do.
    """

    name: str
    title: str
    row: str
    variables: tuple[Variable, ...]
    frame: pd.DataFrame
    key: tuple[str, ...] = ()


def spss_names(names: Iterable[str]) -> dict[str, str]:
    """Names that SPSS takes: letters, figures and underscores, 64 bytes at most, no two alike.

    Parameters
    ----------
    names : iterable of str
        The columns of one table.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> spss_names(["score", "Aantal kinderen (thuis)", "with"])
    {'score': 'score', 'Aantal kinderen (thuis)': 'Aantal_kinderen_thuis', 'with': 'with_2'}
    """
    taken: set[str] = set(_RESERVED)
    found = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", _ascii(name)).strip("_") or "column"
        plain = plain if plain[0].isalpha() else f"v_{plain}"
        plain = plain[:_LONGEST_NAME].rstrip("_")
        chosen, number = plain, 1
        while chosen.upper() in taken:
            number += 1
            chosen = f"{plain[: _LONGEST_NAME - len(str(number)) - 1]}_{number}"
        taken.add(chosen.upper())
        found[name] = chosen
    return found


def _ascii(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def codebook_table(tables: Iterable[OutTable]) -> OutTable:
    """The codebook as a table itself: one row per column of the others. It holds nothing from the data.

    Parameters
    ----------
    tables : iterable of OutTable
        Those that it is about.

    Returns
    -------
    OutTable
    """
    rows = []
    for table in tables:
        names = spss_names(variable.name for variable in table.variables)
        for variable in table.variables:
            rows.append(
                {
                    "table": table.name,
                    "column": variable.name,
                    "spss_name": names[variable.name],
                    "kind": variable.kind,
                    "label": variable.label,
                    "minimum": np.nan if variable.minimum is None else variable.minimum,
                    "maximum": np.nan if variable.maximum is None else variable.maximum,
                    "values": "; ".join(f"{code} = {label}" for code, label in variable.values.items()),
                }
            )
    described = (
        Variable("table", "table that the column stands in", "text"),
        Variable("column", "name in CSV and Parquet", "text"),
        Variable("spss_name", "name in SPSS", "text"),
        Variable("kind", "what its cells are", "text"),
        Variable("label", "what it holds", "text"),
        Variable("minimum", "lowest value that the scale has", "number"),
        Variable("maximum", "highest value that the scale has", "number"),
        Variable("values", "what codes are called, as far as they are known beforehand", "text"),
    )
    return OutTable(
        "codebook", "What each column holds", "column of a table", described,
        pd.DataFrame(rows, columns=[each.name for each in described]), ("table", "column"),
    )  # fmt: skip
