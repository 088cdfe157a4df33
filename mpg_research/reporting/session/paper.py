"""What a paper asks for beside results, from those of a page: methods, abstract, checklists, citation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mpg_research.present.language.names import clean_name
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.present.language.voice import voice_of
from mpg_research.present.paper.abstract import write_abstract
from mpg_research.present.paper.checklist import Place, fill_checklist
from mpg_research.present.paper.citation import Edition, write_citation
from mpg_research.present.paper.methods import Computed, write_methods
from mpg_research.present.sentences.say import is_shown, say
from mpg_research.reporting.session.decisions import settings_sentences, shared_sentences

if TYPE_CHECKING:
    from mpg_research.disclosure.released import Released
    from mpg_research.present.paper.pieces import PresentedPaper
    from mpg_research.present.presented import PresentedTable, PresentedText
    from mpg_research.reporting.store.source import StudySource
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["abstract_of", "checklist_of", "citation_of", "methods_of"]

#: Of the libraries, those whose version can change a number; the manifest has all.
_TOLD = ("python", "numpy", "scipy", "pandas", "statsmodels")


def methods_of(results: Sequence["Released"], source: "StudySource", language: str) -> "PresentedPaper":
    """The methods section of a page.

    Parameters
    ----------
    results : sequence of Released
        What the page shows, one or more.
    source : StudySource
        The study.
    language : str
        Code of the language.
    """
    first = results[0].provenance
    shared = shared_sentences(
        source.config,
        first.parameters,
        instrument=source.instruments.get(first.instrument),
        outcome=first.outcome,
        phrases=study_phrases(source.config, language),
    )
    computed = []
    for released in results:
        sample = say(released, "sample", language=language)
        settings = settings_sentences(released, study_phrases(source.config, language))
        used = sample.sentences[-1:] if sample.shows_numbers else ()
        computed.append(Computed(released, (*used, *settings), is_shown(released)))
    return write_methods(computed, shared, language=language)


def abstract_of(results: Sequence["Released"], language: str) -> "PresentedPaper | PresentedText":
    """The structured abstract of a page; or, where nothing of its results is shown, why.

    Parameters
    ----------
    results : sequence of Released
        What the abstract is about, the main result first.
    language : str
        Code of the language.
    """
    from mpg_research.present.presented import PresentedText

    written = write_abstract(results, language=language)
    if written.passages:
        return written
    voice = voice_of(results[0], language)
    why = say(results[0], "answer", language=language).sentences[:1]
    said = why or (voice.phrases("withheld.no_numbers"),)
    return PresentedText("abstract", language, (said,), voice.mark, shows_numbers=False)


def checklist_of(
    name: str,
    released: "Released",
    source: "StudySource",
    language: str,
    *,
    parts: Iterable[str],
    shown: Mapping[tuple[str, str], Sequence[tuple[str, str]]],
) -> "PresentedTable":
    """A checklist with where on the page each item is answered.

    Parameters
    ----------
    name : str
        "strobe" or "target".
    released : Released
        A result of the page: whose words are used.
    source : StudySource
        The study.
    language : str
        Code of the language.
    parts : iterable of str
        What stands on the page before it: "methods", "abstract", "answer", "limits", "decisions", "citation".
    shown : mapping
        Tables and figures of the page: anchor and caption of each, by kind ("table", "figure") and name.
    """
    voice = voice_of(released, language)
    places = {
        f"part:{part}": (Place(part if part in _WITH_ANCHOR else "", voice.phrases(f"checklist.{part}")),)
        for part in dict.fromkeys(parts)
        if voice.phrases.has(f"checklist.{part}")
    }
    found = {
        f"{kind}:{each}": tuple(Place(anchor, words) for anchor, words in where)
        for (kind, each), where in shown.items()
    }
    texts = getattr(source.config.checklists, name, {})
    stated = {key: clean_name(text.in_language(language)) for key, text in texts.items()}
    return fill_checklist(name, {**places, **found}, stated, voice=voice)


#: Parts that have an id on the page.
_WITH_ANCHOR = frozenset({"methods", "abstract", "citation"})


def citation_of(notebook: str, source: "StudySource", language: str) -> "PresentedPaper":
    """How to cite a page, and what it was made with; dated by what the study states, never by the clock.

    Parameters
    ----------
    notebook : str
        Name of the notebook, whose title is that of the page.
    source : StudySource
        The study.
    language : str
        Code of the language.
    """
    from mpg_research.version import __version__

    config, phrases = source.config, study_phrases(source.config, language)
    versions = source.inputs.versions
    edition = Edition(
        title=_title(notebook, phrases),
        study=clean_name(config.study.title.in_language(language)),
        version=__version__,
        digest=source.inputs.fingerprint,
        libraries={name: versions[name] for name in _TOLD if name in versions},
        authors=_authors(config, language),
        year=_year(config),
        synthetic=source.facts.synthetic,
    )
    return write_citation(edition, phrases)


def _title(notebook: str, phrases: Phrases) -> str:
    key = f"notebook.{notebook}.title"
    if not phrases.has(key):
        return notebook
    lines = [line for line in phrases(key).splitlines() if line.startswith("# ")]
    return lines[0].removeprefix("# ").strip() if lines else notebook


def _authors(config: "StudyConfig", language: str) -> tuple[str, ...]:
    """Who made the report, as ``[report]`` says; empty where it does not."""
    author = config.report.author
    return () if author is None else (clean_name(author.in_language(language)),)


def _year(config: "StudyConfig") -> str:
    """The year of ``[report] date``, else of the export; never of the clock."""
    day = config.report.date or config.study.export_date
    return "" if day is None else str(day.year)
