"""The internal overview over all recipients' reports."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpg_research.languages import language_name
from mpg_research.reporting.files import file_sha256, json_bytes, json_sha256
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.run.manifest import NAME, read_manifest
from mpg_research.reporting.run.plan import Step, published_files, recipients_of
from mpg_research.reporting.store.folder import store_folder
from mpg_research.reporting.store.inputs import Inputs
from mpg_research.reporting.store.sealed import FORMAT, Damaged, seal, unseal
from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.writing import write_atomically

__all__ = ["index_page", "write_index"]


def write_index(
    folder: Path,
    config: StudyConfig,
    *,
    notebooks: Mapping[str, NotebookSpec] | None = None,
    private: bool = False,
    inputs: Inputs | None = None,
) -> Path:
    """Write ``index.html`` (the study's first language) and one page for each further language.

    Of pages that were made before from the same manifests, settings, texts and code the hashes are stored:
    where the pages that lie there have them, they stay, and none is made. Of private pages nothing is stored.

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
    inputs : Inputs, optional
        Hashes of what pages are made of; without them the pages are made anew.

    Returns
    -------
    Path
        The first page.
    """
    languages = config.study.languages
    paths = {language: folder / _page_name(language, languages) for language in languages}
    there = find_notebooks() if notebooks is None else notebooks
    key = _key(folder, there, inputs) if inputs is not None and not private else ""
    if key and _are_as_made(key, paths.values()):
        return folder / "index.html"
    for language, path in paths.items():
        page = index_page(folder, config, language=language, notebooks=there, private=private)
        content = page.encode()
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content, private=private)
    if key:
        made = {path.name: file_sha256(path) for path in paths.values()}
        store_folder().write(key, seal(key, json_bytes(made)))
    return folder / "index.html"


def _key(folder: Path, notebooks: Mapping[str, NotebookSpec], inputs: Inputs) -> str:
    """Under which key it is stored what pages were made of these manifests, notebooks and inputs."""
    manifests = sorted(folder.glob(f"*/{NAME}"))
    return json_sha256(
        {
            "format": FORMAT,
            "overview": {name: dict(value) for name, value in asdict(inputs).items()},
            "manifests": {path.parent.name: file_sha256(path) for path in manifests},
            "notebooks": {spec.name: spec.role for spec in notebooks.values()},
        }
    )


def _are_as_made(key: str, paths: Iterable[Path]) -> bool:
    """Whether the pages that lie there are those that were made under a key."""
    sealed = store_folder().read(key)
    if sealed is None:
        return False
    with suppress(Damaged, ValueError, OSError):
        return bool(json.loads(unseal(key, sealed)) == {path.name: file_sha256(path) for path in paths})
    return False


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
    from mpg_research.reporting.page.accessibility import inspect_page
    from mpg_research.reporting.page.html import TEMPLATES, page_words
    from mpg_research.reporting.page.looser import looser_words, study_phrases

    there = find_notebooks() if notebooks is None else notebooks
    everyone = {"researcher": ""} if private else recipients_of(config)
    made = {recipient: read_manifest(folder / recipient)["steps"] for recipient in everyone}
    words = page_words(language)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("overview.html.j2").render(
        language=language,
        words=words,
        names={code: language_name(code) for code in config.study.languages},
        title=isolated(clean_name(config.study.title.in_language(language))),
        synthetic=config.study.synthetic,
        style=(TEMPLATES / "report" / "report.css").read_text(encoding="utf-8"),
        others=[
            (code, _page_name(code, config.study.languages))
            for code in config.study.languages
            if code != language
        ],
        about_releases=_about_releases(made, words),
        rows=_rows(made, everyone, config, language, words, there, private),
        private=study_phrases(config, language)("page.private_long") if private else "",
        looser=looser_words(_looser_records(made), config, language),
    )
    findings = inspect_page(page, language=language)
    if findings:
        raise RuntimeError(f"the overview does not pass its own check: {'; '.join(findings)}")
    return page


def _about_releases(made: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> list[str]:
    """Whose pages keep numbers of an earlier release, and whose were not compared with one."""
    found = []
    for key, is_so in (("not_compared", _is_not_compared), ("keeps_earlier", _keeps_earlier)):
        readers = [recipient for recipient, steps in made.items() if any(map(is_so, steps.values()))]
        if readers:
            found.append(words[key].format(readers=", ".join(readers)))
    return found


def _is_not_compared(entry: Mapping[str, Any]) -> bool:
    return not entry.get("releases", {}).get("compared")


def _keeps_earlier(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("releases", {}).get("kept"))


def _page_name(language: str, languages: tuple[str, ...]) -> str:
    return "index.html" if language == languages[0] else f"index.{language}.html"


def _looser_records(made: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What the manifests say of looser rules: of the pages there are, by whatever rules they were made."""
    for steps in made.values():
        for entry in steps.values():
            record = entry.get("disclosure") if isinstance(entry, dict) else None
            if isinstance(record, dict):
                yield record


def _rows(
    everyones: Mapping[str, Mapping[str, Any]],
    everyone: Mapping[str, str],
    config: StudyConfig,
    language: str,
    words: Mapping[str, str],
    notebooks: Mapping[str, NotebookSpec],
    private: bool,
) -> list[dict[str, Any]]:
    """One row per recipient and notebook, with a link per language where the report is there."""
    from mpg_research.present.language.names import clean_name, isolated

    rows = []
    for recipient, key in everyone.items():
        made = everyones[recipient]
        name = config.organisations[key].name.in_language(language) if key else words[recipient]
        name = isolated(clean_name(name))
        role = "organisation" if key else recipient
        for notebook in (spec.name for spec in notebooks.values() if spec.role == role):
            links, standings = [], set()
            for code in config.study.languages:
                step = Step(notebook, role, recipient, code, private=private)
                standings.add(made.get(step.key, {}).get("notebook_is", "own"))
                page = published_files(step)["page"]
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
