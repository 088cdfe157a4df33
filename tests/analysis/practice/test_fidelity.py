"""Working elements: counted by hand, against the paper's agreement, and with a truth that is drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from mpg_research.analysis.practice.elements import ELEMENTS, element_scores, index_of, rater_pairs
from mpg_research.analysis.practice.fidelity import describe_fidelity
from mpg_research.analysis.practice.fidelity_course import condition_course, fidelity_course, split_by_level
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import NotApplicableError
from mpg_research.instruments.agreement import one_way_coefficients
from mpg_research.study.model import Study
from mpg_research.study.schemas import WORKING_ELEMENTS
from tests.analysis.practice.practice_studies import practice_study, practice_tables, without

#: Shrout & Fleiss (1979), table 2: six targets, four judges; psych 2.2.9 in R 4.2.2 for the limits.
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
PSYCH = {
    "icc_single": (0.165741768405476, -0.132932324874751, 0.722560062328121),
    "icc_mean": (0.442797133679269, -0.884442155238119, 0.912415420340776),
}
EXACT = 1e-12


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return practice_study(tmp_path_factory.mktemp("practice"), practice_tables(3))


def test_agreement_is_that_of_the_paper() -> None:
    found = one_way_coefficients(JUDGES).set_index("coefficient")
    for name, numbers in PSYCH.items():
        # The paper prints .17 and .44.
        assert found.loc[name, ["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(
            numbers, abs=1e-9
        )


@pytest.mark.parametrize("seed", range(4))
def test_agreement_is_that_of_an_analysis_of_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(4, 40)), int(rng.integers(2, 5))
    scores = rng.normal(size=(n, 1)) * rng.uniform(0, 2) + rng.normal(size=(n, k))
    grand = scores.mean()
    between = k * ((scores.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    within = ((scores - scores.mean(axis=1, keepdims=True)) ** 2).sum() / (n * (k - 1))
    found = one_way_coefficients(scores).set_index("coefficient")["estimate"]
    assert found["icc_single"] == pytest.approx((between - within) / (between + (k - 1) * within), abs=1e-9)
    assert found["icc_mean"] == pytest.approx((between - within) / between, abs=1e-9)
    shuffled = np.array([rng.permutation(row) for row in scores])
    again = one_way_coefficients(shuffled)["estimate"].to_numpy()
    assert again == pytest.approx(found.to_numpy(), abs=1e-9), "whose score is whose does not matter"


def test_distributions_are_those_by_hand(study: Study) -> None:
    table = study.tables["practice"]
    found = describe_fidelity(study).tables["elements"].data.set_index("working_element")
    for name in WORKING_ELEMENTS:
        means = table.groupby("family")[name].mean()
        assert found.loc[name, "n_scores"] == table[name].notna().sum()
        assert found.loc[name, "mean"] == pytest.approx(means.mean(), rel=EXACT)
        assert found.loc[name, "sd"] == pytest.approx(means.std(), rel=EXACT)
        assert found.loc[name, "middle"] == pytest.approx(means.median(), rel=EXACT)
    assert found.index.tolist() == list(ELEMENTS)


def test_the_index_takes_half_of_the_elements() -> None:
    rows = pd.DataFrame({name: [1.0, 1.0] for name in WORKING_ELEMENTS})
    rows.loc[0, list(WORKING_ELEMENTS)[:3]] = [4.0, np.nan, np.nan]
    rows.loc[1, list(WORKING_ELEMENTS)[:4]] = np.nan
    assert index_of(rows).tolist() == pytest.approx([(4 + 3) / 4, np.nan], nan_ok=True)
    rng = np.random.default_rng(4)
    scores = rng.integers(1, 6, (200, 6)).astype(float)
    scores[rng.random((200, 6)) < 0.5] = np.nan
    expected = []
    for row in scores:
        given = [score for score in row if not np.isnan(score)]
        expected.append(sum(given) / len(given) if len(given) >= 3 else np.nan)
    drawn = pd.DataFrame(scores, columns=list(WORKING_ELEMENTS))
    assert index_of(drawn).tolist() == pytest.approx(expected, nan_ok=True)


def test_pairs_are_of_one_family_and_moment(study: Study) -> None:
    rows = element_scores(study)
    pairs = rater_pairs(rows, "index", days=0)
    by_day = rows.groupby(["family", "date"])["rater"].nunique()
    assert len(pairs) == (by_day > 1).groupby("family").any().sum() > 0
    assert not pairs["family"].duplicated().any()


@pytest.mark.parametrize("seed", range(1, 6))
def test_levels_add_up_and_are_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worker = rng.integers(0, 12, 150)
    index = pd.DataFrame(
        {
            "family": np.arange(150),
            "worker": worker,
            "organisation": worker // 3,
            "index": rng.normal(3, 1, 150),
        }
    )
    parts = split_by_level(index)
    columns = ["of_family", "of_worker", "of_organisation"]
    assert parts[columns].sum(axis=1).to_numpy() == pytest.approx(index["index"] - index["index"].mean())
    covariance = np.cov(parts[columns].to_numpy(), rowvar=False)
    assert covariance[np.triu_indices(3, 1)] == pytest.approx(0, abs=1e-12)


def course_of(seed: int, slopes: tuple[float, float, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A course that goes with the index otherwise at each level; the index itself has all three."""
    rng = np.random.default_rng(seed)
    organisation = np.repeat(np.arange(20), 24)
    worker = organisation * 6 + rng.integers(0, 6, len(organisation))
    parts = (
        rng.normal(0, 0.6, len(organisation)),
        rng.normal(0, 0.5, 120)[worker],
        rng.normal(0, 0.5, 20)[organisation],
    )  # fmt: skip
    index = pd.DataFrame(
        {"family": np.arange(len(organisation)), "worker": worker, "organisation": organisation,
         "index": 3 + sum(parts)}
    )  # fmt: skip
    parts_seen = split_by_level(index)[["of_family", "of_worker", "of_organisation"]].to_numpy()
    slope = -2 + parts_seen @ np.array(slopes) + rng.normal(0, 1.5, len(index))
    slope += rng.normal(0, 0.5, 120)[worker] + rng.normal(0, 0.5, 20)[organisation]
    years = np.arange(0, 1.51, 0.25)
    score = (
        25 + rng.normal(0, 4, (len(index), 1)) + slope[:, None] * years + rng.normal(0, 2, (len(index), 7))
    )
    course = index.loc[index.index.repeat(7), ["family", "worker", "organisation"]]
    return course.assign(years=np.tile(years, len(index)), score=score.ravel()), index


def test_the_levels_are_told_apart() -> None:
    truth = {"between_families": -1.5, "between_workers": 0.0, "between_organisations": 3.0}
    covered = dict.fromkeys(truth, 0)
    for seed in range(3):
        found = fidelity_course(*course_of(seed, tuple(truth.values()))).estimates  # type: ignore[arg-type]
        for name, value in truth.items():
            row = found.loc[name]
            covered[name] += abs(row["estimate"] - value) < 3.3 * row["std_error"]
    assert set(covered.values()) == {3}
    assert found.loc["between_organisations", "df"] < 20


def test_a_condition_has_the_degrees_of_freedom_of_organisations() -> None:
    course, index = course_of(5, (0.0, 0.0, 0.0))
    scores = pd.Series(np.random.default_rng(2).normal(3, 1, 20), index=range(20))
    slope = course["organisation"].map(scores).astype(float) * course["years"]
    found, _ = condition_course(course.assign(score=course["score"] + 1.2 * slope), scores)
    assert found["df"] <= 18
    assert found["conf_low"] < 1.2 < found["conf_high"]
    assert len(index) == course["family"].nunique()


@pytest.mark.parametrize("organisations", [2, 12])
def test_conditions_are_described_or_set_beside(tmp_path: Path, organisations: int) -> None:
    tables = practice_tables(4, organisations=organisations, families=30 * organisations)
    found = describe_fidelity(practice_study(tmp_path, tables)).tables
    assert ("conditions_by_organisation" in found) == (organisations < 10)
    assert ("condition_course" in found) == (organisations >= 10)
    if organisations < 10:
        rows = found["conditions_by_organisation"].data
        assert set(rows["year"]) == {"2023"}, "the last score of each"


def test_what_is_not_recorded_is_said(study: Study) -> None:
    bare = replace(study, tables=without(dict(study.tables), "practice", "conditions"))
    with pytest.raises(NotApplicableError) as refusal:
        describe_fidelity(bare)
    assert refusal.value.code == "no_practice"
    only = describe_fidelity(replace(study, tables=without(dict(study.tables), "practice")))
    assert only.provenance.parameters["elements"] == "not_recorded"
    assert "elements" not in only.tables


def test_teams_are_read_too(study: Study) -> None:
    practice = study.tables["practice"].drop(columns=["family", "episode"]).head(40)
    of_teams = practice.assign(organisation="k00", team=[f"t{n % 12}" for n in range(40)])
    found = describe_fidelity(replace(study, tables={**study.tables, "practice": of_teams})).tables
    families = (
        study.tables["episodes"].loc[study.tables["episodes"]["organisation"] == "k00", "family"].nunique()
    )
    assert (found["elements"].data["n_families"] == families).all()
    assert "fidelity_course" not in found
    few = of_teams.assign(team="t1")
    found = describe_fidelity(replace(study, tables={**study.tables, "practice": few})).tables
    assert found["elements"].data["middle"].isna().all(), "no quartiles of one team"


@pytest.mark.parametrize("role", ["researcher", "funder"])
def test_the_gate_takes_it(study: Study, role: str) -> None:
    released = release(describe_fidelity(study), Audience(role), policy=policy_of(study))  # type: ignore[arg-type]
    assert not released.tables["elements"].data["suppressed"].any()


def test_raters_of_several_families_widen_the_limits_of_agreement() -> None:
    """With raters of one family each the limits come near the exact ones; with shared ones they are wider."""
    widths = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, leniency = 100, rng.normal(0, 0.8, 6)
        shared = rng.permuted(np.tile(np.arange(6), (n, 1)), axis=1)[:, :2]
        scores = rng.normal(0, 1, (n, 1)) + leniency[shared] + rng.normal(0, 0.5, (n, 2))
        alone = np.arange(2 * n).reshape(n, 2)
        found = [one_way_coefficients(scores, raters=raters) for raters in (None, alone, shared)]
        widths.append([float((each["conf_high"] - each["conf_low"]).iloc[0]) for each in found])
        np.testing.assert_array_equal(found[2]["estimate"], found[0]["estimate"])
    exact, own, several = np.mean(widths, axis=0)
    assert own == pytest.approx(exact, rel=0.1)
    assert several > 1.3 * exact


def test_limits_by_the_jackknife_are_those_of_leaving_each_family_out() -> None:
    rng = np.random.default_rng(9)
    scores = rng.normal(0, 1, (12, 1)) + rng.normal(0, 0.7, (12, 2))
    alone = np.arange(24).reshape(12, 2)

    def z(rows: np.ndarray) -> float:
        between, within = 2 * rows.mean(axis=1).var(ddof=1), rows.var(axis=1, ddof=1).mean()
        return float(np.arctanh((between - within) / (between + within)))

    pseudo = [12 * z(scores) - 11 * z(np.delete(scores, place, axis=0)) for place in range(12)]
    half = student_t.ppf(0.95, 11) * np.std(pseudo, ddof=1) / np.sqrt(12)
    row = one_way_coefficients(scores, raters=alone, level=0.9).set_index("coefficient").loc["icc_single"]
    assert row["conf_low"] == pytest.approx(np.tanh(z(scores) - half))
    assert row["conf_high"] == pytest.approx(np.tanh(z(scores) + half))
