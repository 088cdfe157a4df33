"""What stands at the top of every page beside its title: whom the study is about, from when, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mpg_research.languages import language_name
from mpg_research.present.language.dates import format_day, format_month
from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.study.config.report import is_email, is_web_address
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Link", "Masthead", "language_link", "masthead_of", "report_day"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link at the top of a page.

    Attributes
    ----------
    text : str
        What it says.
    address : str
        Where it leads, seen from the page.
    language : str
        Code of the language of where it leads, where that is another one.
    """

    text: str
    address: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Masthead:
    """What stands below the title of a page.

    Attributes
    ----------
    about : tuple of str
        Organisations, period, data up to, date, author, edition: a few words each.
    contact : Link or None
        Whom a reader can turn to; without an address where it is plain text.
    links : tuple of Link
        The page in other languages, and the start page of its folder.
    """

    about: tuple[str, ...] = ()
    contact: Link | None = None
    links: tuple[Link, ...] = ()


def masthead_of(
    config: StudyConfig,
    language: str,
    *,
    n_organisations: int,
    months: Sequence[str],
    shows_period: bool = True,
    links: Sequence[Link] = (),
) -> Masthead:
    """The top of a page of a study.

    Parameters
    ----------
    config : StudyConfig
        The study.
    language : str
        Code of the language of the page.
    n_organisations : int
        How many organisations have data.
    months : sequence of str
        From :func:`mpg_research.disclosure.study_months.study_months`.
    shows_period : bool
        Whether the reader may know from when to when help started.
    links : sequence of Link
        To the page in other languages, and elsewhere in its folder.

    Returns
    -------
    Masthead
    """
    phrases, report = study_phrases(config, language), config.report
    about = [phrases("page.about_organisations", n=n_organisations)]
    if months and shows_period:
        first, last = (format_month(month, language) for month in months[:2])
        key = "page.about_started_in" if first == last else "page.about_started"
        about.append(phrases(key, first=first, last=last))
    about += _days(config, phrases, months)
    if report.author:
        about.append(phrases("page.about_author", author=_text(report.author.in_language(language))))
    if report.edition:
        about.append(phrases("page.about_edition", edition=_text(report.edition)))
    return Masthead(tuple(about), _contact(report.contact), tuple(links))


def report_day(config: StudyConfig) -> date | None:
    """The day that pages bear, where one is known: never that on which they were made.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    date or None
    """
    return config.report.date or config.study.export_date


def language_link(language: str, address: str) -> Link:
    """A link to the same page in another language, in that language.

    Parameters
    ----------
    language : str
        Its code.
    address : str
        Where the page is, seen from this one.

    Returns
    -------
    Link
    """
    return Link(language_name(language), address, language)


def _days(config: StudyConfig, phrases: Phrases, months: Sequence[str]) -> list[str]:
    """Up to when there are data, and the date of the page; one sentence where that is one day."""
    language, exported, day = phrases.language, config.study.export_date, report_day(config)
    if exported is not None:
        up_to = format_day(exported, language)
    else:
        up_to = format_month(months[2], language) if months else ""
    found = [phrases("page.about_data", when=up_to)] if up_to else []
    if day is not None:
        found.append(phrases("page.about_date", when=format_day(day, language)))
    return found


def _contact(contact: str | None) -> Link | None:
    if contact is None:
        return None
    address = f"mailto:{contact}" if is_email(contact) else contact if is_web_address(contact) else ""
    return Link(_text(contact), address)


def _text(text: str) -> str:
    return isolated(clean_name(text))
