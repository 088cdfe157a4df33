"""Each table and each general remark once on a page: where it stands already, a link leads to it."""

import re
from collections.abc import Mapping
from html import escape

__all__ = ["name_regions_apart", "say_once"]

_DETAILS = re.compile(r'<details class="numbers">(<summary\b.*?</summary>)(.*?)</details>', re.DOTALL)
_SHOWN = re.compile(r'<div class="shown"(?: id="([^"]+)")?>')
_TABLE = re.compile(r"<thead>.*?</tbody>", re.DOTALL)
_CAPTION = re.compile(r'<span class="caption-text">(.*?)(?: <small\b.*?)?</span></caption>', re.DOTALL)
_MARKS = re.compile(r'<details\b|</details>|<span class="general">(.*?)</span> ?', re.DOTALL)
_REGION = re.compile(r'(<[^<>]*\srole="region"[^<>]*\saria-label=")([^"]*)(")')
_EMPTY_NOTE = re.compile(r'<p class="table-note"><small>\s*</small></p>\n?')


def say_once(page: str, words: Mapping[str, str]) -> str:
    """Take away what stands on a page twice.

    Below a figure stand its numbers, folded; where the same table stands on the page by itself, a link to it
    takes their place. A remark that is true of all tables of the page ("a lower score is better") stands
    below the first of them.

    Parameters
    ----------
    page : str
        The whole page.
    words : mapping of str to str
        The fixed words of the page.

    Returns
    -------
    str
    """
    return _EMPTY_NOTE.sub("", _remarks_once(_tables_once(page, words)))


def _tables_once(page: str, words: Mapping[str, str]) -> str:
    folded = [(found.start(), found.end()) for found in _DETAILS.finditer(page)]
    visible: dict[str, str] = {}
    for found in _TABLE.finditer(page):
        if not any(start < found.start() < end for start, end in folded):
            before = [match[1] for match in _SHOWN.finditer(page, 0, found.start())]
            visible.setdefault(found.group(), before[-1] or "" if before else "")

    def once(found: re.Match[str]) -> str:
        table = _TABLE.search(found[2])
        anchor = visible.get(table.group()) if table else None
        if table is None or anchor is None:
            return found.group()
        caption = _CAPTION.search(found[2])
        name = caption[1] if caption else ""
        told = escape(words["numbers_above"]).replace("{table}", name)
        inside = f'<a href="#{escape(anchor)}">{told}</a>' if anchor else told
        return f'<p class="numbers">{inside}</p>'

    return _DETAILS.sub(once, page)


def _remarks_once(page: str) -> str:
    """General remarks where they are first read: those in what is folded count only where no other stands."""
    open_at, seen_open = 0, set[str]()
    for found in _MARKS.finditer(page):
        if found[1] is None:
            open_at += 1 if found.group() == "<details" else -1
        elif not open_at:
            seen_open.add(found[1])
    said = set[str]()
    depth = 0

    def once(found: re.Match[str]) -> str:
        nonlocal depth
        if found[1] is None:
            depth += 1 if found.group() == "<details" else -1
            return found.group()
        if found[1] in said or (depth and found[1] in seen_open):
            return ""
        said.add(found[1])
        return found.group()

    return _MARKS.sub(once, page)


def name_regions_apart(page: str) -> str:
    """Parts of a page that can be reached by their name get a number where another has the name already.

    Parameters
    ----------
    page : str
        The whole page.

    Returns
    -------
    str
    """
    seen: dict[str, int] = {}

    def named(found: re.Match[str]) -> str:
        name = found[2]
        seen[name] = seen.get(name, 0) + 1
        return found.group() if seen[name] == 1 else f"{found[1]}{name} ({seen[name]}){found[3]}"

    return _REGION.sub(named, page)
