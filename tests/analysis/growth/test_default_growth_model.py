"""The default growth model keeps its error rates where families' courses are not those of the model.

The small version of benchmarks/defaults.py. Organisations do not differ; families have straight courses,
courses that are fast at first, one jump at a moment of their own, or straight ones with swings that last. A
straight line per family with independent residuals clearly fails the bounds below.
"""

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.growth.growth_model import GrowthModel, fit_growth
from mpg_research.analysis.growth.model_frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth.rule import GrowthRule
from tests.analysis.frames import course_of

SIZES = (8, 10, 12, 14, 18, 26)
MONTHS = np.arange(13.0)
PRIMARY = 6.0


def courses(kind: str, rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """True scores of families (rows) at the moments t."""
    n = len(t)
    start = rng.normal(24.5, 5, (n, 1))
    if kind.startswith("straight"):
        return start + rng.normal(-0.35, 0.35, (n, 1)) * t
    amount = rng.normal(-5, 4, (n, 1))
    if kind == "fast at first":
        return start + amount * (1 - np.exp(-t / 3))
    return start + amount * (t >= rng.uniform(1, 11, (n, 1)))


def mean_change(kind: str, month: float) -> float:
    if kind.startswith("straight"):
        return -0.35 * month
    return -5 * (1 - np.exp(-month / 3)) if kind == "fast at first" else -5 * (month - 1) / 10


def study(kind: str, seed: int, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """Measurements of equal organisations."""
    rng = np.random.default_rng([6, KINDS.index(kind), seed])
    n = sum(sizes)
    t = MONTHS + rng.uniform(-0.3, 0.3, (n, MONTHS.size))
    t[:, 0] = 0.0
    swing = rng.normal(0, 1, t.shape)
    if kind == "straight, swings last":
        for j in range(1, MONTHS.size):
            swing[:, j] = 0.6 * swing[:, j - 1] + 0.8 * swing[:, j]
    score = courses(kind, rng, t) + 2.6 * swing
    kept = rng.random(t.shape) > 0.15
    kept[:, 0] = True
    family, wave = np.nonzero(kept)
    organisation = np.repeat([f"k{place:02d}" for place in range(len(sizes))], sizes)
    return pd.DataFrame(
        {
            "family": [f"f{number:04d}" for number in family],
            "episode": "1",
            "organisation": organisation[family],
            "worker": None,
            "respondent": "first_parent",
            "months": t[family, wave],
            "score": score[family, wave],
        }
    )


def framed(data: pd.DataFrame) -> ModelFrame:
    return prepare_frame(course_of(data), by_organisation=True, until=PRIMARY)


def said(model: GrowthModel, kind: str) -> dict[str, float]:
    """What one model says: joint tests, and which of the organisations' intervals hold the truth."""
    start, *later = np.moveaxis(model.organisation_rows([0.0, 3.0, PRIMARY, 9.0, 12.0]), 1, 0)
    at_primary = later[1] - start
    whole = np.concatenate([rows - start - (rows - start).mean(axis=0) for rows in later])
    change = model.estimate(at_primary)
    true = mean_change(kind, PRIMARY)
    inside = (change["conf_low"] <= true) & (true <= change["conf_high"])
    return {
        "joint": model.fit.test(at_primary - at_primary.mean(axis=0)).p_value < 0.05,
        "whole": model.fit.test(whole).p_value < 0.05,
        "covered": float(inside.mean()),
        "converged": model.converged,
        "correlation": model.correlation or 0.0,
    }


def rates(kind: str, runs: int, rule: GrowthRule | None = None) -> pd.DataFrame:
    found = []
    for seed in range(runs):
        frame = framed(study(kind, seed))
        model = fit_growth(frame, organisation="fixed", df="kenward-roger", rule=rule or GrowthRule())
        found.append(said(model, kind))
    return pd.DataFrame(found)


KINDS = ("straight", "fast at first", "one jump", "straight, swings last")
RUNS = 24


@pytest.fixture(scope="module")
def default() -> dict[str, pd.DataFrame]:
    return {kind: rates(kind, RUNS) for kind in KINDS}


# Of 24 studies at a true rate of .07 six or more reject in six of a thousand sets of 24 (binomial).
MOST_OF_ONE = 6 / RUNS
# Of 96 studies, in all, fourteen or more do in one of a hundred sets.
MOST_OF_ALL = 14 / (len(KINDS) * RUNS)
# Means over six intervals of 24 studies at .95: standard error about .02, as those of a study go together.
LEAST_COVERAGE = 0.95 - 3 * 0.02


def test_equal_organisations_are_called_different_no_more_often_than_stated(
    default: dict[str, pd.DataFrame],
) -> None:
    for name in ("joint", "whole"):
        by_kind = {kind: found[name].mean() for kind, found in default.items()}
        assert max(by_kind.values()) < MOST_OF_ONE, (name, by_kind)
        assert np.mean(list(by_kind.values())) < MOST_OF_ALL, (name, by_kind)


def test_changes_are_covered_and_the_model_converges(default: dict[str, pd.DataFrame]) -> None:
    for kind, found in default.items():
        assert found["covered"].mean() > LEAST_COVERAGE, kind
        assert found["converged"].all(), kind
        assert found["covered"].mean() < 1.0, kind


def test_swings_that_carry_on_are_found_and_others_are_not_invented(default: dict[str, pd.DataFrame]) -> None:
    assert default["straight, swings last"]["correlation"].mean() == pytest.approx(0.55, abs=0.1)
    assert default["straight"]["correlation"].mean() < 0.02
    assert default["fast at first"]["correlation"].mean() < 0.02


def test_the_bounds_tell_a_wrong_rule_from_a_right_one() -> None:
    bent = rates("fast at first", RUNS, GrowthRule.simple())
    assert bent["joint"].mean() > MOST_OF_ONE or bent["covered"].mean() < LEAST_COVERAGE
    lasting = rates("straight, swings last", RUNS, GrowthRule.simple())
    assert lasting["whole"].mean() > MOST_OF_ONE


def with_workers(seed: int, per_organisation: int, unknown: float = 0.0) -> pd.DataFrame:
    """Straight courses; workers differ much, organisations not at all."""
    rng = np.random.default_rng([66, seed])
    workers, families, moments = 6 * per_organisation, 8, np.arange(0.0, 13.0, 2.0)
    level, slope = rng.normal(0, 2, workers), rng.normal(0, 0.35, workers)
    worker = np.repeat(np.arange(workers), families)
    n = len(worker)
    line = 24 + level[worker] + rng.normal(0, 3, n), slope[worker] - 0.3 + rng.normal(0, 0.15, n)
    score = line[0][:, None] + line[1][:, None] * moments + rng.normal(0, 2, (n, moments.size))
    place = np.repeat(np.arange(n), moments.size)
    known = np.array([f"w{number}" for number in worker], dtype=object)
    known[rng.permutation(n)[: round(unknown * n)]] = None
    return pd.DataFrame(
        {
            "family": np.array([f"f{number:04d}" for number in range(n)])[place],
            "episode": "1",
            "organisation": np.array([f"k{number // per_organisation}" for number in worker])[place],
            "worker": known[place],
            "respondent": "first_parent",
            "months": np.tile(moments, n),
            "score": score.ravel(),
        }
    )


def test_one_family_without_a_known_worker_leaves_the_others_their_workers() -> None:
    rejected = []
    for seed in range(8):
        data = with_workers(seed, 3, unknown=0.02)
        assert data["worker"].isna().any()
        model = fit_growth(framed(data), organisation="fixed", df="kenward-roger")
        assert model.worker
        assert "workers_unknown" in [note.code for note in model.notes]
        start, later = np.moveaxis(model.organisation_rows([0.0, PRIMARY]), 1, 0)
        test = model.fit.test(later - start - (later - start).mean(axis=0))
        assert test.df_denominator < 60
        rejected.append(test.p_value < 0.05)
    # At .05 three or more of eight come once in two hundred; without the workers it is .7.
    assert sum(rejected) < 3
    without = [
        fit_growth(framed(with_workers(seed, 3)), organisation="fixed", worker=False) for seed in range(5)
    ]
    tests = []
    for model in without:
        start, later = np.moveaxis(model.organisation_rows([0.0, PRIMARY]), 1, 0)
        tests.append(model.fit.test(later - start - (later - start).mean(axis=0)).p_value < 0.05)
    assert sum(tests) >= 3


def test_the_data_of_a_family_without_a_worker_are_all_used() -> None:
    data = with_workers(1, 3, unknown=0.1)
    model = fit_growth(framed(data), organisation="fixed")
    assert len(model.fit.problem.y) == len(data)
    note = next(note for note in model.notes if note.code == "workers_unknown")
    assert note.values["n_unknown"] == data.loc[data["worker"].isna(), "family"].nunique()
    known = model.fitted_data.loc[data["worker"].notna().to_numpy(), "worker"].nunique()
    assert model.fitted_data["worker"].nunique() == known + note.values["n_unknown"]


def test_few_known_workers_still_stay_out() -> None:
    data = with_workers(1, 1)
    model = fit_growth(framed(data), organisation="fixed")
    assert not model.worker
