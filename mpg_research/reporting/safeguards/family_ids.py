"""Does a file name a family? A last search through what a notebook made that is not the package's own.

Such a notebook is a program that sees every family. What it shows goes through the gate, but it may build
its own results, and the gate believes what they say of themselves. So everything it made is searched for
the ids of the study (of families, periods of help, respondents, children and workers) by the process that
publishes, in which no notebook runs. An id that says nothing, such as a number of few digits or a short
word, cannot be searched for; nor one that was written in another form on purpose.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from mpg_research.errors import DisclosureError
from mpg_research.reporting.page.name_search import searchable_text
from mpg_research.study.schemas import SCHEMAS

__all__ = ["FamilyIds", "ids_of_study"]

#: Columns that tell who somebody is; the others of kind "id" say what a row is about.
_ABOUT_THINGS = frozenset({"organisation", "instrument"})
_WORD = re.compile(r"[^\W_]+")
#: Shortest ids that are searched for: with letters and digits, of letters only, of digits only.
SHORTEST, SHORTEST_WORD, SHORTEST_NUMBER = 4, 8, 7
#: Most words that an id is looked at in.
_MOST_WORDS = 6


class FamilyIds:
    """Ids, to be looked for in files as whole words, whatever signs stand between their parts.

    Parameters
    ----------
    ids : iterable of str
        As the study has them.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._by_length: dict[int, set[tuple[str, ...]]] = {}
        for each in ids:
            words = tuple(_WORD.findall(each.casefold()))[:_MOST_WORDS]
            if _says_something(words):
                self._by_length.setdefault(len(words), set()).add(words)

    def refuse_in(self, files: Mapping[str, Path]) -> None:
        """Stop if one of the files holds one of the ids.

        Parameters
        ----------
        files : mapping of str to Path
            By the name they will have.

        Raises
        ------
        DisclosureError
            With the file; the id itself is given by its length only.
        """
        for name, path in sorted(files.items()):
            found = self.first_in(f"{name} {searchable_text(path.read_bytes())}")
            if found:
                raise DisclosureError(
                    f"{name} holds an id of a family, a respondent or a worker ({found} characters), so "
                    "nothing of this report was published. A report says nothing of single families: take "
                    "out of the notebook what puts it there."
                )

    def first_in(self, text: str) -> int:
        """Length of the first id in a text; 0 where there is none."""
        words = _WORD.findall(text.casefold())
        for length, ids in self._by_length.items():
            rows = [words[start:] for start in range(length)]
            for found in zip(*rows, strict=False):
                if found in ids:
                    return len("".join(found))
        return 0


def _says_something(words: tuple[str, ...]) -> bool:
    """Whether an id is no word or number that any page may hold."""
    joined = "".join(words)
    if joined.isdigit():
        return len(words) == 1 and len(joined) >= SHORTEST_NUMBER
    return len(joined) >= (SHORTEST if any(sign.isdigit() for sign in joined) else SHORTEST_WORD)


def ids_of_study(study: str) -> FamilyIds:
    """The ids in the tables of a study.

    Parameters
    ----------
    study : str
        Its ``study.toml``.

    Returns
    -------
    FamilyIds
    """
    from mpg_research.reporting.store.source import open_study

    return _ids_of(study, open_study(study).of_results)


@lru_cache(maxsize=1)
def _ids_of(study: str, made_of: str) -> FamilyIds:
    from mpg_research.reporting.store.source import open_study

    tables = open_study(study).pristine().tables
    found: set[str] = set()
    for name, table in tables.items():
        schema = SCHEMAS.get(name)
        for column in schema.columns if schema else ():
            if column.kind == "id" and column.name not in _ABOUT_THINGS and column.name in table:
                found |= {str(value) for value in table[column.name].dropna().unique()}
    return FamilyIds(found)
