"""A cleaned notebook as one self-contained page."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mpg_research.errors import ReportError
from mpg_research.languages import languages
from mpg_research.present.language.phrases import phrases_in
from mpg_research.reporting.nbformat_import import import_nbformat
from mpg_research.reporting.page.accessibility import inspect_page
from mpg_research.reporting.page.contents import with_contents
from mpg_research.reporting.page.folding import FOLD, fold_cells, with_summary
from mpg_research.reporting.page.masthead import Masthead
from mpg_research.reporting.page.not_shown import gather_not_shown
from mpg_research.reporting.page.notebook_texts import title_in
from mpg_research.reporting.page.once import name_regions_apart, say_once
from mpg_research.reporting.page.planned import PlanNote
from mpg_research.visible import visible

__all__ = ["TEMPLATES", "PageFrame", "page_words", "prepare_rendering", "render_page"]

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
_PICTURE = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_ANCHOR = re.compile(r'(<div class="shown") id="([^"]+)">')
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class PageFrame:
    """What stands around a report.

    Attributes
    ----------
    language : str
        Code of the language of the page.
    study : str
        Public title of the study.
    recipient : str
        Whom the page is for, in words.
    synthetic : bool
        Whether the study's data are made up.
    show_code : bool
        Whether code cells stay, folded.
    digest : str
        Hash that ties the page to its inputs.
    version : str
        Version of this package.
    looser : tuple of str
        The rules of disclosure that the study loosened and that touch the page, and why; plain sentences.
    private : str
        What there is to know of a page that is not for release; empty for one that is.
    modified : bool
        Whether the notebook differs from the package's and was allowed to run all the same.
    kept : str
        That numbers of an earlier release are shown, and why; empty where all are new.
    masthead : Masthead
        Organisations, period, dates, author and contact; the page in other languages.
    plan : PlanNote or None
        What differs from the sealed plan of the study; None where nothing was sealed.
    """

    language: str
    study: str
    recipient: str
    synthetic: bool
    show_code: bool
    digest: str
    version: str
    looser: tuple[str, ...] = ()
    private: str = ""
    modified: bool = False
    kept: str = ""
    masthead: Masthead = field(default_factory=Masthead)
    plan: PlanNote | None = None


def page_words(language: str) -> dict[str, str]:
    """The fixed words of a page in one language."""
    return phrases_in(language).under("page")


def render_page(node: Any, frame: PageFrame) -> str:
    """The page of a cleaned notebook.

    Parameters
    ----------
    node : NotebookNode
        From :func:`mpg_research.reporting.page.clean.clean_notebook`.
    frame : PageFrame
        What stands around it.

    Returns
    -------
    str
        A whole HTML document: no scripts, nothing loaded from anywhere.

    Raises
    ------
    ReportError
        If the page does not pass :func:`mpg_research.reporting.page.accessibility.inspect_page`.
    """
    title, body = _take_title(node)
    body.cells = _merge_silent_code(body.cells)
    _say_once_per_section(body.cells)
    body.cells = gather_not_shown(body.cells, page_words(frame.language))
    body.cells = _merge_code_of_sections(body.cells)
    fold_cells(body.cells)
    resources = {
        "mpg": {
            "frame": frame,
            "words": page_words(frame.language),
            "title": title,
            "policy": _POLICY,
            "has_references": any(_shows_reference(cell) for cell in body.cells),
            "style": (TEMPLATES / "report" / "report.css").read_text(encoding="utf-8").strip(),
        }
    }
    page, _ = _exporter(frame.show_code).from_notebook_node(body, resources=resources)
    words = page_words(frame.language)
    page = say_once(_anchor_once(_tell_pictures_apart(page)), words)
    page = with_contents(_tidy(name_regions_apart(page)), words["contents"])
    findings = inspect_page(page, language=frame.language)
    if findings:
        raise ReportError(
            "The page may not be published as it is:\n" + "\n".join(f"- {text}" for text in findings)
        )
    return page


@cache
def _exporter(show_code: bool) -> Any:
    """What fills the template in; made once, since its making compiles the template."""
    from nbconvert.exporters.templateexporter import TemplateExporter

    # Not HTMLExporter: it parses and rewrites the finished page, which spoils inline SVG.
    exporter = TemplateExporter(
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        file_extension=".html",
        exclude_input=not show_code,
    )
    exporter.register_filter("markdown2html", _markdown_to_html)
    exporter.register_filter("visible", visible)
    exporter.register_filter("with_summary", with_summary)
    exporter.display_data_priority = ["text/html", "text/markdown", "text/plain"]
    return exporter


def prepare_rendering() -> None:
    """Make what every page is rendered with: templates, checks of notebooks, patterns.

    A page of next to nothing is rendered for it, so that processes that are forked afterwards have them.
    """
    nbformat = import_nbformat()

    shown = nbformat.v4.new_output("display_data", data={"text/html": "<p>1</p>", "text/plain": "1"})
    text = nbformat.v4.new_markdown_cell("# 1\n\n- *1*\n\n## 2\n\n[1](#a) `1`")
    cells = [text, nbformat.v4.new_code_cell("1", outputs=[shown])]
    node = nbformat.reads(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), as_version=4)
    for show_code in (True, False):
        render_page(node, PageFrame(languages()[0], "1", "1", False, show_code, "1", "1"))


def _take_title(node: Any) -> tuple[str, Any]:
    """The notebook's first main heading, and the notebook without it."""
    body = node.copy()
    body.cells = [cell.copy() for cell in node.cells]
    for cell in body.cells:
        match = title_in(cell.source) if cell.cell_type == "markdown" else None
        if match:
            cell.source = (cell.source[: match.start()] + cell.source[match.end() :]).strip()
            return match.group(1), body
    raise ReportError("The notebook has no title: its first text cell starts with '# ' and the title.")


def _merge_silent_code(cells: list[Any]) -> list[Any]:
    """Code cells that show nothing, folded into one with the code cell that follows them."""
    merged: list[Any] = []
    for cell in cells:
        before = merged[-1] if merged else None
        if before is not None and before.cell_type == cell.cell_type == "code" and not before.outputs:
            cell.source = f"{before.source}\n\n{cell.source}"
            merged[-1] = cell
        elif cell.cell_type == "code" or cell.source.strip():
            merged.append(cell)
    return merged


def _merge_code_of_sections(cells: list[Any]) -> list[Any]:
    """Code cells that follow each other as one, folded or not: a page asks once per section for its code."""
    merged: list[Any] = []
    for cell in cells:
        before = merged[-1] if merged else None
        folded = FOLD in cell.metadata.get("tags", [])
        if (
            before is not None
            and before.cell_type == cell.cell_type == "code"
            and folded == (FOLD in before.metadata.get("tags", []))
        ):
            before.source = f"{before.source}\n{cell.source}"
            before.outputs = [*before.outputs, *cell.outputs]
        else:
            merged.append(cell)
    return merged


def _say_once_per_section(cells: list[Any]) -> None:
    """Between two texts, take away an output that is the same as an earlier one ("not shown, since ...")."""
    said: set[str] = set()
    for cell in cells:
        if cell.cell_type == "markdown":
            said = set()
            continue
        fresh = [output for output in cell.outputs if output.data.get("text/html") not in said]
        said |= {output.data["text/html"] for output in fresh if "text/html" in output.data}
        cell.outputs = fresh


def _markdown_to_html(text: str) -> str:
    """Text cells as HTML; HTML written in a text cell is shown as text."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=True, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(text)).strip()


def _tell_pictures_apart(page: str) -> str:
    """Ids in pictures that occur in one before get a number: a figure may stand on a page twice."""
    seen: dict[str, int] = {}

    def renamed(picture: re.Match[str]) -> str:
        text = picture.group()
        ids = re.findall(r'\sid="([^"]+)"', text)
        for each in ids:
            seen[each] = seen.get(each, 0) + 1
        again = {each: f"{each}-{seen[each]}" for each in ids if seen[each] > 1}
        if not again:
            return text
        listed = "|".join(map(re.escape, sorted(again, key=lambda each: (-len(each), each))))
        pattern = rf'(\sid="|url\(#|href="#)({listed})(?=["\)])'
        return re.sub(pattern, lambda found: found[1] + again[found[2]], text)

    return _PICTURE.sub(renamed, page)


def _shows_reference(cell: Any) -> bool:
    """Whether a cell shows a table or figure with an id."""
    return any(_ANCHOR.search(output.data.get("text/html", "")) for output in cell.get("outputs", []))


def _anchor_once(page: str) -> str:
    """A link to a figure or table leads to the first place where it stands: there may be more."""
    seen: set[str] = set()

    def first_only(found: re.Match[str]) -> str:
        if found[2] in seen:
            return f"{found[1]}>"
        seen.add(found[2])
        return found.group()

    return _ANCHOR.sub(first_only, page)


def _tidy(page: str) -> str:
    """No trailing spaces and no runs of empty lines: the same page from the same content."""
    lines = [line.rstrip() for line in page.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
