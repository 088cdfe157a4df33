"""What stands around a page: its title's company, its warnings, and where else it can be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from mpg_research.disclosure.private_names import marked_name
from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import study_phrases
from mpg_research.reporting.files import START_PAGE
from mpg_research.reporting.ledger.comparison import Comparison
from mpg_research.reporting.page.html import PageFrame, page_words
from mpg_research.reporting.page.looser import looser_record, looser_words
from mpg_research.reporting.page.masthead import Link, Masthead, language_link, masthead_of
from mpg_research.reporting.page.planned import plan_note
from mpg_research.reporting.store.source import StudyFacts, open_study
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.version import __version__

__all__ = ["Reader", "page_frame", "reader_name", "shows_period", "start_page_name"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a page is for, and in which language.

    Attributes
    ----------
    role : {"researcher", "funder", "organisation"}
        What kind of reader.
    language : str
        Code of the language.
    organisation : str
        Key of the reading organisation; empty for others.
    private : bool
        Whether the page stays with the researcher.
    """

    role: str
    language: str
    organisation: str = ""
    private: bool = False


def page_frame(
    reader: Reader,
    config: StudyConfig,
    *,
    pages: Mapping[str, str],
    digest: str,
    is_modified: bool,
    comparison: Comparison | None,
) -> PageFrame:
    """What stands around a page.

    Parameters
    ----------
    reader : Reader
        Whom it is for.
    config : StudyConfig
        The study.
    pages : mapping of str to str
        By language: where the page lies in its recipient's folder.
    digest : str
        Fingerprint of the study and its data.
    is_modified : bool
        Whether the notebook is neither the package's nor registered.
    comparison : Comparison or None
        What was compared with earlier releases.

    Returns
    -------
    PageFrame
    """
    language = reader.language
    return PageFrame(
        language=language,
        study=isolated(clean_name(config.study.title.in_language(language))),
        recipient=reader_name(reader, config, page=pages.get(language, "")),
        synthetic=config.study.synthetic,
        show_code=reader.role == "researcher",
        digest=digest,
        version=__version__,
        looser=tuple(looser_words([looser_record(config, reader.role)], config, language)),
        private=study_phrases(config, language)("page.private_long") if reader.private else "",
        modified=is_modified,
        kept=_kept_words(language, config, comparison),
        masthead=_masthead(reader, config, pages),
        plan=plan_note(config, reader.role, language),
    )


def reader_name(reader: Reader, config: StudyConfig, *, page: str = "") -> str:
    """Whom a page is for, in words: the name of an organisation, or "the funder".

    Parameters
    ----------
    reader : Reader
        The reader.
    config : StudyConfig
        The study.
    page : str
        Where the page lies, if it is about one: some are written for others in the same house too.

    Returns
    -------
    str
    """
    phrases, own = study_phrases(config, reader.language), f"page.reader_of.{PurePosixPath(page).stem}"
    if reader.organisation:
        name = config.organisations[reader.organisation].name.in_language(reader.language)
    elif reader.role == "funder" and page and phrases.has(own):
        name = phrases(own)
    else:
        name = page_words(reader.language)[reader.role]
    return isolated(clean_name(name))


def start_page_name(*, private: bool = False) -> str:
    """The name of the page that a recipient opens first.

    Parameters
    ----------
    private : bool
        Whether the folder stays with the researcher.

    Returns
    -------
    str
    """
    stem, _, ending = START_PAGE.rpartition(".")
    return f"{marked_name(stem, private=private)}.{ending}"


def shows_period(config: StudyConfig, facts: StudyFacts, *, organisation: str) -> bool:
    """Whether a reader may know from when to when help started in the study as a whole.

    An organisation beside too few others could take its own families from it.

    Parameters
    ----------
    config : StudyConfig
        The study.
    facts : StudyFacts
        What was found in its data.
    organisation : str
        Key of the reading organisation; empty for other readers.

    Returns
    -------
    bool
    """
    rules, others = config.disclosure, len(facts.organisations) - 1
    return not organisation or rules.public_groups or others >= rules.minimum_other_organisations


def _masthead(reader: Reader, config: StudyConfig, pages: Mapping[str, str]) -> Masthead:
    facts, language = open_study(config.file).facts, reader.language
    links = [language_link(code, f"../{page}") for code, page in pages.items() if code != language]
    start = f"../{start_page_name(private=reader.private)}#{language}"
    return masthead_of(
        config,
        language,
        n_organisations=len(facts.organisations),
        months=facts.months,
        shows_period=shows_period(config, facts, organisation=reader.organisation),
        links=[*links, Link(page_words(language)["start_page"], start)],
    )


def _kept_words(language: str, config: StudyConfig, comparison: Comparison | None) -> str:
    """That the reader keeps numbers of an earlier release, and of what; empty where all are new."""
    if comparison is None or not comparison.kept:
        return ""
    phrases = study_phrases(config, language)
    minimum = config.disclosure.minimum_families
    if len(comparison.kept) == len(comparison.shown):
        return phrases("page.kept_all", minimum=minimum)
    kinds = sorted(set(comparison.kept.values()))
    names = [phrases(key) if phrases.has(key := f"decisions.result.{kind}") else kind for kind in kinds]
    return phrases("page.kept_some", minimum=minimum, results="; ".join(names))
