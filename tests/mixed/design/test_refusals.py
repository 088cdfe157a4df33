"""Questions that a fit cannot answer, and arguments that mean nothing, are refused in words."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import FormulaError, ModelError
from mpg_research.mixed import MixedFit, fit_mixed

FORMULA = "y ~ months * arm + (1 + months | family) + (1 | worker)"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    family, worker = np.repeat(np.arange(25), 4), rng.integers(0, 8, 100)
    months = rng.uniform(0, 12, 100).round(1)
    y = rng.normal(0, 2, 25)[family] + rng.normal(0, 1, 8)[worker] + rng.normal(0, 0.3, 25)[family] * months
    return pd.DataFrame(
        {
            "family": [f"F{code}" for code in family],
            "worker": [f"W{code}" for code in worker],
            "months": months,
            "arm": np.array(["care", "usual"])[family % 2],
            "y": y + rng.normal(0, 1.5, 100),
        }
    )


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(FORMULA, data)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fit: fit.means("colour"), "not a variable"),
        (lambda fit: fit.means("arm", at={"arm": "other"}), "did not occur"),
        (lambda fit: fit.means("arm", at={"months": "late"}), "must give numbers"),
        (lambda fit: fit.means("arm", at={"months": []}), "no value"),
        (lambda fit: fit.means("arm", weights="odd"), "'equal' or 'proportional'"),
        (lambda fit: fit.means("arm").contrasts(adjust="bonferroni"), "adjust must be"),
        (lambda fit: fit.means("arm").contrasts(method="odd"), "method must be"),
        (lambda fit: fit.means("months").contrasts(), "nothing to compare"),
        (lambda fit: fit.means("arm").contrasts(adjust="tukey", method="mean"), "all pairs"),
        (lambda fit: fit.slopes("arm"), "needs a numeric variable"),
        (lambda fit: fit.test("colour"), "no fixed term"),
        (lambda fit: fit.test([[1.0, 0.0]]), "expected 4"),
        (lambda fit: fit.test(np.zeros((1, 4))), "nothing to test"),
        (lambda fit: fit.random_effects("organisation"), "no random term"),
        (lambda fit: fit.residuals("odd"), "kind must be"),
        (lambda fit: fit.objective([1.0]), "theta has 1"),
        (lambda fit: fit.predict(pd.DataFrame({"months": [1.0]})), "no column 'arm'"),
        (lambda fit: fit.predict(pd.DataFrame({"months": [1.0], "arm": ["other"]})), "was not in the fit"),
        (lambda fit: fit.predict(pd.DataFrame({"months": [np.nan], "arm": ["care"]})), "missing in 1"),
        (
            lambda fit: fit.predict(pd.DataFrame({"months": [1.0], "arm": ["care"]}), random_effects="all"),
            "no column 'family'",
        ),
        (
            lambda fit: fit.predict(
                pd.DataFrame({"months": [1.0], "arm": ["care"], "family": ["new"]}), random_effects="family"
            ),
            "unseen='population'",
        ),
        (lambda fit: fit.predict(interval="both"), "interval must be"),
        (lambda fit: fit.simulate(0), "above zero"),
    ],
)
def test_impossible_questions_are_refused_in_words(fit: MixedFit, call: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        call(fit)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "MLE"}, "method must be"),
        ({"df": "z"}, "df must be"),
        ({"information": "some"}, "information must be"),
        ({"level": 95}, "level must be"),
        ({"weights": "nope"}, "which the data do not have"),
        ({"weights": "arm"}, "above zero"),
        ({"missing": "ignore"}, "missing must be"),
        ({"theta": [1.0]}, "theta has 1"),
        ({"df": "kenward-roger", "method": "ML"}, "needs REML"),
        ({"reference": {"nope": 1}}, "do not have"),
    ],
)
def test_impossible_arguments_are_refused_in_words(
    data: pd.DataFrame, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        fit_mixed(FORMULA, data, **options)


def test_data_must_be_a_frame() -> None:
    with pytest.raises(ModelError, match="DataFrame"):
        fit_mixed("y ~ 1 + (1 | g)", {"y": [1], "g": [1]})  # type: ignore[arg-type]
    with pytest.raises(FormulaError):
        fit_mixed("y ~ eval(x) + (1 | g)", pd.DataFrame({"y": [1], "g": [1], "x": [1]}))
