"""A numpydoc docstring as Markdown."""

import re
from collections.abc import Iterator

__all__ = ["as_markdown", "inline", "sections_of"]

_RULE = re.compile(r"-{3,}")
_TITLE = re.compile(r"\w[\w ]*")
_ROLE = re.compile(r":(?:\w+:)?(?:func|class|mod|meth|data|attr|exc):`~?([\w.]+)`")
#: Sections whose lines are names, each with what is said of it below it.
_NAMED = {"Parameters", "Attributes", "Returns", "Yields", "Raises", "Other Parameters"}


def inline(text: str) -> str:
    """Marks of reStructuredText as those of Markdown: roles and doubled backticks become code."""
    text = _ROLE.sub(lambda found: f"`{found.group(1).removeprefix('mpg_research.')}`", text)
    return re.sub(r"``([^`]+)``", lambda found: f"`{' '.join(found.group(1).split())}`", text)


def sections_of(docstring: str) -> list[tuple[str, list[str]]]:
    """The sections of a docstring with their lines; the first has no title."""
    lines = docstring.splitlines()
    found: list[tuple[str, list[str]]] = [("", [])]
    skip = False
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if skip:
            skip = False
        elif _RULE.fullmatch(below) and _TITLE.fullmatch(line):
            found.append((line, []))
            skip = True
        else:
            found[-1][1].append(line)
    return found


def as_markdown(docstring: str) -> str:
    """The whole docstring, its sections as small headings in bold.

    Parameters
    ----------
    docstring : str
        As :func:`inspect.getdoc` gives it.

    Returns
    -------
    str
        Markdown.
    """
    parts = []
    for title, lines in sections_of(inline(docstring)):
        body = "\n".join(_named(lines) if title in _NAMED else _text(lines)).strip()
        if title and body:
            parts.append(f"**{title}**")
        if body:
            parts.append(body)
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts))


def _named(lines: list[str]) -> Iterator[str]:
    """Names as a list, what is said of each behind it."""
    entries: list[tuple[str, list[str]]] = []
    for line in lines:
        if line and not line.startswith(" "):
            entries.append((line, []))
        elif entries:
            entries[-1][1].append(line.removeprefix("    "))
    for head, said in entries:
        name, colon, kind = head.partition(" : ")
        about = f" ({kind})" if colon else ""
        body = list(_text(said))
        while body and not body[0]:
            body.pop(0)
        first = body[0] if body and not body[0].startswith(("- ", "```")) else ""
        rest = body[1:] if first else body
        shown = name if "`" in name else f"`{name}`"
        yield f"- **{shown}**{about}" + (f": {first}" if first else "")
        yield from (f"    {line}" if line else "" for line in rest)


def _text(lines: list[str]) -> Iterator[str]:
    """Running text; examples and literal blocks become fenced code."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(">>> "):
            end = at
            while end < len(lines) and lines[end].strip():
                end += 1
            yield from ("", "```pycon", *lines[at:end], "```", "")
            at = end
        elif line.rstrip().endswith("::"):
            end = at + 1
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith("  ")):
                end += 1
            block = [each.removeprefix("    ") for each in lines[at + 1 : end]]
            yield line.rstrip()[:-1]
            yield from ("", "```", *"\n".join(block).strip("\n").splitlines(), "```", "")
            at = end
        else:
            starts_list = line.startswith("- ") and at and lines[at - 1] and not _in_list(lines, at - 1)
            if starts_list:
                yield ""
            yield line
            at += 1


def _in_list(lines: list[str], at: int) -> bool:
    """Whether a line belongs to a list that began above it."""
    while at >= 0 and lines[at]:
        if lines[at].startswith("- "):
            return True
        at -= 1
    return False
