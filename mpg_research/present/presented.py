"""What a reader gets: a table, a figure or a text, each able to show and to save itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from mpg_research.writing import write_atomically

__all__ = ["PresentedFigure", "PresentedTable", "PresentedText", "SaidRule"]


@dataclass(frozen=True, slots=True)
class SaidRule:
    """A rule of disclosure that hid or rounded something, in words.

    Attributes
    ----------
    code : str
        Which rule.
    name : str
        What it is called below a table.
    text : str
        What it does, and which setting governs it.
    """

    code: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PresentedTable:
    """A table as accessible HTML and as CSV.

    Attributes
    ----------
    name : str
        Name of the table; the file is called after it.
    language : str
        Language of the words in it.
    html : str
        Caption, header cells with scope, notes below. Everything from data is escaped.
    csv : str
        The same rows unrounded: decimal point, withheld cells empty, and a column ``suppressed``.
    text : str
        The table as plain text.
    caption : str
        What it is about, in a line.
    rules : tuple of SaidRule
        By which rules cells of it are hidden or rounded.
    """

    name: str
    language: str
    html: str
    csv: str
    text: str
    caption: str = ""
    rules: tuple[SaidRule, ...] = ()

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Write ``<name>.csv`` into the folder (made if need be), each file at once or not at all.

        Parameters
        ----------
        folder : str or Path
            Made where it is not there.

        Returns
        -------
        tuple of Path
            The files written.
        """
        return (write_atomically(Path(folder) / f"{self.name}.csv", self.csv.encode("utf-8"), durable=False),)

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class PresentedFigure:
    """A figure with its description and its numbers.

    Attributes
    ----------
    name, language : str
        Name of the figure and language of the words in it.
    svg : bytes
        The picture, a whole SVG file; the same bytes in every run on the same numbers.
    title, caption, alt : str
        Title, explanation below, and the description for those who do not see it, made from the numbers.
    data : PresentedTable
        The numbers in the picture.
    data_label : str
        What stands above these numbers in a page.
    make_png : callable
        Draws the picture as PNG.
    general : tuple of str
        Sentences of the caption that are true of other figures too: a page says them once.
    """

    name: str
    language: str
    svg: bytes
    title: str
    caption: str
    alt: str
    data: PresentedTable
    data_label: str
    make_png: Callable[[], bytes] = field(repr=False, compare=False)
    general: tuple[str, ...] = ()

    @property
    def png(self) -> bytes:
        """The picture as PNG, drawn when it is asked for; no page shows it."""
        return self.make_png()

    @property
    def html(self) -> str:
        """The figure with its description, caption and its numbers in a fold-out table."""
        return (
            f'<figure class="mpg-figure" lang="{self.language}">\n'
            f'<div class="picture" role="region" tabindex="0" aria-label="{escape(self.title)}">'
            f"{self.svg.decode('utf-8').strip()}</div>\n"
            f"<figcaption>{self._caption()}</figcaption>\n"
            f'<details class="numbers"><summary data-file="{escape(self.data.name)}.csv">'
            f"{escape(self.data_label)}</summary>\n{self.data.html}\n</details>\n</figure>"
        )

    def _caption(self) -> str:
        written = escape(self.caption)
        for sentence in map(escape, self.general):
            written = written.replace(sentence, f'<span class="general">{sentence}</span>')
        return written

    def save(self, folder: str | Path, *, png: bool = False) -> tuple[Path, ...]:
        """Write ``<name>.svg`` and ``.csv`` into the folder.

        Parameters
        ----------
        folder : str or Path
            Made where it is not there.
        png : bool
            Write ``<name>.png`` as well.

        Returns
        -------
        tuple of Path
            The files written.
        """
        base = Path(folder)
        contents = {"svg": self.svg, "csv": self.data.csv.encode("utf-8")}
        if png:
            contents["png"] = self.png
        return tuple(
            write_atomically(base / f"{self.name}.{kind}", content, durable=False)
            for kind, content in contents.items()
        )

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": str(self)}

    def __str__(self) -> str:
        return f"{self.title}\n{self.alt}\n{self.caption}"


@dataclass(frozen=True, slots=True)
class PresentedText:
    """Sentences, in paragraphs.

    Attributes
    ----------
    name, language : str
        What the text is about, and its language.
    paragraphs : tuple of tuple of str
        Plain sentences; nothing in them is HTML.
    mark : str
        Short mark before the text ("Synthetic data"), or "".
    shows_numbers : bool
        False for a text that stands in place of numbers that may not be shown.
    is_list : bool
        Whether the sentences stand beside each other rather than follow from each other.
    caption : str
        What it stands in place of, in a line.
    rules : tuple of SaidRule
        By which rules that is not shown.
    why : str
        Why that is not shown, and which setting would show it; with it, several such texts can be told as
        one.
    """

    name: str
    language: str
    paragraphs: tuple[tuple[str, ...], ...]
    mark: str = ""
    shows_numbers: bool = True
    is_list: bool = False
    caption: str = ""
    rules: tuple[SaidRule, ...] = ()
    why: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences in order."""
        return tuple(sentence for paragraph in self.paragraphs for sentence in paragraph)

    @property
    def html(self) -> str:
        """The paragraphs, escaped."""
        parts = [f"<p>{escape(' '.join(paragraph))}</p>" for paragraph in self.paragraphs if paragraph]
        if self.is_list and len(self.sentences) > 1:
            items = "\n".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
            parts = [f"<ul>\n{items}\n</ul>"]
        if self.mark and parts:
            parts.insert(0, f'<p class="synthetic-mark"><small>{escape(self.mark)}</small></p>')
        kind = "mpg-text" if self.shows_numbers else "mpg-text not-shown"
        told = f' data-what="{escape(self.caption)}" data-why="{escape(self.why)}"' if self.why else ""
        return f'<div class="{kind}" lang="{self.language}"{told}>\n' + "\n".join(parts) + "\n</div>"

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Write ``<name>.txt`` into the folder.

        Parameters
        ----------
        folder : str or Path
            Made where it is not there.

        Returns
        -------
        tuple of Path
            The files written.
        """
        return (write_atomically(Path(folder) / f"{self.name}.txt", (str(self) + "\n").encode("utf-8")),)

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": str(self)}

    def __str__(self) -> str:
        return join_paragraphs([self.mark] if self.mark else [], *self.paragraphs)


def join_paragraphs(*paragraphs: Iterable[str]) -> str:
    """Paragraphs of sentences as plain text."""
    return "\n\n".join(" ".join(sentences) for sentences in map(list, paragraphs) if sentences)
