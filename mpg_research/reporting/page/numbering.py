"""Tables and figures of a page get their numbers here, in the order in which they stand, and what refers to
them gets these.

It is done on the cleaned notebook, so that the page and the notebook beside it have the same numbers, in
every language. A table or figure is known by the id that ``mpg trace`` takes; a link to it, in what was shown
or in a text cell (``[the table](#T-0d1rg)``), says its number.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from mpg_research.present.language.phrases import Phrases

__all__ = ["NUMBERED", "number_shown"]

#: The class of a number before a caption.
NUMBERED = "numbered"
_SHOWN = re.compile(r'<div class="shown" id="([TF]-[0-9a-z]+)">')
_CAPTION = {
    "T": re.compile(r'<span class="caption-text">'),
    "F": re.compile(r"<figcaption[^>]*>"),
}
_KIND = {"T": "table", "F": "figure"}
_LINK = re.compile(r'(<a class="cross-reference" href="#([TF]-[0-9a-z]+)">)(.*?)(</a>)', re.DOTALL)
_TEXT_LINK = re.compile(r"\[([^\]\n]*)\]\(#([TF]-[0-9a-z]+)\)")
#: What an output of sentences begins with; one that stands in place of numbers has another class.
_SENTENCES = re.compile(r'^<div class="mpg-text" lang="[^"]*">')
_SECTION = re.compile(r"^#{1,2}\s", re.MULTILINE)


def number_shown(node: Any, phrases: Phrases, *, refer: bool = False) -> Any:
    """Number the tables and figures of a page, and say these numbers where something refers to them.

    Parameters
    ----------
    node : NotebookNode
        A cleaned notebook; changed in place.
    phrases : Phrases
        The catalogue in the language of the page.
    refer : bool
        Whether the first text of a section says which figures and tables it has.

    Returns
    -------
    NotebookNode
    """
    labels = _labels(node.cells, phrases)
    for cell in node.cells:
        if cell.cell_type == "markdown":
            cell.source = _TEXT_LINK.sub(
                lambda found: f"[{labels.get(found[2], found[1])}](#{found[2]})", cell.source
            )
        for output in cell.get("outputs", []):
            if "text/html" in output.data:
                output.data["text/html"] = _numbered(_text(output.data["text/html"]), labels)
    if refer:
        _refer_to_shown(node.cells, labels, phrases)
    return node


def _labels(cells: Sequence[Any], phrases: Phrases) -> dict[str, str]:
    """What each table and figure is called, by its id: "Table 3"; where one stands twice, the same."""
    labels: dict[str, str] = {}
    count = {"T": 0, "F": 0}
    for found in (each for cell in cells for each in _ids(cell)):
        if found not in labels:
            count[found[0]] += 1
            labels[found] = phrases(f"page.{_KIND[found[0]]}_number", number=count[found[0]])
    return labels


def _ids(cell: Any) -> list[str]:
    texts = (_text(output.data.get("text/html", "")) for output in cell.get("outputs", []))
    return [found[1] for text in texts if (found := _SHOWN.match(text))]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(content)


def _numbered(html: str, labels: dict[str, str]) -> str:
    found = _SHOWN.match(html)
    if found:
        label = f'<span class="{NUMBERED}">{escape(labels[found[1]])}.</span> '
        html = _CAPTION[found[1][0]].sub(lambda caption: caption[0] + label, html, count=1)
    return _LINK.sub(
        lambda link: (
            link[1] + escape(labels.get(link[2], link[3])) + link[4] if link[2] in labels else link[3]
        ),
        html,
    )


def _refer_to_shown(cells: Sequence[Any], labels: dict[str, str], phrases: Phrases) -> None:
    sections: list[list[Any]] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and _SECTION.search(cell.source):
            sections.append([])
        sections[-1].append(cell)
    for section in sections:
        ids = list(dict.fromkeys(each for cell in section for each in _ids(cell)))
        texts = [
            output
            for cell in section
            for output in cell.get("outputs", [])
            if _SENTENCES.match(_text(output.data.get("text/html", "")))
        ]
        if ids and texts:
            what = phrases("page.see", what=phrases("page.see_between").join(_ranges(ids, labels)))
            html = _text(texts[0].data["text/html"]).rstrip().removesuffix("</div>").rstrip()
            texts[0].data["text/html"] = f'{html}\n<p class="see"><small>{what}</small></p>\n</div>'


def _ranges(ids: Sequence[str], labels: dict[str, str]) -> list[str]:
    """Links to figures and tables, those that follow each other as a range: "Figure 2", "Tables 4–7"."""
    parts = []
    for kind in ("F", "T"):
        runs: list[list[str]] = []
        order = [each for each in labels if each[0] == kind]
        for each in sorted((one for one in ids if one[0] == kind), key=order.index):
            if runs and order.index(each) == order.index(runs[-1][-1]) + 1:
                runs[-1].append(each)
            else:
                runs.append([each])
        for run in runs:
            first = f'<a href="#{run[0]}">{escape(labels[run[0]])}</a>'
            last = labels[run[-1]].rpartition(" ")[2]
            parts.append(first if len(run) == 1 else f'{first}–<a href="#{run[-1]}">{escape(last)}</a>')
    return parts
