"""The chances of single waves against dense normal algebra, and the limits they are held to."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm

from mpg_research.analysis.monitoring.expectation_model import Fold, apply_model, fit_expectation
from mpg_research.analysis.monitoring.foretold import EndForecast, predict_bad_end
from mpg_research.analysis.monitoring.limits import chance_limits, still_limits
from mpg_research.analysis.monitoring.performance import landmark_waves
from mpg_research.analysis.monitoring.wave_chances import (
    _seen_later,
    chances_at,
    folds_of_parts,
    learn_maps,
    wave_chances,
)
from mpg_research.statistics.forecasts.calibration import learn_recalibration

#: Two ways of solving the same small systems.
EXACT = 1e-7
STEP, AHEAD, RECENT = 1.0, 6.0, 3.0


def rows_of(rng: np.random.Generator, n: int = 90) -> pd.DataFrame:
    waves = np.arange(10.0)
    level, slope = rng.normal(28, 5, (n, 1)), rng.normal(-0.5, 0.5, (n, 1))
    score = np.rint(level + slope * waves + rng.normal(0, 2.5, (n, 10)))
    seen = rng.random((n, 10)) > 0.15
    seen[:, 0] = True
    who, wave = np.nonzero(seen)
    rows = pd.DataFrame({"course": who, "months": waves[wave], "score": score[who, wave]})
    return rows.assign(wave=rows.groupby("course").cumcount())


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return rows_of(np.random.default_rng(5))


@pytest.fixture(scope="module")
def fold(rows: pd.DataFrame) -> Fold:
    model = fit_expectation(rows[rows["course"] < 60], ())
    mine = rows[rows["course"] >= 60].reset_index(drop=True)
    return apply_model(model, mine, "mine", np.arange(len(mine)))


@pytest.fixture(scope="module")
def foretold(rows: pd.DataFrame) -> EndForecast:
    part = (rows["course"] % 3).astype(str).to_numpy(dtype=str)
    ended = np.ones(len(rows), dtype=bool)
    return predict_bad_end(rows, (), part, by="organisations", sign=-1.0, margin=0.0, ended=ended)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_chances_equal_the_dense_normal_algebra(fold: Fold, sign: float) -> None:
    found = chances_at(fold, sign=sign, step=STEP, ahead=AHEAD, recent=RECENT)
    data, model, effects = fold.data, fold.model, fold.effects
    months, score = data["months"].to_numpy(), data["score"].to_numpy()
    d, sd, kept = model.covariance, model.residual_sd, model.correlation

    def columns(t: np.ndarray) -> np.ndarray:
        return np.stack([np.ones_like(t), t, np.log1p(t)][: len(d)], axis=-1)

    def swings(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        apart = np.abs(one[:, None] - two[None, :])
        return sd**2 * (np.where(apart > 0, kept**apart, 1.0) if kept > 0 else (apart == 0).astype(float))

    for row in range(0, len(data), 7):
        mine = np.flatnonzero((data["course"] == data["course"][row]) & (data.index <= row))
        z, at, now = columns(months[mine]), months[mine], months[row]
        weights = np.linalg.inv(z @ d @ z.T + swings(at, at))
        residual = effects.residual[mine]

        def expected(moment: float, row: int = row) -> tuple[float, np.ndarray]:
            x = model.matrix(data, np.array([moment]), np.array([row]))[0]
            return float(x @ model.beta), x

        later, (mean, x) = now + AHEAD, expected(now + AHEAD)
        cover = z @ d @ columns(np.array([later])).T + swings(at, np.array([later]))
        m = mean + (cover.T @ weights @ residual).item()
        one = columns(np.array([later]))
        variance = (one @ d @ one.T - cover.T @ weights @ cover).item() + sd**2
        variance += x @ model.beta_covariance @ x
        expect = norm.cdf((STEP / 2 - sign * (m - score[row])) / np.sqrt(variance))
        assert found.no_better[row] == pytest.approx(expect, abs=EXACT)
        posterior = d - d @ z.T @ weights @ z @ d
        deviation = d @ z.T @ weights @ residual
        for since, chance in (
            (months[mine[0]], 1 - found.worse[row]),
            (max(now - RECENT, months[mine[0]]), found.improving[row]),
        ):
            if now == since:
                assert np.isnan(chance)
                continue
            z_moved = (columns(np.array([now])) - columns(np.array([since])))[0]
            x_moved = expected(now)[1] - expected(since)[1]
            by = x_moved @ model.beta + z_moved @ deviation
            error = np.sqrt(z_moved @ posterior @ z_moved + x_moved @ model.beta_covariance @ x_moved)
            assert chance == pytest.approx(norm.cdf(sign * by / error), abs=EXACT)


def test_chances_of_a_wave_do_not_use_later_waves_or_other_families(fold: Fold) -> None:
    data = fold.data
    keep = (data["wave"] <= 3).to_numpy() & (data["course"] % 2 == 0).to_numpy()
    cut = data[keep].reset_index(drop=True)
    few = apply_model(fold.model, cut, "few", np.arange(len(cut)))
    look = {"sign": -1.0, "step": STEP, "ahead": AHEAD, "recent": RECENT}
    all_of_them, some = chances_at(fold, **look), chances_at(few, **look)
    for name in ("no_better", "worse", "improving"):
        np.testing.assert_allclose(getattr(some, name), getattr(all_of_them, name)[keep], atol=1e-9)


def test_a_recalibration_is_the_mode_of_its_posterior_and_leaves_true_chances() -> None:
    rng = np.random.default_rng(8)
    p = rng.uniform(0.02, 0.98, 400)
    y, w = rng.random(400) < p**2, rng.integers(0, 4, 400).astype(float)

    def minus_posterior(beta: np.ndarray, prior: float) -> float:
        fitted = expit(beta[0] + beta[1] * logit(p))
        likely = w * np.log(np.where(y, fitted, 1 - fitted))
        return -float(likely.sum()) + (beta[0] ** 2 + (beta[1] - 1) ** 2) / (2 * prior**2)

    for prior in (0.05, 0.2, 5.0):
        found = learn_recalibration(p, y, w, prior_sd=prior)
        other = minimize(minus_posterior, [0.0, 1.0], args=(prior,), tol=1e-12)
        assert (found.intercept, found.slope) == pytest.approx(tuple(other.x), abs=1e-4)
    many = rng.uniform(0.05, 0.95, 40_000)
    true = learn_recalibration(many, rng.random(40_000) < many, prior_sd=5.0)
    assert true.intercept == pytest.approx(0, abs=0.05)
    assert true.slope == pytest.approx(1, abs=0.05)
    nothing = learn_recalibration([np.nan], [True])
    assert (nothing.intercept, nothing.slope) == (0.0, 1.0)
    np.testing.assert_allclose(nothing.apply([0.2, np.nan, 0.9]), [0.2, np.nan, 0.9])


def test_later_waves_are_the_nearest_of_the_same_course() -> None:
    rng = np.random.default_rng(3)
    course = np.repeat(np.arange(12), 9)
    months = np.concatenate([np.sort(rng.uniform(0, 14, 9)) for _ in range(12)])
    found = _seen_later(course, months, AHEAD)
    for row in range(len(course)):
        mine = np.flatnonzero((course == course[row]) & (months > months[row]))
        distance = np.abs(months[mine] - months[row] - AHEAD)
        if not len(mine) or distance.min() > 1.0:
            assert found[row] == -1
        else:
            assert found[row] == mine[np.argmin(distance)]


def test_maps_of_a_part_are_learnt_without_it(rows: pd.DataFrame, foretold: EndForecast) -> None:
    look = {"sign": -1.0, "ahead": AHEAD, "recent": RECENT}
    maps = learn_maps(foretold, folds_of_parts(foretold), **look)
    own = foretold.part == "0"
    moved = foretold.rows.assign(score=np.where(own, 60 - foretold.rows["score"], foretold.rows["score"]))
    # the models stay: only what happened in part 0 is another thing
    other = learn_maps(replace(foretold, rows=moved), folds_of_parts(foretold), **look)
    assert other["0"] == maps["0"]
    assert other["1"] != maps["1"]
    chances = wave_chances(foretold, folds_of_parts(foretold), maps, **look)
    assert np.isfinite(chances.no_better).all()


def test_no_more_of_those_who_went_well_elsewhere_are_called_than_asked_for(foretold: EndForecast) -> None:
    limits, _ = chance_limits(foretold, 0.2)
    before = -np.inf
    for share in (0.5, 0.3, 0.2, 0.1):
        still, learnt = still_limits(foretold, limits, share=share, month=4.0, least_scores=3)
        assert learnt
        assert still.max() >= before
        before = still.max()
        at = landmark_waves(foretold.rows, 4.5, since=2.0)
        at = at[foretold.judged[at] & ~foretold.bad[at]]
        for label in ("0", "1", "2"):
            good, own = at[foretold.part[at] != label], foretold.part == label
            told = foretold.rows["wave"].to_numpy()[good] >= 2
            off = foretold.training[label][good] >= limits[own][0]
            called = off | (told & (foretold.line_training[label][good] >= still[own][0]))
            assert called.mean() <= max(share, off.mean())
            one_more = off | (told & (foretold.line_training[label][good] >= still[own][0] - 1e-9))
            assert one_more.mean() > share or np.isneginf(still[own][0])
    few, learnt = still_limits(
        replace(foretold, judged=np.zeros(len(foretold.rows), dtype=bool)), limits, share=0.2, month=4.0,
        least_scores=3,
    )  # fmt: skip
    assert not learnt
    assert (few == 0.5).all()
