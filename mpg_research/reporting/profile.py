"""Write the course profile of one family, outside every reports folder."""

from pathlib import Path

from mpg_research.errors import ConfigError, DisclosureError
from mpg_research.reporting.files import write_atomically
from mpg_research.reporting.parameters import CourseProfileParameters, validate_parameters
from mpg_research.reporting.session import find_study
from mpg_research.study.names import safe_folder_name

__all__ = ["check_profile_folder", "write_profile"]

#: Name of a folder, and of files that a run leaves, by which a reports folder is recognised.
_REPORTS = "reports"
_TRACE, _OVERVIEW = "manifest.json", "index.html"


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
            "A course profile is about one family and is written only to a folder you name: --output DIR."
        )
    named = Path(folder).expanduser()
    for place in (named.absolute(), named.resolve()):
        inside = [part.casefold() for part in place.parts]
        written = any(_is_written_by_a_run(above) for above in (place, *place.parents))
        if _REPORTS in inside or written:
            raise DisclosureError(
                f"{named} lies in a reports folder, which is handed over whole. A course profile is about "
                "one family: write it to a folder of your own elsewhere, and treat it as sensitive."
            )
    return named


def _is_written_by_a_run(folder: Path) -> bool:
    """A recipient's folder, or the study's folder with its overview above the recipients' folders."""
    if (folder / _TRACE).is_file():
        return True
    return (folder / _OVERVIEW).is_file() and any(folder.glob(f"*/{_TRACE}"))


def write_profile(
    study: str | Path, *, family: str, output: str | Path, language: str = "nl", episode: str = ""
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
    language : {"nl", "en"}
    episode : str
        Period of help; empty is the last one with a score.

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
    from mpg_research.present.profile import present_profile
    from mpg_research.study import load_study

    chosen = validate_parameters(
        "course_profile",
        {
            "study": str(study),
            "language": language,
            "output": str(output),
            "family": family,
            "episode": episode,
        },
    )
    assert isinstance(chosen, CourseProfileParameters)
    folder = check_profile_folder(chosen.output)
    if not chosen.family:
        raise ConfigError("Name the family: its id in the table of episodes. A profile is about one family.")
    profile = describe_family(
        load_study(find_study(chosen.study)), chosen.family, episode=chosen.episode or None
    )
    assert_aggregate(profile, folder, reports_root=Path.cwd() / _REPORTS)
    page = present_profile(profile, language=chosen.language)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"course_profile_{safe_folder_name(chosen.family)}_{chosen.language}.html"
    write_atomically(folder / name, page.html.encode("utf-8"))
    return folder / name
