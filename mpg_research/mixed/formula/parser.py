"""Reading a whole formula: terms, random terms and grouping factors."""

from dataclasses import dataclass

from mpg_research.mixed.formula.expressions import BASIS_FUNCTIONS, CODINGS, ExpressionParser
from mpg_research.mixed.formula.parsed_terms import ParsedFormula, RandomSpecification, Term
from mpg_research.mixed.formula.tokens import Call, Expression, Token, render

__all__ = ["FormulaParser"]

_MAXIMUM_TERMS = 2_000
_MAXIMUM_RANDOM_TERMS = 50


@dataclass(frozen=True, slots=True)
class _Terms:
    """Terms being collected, and the random terms among them."""

    terms: tuple[Term, ...]
    random: tuple[RandomSpecification, ...] = ()


_INTERCEPT = Term(())


class FormulaParser(ExpressionParser):
    """Recursive descent over the tokens of one formula: operators between terms, in R's precedence."""

    def parse(self) -> ParsedFormula:
        if not any(token.text == "~" and token.kind == "operator" for token in self.tokens):
            self.fail("there is no '~'; expected 'outcome ~ predictors + (1 | group)'.", self.tokens[-1])
        if self.at("~"):
            self.fail("nothing stands before the '~'; expected the outcome there.")
        response = self.arithmetic()
        if isinstance(response, Call) and response.function in BASIS_FUNCTIONS:
            self.fail(f"{response.function}() cannot be an outcome.", response.token)
        self.expect("~", "expected '~' after the outcome.")
        if self.at_end():
            self.fail("nothing stands after the '~'; write 1 for a model with only an intercept.")
        collected = self.sum_of_terms(implicit_intercept=True)
        if not self.at_end():
            hint = " A random term stands in brackets: (1 | group)." if self.at("|", "||") else ""
            self.fail("this is not expected here." + hint)
        return ParsedFormula(self.formula, response, _by_degree(collected.terms), collected.random)

    # -- terms: + -, then * /, then %in%, then :, then ^

    def sum_of_terms(self, *, implicit_intercept: bool) -> _Terms:
        terms: dict[frozenset[str], Term] = {_INTERCEPT.key: _INTERCEPT} if implicit_intercept else {}
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
                if removing:
                    terms.pop(term.key, None)
                else:
                    terms.setdefault(term.key, term)
            if len(terms) > _MAXIMUM_TERMS:
                self.fail(f"the formula expands to more than {_MAXIMUM_TERMS} terms.", start)
            if len(random) > _MAXIMUM_RANDOM_TERMS:
                self.fail(f"the formula has more than {_MAXIMUM_RANDOM_TERMS} random terms.", start)
            if not self.at("+", "-"):
                return _Terms(tuple(terms.values()), tuple(random))
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
            slash = self.advance()
            if len(groups) == _MAXIMUM_RANDOM_TERMS:
                self.fail(f"more than {_MAXIMUM_RANDOM_TERMS} nested grouping factors.", slash)
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
            if not name:
                self.fail("there is no name between the backticks.", token)
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
