"""The numbers behind the figures of a page, gathered where a page folds them away below each figure."""

from dataclasses import replace

from mpg_research.reporting.documents.blocks import Block, Document, Picture, Table, blocks_within

__all__ = ["all_tables", "numbers_of_figures"]


def numbers_of_figures(document: Document) -> tuple[Block, ...]:
    """The tables behind the figures that do not stand in the text, each once.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    tuple of Block
    """
    in_text = {
        _cells(block) for block in blocks_within(document.body, folded=False) if isinstance(block, Table)
    }
    found: list[Block] = []
    for block in blocks_within(document.body):
        if not isinstance(block, Picture):
            continue
        for part in block.numbers:
            if isinstance(part, Table) and _cells(part) not in in_text:
                in_text.add(_cells(part))
                found.append(part if part.reference else replace(part, reference=block.reference))
    return tuple(found)


def all_tables(document: Document) -> tuple[Table, ...]:
    """Every table of a page once: those in the text, then those behind its figures.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    tuple of Table
    """
    seen: dict[object, Table] = {}
    for block in (*blocks_within(document.body, folded=False), *numbers_of_figures(document)):
        if isinstance(block, Table):
            seen.setdefault(_cells(block), block)
    return tuple(seen.values())


def _cells(table: Table) -> object:
    return table.caption, table.head, table.body
