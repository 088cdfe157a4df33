"""The section [report] of study.toml: what stands at the top of every page, and how pages are published."""

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from mpg_research.study.config.formats import Format
from mpg_research.study.config.sections import LocalText, Section, Text

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["ReportConfig", "is_email", "is_web_address", "names_in_masthead"]

LONGEST = 120
LONGEST_EDITION = 30
_EMAIL = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;.]+(?:\.[^@\s<>\"',;.]+)+")
_WEB = re.compile(r"https?://[^\s<>\"']+")


def _one_line(text: str, *, longest: int) -> str:
    if not text.strip() or not text.isprintable() or len(text) > longest:
        raise ValueError(f"a text of one line, of at most {longest} characters")
    return text.strip()


def _short_texts(text: LocalText) -> LocalText:
    return LocalText({code: _one_line(each, longest=LONGEST) for code, each in text.root.items()})


def _contact(text: str) -> str:
    text = _one_line(text, longest=LONGEST)
    if "@" in text and not _EMAIL.search(text):
        raise ValueError("an e-mail address such as name@example.org, a web address or a telephone number")
    return text


def _edition(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _short_edition(text: str) -> str:
    return _one_line(text, longest=LONGEST_EDITION)


class ReportConfig(Section):
    """[report]: the date, author, contact and edition that every page has at its top, and its forms.

    Attributes
    ----------
    date : date, optional
        The date that pages bear. Where it is left out: ``export_date``, else the month of the last data;
        never the day on which they were made, so that the same study gives the same pages.
    author : text, optional
        By whom the reports are: a name, or one per language.
    contact : str, optional
        Where a reader can turn to: an e-mail address, a web address or a telephone number.
    edition : str or int, optional
        Which edition of the reports this is, such as 2 or "2026-1".
    formats : tuple of {"html", "pdf", "docx"}
        The web page is always made, and what else is asked for from it: every page as PDF; the funder's and
        the organisations' pages as Word, and of every page its tables as Word.
    """

    date: Annotated[datetime.date, Strict()] | None = None
    author: Annotated[Text, AfterValidator(_short_texts)] | None = None
    contact: Annotated[str, AfterValidator(_contact)] | None = None
    edition: Annotated[str, BeforeValidator(_edition), AfterValidator(_short_edition)] | None = Field(None)
    formats: tuple[Format, ...] = ("html",)


def is_email(text: str) -> bool:
    """Whether a contact is an e-mail address and nothing else.

    Parameters
    ----------
    text : str
        The contact.

    Returns
    -------
    bool
    """
    return bool(_EMAIL.fullmatch(text)) and text.isascii()


def is_web_address(text: str) -> bool:
    """Whether a contact is a web address and nothing else.

    Parameters
    ----------
    text : str
        The contact.

    Returns
    -------
    bool
    """
    return bool(_WEB.fullmatch(text)) and text.isascii()


Finding = tuple[tuple[str, ...], str, str, str]


def names_in_masthead(config: "StudyConfig") -> Iterator[Finding]:
    """What in [report] does not go with the rest of study.toml.

    Every page bears it, so it may name no organisation that other readers may not know; and a report is not
    older than its data.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Yields
    ------
    tuple
        The place in study.toml, what was found, what was expected, and what to do.
    """
    report, exported = config.report, config.study.export_date
    if report.date and exported and report.date < exported:
        yield (
            ("report", "date"),
            f"{report.date}, before the data were exported ({exported})",
            "the day of [study] export_date or a later one",
            "Correct one of the two.",
        )
    if config.disclosure.public_groups:
        return
    names = {key: {key, *each.name.texts} for key, each in config.organisations.items()}
    texts: Mapping[str, tuple[str, ...]] = {
        "author": () if report.author is None else report.author.texts,
        "contact": (report.contact,) if report.contact else (),
        "edition": (report.edition,) if report.edition else (),
    }
    for setting, given in texts.items():
        found = next((key for key, known in names.items() if _names_one(given, known)), None)
        if found is not None:
            yield (
                ("report", setting),
                f"the name of the organisation {found}",
                "no organisation of the study: every page bears it, and other readers may not know who takes "
                "part",
                "Name whoever makes the reports.",
            )


def _names_one(texts: tuple[str, ...], names: set[str]) -> bool:
    words = [name for name in names if len(name) > 2 and not name.isdigit()]
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in words for text in texts)
