"""The works that methods are cited from, in the form of the American Psychological Association (APA 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from mpg_research.toml import parse_toml

__all__ = ["Source", "cite", "sources"]

#: From so many authors on a citation in the text names the first one only.
_SHORTENED = 3
_AND_OTHERS = "et al."


@dataclass(frozen=True, slots=True)
class Source:
    """One work.

    Attributes
    ----------
    key : str
        What it is called here.
    authors : tuple of str
        "Surname, I. N."; a last one "et al." where there are more than are listed.
    year : int
    title : str
    letter : str
        After the year, where one author has two works of a year.
    journal, pages : str
        Where it appeared: volume, number and pages.
    publisher : str
        Of a book.
    doi : str
        Empty where there is none.
    """

    key: str
    authors: tuple[str, ...]
    year: int
    title: str
    letter: str = ""
    journal: str = ""
    pages: str = ""
    publisher: str = ""
    doi: str = ""

    @property
    def in_text(self) -> str:
        """As cited in a sentence, without brackets.

        Examples
        --------
        >>> sources()["kenward1997"].in_text, sources()["hothorn2008"].in_text
        ('Kenward & Roger, 1997', 'Hothorn et al., 2008')
        """
        names = [author.partition(",")[0] for author in self.authors]
        who = f"{names[0]} {_AND_OTHERS}" if len(names) >= _SHORTENED else " & ".join(names)
        return f"{who}, {self.year}{self.letter}"

    @property
    def order(self) -> tuple[str, int, str]:
        """Where it stands in a list of references: by author, then year."""
        return (" ".join(self.authors).casefold(), self.year, self.letter)

    @property
    def _who(self) -> str:
        if self.authors[-1] == _AND_OTHERS:
            return f"{', '.join(self.authors[:-1])}, {_AND_OTHERS}"
        if len(self.authors) == 1:
            return self.authors[0]
        return f"{', '.join(self.authors[:-1])}, & {self.authors[-1]}"

    @property
    def _stop(self) -> str:
        """What ends the title."""
        return "" if self.title.endswith(("?", "!")) else "."

    @property
    def text(self) -> str:
        """The reference as plain text."""
        where = f"{self.journal}, {self.pages}." if self.journal else f"{self.publisher}."
        link = f" https://doi.org/{self.doi}" if self.doi else ""
        return f"{self._who} ({self.year}{self.letter}). {self.title}{self._stop} {where}{link}"

    @property
    def html(self) -> str:
        """The reference with journal or book in italics, and its DOI as a link."""
        if self.journal:
            volume, bracket, rest = self.pages.partition("(")
            if not bracket:
                volume, bracket, rest = self.pages.partition(",")
            what = f"{escape(self.title)}{self._stop} <em>{escape(f'{self.journal}, {volume}')}</em>"
            what += f"{escape(bracket + rest)}."
        else:
            what = f"<em>{escape(self.title)}</em>. {escape(self.publisher)}."
        url = f"https://doi.org/{self.doi}"
        link = f' <a href="{escape(url)}">{escape(url)}</a>' if self.doi else ""
        return f"{escape(self._who)} ({self.year}{self.letter}). {what}{link}"


@cache
def sources() -> dict[str, Source]:
    """All works, by what they are called here."""
    text = files("mpg_research.present").joinpath("paper", "sources.toml").read_text("utf-8")
    tree = parse_toml(text)
    return {
        key: Source(key, tuple(entry["authors"]), **{k: v for k, v in entry.items() if k != "authors"})
        for key, entry in tree.items()
    }


def cite(keys: Iterable[str]) -> str:
    """Works as cited in a sentence, in brackets.

    Parameters
    ----------
    keys : iterable of str
        What the works are called here.

    Examples
    --------
    >>> cite(["kenward1997"])
    '(Kenward & Roger, 1997)'
    """
    found = sorted((sources()[key] for key in keys), key=lambda source: source.order)
    return f"({'; '.join(source.in_text for source in found)})"
