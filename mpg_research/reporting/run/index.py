"""The internal overview over all recipients' reports."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mpg_research.languages import language_name
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.page.html import TEMPLATES, page_words
from mpg_research.reporting.page.looser import looser_words, study_phrases
from mpg_research.reporting.run.manifest import read_manifest
from mpg_research.reporting.run.plan import Step, published_files, recipients_of
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.writing import write_atomically

__all__ = ["index_page", "write_index"]


def write_index(
    folder: Path,
    config: StudyConfig,
    *,
    notebooks: Mapping[str, NotebookSpec] | None = None,
    private: bool = False,
) -> Path:
    """Write ``index.html`` (the study's first language) and one page for each further language.

    Parameters
    ----------
    folder : Path
        ``reports/<study>``.
    config : StudyConfig
        The study.
    notebooks : mapping of str to NotebookSpec, optional
        The notebooks there are; by default those of the package.
    private : bool
        Whether the pages are the researcher's alone and not for release.

    Returns
    -------
    Path
        The first page.
    """
    languages = config.study.languages
    for language in languages:
        path = folder / _page_name(language, languages)
        page = index_page(folder, config, language=language, notebooks=notebooks, private=private)
        content = page.encode()
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content, private=private)
    return folder / "index.html"


def index_page(
    folder: Path,
    config: StudyConfig,
    *,
    language: str,
    notebooks: Mapping[str, NotebookSpec] | None = None,
    private: bool = False,
) -> str:
    """The overview in one language, made from the manifests that lie in ``folder``.

    Raises
    ------
    RuntimeError
        If the page does not pass the check that every page must pass (a bug).
    """
    from jinja2 import Environment, FileSystemLoader

    from mpg_research.present.language.names import clean_name, isolated

    there = find_notebooks() if notebooks is None else notebooks
    recipients = ["researcher"] if private else list(recipients_of(config))
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("overview.html.j2").render(
        language=language,
        words=page_words(language),
        names={code: language_name(code) for code in config.study.languages},
        title=isolated(clean_name(config.study.title.in_language(language))),
        synthetic=config.study.synthetic,
        style=(TEMPLATES / "report" / "report.css").read_text(encoding="utf-8"),
        others=[
            (code, _page_name(code, config.study.languages))
            for code in config.study.languages
            if code != language
        ],
        rows=_rows(folder, config, language, there, private),
        private=study_phrases(config, language)("page.private_long") if private else "",
        looser=looser_words(_looser_records(folder, recipients), config, language),
    )
    findings = inspect_page(page, language=language)
    if findings:
        raise RuntimeError(f"the overview does not pass its own check: {'; '.join(findings)}")
    return page


def _page_name(language: str, languages: tuple[str, ...]) -> str:
    return "index.html" if language == languages[0] else f"index.{language}.html"


def _looser_records(folder: Path, recipients: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """What the manifests say of looser rules: of the pages there are, by whatever rules they were made."""
    for recipient in recipients:
        for entry in read_manifest(folder / recipient)["steps"].values():
            record = entry.get("disclosure") if isinstance(entry, dict) else None
            if isinstance(record, dict):
                yield record


def _rows(
    folder: Path, config: StudyConfig, language: str, notebooks: Mapping[str, NotebookSpec], private: bool
) -> list[dict[str, Any]]:
    """One row per recipient and notebook, with a link per language where the report is there."""
    from mpg_research.present.language.names import clean_name, isolated

    words = page_words(language)
    rows = []
    everyone = {"researcher": ""} if private else recipients_of(config)
    for recipient, key in everyone.items():
        made = read_manifest(folder / recipient)["steps"]
        name = config.organisations[key].name.in_language(language) if key else words[recipient]
        name = isolated(clean_name(name))
        role = "organisation" if key else recipient
        for notebook in (spec.name for spec in notebooks.values() if spec.role == role):
            links, standings = [], set()
            for code in config.study.languages:
                step = Step(notebook, role, recipient, code, private=private)
                page = published_files(step)["page"]
                standings.add(made.get(step.key, {}).get("notebook_is", "own"))
                links.append((code, f"{recipient}/{page}" if step.key in made else ""))
            marks = [words[f"{kind}_short"] for kind in ("modified", "registered") if kind in standings]
            rows.append(
                {
                    "recipient": name,
                    "folder": recipient,
                    "notebook": notebook,
                    "marks": ", ".join(marks),
                    "links": links,
                }
            )
    return rows
