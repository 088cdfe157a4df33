"""Numbers as people read them: decimal comma in Dutch, a real minus sign, few digits."""

import math

__all__ = [
    "format_count",
    "format_df",
    "format_nonzero",
    "format_number",
    "format_p",
    "format_share",
    "format_time",
]

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


def format_nonzero(value: float, language: str, *, digits: int = 1, more: int = 2) -> str:
    """A number that is not shown as zero where it is not: up to ``more`` decimals more, then "<0.001".

    Examples
    --------
    >>> format_nonzero(-4.149, "en"), format_nonzero(0.03, "nl"), format_nonzero(0.00002, "en")
    ('−4.1', '0,03', '<0.001')
    """
    zero = {format_number(0.0, language, digits=each) for each in range(digits, digits + more + 1)}
    texts = [format_number(value, language, digits=each) for each in range(digits, digits + more + 1)]
    found = next((text for text in texts if text not in zero), None)
    if found is not None or value == 0:
        return texts[0] if found is None else found
    least = format_number(10.0 ** -(digits + more), language, digits=digits + more)
    return f">{MINUS}{least}" if value < 0 else f"<{least}"


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


def format_p(value: float, language: str, *, with_sign: bool = False, alpha: float = 0.05) -> str:
    """A p-value: three decimals, "< .001" below that; English without the leading zero.

    Where rounding would put it on the other side of ``alpha``, or on it, it gets more decimals, so that the
    number agrees with the decision beside it.

    Examples
    --------
    >>> format_p(0.0004, "nl"), format_p(0.174, "en"), format_p(0.174, "nl", with_sign=True)
    ('< 0,001', '.174', '= 0,174')
    >>> format_p(0.04996, "en"), format_p(0.0504, "nl"), format_p(0.05 - 1e-9, "en", with_sign=True)
    ('.04996', '0,0504', '< .05')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    small, large = value < 0.001, value > 0.999
    shown, sign = 0.001 if small else min(value, 0.999), "< " if small else "> " if large else ""
    digits = 3
    if not small and not large and value != alpha:
        while digits < 7 and (round(value, digits) < alpha) != (value < alpha):
            digits += 1
        while digits < 7 and round(value, digits) == alpha:
            digits += 1
        if digits == 7:
            shown, sign = alpha, "< " if value < alpha else "> "
            digits = next(places for places in range(2, 8) if places == 7 or round(alpha, places) == alpha)
    text = format_number(shown, language, digits=digits)
    text = text.removeprefix("0") if language == "en" else text
    return f"{sign or ('= ' if with_sign else '')}{text}"


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
