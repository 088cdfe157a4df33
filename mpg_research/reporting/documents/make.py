"""The documents of a page that were asked for beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from mpg_research.reporting.session.reference import reference_of

__all__ = ["make_documents", "pictures_in", "writes_pictures"]

#: Whose whole page becomes a Word document; a researcher gets the tables of each page.
_READ_AS_WORD = frozenset({"funder", "organisation"})


def writes_pictures(formats: Sequence[str], role: str) -> bool:
    """Whether a page's figures are needed as PNG, which Word shows.

    Parameters
    ----------
    formats : sequence of str
        In which pages are published.
    role : str
        For whom the page is.

    Returns
    -------
    bool
    """
    return "docx" in formats and role in _READ_AS_WORD


def pictures_in(files: Mapping[str, Path], notebook: str) -> dict[str, bytes]:
    """The figures of a page as PNG, by the id that stands below each of them.

    Parameters
    ----------
    files : mapping of str to Path
        What the page's session wrote, by its name seen from its folder.
    notebook : str
        Name of the page's notebook.

    Returns
    -------
    dict of str to bytes
    """
    names = {name: PurePosixPath(name) for name in files}
    return {
        reference_of(notebook, "figures", place.stem): files[name].read_bytes()
        for name, place in names.items()
        if place.suffix == ".png"
    }


def make_documents(
    page: str, language: str, role: str, formats: Sequence[str], pictures: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Make the documents of a page that are asked for.

    Parameters
    ----------
    page : str
        The page as it is published.
    language : str
        Its language.
    role : str
        For whom it is.
    formats : sequence of str
        In which pages are published.
    pictures : mapping of str to bytes
        From :func:`pictures_in`.

    Returns
    -------
    dict of str to bytes
        By the ending of their name after that of the page: ".pdf", ".docx" and "_tables.docx".

    Raises
    ------
    ReportError
        If one of them cannot be made.
    """
    if not {"pdf", "docx"} & set(formats):
        return {}
    from mpg_research.reporting.documents.read_page import read_page
    from mpg_research.reporting.page.html import page_words

    document = read_page(page, words=page_words(language))
    made: dict[str, bytes] = {}
    if "pdf" in formats:
        from mpg_research.reporting.documents.pdf import make_pdf

        made[".pdf"] = make_pdf(document)
    if "docx" in formats:
        from mpg_research.reporting.documents.word import make_word, make_word_tables

        if role in _READ_AS_WORD:
            made[".docx"] = make_word(document, pictures)
        tables = make_word_tables(document)
        if tables is not None:
            made["_tables.docx"] = tables
    return made
