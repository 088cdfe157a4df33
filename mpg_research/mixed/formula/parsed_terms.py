"""What a formula says, taken apart: terms, random terms, and the whole."""

from dataclasses import dataclass, field

from mpg_research.mixed.formula.tokens import Expression, Name, Token, names_in, render

__all__ = ["ParsedFormula", "RandomSpecification", "Term", "factor_name"]


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors; the empty product is the intercept.

    Attributes
    ----------
    factors : tuple of Expression
        Columns or function calls, in the order written.
    key : frozenset of str
        What makes two terms the same: the set of their factors.
    """

    factors: tuple[Expression, ...]
    key: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", frozenset(render(factor) for factor in self.factors))

    @property
    def name(self) -> str:
        """The term as formulaic names it: ``months:organisation``; the intercept is ``1``."""
        return ":".join(factor_name(factor) for factor in self.factors) or "1"


@dataclass(frozen=True, slots=True)
class RandomSpecification:
    """One ``( terms | group )`` as written.

    Attributes
    ----------
    terms : tuple of Term
        The intercept, if present, is the empty term.
    group : tuple of str
        Columns whose combination is the grouping factor.
    correlated : bool
        False for ``||``.
    token : Token
        Where the group stands, for messages.
    """

    terms: tuple[Term, ...]
    group: tuple[str, ...]
    correlated: bool
    token: Token

    @property
    def group_name(self) -> str:
        """The grouping factor as shown in results: ``organisation:worker``."""
        return ":".join(self.group)


@dataclass(frozen=True, slots=True)
class ParsedFormula:
    """A formula taken apart.

    Attributes
    ----------
    text : str
        The formula as given.
    response : Expression
        Left of the tilde.
    fixed : tuple of Term
        Sorted by degree as in R: intercept, main effects, interactions.
    random : tuple of RandomSpecification
        In the order written, ``a/b`` already expanded.
    """

    text: str
    response: Expression
    fixed: tuple[Term, ...]
    random: tuple[RandomSpecification, ...]

    @property
    def columns(self) -> tuple[Name, ...]:
        """Every use of a data column, for checking against the data."""
        expressions = [self.response, *(factor for term in self.fixed for factor in term.factors)]
        for specification in self.random:
            expressions += [factor for term in specification.terms for factor in term.factors]
            expressions += [Name(column, specification.token) for column in specification.group]
        return tuple(name for expression in expressions for name in names_in(expression))


def factor_name(factor: Expression) -> str:
    """The name of a factor in results; a plain column stands without backticks."""
    return factor.name if isinstance(factor, Name) else render(factor)
