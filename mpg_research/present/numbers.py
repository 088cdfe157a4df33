"""Numbers as people read them: decimal comma in Dutch, a real minus sign, few digits."""

import math

__all__ = ["format_count", "format_df", "format_number", "format_p", "format_share", "format_time"]

MINUS = "\N{MINUS SIGN}"
SEPARATORS = {"nl": (".", ","), "en": (",", ".")}
MISSING = "–"


def format_number(value: float, language: str, *, digits: int = 1) -> str:
    """A number with this many decimals; "–" where there is none.

    Examples
    --------
    >>> format_number(-4.149, "nl"), format_number(-4.149, "en"), format_number(-0.01, "en")
    ('−4,1', '−4.1', '0.0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    thousands, decimal = SEPARATORS[language]
    text = f"{abs(value):,.{digits}f}".replace(",", " ").replace(".", decimal).replace(" ", thousands)
    is_zero = not text.strip(f"0{decimal}{thousands}")
    return f"{MINUS}{text}" if value < 0 and not is_zero else text


def format_count(value: float, language: str) -> str:
    """A count: whole, with a separator of thousands."""
    return format_number(value, language, digits=0)


def format_share(value: float, language: str, *, digits: int = 0) -> str:
    """A share as a percentage, "98%"; never rounded up to 100% or down to 0% when it is not.

    Examples
    --------
    >>> format_share(0.9996, "en"), format_share(0.5, "nl")
    ('>99%', '50%')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    step = 10.0**-digits
    percent = 100 * value
    if 100 - step / 2 <= percent < 100:
        return f">{format_number(100 - step, language, digits=digits)}%"
    if 0 < percent < step / 2:
        return f"<{format_number(step, language, digits=digits)}%"
    return f"{format_number(percent, language, digits=digits)}%"


def format_p(value: float, language: str, *, with_sign: bool = False) -> str:
    """A p-value: three decimals, "< .001" below that; English without the leading zero.

    Examples
    --------
    >>> format_p(0.0004, "nl"), format_p(0.174, "en"), format_p(0.174, "nl", with_sign=True)
    ('< 0,001', '.174', '= 0,174')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    small = value < 0.001
    text = format_number(0.001 if small else min(value, 0.999), language, digits=3)
    text = text.removeprefix("0") if language == "en" else text
    sign = "< " if small else ("> " if value > 0.999 else ("= " if with_sign else ""))
    return f"{sign}{text}"


def format_df(value: float, language: str) -> str:
    """Degrees of freedom: one decimal where they are not whole, the sign of infinity for infinite ones."""
    if value is not None and math.isinf(value):
        return "∞"
    whole = value is not None and math.isfinite(value) and abs(value - round(value)) < 0.05
    return format_number(value, language, digits=0 if whole else 1)


def format_time(value: float, language: str) -> str:
    """A moment in months or waves: decimals only where it is not whole."""
    whole = math.isfinite(value) and abs(value - round(value)) < 1e-9
    return format_number(value, language, digits=0 if whole else 1)
