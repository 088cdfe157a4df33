"""The contents of a page: an anchor at each of its main headings, and a list of links to them."""

import re
from html import escape, unescape

__all__ = ["PLACE", "with_contents"]

#: Where the list comes to stand in a page.
PLACE = "<!--contents-->"
#: With fewer headings there is no list.
FEWEST = 3
#: Up to so many the list is open; a longer one unfolds.
OPEN_UP_TO = 8
_HEADING = re.compile(r"<h2(?P<attributes>[^>]*)>(?P<text>.*?)</h2>", re.DOTALL)
_ID = re.compile(r'\sid="([^"]+)"')
_TAG = re.compile(r"<[^>]*>")
_LONGEST = 60


def with_contents(page: str, heading: str) -> str:
    """The page with anchors at its headings of the second level, and the list of them at its place.

    Parameters
    ----------
    page : str
        A whole page with :data:`PLACE` in it.
    heading : str
        What the list is called.

    Returns
    -------
    str
    """
    taken = set(_ID.findall(page))
    found: list[tuple[str, str]] = []

    def anchored(match: re.Match[str]) -> str:
        words = " ".join(unescape(_TAG.sub("", match["text"])).split())
        own = _ID.search(match["attributes"])
        anchor = own[1] if own else _anchor(words, taken)
        taken.add(anchor)
        found.append((anchor, words))
        return (
            match.group() if own else f'<h2 id="{escape(anchor)}"{match["attributes"]}>{match["text"]}</h2>'
        )

    before, main, rest = page.partition("<main")
    main = _HEADING.sub(anchored, main + rest)
    return before.replace(PLACE, _list(found, heading)) + main


def _list(found: list[tuple[str, str]], heading: str) -> str:
    if len(found) < FEWEST:
        return ""
    items = "\n".join(f'<li><a href="#{escape(anchor)}">{escape(words)}</a></li>' for anchor, words in found)
    is_open = " open" if len(found) <= OPEN_UP_TO else ""
    return (
        f'<nav class="contents" aria-label="{escape(heading)}">\n<details{is_open}>\n'
        f"<summary>{escape(heading)}</summary>\n<ol>\n{items}\n</ol>\n</details>\n</nav>"
    )


def _anchor(words: str, taken: set[str]) -> str:
    """A name for a heading made of its words, that nothing else on the page has."""
    name = re.sub(r"[^\w]+", "-", words.casefold()).strip("-")[:_LONGEST].rstrip("-") or "part"
    number = 1
    while (anchor := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return anchor
