"""How a page is cited, and what it was made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mpg_research.present.language.phrases import Phrases
from mpg_research.present.paper.pieces import Passage, PresentedPaper

__all__ = ["TITLE", "Edition", "write_citation"]

#: Of the package, as CITATION.cff has it.
TITLE = "mpg_research: longitudinal analysis of parenting stress in youth care"
#: Where the package itself is cited from.
_PACKAGE = "mpg_research"


@dataclass(frozen=True, slots=True)
class Edition:
    """What identifies a page.

    Attributes
    ----------
    title, study : str
        Of the page and of the study.
    authors : tuple of str
        Who made it, as the study says; empty where it does not.
    year : str
        Of its date; empty where the study states none.
    version : str
        Of the package.
    digest : str
        Fingerprint of study and data.
    libraries : mapping of str to str
        Versions of what it was computed with.
    synthetic : bool
        Whether the data are made up.
    """

    title: str
    study: str
    version: str
    digest: str
    libraries: Mapping[str, str]
    authors: Sequence[str] = ()
    year: str = ""
    synthetic: bool = False


def write_citation(edition: Edition, phrases: Phrases) -> PresentedPaper:
    """How to cite a page and the package, and with which versions and data it was made.

    Parameters
    ----------
    edition : Edition
        What identifies it.
    phrases : Phrases
        The catalogue of a language.

    Returns
    -------
    PresentedPaper
    """
    year = edition.year or phrases("cite.no_date")
    stem = "authors" if edition.authors else "no_author"
    values = {
        "authors": _names(edition.authors),
        "year": year,
        "work": f"{edition.title}: {edition.study}",
        "version": edition.version,
    }
    page = phrases(f"cite.page_{stem}", **values)
    package = phrases("cite.package", title=TITLE, version=edition.version)
    libraries = ", ".join(f"{name} {version}" for name, version in edition.libraries.items())
    facts = [
        phrases("cite.versions", version=edition.version, libraries=libraries),
        phrases("cite.fingerprint", digest=edition.digest),
    ]
    if edition.synthetic:
        facts.append(phrases("cite.synthetic"))
    passages = (
        Passage(phrases("cite.this"), (page,)),
        Passage(phrases("cite.software"), (package,)),
        Passage(phrases("cite.session"), tuple(facts)),
    )
    return PresentedPaper("citation", phrases.language, passages)


def _names(authors: Sequence[str]) -> str:
    if len(authors) < 2:
        return "".join(authors)
    return f"{', '.join(authors[:-1])}, & {authors[-1]}"
