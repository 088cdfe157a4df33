"""The four verbs on the example study: tables as promised, truth recovered, edges answered."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import (
    compare_organisations,
    describe_measurement,
    describe_quality,
    fit_trajectory,
)
from mpg_research.analysis.result import ESTIMATE_COLUMNS, AnalysisResult
from mpg_research.analysis.robustness.check import check_robustness
from mpg_research.errors import ConfigError, ModelError
from mpg_research.study import Study, load_study, shipped_example
from tests.analysis.documented_tables import undocumented_tables

VERBS = [describe_quality, describe_measurement, fit_trajectory, compare_organisations]
EFFECT = ("standardised", "standardised_low", "standardised_high")

PROMISED = {
    "data_quality": {
        "overview": ("quantity", "value"),
        "measurements_by_month": ("months", "n_measurements"),
        "item_completeness": ("instrument", "item", "n_measurements", "share_answered", "n_out_of_range"),
        "by_organisation": (
            "organisation", "n_measurements", "share_with_baseline", "measurements_per_family",
            "share_ended_early",
        ),
        "problems": ("code", "severity", "n_findings"),
    },
    "measurement": {
        "reliability": ("instrument", "coefficient", "estimate", "conf_low", "conf_high", "n_measurements"),
        "items": ("instrument", "item", "mean", "sd", "item_rest_correlation", "n_measurements"),
        "score_distribution": ("instrument", "score_low", "score_high", "n_measurements"),
    },
    "trajectory": {
        "mean_course": ("months", *ESTIMATE_COLUMNS),
        "change": ("months", *ESTIMATE_COLUMNS, *EFFECT),
        "observed_course": ("months", "mean", "sd", "n_measurements"),
        "coefficients": ("term", *ESTIMATE_COLUMNS),
        "variance_components": ("group", "term_1", "term_2", "covariance", "sd", "correlation"),
    },
    "organisations": {
        "adjusted_means": ("organisation", "months", *ESTIMATE_COLUMNS),
        "adjusted_change": ("organisation", "months", *ESTIMATE_COLUMNS, *EFFECT),
        "difference_from_mean": ("organisation", "months", *ESTIMATE_COLUMNS),
        "pairwise": ("organisation_1", "organisation_2", "months", *ESTIMATE_COLUMNS, "p_adjusted"),
        "joint_test": ("effect", "statistic", "df_numerator", "df_denominator", "p_value"),
        "case_mix": ("organisation", "variable", "level", "mean_or_share"),
        "by_organisation": ("organisation", "n_measurements"),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


@pytest.fixture(scope="module")
def results(study: Study) -> dict[str, Any]:
    return {result.kind: result for result in (verb(study) for verb in VERBS)}


def without(study: Study, rows: Callable[[pd.DataFrame], pd.Series]) -> Study:
    """The study with only the scores that ``rows`` picks."""
    return replace(study, scores=study.scores[rows(study.scores)])


@pytest.mark.parametrize("kind", PROMISED)
def test_tables_are_as_promised(results: dict[str, Any], kind: str) -> None:
    result = results[kind]
    assert isinstance(result, AnalysisResult)
    for name, columns in PROMISED[kind].items():
        table = result.tables[name]
        assert set(columns) <= set(table.data.columns), name
        assert set(columns) <= {*table.keys, *table.values}, name
        assert (table.data["n_families"] > 0).all(), name
        assert not table.data.duplicated(list(table.keys)).any(), name
    assert "sample_flow" in result.tables
    assert result.converged
    assert result.provenance.synthetic
    assert any(note.code == "synthetic_data" for note in result.notes)


@pytest.mark.parametrize("kind", PROMISED)
def test_rows_that_pool_organisations_count_them(results: dict[str, Any], kind: str) -> None:
    counted_per_organisation = {
        "overview",
        "item_completeness",
        "problems",
        "sample_flow",
        "reliability",
        "items",
    }
    for name, table in results[kind].tables.items():
        if not table.organisation_columns and name not in counted_per_organisation:
            assert (table.data["n_organisations"] >= 1).all(), name


def test_nothing_is_rounded(results: dict[str, Any]) -> None:
    values = results["organisations"].tables["adjusted_change"].data["estimate"].to_numpy()
    assert not np.isclose(values, values.round(6), rtol=0, atol=1e-12).any()


def test_the_truth_is_recovered_where_a_straight_line_misses_it(
    study: Study, results: dict[str, Any]
) -> None:
    truth = pd.read_csv(study.folder / "truth" / "mean_course.csv")
    truth = truth[truth["case_mix"] == "equal"].set_index(["organisation", "months"])["mean_raw"]
    start = truth.xs(0, level="months")

    def truths(table: pd.DataFrame) -> list[float]:
        return [
            truth.loc[(key, month)] - start[key]
            for key, month in zip(table["organisation"], table["months"], strict=True)
        ]

    def away_at_six_months(table: pd.DataFrame) -> float:
        return float((table["estimate"] - truths(table))[table["months"] == 6].mean())

    # One in twenty intervals may miss: of twelve, three or more would have a chance of 2 %.
    bent = results["organisations"].tables["adjusted_change"].data
    assert ((bent["conf_low"] > truths(bent)) | (bent["conf_high"] < truths(bent))).sum() <= 2
    line = compare_organisations(study, shape="linear")
    assert "course_bends" in [note.code for note in line.notes]
    # The true change is fastest at first: a straight line finds too little of it halfway the year.
    straight = line.tables["adjusted_change"].data
    assert away_at_six_months(straight) > abs(away_at_six_months(bent)) + 0.4


def of_primary(study: Study) -> pd.DataFrame:
    """Scores of the questionnaire that every analysis of one is about."""
    return study.scores[study.scores["instrument"] == study.config.analysis.instrument]


def test_counts_of_the_overview(study: Study, results: dict[str, Any]) -> None:
    overview = results["data_quality"].tables["overview"].data.set_index("quantity")["value"]
    scores, episodes = of_primary(study), study.tables["episodes"]
    assert overview["families"] == episodes["family"].nunique()
    assert overview["episodes"] == len(episodes)
    assert overview["measurements"] == len(scores)
    in_course = scores["phase"].isin(["baseline", "course"]) & scores["raw"].notna()
    assert overview["measurements_in_course"] == in_course.sum()
    months = results["data_quality"].tables["measurements_by_month"].data
    assert months["n_measurements"].sum() == in_course.sum()
    bands = results["measurement"].tables["score_distribution"].data
    assert bands["n_measurements"].sum() == (in_course & scores["declared_respondent"]).sum()
    assert bands["score_low"].iloc[0] == 10
    assert bands["score_high"].iloc[-1] == 40


def test_shares_per_organisation(study: Study, results: dict[str, Any]) -> None:
    table = results["data_quality"].tables["by_organisation"].data.set_index("organisation")
    episodes = study.tables["episodes"]
    # A family counts where its first period of help is.
    mine = episodes.drop_duplicates("family")
    mine = mine[mine["organisation"] == "tjalkmeer"]
    row = table.loc["tjalkmeer"]
    export = pd.Timestamp(study.config.study.export_date)
    long_ago = mine["start"] <= export - pd.Timedelta(days=364)
    assert row["n_reached"] == mine.loc[long_ago, "family"].nunique()
    early = mine["end_reason"].isin(["early_client", "early_provider"])
    by_then = early & ((mine["end"] - mine["start"]).dt.days <= 365)
    # Families who started later move it a little.
    assert row["share_ended_early"] == pytest.approx(by_then[long_ago].mean(), abs=0.06)
    assert row["ended_early_low"] < row["share_ended_early"] < row["ended_early_high"]
    assert 0 <= row["share_with_baseline"] <= 1
    at_all = episodes.loc[episodes["organisation"] == "tjalkmeer", "family"]
    assert row["n_families"] == at_all.nunique()


def test_case_mix_counts_families_at_each_level(study: Study, results: dict[str, Any]) -> None:
    table = results["organisations"].tables["case_mix"].data
    shares = table[(table["organisation"] == "vlierdonk") & (table["variable"] == "single_parent")]
    assert shares["level"].tolist() == ["no", "yes"]
    assert shares["mean_or_share"].sum() == pytest.approx(1)
    own = results["organisations"].tables["by_organisation"].data.set_index("organisation")["n_families"]
    assert shares["n_families"].sum() == own["vlierdonk"]
    ages = table[(table["organisation"] == "vlierdonk") & (table["variable"] == "child_age")].iloc[0]
    frame = results["organisations"].model.frame.episodes
    code = {key: code for code, key in results["organisations"].model.frame.organisations.items()}[
        "vlierdonk"
    ]
    assert ages["mean_or_share"] == pytest.approx(frame[frame["organisation"] == code]["child_age"].mean())


def test_both_respondents_and_all_episodes_get_their_random_terms(study: Study) -> None:
    fit = fit_trajectory(study, respondents="both", episodes="all", worker=False)
    assert "(1 | family:respondent)" in fit.model.formula
    assert "(1 | family:episode)" in fit.model.formula
    counted = fit.tables["mean_course"].data["n_families"].iloc[0]
    scores = of_primary(study)
    used = scores[scores["phase"].isin(["baseline", "course"]) & scores["raw"].notna()]
    assert counted == used["family"].nunique()
    assert len(fit.model.frame.data) == len(used)


def test_organisations_can_be_left_out_fixed_or_random(study: Study) -> None:
    changes = {
        role: fit_trajectory(study, organisation=role).tables["change"].data["estimate"].to_numpy()
        for role in (False, True, "random")
    }
    # The same families and measurements: the average change moves little.
    np.testing.assert_allclose(changes[True], changes[False], atol=0.6)
    np.testing.assert_allclose(changes["random"], changes[False], atol=0.6)


def test_no_norms_is_said(study: Study) -> None:
    instruments = {key: replace(value, norms=None) for key, value in study.instruments.items()}
    bare = replace(study, instruments=instruments, notes=())
    codes = [note.code for note in fit_trajectory(bare).notes]
    assert "no_norms" in codes
    assert "synthetic_data" in codes


def test_t_scores_can_be_the_outcome(study: Study) -> None:
    fit = fit_trajectory(study, outcome="t_score")
    assert fit.provenance.outcome == "t_score"
    assert fit.tables["mean_course"].data["estimate"].between(45, 70).all()


def test_few_families_and_far_months_are_said(study: Study) -> None:
    own_scores = study.scores[study.scores["organisation"] == "zonnewaerd"]
    kept = own_scores.groupby("family")["months"].nunique().nlargest(2).index
    small = without(study, lambda s: (s["organisation"] != "zonnewaerd") | s["family"].isin(kept))
    found = compare_organisations(small, months=(0, 12, 23), shape="linear", case_mix=())
    notes = {note.code: note for note in found.notes}
    assert notes["few_families"].values["n_organisations"] == 1
    assert notes["months_cut"].values["month"] == 23
    assert notes["months_cut"].values["last_month"] < 23
    assert found.primary_month == 12
    assert not any("zonnewaerd" in note.text for note in found.notes)
    own = found.tables["adjusted_change"].data.set_index("organisation")["n_families"]
    assert own.loc[["zonnewaerd"]].tolist() == [2]


def test_waves_too_few_for_a_curve_give_a_line(study: Study) -> None:
    three = without(study, lambda s: s["months"].round().isin([0, 3, 6]))
    fit = fit_trajectory(three, months=(0, 6))
    assert fit.model.shape == "linear"
    codes = [note.code for note in fit.notes]
    assert {"straight_line", "course_bends"} <= set(codes)


def test_a_young_organisation_shares_the_bend_of_the_others(study: Study) -> None:
    young = without(study, lambda s: (s["organisation"] != "zonnewaerd") | (s["months"] < 9.5))
    found = compare_organisations(young, case_mix=(), worker=False)
    codes = [note.code for note in found.notes]
    assert "small_share_bend" in codes  # the young one, and those with few families
    assert "aliased_columns" not in codes
    assert found.model.shape == "spline"
    changes = found.tables["adjusted_change"].data.set_index(["organisation", "months"])
    assert changes["estimate"].notna().all()
    # Nine months say less about the twelfth than twenty do, and the interval says so.
    assert changes.loc[("zonnewaerd", 12), "std_error"] > changes.loc[("brinkelaar", 12), "std_error"]
    joint = found.tables["joint_test"].data.set_index("effect")
    assert joint.loc["organisation:months", "df_numerator"] == 5


def test_an_organisation_without_a_course_to_the_month_changes_nothing_for_the_others(study: Study) -> None:
    newest = study.scores[study.scores["organisation"] == "zonnewaerd"]["family"].unique()[:1]
    others = without(study, lambda s: s["organisation"] != "zonnewaerd")
    alone = without(study, lambda s: (s["organisation"] != "zonnewaerd") | s["family"].isin(newest))
    young = without(study, lambda s: (s["organisation"] != "zonnewaerd") | (s["months"] < 2))
    expected = compare_organisations(others).tables["difference_from_mean"].data
    for odd in (alone, young):
        found = compare_organisations(odd)
        notes = {note.code: note for note in found.notes}
        assert notes["organisation_without_course"].values["n_organisations"] == 1
        pd.testing.assert_frame_equal(found.tables["difference_from_mean"].data, expected)
        assert check_robustness(odd).tables["robustness"].data["conclusion"].notna().all()


def test_a_study_without_workers_and_end_reasons_is_described(study: Study) -> None:
    episodes = study.tables["episodes"].drop(columns=["worker", "end_reason"])
    bare = replace(study, tables={**study.tables, "episodes": episodes})
    found = describe_quality(bare)
    assert found.tables["overview"].data.set_index("quantity").loc["workers", "value"] == 0
    assert found.tables["by_organisation"].data["share_ended_early"].isna().all()


def test_two_measurements_per_family_allow_no_random_slope(study: Study) -> None:
    two = without(study, lambda s: s["months"].round().isin([0, 6]))
    fit = fit_trajectory(two, months=(0, 6), worker=False)
    assert fit.model.formula.endswith("(1 | family)")
    assert "no_random_slope" in [note.code for note in fit.notes]


def test_one_organisation_has_a_trajectory_but_no_comparison(study: Study) -> None:
    one = without(study, lambda s: s["organisation"] == "vlierdonk")
    assert fit_trajectory(one).tables["change"].data["n_organisations"].eq(1).all()
    with pytest.raises(ModelError, match="at least two organisations"):
        compare_organisations(one)


def test_one_measurement_per_family_is_refused(study: Study) -> None:
    once = replace(study, scores=study.scores[study.scores["raw"].notna()].drop_duplicates("family"))
    with pytest.raises(ModelError, match="measurements at two moments"):
        fit_trajectory(once)


def test_a_constant_score_is_refused(study: Study) -> None:
    flat = replace(study, scores=study.scores.assign(raw=20.0))
    with pytest.raises(ModelError, match="scores are 20"):
        fit_trajectory(flat)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"months": (12, 6)}, ConfigError, "increasing"),
        ({"months": (0,)}, ConfigError, "a month after 0"),
        ({"shape": "wiggly"}, ModelError, "shape must be"),
        ({"worker": True, "df": "exact"}, ModelError, "df must be"),
        ({"case_mix": ("child_agee",)}, ConfigError, "child_agee"),
    ],
)
def test_impossible_options_are_refused_in_words(
    study: Study, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        compare_organisations(study, **options)


def test_ten_organisations_or_more_are_compared_with_a_caution(study: Study) -> None:
    families = sorted(study.scores["family"].unique())
    labels = {family: f"org {number % 11:02d}" for number, family in enumerate(families)}
    many = replace(study, scores=study.scores.assign(organisation=study.scores["family"].map(labels)))
    found = compare_organisations(many, shape="linear", case_mix=(), worker=False)
    assert "organisations_random" in [note.code for note in found.notes]
    assert len(found.tables["pairwise"].data) == 2 * 55
    assert found.provenance.parameters["df"] == "satterthwaite"
    assert compare_organisations(study, case_mix=()).provenance.parameters["df"] == "kenward-roger"


def test_a_worker_number_means_another_worker_at_another_organisation(study: Study) -> None:
    fit = fit_trajectory(study, worker=True)
    workers = study.tables["episodes"].dropna(subset=["worker"])
    nested = workers[["organisation", "worker"]].drop_duplicates()
    assert fit.model.fit.n_groups["worker"] == len(nested) > nested["worker"].nunique()


def test_the_documentation_of_a_verb_names_every_table(results: dict[str, Any]) -> None:
    for result in results.values():
        if not isinstance(result, Study):
            assert undocumented_tables(result) == set(), result.kind
