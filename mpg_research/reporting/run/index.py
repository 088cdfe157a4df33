"""The internal overview over all recipients' reports."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpg_research.languages import language_name
from mpg_research.reporting.files import file_sha256, json_bytes, json_sha256
from mpg_research.reporting.notebooks import NotebookSpec, find_notebooks
from mpg_research.reporting.record.last_run import NAME as LAST_RUN
from mpg_research.reporting.run.manifest import NAME, read_manifest
from mpg_research.reporting.run.overview import Overview
from mpg_research.reporting.run.plan import recipients_of
from mpg_research.reporting.store.folder import store_folder
from mpg_research.reporting.store.inputs import Inputs
from mpg_research.reporting.store.sealed import FORMAT, Damaged, seal, unseal
from mpg_research.reporting.store.source import StudyFacts
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
    facts: Callable[[], StudyFacts] | None = None,
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
    facts : callable, optional
        What was found in the study's data; asked for where a page is made.

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
    found = facts() if facts is not None else None
    for language, path in paths.items():
        page = index_page(folder, config, language=language, notebooks=there, private=private, facts=found)
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
            "notebooks": {spec.name: [spec.role, file_sha256(spec.file)] for spec in notebooks.values()},
            "last run": file_sha256(folder / LAST_RUN) if (folder / LAST_RUN).is_file() else "",
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
    facts: StudyFacts | None = None,
) -> str:
    """The overview in one language, made from the manifests that lie in ``folder``.

    Raises
    ------
    RuntimeError
        If the page does not pass the check that every page must pass (a bug).
    """
    from mpg_research.present.language.phrases import study_phrases
    from mpg_research.reporting.page.html import page_words
    from mpg_research.reporting.page.looser import looser_words
    from mpg_research.reporting.page.masthead import language_link, masthead_of
    from mpg_research.reporting.run.start_pages import filled_in

    there = find_notebooks() if notebooks is None else notebooks
    everyone = {"researcher": ""} if private else recipients_of(config)
    made = {recipient: read_manifest(folder / recipient)["steps"] for recipient in everyone}
    words, phrases = page_words(language), study_phrases(config, language)
    table = Overview(folder, config, language, there, everyone, made, private)
    return filled_in(
        "overview.html.j2",
        config,
        language,
        heading=words["private_index"] if private else words["overview"],
        internal=not private,
        private=phrases("page.private_long") if private else "",
        masthead=masthead_of(
            config,
            language,
            n_organisations=len(facts.organisations if facts else config.organisations),
            months=facts.months if facts else (),
        ),
        links=[
            language_link(code, _page_name(code, config.study.languages))
            for code in config.study.languages
            if code != language
        ],
        looser=looser_words(_looser_records(made), config, language),
        names={code: language_name(code) for code in config.study.languages},
        about_releases=_about_releases(made, words),
        **table.values(),
    )


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
