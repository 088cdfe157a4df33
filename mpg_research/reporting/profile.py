"""Write the course profile of one family, outside every reports folder."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from mpg_research.errors import ConfigError, DisclosureError, MpgError
from mpg_research.languages import languages
from mpg_research.present.language.phrases import phrases_in
from mpg_research.reporting.files import MANIFEST
from mpg_research.reporting.notebooks import NotebookParameters
from mpg_research.reporting.parameters import check_parameters
from mpg_research.reporting.session.session import find_study
from mpg_research.study.names import safe_folder_name
from mpg_research.writing import write_atomically

__all__ = [
    "CourseProfileParameters",
    "ProfileOutcome",
    "check_profile_folder",
    "is_written_by_a_run",
    "profile_by_hand",
    "write_profile",
]

#: Name of a folder, and of files that a run leaves, by which a reports folder is recognised.
_REPORTS = "reports"
_OVERVIEW = "index.html"


class CourseProfileParameters(NotebookParameters):
    """Parameters of the course profile of one family.

    Attributes
    ----------
    family : str
        The family's id in the study.
    episode : str
        Its period of help. Empty: the last one with a score.
    reader : str
        "worker", or "family": one page in plain words for the family itself.
    """

    family: str = ""
    episode: str = ""
    reader: str = "worker"


def check_profile_folder(folder: str | Path) -> Path:
    """The folder, if it is named and no part of reports.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    ConfigError
        If no folder is named.
    DisclosureError
        If it lies in a folder called reports, or in one that a run has written, also through links.
    """
    if not str(folder).strip():
        raise ConfigError(
            "A course profile is about one family and is written only to a folder you name: --output DIR, "
            "or output in the notebook."
        )
    named = Path(folder).expanduser()
    for place in (named.absolute(), named.resolve()):
        inside = [part.casefold() for part in place.parts]
        written = any(is_written_by_a_run(above) for above in (place, *place.parents))
        if _REPORTS in inside or written:
            raise DisclosureError(
                f"{named} lies in a reports folder, which is handed over whole. A course profile is about "
                "one family: write it to a folder of your own elsewhere, and treat it as sensitive."
            )
    return named


def is_written_by_a_run(folder: Path) -> bool:
    """A recipient's folder, or the study's folder with its overview above the recipients' folders."""
    if (folder / MANIFEST).is_file():
        return True
    return (folder / _OVERVIEW).is_file() and any(folder.glob(f"*/{MANIFEST}"))


def write_profile(
    study: str | Path,
    *,
    family: str,
    output: str | Path,
    language: str = "",
    episode: str = "",
    reader: str = "worker",
) -> Path:
    """Make the course profile of one family and write it to a folder of the user's own.

    Parameters
    ----------
    study : str or Path
        Study folder; empty is the example study.
    family : str
        The family's id in the study.
    output : str or Path
        An existing or new folder, outside every reports folder.
    language : str
        Code of the language; empty is the first of :func:`mpg_research.languages.languages`.
    episode : str
        Period of help; empty is the last one with a score.
    reader : {"worker", "family"}
        For the worker, or one page in plain words for the family itself.

    Returns
    -------
    Path
        The written page.

    Raises
    ------
    ConfigError
        If the study, the family or the language is not there, a parameter is not text, or no folder is
        named.
    DisclosureError
        If the folder is part of reports.
    """
    from mpg_research.analysis.family_profile import describe_family
    from mpg_research.disclosure import assert_aggregate
    from mpg_research.present.profile import READERS, present_profile
    from mpg_research.present.talk.answers import is_called
    from mpg_research.reporting.menu_knowledge import known_by_intervention
    from mpg_research.reporting.store.source import open_study

    chosen = check_parameters(
        CourseProfileParameters,
        {
            "study": str(study),
            "language": language or languages()[0],
            "output": str(output),
            "family": family,
            "episode": episode,
            "reader": reader,
        },
        "course_profile",
    )
    folder = check_profile_folder(chosen.output)
    if not chosen.family:
        raise ConfigError("Name the family: its id in the table of episodes. A profile is about one family.")
    chosen_reader = next((one for one in READERS if one == chosen.reader), None)
    if chosen_reader is None:
        raise ConfigError(f'A profile is for {" or ".join(READERS)}; found "{chosen.reader}".')
    source = open_study(find_study(chosen.study))
    profile = describe_family(source.copy(), chosen.family, episode=chosen.episode or None)
    assert_aggregate(profile, folder, reports_root=Path.cwd() / _REPORTS)
    known = {}
    if chosen_reader == "worker" and is_called(profile):
        known = known_by_intervention(source, profile, chosen.language)
    page = present_profile(profile, language=chosen.language, reader=chosen_reader, study_knows=known)
    ending = "" if chosen_reader == "worker" else f"_for_the_{chosen_reader}"
    name = f"course_profile_{safe_folder_name(chosen.family)}_{chosen.language}{ending}.html"
    write_atomically(folder / name, page.html.encode("utf-8"), private=True)
    return folder / name


@dataclass(frozen=True, slots=True)
class ProfileOutcome:
    """What came of making a profile by hand.

    Attributes
    ----------
    text : str
        A sentence: where the profile is, or what is still to be done.
    file : Path or None
        The written page.
    """

    text: str
    file: Path | None = None

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.text)}</p>"

    def __str__(self) -> str:
        return self.text


def profile_by_hand(study: str | Path, **parameters: Any) -> ProfileOutcome:
    """Make a profile in a notebook: the page, or a sentence that says what is missing or wrong.

    Parameters
    ----------
    study : str or Path
        Study folder; empty is the example study.
    **parameters
        As in :func:`write_profile`; ``family`` and ``output`` may still be empty.

    Returns
    -------
    ProfileOutcome
    """
    language = str(parameters.get("language", ""))
    words = phrases_in(language if language in languages() else languages()[0]).under("by_hand")
    missing = [words[name] for name in ("family", "output") if not str(parameters.get(name, "")).strip()]
    if missing:
        return ProfileOutcome(words["to_fill_in"].format(what=words["and"].join(missing)))
    try:
        file = write_profile(study, **parameters)
    except MpgError as error:
        return ProfileOutcome(words["not_made"].format(why=error))
    return ProfileOutcome(words["made"].format(file=file.name), file)
