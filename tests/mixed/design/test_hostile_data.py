"""Data as they come: every pandas type works as it should, and what cannot work is refused in one message."""

import datetime
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError, MpgError
from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, compare_fits, fit_mixed

N = 60
G = np.repeat(np.arange(12), 5)


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    """Nothing here may warn: a message is an error or a note."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def frame(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = rng.normal(size=N) + rng.normal(size=12)[G]
    base = {"y": y, "x": rng.normal(size=N), "g": G, "a": np.array(["p", "q", "r"])[np.arange(N) % 3]}
    return pd.DataFrame(base | columns)


def with_missing(values: Any, dtype: Any) -> Any:
    return pd.array([None, *list(values)[1:]], dtype=dtype)


NUMBERS = np.arange(N) * 1.0
FLAGS = np.arange(N) % 7 < 3
TEXTS = np.array(["p", "q", "r"])[np.arange(N) % 3]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.arange(N), "Int64"),
        (NUMBERS, "Float64"),
        (NUMBERS, "float32"),
        (np.arange(N), "uint8"),
        (np.arange(N), "int64[pyarrow]"),
        (NUMBERS, "double[pyarrow]"),
        (NUMBERS, pd.SparseDtype(float)),
        (NUMBERS, object),
        (FLAGS, "boolean"),
        (FLAGS, "bool[pyarrow]"),
        (TEXTS, "string"),
        (TEXTS, "string[pyarrow]"),
        (TEXTS, "category"),
        (TEXTS, object),
    ],
)
def test_every_type_of_column_gives_the_same_fit(values: Any, dtype: Any) -> None:
    plain = fit_mixed("y ~ s + (1 | g)", frame(s=values)).fixed
    typed = fit_mixed("y ~ s + (1 | g)", frame(s=pd.array(values, dtype=dtype))).fixed
    pd.testing.assert_frame_equal(plain, typed)
    if isinstance(dtype, str) and dtype[0] in "IFbs" and dtype != "float32":
        short = fit_mixed("y ~ s + (1 | g)", frame(s=with_missing(values, dtype)))
        assert short.n_dropped == 1
        assert short.fixed["estimate"].notna().all()


def test_grouping_columns_of_any_type_give_the_same_groups() -> None:
    plain = fit_mixed("y ~ x + (1 | g)", frame())
    for groups in (
        pd.array(G, dtype="Int64"),
        G.astype(float),
        pd.array(G.astype(str), dtype="string[pyarrow]"),
        pd.Categorical(G, categories=range(30)),
        pd.date_range("2020", periods=12).repeat(5),
        G.astype("uint64") + np.uint64(2**63),
        -G - 2**62,
        [(code,) for code in G],
    ):
        other = fit_mixed("y ~ x + (1 | g)", frame().assign(g=groups))
        assert other.n_groups == {"g": 12}
        assert other.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-9)


def test_unused_categories_and_single_levels() -> None:
    fit = fit_mixed("y ~ s + (1 | g)", frame(s=pd.Categorical(TEXTS, categories=["z", "r", "q", "p"])))
    assert list(fit.fixed.index) == ["Intercept", "s[T.q]", "s[T.p]"]
    single = fit_mixed("y ~ x + s + (1 | g)", frame(s="always"))
    assert list(single.fixed.index) == ["Intercept", "x"]
    assert [note.code for note in single.notes] == ["one_level"]
    assert "'s'" not in single.notes[0].text
    assert "always" in single.notes[0].text


IMPOSSIBLE: dict[str, tuple[Any, str]] = {
    "dates": (pd.date_range("2020", periods=N), "dates or durations"),
    "time zones": (pd.date_range("2020", periods=N, tz="Europe/Amsterdam"), "dates or durations"),
    "durations": (pd.to_timedelta(range(N), unit="D"), "dates or durations"),
    "periods": (pd.period_range("2020", periods=N, freq="D"), "dates or durations"),
    "date objects": ([datetime.date(2020, 1, 1)] * N, "dates or durations"),
    "complex": (NUMBERS + 1j, "complex numbers"),
    "lists": ([[1]] * N, "one number or text per cell"),
    "sets": ([{1}] * N, "one number or text per cell"),
    "mixed": ([1, "a"] * (N // 2), "mixes kinds"),
    "infinite": ([np.inf, *range(1, N)], "infinite"),
    "huge": (NUMBERS * 1e300, "another unit"),
    "tiny": ((NUMBERS + 1) * 1e-300, "another unit"),
    "missing": (np.full(N, np.nan), "No row is complete"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_columns_are_refused_wherever_they_stand(name: str) -> None:
    values, words = IMPOSSIBLE[name]
    data = frame(s=values)
    with pytest.raises(ModelError, match=words):
        fit_mixed("y ~ s + (1 | g)", data)
    if name != "mixed":
        with pytest.raises(ModelError, match=words):
            fit_mixed("s ~ x + (1 | g)", data)


def test_impossible_grouping_columns() -> None:
    with pytest.raises(ModelError, match="one number or text per cell"):
        fit_mixed("y ~ x + (1 | s)", frame(s=[[code] for code in G]))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(N), "name of a column"),
        ("zero", "above zero"),
        ("negative", "above zero"),
        ("text", "above zero"),
        ("infinite", "infinite"),
        ("tiny", "another unit"),
        ("absent", "do not have"),
    ],
)
def test_impossible_weights(weights: Any, words: str) -> None:
    data = frame(zero=0.0, negative=-1.0, text="w", infinite=np.inf, tiny=1e-300)
    with pytest.raises(ModelError, match=words):
        fit_mixed("y ~ x + (1 | g)", data, weights=weights)


@pytest.mark.parametrize(
    ("formula", "data", "words"),
    [
        ("s ~ x + (1 | g)", frame(s=3.0), "same value"),
        ("s ~ x + (1 | g)", frame().assign(s=frame()["x"]), "reproduce the outcome"),
        ("y ~ x + (1 | g)", frame()[:0], "no rows"),
        ("y ~ x + (1 | g)", frame()[:1], "more rows are needed"),
        ("y ~ 1 + (1 | g)", frame().iloc[[0, 7]], "a group for every row"),
        ("y ~ x + (1 | g)", frame()[:5], "1 group"),
        ("y ~ x + (1 | h)", frame(h=range(N)), "a group for every row"),
        ("y ~ x + (x | h)", frame(h=range(N)), "random effects but there are only"),
        ("y ~ x + (0 + z | g)", frame(z=0.0), "zero in every row"),
        ("y ~ x + Intercept + (1 | g)", frame(Intercept=NUMBERS), "would be called 'Intercept'"),
        ("y ~ x + (1 + Intercept | g)", frame(Intercept=NUMBERS % 5), "would be called 'Intercept'"),
        ("y ~ x + (1 | g)", pd.concat([frame(), frame()[["x"]]], axis=1), "2 columns named 'x'"),
        ("y ~ x + (1 | g)", pd.concat([frame(), frame()[["g"]]], axis=1), "2 columns named 'g'"),
    ],
)
def test_data_that_cannot_carry_the_model(formula: str, data: pd.DataFrame, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        fit_mixed(formula, data)


@pytest.mark.parametrize(
    ("residual", "words"),
    [
        (AR1("a", within="g"), "holds text"),
        (CAR1("day", within="g"), "holds dates"),
        (AR1("x", within="g"), "not whole numbers"),
        (AR1("one", within="g"), "twice in one g"),
        (AR1(None, within="g"), "do not have"),  # type: ignore[arg-type]
        (VarianceBy("x"), "several rows per level"),
        (VarianceBy("one"), "one level"),
        (AR1, "residual must be"),
    ],
)
def test_impossible_residual_structures(residual: Any, words: str) -> None:
    data = frame(day=pd.date_range("2020", periods=N), one=1)
    with pytest.raises(ModelError, match=words):
        fit_mixed("y ~ x + (1 | g)", data, residual=residual)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"theta": "a"}, "must be 1 numbers"),
        ({"theta": [1, 2]}, "expected 1 finite"),
        ({"theta": [1e300]}, "finite"),
        ({"theta": [np.nan]}, "finite"),
        ({"theta": [1, 1.5], "residual": AR1("wave", within="g")}, "correlations between -1 and 1"),
        ({"theta": [1, 0.0], "residual": VarianceBy("half")}, "ratios above zero"),
        ({"reference": "p"}, "must map columns to levels"),
        ({"reference": {"a": "zz"}}, "is not in the formula"),
    ],
)
def test_impossible_arguments(options: dict[str, Any], words: str) -> None:
    data = frame(wave=np.arange(N) % 5, half=np.arange(N) % 2)
    with pytest.raises(ModelError, match=words):
        fit_mixed("y ~ x + (1 | g)", data, **options)


@pytest.mark.parametrize("size", [1e9, 1e90])
def test_a_theta_that_leaves_no_digits_is_refused(size: float) -> None:
    data = frame()
    with pytest.raises(ModelError, match="cannot be evaluated at this theta"):
        fit_mixed("y ~ x + (1 + x | g)", data, theta=[size, 0, size])
    with pytest.raises(ModelError, match="cannot be evaluated at this theta"):
        fit_mixed("y ~ x + (1 + x | g)", data).objective([size, 0, size])


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    return fit_mixed("y ~ x * a + (1 | g)", frame())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fit: fit.test(np.full(6, np.nan)), "nothing to test"),
        (lambda fit: fit.test(None), "expected 6 weights"),
        (lambda fit: fit.means(None), "named by text"),
        (lambda fit: fit.means("a", at=[1]), "must map variables to values"),
        (lambda fit: fit.slopes("x", at=3), "must map variables to values"),
        (lambda fit: fit.predict(random_effects=None), "list of grouping factors"),
        (lambda fit: fit.predict(interval="confidence", level=95), "between 0 and 1"),
        (lambda fit: fit.predict(frame().assign(x=pd.date_range("2020", periods=N))), "dates"),
        (lambda fit: fit.random_effects(None), "no random term for None"),
        (lambda fit: fit.influence(None), "no random term for None"),
        (lambda fit: fit.objective("a"), "must be 1 numbers"),
        (lambda fit: fit.objective([1e200]), "finite"),
        (lambda fit: fit.residuals("raw"), "kind must be one of"),
        (lambda fit: compare_fits(fit, 3), "two results of fit_mixed"),  # type: ignore[arg-type]
    ],
)
def test_impossible_questions(fit: MixedFit, call: Any, words: str) -> None:
    with pytest.raises(MpgError, match=words):
        call(fit)


def test_no_new_rows_give_no_predictions(fit: MixedFit) -> None:
    found = fit.predict(frame()[:0], random_effects="all", interval="prediction")
    assert found.shape == (0, 5)


def test_response_is_another_name_of_conditional_residuals(fit: MixedFit) -> None:
    assert fit.residuals("response").to_numpy() == pytest.approx(fit.residuals().to_numpy())


def test_a_natural_spline_needs_its_size() -> None:
    with pytest.raises(MpgError, match=r"df is needed, as in cr\(x, df=4\)"):
        fit_mixed("y ~ cr(x) + (1 | g)", frame())
