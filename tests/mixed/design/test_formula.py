"""The formula language: what it reads, what it refuses, and where its errors point."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.errors import FormulaError
from mpg_research.mixed.formula.parse import FUNCTIONS, parse_formula


def fixed(formula: str) -> list[str]:
    return [term.name for term in parse_formula(formula).fixed]


def random(formula: str) -> list[tuple[list[str], str, bool]]:
    return [
        ([term.name for term in part.terms], part.group_name, part.correlated)
        for part in parse_formula(formula).random
    ]


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("y ~ 1", ["1"]),
        ("y ~ x", ["1", "x"]),
        ("y ~ x - 1", ["x"]),
        ("y ~ 0 + x", ["x"]),
        ("y ~ 1 + 0 + x", ["x"]),
        ("y ~ -1 + x", ["x"]),
        ("y ~ a * b", ["1", "a", "b", "a:b"]),
        ("y ~ a:b + a", ["1", "a", "a:b"]),
        ("y ~ a / b", ["1", "a", "a:b"]),
        ("y ~ (a + b) / c", ["1", "a", "b", "a:b:c"]),
        ("y ~ b %in% a", ["1", "b:a"]),
        ("y ~ (a + b + c)^2", ["1", "a", "b", "c", "a:b", "a:c", "b:c"]),
        ("y ~ a * b * c - a:b:c", ["1", "a", "b", "c", "a:b", "a:c", "b:c"]),
        ("y ~ a * b - b", ["1", "a", "a:b"]),
        ("y ~ a + a + b:a + a:b", ["1", "a", "b:a"]),
        ("y ~ I(x^2) + log(x + 1)", ["1", "I(x ** 2)", "log(x + 1)"]),
        ("y ~ poly( x,2 )*g", ["1", "poly(x, 2)", "g", "poly(x, 2):g"]),
        ("y ~ `my column` + `a~b|c`", ["1", "my column", "a~b|c"]),
        ("y ~ prénom + 日", ["1", "prénom", "日"]),
        ("y ~ C(arm, Treatment('control'))", ["1", "C(arm, Treatment('control'))"]),
        ("y ~ sin(2 * pi * x) + I(`pi` + 1)", ["1", "sin(2 * pi * x)", "I(`pi` + 1)"]),
        ("y ~ I(-x ** 2 * (a - b) / 3)", ["1", "I(-x ** 2 * (a - b) / 3)"]),
    ],
)
def test_fixed_terms_as_in_r(formula: str, terms: list[str]) -> None:
    assert fixed(formula) == terms


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("y ~ x + (1 | g)", [(["1"], "g", True)]),
        ("y ~ x + (x | g)", [(["1", "x"], "g", True)]),
        ("y ~ x + (0 + x | g)", [(["x"], "g", True)]),
        ("y ~ x + (x - 1 | g)", [(["x"], "g", True)]),
        ("y ~ x + (x || g)", [(["1", "x"], "g", False)]),
        ("y ~ x + (1 | a/b)", [(["1"], "a", True), (["1"], "a:b", True)]),
        ("y ~ x + (1 | a/b/c)", [(["1"], "a", True), (["1"], "a:b", True), (["1"], "a:b:c", True)]),
        ("y ~ x + (1 | a:b)", [(["1"], "a:b", True)]),
        ("y ~ (x * z | g) + (1|h)", [(["1", "x", "z", "x:z"], "g", True), (["1"], "h", True)]),
        ("y ~ ((1 | g)) + x", [(["1"], "g", True)]),
        ("y ~ (poly(x, 2) | `my group`)", [(["1", "poly(x, 2)"], "my group", True)]),
    ],
)
def test_random_terms_as_in_lme4(formula: str, expected: list[tuple[list[str], str, bool]]) -> None:
    assert random(formula) == expected


ATTACKS = [
    "y ~ __import__('os').system('touch /tmp/owned') + (1 | g)",
    "y ~ I(__import__('os')) + (1 | g)",
    "y ~ eval('1') + (1 | g)",
    'y ~ exec("import os") + (1 | g)',
    "y ~ open('/etc/passwd') + (1 | g)",
    "y ~ x.__class__.__mro__() + (1 | g)",
    "y ~ x.values.tofile('/tmp/owned') + (1 | g)",
    "y ~ (lambda: x)() + (1 | g)",
    "y ~ I(lambda x: x) + (1 | g)",
    "y ~ [i for i in range(3)] + (1 | g)",
    "y ~ {x} + (1 | g)",
    "y ~ I(x[0]) + (1 | g)",
    "y ~ I(x if x else x) + (1 | g)",
    "y ~ I(x := 3) + (1 | g)",
    "y ~ I(f'{x}') + (1 | g)",
    "y ~ log(x)(x) + (1 | g)",
    "y ~ log(print(x)) + (1 | g)",
    "y ~ np.log(x) + (1 | g)",
    "y ~ scale(x, center=print(1)) + (1 | g)",
    "y ~ C(g, print) + (1 | g)",
    "y ~ C(g, Treatment(print(1))) + (1 | g)",
    "y ~ C(g, contr.helmert) + (1 | g)",
    "y ~ `x`.__class__ + (1 | g)",
    "y ~ `x`('a') + (1 | g)",
    "y ~ 'x' + (1 | g)",
    "y ~ I('x' * 1000000000) + (1 | g)",
    "y ~ Q('x') + (1 | g)",
    "y ~ x; import os",
    "y ~ x # comment + (1 | g)",
    "y ~ x @ x + (1 | g)",
    "y ~ x \\ x + (1 | g)",
    "y ~ x + (1 | print(g))",
    "y ~ x + (1 | g.__class__())",
    "y ~ x + (print(1) | g)",
    "__import__('os') ~ x + (1 | g)",
    "eval(y) ~ x + (1 | g)",
    "y ~ Treatment('x') + (1 | g)",
    "y ~ poly(log(poly(x, 2)), 2) + (1 | g)",
]


@pytest.mark.parametrize("formula", ATTACKS)
def test_code_in_a_formula_is_refused_before_anything_is_computed(formula: str) -> None:
    with pytest.raises(FormulaError, match="position"):
        parse_formula(formula)


def test_allowed_functions_are_exactly_the_documented_ones() -> None:
    documented = [
        "C",
        "I",
        "abs",
        "bs",
        "center",
        "cos",
        "cr",
        "exp",
        "log",
        "log10",
        "log1p",
        "log2",
        "poly",
        "scale",
    ]
    assert sorted(FUNCTIONS) == sorted([*documented, "sin", "sqrt"])


@pytest.mark.parametrize(
    ("formula", "position", "words"),
    [
        ("y ~ x + foo(z) + (1 | g)", 9, "not available"),
        ("y ~ x + (1 | g", 15, "expected '\\)'"),
        ("y ~ x + 2 + (1 | g)", 9, "only 0 and 1"),
        ("y ~ x + (1 | 3)", 14, "grouping column"),
        ("y ~ x || g", 7, "stands in brackets"),
        ("y ~ x +", 8, "stops"),
        ("~ x", 1, "outcome"),
        ("y ~ `x", 5, "backtick"),
        ("y ~ x * (1 | g)", 7, "can only be added"),
        ("y ~ x - (1 | g)", 9, "cannot be subtracted"),
        ("y ~ ((1 | g) | h)", 5, "inside another"),
        ("y ~ (0 | g)", 5, "empty"),
        ("y ~ (x)^200", 9, "1 to 20"),
        ("y ~ log(x, 2)", 5, "takes one value"),
        ("y ~ log(2)", 5, "not a constant"),
        ("y ~ x y", 7, "not expected"),
        ("poly(y, 2) ~ x", 1, "outcome"),
        ("y ~ poly(x, colour=2)", 5, "unknown option 'colour'"),
        ("y ~ poly(x, 2, TRUE, 3)", 5, "too many values"),
        ("y ~ cr(x, df=x)", 14, "must be a number"),
        ("y ~ scale(x, center='a')", 21, "must be a number"),
        ("y ~ cr(x, knots=3)", 17, "a list of numbers"),
        ("y ~ cr(x, knots=(0, x, 3))", 21, "a list of numbers"),
        ("y ~ cr(x, knots=(0, 1 + 1, 3))", 23, "Nothing else"),
        ("y ~ cr(x, knots=(0, 1, (2)))", 24, "a list of numbers"),
        ("y ~ cr(x, knots=c(0, exp(1)))", 22, "a list of numbers"),
        ("y ~ cr(x, df=(1, 2, 3))", 16, "expected '.'"),
        ("y ~ cr(x, 4, (1, 2, 3))", 16, "expected '.'"),
        ("y ~ cr(x, 4, 5)", 14, "by its name"),
        ("y ~ bs(x, knots=(1, 2, 3))", 19, "expected '.'"),
    ],
)
def test_errors_point_at_the_token(formula: str, position: int, words: str) -> None:
    with pytest.raises(FormulaError, match=words) as raised:
        parse_formula(formula)
    message, line, marker = str(raised.value).splitlines()
    assert f"position {position}," in message
    assert line.strip() == formula.strip()
    assert marker.index("^") - (len(line) - len(line.lstrip())) == position - 1


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ cr(x, knots=(0, .75, 3, 12))", "cr(x, knots=(0, 0.75, 3, 12))"),
        ("y ~ cr(x, knots = c(-1.5, +2, 1e1, ))", "cr(x, knots=(-1.5, 2, 10))"),
        ("y ~ cr(x, knots=(0.1234567891,1,2))", "cr(x, knots=(0.1234567891, 1, 2))"),
    ],
)
def test_a_list_of_knots(formula: str, name: str) -> None:
    (_, term) = parse_formula(formula).fixed
    assert term.name == name
    # What is written is read as the same again.
    assert parse_formula(f"y ~ {name}").fixed[1].name == name


@pytest.mark.parametrize(
    "formula", ["y x", "", "   ", None, 3, ["y ~ x"], "y ~ " + "(" * 500 + "x", "y~" + "x+" * 20_000]
)
def test_hopeless_text_is_refused_in_words(formula: object) -> None:
    with pytest.raises(FormulaError):
        parse_formula(formula)  # type: ignore[arg-type]


@pytest.mark.parametrize("formula", ["y ~ (a+b+c+d+e+f+g+h+i+j+k+l)^20", "y ~ I(" + "-" * 5_000 + "x)"])
def test_formulas_that_explode_are_stopped(formula: str) -> None:
    with pytest.raises(FormulaError, match=r"expands|nested"):
        parse_formula(formula)


@given(st.text(alphabet="yxg~+-*/^:()|1 0`'\".,=%in[]{}@;_é\n", max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_never_crashes(text: str) -> None:
    try:
        parse_formula(text)
    except FormulaError:
        return


def test_import_is_light() -> None:
    """The engine alone loads neither formulaic nor any plotting or statistics package."""
    code = (
        "import sys, mpg_research.mixed; "
        "heavy = {'formulaic', 'matplotlib', 'statsmodels', 'pingouin', 'seaborn', 'pyarrow.parquet',"
        " 'scipy.stats', 'scipy.optimize', 'scipy.interpolate'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


V60 = "+".join(f"v{index}" for index in range(60))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ I(" + "+".join(["x"] * 6000) + ") + (1 | g)", "arithmetic is too long"),
        ("y ~ I(" + "*".join(["x"] * 6000) + ") + (1 | g)", "arithmetic is too long"),
        ("y ~ " + "*".join(f"v{index}" for index in range(40)) + " + (1 | g)", "more than 2000 terms"),
        (f"y ~ ({V60})^20 + (1 | g)", "more than 2000 terms"),
        ("y ~ x + " + "+".join(["(1 | g)"] * 500), "more than 50 random terms"),
        ("y ~ x + (1 | " + "/".join(["g"] * 3000) + ")", "more than 50 nested"),
        ("y ~ x + (1 | ``)", "no name between the backticks"),
        ("y ~ x + offset(z) + (1 | g)", "Subtract the offset from the outcome"),
        ("y ~ ns(x, 3) + (1 | g)", r"Write cr\(x"),
        ("y ~ factor(x) + (1 | g)", r"Write C\(x\)"),
        ("y ~ np.log(x) + (1 | g)", r"Write log\(x\)"),
    ],
)
def test_giant_formulas_and_other_languages_are_refused(formula: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        parse_formula(formula)


def test_long_sums_of_terms_are_read() -> None:
    parsed = parse_formula("y ~ " + " + ".join(f"v{index}" for index in range(1500)) + " + (1 | g)")
    assert len(parsed.fixed) == 1501
