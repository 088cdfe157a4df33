"""Joint predictions of all groups against dense algebra and against the model with fixed groups."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import block_diag

from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.mixed.group_predictions import group_effects
from mpg_research.study.simulate_gaussian import simulate_gaussian

#: The same algebra in another order.
EXACT = 1e-8
#: What is left of the shrinkage of groups that are as good as fixed.
NEARLY_FLAT = 1e-5

RANDOM = "(1 + months | family) + (1 + months | organisation)"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return simulate_gaussian(3, families=90)


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(f"score ~ months * child_age + {RANDOM}", data)


def combination(fit: MixedFit) -> np.ndarray:
    """Change from the start to month 12 of a family with a child of eight."""
    rows = fit.means("months", at={"months": [0.0, 12.0], "child_age": [8.0]}).matrix
    return rows[1] - rows[0]


def place(fit: MixedFit) -> int:
    return [term.group for term in fit.problem.random].index("organisation")


def test_joint_covariance_is_hendersons(fit: MixedFit) -> None:
    found = group_effects(fit.solution, place(fit)).predict(combination(fit), [0.0, 12.0])
    problem, blocks, spreads = fit.problem, [], []
    for index, term in enumerate(problem.random):
        g, q = len(term.levels), term.z.shape[1]
        z = np.zeros((len(problem.y), g * q))
        for column in range(q):
            z[np.arange(len(problem.y)), term.codes * q + column] = term.z[:, column]
        blocks.append(z)
        spreads.append(np.kron(np.eye(g), fit.solution.random_covariance(index)))
    all_z = np.hstack(blocks)
    v = all_z @ block_diag(*spreads) @ all_z.T + fit.solution.sigma2 * np.eye(len(problem.y))
    inverse = np.linalg.inv(v)
    phi = np.linalg.inv(problem.x.T @ inverse @ problem.x)
    beta = phi @ problem.x.T @ inverse @ problem.y
    own, z = spreads[place(fit)], blocks[place(fit)]
    pick = np.kron(np.eye(len(found.levels)), [[0.0, 12.0]])
    gain = pick @ own @ z.T @ inverse
    estimate = combination(fit) @ beta + gain @ (problem.y - problem.x @ beta)
    sensitivity = combination(fit) - gain @ problem.x
    given = pick @ (own - own @ z.T @ inverse @ z @ own) @ pick.T
    assert found.estimate == pytest.approx(estimate, abs=EXACT)
    assert found.covariance == pytest.approx(sensitivity @ phi @ sensitivity.T + given, abs=EXACT)


def test_without_shrinkage_groups_are_fixed_effects(fit: MixedFit, data: pd.DataFrame) -> None:
    found = group_effects(fit.solution, place(fit), shrink=False).predict(combination(fit), [0.0, 12.0])
    fixed = fit_mixed(
        "score ~ months * organisation + months * child_age + (1 + months | family)",
        data, df="normal", theta=fit.theta[:3],
    )  # fmt: skip
    at = {"months": [0.0, 12.0], "child_age": [8.0]}
    rows = fixed.means(["organisation", "months"], at=at).matrix.reshape(6, 2, -1)
    rows = rows[:, 1] - rows[:, 0]
    assert found.estimate == pytest.approx(rows @ fixed.solution.beta, abs=NEARLY_FLAT)
    scale = fit.solution.sigma2 / fixed.solution.sigma2
    covariance = scale * rows @ fixed.solution.covariance @ rows.T
    contrast = np.eye(6) - 1 / 6
    assert contrast @ found.covariance @ contrast == pytest.approx(
        contrast @ covariance @ contrast, abs=NEARLY_FLAT * covariance.max()
    )


def test_wrong_shapes_are_refused(fit: MixedFit) -> None:
    with pytest.raises(ModelError, match="expected x"):
        group_effects(fit.solution, place(fit)).predict([1.0], [0.0, 12.0])
