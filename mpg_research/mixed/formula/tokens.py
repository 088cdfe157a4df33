"""Reading formula text: tokens, expression trees, and errors that point at the token.

Nothing here, or anywhere in this package, hands text to Python's own interpreter: an expression
becomes a small tree of the node types below, and only :mod:`~mpg_research.mixed.design.transforms`
computes with it, from a closed set of functions.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from mpg_research.errors import FormulaError

__all__ = [
    "Binary",
    "Call",
    "Expression",
    "Name",
    "Number",
    "Numbers",
    "Text",
    "Token",
    "Unary",
    "fail",
    "tokenize",
]

#: Longer formulas than this are refused: no model a person writes comes near.
MAXIMUM_LENGTH = 20_000

_PATTERN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[^\W\d](?:\w|\.(?=\w))*)
      | (?P<backtick>`[^`]*`)
      | (?P<string>"[^"]*"|'[^']*')
      | (?P<operator>%in%|\|\||\*\*|[-+*/^:()|,=~])""",
    re.VERBOSE,
)

TokenKind = Literal["number", "name", "backtick", "string", "operator", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a formula: its kind, its text, where it starts (0 = first character), and the formula."""

    kind: TokenKind
    text: str
    position: int
    formula: str = field(default="", repr=False, compare=False)


def fail(token: Token, message: str) -> NoReturn:
    """Raise a FormulaError that shows the formula with a mark under the token.

    Raises
    ------
    FormulaError
        Always; the message names the token and its position, counted from 1.
    """
    formula = token.formula
    start = formula.rfind("\n", 0, token.position) + 1
    line = formula[start:].split("\n", 1)[0]
    marker = " " * (token.position - start) + "^" * max(1, len(token.text.split("\n", 1)[0]))
    shown = f"{token.text!r}" if token.kind != "end" else "the end"
    raise FormulaError(
        f"The formula cannot be used: at position {token.position + 1}, {shown}: {message}\n"
        f"    {line}\n    {marker}"
    )


def tokenize(formula: str) -> tuple[Token, ...]:
    """Split a formula into tokens; the last one is the end mark.

    Raises
    ------
    FormulaError
        At a character that means nothing in a formula, or when the text is not a formula at all.
    """
    if len(formula) > MAXIMUM_LENGTH:
        raise FormulaError(
            f"The formula is {len(formula)} characters long; the most that is read is {MAXIMUM_LENGTH}."
        )
    tokens: list[Token] = []
    position = 0
    while position < len(formula):
        match = _PATTERN.match(formula, position)
        if match is None:
            bad = Token("operator", formula[position], position, formula)
            hint = " The closing backtick or quote is missing." if formula[position] in "`'\"" else ""
            fail(bad, "this character has no meaning in a formula." + hint)
        kind = match.lastgroup
        if kind != "space":
            tokens.append(Token(kind, match.group(), position, formula))  # type: ignore[arg-type]
        position = match.end()
    tokens.append(Token("end", "", len(formula), formula))
    return tuple(tokens)


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the data."""

    name: str
    token: Token


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, or the constant ``pi``."""

    value: float
    token: Token
    name: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A list of numbers as written; allowed only as an option, as in ``cr(x, knots=(0, 3, 12))``."""

    values: tuple[float, ...]
    token: Token


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text; allowed only where a level is named, as in ``C(arm, Treatment("control"))``."""

    value: str
    token: Token


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign before an expression."""

    operator: str
    operand: "Expression"
    token: Token


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic between two expressions: ``+ - * / **``."""

    operator: str
    left: "Expression"
    right: "Expression"
    token: Token


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the closed set, with positional and named arguments."""

    function: str
    arguments: tuple["Expression", ...]
    options: tuple[tuple[str, "Expression"], ...]
    token: Token


Expression = Name | Number | Numbers | Text | Unary | Binary | Call

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "unary": 3, "**": 4}


def render(node: Expression) -> str:
    """The canonical text of an expression, spaced as formulaic spaces it: ``log(x + 1)``."""
    return _render(node, 0)


def _render(node: Expression, around: int) -> str:
    if isinstance(node, Name):
        plain = re.fullmatch(r"[^\W\d](?:\w|\.(?=\w))*", node.name) and node.name != "pi"
        return node.name if plain else f"`{node.name}`"
    if isinstance(node, Number) and node.name:
        return node.name
    if isinstance(node, Number):
        return _as_written(node.value)
    if isinstance(node, Numbers):
        return f"({', '.join(_as_written(value) for value in node.values)})"
    if isinstance(node, Text):
        return repr(node.value)
    if isinstance(node, Unary):
        inner = node.operator + _render(node.operand, _STRENGTH["unary"])
        return f"({inner})" if around > _STRENGTH["unary"] else inner
    if isinstance(node, Binary):
        own = _STRENGTH[node.operator]
        right_grouping = node.operator == "**"
        inner = (
            _render(node.left, own + right_grouping)
            + f" {node.operator} "
            + _render(node.right, own + (not right_grouping))
        )
        return f"({inner})" if around > own else inner
    arguments = [_render(argument, 0) for argument in node.arguments]
    arguments += [f"{key}={_render(value, 0)}" for key, value in node.options]
    return f"{node.function}({', '.join(arguments)})"


def _as_written(value: float) -> str:
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def names_in(node: Expression) -> tuple[Name, ...]:
    """The columns an expression uses, in order of appearance."""
    if isinstance(node, Name):
        return (node,)
    if isinstance(node, Unary):
        return names_in(node.operand)
    if isinstance(node, Binary):
        return names_in(node.left) + names_in(node.right)
    if isinstance(node, Call):
        return names_in(node.arguments[0])  # the rest are constants
    return ()
