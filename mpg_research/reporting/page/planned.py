"""What a page says of the sealed plan: to a researcher every deviation, to a funder one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpg_research.present.language.dates import format_day
from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.reporting.planned.deviations import Deviation, find_deviations
from mpg_research.reporting.planned.seal import SealedPlan, read_sealed
from mpg_research.reporting.planned.settings import VERSION, value_as_text

if TYPE_CHECKING:
    from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["PlanNote", "cell", "deviation_rows", "plan_note", "sealed_sentences"]

#: Longer values are cut: the sealed file has them whole.
LONGEST = 300
_COLUMNS = ("setting", "planned", "done", "since", "reason")


@dataclass(frozen=True, slots=True)
class PlanNote:
    """What a page says of the plan.

    Attributes
    ----------
    heading : str
        Above it.
    sentences : tuple of str
        Plain text.
    caption : str
        Of the table.
    columns : tuple of str
        Its headings.
    rows : tuple of tuple of str
        Its cells; empty where nothing differs, and for other readers than the researcher.
    """

    heading: str
    sentences: tuple[str, ...]
    caption: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def plan_note(config: "StudyConfig", role: str, language: str) -> PlanNote | None:
    """What a reader's page says of the sealed plan.

    Parameters
    ----------
    config : StudyConfig
        The study.
    role : str
        The reader.
    language : str
        Code of the language.

    Returns
    -------
    PlanNote or None
        None where nothing was sealed, and for an organisation.
    """
    if role not in {"researcher", "funder"}:
        return None
    sealed = read_sealed(config)
    if not sealed:
        return None
    phrases = study_phrases(config, language)
    found = find_deviations(config, sealed)
    heading = phrases("page.plan.heading")
    if role == "funder":
        key = "page.plan.funder_some" if found else "page.plan.funder_none"
        given = {"n": len(found)} if found else {}
        return PlanNote(heading, (phrases(key, day=format_day(sealed[0].day, language), **given),))
    said = phrases("page.plan.some", n=len(found)) if found else phrases("page.plan.none")
    return PlanNote(
        heading,
        (*sealed_sentences(sealed[0], phrases), said),
        phrases("page.plan.caption"),
        tuple(phrases(f"page.plan.{name}") for name in _COLUMNS),
        tuple(deviation_rows(found, phrases)),
    )


def sealed_sentences(plan: SealedPlan, phrases: Phrases) -> tuple[str, str]:
    """When a plan was sealed, by which date, and whether the data were there.

    Parameters
    ----------
    plan : SealedPlan
        The plan, or an amendment.
    phrases : Phrases
        The catalogue.

    Returns
    -------
    (str, str)
    """
    day, there = format_day(plan.day, phrases.language), plan.data_were_there
    version = clean_name(str(plan.settings.values[VERSION]))
    return (
        phrases(f"page.plan.sealed_{plan.date_is}", day=day, version=version, digest=plan.sha256[:16]),
        phrases("page.plan.data_were_there" if there else "page.plan.data_were_not_there"),
    )


def deviation_rows(found: Sequence[Deviation], phrases: Phrases) -> list[tuple[str, ...]]:
    """Deviations as cells of a table.

    Parameters
    ----------
    found : sequence of Deviation
        From :func:`mpg_research.reporting.planned.deviations.find_deviations`.
    phrases : Phrases
        The catalogue.

    Returns
    -------
    list of tuple of str
        Setting, planned, done, since, reason.
    """
    rows = []
    for each in found:
        since = each.since and format_day(each.since, phrases.language)
        values = (cell(value, phrases) for value in (each.planned, each.done))
        reason = isolated(clean_name(each.reason)) if each.reason else phrases("page.plan.no_reason")
        rows.append((clean_name(each.setting), *values, since or phrases("page.plan.not_amended"), reason))
    return rows


def cell(value: object, phrases: Phrases) -> str:
    """A value of a setting as a cell.

    Parameters
    ----------
    value : object
        The value.
    phrases : Phrases
        The catalogue.

    Returns
    -------
    str
    """
    text = value_as_text(value)
    if not text:
        return phrases("page.plan.not_set")
    return clean_name(text if len(text) <= LONGEST else f"{text[:LONGEST]} ...")
