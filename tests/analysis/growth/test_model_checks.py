"""Robust errors beside the model's, and what is said of families whose help had ended."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research import fit_trajectory, load_study
from mpg_research.analysis.growth import robust_errors
from mpg_research.analysis.growth.growth_model import GrowthModel, fit_growth
from mpg_research.analysis.growth.help_ended import ended_note, share_ended
from mpg_research.analysis.growth.help_periods import help_periods
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.robust_errors import robust_change, robust_difference
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.organisations.effects import effects_of, many_organisations
from mpg_research.analysis.organisations.reference import from_median
from mpg_research.analysis.organisations.tables import comparison_tables
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.mixed.inference.robust import cluster_robust
from mpg_research.present import say, tabulate
from mpg_research.study import shipped_example
from tests.analysis.frames import course_of, simulated
from tests.analysis.small_studies import make_study

SIZES = {"ant": 30, "bee": 40, "cat": 30}


def fitted(rule: GrowthRule | None = None, **choices: object) -> GrowthModel:
    data = simulated(np.random.default_rng(11), sizes=SIZES, slope_sd=0.6)
    frame = prepare_frame(course_of(data), by_organisation=True)
    choices.setdefault("organisation", "fixed")
    return fit_growth(frame, rule=rule or GrowthRule(), **choices)  # type: ignore[arg-type]


def test_a_right_model_and_the_sandwich_agree() -> None:
    model = fitted()
    table, notes = robust_change(model, [6.0, 12.0], 12.0)
    assert not notes
    assert table.data["error_ratio"].between(0.8, 1.25).all()
    rows = model.mean_rows([6.0, 12.0]) - model.mean_rows([0.0])
    wanted = model.fit.cluster_robust("family", combinations=rows)
    np.testing.assert_allclose(table.data["robust_error"], wanted["std_error"])
    np.testing.assert_allclose(table.data["robust_low"], wanted["conf_low"])
    np.testing.assert_allclose(table.data["estimate"], model.estimate(rows)["estimate"])


def test_a_model_without_the_families_slopes_is_questioned() -> None:
    wrong = fitted(GrowthRule(families="level", residual="independent"))
    table, notes = robust_change(wrong, [6.0, 12.0], 12.0)
    assert [note.code for note in notes] == ["robust_larger"]
    assert table.data["error_ratio"].iloc[-1] > 1.5
    apart, notes = robust_difference(wrong, [6.0, 12.0], 12.0)
    assert [note.code for note in notes] == ["robust_larger"]
    assert len(apart.data) == 6
    assert apart.data.groupby("organisation")["n_families"].first().to_dict() == SIZES


def test_beside_the_median_the_robust_rows_are_about_the_median_too() -> None:
    model = fitted()
    tables = comparison_tables(model, [0.0, 6.0, 12.0], primary_month=12.0, adjust="holm", level=0.95)
    shown = from_median(tables["difference_from_mean"], model, None, adjust="holm", level=0.95)
    table, _ = robust_difference(model, [6.0, 12.0], 12.0, beside=shown)
    both = table.data.merge(shown.data, on=["organisation", "months"], suffixes=("", "_shown"))
    assert len(both) == 6
    np.testing.assert_allclose(both["estimate"], both["estimate_shown"])
    np.testing.assert_allclose(both["conf_low"], both["conf_low_shown"])
    # The error is the spread of differences from a median of draws with the sandwich's covariance.
    change = (model.organisation_rows([12.0]) - model.organisation_rows([0.0]))[:, 0]
    centre = change @ model.fit.solution.beta
    spread = change @ cluster_robust(model.fit.solution).covariance @ change.T
    drawn = np.random.default_rng(5).multivariate_normal(centre, spread, 200_000)
    apart = drawn - np.median(drawn, axis=1, keepdims=True) - (centre - np.median(centre))
    wanted = np.sqrt((apart**2).mean(axis=0))
    about_mean = change - change.mean(axis=0)
    least = np.sqrt(np.diagonal(about_mean @ cluster_robust(model.fit.solution).covariance @ about_mean.T))
    last = table.data[table.data["months"] == 12.0]
    np.testing.assert_allclose(last["robust_error"], np.maximum(wanted, least), rtol=0.02)


def test_random_organisations_have_no_robust_errors_and_it_is_said() -> None:
    model = fitted(organisation="random")
    table, notes = robust_difference(model, [6.0], 6.0)
    assert table.data.empty
    assert [note.code for note in notes] == ["no_robust_errors"]


def test_many_clusters_are_not_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    rows = model.mean_rows([6.0]) - model.mean_rows([0.0])
    monkeypatch.setattr(robust_errors, "_CORRECTED", 50)
    table, _ = robust_change(model, [6.0], 6.0)
    wanted = model.fit.cluster_robust("family", kind="CR0", combinations=rows)
    np.testing.assert_allclose(table.data["robust_error"], wanted["std_error"])


def leaving(n: int, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Families with a fall of half a point a month, a share of whom leave at month 5."""
    data = simulated(np.random.default_rng(12), sizes={"ant": n}, slopes={"ant": -0.5})
    names = sorted(data["family"].unique())
    gone = set(names[: round(share * n)])
    kept = data[~(data["family"].isin(gone) & (data["months"] > 5))]
    ends = pd.DataFrame({"family": names, "organisation": "ant", "worker": ""})
    ends["end"] = np.where(ends["family"].isin(gone), 5.5, np.nan)
    ends["end_reason"] = np.where(ends["family"].isin(gone), "as_planned", None)
    return kept[["family", "months", "score"]], ends


@pytest.mark.parametrize(("share", "said"), [(0.1, False), (0.4, True)])
def test_who_reads_is_told_of_families_whose_help_had_ended(tmp_path: Path, share: float, said: bool) -> None:
    data, ends = leaving(50, share)
    study = make_study(tmp_path / "study", data.assign(score=data["score"].round()), episodes=ends)
    assert share_ended(help_periods(study, month=12.0)) == pytest.approx(share)
    # At month 3 everybody was measured.
    assert share_ended(help_periods(study, month=3.0)) == 0
    fit = fit_trajectory(study)
    assert ("help_ended" in [note.code for note in fit.notes]) == said
    table = fit.tables["sensitivity"].data
    assert table["approach"].tolist() == (["bend", "spline"] if said else [])
    if said:
        change = fit.tables["change"].data.set_index("months").loc[12.0]
        assert table["estimate"].iloc[0] == pytest.approx(change["estimate"])
        assert table["estimate"].iloc[1] == pytest.approx(change["estimate"], abs=1.0)
    for reader in (Audience("funder"), Audience("researcher")):
        for language, words in (
            ("en", "because their help had ended"),
            ("nl", "omdat hun hulp was afgelopen"),
        ):
            shown = release(fit, reader, policy=policy_of(study))
            text = str(say(shown, language=language)) + str(say(shown, "notes", language=language))
            assert (words in text) == said
            assert "12.0," not in text
            assert "12,0," not in text
            if reader.role == "researcher":
                for name in ("sensitivity", "robust_change", "variance_components"):
                    written = str(tabulate(shown, name, language=language))
                    assert "{" not in written
                    assert "_" not in written.split("</table>")[0].split("<thead>")[-1]


def test_the_share_that_is_told_fits_many_numbers_of_families() -> None:
    assert not ended_note(0.2, 12.0)
    (note,) = ended_note(0.287, 12.0)
    assert note.values == {"percent": 30, "month": 12.0}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_correlation_of_swings_stands_among_the_variances(language: str) -> None:
    study = load_study(shipped_example())
    fit = fit_trajectory(study, rule=GrowthRule(residual="car1"))
    last = fit.tables["variance_components"].data.iloc[-1]
    assert last["term_1"] == "month_apart"
    assert last["correlation"] == pytest.approx(fit.model.correlation)
    shown = release(fit, Audience("researcher"), policy=policy_of(study))
    written = str(tabulate(shown, "variance_components", language=language))
    assert (
        "Samenhang met een maand ertussen" if language == "nl" else "Correlation a month apart"
    ) in written
    assert ("bocht" if language == "nl" else "bend") in written


def many(seed: int, sizes: list[int]) -> GrowthModel:
    data = simulated(
        np.random.default_rng([13, seed]), sizes={f"k{place:02d}": size for place, size in enumerate(sizes)}
    )
    frame = prepare_frame(course_of(data), by_organisation=True)
    return fit_growth(frame, organisation="random")


def test_many_organisations_have_the_degrees_of_freedom_of_their_families() -> None:
    sizes = [3, 4, 5, 6, 3, 4, 5, 6, 3, 4]
    model = many(1, sizes)
    found = effects_of(model, 6.0, better="low", many=many_organisations(model))
    assert set(found.df) == {sum(sizes) - len(sizes)}
    tables = comparison_tables(model, [0.0, 6.0, 12.0], adjust="holm", level=0.95, primary_month=6.0)
    test = tables["joint_test"].data
    assert test["months"].tolist() == [6.0, 0.0]
    assert test["df_denominator"].tolist() == [33.0, 33.0]
    assert np.isfinite(tables["pairwise"].data["df"]).all()


def test_the_joint_test_of_many_is_about_the_primary_month() -> None:
    model = many(2, [12] * 10)
    at = {
        month: comparison_tables(model, [0.0, 6.0, 12.0], adjust="holm", level=0.95, primary_month=month)
        for month in (6.0, 12.0)
    }
    statistic = {month: tables["joint_test"].data["statistic"].iloc[0] for month, tables in at.items()}
    assert statistic[6.0] != pytest.approx(statistic[12.0])
    for month, tables in at.items():
        # As by hand from the pairs with the first organisation.
        pairs = tables["pairwise"].data
        first = pairs[(pairs["months"] == month) & (pairs["organisation_1"] == "k00")]
        found = many_organisations(model).change(model, month, shrink=False)
        contrast = np.hstack([np.ones((9, 1)), -np.eye(9)])
        apart = first["estimate"].to_numpy()
        wald = apart @ np.linalg.solve(contrast @ found[1] @ contrast.T, apart)
        assert wald / 9 == pytest.approx(statistic[month])


def test_equal_small_organisations_are_seldom_called_different() -> None:
    rejected = [
        comparison_tables(many(seed, [4] * 11), [0.0, 6.0], adjust="holm", level=0.95)["joint_test"]
        .data["p_value"]
        .iloc[0]
        < 0.05
        for seed in range(10)
    ]
    # At .05 four or more of ten come once in a thousand.
    assert sum(rejected) < 4
