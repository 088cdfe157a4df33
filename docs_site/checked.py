"""Reading a built site: every link leads somewhere, and nothing is loaded from another machine."""

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["faults_of"]

#: What a browser fetches by itself when it opens a page.
_LOADS = {
    ("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"),
    ("embed", "src"), ("object", "data"),
}  # fmt: skip
_LOADING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "prefetch", "dns-prefetch", "manifest"}


class _Page(HTMLParser):
    """The links, what is loaded and the anchors of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        for name, value in given.items():
            if (tag, name) in _LOADS or (tag == "link" and name == "href" and _is_loaded(given)):
                self.loads.append(value)
            elif tag == "a" and name == "href":
                self.links.append(value)


def _is_loaded(given: dict[str, str]) -> bool:
    return bool(_LOADING_LINKS & set(given.get("rel", "").lower().split()))


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def faults_of(site: Path, *, also: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with the pages of a site, a line each.

    Parameters
    ----------
    site : Path
        The folder of the site.
    also : tuple of str
        Folders in it whose pages are not the site's own (reports as they came): of those only what they load
        is looked at.

    Returns
    -------
    list of str
    """
    found = []
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        page = _read(path)
        found += [f"{name} loads {target}" for target in page.loads if _is_elsewhere(target)]
        inside = [target for target in page.loads if not _is_elsewhere(target)]
        if not name.startswith(also) and name != "404.html":
            inside += [target for target in page.links if not _is_elsewhere(target)]
        found += list(_broken(name, path, inside))
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        if "@import" in text or "url(http" in text or "url(//" in text:
            found.append(f"{path.relative_to(site).as_posix()} loads from elsewhere")
    return found


def _is_elsewhere(target: str) -> bool:
    parts = urlsplit(target)
    return bool(parts.netloc) or parts.scheme in {"http", "https", "mailto"}


def _broken(name: str, path: Path, targets: list[str]) -> Iterator[str]:
    for target in dict.fromkeys(targets):
        parts = urlsplit(target)
        if parts.scheme in {"data", "javascript"}:
            continue
        there = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
        there = there / "index.html" if there.is_dir() else there
        if not there.is_file():
            yield f"{name} links to {target}, which is not there"
        elif (
            parts.fragment and there.suffix == ".html" and unquote(parts.fragment) not in _read(there).anchors
        ):
            yield f"{name} links to {target}: the page has no such place"
