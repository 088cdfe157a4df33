"""Whether a released table has a number to speak of."""

from mpg_research.present.language.voice import Voice

__all__ = ["is_known"]


def is_known(voice: Voice, table: str, column: str) -> bool:
    """Whether a shown table has a number in a column.

    Parameters
    ----------
    voice : Voice
        Of a released result.
    table, column : str
        Which.
    """
    rows = voice.frame(table)
    return column in rows and bool(rows[column].notna().any())
