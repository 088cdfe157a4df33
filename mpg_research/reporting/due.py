"""Write who is due for a talk, outside every reports folder."""

from datetime import date
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.languages import languages
from mpg_research.reporting.profile import check_profile_folder
from mpg_research.reporting.session.session import find_study
from mpg_research.study.names import safe_folder_name
from mpg_research.writing import write_atomically

__all__ = ["read_day", "write_due"]


def write_due(
    study: str | Path,
    *,
    output: str | Path,
    language: str = "",
    as_of: str = "",
    organisation: str = "",
) -> tuple[Path, Path]:
    """Write the families that are due for a talk, as a page and as CSV, readable by their maker only.

    Parameters
    ----------
    study : str or Path
        Study folder; empty is the example study.
    output : str or Path
        An existing or new folder, outside every reports folder.
    language : str
        Code of the language; empty is the first of :func:`mpg_research.languages.languages`.
    as_of : str
        The day that is looked from, as 2025-12-31; empty is the study's ``export_date``, else today.
    organisation : str
        Key of an organisation; empty is all of them.

    Returns
    -------
    (Path, Path)
        The page and the CSV.

    Raises
    ------
    ConfigError
        If the study, the organisation, the language or the day is not one, or no folder is named.
    DisclosureError
        If the folder is part of reports.
    """
    from mpg_research.analysis.talk.due import find_due
    from mpg_research.present.talk.due_page import due_as_csv, present_due
    from mpg_research.study import load_study

    chosen = language or languages()[0]
    if chosen not in languages():
        raise ConfigError(f"language: found '{chosen}'; expected {' or '.join(languages())}.")
    day = read_day(as_of)
    folder = check_profile_folder(output)
    due = find_due(load_study(find_study(str(study))), as_of=day, organisation=organisation or None)
    part = f"_{safe_folder_name(organisation)}" if organisation else ""
    page, table = folder / f"due{part}_{chosen}.html", folder / f"due{part}.csv"
    write_atomically(page, present_due(due, language=chosen).encode("utf-8"), private=True)
    write_atomically(table, due_as_csv(due).encode("utf-8"), private=True)
    return page, table


def read_day(text: str) -> date | None:
    """A day as it was written, or nothing.

    Parameters
    ----------
    text : str
        Such as 2025-12-31; empty for none.

    Raises
    ------
    ConfigError
        If it is no day.
    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f'"{text}" is no day; expected one such as 2025-12-31.') from None
