"""What the models are fitted on: names, centring, missing covariates, refusals."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.observed_means import month_grid, month_step, observed_means
from mpg_research.errors import ModelError, NotApplicableError
from tests.analysis.frames import course_of, reference_data, simulated

SIZES = {"noord": 12, "zuid": 8}


@pytest.fixture
def data() -> pd.DataFrame:
    return simulated(np.random.default_rng(11), sizes=SIZES)


def with_ages(data: pd.DataFrame, name: str = "child_age") -> pd.DataFrame:
    ages = {family: 2.0 + number for number, family in enumerate(sorted(data["family"].unique()))}
    return data.assign(**{name: data["family"].map(ages)})


def test_covariates_are_centred_over_families_not_rows(data: pd.DataFrame) -> None:
    ages = with_ages(data)
    uneven = ages[(ages["family"] != "f0003") | (ages["months"] < 3)]
    frame = prepare_frame(course_of(uneven, case_mix=("child_age",)))
    (covariate,) = frame.covariates
    assert covariate.centre == pytest.approx(ages.drop_duplicates("family")["child_age"].mean())
    per_family = frame.data.drop_duplicates("family")[covariate.column]
    assert per_family.mean() == pytest.approx(0, abs=1e-12)


def test_hostile_names_never_reach_a_formula(data: pd.DataFrame) -> None:
    name = "__import__('os').system('x')"
    hostile = with_ages(data, name).replace({"organisation": {"noord": "<script>", "zuid": "../../etc"}})
    frame = prepare_frame(course_of(hostile, case_mix=(name,)), by_organisation=True)
    assert frame.organisations == {"o001": "../../etc", "o002": "<script>"}
    assert frame.covariates[0].column == "covariate_1"
    assert name not in frame.data.columns


def test_categories_and_truth_values_become_indicators(data: pd.DataFrame) -> None:
    families = sorted(data["family"].unique())
    kinds = dict(zip(families, np.resize(["a", "b", "b", "c"], len(families)), strict=True))
    alone = dict(zip(families, np.resize([True, False, False], len(families)), strict=True))
    both = data.assign(kind=data["family"].map(kinds), alone=data["family"].map(alone))
    frame = prepare_frame(course_of(both, case_mix=("kind", "alone")))
    # The most frequent category, b, is the reference.
    assert [(c.name, c.level) for c in frame.covariates] == [("kind", "a"), ("kind", "c"), ("alone", "")]
    assert frame.covariates[0].centre == pytest.approx(5 / 20)


def test_missing_covariates_are_counted(data: pd.DataFrame) -> None:
    ages = with_ages(data)
    ages.loc[ages["family"] == "f0001", "child_age"] = np.nan
    frame = prepare_frame(course_of(ages, case_mix=("child_age",)))
    codes = [step.code for step in frame.flow.steps]
    assert codes == ["read", "child_age_known", "analysed"]
    assert [step.n_families for step in frame.flow.steps] == [20, 19, 19]
    assert frame.flow.steps[0].n_measurements - frame.flow.steps[1].n_measurements == 9


def test_constant_case_mix_is_left_out_and_named(data: pd.DataFrame) -> None:
    frame = prepare_frame(course_of(data.assign(same=1.0), case_mix=("same",)))
    assert frame.covariates == ()
    assert [note.code for note in frame.notes] == ["constant_case_mix"]


def test_case_mix_that_is_the_organisation_cannot_be_adjusted_for(data: pd.DataFrame) -> None:
    region = data.assign(region=np.where(data["organisation"] == "noord", 1.0, 2.0))
    course = course_of(region, case_mix=("region",))
    assert [note.code for note in prepare_frame(course, by_organisation=True).notes] == [
        "case_mix_is_organisation"
    ]
    assert len(prepare_frame(course).covariates) == 1


def test_an_organisation_measured_once_is_left_out_of_a_comparison(data: pd.DataFrame) -> None:
    kept = data[(data["organisation"] == "noord") | (data["months"] == 0)]
    frame = prepare_frame(course_of(kept), by_organisation=True)
    assert list(frame.organisations.values()) == ["noord"]
    assert "organisation_with_course" in [step.code for step in frame.flow.steps]
    assert len(prepare_frame(course_of(kept)).organisations) == 2


def test_organisations_without_a_course_of_their_own_are_left_out(data: pd.DataFrame) -> None:
    one = data[data["family"] == data["family"].iloc[0]].assign(organisation="alone", family="only")
    several = data[data["organisation"] == "noord"].assign(organisation="new")
    several = several.assign(family="n" + several["family"])
    short = several[several["months"] < 4]
    frame = prepare_frame(course_of(pd.concat([data, one, short])), by_organisation=True, until=8.0)
    kept = set(frame.organisations.values())
    assert kept == set(data["organisation"])
    assert frame.flow.steps[-1].n_families == data["family"].nunique()
    (note,) = frame.notes
    assert (note.code, note.values["n_organisations"]) == ("organisation_without_course", 2)
    # followed until month 6 is far enough for month 8, and everything is where no month is asked for
    long = several[several["months"] <= 6]
    assert (
        "new"
        in prepare_frame(
            course_of(pd.concat([data, long])), by_organisation=True, until=8.0
        ).organisations.values()
    )
    assert (
        "new"
        in prepare_frame(course_of(pd.concat([data, short])), by_organisation=True).organisations.values()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.iloc[:0], "no scored measurement"),
        (lambda d: d[d["months"] == 0], "lie at one moment"),
        (lambda d: d.assign(score=20.0), "All 180 scores are 20"),
        (
            lambda d: d.groupby("family").nth(list(range(9))).assign(family=range(180)),
            "measurements at two moments",
        ),
    ],
)
def test_what_has_no_course_is_refused(data: pd.DataFrame, change: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        prepare_frame(course_of(change(data)))  # type: ignore[operator]


def test_baseline_spread_takes_each_first_score_near_the_start() -> None:
    data = reference_data()
    late = data[(data["family"] != "f001") | (data["months"] > 1)]
    frame = prepare_frame(course_of(late))
    first = late[late["months"] <= 1].sort_values("months").drop_duplicates("family")
    assert frame.baseline.sd == pytest.approx(first["score"].std())
    assert frame.baseline.n_families == len(first) == data["family"].nunique() - 1


def test_observed_means_count_families_once() -> None:
    rows = [
        ("a", "noord", 5.6, 10.0),
        ("a", "noord", 6.4, 20.0),
        ("b", "noord", 6.0, 30.0),
        ("b", "noord", 7.0, 1.0),
    ]
    data = pd.DataFrame(rows, columns=["family", "organisation", "months", "score"])
    data = data.assign(episode="1", respondent="first_parent")
    found = observed_means(data).set_index("months")
    assert found.index.tolist() == [6, 7]
    assert found.loc[6, "mean"] == pytest.approx((15 + 30) / 2)
    assert found.loc[6, ["n_measurements", "n_families", "n_organisations"]].tolist() == [3, 2, 1]


def test_the_window_follows_the_rhythm_of_measuring() -> None:
    data = simulated(np.random.default_rng(3), sizes=SIZES, moments=(0, 3, 6, 9))
    assert month_step(data) == 3
    assert month_grid(data) == [0, 3, 6, 9]
    shifted = data.assign(months=data["months"] + 1.2)
    found = observed_means(shifted)
    assert found["months"].tolist() == [0, 3, 6, 9]
    assert found["n_families"].tolist() == [20, 20, 20, 20]


def test_where_no_organisation_has_a_course_the_question_does_not_arise(data: pd.DataFrame) -> None:
    alone = data.groupby("organisation")["family"].transform("first") == data["family"]
    with pytest.raises(NotApplicableError, match="course of its own"):
        prepare_frame(course_of(data[alone]), by_organisation=True)
    with pytest.raises(ModelError, match="lie at one moment"):
        prepare_frame(course_of(data[data["months"] == 0]), by_organisation=True)
