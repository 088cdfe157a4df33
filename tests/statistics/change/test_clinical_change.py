"""Classes of change equal definitions written out person by person, on many small made-up groups."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.statistics.change.change_thresholds import important_change, percentage_change
from mpg_research.statistics.change.clinical_change import clinical_change
from mpg_research.statistics.change.clinical_classes import classify_change, crossed_cutoff
from mpg_research.statistics.change.group_change import true_change_shares
from mpg_research.statistics.change.reliable_change import CHANGE_METHODS, reliable_change_index

# Both sides compute in double precision.
EXACT = 1e-9
#: Normal quantiles of .975 and .95.
TWO_SIDED, ONE_SIDED = 1.959963984540054, 1.6448536269514722
FUNCTIONAL = (14.0, 6.0)

score = st.one_of(st.none(), st.integers(0, 40))
groups = st.lists(st.tuples(score, score), min_size=1, max_size=14)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def variance(values: list[float]) -> float:
    centre = mean(values)
    return sum((value - centre) ** 2 for value in values) / (len(values) - 1)


def by_hand(
    pairs: list[tuple[int | None, int | None]], method: str, r: float, better: int
) -> list[tuple[float, str]] | str | None:
    """Index and five-way class of each person; None where the group has no index at all.

    What the refusal says, where the functional group spreads less than the error (there is no cut-off between
    true scores) or scores worse than the group itself.

    ``better`` is -1 where low is good. From the publications: Jacobson and Truax 1991 (JT and cut-off c),
    Hsu 1989 (GLN, HLL), Speer 1992 (EN), Nunnally and Kotsch 1983 (NK), Hageman and Arrindell 1999 (HA).
    """
    both = [(float(a), float(b)) for a, b in pairs if a is not None and b is not None]
    if len(both) < 2:
        return None
    before, after = [a for a, _ in both], [b for _, b in both]
    s2, m1, m2 = variance(before), mean(before), mean(after)
    if s2 == 0:
        return None
    s, sem2 = math.sqrt(s2), s2 * (1 - r)
    differences = variance([b - a for a, b in both])
    r_dd = (differences - 2 * sem2) / differences if differences > 0 else -1.0
    if method == "HA" and r_dd <= 1e-12:  # a difference of rounding is none
        return None
    functional_sd, clinical_sd, r_post = FUNCTIONAL[1], s, 0.0
    if method == "HA" and functional_sd**2 <= sem2:
        return "must be larger than the error"
    if better * (FUNCTIONAL[0] - m1) < 0:
        return "on the worse side"
    if method == "HA":
        functional_sd, clinical_sd = math.sqrt(functional_sd**2 - sem2), math.sqrt(s2 - sem2)
        r_post = 1 - sem2 / variance(after) if variance(after) > 0 else -1.0
    cut = (clinical_sd * FUNCTIONAL[0] + functional_sd * m1) / (clinical_sd + functional_sd)
    found = []
    for a, b in pairs:
        if a is None or b is None:
            found.append((math.nan, "not_computable"))
            continue
        regressed = m1 + r * (a - m1)
        index = {
            "JT": lambda a=a, b=b: (b - a) / math.sqrt(2 * sem2),
            "GLN": lambda b=b, e=regressed: (b - e) / (s * math.sqrt(1 - r * r)),
            "HLL": lambda a=a, b=b: ((b - m2) - r * (a - m1)) / (s * math.sqrt(1 - r * r)),
            "EN": lambda b=b, e=regressed: (b - e) / math.sqrt(sem2),
            "NK": lambda b=b, e=regressed: (b - e) / math.sqrt(r * r * sem2 + s2 * (1 - r)),
            "HA": lambda a=a, b=b: ((b - a) * r_dd + (m2 - m1) * (1 - r_dd)) / math.sqrt(2 * r_dd * sem2),
        }[method]()
        critical = ONE_SIDED if method == "HA" else TWO_SIDED
        was_clinical, was_functional = better * (a - cut) < 0, better * (a - cut) > 0
        is_functional, is_clinical = better * (b - cut) > 0, better * (b - cut) < 0
        if method == "HA":
            standing = 0.0
            if r_post > 0:
                standing = better * (m2 + (b - m2) * r_post - cut) / math.sqrt(r_post * sem2)
            is_functional, is_clinical = standing > critical, standing < -critical
        if better * index > critical:
            found.append((index, "recovered" if was_clinical and is_functional else "improved"))
        elif better * index < -critical:
            found.append((index, "harmed" if was_functional and is_clinical else "deteriorated"))
        else:
            found.append((index, "unchanged"))
    return found


@pytest.mark.parametrize("method", CHANGE_METHODS)
@settings(max_examples=60, deadline=None)
@given(pairs=groups, r=st.sampled_from([0.5, 0.77, 0.9]), better=st.sampled_from([-1, 1]))
def test_index_and_five_classes_equal_the_definitions(
    method: str, pairs: list[tuple[int | None, int | None]], r: float, better: int
) -> None:
    pre, post = (
        np.array([np.nan if v is None else v for v in side], dtype=float) for side in zip(*pairs, strict=True)
    )
    direction = "higher_is_worse" if better < 0 else "higher_is_better"
    expected = by_hand(pairs, method, r, better)
    index = reliable_change_index(pre, post, reliability=r, method=method, direction=direction)
    if expected is None:
        assert set(index.category) == {"not_computable"}
        return
    options = {"reliability": r, "method": method, "functional": FUNCTIONAL, "direction": direction}
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            clinical_change(pre, post, **options)
        return
    found = clinical_change(pre, post, **options)
    np.testing.assert_allclose(found.reliable.index, [one for one, _ in expected], rtol=EXACT, atol=EXACT)
    assert found.five_classes.tolist() == [name for _, name in expected]


@pytest.mark.parametrize("direction", ["higher_is_worse", "higher_is_better"])
def test_a_score_on_the_cutoff_belongs_to_neither_range(direction: str) -> None:
    pre, post = np.array([25.0, 20, 15, 20, 25, np.nan]), np.array([20.0, 15, 20, 25, 15, 20])
    category = ["improved", "improved", "deteriorated", "deteriorated", "improved", "not_computable"]
    if direction == "higher_is_better":
        pre, post = 40 - pre, 40 - post
    classes = classify_change(category, pre, post, cutoff=20, direction=direction)
    assert classes.tolist() == [*category[:4], "recovered", "not_computable"]
    crossed = crossed_cutoff(pre, post, cutoff=20, direction=direction)
    assert crossed.tolist() == [*["unchanged"] * 4, "improved", "not_computable"]
    assert crossed_cutoff(post, pre, cutoff=20, direction=direction)[4] == "deteriorated"


def test_hageman_and_arrindell_judge_the_start_by_the_true_cutoff_and_harm_as_they_judge_recovery() -> None:
    rng = np.random.default_rng(3)
    pre = rng.integers(8, 32, 80).astype(float)
    post = np.where(np.arange(80) % 2 == 0, pre - 14, pre + 14) + rng.integers(-4, 5, 80)
    found = clinical_change(pre, post, reliability=0.8, method="HA", functional=(20.0, 5.0), clinical=(20, 9))
    assert {"recovered", "harmed", "improved", "deteriorated"} <= set(found.five_classes)
    mirrored = clinical_change(
        pre, 2 * pre - post, reliability=0.8, method="HA", functional=(20.0, 5.0), clinical=(20, 9),
        direction="higher_is_better",
    )  # fmt: skip
    assert found.cutoff is not None
    assert mirrored.cutoff is not None
    assert (pre[found.five_classes == "recovered"] > found.cutoff).all()
    assert (pre[found.five_classes == "harmed"] < found.cutoff).all()
    # Turned round about zero, better is worse: who recovered is harmed.
    turned = clinical_change(
        -pre, -post, reliability=0.8, method="HA", functional=(-20.0, 5.0), clinical=(-20, 9)
    )
    swap = {"recovered": "harmed", "harmed": "recovered", "improved": "deteriorated"}
    swap |= {"deteriorated": "improved", "unchanged": "unchanged"}
    assert turned.five_classes.tolist() == [swap[name] for name in found.five_classes]


def test_rounded_critical_values_can_be_asked_for() -> None:
    pre = np.array([20.0, 30, 25, 25])
    exact = reliable_change_index(pre, pre, reliability=0.8)
    between = exact.std_error * (1.959964 + 1.96) / 2
    post = pre - [between, 0, 0, 0]
    assert reliable_change_index(pre, post, reliability=0.8, sd=pre.std(ddof=1)).category[0] == "improved"
    rounded = reliable_change_index(pre, post, reliability=0.8, sd=pre.std(ddof=1), critical=1.96)
    assert rounded.category[0] == "unchanged"
    assert rounded.critical == 1.96


def test_scores_that_differ_by_rounding_only_have_no_spread() -> None:
    same = np.full(7, 20.1) + np.array([0, 1, 0, 1, 0, 1, 0]) * 1e-15
    found = reliable_change_index(same, same - 5, reliability=0.8)
    assert set(found.category) == {"not_computable"}


def test_one_person_can_be_judged_with_a_spread_from_elsewhere() -> None:
    found = clinical_change([30.0], [15.0], reliability=0.8, sd=5, functional=(15, 4), clinical=(28, 5))
    assert found.five_classes.tolist() == ["recovered"]
    alone = clinical_change([30.0], [15.0], reliability=0.8)
    assert alone.five_classes.tolist() == ["not_computable"]
    assert alone.crossed.tolist() == ["not_computable"]
    with pytest.raises(ValueError, match="clinical group"):
        clinical_change([30.0], [15.0], reliability=0.8, functional=(15, 4))


@settings(max_examples=60, deadline=None)
@given(pairs=groups, origin=st.sampled_from([0, 10]), better=st.sampled_from([-1, 1]))
def test_percentages_and_points_equal_the_definitions(
    pairs: list[tuple[int | None, int | None]], origin: int, better: int
) -> None:
    pre, post = (
        np.array([np.nan if v is None else v for v in side], dtype=float) for side in zip(*pairs, strict=True)
    )
    direction = "higher_is_worse" if better < 0 else "higher_is_better"
    shares, points = [], []
    for a, b in pairs:
        if a is None or b is None:
            shares.append("not_computable")
            points.append("not_computable")
            continue
        # In whole numbers, so that a change of exactly the threshold is one: 25 % better, 20 % worse.
        gain, base = better * (b - a), a - origin
        shares.append(
            "not_computable" if base <= 0
            else "improved" if 4 * gain >= base else "deteriorated" if -5 * gain >= base else "unchanged"
        )  # fmt: skip
        points.append("improved" if gain >= 5 else "deteriorated" if gain <= -4 else "unchanged")
    found = percentage_change(
        pre, post, improvement=0.25, deterioration=0.2, origin=origin, direction=direction
    )[1]
    assert found.tolist() == shares
    found = important_change(pre, post, improvement=5, deterioration=4, direction=direction)
    assert found.tolist() == points


def test_negative_scores_have_no_percentage_but_all_the_rest() -> None:
    pre, post = np.array([-5.0, 5, 10, -8]), np.array([-9.0, -5, 2, 4])
    assert percentage_change(pre, post, improvement=0.5)[1].tolist()[0] == "not_computable"
    shifted = clinical_change(pre + 50, post + 50, reliability=0.8, functional=(40, 5))
    found = clinical_change(pre, post, reliability=0.8, functional=(-10, 5))
    assert found.five_classes.tolist() == shifted.five_classes.tolist()


def test_a_cutoff_may_be_any_kind_of_number() -> None:
    pre, post = [30, 28, 25, 33], [12, 27, 26, 30]
    for number in (20, 20.0, np.int64(20), np.float32(20)):
        assert clinical_change(pre, post, reliability=0.8, cutoff=number).cutoff == 20
    for wrong in (True, "d"):
        with pytest.raises(ValueError, match="'a', 'b' or 'c'"):
            clinical_change(pre, post, reliability=0.8, cutoff=wrong)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(pairs=st.lists(st.tuples(score, score), min_size=2, max_size=10, unique=True), seed=st.integers(0, 99))
def test_columns_are_paired_by_their_index(pairs: list[tuple[int | None, int | None]], seed: int) -> None:
    names = [f"p{i}" for i in range(len(pairs))]
    table = pd.DataFrame(pairs, columns=["pre", "post"], index=names, dtype=float)
    shuffled = table["post"].sample(frac=1, random_state=seed)
    for judge in (
        lambda a, b: reliable_change_index(a, b, reliability=0.8).change,
        lambda a, b: clinical_change(a, b, reliability=0.8).reliable.change,
        lambda a, b: percentage_change(a, b, improvement=0.3)[0],
        lambda a, b: important_change(a, b, improvement=3),
        lambda a, b: crossed_cutoff(a, b, cutoff=20),
        lambda a, b: true_change_shares(a, b, reliability=0.8),
    ):
        np.testing.assert_array_equal(judge(table["pre"], shuffled), judge(table["pre"], table["post"]))
        with pytest.raises(ValueError, match="do not hold the same persons"):
            judge(table["pre"], shuffled.rename({"p0": "stranger"}))
        with pytest.raises(ValueError, match="do not hold the same persons"):
            judge(table["pre"].rename({"p1": "p0"}), shuffled)
