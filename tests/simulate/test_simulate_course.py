"""The parts of the simulation, each against what it promises."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research.simulate.course import (
    INTERVENTION_EFFECT,
    answer_items,
    burden,
    shape_of_course,
    simulate_course,
)
from mpg_research.simulate.families import Families, draw_families
from mpg_research.simulate.plan import (
    CLASSES,
    ITEM_SLOPES,
    ITEM_THRESHOLDS,
    organisation_plans,
    organisation_sizes,
)

STANDARD_ERRORS = 4.5  # a false alarm in one of 30 comparisons once in about 5,000 seeds
PLANS = organisation_plans(6)


@pytest.fixture(scope="module")
def families() -> Families:
    return draw_families(np.random.default_rng(1), PLANS, np.arange(4000) % 6)


def visits(n: int, months: int = 13) -> np.ndarray:
    return np.broadcast_to(np.arange(float(months)), (n, months))


def test_answers_follow_the_graded_response_model() -> None:
    n = 200_000
    answers = answer_items(np.random.default_rng(2), np.full(n, 1.0))
    for step in range(3):
        expected = 1 / (1 + np.exp(-ITEM_SLOPES * (1.0 - ITEM_THRESHOLDS[:, step])))
        found = (answers > step + 1).mean(axis=0)
        error = np.sqrt(expected * (1 - expected) / n)
        assert (np.abs(found - expected) / error).max() < STANDARD_ERRORS
    assert set(np.unique(answers)) == {1, 2, 3, 4}


def test_every_class_has_the_shape_of_its_name() -> None:
    size = np.ones(5)
    at = {month: shape_of_course(np.arange(5), size, np.full(5, float(month))) for month in (-1, 0, 3, 6, 14)}
    change = {name: [at[month][place] for month in (3, 6, 14)] for place, name in enumerate(CLASSES)}
    assert (at[-1] == 0).all()
    assert (at[0] == 0).all()
    assert change["fast"][0] < 2 * change["slow"][0] < 0
    assert change["none"] == [0, 0, 0]
    assert change["worse"][2] > change["worse"][0] > 0
    assert change["relapse"][1] < -1
    assert change["relapse"][2] > -0.2


def test_an_intervention_lowers_the_burden_from_its_moment_on(families: Families) -> None:
    n = len(families)
    none, one = np.full((n, 2), np.inf), np.full((n, 2), np.inf)
    one[:, 0] = 4.0
    before = burden(families, np.full(n, 4.0), one) - burden(families, np.full(n, 4.0), none)
    after = burden(families, np.full(n, 30.0), one) - burden(families, np.full(n, 30.0), none)
    np.testing.assert_allclose(before, 0)
    np.testing.assert_allclose(after, INTERVENTION_EFFECT, rtol=1e-4)


def test_interventions_come_after_stagnation(families: Families) -> None:
    rng = np.random.default_rng(3)
    course = simulate_course(rng, families, visits(len(families)), may_leave=False, keep_items=False)
    first, second = course.intervention_time.T
    assert first.min() > 4
    both = np.isfinite(second)
    assert (second[both] >= first[both] + 3).all()
    gain = course.raw[:, 0].astype(float) - course.raw[:, 4]
    soon = first < 5
    assert gain[soon].mean() < gain[~soon].mean() - 1


def test_nobody_leaves_where_nobody_may_and_reasons_follow_where_they_may(families: Families) -> None:
    n = len(families)
    stays = simulate_course(np.random.default_rng(4), families, visits(n), may_leave=False)
    assert np.isinf(stays.end).all()
    assert (stays.end_reason == 0).all()
    leaves = simulate_course(np.random.default_rng(4), families, visits(n, 25), keep_items=False)
    assert leaves.items is None
    assert set(np.unique(leaves.end_reason)) == {0, 1, 2, 3, 4, 5}
    assert ((leaves.end_reason == 0) == np.isinf(leaves.end)).all()
    assert (leaves.end[leaves.end_reason == 1] > 5).all()
    assert not (leaves.seen & (visits(n, 25) >= leaves.end[:, None])).any()


def test_leaving_looks_at_scores_seen_not_at_the_burden_behind_them(families: Families) -> None:
    """With nothing seen after month 0, a heavier burden cannot make more families leave."""
    hidden = replace(families, missing_rate=np.ones(len(families)))
    worse = replace(
        hidden, course=np.full(len(families), CLASSES.index("worse")), size=np.full(len(families), 5.0)
    )
    ends = [
        simulate_course(np.random.default_rng(5), group, visits(len(group)), keep_items=False).end
        for group in (hidden, worse)
    ]
    np.testing.assert_array_equal(ends[0], ends[1])


def test_case_mix_differs_by_organisation_and_can_be_made_equal() -> None:
    n = 60_000
    served = np.arange(n) % 6
    own = draw_families(np.random.default_rng(6), PLANS, served)
    equal = draw_families(np.random.default_rng(6), PLANS, served, case_mix_of=np.zeros(n, dtype=np.int64))
    levels = [[group.level[served == place].mean() for place in range(6)] for group in (own, equal)]
    assert np.ptp(levels[0]) > 0.3
    assert np.ptp(levels[1]) < 0.05
    worsening = [(equal.course[served == place] == CLASSES.index("worse")).mean() for place in range(6)]
    assert np.argmax(worsening) == 4
    assert np.argmin(worsening) == 1


def test_organisations_are_of_unequal_size_and_add_up() -> None:
    assert organisation_sizes(PLANS, 250).tolist() == [75, 55, 43, 35, 25, 17]
    for number, families in ((2, 10), (12, 90), (60, 1000)):
        sizes = organisation_sizes(organisation_plans(number), families)
        assert sizes.sum() == families
        assert sizes.min() >= 1
    keys = [plan.key for plan in organisation_plans(60)]
    assert len(set(keys)) == 60
