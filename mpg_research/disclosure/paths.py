"""Family-level output never lands below the reports folder, and what is private says so in its name."""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from mpg_research.errors import DisclosureError

__all__ = ["NOT_FOR_RELEASE", "assert_aggregate", "marked_name"]

#: In the name of every file that stays with the researcher, and of the folder they lie in.
NOT_FOR_RELEASE = "not-for-release"

FAMILY_COLUMNS = frozenset({"family", "episode", "respondent", "child", "client", "person"})


def marked_name(name: str, *, private: bool) -> str:
    """The name of a file without its ending, which says so where the file is not for release.

    Parameters
    ----------
    name : str
        What it is called otherwise.
    private : bool
        Whether it stays with the researcher.

    Returns
    -------
    str

    Examples
    --------
    >>> marked_name("change", private=True)
    'change.not-for-release'
    """
    return f"{name}.{NOT_FOR_RELEASE}" if private else name


def assert_aggregate(output: Any, folder: str | Path, *, reports_root: str | Path) -> None:
    """Refuse to write anything about single families below the reports folder.

    Parameters
    ----------
    output : result, ResultTable or DataFrame
        What is about to be written. A released result passes: family-level tables do not survive the
        gate.
    folder : str or Path
        Where it would be written (a folder or a file; it need not exist).
    reports_root : str or Path
        The reports folder.

    Raises
    ------
    DisclosureError
        If the output has a table with one row per family (declared so, or with a column of family
        identifiers) and the place is the reports folder or below it, also through ``..`` or a link.
    """
    tables = _family_tables(output)
    if tables and _is_below(Path(folder), Path(reports_root)):
        raise DisclosureError(
            f"{', '.join(tables)}: this output is about single families and may not be written below "
            f"{reports_root}, since report folders are handed over whole. Write it to a folder of your own "
            "outside the reports, and treat it as sensitive personal data."
        )


def _is_below(folder: Path, root: Path) -> bool:
    """Whether the place is below the root as written or after links are followed, capitals ignored."""
    places = [Path(os.path.abspath(folder.expanduser())), folder.expanduser().resolve()]
    roots = [Path(os.path.abspath(root.expanduser())), root.expanduser().resolve()]
    places, roots = ([Path(str(path).casefold()) for path in paths] for paths in (places, roots))
    return any(place == base or base in place.parents for place in places for base in roots)


def _family_tables(output: Any) -> list[str]:
    if isinstance(getattr(output, "columns", None), pd.Index):
        return ["the table"] if FAMILY_COLUMNS & set(output.columns) else []
    tables = getattr(output, "tables", None)
    listed = list(tables.values()) if tables is not None else [output]
    return [table.name for table in listed if hasattr(table, "data") and _is_about_families(table)]


def _is_about_families(table: Any) -> bool:
    declared = getattr(table, "unit", "aggregate") == "family"
    return bool(declared or FAMILY_COLUMNS & set(table.data.columns))
