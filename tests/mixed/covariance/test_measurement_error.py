"""Measurement error beside CAR(1): against nlme, dense matrices and simulated truths."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed import AR1, CAR1, MixedFit, VarianceBy, compare_fits, fit_mixed
from mpg_research.mixed.inference.information import information
from mpg_research.mixed.inference.satterthwaite_kenward_roger import kenward_roger, satterthwaite_degrees
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.residual_derivatives import direction_traces
from mpg_research.mixed.search import search_rows

FOLDER = Path(__file__).resolve().parents[2] / "oracles" / "mixed"
STORED = json.loads((FOLDER / "measurement_error.json").read_text())
DATA = pd.read_csv(FOLDER / "measurement_error.csv")
# Both evaluate closed forms at the same parameters.
SAME = 1e-8
# nlme stops when the log-likelihood no longer changes by 1e-7 or so; the estimates lie within its root.
SEARCH = 1e-3
# The dense side differentiates twice numerically.
NUMERIC = 1e-5

NOISY = CAR1("months", within="family", measurement_error=True)
MODELS: dict[str, tuple[str, Any, str]] = {
    "level": ("(1 | family)", NOISY, "REML"),
    "slope_ml": ("(months | family)", NOISY, "ML"),
    "nested": ("(1 | organisation/family)", NOISY, "REML"),
    "level_arm": ("(1 | family)", (NOISY, VarianceBy("arm")), "REML"),
}


def fitted(name: str, data: pd.DataFrame = DATA, **options: Any) -> MixedFit:
    random, residual, method = MODELS[name]
    return fit_mixed(f"score ~ months * arm + {random}", data, residual=residual, method=method, **options)


def stored_theta(name: str) -> np.ndarray:
    found = STORED[name]
    random = [found["theta"][group] for group in ("family", "organisation") if group in found["theta"]]
    parts = (*random, found["phi"], found["share"], found["ratio"])
    return np.concatenate([np.atleast_1d(np.asarray(part, dtype=float)) for part in parts])


@pytest.mark.parametrize("name", MODELS)
def test_likelihood_estimates_and_covariance_at_the_parameters_of_nlme(name: str) -> None:
    stored, there = STORED[name], fitted(name, theta=stored_theta(name))
    assert there.log_likelihood == pytest.approx(stored["loglik"], abs=SAME)
    assert there.residual_sd == pytest.approx(stored["sigma"], rel=1e-6)
    assert there.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=1e-6)
    assert np.sqrt(np.diagonal(there.solution.covariance)) == pytest.approx(stored["se"], rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_optimum_is_that_of_nlme_or_better(name: str) -> None:
    stored, fit = STORED[name], fitted(name)
    assert fit.convergence.converged
    assert -SAME < fit.log_likelihood - stored["loglik"] < 1e-6
    assert fit.theta == pytest.approx(stored_theta(name), rel=SEARCH, abs=SEARCH)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(stored["fixef"], rel=SEARCH)


def dense_r(data: pd.DataFrame, natural: np.ndarray, strata: bool) -> np.ndarray:
    """R by its definition."""
    time, family = data["months"].to_numpy(), data["family"].to_numpy()
    state = (family[:, None] == family) * natural[0] ** np.abs(time[:, None] - time)
    r = (1 - natural[1]) * state + natural[1] * np.eye(len(data))
    s = np.where(data["arm"] == "b", natural[2], 1.0) if strata else np.ones(len(data))
    return np.asarray(s[:, None] * r * s)


def dense_v(fit: MixedFit, data: pd.DataFrame, psi: np.ndarray, strata: bool) -> np.ndarray:
    """V of (variances of the random intercepts, delta, sigma^2)."""
    structure = fit.problem.residual
    n_random = len(fit.problem.random)
    v = psi[-1] * dense_r(data, structure.natural(psi[n_random:-1]), strata)
    for variance, term in zip(psi, fit.problem.random, strict=False):
        v = v + variance * (term.codes[:, None] == term.codes)
    return np.asarray(v)


def derivatives(f: Any, at: np.ndarray, step: float = 1e-4) -> tuple[list[Any], list[list[Any]]]:
    steps = step * np.maximum(np.abs(at), 0.3)
    unit, size = np.diag(steps), range(at.size)
    first = [(f(at + unit[i]) - f(at - unit[i])) / (2 * steps[i]) for i in size]
    second = [
        [
            (
                f(at + unit[i] + unit[j])
                - f(at + unit[i] - unit[j])
                - f(at - unit[i] + unit[j])
                + f(at - unit[i] - unit[j])
            )
            / (4 * steps[i] * steps[j])
            for j in size
        ]
        for i in size
    ]
    return first, second


@pytest.mark.parametrize("strata", [False, True])
def test_the_filter_equals_dense_matrices(strata: bool) -> None:
    """Every product and trace, for series of unequal length in the order of a file."""
    data = DATA.head(150)
    residual = (NOISY, VarianceBy("arm")) if strata else NOISY
    fit = fit_mixed("score ~ months + (1 | family)", data, residual=residual)
    engine, bound = fit.solution.engine, fit.problem.residual
    natural = np.array([0.6, 0.3, 1.4])[: len(bound.names)]
    delta = bound.from_natural(natural)
    assert bound.natural(delta) == pytest.approx(natural)
    rows, inner = engine.route.rows, engine.residual
    order = np.arange(len(data)) if rows.order is None else rows.order

    def r_at(at: np.ndarray) -> np.ndarray:
        return dense_r(data, bound.natural(at), strata)[np.ix_(order, order)]

    r, (first, second) = r_at(delta), derivatives(r_at, delta)
    inverse = np.linalg.inv(r)
    pairs = [(i, j) for i in range(delta.size) for j in range(i, delta.size)]
    white, log_det = inner.whitened(delta, rows.base)
    assert log_det == pytest.approx(np.linalg.slogdet(r)[1], rel=SAME)
    assert white @ white.T == pytest.approx(rows.base @ inverse @ rows.base.T, rel=SAME, abs=SAME)
    assert inner.solve(delta, rows.base) == pytest.approx(rows.base @ inverse, rel=SAME, abs=SAME)
    half = inner.half(delta, rows.base)
    assert inner.back(delta, half) == pytest.approx(rows.base @ r, rel=SAME, abs=SAME)
    turned = [inverse @ one @ inverse for one in first] + [inverse @ second[i][j] @ inverse for i, j in pairs]
    products, halves = inner.turned(delta, rows.base, pairs)
    for found, half, wanted in zip(products, halves, turned, strict=True):
        size = np.max(np.abs(rows.base @ wanted))
        assert found == pytest.approx(rows.base @ wanted, rel=NUMERIC, abs=NUMERIC * size)
        assert half @ half.T == pytest.approx(found @ r @ found.T, rel=1e-6, abs=1e-6 * size**2)
    slopes = inner.inverse_slopes(delta, rows.base, rows.base)
    assert slopes == pytest.approx([-np.trace(rows.base @ one @ rows.base.T) for one in turned[: delta.size]])
    alone, both, known = direction_traces(inner, delta, pairs)
    assert not known
    assert alone == pytest.approx([np.trace(one @ r) for one in turned], rel=NUMERIC, abs=NUMERIC)
    for a, one in enumerate(turned[: delta.size]):
        wanted = [np.trace(one @ r @ other @ r) for other in turned[: delta.size]]
        assert both[a, : delta.size] == pytest.approx(wanted, rel=NUMERIC)
    w = bound.whitening(delta).toarray()
    if not strata:
        assert w.T @ w == pytest.approx(np.linalg.inv(dense_r(data, natural, strata)), rel=SAME, abs=SAME)


@pytest.mark.parametrize("strata", [False, True])
def test_likelihood_gradient_and_degrees_equal_the_dense_definition(strata: bool) -> None:
    data = draw(6, share=0.4, phi=0.5, n=30, waves=7)
    data["score"] += np.random.default_rng(2).normal(0, 3, 30)[data["family"]]
    residual = (NOISY, VarianceBy("arm")) if strata else NOISY
    fit = fit_mixed("score ~ months + arm + (1 | family)", data, residual=residual, df="kenward-roger")
    solution, n_random = fit.solution, 1
    assert not solution.is_singular
    assert 0.1 < solution.residual_parameters[1] < 0.9
    delta = fit.problem.residual.from_natural(solution.residual_parameters)
    psi = np.concatenate([fit.random["covariance"].to_numpy(), delta, [solution.sigma2]])
    x, y = fit.problem.x, fit.problem.y

    def deviance(at: np.ndarray) -> np.ndarray:
        inverse = np.linalg.inv(dense_v(fit, data, at, strata))
        xvx = x.T @ inverse @ x
        rest = y - x @ np.linalg.solve(xvx, x.T @ inverse @ y)
        dets = np.linalg.slogdet(xvx)[1] - np.linalg.slogdet(inverse)[1]
        return np.array(dets + rest @ inverse @ rest + (len(y) - x.shape[1]) * np.log(2 * np.pi))

    assert solution.deviance == pytest.approx(float(deviance(psi)), rel=SAME)
    first, _ = derivatives(lambda at: dense_v(fit, data, at, strata), psi)
    inverse = np.linalg.inv(dense_v(fit, data, psi, strata))
    phi = np.linalg.inv(x.T @ inverse @ x)
    assert solution.covariance == pytest.approx(phi, rel=SAME)
    assert solution.beta == pytest.approx(phi @ x.T @ inverse @ y, rel=SAME)
    projection = inverse - inverse @ x @ phi @ x.T @ inverse
    moved = [projection @ step for step in first]
    expected = 0.5 * np.array([[np.sum(a * b.T) for b in moved] for a in moved])
    observed = 0.5 * np.array(derivatives(deviance, psi, 1e-3)[1])
    p = [x.T @ inverse @ step @ inverse @ x for step in first]
    for kind, matrix in (("expected", expected), ("observed", observed)):
        w = np.linalg.inv(matrix)
        slopes = np.array([np.diag(phi @ one @ phi) for one in p])
        degrees = 2 * np.diag(phi) ** 2 / np.einsum("im,ij,jm->m", slopes, w, slopes)
        ours = satterthwaite_degrees(solution, np.eye(3), kind=kind)  # type: ignore[arg-type]
        assert ours == pytest.approx(degrees, rel=2e-3)
    # Kenward-Roger without second derivatives (Harville & Jeske 1992)
    w, middle = np.linalg.inv(expected), np.zeros((3, 3))
    for i in range(psi.size):
        for j in range(psi.size):
            q = x.T @ inverse @ first[i] @ inverse @ first[j] @ inverse @ x
            middle += w[i, j] * (q - p[i] @ phi @ p[j])
    adjusted = phi + 2 * phi @ middle @ phi
    assert kenward_roger(solution).covariance == pytest.approx(adjusted, rel=1e-4, abs=1e-6)
    size = n_random + delta.size + 1
    assert information(solution, "expected").component_covariance.shape == (size, size)
    engine, point = solution.engine, solution.internal + 0.05
    _, gradient = engine.value_and_gradient(point)
    for index in range(point.size):
        move = 1e-5 * np.eye(point.size)[index]
        slope = (engine.at(point + move)[1].deviance - engine.at(point - move)[1].deviance) / 2e-5
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=2e-5)


def draw(seed: int, *, share: float, phi: float, n: int = 120, waves: int = 8) -> pd.DataFrame:
    """Families with a level of their own; residuals of variance 4, ``share`` of it noise."""
    rng = np.random.default_rng(seed)
    months = np.arange(float(waves)) + rng.uniform(-0.3, 0.3, (n, waves))
    state = rng.normal(size=(n, waves))
    for t in range(1, waves):
        a = phi ** (months[:, t] - months[:, t - 1]) if phi else np.zeros(n)
        state[:, t] = a * state[:, t - 1] + np.sqrt(1 - a * a) * state[:, t]
    noise = np.sqrt(1 - share) * state + np.sqrt(share) * rng.normal(size=(n, waves))
    score = 20 + rng.normal(0, 1, n)[:, None] - 0.3 * months + 2 * noise
    data = pd.DataFrame({"family": np.repeat(np.arange(n), waves), "months": months.ravel()})
    data["arm"] = np.where(data["family"] % 2 == 0, "a", "b")
    return data.assign(score=score.ravel()).sample(frac=0.9, random_state=seed)


def test_a_known_state_and_noise_are_recovered() -> None:
    found = np.array(
        [
            fit_mixed(
                "score ~ months + (1 | family)", draw(seed, share=0.4, phi=0.8, n=250), residual=NOISY
            ).solution.residual_parameters
            for seed in range(4)
        ]
    ).mean(axis=0)
    # four times the spread of a mean of four
    assert found == pytest.approx([0.8, 0.4], abs=0.1)


@pytest.mark.parametrize(
    ("share", "phi", "codes"),
    [
        (0.0, 0.6, {"zero_measurement_error", None}),
        (0.5, 0.0, {"zero_correlation", "zero_measurement_error", None}),
        (1.0, 0.5, {"zero_correlation", "zero_measurement_error", None}),
    ],
)
def test_faces_are_handled_and_named(share: float, phi: float, codes: set[str | None]) -> None:
    met = set()
    for seed in range(4):
        data = draw(seed, share=share, phi=phi, n=40)
        fit = fit_mixed("score ~ months * arm + (1 | family)", data, residual=NOISY, df="kenward-roger")
        assert fit.convergence.converged
        plain = fit_mixed(
            "score ~ months * arm + (1 | family)", data, residual=CAR1("months", within="family")
        )
        assert fit.log_likelihood >= plain.log_likelihood - 1e-6
        names = {note.code for note in fit.notes} & {"zero_correlation", "zero_measurement_error"}
        met |= names or {None}
        ratio = fit.fixed["std_error"].to_numpy() / np.sqrt(np.diagonal(fit.solution.covariance))
        assert np.all(np.abs(ratio - 1) < 0.06)
        assert np.all(fit.fixed["df"] > 5)
        if "zero_measurement_error" in names:
            assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-5)
    assert met <= codes
    assert len(met) > 1


def test_every_question_of_a_fit_is_answered() -> None:
    fit = fitted("nested", df="kenward-roger")
    assert list(fit.residual_parameters) == ["correlation at distance 1", "share of measurement error"]
    normalised = fit.residuals("normalised").to_numpy()
    # standardised by the fit itself: variance one but for the effects taken out
    assert np.std(normalised) == pytest.approx(1.0, abs=0.25)
    draws = fit.simulate(4000, rng=1) - fit.problem.x @ fit.solution.beta
    family = np.flatnonzero(DATA["family"] == DATA["family"][0])
    psi = np.concatenate(
        [
            fit.random["covariance"].to_numpy(),
            fit.problem.residual.from_natural(fit.solution.residual_parameters),
            [fit.solution.sigma2],
        ]
    )
    v = dense_v(fit, DATA, psi, False)[np.ix_(family, family)]
    assert np.cov(draws[:, family].T) == pytest.approx(v, abs=0.08 * v.max())
    assert np.all(np.isfinite(fit.cluster_robust("organisation", kind="CR2")["std_error"]))
    assert np.all(np.isfinite(fit.influence("organisation").select_dtypes("number").to_numpy()))
    assert fit.bootstrap(4, rng=1).draws["share of measurement error"].between(0, 1).all()
    new = pd.DataFrame({"months": [3.0], "arm": ["a"]})
    assert np.all(np.isfinite(fit.predict(new, interval="prediction")))
    plain = fit_mixed(
        "score ~ months * arm + (1 | organisation/family)", DATA, residual=CAR1("months", within="family")
    )
    compared = compare_fits(plain, fit)
    assert compared.df == 1
    assert "boundary_test" in [note.code for note in compared.notes]


def test_many_rows_have_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = fitted("nested")
    monkeypatch.setattr(search_rows, "MANY_ROWS", 200)
    monkeypatch.setattr(search_rows, "FEW_GROUPS", 20)
    found = fitted("nested")
    assert found.deviance == pytest.approx(usual.deviance, abs=1e-7)
    spread = np.sqrt(np.diagonal(usual.solution.covariance))
    assert np.max(np.abs(found.solution.beta - usual.solution.beta) / spread) < 1e-5


def test_weights_scale_rows() -> None:
    """A weight is as many times less variance: the same as scaling score and design."""
    data = DATA.assign(weight=np.where(DATA["arm"] == "b", 2.0, 1.0))
    fit = fitted("level", data, weights="weight")
    theta = [*fit.theta, np.sqrt(0.5)]
    by_arm = fitted("level_arm", theta=theta)
    assert by_arm.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-7)


def test_what_cannot_be_done_is_refused() -> None:
    data = DATA.assign(rater=np.arange(len(DATA)) % 7)
    with pytest.raises(ModelError, match="needs nested random terms"):
        fit_mixed("score ~ months + (1 | family) + (1 | rater)", data, residual=NOISY)
    wrong = CAR1("months", within="family", measurement_error="yes")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="measurement_error must be True or False"):
        fit_mixed("score ~ months + (1 | family)", data, residual=wrong)
    with pytest.raises(ModelError, match="one structure of the series"):
        fit_mixed("score ~ months + (1 | family)", data, residual=(NOISY, AR1("months", within="family")))


def test_series_start_afresh_in_the_engine() -> None:
    """Two series side by side in the engine's order carry nothing over."""
    fit = fitted("level", theta=stored_theta("level"))
    engine = fit.solution.engine
    assert isinstance(engine, Engine)
    filtered = engine.residual.filter(engine.delta(fit.solution.internal))
    starts = np.flatnonzero(engine.residual.previous < 0)
    assert len(starts) == DATA["family"].nunique()
    assert np.all(filtered.a[starts] == 0)
    assert filtered.f[starts] == pytest.approx(np.ones(len(starts)))
