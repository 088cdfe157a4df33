"""Formulas in lme4's language, parsed into terms; nothing in a formula can run code.

``score ~ months * organisation + (1 + months | family) + (1 | worker)`` becomes the response, a
tuple of fixed terms and a tuple of random terms. Functions come from a closed set
(:data:`FUNCTIONS`); whatever else looks like a call, an attribute or an index is an error.
"""

from dataclasses import dataclass
from functools import lru_cache

from mpg_research.mixed.tokens import (
    Binary,
    Call,
    Expression,
    Name,
    Number,
    Text,
    Token,
    Unary,
    fail,
    names_in,
    render,
    tokenize,
)

__all__ = ["FUNCTIONS", "ParsedFormula", "RandomSpecification", "Term", "parse_formula"]

#: Functions that give one number per row and may stand inside other expressions.
ARITHMETIC_FUNCTIONS = frozenset(
    {"I", "abs", "center", "cos", "exp", "log", "log10", "log1p", "log2", "scale", "sin", "sqrt"}
)
#: Functions that give several columns; they stand on their own in a term.
BASIS_FUNCTIONS = frozenset({"C", "bs", "cr", "poly"})
#: The closed set: no other function can be called from a formula.
FUNCTIONS = ARITHMETIC_FUNCTIONS | BASIS_FUNCTIONS
#: Contrast codings that may stand inside C().
CODINGS = frozenset({"Sum", "Treatment"})

#: Options of a function after its column, in order.
OPTIONS = {
    "bs": ("df", "degree"),
    "center": (),
    "cr": ("df",),
    "poly": ("degree", "raw"),
    "scale": ("center", "scale"),
}
_WORDS = {"True": True, "TRUE": True, "False": False, "FALSE": False}
_MAXIMUM_DEPTH = 60
_MAXIMUM_TERMS = 2_000


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors; the empty product is the intercept.

    Attributes
    ----------
    factors : tuple of Expression
        Columns or function calls, in the order written.
    """

    factors: tuple[Expression, ...]

    @property
    def name(self) -> str:
        """The term as formulaic names it: ``months:organisation``; the intercept is ``1``."""
        return ":".join(factor_name(factor) for factor in self.factors) or "1"

    @property
    def key(self) -> frozenset[str]:
        """What makes two terms the same: the set of their factors."""
        return frozenset(render(factor) for factor in self.factors)


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


def constant_value(node: Expression) -> float | bool | None:
    """The value of a number, True or False; None for anything else."""
    if isinstance(node, Number):
        return node.value
    return _WORDS.get(node.name) if isinstance(node, Name) else None


def factor_name(factor: Expression) -> str:
    """The name of a factor in results; a plain column stands without backticks."""
    return factor.name if isinstance(factor, Name) else render(factor)


@lru_cache(maxsize=128)
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
    return _Parser(formula).parse()


@dataclass(frozen=True, slots=True)
class _Terms:
    """Terms being collected: what is added and whether the intercept is wanted."""

    terms: tuple[Term, ...]
    random: tuple[RandomSpecification, ...] = ()


_INTERCEPT = Term(())


class _Parser:
    """Recursive descent over the tokens; one instance per formula."""

    def __init__(self, formula: str) -> None:
        self.tokens = tokenize(formula)
        self.formula = formula
        self.index = 0
        self.depth = 0

    # -- moving over the tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def at(self, *operators: str) -> bool:
        return self.token.kind == "operator" and self.token.text in operators

    def advance(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def expect(self, operator: str, message: str) -> Token:
        if not self.at(operator):
            self.fail(message)
        return self.advance()

    def fail(self, message: str, token: Token | None = None) -> None:
        fail(token or self.token, message)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _MAXIMUM_DEPTH:
            self.fail("the brackets are nested too deeply.")

    # -- the whole formula

    def parse(self) -> ParsedFormula:
        if not any(token.text == "~" and token.kind == "operator" for token in self.tokens):
            self.fail("there is no '~'; expected 'outcome ~ predictors + (1 | group)'.", self.tokens[-1])
        if self.at("~"):
            self.fail("nothing stands before the '~'; expected the outcome there.")
        response = self.arithmetic()
        if isinstance(response, Call) and response.function in BASIS_FUNCTIONS:
            self.fail(f"{response.function}() cannot be an outcome.", response.token)
        self.expect("~", "expected '~' after the outcome.")
        if self.token.kind == "end":
            self.fail("nothing stands after the '~'; write 1 for a model with only an intercept.")
        collected = self.sum_of_terms(implicit_intercept=True)
        if self.token.kind != "end":
            hint = " A random term stands in brackets: (1 | group)." if self.at("|", "||") else ""
            self.fail("this is not expected here." + hint)
        return ParsedFormula(self.formula, response, _by_degree(collected.terms), collected.random)

    # -- terms: + -, then * /, then %in%, then :, then ^

    def sum_of_terms(self, *, implicit_intercept: bool) -> _Terms:
        terms: list[Term] = [_INTERCEPT] if implicit_intercept else []
        random: list[RandomSpecification] = []
        sign = "+"
        if self.at("+", "-"):
            sign = self.advance().text
        while True:
            start = self.token
            zero = start.kind == "number" and float(start.text) == 0 and self._single()
            part = self.product()
            random += part.random
            if part.random and sign == "-":
                self.fail("a random term cannot be subtracted; leave it out instead.", start)
            removing = (sign == "-") != zero
            for term in (_INTERCEPT,) if zero else part.terms:
                matches = [known for known in terms if known.key == term.key]
                if removing:
                    terms = [known for known in terms if known.key != term.key]
                elif not matches:
                    terms.append(term)
            if len(terms) > _MAXIMUM_TERMS:
                self.fail(f"the formula expands to more than {_MAXIMUM_TERMS} terms.", start)
            if not self.at("+", "-"):
                return _Terms(tuple(terms), tuple(random))
            sign = self.advance().text

    def _single(self) -> bool:
        following = self.tokens[self.index + 1]
        return following.kind == "end" or following.text in ("+", "-", ")", "|", "||")

    def product(self) -> _Terms:
        left = self.inside()
        while self.at("*", "/"):
            operator = self.advance()
            right = self.inside()
            self._refuse_random(operator, left, right)
            if operator.text == "*":
                left = _Terms(
                    _unique(left.terms + right.terms + self._cross(left.terms, right.terms, operator))
                )
            else:
                outer = Term(tuple(factor for term in left.terms for factor in term.factors))
                left = _Terms(_unique(left.terms + self._cross((outer,), right.terms, operator)))
        return left

    def inside(self) -> _Terms:
        left = self.interaction()
        while self.at("%in%"):
            operator = self.advance()
            right = self.interaction()
            self._refuse_random(operator, left, right)
            outer = Term(tuple(factor for term in right.terms for factor in term.factors))
            left = _Terms(self._cross(left.terms, (outer,), operator))
        return left

    def interaction(self) -> _Terms:
        left = self.power()
        while self.at(":"):
            operator = self.advance()
            right = self.power()
            self._refuse_random(operator, left, right)
            left = _Terms(self._cross(left.terms, right.terms, operator))
        return left

    def power(self) -> _Terms:
        left = self.primary()
        if self.at("^", "**"):
            operator = self.advance()
            exponent = self.advance()
            if exponent.kind != "number" or not exponent.text.isdigit() or not 1 <= int(exponent.text) <= 20:
                self.fail("expected a whole number from 1 to 20 after the power sign.", exponent)
            self._refuse_random(operator, left)
            base = left.terms
            for _ in range(int(exponent.text) - 1):
                left = _Terms(_unique(left.terms + self._cross(left.terms, base, operator)))
        return left

    def primary(self) -> _Terms:
        token = self.token
        if self.at("("):
            self.deeper()
            self.advance()
            inner = self.bracket(token)
            self.depth -= 1
            return inner
        if token.kind == "number":
            self.advance()
            if float(token.text) not in (0.0, 1.0):
                self.fail("only 0 and 1 can stand as a term; write I(...) for arithmetic.", token)
            return _Terms((_INTERCEPT,))
        if token.kind in ("name", "backtick"):
            factor = self.operand()
            self._check_factor(factor)
            return _Terms((Term((factor,)),))
        if token.kind == "string":
            self.fail(
                "a text in quotes cannot be a term; put a column name with spaces in backticks: `my column`."
            )
        if token.kind == "end":
            self.fail("the formula stops where a term was expected.")
        self.fail("expected a column, a function or a bracket here.")
        raise AssertionError  # fail always raises

    def bracket(self, opening: Token) -> _Terms:
        """The inside of '(': a group of terms, or a random term."""
        random_term = self._has_bar()
        collected = self.sum_of_terms(implicit_intercept=random_term)
        if not random_term:
            self.expect(")", "expected ')' here.")
            return collected
        if collected.random:
            self.fail("a random term cannot stand inside another.", opening)
        bar = self.advance()
        start = self.token
        groups = self.grouping()
        self.expect(")", "expected ')' after the grouping factor.")
        terms = _by_degree(collected.terms)
        if not terms:
            self.fail("the random term is empty: write (1 | group) or (0 + x | group).", opening)
        return _Terms(
            (), tuple(RandomSpecification(terms, group, bar.text == "|", start) for group in groups)
        )

    def _has_bar(self) -> bool:
        """Whether a bar stands at this level of brackets before they close."""
        level = 0
        for token in self.tokens[self.index :]:
            if token.kind != "operator":
                continue
            if token.text == "(":
                level += 1
            elif token.text == ")":
                level -= 1
                if level < 0:
                    return False
            elif token.text in ("|", "||") and level == 0:
                return True
        return False

    def grouping(self) -> list[tuple[str, ...]]:
        """``a``, ``a:b``, ``a/b``; returns one tuple of columns per random term."""
        groups = [self._group_interaction()]
        while self.at("/"):
            self.advance()
            groups.append(
                groups[-1] + tuple(name for name in self._group_interaction() if name not in groups[-1])
            )
        return groups

    def _group_interaction(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            if self.at("("):
                self.fail("brackets are not supported in a grouping factor; write a/b or a:b.")
            if self.token.kind not in ("name", "backtick"):
                self.fail("expected the name of a grouping column, as in (1 | family).")
            token = self.advance()
            if self.at("("):
                self.fail("a grouping factor is a column, not a function.", token)
            name = token.text.strip("`")
            if name not in names:
                names.append(name)
            if not self.at(":"):
                return tuple(names)
            self.advance()

    def _cross(self, left: tuple[Term, ...], right: tuple[Term, ...], operator: Token) -> tuple[Term, ...]:
        if len(left) * len(right) > _MAXIMUM_TERMS:
            self.fail(f"the formula expands to more than {_MAXIMUM_TERMS} terms.", operator)
        return _unique(tuple(_multiply(first, second) for first in left for second in right))

    def _refuse_random(self, operator: Token, *parts: _Terms) -> None:
        if any(part.random for part in parts):
            self.fail("a random term can only be added with '+'.", operator)

    # -- expressions inside functions and left of the tilde

    def arithmetic(self) -> Expression:
        left = self._scaled()
        while self.at("+", "-"):
            operator = self.advance()
            left = Binary(operator.text, left, self._scaled(), operator)
        return left

    def _scaled(self) -> Expression:
        left = self._signed()
        while self.at("*", "/"):
            operator = self.advance()
            left = Binary(operator.text, left, self._signed(), operator)
        return left

    def _signed(self) -> Expression:
        if self.at("-", "+"):
            operator = self.advance()
            self.deeper()
            operand = self._signed()
            self.depth -= 1
            return Unary(operator.text, operand, operator)
        base = self._atom()
        if self.at("^", "**"):
            operator = self.advance()
            self.deeper()
            exponent = self._signed()
            self.depth -= 1
            return Binary("**", base, exponent, operator)
        return base

    def _atom(self) -> Expression:
        token = self.token
        if self.at("("):
            self.deeper()
            self.advance()
            inner = self.arithmetic()
            self.expect(")", "expected ')' here.")
            self.depth -= 1
            return inner
        if token.kind == "number":
            self.advance()
            return Number(float(token.text), token)
        if token.kind == "string":
            self.advance()
            return Text(token.text[1:-1], token)
        if token.kind in ("name", "backtick"):
            return self.operand()
        if token.kind == "end":
            self.fail("the formula stops where a value was expected.")
        self.fail("expected a column, a number or a function here.")
        raise AssertionError  # fail always raises

    def operand(self) -> Expression:
        """A column, or a function call."""
        token = self.advance()
        if token.kind == "backtick":
            name = token.text[1:-1]
            if not name:
                self.fail("there is no name between the backticks.", token)
            if self.at("("):
                self.fail("a name in backticks is a column and cannot be called.", token)
            return Name(name, token)
        if not self.at("("):
            return Name(token.text, token)
        if token.text not in FUNCTIONS | CODINGS:
            allowed = ", ".join(sorted(FUNCTIONS, key=str.lower))
            self.fail(f"this function is not available in formulas; available are {allowed}.", token)
        return self._call(token)

    def _call(self, token: Token) -> Call:
        self.deeper()
        self.advance()
        arguments: list[Expression] = []
        options: list[tuple[str, Expression]] = []
        while not self.at(")"):
            following = self.tokens[min(self.index + 1, len(self.tokens) - 1)]
            if self.token.kind == "name" and following.kind == "operator" and following.text == "=":
                key = self.advance().text
                self.advance()
                options.append((key, self.arithmetic()))
            elif options:
                self.fail("a value without a name cannot follow a named one.")
            else:
                arguments.append(self.arithmetic())
            if not self.at(","):
                break
            self.advance()
        self.expect(")", f"expected ')' to close {token.text}(.")
        self.depth -= 1
        call = Call(token.text, tuple(arguments), tuple(options), token)
        self._check_call(call)
        return call

    def _check_call(self, call: Call) -> None:
        if call.function in CODINGS:
            return
        if not call.arguments:
            self.fail(f"{call.function}() needs a column.", call.token)
        if call.function == "C":
            self._check_categorical(call)
            return
        self._check_numeric(call.arguments[0])
        single = call.function in ARITHMETIC_FUNCTIONS - {"scale", "center"}
        if single and (len(call.arguments) > 1 or call.options):
            self.fail(f"{call.function}() takes one value.", call.token)
        if not names_in(call.arguments[0]):
            self.fail(f"{call.function}() needs a column, not a constant.", call.token)
        self._check_options(call)

    def _check_options(self, call: Call) -> None:
        """Options must be known, and numbers or True/False."""
        known = OPTIONS.get(call.function, ())
        if len(call.arguments) - 1 > len(known):
            self.fail(f"too many values; {call.function}() takes a column, {', '.join(known)}.", call.token)
        for key, _ in call.options:
            if key not in known:
                listed = ", ".join(known) or "no options"
                self.fail(f"unknown option {key!r}; {call.function}() takes {listed}.", call.token)
        for key, value in [*zip(known, call.arguments[1:], strict=False), *call.options]:
            if constant_value(value) is None:
                self.fail(f"{key} must be a number, True or False.", value.token)

    def _check_numeric(self, node: Expression) -> None:
        """No text, no coding and no multi-column function inside arithmetic."""
        if isinstance(node, Text):
            self.fail("a text cannot be used in arithmetic.", node.token)
        if isinstance(node, Call) and node.function not in ARITHMETIC_FUNCTIONS:
            self.fail(f"{node.function}() cannot stand inside another function.", node.token)
        if isinstance(node, Unary):
            self._check_numeric(node.operand)
        if isinstance(node, Binary):
            self._check_numeric(node.left)
            self._check_numeric(node.right)

    def _check_categorical(self, call: Call) -> None:
        if not isinstance(call.arguments[0], Name):
            self.fail("C() takes a column name first.", call.token)
        coding = [*call.arguments[1:], *(value for _, value in call.options)]
        if len(coding) > 1:
            self.fail("C() takes a column and at most one coding.", call.token)
        for value in coding:
            bare = isinstance(value, Name) and value.name in CODINGS
            if not bare and not (isinstance(value, Call) and value.function in CODINGS):
                self.fail("the coding in C() is Treatment, Treatment('reference level') or Sum.", value.token)

    def _check_factor(self, factor: Expression) -> None:
        if isinstance(factor, Call) and factor.function in CODINGS:
            self.fail(f"{factor.function}() can only stand inside C().", factor.token)


def _multiply(first: Term, second: Term) -> Term:
    seen = first.key
    return Term(first.factors + tuple(factor for factor in second.factors if render(factor) not in seen))


def _unique(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(
        {term.key: term for term in reversed(terms)}[key] for key in dict.fromkeys(t.key for t in terms)
    )


def _by_degree(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(sorted(terms, key=lambda term: len(term.factors)))
