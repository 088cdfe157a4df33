"""Days and months as people write them in a language."""

from datetime import date

from mpg_research.languages import grammar_of

__all__ = ["format_day", "format_month"]


def format_day(day: date, language: str) -> str:
    """A day in words.

    Examples
    --------
    >>> format_day(date(2025, 6, 30), "nl"), format_day(date(2025, 6, 30), "en")
    ('30 juni 2025', '30 June 2025')
    """
    from babel.dates import format_date

    return str(format_date(day, "long", locale=grammar_of(language).locale))


def format_month(month: str, language: str) -> str:
    """A month in words, given as "2025-06".

    Examples
    --------
    >>> format_month("2022-01", "nl"), format_month("2022-01", "en")
    ('januari 2022', 'January 2022')
    """
    from babel.dates import format_skeleton

    day = date.fromisoformat(f"{month}-01")
    return str(format_skeleton("yMMMM", day, locale=grammar_of(language).locale))
