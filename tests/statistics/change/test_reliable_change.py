"""Reliable change by six methods equals R's clinicalsignificance on real data; edges are defined."""

import numpy as np
import pytest

from mpg_research.statistics.change.change_thresholds import important_change, percentage_change
from mpg_research.statistics.change.clinical_change import clinical_change
from mpg_research.statistics.change.clinical_classes import CHANGE_CLASSES, classify_change, clinical_cutoff
from mpg_research.statistics.change.group_change import (
    GROUP_CLASSES,
    group_change,
    group_difference,
    true_change_shares,
)
from mpg_research.statistics.change.reliable_change import (
    CHANGE_METHODS,
    reliable_change_index,
    smallest_reliable_change,
)
from tests.statistics.change_oracles import claus, known_counts, read_rows

# The reference prints 15 digits; both sides compute in double precision.
EXACT = 1e-8
METHODS = tuple(CHANGE_METHODS)


def pairs() -> tuple[list[str], np.ndarray, np.ndarray]:
    ids, table = claus()
    complete = ~np.isnan(table[:, 0]) & ~np.isnan(table[:, 3])
    kept = [name for name, keep in zip(ids, complete, strict=True) if keep]
    return kept, table[complete, 0], table[complete, 3]


@pytest.mark.parametrize("method", METHODS)
def test_each_person_equals_r(method: str) -> None:
    ids, pre, post = pairs()
    reference = {row["id"]: row for row in read_rows("oracle_rci_claus_hamd_rel080.csv")}
    found = reliable_change_index(pre, post, reliability=0.8, method=method, reliability_post=0.5)
    known = np.array([float(reference[name][f"rci_{method.lower()}"]) for name in ids])
    np.testing.assert_allclose(found.index, known, rtol=EXACT, atol=EXACT)
    assert found.category.tolist() == [reference[name][f"cat_{method.lower()}"] for name in ids]


@pytest.mark.parametrize("method", METHODS)
def test_counts_per_class_equal_r(method: str) -> None:
    _, pre, post = pairs()
    known = known_counts()["clinicalsignificance"]
    key = "NK_relpost0.50" if method == "NK" else method
    found = reliable_change_index(pre, post, reliability=0.8, method=method, reliability_post=0.5)
    counts = [int((found.category == name).sum()) for name in ("improved", "unchanged", "deteriorated")]
    assert counts == known["distribution_claus_hamd_pre1_post4_rel0.80"][key]
    together = clinical_change(
        pre, post, reliability=0.8, method=method, reliability_post=0.5, functional=(8, 8)
    )
    five = [int((together.five_classes == name).sum()) for name in CHANGE_CLASSES]
    assert five == known["combined_claus_hamd_rel0.80_func8_8_cut_c"][key]


def test_group_level_of_hageman_and_arrindell_equals_r() -> None:
    _, pre, post = pairs()
    known = known_counts()["clinicalsignificance"]["combined_claus_hamd_rel0.80_func8_8_cut_c"]
    error = pre.std(ddof=1) * np.sqrt(0.2)
    cutoff = clinical_cutoff(
        "c", clinical=(pre.mean(), pre.std(ddof=1)), functional=(8, 8), std_error_of_measurement=error
    )
    changed, functional = true_change_shares(pre, post, reliability=0.8, cutoff=cutoff)
    # The reference is printed with two decimals.
    assert changed == pytest.approx(known["HA_group_level"]["changed"], abs=0.005)
    assert functional == pytest.approx(known["HA_group_level"]["functional"], abs=0.005)
    assert np.isnan(true_change_shares([1, 2], [1, 2], reliability=0.8)).all()
    together = clinical_change(pre, post, reliability=0.8, method="HA", functional=(8, 8))
    assert (together.truly_improved, together.truly_functional) == (changed, functional)
    assert together.cutoff == cutoff


def test_nunnally_and_kotsch_take_the_post_spread_where_it_is_given() -> None:
    pre, post = np.array([20.0, 25, 30]), np.array([18.0, 20, 22])
    found = reliable_change_index(pre, post, reliability=0.8, method="NK", reliability_post=0.5, sd_post=4.0)
    sd = pre.std(ddof=1)
    assert found.std_error == pytest.approx(np.sqrt(sd**2 * 0.64 * 0.2 + 16 * 0.5))


def test_percentages_equal_r() -> None:
    _, pre, post = pairs()
    known = known_counts()["clinicalsignificance"]
    for name, better, worse in (
        ("percentage_claus_hamd_50", 0.5, 0.5),
        ("percentage_claus_hamd_30_20", 0.3, 0.2),
    ):
        category = percentage_change(pre, post, improvement=better, deterioration=worse)[1]
        counts = [int((category == key).sum()) for key in ("improved", "unchanged", "deteriorated")]
        stored = known[name]
        assert counts == (stored["counts"] if isinstance(stored, dict) else stored)


@pytest.mark.parametrize("method", METHODS)
def test_direction_is_a_mirror(method: str) -> None:
    rng = np.random.default_rng(5)
    pre, post = rng.normal(25, 5, 60), rng.normal(22, 6, 60)
    down = reliable_change_index(pre, post, reliability=0.8, method=method)
    up = reliable_change_index(-pre, -post, reliability=0.8, method=method, direction="higher_is_better")
    np.testing.assert_allclose(up.index, -down.index, rtol=EXACT)
    assert up.category.tolist() == down.category.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_unit_and_origin_do_not_matter(method: str) -> None:
    rng = np.random.default_rng(6)
    pre, post = rng.normal(25, 5, 40), rng.normal(22, 6, 40)
    one = reliable_change_index(pre, post, reliability=0.7, method=method)
    two = reliable_change_index(10 * pre + 3, 10 * post + 3, reliability=0.7, method=method)
    np.testing.assert_allclose(two.index, one.index, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("reliability", [-0.1, 0.0, 1.0, 1.2, np.nan])
def test_impossible_reliability_is_refused(reliability: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        reliable_change_index([1, 2], [2, 3], reliability=reliability)
    with pytest.raises(ValueError, match="reliability_post"):
        reliable_change_index([1, 2], [2, 3], reliability=0.8, reliability_post=reliability)


def test_equal_scores_and_single_waves_are_not_computable() -> None:
    same = reliable_change_index([20, 20, 20], [20, 18, 25], reliability=0.8)
    assert set(same.category) == {"not_computable"}
    gaps = reliable_change_index([20, np.nan, 24, 30], [np.nan, 18, 25, 10], reliability=0.8)
    assert gaps.category.tolist()[:2] == ["not_computable", "not_computable"]
    assert gaps.n_pairs == 2
    nobody = reliable_change_index([], [], reliability=0.8)
    assert nobody.category.shape == (0,)


def test_no_reliable_difference_leaves_hageman_arrindell_undefined() -> None:
    pre = np.array([20.0, 25, 30, 35])
    found = reliable_change_index(pre, pre + np.array([0.1, -0.1, 0.1, -0.1]), reliability=0.5, method="HA")
    assert set(found.category) == {"not_computable"}


def test_cutoffs_use_the_right_group_and_side() -> None:
    assert clinical_cutoff("a", clinical=(25, 4)) == 17
    assert clinical_cutoff("b", functional=(10, 3), clinical=(25, 99)) == 16
    assert clinical_cutoff("a", clinical=(25, 4), direction="higher_is_better") == 33
    assert clinical_cutoff("b", functional=(40, 3), direction="higher_is_better") == 34
    assert clinical_cutoff("c", clinical=(25, 2), functional=(10, 1)) == pytest.approx(15)
    with pytest.raises(ValueError, match="functional"):
        clinical_cutoff("b", clinical=(25, 4))
    with pytest.raises(ValueError, match="positive"):
        clinical_cutoff("a", clinical=(25, 0))


def test_harm_is_the_mirror_image_of_recovery() -> None:
    category = ["improved", "improved", "deteriorated", "deteriorated", "unchanged", "not_computable"]
    pre, post = [25, 18, 15, 25, 25, np.nan], [15, 12, 25, 35, 15, 20]
    found = classify_change(category, pre, post, cutoff=20)
    assert found.tolist() == [
        "recovered",
        "improved",
        "harmed",
        "deteriorated",
        "unchanged",
        "not_computable",
    ]


def test_pre_score_zero_has_no_percentage() -> None:
    share, category = percentage_change([0, 10, 10, 20], [5, 5, 10, 15], improvement=0.5, origin=0)
    assert np.isnan(share[0])
    assert category.tolist() == ["not_computable", "improved", "unchanged", "unchanged"]
    raised = percentage_change([10, 20], [10, 15], improvement=0.5, origin=10)[1]
    assert raised.tolist() == ["not_computable", "improved"]
    # 30 % of 10 is 3 in print; in binary (7 - 10) / 10 must count all the same.
    assert percentage_change([10], [7], improvement=0.3)[1].tolist() == ["improved"]


def test_important_differences_count_from_the_threshold_on() -> None:
    found = important_change([20, 20, 20, np.nan], [16, 17, 25, 1], improvement=4, deterioration=5)
    assert found.tolist() == ["improved", "unchanged", "deteriorated", "not_computable"]
    with pytest.raises(ValueError, match="above 0"):
        important_change([1], [2], improvement=0)


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        (-9.0, "large_improvement"),
        (-5.5, "probably_important_improvement"),
        (-4.5, "possibly_important_improvement"),
        (-2.5, "unimportant_improvement"),
        (0.0, "no_change_shown"),
        (2.5, "unimportant_deterioration"),
        (4.5, "possibly_important_deterioration"),
        (5.5, "probably_important_deterioration"),
        (9.0, "large_deterioration"),
    ],
)
def test_group_classes_have_mirror_images(centre: float, expected: str) -> None:
    spread = np.array([-1.0, 0, 1] * 5)
    change = centre + 3 * spread
    found = group_change(change, improvement=5)
    assert expected in GROUP_CLASSES
    assert found.category == expected
    mirrored = group_change(-change, improvement=5, direction="higher_is_better")
    assert mirrored.category == expected


def test_group_of_one_has_no_class() -> None:
    assert group_change([3.0, np.nan], improvement=5).category == "not_computable"


def test_difference_of_two_groups_equals_welch_and_has_mirror_images() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(8)
    one, two = rng.normal(20, 6, 23), np.append(rng.normal(24, 3, 31), np.nan)
    found = group_difference(one, two, improvement=2)
    welch = stats.ttest_ind(one, two[:-1], equal_var=False).confidence_interval(0.95)
    assert (found.conf_low, found.conf_high) == pytest.approx((welch.low, welch.high))
    assert found.n == 54
    assert found.category.endswith("improvement")
    turned = group_difference(two, one, improvement=2)
    assert turned.category == found.category.replace("improvement", "deterioration")
    up = group_difference(-one, -two, improvement=2, direction="higher_is_better")
    assert up.category == found.category
    assert group_difference([1.0], [2.0, 3.0], improvement=1).category == "not_computable"
    assert group_difference([5, 5], [9, 9], improvement=1).category == "large_improvement"
    for verb in (
        lambda: group_difference([1, 2], [2, 3], improvement=0),
        lambda: group_change([1, 2], improvement=-1),
    ):
        with pytest.raises(ValueError, match="above 0"):
            verb()


def test_smallest_reliable_change_equals_the_reference() -> None:
    for known in known_counts()["suddengains"]["crit1_cutoff"]:
        found = smallest_reliable_change(sd=known["sd"], reliability=known["r"])
        # The reference takes 1.96 for the quantile 1.95996.
        assert found == pytest.approx(known["rc"], rel=2e-5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_reliable_change(sd=5, reliability=1)
    with pytest.raises(ValueError, match="positive"):
        smallest_reliable_change(sd=0, reliability=0.8)
