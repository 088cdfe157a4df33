"""What a page consists of, apart from how it looks: headings, paragraphs, lists, tables, pictures, boxes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = [
    "Block",
    "Box",
    "Cell",
    "Document",
    "Heading",
    "Listing",
    "Paragraph",
    "Picture",
    "Run",
    "Table",
    "blocks_within",
    "plain",
]


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text that looks the same throughout.

    Attributes
    ----------
    text : str
        As it is read.
    bold, italic, code : bool
        How it is set.
    link : str
        Where it leads to; empty for text that is no link.
    """

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    link: str = ""


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title of the page and stands in the document's own fields."""

    level: int
    runs: Runs


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. ``kind`` is what the page calls it ("table-note"), or empty for plain text."""

    runs: Runs
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, numbered or not; each item holds blocks of its own."""

    items: tuple[tuple["Block", ...], ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    text: str
    is_head: bool = False
    is_number: bool = False
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table with what stands around it.

    Attributes
    ----------
    caption : str
        Above it.
    head, body : tuple of tuple of Cell
        Its rows, those at the top apart.
    own : tuple of bool
        Which rows of the body are about the reader.
    size : {"", "wide", "very-wide"}
        How much room it needs.
    notes : tuple of str
        Below it.
    reference : str
        Its id, with the word before it.
    """

    caption: str
    head: tuple[tuple[Cell, ...], ...]
    body: tuple[tuple[Cell, ...], ...]
    own: tuple[bool, ...] = ()
    size: str = ""
    notes: tuple[str, ...] = ()
    reference: str = ""

    @property
    def n_columns(self) -> int:
        """Columns of the widest row."""
        return max((sum(cell.columns for cell in row) for row in (*self.head, *self.body)), default=0)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its description, its caption and its numbers.

    Attributes
    ----------
    svg : str
        The picture, a whole SVG file.
    alt : str
        Its description for those who do not see it.
    caption : tuple of Run
        Below it.
    numbers : tuple of Block
        What the page folds away below it: as a rule one table.
    reference : str
        Its id, with the word before it.
    is_narrow : bool
        Whether its caption has room beside it.
    """

    svg: str
    alt: str
    caption: Runs = ()
    numbers: tuple["Block", ...] = ()
    reference: str = ""
    is_narrow: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """Blocks that stand together, set off from the text; ``kind`` is what the page calls it."""

    blocks: tuple["Block", ...]
    kind: str = ""


Block = Heading | Paragraph | Listing | Table | Picture | Box


@dataclass(frozen=True, slots=True)
class Document:
    """A page as it was read.

    Attributes
    ----------
    language : str
        Its language.
    title, full_title : str
        Its main heading, and its title with study and recipient.
    head : tuple of Block
        What stands above the text: warnings, study, recipient.
    body : tuple of Block
        The text.
    foot : tuple of Block
        What stands at the end.
    words : dict of str to str
        The fixed words that a writer needs, in the page's language.
    """

    language: str
    title: str
    full_title: str
    head: tuple[Block, ...]
    body: tuple[Block, ...]
    foot: tuple[Block, ...]
    words: dict[str, str] = field(default_factory=dict)


def plain(runs: Runs) -> str:
    """The text of runs, without how it is set."""
    return "".join(run.text for run in runs).strip()


def blocks_within(blocks: tuple[Block, ...], *, folded: bool = True) -> Iterator[Block]:
    """Every block, those inside others after the one that holds them.

    Parameters
    ----------
    blocks : tuple of Block
        Of a document or of a part of it.
    folded : bool
        Whether with the numbers that the page folds away below figures.

    Yields
    ------
    Block
    """
    for block in blocks:
        yield block
        if isinstance(block, Box):
            yield from blocks_within(block.blocks, folded=folded)
        elif isinstance(block, Listing):
            for item in block.items:
                yield from blocks_within(item, folded=folded)
        elif isinstance(block, Picture) and folded:
            yield from blocks_within(block.numbers)
