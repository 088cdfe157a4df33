"""Trends, sudden changes and clustered shares equal the references; edges are defined."""

from pathlib import Path

import numpy as np
import pytest

from mpg_research.statistics.change.reliable_trend import (
    own_line_residuals,
    reliable_trend_index,
    trend_error_sd,
)
from mpg_research.statistics.change.sudden_changes import find_sudden_changes
from mpg_research.statistics.proportions import clustered_interval, design_effect, wilson_interval
from tests.statistics import shared_oracles
from tests.statistics.change_oracles import claus, known_counts, read_rows

# The references print 15 digits; the standard deviation behind the trends is given to 4 decimals there.
EXACT = 1e-8


def long(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    person, wave = np.nonzero(~np.isnan(table))
    return person, wave + 1.0, table[person, wave]


def test_each_trend_equals_the_reference() -> None:
    ids, table = claus()
    reference = read_rows("oracle_rti_claus_hamd_sd3.3401_r080.csv")
    person, time, score = long(table)
    trend = reliable_trend_index(person, time, score, error_sd=trend_error_sd(3.340121294, 0.8))
    place = [ids.index(row["id"]) for row in reference]
    for column, values in (
        ("slope", trend.slope), ("se", trend.std_error), ("z", trend.index),
        ("p", trend.p_value), ("lo", trend.conf_low), ("hi", trend.conf_high),
    ):  # fmt: skip
        known = np.array([float(row[column]) for row in reference])
        np.testing.assert_allclose(values[place], known, rtol=1e-6, atol=EXACT)
    assert trend.category[place].tolist() == [row["cat"] for row in reference]
    others = sorted(set(range(len(ids))) - set(place))
    assert set(trend.category[others]) <= {"not_computable"}


def test_order_and_units_of_time_do_not_change_a_class() -> None:
    rng = np.random.default_rng(1)
    person, time = np.repeat(np.arange(30), 6), np.tile([0, 0.4, 2, 5, 5.2, 17.0], 30)
    score = 25 - 0.6 * time + rng.normal(0, 2, 180)
    one = reliable_trend_index(person, time, score, error_sd=2)
    shuffled = rng.permutation(180)
    two = reliable_trend_index(person[shuffled], 30.4 * time[shuffled] - 9, score[shuffled], error_sd=2)
    np.testing.assert_allclose(two.index, one.index, rtol=1e-9)
    up = reliable_trend_index(person, time, -score, error_sd=2, direction="higher_is_better")
    assert up.category.tolist() == one.category.tolist()


def test_one_wave_and_one_day_have_no_trend() -> None:
    trend = reliable_trend_index(
        [0, 1, 1, 2, 2, 3], [0, 4, 4, 0, 12, np.nan], [20, 25, 15, 20, 20, 30], error_sd=2
    )
    assert trend.category.tolist() == [
        "not_computable",
        "not_computable",
        "no_reliable_trend",
        "not_computable",
    ]
    assert trend.slope[2] == 0
    with pytest.raises(ValueError, match="positive"):
        reliable_trend_index([0], [0], [1], error_sd=0)


def test_the_rate_of_false_trends_is_the_nominal_one() -> None:
    rng = np.random.default_rng(2)
    n, moments = 4000, np.array([0, 1, 2.5, 3, 7, 9.0])
    person, time = np.repeat(np.arange(n), 6), np.tile(moments, n)
    score = np.repeat(rng.normal(25, 5, n), 6) + rng.normal(0, 3, 6 * n)
    trend = reliable_trend_index(person, time, score, error_sd=3)
    # Three standard errors of a share of .05 among 4000.
    assert (trend.category != "no_reliable_trend").mean() == pytest.approx(
        0.05, abs=3 * np.sqrt(0.05 * 0.95 / n)
    )


def test_residuals_around_own_lines_estimate_the_error() -> None:
    rng = np.random.default_rng(3)
    n = 2000
    person, time = np.repeat(np.arange(n), 5), np.tile(np.arange(5.0), n)
    score = (
        np.repeat(rng.normal(25, 5, n), 5)
        + np.repeat(rng.normal(0, 1, n), 5) * time
        + rng.normal(0, 3, 5 * n)
    )
    squares, df = own_line_residuals(person, time, score)
    assert df == 3 * n
    # Relative standard error of a standard deviation with 6000 df is 0.9 %.
    assert np.sqrt(squares / df) == pytest.approx(3, rel=0.03)
    assert own_line_residuals([0, 0], [1, 1], [3, 5]) == (2.0, 1)
    assert own_line_residuals([], [], []) == (0.0, 0)


def sudden_data() -> tuple[list[str], np.ndarray]:
    rows = read_rows("suddengains_sgdata.csv")
    columns = [f"bdi_s{wave}" for wave in range(1, 13)]
    table = [[np.nan if row[c] in ("NA", "") else float(row[c]) for c in columns] for row in rows]
    return [row["id"] for row in rows], np.array(table)


def test_sudden_gains_and_losses_equal_the_reference() -> None:
    ids, table = sudden_data()
    found = find_sudden_changes(table, cutoff=7)
    reference = {row["id"]: row for row in read_rows("oracle_suddengains_crit7.csv")}
    for place, name in enumerate(ids):
        for step in range(2, 11):
            for prefix, values in (("sg", found.gain), ("sl", found.loss)):
                known = reference[name][f"{prefix}_{step}to{step + 1}"]
                mine = values[place, step - 1]
                assert np.isnan(mine) if known == "NA" else mine == float(known), (name, prefix, step)
    counts = known_counts()["suddengains"]["sgdata_crit7_bdi_s1_s12"]
    assert found.n_gains == counts["total_sg"] == 24
    assert int((np.nansum(found.gain, axis=1) > 0).sum()) == counts["persons_with_sg"] == 15
    assert int((np.nansum(found.gain, axis=1) > 1).sum()) == counts["multiple_n"]
    assert found.n_losses == counts["losses_total"]
    gains = found.size[found.gain == 1]
    assert gains.mean() == pytest.approx(counts["bysg"]["magnitude_m"], abs=0.005)
    assert gains.std(ddof=1) == pytest.approx(counts["bysg"]["magnitude_sd"], abs=0.005)
    assert int(found.reversed_after[found.gain == 1].sum()) == counts["bysg"]["reversal_n"]


def test_gains_of_a_scale_where_high_is_good_are_the_mirror_image() -> None:
    _, table = sudden_data()
    one = find_sudden_changes(table, cutoff=7, share=0.0)
    two = find_sudden_changes(-table, cutoff=7, share=0.0, direction="higher_is_better")
    np.testing.assert_array_equal(one.gain, two.gain)
    np.testing.assert_array_equal(one.loss, two.loss)


def test_short_courses_have_no_sudden_change() -> None:
    for waves in (0, 1, 2, 3):
        found = find_sudden_changes(np.zeros((2, waves)), cutoff=7)
        assert found.n_gains == found.n_losses == 0
    with pytest.raises(ValueError, match="table"):
        find_sudden_changes([1, 2, 3], cutoff=7)
    constant = find_sudden_changes(np.full((1, 8), 20.0), cutoff=0)
    assert constant.n_gains == 0


def test_clusters_of_one_are_nearly_wilson() -> None:
    happened = np.arange(400) < 130
    plain, clustered = wilson_interval([130], [400]), clustered_interval(happened, np.arange(400))
    # What is left is t with 399 df for z, and n - 1 for n.
    assert clustered.conf_low[0] == pytest.approx(plain.conf_low[0], abs=5e-4)
    assert clustered.conf_high[0] == pytest.approx(plain.conf_high[0], abs=5e-4)


def test_robust_variance_equals_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(4)
    clusters = rng.integers(0, 12, 150)
    happened = rng.random(150) < 0.2 + 0.5 * (clusters % 2)
    fit = api.OLS(happened.astype(float), np.ones(150)).fit()
    robust = fit.get_robustcov_results("cluster", groups=clusters, use_correction=True)
    # statsmodels' correction is m/(m-1) x (n-1)/(n-k); with k = 1 the second factor is 1.
    share = happened.mean()
    expected = float(robust.bse[0]) ** 2 / (share * (1 - share) / 149)
    assert design_effect(happened, clusters) == pytest.approx(expected, rel=1e-10)


def test_clustered_intervals_cover() -> None:
    rng = np.random.default_rng(5)
    runs, hits, plain = 400, 0, 0
    clusters = np.repeat(np.arange(25), 8)
    for _ in range(runs):
        chance = np.repeat(rng.beta(2, 3, 25), 8)
        happened = rng.random(200) < chance
        mine, naive = clustered_interval(happened, clusters), wilson_interval([happened.sum()], [200])
        hits += mine.conf_low[0] <= 0.4 <= mine.conf_high[0]
        plain += naive.conf_low[0] <= 0.4 <= naive.conf_high[0]
    # Three standard errors of a coverage of .95 over 400 runs: .033. The plain interval falls short.
    assert hits / runs > 0.95 - 0.033
    assert plain / runs < 0.9


def test_a_share_of_nobody_or_everybody_is_defined() -> None:
    assert np.isnan(clustered_interval([], []).estimate[0])
    assert clustered_interval([True] * 10, list("aabbccddee")).conf_high[0] == 1
    assert design_effect([True, False], ["a", "a"]) == 1


def test_reference_folder_is_named_when_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shared_oracles, "FOLDER", tmp_path)
    with pytest.raises(pytest.skip.Exception, match="shared/oracles/change"):
        known_counts()
    (tmp_path / "change").mkdir()
    assert shared_oracles.need_oracles("change").name == "change"


def test_losses_are_gains_turned_round_also_in_what_was_undone() -> None:
    rng = np.random.default_rng(9)
    table = 60 + np.cumsum(rng.choice([-9, -1, 0, 1, 9], (60, 9)), axis=1).astype(float)
    one = find_sudden_changes(table, cutoff=7, share=0.0)
    two = find_sudden_changes(200 - table, cutoff=7, share=0.0)
    np.testing.assert_array_equal(one.gain, two.loss)
    np.testing.assert_array_equal(one.reversed_after, two.reversed_after)
    assert one.n_gains > 5
    assert set(np.unique(one.reversed_after[one.loss == 1])) == {0.0, 1.0}


def test_options_of_the_criteria() -> None:
    # A loss of 7 from 30 is less than a quarter of 30.
    loss = [[30.0, 30, 30, 37, 37, 37]]
    assert find_sudden_changes(loss, cutoff=7).n_losses == 0
    assert find_sudden_changes(loss, cutoff=7, share_of_losses=0).n_losses == 1
    # Two before and two after, df 2: 4.303 times the pooled spread is more than the step, 2.776 times is not.
    few = [[40.0, 44, np.nan, np.nan, 30, 34]]
    gap = [[np.nan, 40.0, 44, 30, 34, np.nan]]
    assert np.isnan(find_sudden_changes(few, cutoff=7).gain).all()
    assert find_sudden_changes(gap, cutoff=7).n_gains == 0
    assert find_sudden_changes(gap, cutoff=7, adjust_for_missing=False).n_gains == 1
    for wrong in ({"cutoff": -1}, {"cutoff": 7, "share": -0.1}, {"cutoff": 7, "share_of_losses": -1}):
        with pytest.raises(ValueError, match="negative"):
            find_sudden_changes(gap, **wrong)


@pytest.mark.parametrize(
    ("missing", "critical"), [((), 2.776), ((0,), 3.182), ((5,), 3.182), ((0, 5), 4.303)]
)
def test_critical_values_follow_the_scores_that_are_there(missing: tuple[int, ...], critical: float) -> None:
    # The pooled spread of these six scores is known, so the step at which it begins to count is too.
    def gains(step: float) -> int:
        before, after = np.array([51.0, 49, 50]), np.array([50.0, 49, 51]) - step
        table = np.append(before, after)
        table[list(missing)] = np.nan
        return find_sudden_changes([table], cutoff=1, share=0.0).n_gains

    parts = [np.delete([51.0, 49, 50], [p for p in missing if p < 3])]
    parts.append(np.delete([50.0, 49, 51], [p - 3 for p in missing if p > 2]))
    squares = sum(((part - part.mean()) ** 2).sum() for part in parts)
    pooled = np.sqrt(squares / (len(parts[0]) + len(parts[1]) - 2))
    needed = critical * pooled - parts[0].mean() + parts[1].mean()
    # The printed critical values have three decimals.
    assert gains(needed + 0.01) == 1
    assert gains(needed - 0.01) == 0
