"""From formula and frame to arrays, held against formulaic's model matrices."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import FormulaError, ModelError
from mpg_research.mixed import fit_mixed
from mpg_research.mixed.design.bases import natural_spline_basis
from mpg_research.mixed.design.build import design_problem
from mpg_research.mixed.design.coding import build_matrix

ORACLES = Path(__file__).parents[2] / "oracles" / "mixed"
# The same closed forms in another order of operations.
ROUNDING = 1e-11


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 120
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.gamma(2.0, size=n) + 0.5,
            "g": rng.permutation(np.tile(list("abc"), 40)),
            "h": rng.permutation(np.tile(["u", "v"], 60)),
            "flag": rng.permutation(np.tile([True, False], 60)),
            "k": rng.permutation(np.tile([1, 2, 3, 5], 30)),
            "family": np.repeat(np.arange(12), 10),
        }
    )
    frame["my col"] = frame["x"] ** 2
    return frame


FORMULAS = [
    "1",
    "x*g",
    "0+g",
    "0+g*h",
    "x:g",
    "g:h",
    "g+g:h",
    "x+x:g",
    "flag*x",
    "C(g)",
    "C(h)*x",
    "log(x)",
    "I(x**2)",
    "I( x ** 2 )+log( x+1 )",
    "poly(x,2)",
    "poly(x, degree=3):g",
    "bs(x,df=5)",
    "bs(x,df=4,degree=2)*g",
    "scale(x)",
    "center(x)",
    "`my col`*g",
    "exp(x)",
    "log(`my col`)",
    "g:x:h",
    "x+C(k)",
    "g*h*C(k)",
    "C(k):x+C(k)",
    "C(g, Treatment('b'))*x",
    "C(g, Sum)",
    "x/g",
    "(x+g)**2",
    "g*h*x-g:h",
    "-1+x+g:h",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_columns_and_names_as_in_formulaic(data: pd.DataFrame, formula: str) -> None:
    formulaic = pytest.importorskip("formulaic")
    wanted = formulaic.model_matrix(formula.replace("Sum", "contr.sum"), data)
    _, design = design_problem(f"y ~ {formula} + (1 | family)", data)
    values = {name: column.values for name, column in design.columns.items()}
    found, names, _ = build_matrix(design.fixed, values, len(data))
    assert [name.replace("Sum", "contr.sum") for name in names] == list(wanted.columns)
    assert found == pytest.approx(np.asarray(wanted, dtype=float), abs=ROUNDING)


def test_raw_polynomial_is_plain_powers(data: pd.DataFrame) -> None:
    problem, _ = design_problem("y ~ poly(x, 2, raw=True) + (1 | family)", data)
    assert problem.x[:, 1:] == pytest.approx(np.column_stack([data["x"], data["x"] ** 2]))


def test_natural_spline_spans_the_space_of_formulaic(data: pd.DataFrame) -> None:
    formulaic = pytest.importorskip("formulaic")
    wanted = np.asarray(formulaic.model_matrix("0 + cr(x, df=5)", data))
    found = natural_spline_basis(data["x"].to_numpy(), {}, df=5, name="cr")
    assert found == pytest.approx(wanted, abs=ROUNDING)
    problem, design = design_problem("y ~ cr(x, df=5) + (1 | family)", data)
    assert len(problem.x_names) == 5
    assert not design.aliased


@pytest.mark.parametrize("case", json.loads((ORACLES / "splines.json").read_text(encoding="utf-8")))
def test_natural_spline_at_given_knots_spans_what_ns_does_in_r(case: dict[str, list[float]]) -> None:
    x, theirs = np.array(case["x"]), np.array(case["basis"])
    ours = natural_spline_basis(x, {}, knots=case["knots"], name="cr")
    assert ours.sum(axis=1) == pytest.approx(np.ones(len(x)))
    for one, other in ((ours, theirs), (theirs, ours)):
        back, *_ = np.linalg.lstsq(one, other, rcond=None)
        assert one @ back == pytest.approx(other, abs=1e-9 * np.abs(other).max())


def test_knots_are_kept_for_new_data_and_those_of_df_can_be_given(data: pd.DataFrame) -> None:
    quantiles = np.quantile(np.unique(data["x"]), np.linspace(0, 1, 4))
    listed = ", ".join(repr(float(knot)) for knot in quantiles)
    given = fit_mixed(f"y ~ cr(x, knots=({listed})) + (1 | family)", data)
    counted = fit_mixed("y ~ cr(x, df=4) + (1 | family)", data)
    new = pd.DataFrame({"x": np.linspace(data["x"].min() - 3, data["x"].max() + 3, 7)})
    ours, theirs = (fit.predict(new, random_effects="none")["estimate"] for fit in (given, counted))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize(
    ("knots", "words"),
    [
        ("(3, 2, 1)", "increasing"),
        ("(0, 1, 1, 2)", "no two alike"),
        ("(0, 1e-12, 2)", "no two alike"),
        ("(0, 1)", "between 3 and"),
        ("()", "between 3 and"),
        ("(0, 1, 1e999)", "increasing"),
    ],
)
def test_impossible_knots_are_refused_in_words(data: pd.DataFrame, knots: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        design_problem(f"y ~ cr(x, knots={knots}) + (1 | family)", data)


def test_natural_spline_continues_in_a_straight_line(data: pd.DataFrame) -> None:
    state: dict[str, object] = {}
    x = data["x"].to_numpy()
    natural_spline_basis(x, state, df=4, name="cr")
    beyond = natural_spline_basis(x.max() + np.arange(4.0), state, df=4, name="cr")
    assert np.diff(beyond, n=2, axis=0) == pytest.approx(np.zeros((2, 4)), abs=1e-10)


@pytest.mark.parametrize(
    "formula", ["scale(x)", "poly(x, 3)", "bs(x, df=5)", "cr(x, df=4)", "I(scale(x)**2)"]
)
def test_new_rows_get_the_basis_of_the_fit(data: pd.DataFrame, formula: str) -> None:
    problem, design = design_problem(f"y ~ {formula} + (1 | family)", data)
    some = data.iloc[[3, 50, 90]]
    found = design.fixed_matrix(design.read(some, design.fixed.columns), 3)
    assert found == pytest.approx(problem.x[[3, 50, 90]], abs=ROUNDING)


def test_a_b_spline_refuses_to_leave_its_range(data: pd.DataFrame) -> None:
    _, design = design_problem("y ~ bs(x, df=5) + (1 | family)", data)
    outside = pd.DataFrame({"x": [data["x"].max() + 1]})
    with pytest.raises(ModelError, match="outside the range"):
        design.fixed_matrix(design.read(outside, design.fixed.columns), 1)


KINDS = {
    "object": lambda g: g.astype(object),
    "string": lambda g: g.astype("string"),
    "str": lambda g: g.astype(str),
    "category": lambda g: g.astype("category"),
    "unused category": lambda g: pd.Categorical(g, categories=["a", "zz", "b", "c"]),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_text_of_every_kind_is_categorical(data: pd.DataFrame, kind: str) -> None:
    frame = data.assign(g=KINDS[kind](data["g"]))
    problem, _ = design_problem("y ~ x * g + (1 | family)", frame)
    plain, _ = design_problem("y ~ x * g + (1 | family)", data)
    assert problem.x_names == plain.x_names
    assert np.array_equal(problem.x, plain.x)


@pytest.mark.parametrize("dtype", ["int8", "Int64", "float32", "Float64", "boolean"])
def test_numbers_of_every_kind_are_numbers(data: pd.DataFrame, dtype: str) -> None:
    frame = data.assign(k=(data["k"] > 2).astype(dtype))
    problem, _ = design_problem("y ~ k + (1 | family)", frame)
    assert problem.x_names == ("Intercept", "k")
    assert problem.x[:, 1] == pytest.approx((data["k"] > 2).to_numpy(float))


def test_number_objects_are_numbers(data: pd.DataFrame) -> None:
    frame = data.assign(k=[Decimal(value) / 2 for value in data["k"].tolist()])
    problem, _ = design_problem("y ~ k + (1 | family)", frame)
    assert problem.x_names == ("Intercept", "k")
    assert problem.x[:, 1] == pytest.approx(data["k"].to_numpy() / 2)


@pytest.mark.parametrize("dtype", ["int64[pyarrow]", "double[pyarrow]"])
def test_arrow_columns_are_read(data: pd.DataFrame, dtype: str) -> None:
    pytest.importorskip("pyarrow")
    frame = data.assign(k=data["k"].astype(dtype), g=data["g"].astype("string[pyarrow]"))
    frame["family"] = frame["family"].astype("int64[pyarrow]")
    problem, design = design_problem("y ~ k * g + (1 + k | family)", frame)
    plain, _ = design_problem("y ~ k * g + (1 + k | family)", data)
    assert np.array_equal(problem.x, plain.x)
    assert np.array_equal(problem.random[0].codes, plain.random[0].codes)
    found = design.fixed_matrix(design.read(frame.head(3), design.fixed.columns), 3)
    assert np.array_equal(found, plain.x[:3])


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "string", "category", "Float64"])
def test_missing_values_of_every_kind_are_dropped_and_counted(data: pd.DataFrame, dtype: str) -> None:
    column = (data["k"] > 2).astype(dtype)
    column[[1, 7]] = pd.NA
    y = data["y"].copy()
    y[[7, 9]] = np.nan
    problem, design = design_problem("y ~ k + (1 | family)", data.assign(k=column, y=y))
    assert len(problem.y) == len(data) - 3
    assert [note.code for note in design.notes] == ["rows_dropped"]
    assert design.notes[0].values["n_dropped"] == 3
    assert "y: 2" in design.notes[0].text
    assert "k: 2" in design.notes[0].text


def test_missing_can_be_an_error(data: pd.DataFrame) -> None:
    broken = data.assign(family=data["family"].astype(float).where(data.index > 3))
    with pytest.raises(ModelError, match="4 of 120 rows"):
        design_problem("y ~ x + (1 | family)", broken, missing="error")


def test_reference_level_is_chosen(data: pd.DataFrame) -> None:
    problem, _ = design_problem("y ~ g + (1 | family)", data, reference={"g": "c"})
    assert problem.x_names == ("Intercept", "g[T.a]", "g[T.b]")
    with pytest.raises(ModelError, match="does not occur"):
        design_problem("y ~ g + (1 | family)", data, reference={"g": "q"})
    with pytest.raises(ModelError, match="not in the formula"):
        design_problem("y ~ g + (1 | family)", data, reference={"h": "u"})


def test_redundant_columns_are_dropped_and_named(data: pd.DataFrame) -> None:
    frame = data.assign(twice=2 * data["x"] + 3, nothing=0.0)
    problem, design = design_problem("y ~ x + twice + nothing + g + (1 | family)", frame)
    assert problem.x_names == ("Intercept", "x", "g[T.b]", "g[T.c]") or "twice" not in problem.x_names
    assert set(design.aliased) == {"twice", "nothing"}
    assert design.notes[0].code == "aliased_columns"
    assert "twice" in design.notes[0].text


NAMES = [
    '<script>alert("1")</script>',
    "it's",
    'say "hi"',
    "a:b",
    "x~y",
    "Ünïcode ☃",
    "1st",
    "a\\b",
    "(1 | g)",
]


@pytest.mark.parametrize("name", NAMES)
def test_column_names_may_hold_anything(data: pd.DataFrame, name: str) -> None:
    frame = data.rename(columns={"x": name, "family": f"{name}!"})
    problem, _ = design_problem(f"y ~ `{name}` * g + (1 + `{name}` | `{name}!`)", frame)
    assert problem.x_names[1] == name
    assert problem.random[0].group == f"{name}!"
    assert problem.random[0].term_names == ("Intercept", name)


def test_nested_and_interacted_groups(data: pd.DataFrame) -> None:
    frame = data.assign(worker=np.arange(120) % 4, organisation=np.arange(120) // 60)
    problem, _ = design_problem("y ~ x + (1 | organisation/worker)", frame)
    assert [(term.group, len(term.levels)) for term in problem.random] == [
        ("organisation:worker", 8),
        ("organisation", 2),
    ]
    assert problem.random[0].levels[:2] == ("0:0", "0:1")
    joined, _ = design_problem("y ~ x + (1 | organisation:worker)", frame)
    assert np.array_equal(joined.random[0].codes, problem.random[0].codes)


def test_order_of_terms_as_in_lme4(data: pd.DataFrame) -> None:
    """lme4 sorts by number of groups, and reverses ties as soon as anything has to move."""
    frame = data.assign(few=np.arange(120) % 3, also=np.arange(120) // 10 + 100)
    kept, _ = design_problem("y ~ x + (x || family) + (1 | also) + (1 | few)", frame)
    assert [(term.group, term.term_names) for term in kept.random] == [
        ("family", ("Intercept", "x")),
        ("also", ("Intercept",)),
        ("few", ("Intercept",)),
    ]
    moved, _ = design_problem("y ~ x + (1 | few) + (x || family) + (1 | also)", frame)
    assert [(term.group, term.term_names) for term in moved.random] == [
        ("also", ("Intercept",)),
        ("family", ("x", "Intercept")),
        ("few", ("Intercept",)),
    ]


def test_double_bar_keeps_the_columns_of_a_category_together(data: pd.DataFrame) -> None:
    problem, _ = design_problem("y ~ x + (g + x || family)", data)
    assert [(term.term_names, term.correlated) for term in problem.random] == [
        (("Intercept",), True),
        (("g[a]", "g[b]", "g[c]"), True),
        (("x",), True),
    ]


@pytest.mark.parametrize(
    ("formula", "error", "words"),
    [
        ("y ~ xx + (1 | family)", FormulaError, 'Did you mean "x"'),
        ("y ~ x + (1 | familie)", FormulaError, 'Did you mean "family"'),
        ("y ~ x", FormulaError, "no random term"),
        ("g ~ x + (1 | family)", FormulaError, "needs numbers"),
        ("y ~ log(g) + (1 | family)", FormulaError, "needs numbers"),
        ("y ~ log(x - x) + (1 | family)", ModelError, "not a finite number in 120 of 120"),
        ("y ~ I(1 / (k - 1)) + (1 | family)", ModelError, "not a finite number"),
        ("y ~ poly(k, 4) + (1 | family)", ModelError, "only 4 distinct"),
        ("y ~ poly(x, 2.5) + (1 | family)", FormulaError, "whole number"),
        ("y ~ poly(x, colour=2) + (1 | family)", FormulaError, "unknown option"),
        ("y ~ C(g, Treatment('q')) + (1 | family)", FormulaError, "does not occur"),
        ("y ~ x + (1 | one)", ModelError, "at least 2"),
        ("y ~ x + (1 | row)", ModelError, "a group for every row"),
        ("y ~ C(family) + (1 | family)", ModelError, "already gives each of the 12 groups"),
        ("y ~ g * x + (1 + x | g)", ModelError, "take the groups out of the fixed part"),
        ("y ~ g:x + (0 + x | g)", ModelError, "its own value of x"),
        ("same ~ x + (1 | family)", ModelError, "same value"),
        ("y ~ date + (1 | family)", ModelError, "dates"),
        ("y ~ infinite + (1 | family)", ModelError, "infinite"),
        ("y ~ empty + (1 | family)", ModelError, "No row is complete"),
        ("y ~ mixed + (1 | family)", ModelError, "mixes kinds"),
    ],
)
def test_impossible_models_are_refused_in_words(
    data: pd.DataFrame, formula: str, error: type[Exception], words: str
) -> None:
    frame = data.assign(
        one=1,
        row=np.arange(len(data)),
        same=3.0,
        date=pd.Timestamp("2025-01-01"),
        infinite=np.inf,
        empty=np.nan,
        mixed=pd.Series([1, "a"] * 60, dtype=object),
    )
    with pytest.raises(error, match=words):
        design_problem(formula, frame)


def test_errors_about_the_data_point_at_the_token(data: pd.DataFrame) -> None:
    for formula, position in (
        ("y ~ x + (1 | familie)", 14),
        ("y ~ x + log(g) + (1 | family)", 13),
        ("y ~ C(g, Treatment('q')) + (1 | family)", 20),
        ("y ~ x + poly(x, 2.5) + (1 | family)", 9),
    ):
        with pytest.raises(FormulaError, match=f"position {position},"):
            design_problem(formula, data)


def test_an_empty_frame_is_refused(data: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match="no rows"):
        design_problem("y ~ x + (1 | family)", data.iloc[:0])


def test_two_columns_of_one_name_are_refused(data: pd.DataFrame) -> None:
    double = pd.concat([data, data[["x"]]], axis=1)
    with pytest.raises(ModelError, match="2 columns named 'x'"):
        design_problem("y ~ x + (1 | family)", double)
