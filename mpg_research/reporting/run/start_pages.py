"""The page that a recipient opens first, and what stands where a page of another language was not made.

A recipient's folder is handed over whole, so its start page leads to what lies in the folder and to nothing
else. Every page has a link to itself in the study's other languages; where that page was not made, one lies
there that says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from mpg_research.languages import language_name
from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import study_phrases
from mpg_research.reporting.files import CRATE, MANIFEST, OUTPUTS
from mpg_research.reporting.notebooks import NotebookSpec, notebook_content
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.page.frame import Reader, reader_name, shows_period, start_page_name
from mpg_research.reporting.page.html import TEMPLATES, page_words
from mpg_research.reporting.page.looser import looser_words
from mpg_research.reporting.page.masthead import Link, Masthead, language_link, masthead_of
from mpg_research.reporting.page.name_search import forbidden_names, refuse_names_in
from mpg_research.reporting.page.notebook_texts import title_of
from mpg_research.reporting.run.plan import Step, published_files
from mpg_research.reporting.store.source import StudyFacts
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Pages", "filled_in", "forget_stand_ins", "ordered", "prepare_start_pages", "report_title"]

#: What a page begins with that stands where another was not made.
_STANDS_IN = "<!-- stands in for a page that was not made -->\n"
_PAGES = (".pdf", ".docx")


@dataclass(frozen=True, slots=True)
class Pages:
    """What the start pages of a study are made from.

    Attributes
    ----------
    config : StudyConfig
        The study.
    facts : StudyFacts
        What was found in its data.
    notebooks : mapping of str to NotebookSpec
        The notebooks there are.
    organisation : str
        Key of the organisation whose folder it is; empty for other recipients.
    role : str
        The recipient's role.
    private : bool
        Whether the folder stays with the researcher.
    """

    config: StudyConfig
    facts: StudyFacts
    notebooks: Mapping[str, NotebookSpec]
    organisation: str
    role: str
    private: bool = False

    def made_of(self, manifest: Mapping[str, Any]) -> dict[str, bytes]:
        """The start page of a recipient and the pages that stand in, by their names in its folder.

        Parameters
        ----------
        manifest : mapping
            The recipient's manifest.

        Returns
        -------
        dict of str to bytes

        Raises
        ------
        DisclosureError
            If one of them names somebody it must not name.
        """
        steps, languages = manifest["steps"], self.config.study.languages
        pages = {start_page_name(private=self.private): self._start_page(steps)}
        for spec in self._mine():
            there = [code for code in languages if self._step(spec, code, manifest).key in steps]
            for code in languages if there else ():
                if code not in there:
                    page = published_files(self._step(spec, code, manifest))["page"]
                    pages[page] = self._stand_in(spec, code, there, manifest)
        contents = {name: page.encode() for name, page in pages.items()}
        forbidden, own = forbidden_names(
            self.config, role=self.role, organisation=self.organisation, keys=self.facts.organisations
        )
        refuse_names_in(contents, forbidden=forbidden, own=own)
        return contents

    def _mine(self) -> list[NotebookSpec]:
        return ordered(self.notebooks.values(), self.role)

    def _step(self, spec: NotebookSpec, language: str, manifest: Mapping[str, Any]) -> Step:
        recipient = str(manifest.get("recipient", ""))
        return Step(spec.name, self.role, recipient, language, self.organisation, private=self.private)

    def _start_page(self, steps: Mapping[str, Any]) -> str:
        languages = self.config.study.languages
        first = languages[0]
        record: Mapping[str, Any] = next((entry.get("disclosure", {}) for entry in steps.values()), {})
        links = [language_link(code, f"#{code}") for code in languages] if len(languages) > 1 else []
        about = {MANIFEST: "start_manifest", OUTPUTS: "start_outputs", CRATE: "start_crate"}
        words = page_words(first)
        return self._filled_in(
            "start.html.j2",
            first,
            heading=words["start_title"].format(reader=self._reader(first)),
            masthead=self._masthead(first),
            links=links,
            looser=looser_words([record], self.config, first),
            parts=[self._part(code, steps) for code in languages],
            records=[(name, words[key]) for name, key in about.items()],
        )

    def _part(self, language: str, steps: Mapping[str, Any]) -> dict[str, Any]:
        """What there is in one language."""
        words, reports, absent = page_words(language), [], []
        for spec in self._mine():
            step = Step(spec.name, self.role, "", language, self.organisation, private=self.private)
            title = report_title(spec, self.config, language)
            entry = steps.get(step.key)
            if entry is None:
                absent.append(words["start_absent"].format(title=title))
            else:
                reports.append(_report(step, title, entry, words))
        several = len(self.config.study.languages) > 1
        return {
            "language": language,
            "heading": language_name(language) if several else words["start_reports"],
            "words": words,
            "reports": reports,
            "absent": absent,
        }

    def _stand_in(
        self, spec: NotebookSpec, language: str, there: Iterable[str], manifest: Mapping[str, Any]
    ) -> str:
        pages = {code: published_files(self._step(spec, code, manifest))["page"] for code in there}
        start = f"../{start_page_name(private=self.private)}#{language}"
        links = [language_link(code, f"../{page}") for code, page in pages.items()]
        page = self._filled_in(
            "absent.html.j2",
            language,
            heading=report_title(spec, self.config, language),
            links=[*links, Link(page_words(language)["start_page"], start)],
        )
        return _STANDS_IN + page

    def _reader(self, language: str) -> str:
        return reader_name(Reader(self.role, language, self.organisation, self.private), self.config)

    def _masthead(self, language: str) -> Masthead:
        return masthead_of(
            self.config,
            language,
            n_organisations=len(self.facts.organisations),
            months=self.facts.months,
            shows_period=shows_period(self.config, self.facts, organisation=self.organisation),
        )

    def _filled_in(self, template: str, language: str, **values: Any) -> str:
        private = study_phrases(self.config, language)("page.private_long") if self.private else ""
        return filled_in(template, self.config, language, private=private, **values)


def _report(step: Step, title: str, entry: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """A report with the files beside it, in the order of their names."""
    page = published_files(step)["page"]
    outputs = sorted(entry["outputs"])
    files = [name for name in outputs if name.split("/")[1:2] in (["tables"], ["figures"])]
    others = [name for name in outputs if name.endswith(_PAGES)]
    return {
        "title": title,
        "page": page,
        "anchor": f"files-{step.language}-{step.notebook}",
        "others": [_link(name) for name in others],
        "files": [_link(name) for name in files],
        "files_heading": words["start_files"].format(n=len(files)),
    }


def _link(name: str) -> Link:
    return Link(PurePosixPath(name).name, name)


def filled_in(
    template: str,
    config: StudyConfig,
    language: str,
    *,
    private: str = "",
    internal: bool = False,
    **values: Any,
) -> str:
    """A page that no notebook made.

    Parameters
    ----------
    template : str
        File of its template.
    config : StudyConfig
        The study.
    language : str
        Code of the language.
    private : str
        What there is to know of pages that are not for release; empty for others.
    internal : bool
        Whether the page is about all recipients and stays in the house.
    **values
        What the template asks for.

    Returns
    -------
    str

    Raises
    ------
    RuntimeError
        If the page does not pass the check that every page must pass (a bug).
    """
    page: str = (
        _environment()
        .get_template(template)
        .render(
            language=language,
            words=page_words(language),
            title=isolated(clean_name(config.study.title.in_language(language))),
            synthetic=config.study.synthetic,
            style=(TEMPLATES / "report" / "report.css").read_text(encoding="utf-8"),
            private=private,
            internal=internal,
            **values,
        )
    )
    findings = inspect_page(page, language=language)
    if findings:
        raise RuntimeError(f"{template} does not pass its own check: {'; '.join(findings)}")
    return page


def prepare_start_pages(config: StudyConfig) -> None:
    """Read beforehand what every start page is made with: texts and templates.

    Parameters
    ----------
    config : StudyConfig
        The study.
    """
    for language in config.study.languages:
        page_words(language)
        study_phrases(config, language)
    for template in TEMPLATES.glob("*.html.j2"):
        _environment().get_template(template.name)


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader

    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def report_title(spec: NotebookSpec, config: StudyConfig, language: str) -> str:
    """The title of a notebook's report as its page has it; the notebook's name where it has none.

    Parameters
    ----------
    spec : NotebookSpec
        The notebook.
    config : StudyConfig
        The study, for its words.
    language : str
        Code of the language.

    Returns
    -------
    str
    """
    return title_of(notebook_content(spec.file)["cells"], study_phrases(config, language)) or spec.name


def ordered(notebooks: Iterable[NotebookSpec], role: str) -> list[NotebookSpec]:
    """The notebooks for a reader, the one that is called after the reader first.

    Parameters
    ----------
    notebooks : iterable of NotebookSpec
        All there are.
    role : str
        The reader's.

    Returns
    -------
    list of NotebookSpec
    """
    return sorted(
        (spec for spec in notebooks if spec.role == role),
        key=lambda spec: (spec.name != f"report_{role}", spec.name),
    )


def forget_stand_ins(folder: Path, pages: Iterable[str]) -> None:
    """Remove pages that stood in for others, where nothing is to stand in any more.

    Parameters
    ----------
    folder : Path
        The recipient's folder.
    pages : iterable of str
        Those that are to stay.
    """
    for path in _stand_ins(folder):
        if path.relative_to(folder).as_posix() not in set(pages):
            path.unlink(missing_ok=True)


def _stand_ins(folder: Path) -> Iterator[Path]:
    mark = _STANDS_IN.encode()
    for path in sorted(folder.glob("*/*.html")):
        with path.open("rb") as stream:
            if stream.read(len(mark)) == mark:
                yield path
