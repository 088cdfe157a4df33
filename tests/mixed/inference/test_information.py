"""Derivatives, information and degrees of freedom against R, SAS, finite differences and each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed.covariance.random_part import DIAGONAL, FULL
from mpg_research.mixed.inference.design_degrees import design_degrees
from mpg_research.mixed.inference.information import information
from mpg_research.mixed.inference.natural_parameters import natural_derivatives, term_faces
from mpg_research.mixed.inference.satterthwaite_kenward_roger import (
    kenward_roger,
    satterthwaite_degrees,
    satterthwaite_test,
)
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute
from mpg_research.mixed.likelihood.derivatives import crossed_derivatives, nested_derivatives
from mpg_research.mixed.likelihood.layout import chain_of_levels
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.likelihood.scaling import scale_problem
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.solution import MixedSolution, solve
from tests.mixed.oracle_models import ORACLES, columns, needs_oracles, problem, reference, term

MODELS = reference()
# lmerTest differentiates numerically; its own error is some 1e-5.
NUMERIC_HESSIAN = 5e-5
# pbkrtest works in closed form.
CLOSED_FORM = 1e-7
SAS = 1e-4


def _numbers(stored: object) -> np.ndarray:
    return np.array(list(stored.values()) if isinstance(stored, dict) else np.atleast_1d(stored), dtype=float)


def _at_stored(name: str) -> MixedSolution:
    model = MODELS[name]
    theta = np.array(list(model["theta"].values()))
    return solve(problem(model), method="REML" if model["REML"] else "ML", theta=theta)


def _three_levels(seed: int = 1, n_organisations: int = 5) -> MixedProblem:
    """Waves in families in workers in organisations; slopes at two levels; unequal sizes."""
    rng = np.random.default_rng(seed)
    family = np.sort(rng.integers(0, 60, 300))
    _, family = np.unique(family, return_inverse=True)
    worker = np.sort(rng.integers(0, 15, family.max() + 1))[family]
    _, worker = np.unique(worker, return_inverse=True)
    organisation = (np.arange(worker.max() + 1) % n_organisations)[worker]
    n = family.size
    months = rng.uniform(0, 12, n)
    z = np.column_stack([np.ones(n), months])
    x = np.column_stack([z, organisation == 0, rng.normal(size=n)])
    y = 20 - 0.3 * months + rng.normal(size=n)
    y += 2 * rng.normal(size=60)[family] + 0.2 * rng.normal(size=60)[family] * months
    y += rng.normal(size=15)[worker] + rng.normal(size=n_organisations)[organisation]

    def made(group: str, columns_: np.ndarray, codes: np.ndarray, *, correlated: bool = True) -> RandomTerm:
        names = ("1", "months")[: columns_.shape[1]]
        return RandomTerm(
            group, names, columns_, codes, tuple(range(codes.max() + 1)), FULL if correlated else DIAGONAL
        )

    random = (
        made("family", z, family),
        made("worker", z, worker, correlated=False),
        made("organisation", z[:, :1], organisation),
    )
    return MixedProblem(y, x.astype(float), ("1", "months", "first", "z"), random)


@needs_oracles
@pytest.mark.parametrize("name", sorted(n for n in MODELS if MODELS[n].get("satterthwaite")))
def test_satterthwaite_agrees_with_lmertest(name: str) -> None:
    found = _at_stored(name)
    stored = _numbers(MODELS[name]["satterthwaite"]["df"])
    assert satterthwaite_degrees(found, np.eye(found.beta.size)) == pytest.approx(stored, rel=NUMERIC_HESSIAN)


@needs_oracles
@pytest.mark.parametrize(
    "name", sorted(n for n in MODELS if MODELS[n].get("kenward_roger") and n != "dyestuff2")
)
def test_kenward_roger_agrees_with_pbkrtest(name: str) -> None:
    found = kenward_roger(_at_stored(name))
    stored, each = MODELS[name]["kenward_roger"], np.eye(len(MODELS[name]["fixef"]))
    assert found.degrees(each) == pytest.approx(_numbers(stored["df"]), rel=CLOSED_FORM)
    assert found.standard_errors(each) == pytest.approx(_numbers(stored["se"]), rel=CLOSED_FORM)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(_numbers(stored["se"]), rel=CLOSED_FORM)


def _type_three(p: int) -> dict[str, np.ndarray]:
    """Type III contrasts of the oats design (3 varieties x 4 doses, treatment coding)."""
    assert p == 12
    cells = np.zeros((3, 4, p))
    for v in range(3):
        for d in range(4):
            cells[v, d, 0] = 1
            if v:
                cells[v, d, v] = 1
            if d:
                cells[v, d, 2 + d] = 1
            if v and d:
                cells[v, d, 6 + 2 * (d - 1) + v - 1] = 1
    variety, dose = cells.mean(axis=1), cells.mean(axis=0)
    return {
        "Variety": variety[1:] - variety[0],
        "nf": dose[1:] - dose[0],
        "Variety:nf": (cells[1:, 1:] - cells[1:, :1] - cells[:1, 1:] + cells[:1, :1]).reshape(6, p),
    }


@needs_oracles
def test_joint_tests_agree_with_lmertest_and_pbkrtest() -> None:
    found = _at_stored("oats")
    adjusted = kenward_roger(found)
    model = MODELS["oats"]
    contrasts = _type_three(12)
    for plain, robust in zip(model["anova_sat"], model["anova_kr"], strict=True):
        rows = contrasts[plain["_row"]]
        wald = satterthwaite_test(found, rows)
        assert wald.statistic == pytest.approx(plain["F value"], rel=1e-8)
        assert wald.numerator_df == plain["NumDF"]
        assert wald.denominator_df == pytest.approx(plain["DenDF"], rel=NUMERIC_HESSIAN)
        scaled = adjusted.test(rows)
        assert scaled.statistic == pytest.approx(robust["F value"], rel=1e-8)
        assert scaled.denominator_df == pytest.approx(robust["DenDF"], rel=CLOSED_FORM)
        # a dependent row adds nothing
        again = adjusted.test(np.vstack([rows, rows[:1] * 2]))
        assert again.denominator_df == pytest.approx(scaled.denominator_df, rel=1e-8)
        assert again.statistic == pytest.approx(scaled.statistic, rel=1e-8)


def _sas(name: str) -> tuple[MixedProblem, pd.DataFrame, pd.DataFrame, np.ndarray]:
    assert ORACLES is not None
    folder = ORACLES / "sas"
    tables = [pd.read_csv(folder / f"Results_{name}_sas_{kind}.csv") for kind in ("kr", "sw")]
    covariance = pd.read_csv(folder / f"Results_{name}_sas_asycov.csv").filter(like="CovP")
    covariance = covariance.drop(columns="CovParm").to_numpy(float)
    if name.startswith("sleep"):
        key = "sleepstudy_zc" if name == "sleep_study" else "sleepstudy_rs_reml"
        return problem(MODELS[key]), tables[0], tables[1], covariance
    data = pd.read_csv(folder / "Data_wind_tunnel_Chapter_10.csv").rename(columns={"Whole Plots": "plot"})
    four = ["FRH", "RRH", "YA", "GC"]
    products = [f"{a}:{b}" for i, a in enumerate(four) for b in four[i + 1 :]]
    names = ["1", *four, *products, *[f"{a}:{a}" for a in four]]
    made = MixedProblem(
        data["EFFICIENCY"].to_numpy(float), columns(data, *names), tuple(names), (term(data, "plot", "1"),)
    )
    return made, tables[0], tables[1], covariance


@needs_oracles
@pytest.mark.parametrize("name", ["sleep_study", "sleep_study_corr", "wind_tunnel"])
def test_agrees_with_sas(name: str) -> None:
    made, by_kr, by_sw, covariance = _sas(name)
    found = solve(made)
    each = np.eye(made.x.shape[1])
    adjusted = kenward_roger(found, kind="observed")
    assert found.beta == pytest.approx(by_kr["Estimate"].to_numpy(), rel=SAS)
    assert adjusted.standard_errors(each) == pytest.approx(by_kr["StdErr"].to_numpy(), rel=SAS)
    assert adjusted.degrees(each) == pytest.approx(by_kr["DF"].to_numpy(), rel=SAS)
    assert satterthwaite_degrees(found, each) == pytest.approx(by_sw["DF"].to_numpy(), rel=SAS)
    assert information(found, "observed").component_covariance == pytest.approx(covariance, rel=5 * SAS)


def test_both_routes_give_the_same_derivatives() -> None:
    made = _three_levels()
    found = solve(made)
    scaled = scale_problem(made)
    chain = chain_of_levels(made)
    assert chain is not None
    factors = scaled.factors(found.internal)
    rng = np.random.default_rng(0)
    directions = [[(lambda m: m + m.T)(rng.normal(size=f.shape)) for _ in range(2)] for f in factors]
    nested, crossed = NestedRoute(made, scaled, chain), CrossedRoute(made, scaled)
    state, other = nested.evaluate(factors), crossed.evaluate(factors)
    assert state.log_det == pytest.approx(other.log_det, rel=1e-12)
    assert state.s == pytest.approx(other.s, rel=1e-9, abs=1e-9)
    inner = np.diag(rng.uniform(size=state.s.shape[0]))
    for one, two in zip(nested.slopes(state, inner), crossed.slopes(other, inner), strict=True):
        assert one == pytest.approx(two, rel=1e-8, abs=1e-8)
    for one, two in zip(nested.scores(state), crossed.scores(other), strict=True):
        assert one == pytest.approx(two, rel=1e-8, abs=1e-8)
    for one, two in zip(nested.posterior_variances(state), crossed.posterior_variances(other), strict=True):
        assert one == pytest.approx(two, rel=1e-8, abs=1e-10)
    first = nested_derivatives(nested, state, directions)
    second = crossed_derivatives(crossed, other, directions)
    for name in ("p", "q", "trace", "trace_2"):
        size = np.max(np.abs(getattr(second, name)))
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-8, abs=1e-10 * size)


def test_derivatives_equal_finite_differences() -> None:
    made = _three_levels(4)
    scaled = scale_problem(made)
    chain = chain_of_levels(made)
    assert chain is not None
    route = NestedRoute(made, scaled, chain)
    factors = [np.eye(f.shape[0]) * 0.6 for f in scaled.factors(solve(made).internal)]
    directions: list[list[np.ndarray]] = [[np.eye(f.shape[0])] for f in factors]
    step = 1e-4

    def at(moves: list[float]) -> tuple[float, np.ndarray]:
        moved = [
            np.linalg.cholesky(f @ f.T + move * np.eye(len(f)))
            for f, move in zip(factors, moves, strict=True)
        ]
        state = route.evaluate(moved)
        return state.log_det, state.s

    found = nested_derivatives(route, route.evaluate(factors), directions)
    for i in range(3):
        up, down = [0.0] * 3, [0.0] * 3
        up[i], down[i] = step, -step
        (log_up, s_up), (log_down, s_down) = at(up), at(down)
        assert (log_up - log_down) / (2 * step) == pytest.approx(found.trace[i], rel=1e-6)
        assert (s_up - s_down) / (2 * step) == pytest.approx(-found.p[i], rel=1e-5, abs=1e-4)
        for j in range(3):
            values = []
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moves = [0.0] * 3
                moves[i] += a * 1e-3
                moves[j] += b * 1e-3
                values.append(at(moves))
            second = (values[0][1] - values[1][1] - values[2][1] + values[3][1]) / 4e-6
            expected = found.q[i, j] + found.q[j, i]
            assert second == pytest.approx(expected, rel=1e-3, abs=1e-3 * np.max(np.abs(expected)))
            log_second = (values[0][0] - values[1][0] - values[2][0] + values[3][0]) / 4e-6
            assert log_second == pytest.approx(-found.trace_2[i, j], rel=1e-3)


@needs_oracles
def test_at_a_zero_variance_the_reduced_model_gives_the_df() -> None:
    found = solve(problem(MODELS["dyestuff2"]))
    assert satterthwaite_degrees(found, np.ones(1)) == pytest.approx([29.0], rel=1e-6)
    assert kenward_roger(found).degrees(np.ones(1)) == pytest.approx([29.0], rel=1e-6)
    assert design_degrees(found).of(np.ones(1)) == pytest.approx([5.0])


def test_reduced_face_equals_the_model_without_the_zero_term() -> None:
    made = _three_levels()
    with_zero = solve(made, theta=np.array([1.0, 0.1, 0.2, 0.7, 0.0, 0.0]))
    worker = replace(made.random[1], z=made.random[1].z[:, :1], term_names=("1",))
    reduced = solve(replace(made, random=(made.random[0], worker)), theta=np.array([1.0, 0.1, 0.2, 0.7]))
    each = np.eye(4)
    # expected only: away from the optimum observed information depends on the choice of parameters
    ours = satterthwaite_degrees(with_zero, each, kind="expected")
    assert ours == pytest.approx(satterthwaite_degrees(reduced, each, kind="expected"), rel=1e-8)
    assert kenward_roger(with_zero).degrees(each) == pytest.approx(
        kenward_roger(reduced).degrees(each), rel=1e-8
    )
    assert kenward_roger(with_zero).covariance == pytest.approx(kenward_roger(reduced).covariance, rel=1e-8)


def test_design_degrees_count_groups_less_effects() -> None:
    found = design_degrees(solve(_three_levels()))
    # intercept and first vary between the 5 organisations; months multiplies z at the worker level
    assert found.group[0] == found.group[2] == "organisation"
    assert found.df[0] == found.df[2] == 3
    assert found.group[1] == "worker"
    assert np.isnan(found.df[3])


def test_maximum_likelihood_has_no_kenward_roger() -> None:
    found = solve(_three_levels(), method="ML")
    with pytest.raises(ModelError, match="REML"):
        kenward_roger(found)


def test_euler_gives_the_residual_variance_its_derivatives() -> None:
    """sigma^2's share comes from homogeneity alone; here it is formed directly from V."""
    found = solve(_three_levels())
    engine = found.engine
    _, profiled = engine.at(found.internal)
    pieces = natural_derivatives(found)
    base = engine.scaled.fixed.T
    v = np.eye(base.shape[0])
    directions = [face.directions for face in term_faces(engine, found.internal)]
    moved = []
    for made, factor, own, z in zip(
        found.problem.random, engine.scaled.factors(found.internal), directions, engine.scaled.z, strict=True
    ):
        same = made.codes[:, None] == made.codes[None, :]
        v = v + same * (z.T @ factor @ factor.T @ z)
        moved += [same * (z.T @ direction @ z) for direction in own]
    inverse = np.linalg.inv(profiled.s2 * v)
    steps = [*moved, np.eye(base.shape[0])]
    for i, step in enumerate(steps):
        expected = base.T @ inverse @ step @ inverse @ base
        size = np.max(np.abs(expected))
        assert pieces.p[i] == pytest.approx(expected, rel=1e-8, abs=1e-9 * size)
        for j, other in enumerate(steps):
            trace = np.sum((inverse @ step) * (inverse @ other).T)
            assert pieces.trace_2[i, j] == pytest.approx(trace, rel=1e-8)
            expected = base.T @ inverse @ step @ inverse @ other @ inverse @ base
            size = np.max(np.abs(expected))
            assert pieces.q[i, j] == pytest.approx(expected, rel=1e-7, abs=1e-8 * size)
