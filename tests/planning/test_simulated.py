"""Simulated power against exact targets: given oracles, noncentral t, truths that are not our own model."""

import bisect
import json
import math
from pathlib import Path

import numpy as np
import pytest

from mpg_research.planning import Inputs, Plan, plan_study
from mpg_research.planning.closed_form import closed_form, power_of_t, slope_variance
from mpg_research.planning.questions import QUESTIONS, question_named
from mpg_research.planning.simulated import Cell
from mpg_research.planning.smallest import find_smallest

ORACLES = Path(__file__).parents[1] / "oracles" / "planning"
#: Three Monte Carlo standard errors, as the README of the oracles asks.
ERRORS = 3.0
COMPLETE = {"organisations": 1, "dropout": (0.0,), "missed": 0.0, "icc_organisation": 0.0}
SIMULATION = json.loads((ORACLES / "power_simulation.json").read_text())
CLOSED = json.loads((ORACLES / "power_closed_form.json").read_text())


def growth(cell: dict, effect: float) -> Inputs:
    """A cell of the oracle: families with random intercept and slope, two arms."""
    level, slope = cell["G"][0][0], cell["G"][1][1]
    total = level + cell["sigma"] ** 2
    return Inputs(
        families=cell["families"], waves=cell["waves"], effect=effect,
        sd=math.sqrt(total), icc_family=level / total,
        sd_slope=math.sqrt(slope), correlation=cell["G"][0][1] / math.sqrt(level * slope), **COMPLETE,
    )  # fmt: skip


def only(question: str, inputs: Inputs, simulations: int, **more: object) -> Cell:
    return plan_study(Plan(question, inputs, simulations=simulations, **more)).cells[0]  # type: ignore[arg-type]


def close(found: float, error: float, exact: float) -> bool:
    return abs(found - exact) < ERRORS * error


def test_growth_in_two_arms_has_the_exact_power() -> None:
    cell = SIMULATION["growth"][0]
    inputs = growth(cell, cell["delta"] * (cell["waves"] - 1))
    found = only("intervention", inputs, 300)
    power, wrong = found.measures["power"], found.measures["wrong"]
    assert close(power.estimate, power.mc_error, cell["exact_slope_t"])
    assert close(wrong.estimate, wrong.mc_error, SIMULATION["growth"][2]["exact_slope_t"])
    assert found.n_failed == 0


@pytest.mark.parametrize("place", [0, 1])
def test_the_formula_has_the_exact_power_of_growth_in_two_arms(place: int) -> None:
    cell = SIMULATION["growth"][place]
    told = closed_form(question_named("intervention"), growth(cell, cell["delta"] * (cell["waves"] - 1)))
    assert told["power"] == pytest.approx(cell["exact_slope_t"], abs=1e-9)


def test_a_line_through_three_families_has_the_power_of_t_and_not_of_z() -> None:
    exact = SIMULATION["simr_from_scratch"]["exact_within_t"]
    inputs = Inputs(
        families=3, waves=10, effect=-0.9, sd=math.sqrt(1.5), icc_family=1 / 3, sd_slope=0.0, **COMPLETE
    )
    assert closed_form(question_named("mean_change"), inputs)["power"] == pytest.approx(exact, abs=1e-9)
    power = only("mean_change", inputs, 300).measures["power"]
    assert close(power.estimate, power.mc_error, exact)


def test_slope_variance_is_that_of_published_sizes() -> None:
    ard = CLOSED["ard_edland"]
    total = 55 + 10
    inputs = Inputs(
        waves=7, spacing=0.25, sd=math.sqrt(total), icc_family=55 / total,
        sd_slope=math.sqrt(24), correlation=0.8,
        **COMPLETE,
    )  # fmt: skip
    assert slope_variance(inputs) == pytest.approx(ard["slope_variance"], rel=1e-4)


@pytest.mark.parametrize("cell", CLOSED["diggle_p29"]["table"])
def test_slope_variance_gives_the_integers_of_diggle(cell: dict) -> None:
    """Compound symmetry: sigma^2 (1 - rho) over the sum of squares; their months are 0, 2 and 5."""
    rho, sd = cell["rho"], math.sqrt(cell["sigma2"])
    inputs = Inputs(waves=6, sd=sd, icc_family=rho, sd_slope=0.0, **COMPLETE)
    months = np.array([0.0, 2.0, 5.0])
    squares = np.sum((inputs.months - inputs.months.mean()) ** 2)
    variance = slope_variance(inputs) * squares / np.sum((months - months.mean()) ** 2)
    n = 2 * (1.6448536269514722 + 0.8416212335729143) ** 2 * variance / 0.5**2
    assert math.ceil(n) == cell["published"]


def test_the_power_of_t_is_that_of_a_trial_in_clusters() -> None:
    for row in CLOSED["cluster_trial"]["table"]:
        error = math.sqrt(2 * (1 + (row["m"] - 1) * row["icc"]) / (15 * row["m"]))
        assert power_of_t(row["d"] / error, 28, 0.05) == pytest.approx(row["power_t_30_clusters"], abs=1e-9)


def test_the_slope_variance_is_that_of_drawn_scores() -> None:
    """With drop-out and serial correlation: the spread of a dense generalised least squares, drawn anew."""
    inputs = Inputs(
        families=40, waves=5, organisations=1, serial=0.4, icc_organisation=0.0, dropout=(0.1,), missed=0.1
    )
    rng = np.random.default_rng(3)
    months = inputs.months
    z = np.column_stack([np.ones(5), months])
    v = z @ inputs.family_covariance() @ z.T + inputs.residual_variance * 0.4 ** np.abs(
        months[:, None] - months
    )
    root, retained = np.linalg.cholesky(v), inputs.retained()
    slopes = []
    for _ in range(400):
        info, moment = np.zeros((2, 2)), np.zeros(2)
        for _family in range(inputs.families):
            seen = (rng.random() < retained) & (rng.random(5) >= 0.1)
            seen[0] = True
            w = np.linalg.inv(v[np.ix_(seen, seen)])
            y = (root @ rng.standard_normal(5))[seen]
            info += z[seen].T @ w @ z[seen]
            moment += z[seen].T @ w @ y
        slopes.append(np.linalg.solve(info, moment)[1])
    spread = np.var(slopes, ddof=1)
    told = slope_variance(inputs) / inputs.families
    assert abs(spread / told - 1) < 4 * math.sqrt(2 / 400) + 0.02


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "mean_change"])
def test_every_question_agrees_with_its_formula(name: str) -> None:
    question = question_named(name)
    effect = -3.0 if question.has_effect else math.nan
    spread = 0.0 if question.has_effect else 0.15
    inputs = Inputs(
        families=60, organisations=3, waves=4, spacing=4.0, effect=effect, sd_slope_organisation=spread,
        dropout=(0.0,), missed=0.0,
    )  # fmt: skip
    found = only(name, inputs, 150)
    assert tuple(found.measures) == question.measures
    for measure in found.measures.values():
        assert math.isfinite(measure.estimate)
        assert measure.mc_error > 0
        if not math.isfinite(measure.formula):
            continue
        allowed = ERRORS * measure.mc_error + 0.03 * abs(measure.formula)
        assert abs(measure.estimate - measure.formula) < allowed, name


def test_a_plan_is_the_same_however_often_it_is_made() -> None:
    inputs = Inputs(families=30, organisations=2, waves=3, spacing=3.0, effect=2.0)
    one, other = (only("mean_change", inputs, 60).measures for _ in range(2))
    assert one == other


def test_the_smallest_number_is_found_where_power_is_known() -> None:
    """The simulation is a binomial draw from an exact power, so that the number looked for is known."""
    question = question_named("mean_change")
    hits = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        inputs = Inputs(effect=-1.0 - 2.0 * rng.random(), organisations=1)

        def simulate(n: int, inputs: Inputs = inputs, rng: np.random.Generator = rng) -> tuple[float, int]:
            power = power_of_t(abs(inputs.effect) / 20.0 * math.sqrt(n), n - 1, 0.05)
            return float(rng.binomial(1000, power) / 1000), 1000

        found = find_smallest(simulate, question, inputs, target=0.8, values={})
        size = abs(inputs.effect) / 20.0
        exact = 10 + bisect.bisect_left(
            range(10, 20_001), 0.8, key=lambda n, size=size: power_of_t(size * math.sqrt(n), n - 1, 0.05)
        )
        assert found.families is not None
        assert found.low is not None
        assert found.high is not None
        assert abs(found.families / exact - 1) < 0.15
        hits += found.low <= exact <= found.high
    assert hits >= 34  # 95 of 100


def test_a_number_that_is_never_reached_is_said_to_be_none() -> None:
    found = find_smallest(
        lambda n: (0.05, 1000), question_named("mean_change"), Inputs(effect=1e-6), target=0.8, values={}
    )
    assert found.families is None


def test_drawn_parameters_are_carried_along() -> None:
    """With spreads that are half as large or twice as large margins spread more than with one value."""
    inputs = Inputs(families=40, organisations=1, waves=3, spacing=6.0, effect=2.0)
    draws = tuple({"sd_slope": value} for value in (0.2, 1.2))
    alone, carried = (only("mean_change", inputs, 60, draws=each).measures["margin"] for each in ((), draws))
    assert carried.high - carried.low > 2 * (alone.high - alone.low)
