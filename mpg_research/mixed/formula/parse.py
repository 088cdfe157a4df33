"""Formulas in lme4's language, parsed into terms; nothing in a formula can run code.

``score ~ months * organisation + (1 + months | family) + (1 | worker)`` becomes the response, a
tuple of fixed terms and a tuple of random terms. Functions come from a closed set
(:data:`FUNCTIONS`); whatever else looks like a call, an attribute or an index is an error.
"""

from functools import lru_cache

from mpg_research.errors import FormulaError
from mpg_research.mixed.formula.expressions import FUNCTIONS, constant_value
from mpg_research.mixed.formula.parsed_terms import ParsedFormula, RandomSpecification, Term, factor_name
from mpg_research.mixed.formula.parser import FormulaParser

__all__ = [
    "FUNCTIONS",
    "ParsedFormula",
    "RandomSpecification",
    "Term",
    "constant_value",
    "factor_name",
    "parse_formula",
]


def parse_formula(formula: str) -> ParsedFormula:
    """Parse a mixed-model formula.

    Parameters
    ----------
    formula : str
        ``response ~ fixed terms + (random terms | group) + ...``.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    FormulaError
        With the position of the token that is wrong or not allowed.

    Examples
    --------
    >>> parsed = parse_formula("score ~ months * arm + (1 + months | family)")
    >>> [term.name for term in parsed.fixed]
    ['1', 'months', 'arm', 'months:arm']
    """
    if not isinstance(formula, str):
        raise FormulaError(
            f"The formula must be text, such as 'score ~ months + (1 | family)'; found {formula!r}."
        )
    return _parse(formula)


@lru_cache(maxsize=128)
def _parse(formula: str) -> ParsedFormula:
    return FormulaParser(formula).parse()
