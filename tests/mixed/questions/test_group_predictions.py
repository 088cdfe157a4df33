"""Joint predictions of all groups against dense algebra and against the model with fixed groups."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import block_diag

from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, fit_mixed
from mpg_research.mixed.questions.group_predictions import group_effects
from mpg_research.mixed.questions.prediction_error import Asked, prediction_error
from mpg_research.simulate.gaussian import simulate_gaussian

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


def test_degrees_of_freedom_are_those_of_the_analytic_derivatives(fit: MixedFit) -> None:
    effects = group_effects(fit.solution, place(fit))
    g = len(effects.levels)
    x = fit.means("months", at={"months": [12.0], "child_age": [8.0]}).matrix[0]
    z = np.tile([1.0, 12.0], (g, 1))
    own = [index == place(fit) for index in range(len(fit.problem.random))]
    codes = tuple(np.arange(g) if mine else np.full(g, -1) for mine in own)
    kinds = np.zeros((g, 0))
    asked = Asked(np.tile(x, (g, 1)), (z,) * len(own), codes, (place(fit),), False, kinds)
    variance, df = prediction_error(fit.solution, fit.inference, asked)
    covariance = effects.predict(x, [1.0, 12.0]).covariance
    assert np.diagonal(covariance) == pytest.approx(variance, rel=EXACT)
    assert effects.degrees(x, [1.0, 12.0]) == pytest.approx(df, rel=1e-5)


def test_degrees_of_freedom_of_differences_without_shrinkage(fit: MixedFit, data: pd.DataFrame) -> None:
    contrasts = np.eye(6)[1:] - np.eye(6)[0]
    effects = group_effects(fit.solution, place(fit), shrink=False)
    found = effects.degrees(combination(fit), [0.0, 12.0], contrasts=contrasts)
    formula = "score ~ months * organisation + months * child_age + (1 + months | family)"
    fixed = fit_mixed(formula, data, theta=fit.theta[:3])
    at = {"months": [0.0, 12.0], "child_age": [8.0]}
    rows = fixed.means(["organisation", "months"], at=at).matrix.reshape(6, 2, -1)
    expected = fixed.inference.single_df(contrasts @ (rows[:, 1] - rows[:, 0]))
    # the information about the families' variances is not quite the same in the two models
    assert found == pytest.approx(expected, rel=0.03)


def test_wrong_shapes_are_refused(fit: MixedFit) -> None:
    with pytest.raises(ModelError, match="expected x"):
        group_effects(fit.solution, place(fit)).predict([1.0], [0.0, 12.0])


def test_a_column_can_stay_shrunken_when_the_rest_is_not() -> None:
    data = frame_with_bends()
    fit = fit_mixed("y ~ months + (1 + months + bend | place)", data, method="REML")
    index = [term.group for term in fit.problem.random].index("place")
    names = list(fit.problem.random[index].term_names)
    free, partly, drawn = (
        group_effects(fit.solution, index, **how)
        for how in ({"shrink": False}, {"shrink": False, "still_shrunken": ("bend",)}, {})
    )
    bend = names.index("bend")
    assert free.modes[:, bend].std() > partly.modes[:, bend].std() > 0
    # Exactly: least squares with a level and slope per group, and a penalty on the bends.
    variance = fit.solution.random_covariance(index)[bend, bend] / fit.solution.sigma2
    codes = pd.Categorical(data["place"], categories=free.levels).codes
    own = np.eye(len(free.levels))[codes]
    months, bends = data["months"].to_numpy(), data["bend"].to_numpy()
    design = np.column_stack([own, own * months[:, None], own * bends[:, None]])
    g = len(free.levels)
    penalty = np.diag(np.r_[np.zeros(2 * g), np.full(g, 1 / variance)])
    found = np.linalg.solve(design.T @ design + penalty, design.T @ data["y"].to_numpy())
    assert partly.modes[:, bend] == pytest.approx(found[2 * g :], abs=1e-3)
    assert drawn.shrunken
    assert not partly.shrunken


def frame_with_bends() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    place = np.repeat([f"p{number}" for number in range(12)], 40)
    months = rng.uniform(0, 12, place.size)
    own = {key: rng.normal(0, [1.0, 0.2, 1.0]) for key in sorted(set(place))}
    effect = np.array([own[key] for key in place])
    bend = np.log1p(months)
    y = 20 - 0.3 * months + effect[:, 0] + effect[:, 1] * months + effect[:, 2] * bend
    return pd.DataFrame(
        {"place": place, "months": months, "bend": bend, "y": y + rng.normal(0, 2, place.size)}
    )
