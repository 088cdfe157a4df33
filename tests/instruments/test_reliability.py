"""Reliability against R (tests/oracles/instruments) and against what it must not do."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.factor import Factor

from mpg_research.errors import DataError
from mpg_research.instruments import estimate_reliability, estimate_stability, load_instrument
from mpg_research.instruments.reliability import MINIMUM_FAMILIES, feldt_interval, fit_one_factor

ORACLE = Path(__file__).parents[1] / "oracles" / "instruments"
EXACT = 1e-10  # closed forms: only rounding differs
OPTIMISED = 1e-5  # factanal stops its optimiser at about this distance from the optimum
STATSMODELS = 1e-4  # its optimiser stops earlier still

OBVL_K = load_instrument("obvl_k")


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return pd.read_csv(ORACLE / "answers.csv")


@pytest.fixture(scope="module")
def reference() -> pd.Series:
    return pd.read_csv(ORACLE / "reliability.csv").set_index("quantity")["value"]


def estimates(answers: pd.DataFrame, families: pd.Series | None = None, **options: float) -> pd.DataFrame:
    families = pd.Series(range(len(answers))) if families is None else families
    return estimate_reliability(OBVL_K, answers, families=families, **options).set_index("coefficient")


def test_alpha_and_feldts_interval_equal_r(answers: pd.DataFrame, reference: pd.Series) -> None:
    alpha = estimates(answers, n_bootstrap=50).loc["alpha"]
    assert alpha["estimate"] == pytest.approx(reference["alpha"], abs=EXACT)
    assert (alpha["n_families"], alpha["n_measurements"]) == (150, 150)
    for level, ends in ((0.95, ("alpha_low_95", "alpha_high_95")), (0.9, ("alpha_low_90",))):
        found = feldt_interval(alpha["estimate"], n_families=150, n_items=10, level=level)
        for value, name in zip(found, ends, strict=False):
            assert value == pytest.approx(reference[name], abs=EXACT)


def test_alpha_equals_the_formula_and_feldts_interval_pingouins_to_its_three_digits() -> None:
    pingouin = pytest.importorskip("pingouin")
    rng = np.random.default_rng(8)
    for n, k in ((20, 10), (25, 10), (300, 10)):
        scored = np.clip(np.round(2.2 + rng.normal(size=(n, 1)) + rng.normal(size=(n, k))), 1, 4)
        items = pd.DataFrame(scored, columns=list(OBVL_K.items)[:k])
        ratio = scored.var(axis=0, ddof=1).sum() / scored.sum(axis=1).var(ddof=1)
        alpha = estimates(items, n_bootstrap=20).loc["alpha", "estimate"]
        assert alpha == pytest.approx(k / (k - 1) * (1 - ratio), abs=EXACT)
        for level in (0.8, 0.95):
            theirs = pingouin.cronbach_alpha(data=items, ci=level)[1]
            np.testing.assert_allclose(
                feldt_interval(alpha, n_families=n, n_items=k, level=level), theirs, atol=5.1e-4
            )


def test_answers_that_do_not_hang_together_give_an_alpha_below_zero_not_an_error() -> None:
    rng = np.random.default_rng(9)
    one = rng.integers(1, 5, (40, 5))
    items = pd.DataFrame(np.column_stack([one, 5 - one]), columns=list(OBVL_K.items)).astype(float)
    items.iloc[:, 0] += rng.integers(0, 2, 40)
    items.iloc[:, 0] = items.iloc[:, 0].clip(1, 4)
    assert estimates(items, n_bootstrap=20).loc["alpha", "estimate"] < 0


def test_loading_the_questionnaires_loads_no_pictures() -> None:
    code = (
        "import sys, mpg_research.instruments.reliability, mpg_research.statistics, mpg_research.analysis; "
        "from mpg_research import Scores, ErrorModel; "
        "print(sorted({'pingouin', 'matplotlib', 'seaborn', 'statsmodels'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_interval_of_alpha_holds_where_most_answers_lie_at_the_floor() -> None:
    rng = np.random.default_rng(12)

    def draw(n: int) -> np.ndarray:
        liability = -0.6 + 0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, 10))
        return np.digitize(liability, [0.0, 0.7, 1.4]) + 1.0

    covariance = np.cov(draw(200_000), rowvar=False)
    truth = 10 / 9 * (1 - np.trace(covariance) / covariance.sum())
    held, feldt, runs = 0, 0, 200
    for seed in range(runs):
        items = pd.DataFrame(draw(150), columns=list(OBVL_K.items))
        alpha = estimates(items, n_bootstrap=200, rng=seed).loc["alpha"]
        low, high = feldt_interval(alpha["estimate"], n_families=150, n_items=10)
        held += alpha["conf_low"] <= truth <= alpha["conf_high"]
        feldt += low <= truth <= high
    # Three standard errors of a coverage of .95 among 200.
    assert held / runs >= 0.95 - 0.046
    assert feldt < held


def test_omega_and_loadings_equal_r(answers: pd.DataFrame, reference: pd.Series) -> None:
    omega = estimates(answers, n_bootstrap=200).loc["omega"]
    assert omega["estimate"] == pytest.approx(reference["omega"], abs=OPTIMISED)
    assert omega["conf_low"] < omega["estimate"] < omega["conf_high"]
    loadings = fit_one_factor(answers.cov().to_numpy()[None]).loadings[0]
    expected = [reference[f"loading_{item}"] for item in OBVL_K.items]
    np.testing.assert_allclose(loadings, expected, atol=10 * OPTIMISED)


def test_the_one_factor_solution_equals_statsmodels(answers: pd.DataFrame) -> None:
    solution = fit_one_factor(answers.corr().to_numpy()[None])
    other = np.abs(Factor(answers.to_numpy(), 1, method="ml").fit().loadings[:, 0])
    np.testing.assert_allclose(solution.loadings[0], other, atol=STATSMODELS)


def test_omega_of_an_exact_one_factor_covariance_is_recovered() -> None:
    loadings, uniquenesses = np.linspace(0.4, 0.9, 6), np.linspace(0.8, 0.3, 6)
    covariance = np.outer(loadings, loadings) + np.diag(uniquenesses)
    expected = loadings.sum() ** 2 / (loadings.sum() ** 2 + uniquenesses.sum())
    assert fit_one_factor(covariance[None]).omega[0] == pytest.approx(expected, abs=1e-8)


def test_the_bootstrap_interval_of_omega_is_as_wide_as_theory_says() -> None:
    """Alpha and omega nearly coincide for parallel items, so their intervals should as well."""
    rng = np.random.default_rng(4)
    burden = rng.normal(size=(300, 1)) + 1.7 * rng.normal(size=(300, 10))
    items = pd.DataFrame(np.clip(np.round(2.5 + burden / 1.5), 1, 4), columns=list(OBVL_K.items))
    result = estimates(items)
    assert result.loc["omega", "conf_low"] == pytest.approx(result.loc["alpha", "conf_low"], abs=0.02)
    assert result.loc["omega", "conf_high"] == pytest.approx(result.loc["alpha", "conf_high"], abs=0.02)


def test_repeated_measurements_of_a_family_do_not_narrow_the_interval(answers: pd.DataFrame) -> None:
    families = pd.Series(range(len(answers)))
    twelve_times = pd.concat([answers] * 12, ignore_index=True)
    once = estimates(answers, families, n_bootstrap=100)
    often = estimates(twelve_times, pd.concat([families] * 12, ignore_index=True), n_bootstrap=100)
    pd.testing.assert_frame_equal(once, often)


def test_the_first_complete_measurement_of_a_family_counts(answers: pd.DataFrame) -> None:
    incomplete = answers.copy().astype(float)
    incomplete.loc[:, "item_05"] = np.nan
    families = pd.Series(range(len(answers)))
    result = estimates(
        pd.concat([incomplete, answers], ignore_index=True),
        pd.concat([families, families], ignore_index=True),
        n_bootstrap=50,
    )
    pd.testing.assert_frame_equal(result, estimates(answers, n_bootstrap=50))


def test_few_families_give_counts_but_no_numbers(answers: pd.DataFrame) -> None:
    result = estimates(answers.head(MINIMUM_FAMILIES - 1))
    assert result["estimate"].isna().all()
    assert (result["n_families"] == MINIMUM_FAMILIES - 1).all()


def test_a_total_has_no_reliability_of_items(answers: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="read as a total"):
        estimate_reliability(load_instrument("obvl"), answers, families=pd.Series(range(150)))


def repeated() -> pd.DataFrame:
    wide = pd.read_csv(ORACLE / "repeated.csv")
    long = wide.rename_axis("family").reset_index().melt(id_vars="family", value_name="raw")
    long["months"] = long["variable"].str[-1].astype(float) + 0.2
    return long


def test_the_icc_over_time_equals_r(reference: pd.Series) -> None:
    row = estimate_stability(repeated()).iloc[0]
    assert row["estimate"] == pytest.approx(reference["icc"], abs=EXACT)
    assert row["conf_low"] == pytest.approx(reference["icc_low_95"], abs=EXACT)
    assert row["conf_high"] == pytest.approx(reference["icc_high_95"], abs=EXACT)
    assert (row["n_families"], row["n_measurements"]) == (40, 120)


def test_the_icc_over_time_uses_families_measured_at_every_moment() -> None:
    scores = repeated()
    without = scores[~((scores["family"] == 7) & (scores["months"] > 2))]
    assert estimate_stability(without).iloc[0]["n_families"] == 39
    with pytest.raises(DataError, match="two moments"):
        estimate_stability(scores, months=(0.0,))
