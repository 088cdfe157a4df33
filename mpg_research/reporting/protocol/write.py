"""A study's plan as a statistical analysis plan: a page and a Word document in each of its languages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.present.language.dates import format_day
from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.reporting.documents.read_page import read_page
from mpg_research.reporting.documents.word import make_word
from mpg_research.reporting.page.html import page_words
from mpg_research.reporting.page.planned import cell, deviation_rows, sealed_sentences
from mpg_research.reporting.planned.deviations import compare_settings, find_deviations
from mpg_research.reporting.planned.seal import SealedPlan, read_sealed
from mpg_research.reporting.planned.settings import resolve_settings, value_as_text
from mpg_research.reporting.protocol.power import power_sentence
from mpg_research.reporting.run.start_pages import filled_in
from mpg_research.reporting.store.verbs import verb_name
from mpg_research.study.config.plan import PlanConfig
from mpg_research.study.config.sections import LocalText
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.writing import write_atomically

__all__ = ["check_plan", "protocol_files", "protocol_page", "write_protocol"]

#: Sections whose settings name organisations or files: not in a plan that is deposited for all to see.
_IN_HOUSE = ("organisations.", "tables.")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the plan: a heading, texts, and a table where there is one."""

    heading: str
    texts: tuple[str, ...] = ()
    caption: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def write_protocol(config: StudyConfig, output: Path) -> list[Path]:
    """Write a study's plan in each of its languages, as a page and as Word.

    Parameters
    ----------
    config : StudyConfig
        The study.
    output : Path
        A folder, made where it is not there.

    Returns
    -------
    list of Path

    Raises
    ------
    ConfigError
        If there is no plan, or it names something that is not there.
    """
    files = protocol_files(config)
    return [write_atomically(output / name, content) for name, content in files.items()]


def protocol_files(config: StudyConfig, *, for_deposit: bool = False) -> dict[str, bytes]:
    """A study's plan in each of its languages, as a page and as Word.

    Parameters
    ----------
    config : StudyConfig
        The study.
    for_deposit : bool
        Whether settings that are about organisations and files stay out.

    Returns
    -------
    dict of str to bytes
        By name of the file.

    Raises
    ------
    ConfigError
        If there is no plan, or it names something that is not there.
    """
    files = {}
    for language in config.study.languages:
        page = protocol_page(config, language, for_deposit=for_deposit)
        document = read_page(page, words=page_words(language))
        files[f"protocol_{language}.html"] = page.encode()
        files[f"protocol_{language}.docx"] = make_word(document, {})
    return files


def check_plan(config: StudyConfig, *, to_seal: bool = False) -> PlanConfig:
    """The plan of a study, where it can be printed.

    Parameters
    ----------
    config : StudyConfig
        The study.
    to_seal : bool
        Whether what it says twice, in [plan] and in [analysis], must be the same.

    Returns
    -------
    PlanConfig

    Raises
    ------
    ConfigError
        If there is none, it names an analysis that is not there, or its file on power has no sentence.
    """
    plan = config.plan
    if plan is None:
        raise ConfigError(
            f"{config.file.name} has no [plan]; expected questions with the analyses that answer them. Write "
            "them down as docs/how_to/plan_first.md says."
        )
    for name in plan.analyses:
        verb_name(name)
    for language in config.study.languages:
        power_sentence(config, language)
    analysis = config.analysis
    twice = {
        "outcome": (plan.outcome, config.default_instrument),
        "month": (plan.month, analysis.primary_month),
        "case_mix": (plan.case_mix, analysis.case_mix),
    }
    for setting, (planned, used) in twice.items():
        if to_seal and planned is not None and planned != used:
            given = value_as_text(list(used) if isinstance(used, tuple) else used)
            raise ConfigError(
                f"[plan] {setting} in {config.file.name} is not what [analysis] has ({given or 'nothing'}); "
                "a plan is sealed as it will be done. Correct one of the two, or leave it out of [plan]."
            )
    return plan


def protocol_page(config: StudyConfig, language: str, *, for_deposit: bool = False) -> str:
    """A study's plan as a page.

    Parameters
    ----------
    config : StudyConfig
        The study, with a plan.
    language : str
        Code of the language.
    for_deposit : bool
        Whether settings that are about organisations and files stay out; the page says so.

    Returns
    -------
    str
        HTML; the same for the same study and the same sealed file.
    """
    plan, phrases, sealed = check_plan(config), study_phrases(config, language), read_sealed(config)
    if sealed:
        n = len(find_deviations(config, sealed))
        said = phrases("page.plan.some", n=n) if n else phrases("page.plan.none")
        standing: tuple[str, ...] = (*sealed_sentences(sealed[0], phrases), said)
    else:
        standing = (phrases("page.plan.draft"),)
    hidden = _IN_HOUSE if for_deposit else ()
    parts = [
        *_decided(config, plan, phrases),
        *_history(config, sealed, phrases, hidden),
        _settings(config, phrases, hidden),
    ]
    return filled_in(
        "protocol.html.j2",
        config,
        language,
        heading=phrases("page.plan.title"),
        lead=phrases("page.plan.lead"),
        standing=standing,
        parts=parts,
    )


def _decided(config: StudyConfig, plan: PlanConfig, phrases: Phrases) -> Iterator[_Part]:
    def heading(name: str) -> str:
        return phrases(f"page.plan.{name}")

    def own(name: str, text: LocalText | str | None) -> _Part:
        words = text.in_language(phrases.language) if isinstance(text, LocalText) else text or ""
        return _Part(heading(name), (_shown(words) if words.strip() else heading("not_written"),))

    texts = []
    for question in plan.questions:
        texts.append(f"{heading(question.kind)}: {_shown(question.text.in_language(phrases.language))}")
        texts.append(phrases("page.plan.analyses", names=", ".join(question.analyses)))
    yield _Part(heading("questions"), tuple(texts))
    instrument = plan.outcome or config.default_instrument
    when = value_as_text(float(config.analysis.primary_month if plan.month is None else plan.month))
    outcome = (
        phrases("page.plan.outcome_long", instrument=clean_name(instrument), when=when)
        if instrument
        else heading("outcome_none")
    )
    yield _Part(heading("outcome"), (outcome,))
    yield own("model", plan.model)
    case_mix = config.analysis.case_mix if plan.case_mix is None else plan.case_mix
    listed = clean_name(", ".join(case_mix)) or heading("case_mix_none")
    yield _Part(heading("case_mix"), (listed,))
    yield own("exclusions", plan.exclusions)
    for name, numbers in (("margins", plan.margins), ("thresholds", plan.thresholds)):
        rows = tuple((clean_name(key), value_as_text(float(value))) for key, value in numbers.items())
        none = () if rows else (heading("not_written"),)
        yield _Part(heading(name), none, heading(name), (heading("name"), heading("number")), rows)
    yield own("subgroups", ", ".join(plan.subgroups))
    yield own("stopping", plan.stopping)
    yield own("power", power_sentence(config, phrases.language))


def _history(
    config: StudyConfig, sealed: Sequence[SealedPlan], phrases: Phrases, hidden: tuple[str, ...]
) -> Iterator[_Part]:
    """Amendments and deviations, where there are any."""
    columns = {name: phrases(f"page.plan.{name}") for name in ("since", "reason", "changed")}
    rows = []
    for before, after in pairwise(sealed):
        places = sorted(compare_settings(before.settings, after.settings))
        changed = ", ".join(place for place in places if not place.startswith(hidden))
        day = f"{after.number - 1}: {format_day(after.day, phrases.language)}"
        rows.append((day, _shown(after.reason), clean_name(changed), after.sha256[:16]))
    if rows:
        title = phrases("page.plan.amendments")
        headings = (columns["since"], columns["reason"], columns["changed"], "SHA-256")
        yield _Part(title, (), title, headings, tuple(rows))
    deviations = find_deviations(config, sealed)
    told = [each for each in deviations if not each.setting.startswith(hidden)]
    found = deviation_rows(told, phrases)
    if found:
        names = tuple(
            phrases(f"page.plan.{name}") for name in ("setting", "planned", "done", "since", "reason")
        )
        yield _Part(phrases("page.plan.heading"), (), phrases("page.plan.caption"), names, tuple(found))


def _settings(config: StudyConfig, phrases: Phrases, hidden: tuple[str, ...]) -> _Part:
    rows = [
        (clean_name(place), cell(value, phrases))
        for place, value in resolve_settings(config).values.items()
        if not place.startswith(hidden) and value != {}
    ]
    about = (phrases("page.plan.hidden", sections=", ".join(hidden)),) if hidden else ()
    names = (phrases("page.plan.setting"), phrases("page.plan.value"))
    return _Part(
        phrases("page.plan.settings"), about, phrases("page.plan.settings_caption"), names, tuple(rows)
    )


def _shown(text: str) -> str:
    return isolated(clean_name(text))
