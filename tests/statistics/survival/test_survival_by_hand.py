"""Survival on made-up data against slow loops, and what must not matter."""

import numpy as np
import pytest
import scipy.stats

from mpg_research.statistics.survival.competing_events import aalen_johansen
from mpg_research.statistics.survival.counts import LIMITS, limits_of
from mpg_research.statistics.survival.cox import fit_cox, proportionality
from mpg_research.statistics.survival.group_tests import gray_test, log_rank
from mpg_research.statistics.survival.kaplan_meier import kaplan_meier
from mpg_research.statistics.survival.restricted_mean import restricted_mean
from mpg_research.statistics.survival.shared_frailty import fit_shared_frailty
from tests.statistics.survival.naive_survival import incidence, log_likelihood, random_spells

#: Sums in another order.
EXACT = 1e-10
#: A derivative by differences of weights of 1e-5.
BY_DIFFERENCES = 2e-6
SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_incidences_and_their_influences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = random_spells(rng, int(rng.integers(20, 60)), ties=bool(seed % 2))
    time, cause, entry, n = data["time"], data["cause"], data["entry"], len(data["time"])
    watched = np.repeat(time[:, None], 3, axis=1)
    # Of the third cause some are watched less long, or not at all.
    short = (cause != 3) & (rng.random(n) < 0.4)
    watched[short, 2] = np.where(rng.random(short.sum()) < 0.3, -np.inf, time[short] * 0.5)
    at = [float(np.quantile(time, 0.3)), float(np.quantile(time, 0.7))]
    found = aalen_johansen(time, cause, at=at, entry=entry, watched=watched, n_causes=3)
    for place, moment in enumerate(at):
        by_hand = incidence(time, cause, entry, watched, np.ones(n), at=moment)
        assert found.estimate[place] == pytest.approx(by_hand[:3], abs=EXACT)
    assert found.mean_free == pytest.approx(by_hand[3], abs=EXACT)
    assert found.free == pytest.approx(1 - found.estimate.sum(axis=1), abs=EXACT)
    for person in rng.integers(0, n, 5):
        more, less = np.ones(n), np.ones(n)
        more[person], less[person] = 1 + 1e-5, 1 - 1e-5
        slope = incidence(time, cause, entry, watched, more, at=at[1])
        slope = (slope - incidence(time, cause, entry, watched, less, at=at[1])) / 2e-5
        assert found.influence[1, :, person] == pytest.approx(slope[:3], abs=BY_DIFFERENCES)
        assert found.mean_free_influence[person] == pytest.approx(slope[3], abs=1e-4)
    grouped = aalen_johansen(
        time, cause, at=at, entry=entry, watched=watched, cluster=data["cluster"], n_causes=3
    )
    sums = np.stack([found.influence[:, :, data["cluster"] == c].sum(axis=2) for c in set(data["cluster"])])
    assert grouped.std_error == pytest.approx(np.sqrt((sums**2).sum(axis=0)), abs=EXACT)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_cause_is_a_kaplan_meier_curve(seed: int) -> None:
    data = random_spells(np.random.default_rng(seed), 80)
    late = {"entry": data["entry"], "cluster": data["cluster"]}
    curve = kaplan_meier(data["time"], data["cause"] > 0, **late)
    at = np.unique(data["time"])[2:-2]
    one = aalen_johansen(data["time"], (data["cause"] > 0).astype(int), at=at, **late)
    shown = curve.at(at)
    assert one.free == pytest.approx(shown["survival"], abs=EXACT)
    known = shown["survival"] > 1e-12
    assert one.free_error[known] == pytest.approx(shown["std_error"][known], abs=EXACT)
    mean = restricted_mean(data["time"], data["cause"] > 0, horizon=at[-1], entry=data["entry"])
    assert one.mean_free == pytest.approx(mean.mean, abs=EXACT)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_minus_the_curve_of_one_cause_overstates(seed: int) -> None:
    data = random_spells(np.random.default_rng(seed), 200)
    at = [4.0, 8.0, 16.0]
    right = aalen_johansen(data["time"], data["cause"], at=at, entry=data["entry"])
    for cause in (1, 2, 3):
        alone = kaplan_meier(data["time"], data["cause"] == cause, entry=data["entry"])
        naive = 1 - alone.at(at)["survival"]
        assert (naive >= right.estimate[:, cause - 1] - EXACT).all()
        assert naive[-1] > right.estimate[-1, cause - 1] + 0.02


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_partial_likelihood_is_highest_where_it_is_said_to_be(seed: int, ties: str) -> None:
    data = random_spells(np.random.default_rng(seed), 90)
    died, strata = data["cause"] == 1, data["group"]
    fit = fit_cox(
        data["time"],
        died,
        data["design"],
        entry=data["entry"],
        strata=strata,
        ties=ties,  # type: ignore[arg-type]
    )

    def value(beta: np.ndarray) -> float:
        return log_likelihood(
            beta, data["time"], died, data["design"], data["entry"], strata, efron=ties == "efron"
        )

    beta, step = fit.coefficients, 1e-4
    assert fit.log_likelihood == pytest.approx(value(beta), abs=1e-9)
    assert fit.log_likelihood_null == pytest.approx(value(np.zeros(2)), abs=1e-9)
    unit = np.eye(2) * step
    slopes = [(value(beta + e) - value(beta - e)) / (2 * step) for e in unit]
    assert slopes == pytest.approx([0, 0], abs=1e-5)
    bend = [
        [(value(beta + a + b) - value(beta + a - b) - value(beta - a + b) + value(beta - a - b))
         / (4 * step**2) for b in unit]
        for a in unit
    ]  # fmt: skip
    assert np.linalg.inv(fit.covariance) == pytest.approx(-np.array(bend), rel=1e-3, abs=1e-3)
    assert fit.scores.sum(axis=0) == pytest.approx([0, 0], abs=1e-8)


def test_order_names_and_scale_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    data, turned = random_spells(rng, 150), rng.permutation(150)
    mixed = {name: column[turned] for name, column in data.items()}
    first = None
    for rows, scale in ((data, 1.0), (mixed, 1.0), (data, 30.4375)):
        entry = rows["entry"] * scale
        found = fit_cox(
            rows["time"] * scale, rows["cause"] == 2, rows["design"] * 4 + 7, entry=entry,
            cluster=[f"w{number}" for number in rows["cluster"]],
        )  # fmt: skip
        first = first or found
        assert found.coefficients == pytest.approx(first.coefficients, rel=1e-8)
        assert found.robust == pytest.approx(first.robust, rel=1e-8)
        test = gray_test(rows["time"] * scale, rows["cause"], rows["group"], of=2, entry=entry)
        again = gray_test(rows["time"], rows["cause"], 5 - rows["group"], of=2, entry=rows["entry"])
        assert test.statistic == pytest.approx(again.statistic, rel=1e-8)
        rank = log_rank(rows["time"], rows["cause"] == 1, rows["group"], entry=rows["entry"])
        turned_rank = log_rank(rows["time"], rows["cause"] == 1, -rows["group"], entry=rows["entry"])
        assert rank.statistic == pytest.approx(turned_rank.statistic, rel=1e-8)


@pytest.mark.parametrize("seed", [8, *SEEDS])
def test_two_groups_without_strata_are_a_score_test_of_cox(seed: int) -> None:
    """Without ties: the slope of the partial likelihood at no difference, squared, by its bend there."""
    data = random_spells(np.random.default_rng(seed), 120, ties=False)
    time, died, entry = data["time"], data["cause"] == 1, data["entry"]
    two, step = (data["group"] == 1).astype(float), 1e-3

    def value(beta: float) -> float:
        alike = np.zeros(len(time))
        return log_likelihood(np.array([beta]), time, died, two[:, None], entry, alike, efron=False)

    slope = (value(step) - value(-step)) / (2 * step)
    bend = (value(step) - 2 * value(0.0) + value(-step)) / step**2
    test = log_rank(time, died, two, entry=entry)
    assert test.statistic == pytest.approx(slope**2 / -bend, rel=1e-4, abs=1e-5)
    assert test.df == 1


def test_without_a_competing_event_and_late_entry_grays_test_is_near_the_log_rank_test() -> None:
    data = random_spells(np.random.default_rng(8), 120, ties=False)
    two = (data["group"] == 1).astype(float)
    one = gray_test(data["time"], (data["cause"] == 1).astype(int), two)
    rank = log_rank(data["time"], data["cause"] == 1, two)
    assert one.statistic == pytest.approx(rank.statistic, rel=0.35)


def test_frailty_of_groups_that_are_alike_is_none() -> None:
    rng = np.random.default_rng(1)
    x, group = rng.normal(size=(400, 1)), np.repeat(np.arange(20), 20)
    time = rng.permutation(np.arange(1.0, 401.0))
    found = fit_shared_frailty(time, np.ones(400, dtype=bool), x, group)
    assert found.variance < 0.05
    assert found.low == 0.0
    lift = rng.gamma(2.0, 0.5, 20)[group]
    found = fit_shared_frailty(rng.exponential(1 / lift), np.ones(400, dtype=bool), x, group)
    assert found.low < 0.5 < found.high
    assert found.p_value < 0.001
    assert len(found.frailty) == 20


@pytest.mark.parametrize("scale", LIMITS)
def test_limits_hold_the_share_and_stay_inside(scale: str) -> None:
    shares = np.array([0.0, 0.02, 0.5, 0.98, 1.0])
    low, high = limits_of(shares, np.full(5, 0.05), level=0.95, scale=scale)  # type: ignore[arg-type]
    known = np.isfinite(low) & np.isfinite(high)
    assert known[1:4].all()
    assert ((low <= shares) & (shares <= high) & (low >= 0) & (high <= 1))[known].all()


@pytest.mark.parametrize(
    ("time", "cause", "entry", "words"),
    [
        ([], [], None, "one spell or more"),
        ([1.0, np.nan], [1, 0], None, "must all be known"),
        ([1.0, 2.0], [1, -1], None, "causes are 0"),
        ([1.0, 2.0], [1, 1], [0.5, 2.0], "end at or before their entry"),
    ],
)
def test_impossible_data_are_refused(time: list, cause: list, entry: list | None, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=words):
        aalen_johansen(time, cause, at=[1.0], entry=entry)


def test_impossible_models_are_refused() -> None:
    data = random_spells(np.random.default_rng(0), 40)
    one = np.ones((40, 1))
    with pytest.raises(ValueError, match="the same for everybody"):
        fit_cox(data["time"], data["cause"] == 1, one)
    with pytest.raises(ValueError, match="follows from the others"):
        fit_cox(data["time"], data["cause"] == 1, data["design"][:, [0, 0]])
    with pytest.raises(ValueError, match="nobody has an event"):
        fit_cox(data["time"], np.zeros(40, dtype=bool), data["design"])
    with pytest.raises(ValueError, match="two groups or more"):
        fit_shared_frailty(data["time"], data["cause"] == 1, data["design"], np.zeros(40))
    apart = (data["cause"] == 1).astype(float)[:, None]
    assert not fit_cox(data["time"], data["cause"] == 1, apart).converged
    assert len(proportionality(data["time"], data["cause"] == 1, data["design"], terms=[[0, 1]])) == 2
    all_out = kaplan_meier([3.0, 4.0], [False, False])
    assert all_out.at([2.0, 9.0])["survival"].tolist() == [1.0, 1.0]
    assert np.isnan(all_out.quantile(0.5)).all()
    nothing = aalen_johansen([3.0, 4.0], [0, 0], at=[2.0], n_causes=2)
    assert nothing.estimate.tolist() == [[0.0, 0.0]]
    assert nothing.mean_free == 2.0


@pytest.mark.parametrize("df", [3.0, 17.0, 1e9])
def test_limits_take_the_quantile_of_t_for_few_clusters(df: float) -> None:
    share, error, level = np.array([0.3, 0.8]), np.array([0.05, 0.1]), 0.9
    quantile = scipy.stats.t.ppf(0.95, df)
    low, high = limits_of(share, error, level=level, scale="log-log", df=df)
    middle, half = np.log(-np.log(share)), quantile * error / (share * -np.log(share))
    assert low == pytest.approx(np.exp(-np.exp(middle + half)))
    assert high == pytest.approx(np.exp(-np.exp(middle - half)))
    if df > 1e6:
        plain = limits_of(share, error, level=level, scale="log-log")
        assert np.array(plain) == pytest.approx(np.array([low, high]))


def test_the_p_value_of_a_frailty_is_half_of_chi_square() -> None:
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(15), 12)
    lift = rng.gamma(4.0, 0.25, 15)[group]
    x, ones = rng.normal(size=(180, 1)), np.ones(180, dtype=bool)
    time = rng.exponential(1 / (lift * np.exp(0.3 * x[:, 0])))
    found, plain = fit_shared_frailty(time, ones, x, group), fit_cox(time, ones, x)
    ratio = 2 * (found.log_likelihood - plain.log_likelihood)
    assert found.p_value == pytest.approx(scipy.stats.chi2.sf(ratio, 1) / 2)
