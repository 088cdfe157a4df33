"""A part of a paper as a page shows it: passages with headings, and the works cited in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from mpg_research.present.paper.sources import Source, sources

__all__ = ["Passage", "PresentedPaper"]


@dataclass(frozen=True, slots=True)
class Passage:
    """Sentences under a heading, or a list of facts.

    Attributes
    ----------
    heading : str
        Before it, in bold; empty where it has none.
    sentences : tuple of str
        Plain sentences; nothing in them is HTML.
    """

    heading: str
    sentences: tuple[str, ...]

    @property
    def html(self) -> str:
        """One paragraph, escaped."""
        before = f"<strong>{escape(self.heading)}</strong> " if self.heading else ""
        return f"<p>{before}{escape(' '.join(self.sentences))}</p>"

    def __str__(self) -> str:
        return " ".join(([self.heading] if self.heading else []) + list(self.sentences))


@dataclass(frozen=True, slots=True)
class PresentedPaper:
    """Passages of a paper, with the works cited below them.

    Attributes
    ----------
    name, language : str
        What it is ("methods", "abstract", "citation"), and its language.
    passages : tuple of Passage
    cited : tuple of str
        What the works are called in ``sources.toml``.
    references : str
        What stands above the list of works.
    mark : str
        Short mark before the text ("Synthetic data"), or "".
    """

    name: str
    language: str
    passages: tuple[Passage, ...]
    cited: tuple[str, ...] = ()
    references: str = ""
    mark: str = ""

    @property
    def works(self) -> tuple[Source, ...]:
        """The works cited, in the order of a list of references."""
        return tuple(sorted((sources()[key] for key in set(self.cited)), key=lambda each: each.order))

    @property
    def html(self) -> str:
        """The passages, and the references as a list."""
        parts = [passage.html for passage in self.passages if passage.sentences]
        if self.mark and parts:
            parts.insert(0, f'<p class="synthetic-mark"><small>{escape(self.mark)}</small></p>')
        if self.works:
            items = "\n".join(f"<li>{work.html}</li>" for work in self.works)
            parts.append(f"<p><strong>{escape(self.references)}</strong></p>")
            parts.append(f'<ul class="references">\n{items}\n</ul>')
        body = "\n".join(parts)
        return f'<div class="mpg-text {self.name}" id="{self.name}" lang="{self.language}">\n{body}\n</div>'

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": str(self)}

    def __str__(self) -> str:
        lines: Iterable[str] = [str(passage) for passage in self.passages if passage.sentences]
        works = [self.references, *(work.text for work in self.works)] if self.works else []
        return "\n\n".join([*([self.mark] if self.mark else []), *lines, *works])
