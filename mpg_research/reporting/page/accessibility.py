"""The last look at a page before it is published: can everybody read it, and does it do nothing else?

Checked: language, title, exactly one ``<h1>``, heading order, unique ids, alternative text of every
picture, caption and header scope of every table, no header cell without words; that all text stands in
landmarks, that each region has a name of its own, and that whatever scrolls can be reached with the keyboard;
no scripts, event attributes, frames or forms, and nothing that is loaded from anywhere. (A list of what this
check looks at, not a certificate; ``tests/reporting/page/axe_core.py`` asks axe-core.)
"""

import base64
import binascii
import re
from html.parser import HTMLParser
from urllib.parse import unquote

__all__ = ["inspect_page"]

_FORBIDDEN = {"script", "iframe", "object", "embed", "form", "base", "link", "frame", "applet", "portal"}
_LOADING = {"src", "srcset", "poster", "data", "background", "action", "formaction", "xlink:href"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_VOID = {"area", "br", "col", "hr", "img", "input", "meta", "source", "track", "wbr"}
_CSS_LOAD = re.compile(r"@import|url\(\s*['\"]?\s*(?!#|data:)", re.IGNORECASE)
_LANDMARKS = {"header", "main", "footer", "nav", "aside"}
_ROLES = {"region", "banner", "main", "contentinfo", "navigation", "complementary", "alert", "status"}
#: Columns from which a table may be wider than a narrow screen.
_MANY_COLUMNS = 3
_SAFE_LINK = re.compile(r"^(#|https?://|mailto:|[^:]*$)", re.IGNORECASE)
_DATA_IMAGE = re.compile(r"^data:image/(png|jpeg|svg\+xml)[;,]", re.IGNORECASE)


def inspect_page(html: str, *, language: str = "") -> tuple[str, ...]:
    """Everything that keeps a page from being published.

    Parameters
    ----------
    html : str
        The whole page.
    language : str, optional
        Language the page should declare; empty accepts any.

    Returns
    -------
    tuple of str
        One sentence per finding; empty when the page is in order.

    Examples
    --------
    >>> inspect_page("<!doctype html><html lang='en'><title>T</title><h1>T</h1><img src='x.png'>")
    ("line 1: <img> loads 'x.png'; a page holds everything itself", 'line 1: <img> has no alternative text')
    """
    inspector = _Inspector(language)
    inspector.feed(html)
    inspector.close()
    return inspector.conclude()


class _Inspector(HTMLParser):
    def __init__(self, language: str) -> None:
        super().__init__(convert_charrefs=True)
        self.language = language
        self.findings: list[str] = []
        self.ids: set[str] = set()
        self.headings: list[int] = []
        self.titles: list[str] = []
        self.declared: str | None = None
        self.tables: list[dict[str, bool]] = []
        self.pictures: list[bool] = []
        self.open: list[str] = []
        self.landmarks: list[bool] = []
        self.regions: set[str] = set()
        self.scrolling: list[bool] = []
        self.columns = 0
        self.header_text: str | None = None
        self.is_outside = False

    def find(self, text: str) -> None:
        self.findings.append(f"line {self.getpos()[0]}: {text}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self.open.append(tag)
            self.landmarks.append(
                tag in _LANDMARKS
                or values.get("role") in _ROLES
                or values.get("aria-hidden") == "true"
                or "skip" in values.get("class", "").split()
            )
        if tag in _FORBIDDEN:
            self.find(f"<{tag}> is not allowed in a report")
        self._look_at_attributes(tag, values)
        self._look_at_region(tag, values)
        if tag == "html":
            self.declared = values.get("lang", "")
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.find("the page sends its reader elsewhere (<meta refresh>)")
        elif tag == "title" and "svg" not in self.open:
            self.titles.append("")
        elif tag in _HEADINGS:
            self._look_at_heading(_HEADINGS[tag])
        elif tag == "img":
            if "alt" not in values or (not values["alt"].strip() and values.get("role") != "presentation"):
                self.find("<img> has no alternative text")
        elif tag == "svg":
            hidden = values.get("aria-hidden") == "true"
            self.pictures.append(hidden or bool(values.get("aria-label") or values.get("aria-labelledby")))
        elif tag == "title" and self.pictures:
            self.pictures[-1] = True
        self._look_at_table_part(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag == "th" and self.header_text is not None:
            if not self.header_text.strip():
                self.find("a header cell (<th>) has no words; where it heads nothing, it is a plain cell")
            self.header_text = None
        if tag in self.open:
            closed = ""
            while closed != tag:
                closed = self.open.pop()
                self.landmarks.pop()
        if tag == "table" and self.tables:
            table = self.tables.pop()
            if not table["caption"]:
                self.find("a table has no caption")
            if not table["header"]:
                self.find("a table has no header cells")
            if self.columns >= _MANY_COLUMNS and self.scrolling and not self.scrolling[-1]:
                self.find("a table that may scroll cannot be reached with the keyboard (tabindex)")
            self.scrolling.clear()
        elif tag == "svg" and self.pictures and not self.pictures.pop():
            self.find("a picture (<svg>) has no name for those who cannot see it")

    def handle_data(self, data: str) -> None:
        if self.header_text is not None:
            self.header_text += data
        if data.strip() and "body" in self.open and not any(self.landmarks) and not self.is_outside:
            self.is_outside = True
            self.find(f"text stands outside header, main and footer: {data.strip()[:40]!r}")
        if self.open and self.open[-1] == "title" and "svg" not in self.open and self.titles:
            self.titles[-1] += data
        if self.open and self.open[-1] == "style" and _CSS_LOAD.search(data):
            self.find("the style sheet loads something from outside")

    def _look_at_attributes(self, tag: str, values: dict[str, str]) -> None:
        for name, value in values.items():
            squeezed = re.sub(r"[\x00-\x20]", "", value).lower()
            if name.startswith("on"):
                self.find(f"<{tag}> has the event attribute {name!r}")
            elif name == "style" and _CSS_LOAD.search(value):
                self.find(f"the style of <{tag}> loads something from outside")
            elif name in _LOADING or (name == "href" and tag in {"use", "image", "link", "feimage"}):
                self._look_at_load(tag, value)
            elif name == "href" and not _SAFE_LINK.match(squeezed):
                self.find(f"<{tag}> links to {value[:40]!r}")
            elif squeezed.startswith(("javascript:", "vbscript:")):
                self.find(f"<{tag}> holds a script in its attribute {name!r}")
            elif name == "id":
                if value in self.ids:
                    self.find(f"the id {value!r} occurs more than once")
                self.ids.add(value)

    def _look_at_region(self, tag: str, values: dict[str, str]) -> None:
        """Regions have a name each; what scrolls sideways can be reached with the keyboard."""
        kinds = set(values.get("class", "").split())
        is_reached = values.get("tabindex") == "0"
        if values.get("role") == "region":
            name = values.get("aria-label", "").strip()
            if not name:
                self.find(f"<{tag}> is a region without a name (aria-label)")
            elif name in self.regions:
                self.find(f"two regions have the name {name[:60]!r}")
            self.regions.add(name)
        if "picture" in kinds and not is_reached:
            self.find("a figure that may scroll cannot be reached with the keyboard (tabindex)")
        if "scroll" in kinds:
            self.scrolling.append(is_reached)

    def _look_at_load(self, tag: str, value: str) -> None:
        if value.startswith("#"):
            return
        if not _DATA_IMAGE.match(value):
            self.find(f"<{tag}> loads {value[:60]!r}; a page holds everything itself")
        elif value.lower().startswith("data:image/svg") and re.search(
            r"<script|\son\w+\s*=|javascript:", embedded_text(value), re.IGNORECASE
        ):
            self.find(f"the picture in <{tag}> holds a script")

    def _look_at_heading(self, level: int) -> None:
        if self.headings and level > self.headings[-1] + 1:
            self.find(f"a heading of level {level} follows one of level {self.headings[-1]}")
        elif not self.headings and level != 1:
            self.find(f"the first heading is of level {level}, not 1")
        self.headings.append(level)

    def _look_at_table_part(self, tag: str, values: dict[str, str]) -> None:
        if tag == "table":
            self.tables.append({"caption": False, "header": False})
            self.columns = 0
        elif tag == "caption" and self.tables:
            self.tables[-1]["caption"] = True
        elif tag == "th" and self.tables:
            self.header_text = ""
            self.tables[-1]["header"] = True
            self.columns += values.get("scope") == "col"
            if values.get("scope") not in {"col", "row", "colgroup", "rowgroup"}:
                self.find("a header cell (<th>) does not say whether it heads a row or a column")

    def conclude(self) -> tuple[str, ...]:
        if not self.declared:
            self.findings.append("the page does not say its language (<html lang>)")
        elif self.language and self.declared != self.language:
            self.findings.append(f"the page says its language is {self.declared!r}, not {self.language!r}")
        if not any(title.strip() for title in self.titles):
            self.findings.append("the page has no title")
        if self.headings.count(1) != 1:
            self.findings.append(f"the page has {self.headings.count(1)} main headings (<h1>), not one")
        return tuple(self.findings)


def embedded_text(uri: str) -> str:
    """The text inside a ``data:`` address, or an empty text where it holds none."""
    header, _, body = uri.partition(",")
    if not header.lower().endswith(";base64"):
        return unquote(body)
    try:
        return base64.b64decode(body, validate=False).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return ""
