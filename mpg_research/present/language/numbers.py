"""Numbers as people read them in a language: its signs, a real minus sign, few digits.

Which sign separates decimals and thousands, how digits are grouped and where the percent sign stands comes
from Babel (Unicode's CLDR). Three things are ours: numbers are rounded before Babel sees them, as Python
rounds (2.675, which is stored a little lower, to 2.67); the minus is the minus sign and no hyphen; and what
is not known is a dash.
"""

import math
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from mpg_research.errors import ConfigError
from mpg_research.languages import grammar_of

if TYPE_CHECKING:
    from babel import Locale

__all__ = [
    "format_count",
    "format_df",
    "format_euros",
    "format_nonzero",
    "format_number",
    "format_p",
    "format_plain",
    "format_share",
    "format_time",
    "with_percent",
]

MINUS = "\N{MINUS SIGN}"
MISSING = "–"
#: Digits of the largest number there is, and some decimals.
_ALL_DIGITS = 330


def format_number(value: float, language: str, *, digits: int = 1) -> str:
    """A number with this many decimals; "–" where there is none.

    Examples
    --------
    >>> format_number(-4.149, "nl"), format_number(-4.149, "en"), format_number(-0.01, "en")
    ('−4,1', '−4.1', '0.0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    rounded = f"{abs(value):.{digits}f}"
    written = _written(rounded, language)
    return f"{MINUS}{written}" if value < 0 and rounded.strip("0.") else written


@lru_cache(maxsize=65536)
def _written(number: str, language: str) -> str:
    """A number that is not negative, with the decimals it has."""
    from babel.numbers import format_decimal

    rounded = Decimal(number)
    places = -int(rounded.as_tuple().exponent)
    pattern = f"#,##0.{'0' * places}" if places else "#,##0"
    with localcontext(prec=_ALL_DIGITS):  # an odds ratio may have seventy of them
        return format_decimal(rounded, format=pattern, locale=_locale(language))


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    name = grammar_of(language).locale
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        raise ConfigError(
            f"The language {language!r} has the locale {name!r}, which is not known; expected a name of CLDR "
            'such as "nl", "de_AT" or "pt_BR", in its language.toml.'
        ) from None


def with_percent(number: str, language: str) -> str:
    """A number that is written already, with the percent sign where the language has it.

    Examples
    --------
    >>> with_percent("12,5", "nl")
    '12,5%'
    """
    locale = _locale(language)
    pattern, sign = locale.percent_formats[None], locale.number_symbols["latn"]["percentSign"]
    before, after = (part[0].replace("%", sign) for part in (pattern.prefix, pattern.suffix))
    return f"{before}{number}{after}"


def format_plain(value: float, language: str) -> str:
    """A number with the decimals it has, six digits at most; nothing is added or taken away.

    Examples
    --------
    >>> format_plain(95.0, "nl"), format_plain(99.9, "nl"), format_plain(-0.5, "en")
    ('95', '99,9', '−0.5')
    """
    if not math.isfinite(value):
        return MISSING
    rounded = Decimal(f"{value:g}")
    digits = max(0, -int(rounded.as_tuple().exponent))
    return format_number(value, language, digits=digits)


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


def format_euros(value: float, language: str) -> str:
    """An amount in whole euros, with the sign where the language has it; it stays on one line.

    Examples
    --------
    >>> format_euros(-1100.4, "en").replace("\N{WORD JOINER}", ""), format_euros(1100.4, "nl").split()
    ('−€1,100', ['€', '1.100'])
    """
    from babel.numbers import format_currency

    if value is None or not math.isfinite(value):
        return MISSING
    locale = _locale(language)
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
    amount = Decimal(f"{value:.0f}")
    with localcontext(prec=_ALL_DIGITS):
        written = format_currency(abs(amount), "EUR", format=pattern, locale=locale, currency_digits=False)
    # A word joiner: no line ends between the minus and the sign of the euro.
    return f"{MINUS}\N{WORD JOINER}{written}" if amount < 0 else written


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
        return f">{with_percent(format_number(100 - step, language, digits=digits), language)}"
    if 0 < percent < step / 2:
        return f"<{with_percent(format_number(step, language, digits=digits), language)}"
    return with_percent(format_number(percent, language, digits=digits), language)


def format_p(value: float, language: str, *, with_sign: bool = False, alpha: float = 0.05) -> str:
    """A p-value: three decimals, "< .001" below that; the zero before the sign is a matter of language.

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
    text = text if grammar_of(language).zero_before_p else text.removeprefix("0")
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
