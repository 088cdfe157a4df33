"""Drift of workers who score: against R, a dense computation, and a truth that is drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.practice.drift_model import fit_rater_drift, spread_left
from mpg_research.analysis.practice.rater_drift import describe_rater_drift
from mpg_research.analysis.practice.ratings import worker_scores
from mpg_research.analysis.practice.second_raters import agreement_by_tenure, pair_raters, tenure_trend
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import NotApplicableError
from mpg_research.study.model import Study
from tests.analysis.practice.practice_studies import practice_study, practice_tables, without

ORACLE = Path(__file__).parents[2] / "oracles" / "practice"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return practice_study(tmp_path_factory.mktemp("drift"), practice_tables(3, drift=0.1))


def ratings_of(
    seed: int = 1, *, workers: int = 24, families: int = 160, together: bool = True
) -> pd.DataFrame:
    """Scores of families who meet one or two workers; three organisations; a drift of .1 a year."""
    rng = np.random.default_rng(seed)
    place = np.arange(families) % 3
    began = rng.uniform(-10, -0.5, workers)
    bias, drift = rng.normal(0, 0.3, workers), rng.normal(0.1, 0.05, workers)
    each = workers // 3
    first, second = (place * each + rng.integers(0, each, families) for _ in range(2))
    start, level = rng.uniform(0, 2.5, families), rng.normal(0, 1, families)
    rows = []
    for family in range(families):
        change = int(rng.integers(2, 8)) if together else 99
        for step in range(int(rng.integers(2, 7))):
            worker = first[family] if step < change else second[family]
            now = start[family] + step / 4
            state = level[family] - 0.1 * step + rng.normal(0, 0.2)
            rows.append(
                {
                    "family": f"f{family}", "organisation": f"o{place[family]}", "rater": f"w{worker}",
                    "calendar": now, "in_job": now - began[worker], "in_help": step / 4,
                    "together": (step if step < change else step - change) / 4,
                    "parent": 25 + 5 * (state + rng.normal(0, 0.5)),
                    "score": state + bias[worker] + drift[worker] * (now - began[worker])
                    + rng.normal(0, 0.4),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_it_is_the_fit_of_lmertest() -> None:
    """lme4 and lmerTest on the same scores; script and output in tests/oracles/practice."""
    data = pd.read_csv(ORACLE / "rater_drift.csv")
    wanted = pd.read_csv(ORACLE / "rater_drift_lmertest.csv").set_index("term")
    found = fit_rater_drift(data).estimates
    for ours, theirs in (
        ("years_in_job", "in_job"),
        ("same_worker_year", "sum"),
        ("calendar_year", "calendar"),
    ):
        row, reference = found.loc[ours], wanted.loc[theirs]
        assert row["estimate"] == pytest.approx(reference["estimate"], rel=1e-4, abs=1e-6)
        assert row["std_error"] == pytest.approx(reference["std_error"], rel=1e-4)
        assert row["df"] == pytest.approx(reference["df"], rel=5e-3), "lmerTest differentiates numerically"


def test_it_is_generalised_least_squares_at_its_variances() -> None:
    found = fit_rater_drift(ratings_of(2))
    assert found.fit is not None
    problem, variances = found.fit.problem, found.fit.random
    v = found.fit.residual_sd**2 * np.eye(len(problem.y))
    for term in problem.random:
        mine = variances[variances["group"] == term.group]
        g = np.zeros((len(term.term_names),) * 2)
        for _, row in mine.iterrows():
            i, j = (list(term.term_names).index(row[name]) for name in ("term_1", "term_2"))
            g[i, j] = g[j, i] = row["covariance"]
        same = term.codes[:, None] == term.codes[None, :]
        v += same * (term.z @ g @ term.z.T)
    weighted = np.linalg.solve(v, problem.x)
    covariance = np.linalg.inv(problem.x.T @ weighted)
    beta = covariance @ (weighted.T @ problem.y)
    place = list(problem.x_names).index("in_job")
    row = found.estimates.loc["years_in_job"]
    assert row["estimate"] == pytest.approx(beta[place], abs=1e-8)
    assert row["std_error"] == pytest.approx(np.sqrt(covariance[place, place]), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_what_does_not_matter(seed: int) -> None:
    rows = ratings_of(seed, families=90)
    found = fit_rater_drift(rows).estimates
    rng = np.random.default_rng(seed)
    other = rows.sample(frac=1, random_state=seed).assign(
        score=lambda each: 7 + 3 * each["score"], parent=lambda each: 2 - 0.5 * each["parent"],
        calendar=lambda each: each["calendar"] + 11, rater=lambda each: "z" + each["rater"],
    )  # fmt: skip
    again = fit_rater_drift(other).estimates.loc[found.index]
    assert again["estimate"].to_numpy() == pytest.approx(found["estimate"].to_numpy(), abs=2e-5)
    unknown = pd.concat([rows, rows.head(9).assign(parent=np.nan, score=rng.normal(size=9))])
    assert fit_rater_drift(unknown).estimates["estimate"].to_numpy() == pytest.approx(
        found["estimate"].to_numpy(), abs=1e-9
    )


def test_what_cannot_be_told_apart_is_refused() -> None:
    rows = ratings_of(4)
    at_once = rows.assign(in_job=rows["calendar"] + 5)
    assert fit_rater_drift(at_once).verdict == "no_spread"
    # Organisations that began in different years do not help: colleagues began together.
    apart = rows.assign(in_job=rows["calendar"] + rows["organisation"].map({"o0": 1.0, "o1": 5.0, "o2": 9.0}))
    assert fit_rater_drift(apart).verdict == "no_spread"
    assert fit_rater_drift(rows[rows["rater"].isin(rows["rater"].unique()[:9])]).verdict == "few_raters"
    assert fit_rater_drift(rows.assign(parent=np.nan)).verdict == "no_parent_scores"
    assert fit_rater_drift(rows.assign(score=1.0)).verdict == "no_spread"
    assert fit_rater_drift(rows.head(0)).verdict == "few_raters"
    one = fit_rater_drift(rows.assign(organisation="o0"))
    assert one.verdict == "estimated"


def test_time_with_the_family_takes_families_with_another_worker() -> None:
    assert "years_with_family" in fit_rater_drift(ratings_of(5)).estimates.index
    assert "years_with_family" not in fit_rater_drift(ratings_of(5, together=False)).estimates.index


def test_errors_of_time_with_the_family_allow_for_what_a_worker_sees_in_it() -> None:
    """A worker's own view of one family jumps when another comes: errors fit the spread over studies."""
    found = []
    for seed in range(16):
        rows = ratings_of(100 + seed, families=120)
        rng = np.random.default_rng(seed)
        view = rows.groupby(["family", "rater"]).ngroup().to_numpy()
        moved = rows.assign(score=rows["score"] + rng.normal(0, 0.8, view.max() + 1)[view])
        row = fit_rater_drift(moved).estimates.loc["years_with_family"]
        found.append((row["estimate"], row["std_error"]))
    estimates, errors = np.array(found).T
    assert 0.75 < errors.mean() / estimates.std(ddof=1) < 1.4


def test_a_calendar_of_its_own_is_no_drift() -> None:
    rows = ratings_of(6, families=240)
    moved = rows.assign(score=rows["score"] + 0.5 * rows["calendar"])
    plain, other = fit_rater_drift(rows), fit_rater_drift(moved)
    drift = [each.estimates.loc["years_in_job", "estimate"] * each.score_sd for each in (plain, other)]
    worker = [each.estimates.loc["same_worker_year", "estimate"] * each.score_sd for each in (plain, other)]
    assert drift[1] == pytest.approx(drift[0], abs=0.02)
    assert worker[1] - worker[0] == pytest.approx(0.5, abs=0.02)


def test_the_spread_left_is_that_within_organisations() -> None:
    data = pd.DataFrame({"organisation": list("aabb"), "x": [0.0, 2, 10, 12], "y": [1.0, 1, 1, 1]})
    assert spread_left(data, "x", []) == pytest.approx(1.0)
    assert spread_left(data, "x", ["x"]) == pytest.approx(0.0, abs=1e-12)


def pairs_of(seed: int, drift: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    workers, n = 20, 300
    first = rng.integers(0, workers, n)
    second = (first + rng.integers(1, workers, n)) % workers
    years = rng.uniform(0, 12, workers)
    bias = rng.normal(0, 0.2, workers) + drift * years
    state = rng.normal(0, 1, n)
    a, b = (state + bias[who] + rng.normal(0, 0.4, n) for who in (first, second))
    return pd.DataFrame(
        {"family": np.arange(n), "organisation": "o", "first": first, "second": second, "difference": a - b,
         "middle": (a + b) / 2, "years_first": years[first], "years_second": years[second]}
    )  # fmt: skip


def test_second_workers_show_the_drift() -> None:
    trends = [tenure_trend(pairs_of(seed, 0.1)) for seed in range(5)]
    mean = pd.concat(trends).groupby(level=0)["estimate"].mean()
    assert mean["years_apart"] == pytest.approx(0.1, abs=0.03)
    assert mean["years_first"] == pytest.approx(0.1, abs=0.04)
    assert mean["years_second"] == pytest.approx(-0.1, abs=0.04)
    assert tenure_trend(pairs_of(1, 0.1), minimum_raters=21).empty


def test_bands_are_those_by_hand() -> None:
    pairs = pairs_of(3, 0.0)
    found = agreement_by_tenure(pairs, (6.0,), minimum_raters=3).set_index("tenure")
    mine = pairs[pairs["years_first"] >= 6.0]["difference"]
    row = found.loc["from_6"]
    assert row["mean_difference"] == pytest.approx(mine.mean())
    assert row["upper_limit"] - row["mean_difference"] == pytest.approx(1.959964 * mine.std(), rel=1e-6)
    assert agreement_by_tenure(pairs, (6.0,), minimum_raters=50).empty


def test_each_score_is_in_one_pair() -> None:
    dates = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-09", "2024-03-01"])
    ratings = pd.DataFrame(
        {"family": "f", "episode": "1", "organisation": "o", "rater": ["a", "b", "a", "c"], "date": dates,
         "is_own": [True, False, True, False], "score": [1.0, 2.0, 3.0, 4.0], "in_job": 1.0}
    )  # fmt: skip
    pairs = pair_raters(ratings, days=7)
    assert pairs[["first", "second", "difference"]].to_numpy().tolist() == [["a", "b", -1.0]]


@pytest.mark.parametrize("seed", range(8))
def test_pairs_are_of_one_family_and_moment_and_none_is_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, days = int(rng.integers(20, 80)), float(rng.integers(0, 15))
    ratings = pd.DataFrame(
        {"family": rng.integers(0, 6, n).astype(str), "episode": "1", "organisation": "o",
         "rater": rng.choice(list("abcd"), n), "is_own": rng.random(n) < 0.5,
         "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 60, n), unit="D"),
         "score": rng.permutation(n).astype(float), "in_job": rng.uniform(0, 9, n)}
    )  # fmt: skip
    pairs = pair_raters(ratings, days=days)
    # Every score is another number, so it says which row it is of.
    by_score = ratings.set_index("score")
    own = by_score.loc[pairs["middle"] + pairs["difference"] / 2]
    second = by_score.loc[pairs["middle"] - pairs["difference"] / 2]
    assert own.index.is_unique
    assert second.index.is_unique
    assert own["is_own"].all()
    assert not second["is_own"].any()
    for name in ("family", "rater", "in_job"):
        same = own[name].to_numpy() == second[name].to_numpy()
        assert same.all() if name == "family" else not same.any()
    assert own["in_job"].tolist() == pairs["years_first"].tolist()
    assert second["in_job"].tolist() == pairs["years_second"].tolist()
    assert (np.abs(own["date"].to_numpy() - second["date"].to_numpy()) <= pd.Timedelta(days=days)).all()
    left = by_score.drop(index=[*own.index, *second.index])
    both = left[left["is_own"]].merge(left[~left["is_own"]], on="family", suffixes=("", "_other"))
    near = (both["date"] - both["date_other"]).abs() <= pd.Timedelta(days=days)
    assert not (near & (both["rater"] != both["rater_other"])).any()


def test_scores_are_gathered_as_by_hand(study: Study) -> None:
    found = worker_scores(study, parent_days=45).rows
    domains = found[found["scale"] == "domains"]
    table = study.tables["domains"]
    assert len(domains) == len(table.groupby(["family", "date", "rater"]))
    workers = study.tables["workers"].set_index(["organisation", "worker"])["start"]
    episodes = study.tables["episodes"].set_index("family")["worker"]
    severity = table["severity"].astype(float)
    usual = severity.groupby(table["domain"]).mean()
    about = severity - table["domain"].astype(str).map(usual.to_dict()).astype(float) + severity.mean()
    for place in (17, *np.random.default_rng(17).choice(len(domains), 40, replace=False)):
        row = domains.iloc[place]
        rater = row["rater"].split("|")[1]
        began = workers[(row["organisation"], rater)]
        assert row["in_job"] == pytest.approx((row["date"] - began).days / 365.25)
        scores = study.scores[study.scores["family"] == row["family"]]
        apart = (scores["date"] - row["date"]).abs()
        near = scores.loc[apart == apart.min(), "raw"]
        assert row["parent"] in near.tolist() if apart.min().days <= 45 else np.isnan(row["parent"])
        assert row["is_own"] == (episodes[row["family"]] == rater)
        given = (
            (table["family"] == row["family"]) & (table["date"] == row["date"]) & (table["rater"] == rater)
        )
        assert row["score"] == pytest.approx(about[given].mean())


def test_a_planted_drift_is_found_from_file_to_table(study: Study) -> None:
    found = describe_rater_drift(study).tables
    rows = found["rater_drift"].data.set_index(["scale", "drift_term"])
    sd = (
        found["rater_differences"].data.set_index(["scale", "quantity"]).loc[("domains", "score_sd"), "value"]
    )
    row = rows.loc[("domains", "years_in_job")]
    assert abs(row["estimate"] - 0.1 / sd) < 3 * row["std_error"] + 0.02, "severity is cut off at 0 and 4"
    assert {"rated_scales", "second_rater", "second_rater_trend"} <= set(found)


def test_nothing_is_told_of_a_worker(study: Study) -> None:
    found = describe_rater_drift(study)
    names = {f"w{number}" for number in range(20)}
    for table in found.tables.values():
        assert not names & set(table.data.astype(str).to_numpy().ravel()), table.name
        assert "rater" not in table.data
    released = release(found, Audience("researcher"), policy=policy_of(study))
    assert not released.tables["rater_drift"].data["suppressed"].any()


@pytest.mark.parametrize(
    ("gone", "code"), [(("workers",), "no_worker_starts"), (("domains", "practice"), "no_rated_scales")]
)
def test_what_is_not_recorded_is_said(study: Study, gone: tuple[str, ...], code: str) -> None:
    with pytest.raises(NotApplicableError) as refusal:
        describe_rater_drift(replace(study, tables=without(dict(study.tables), *gone)))
    assert refusal.value.code == code


def test_few_workers_are_no_group(study: Study) -> None:
    few = study.tables["workers"].head(9)
    with pytest.raises(NotApplicableError) as refusal:
        describe_rater_drift(replace(study, tables={**study.tables, "workers": few}))
    assert refusal.value.code == "few_raters"


def test_one_rater_and_unknown_raters_do_no_harm(study: Study) -> None:
    domains = study.tables["domains"]
    one = {**study.tables, "domains": domains.assign(rater="w0"), "practice": domains.head(0)}
    with pytest.raises(NotApplicableError):
        describe_rater_drift(replace(study, tables=one))
    unknown = {**study.tables, "domains": domains.drop(columns="rater")}
    found = describe_rater_drift(replace(study, tables=unknown))
    assert set(found.tables["rated_scales"].data["scale"]) == {"practice"}
