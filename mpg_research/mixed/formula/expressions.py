"""Reading expressions: what stands inside functions and left of the tilde, and which calls are allowed."""

from math import pi
from typing import NoReturn

from mpg_research.mixed.formula.tokens import (
    Binary,
    Call,
    Expression,
    Name,
    Number,
    Numbers,
    Text,
    Token,
    Unary,
    fail,
    names_in,
    tokenize,
)

__all__ = ["CODINGS", "FUNCTIONS", "ExpressionParser", "constant_value"]

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

#: What to write for functions that users of R and numpy know.
INSTEAD = {
    "offset": "Subtract the offset from the outcome instead: y - x ~ ...",
    "ns": "Write cr(x, df=4), or cr(x, knots=(0, 3, 12)), for a natural cubic spline.",
    "s": "Write cr(x, df=4) for a natural cubic spline.",
    "factor": "Write C(x).",
    "as.factor": "Write C(x).",
    "ordered": "Write C(x), or poly(x, 2) for a trend.",
    "relevel": "Name the level in reference={...}.",
    "np.log": "Write log(x).",
    "np.exp": "Write exp(x).",
    "np.sqrt": "Write sqrt(x).",
}

#: Options of a function after its column, in order.
OPTIONS = {
    "bs": ("df", "degree"),
    "center": (),
    "cr": ("df", "knots"),
    "poly": ("degree", "raw"),
    "scale": ("center", "scale"),
}
#: Options that take a list of numbers: knots=(0, 3, 12), or as in R knots=c(0, 3, 12).
_LISTS = frozenset({("cr", "knots")})
_MAXIMUM_LIST = 100
_WORDS = {"True": True, "TRUE": True, "False": False, "FALSE": False}
_MAXIMUM_DEPTH = 60
# in tokens
_MAXIMUM_ARITHMETIC = 400


def constant_value(node: Expression) -> float | bool | None:
    """The value of a number, True or False; None for anything else."""
    if isinstance(node, Number):
        return node.value
    return _WORDS.get(node.name) if isinstance(node, Name) else None


class ExpressionParser:
    """Recursive descent over the tokens of one formula: arithmetic and function calls."""

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

    def at_end(self) -> bool:
        return self.token.kind == "end"

    def advance(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def expect(self, operator: str, message: str) -> Token:
        if not self.at(operator):
            self.fail(message)
        return self.advance()

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        fail(token or self.token, message)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _MAXIMUM_DEPTH:
            self.fail("the brackets are nested too deeply.")

    # -- the whole formula

    def arithmetic(self) -> Expression:
        left, first = self._scaled(), self.index
        while self.at("+", "-"):
            operator = self.advance()
            left = Binary(operator.text, left, self._scaled(), operator)
            self._bounded(first, operator)
        return left

    def _scaled(self) -> Expression:
        left, first = self._signed(), self.index
        while self.at("*", "/"):
            operator = self.advance()
            left = Binary(operator.text, left, self._signed(), operator)
            self._bounded(first, operator)
        return left

    def _bounded(self, first: int, operator: Token) -> None:
        """Refuse arithmetic so long that the tree of it is too deep to walk."""
        if self.index - first > _MAXIMUM_ARITHMETIC:
            self.fail("this piece of arithmetic is too long; make it a column of the data first.", operator)

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
        if token.kind == "name" and token.text == "pi" and self.tokens[self.index + 1].text != "(":
            self.advance()
            return Number(pi, token, "pi")
        if token.kind in ("name", "backtick"):
            return self.operand()
        if token.kind == "end":
            self.fail("the formula stops where a value was expected.")
        self.fail("expected a column, a number or a function here.")

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
            hint = f" {INSTEAD[token.text]}" if token.text in INSTEAD else ""
            self.fail(f"this function is not available in formulas; available are {allowed}.{hint}", token)
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
                listed = (token.text, key) in _LISTS
                options.append((key, self._numbers(key) if listed else self.arithmetic()))
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

    def _numbers(self, key: str) -> Numbers:
        """A list of numbers in brackets; signs are allowed, arithmetic and columns are not."""
        start = self.token
        example = f"expected a list of numbers, as in {key}=(0, 3, 12)."
        if self.token.kind == "name" and self.token.text == "c":
            self.advance()
        self.expect("(", example)
        values: list[float] = []
        while not self.at(")"):
            sign = -1.0 if self.at("-") else 1.0
            if self.at("-", "+"):
                self.advance()
            if self.token.kind != "number":
                self.fail(example)
            values.append(sign * float(self.advance().text))
            if len(values) > _MAXIMUM_LIST:
                self.fail(f"at most {_MAXIMUM_LIST} numbers can be listed.", start)
            if not self.at(","):
                break
            self.advance()
        self.expect(")", f"{example} Nothing else can stand in the list.")
        return Numbers(tuple(values), start)

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
            if isinstance(value, Numbers):
                continue
            if (call.function, key) in _LISTS:
                self.fail(f"write {key} by its name: {key}=(0, 3, 12).", value.token)
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
