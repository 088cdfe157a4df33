"""Signals where there is nothing to foretell, and where there is: truths that are not our model."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import SignalQuality, evaluate_signals
from mpg_research.analysis.monitoring import replicates as alarm_replicates
from mpg_research.analysis.monitoring.expectation_model import apply_model, fit_expectation
from mpg_research.analysis.monitoring.foretold import predict_bad_end
from mpg_research.analysis.monitoring.performance import OWN_LINE, evidence_of, figures_of
from mpg_research.analysis.monitoring.rules import alarm_quality
from mpg_research.analysis.monitoring.without_change import without_change
from mpg_research.disclosure import Audience, release
from mpg_research.present import say
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study
from tests.exact_policy import exact_policy

#: Three standard errors: with fixed seeds these tests hold or fail for good.
FAR = 3.0


def truth(
    seed: int, *, change: bool = False, correlation: float = 0.0, spread: float = 0.0, n: int = 150
) -> pd.DataFrame:
    """Whole scores of 10 to 40, some waves missed, courses that end; with change, four kinds of courses."""
    rng = np.random.default_rng(seed)
    months = np.arange(19.0)
    size = rng.uniform(5, 10, n)[:, None]
    early, worse = -size * (1 - np.exp(-months / 3)), 0.7 * size * (1 - np.exp(-months / 6))
    kind = rng.choice(3, n, p=[0.5, 0.25, 0.25])[:, None]
    course = np.choose(kind, [early, np.zeros_like(early), worse]) if change else np.zeros((n, 19))
    swing = rng.normal(size=(n, 19))
    for month in range(1, 19):
        swing[:, month] = correlation * swing[:, month - 1] + np.sqrt(1 - correlation**2) * swing[:, month]
    latent = rng.normal(24.5, 4.5, (n, 1)) + course
    swing *= 3.2 * np.exp(rng.normal(-(spread**2), spread, (n, 1)))
    end = np.minimum(rng.geometric(0.08, n) + 3, 18)
    seen = (rng.random((n, 19)) > 0.2) & (months <= end[:, None])
    seen[:, 0] = True
    who, wave = np.nonzero(seen)
    return pd.DataFrame(
        {
            "family": [f"f{number:03d}" for number in who],
            "months": months[wave],
            "score": np.clip(np.rint(latent + swing), 10, 40)[who, wave],
            "truth": latent[who, wave],
            "organisation": [f"org_{number % 3}" for number in who],
            "worker": [f"w{number % 11}" for number in who],
        }
    )


def waves_of(data: pd.DataFrame) -> pd.DataFrame:
    rows = data.assign(course=data.groupby("family").ngroup()).reset_index(drop=True)
    return rows.assign(wave=rows.groupby("course").cumcount())


def study_of(folder: Path, data: pd.DataFrame) -> Study:
    return make_study(folder, data.drop(columns="truth"))


def beside(found: SignalQuality, target: str, figure: str = "both", rule: str = "chance") -> pd.Series:
    rows = found.tables["without_change"].data.set_index(["figure", "rule", "target"])
    return rows.loc[(figure, rule, target)]


@pytest.mark.parametrize(
    ("seed", "correlation", "spread"), [(21, 0.0, 0.0), (22, 0.5, 0.0), (23, 0.0, 0.5)],
)  # fmt: skip
def test_nothing_is_foretold_beyond_chance_where_nobody_changes(
    tmp_path: Path, seed: int, correlation: float, spread: float
) -> None:
    data = truth(seed, correlation=correlation, spread=spread)
    found = evaluate_signals(study_of(tmp_path, data), replicates=4)
    row = beside(found, "no_gain")
    # It looks as good as published figures of other instruments do, and that is all chance.
    assert row["in_study"] > 0.2
    half = (row["conf_high"] - row["conf_low"]) / 2 / 1.96
    assert abs(row["difference"]) < FAR * half
    own = beside(found, OWN_LINE)
    assert abs(own["in_study"]) < 0.15
    assert abs(own["without_change"]) < 0.15
    months = found.tables["without_change_by_month"].data
    error = (months["conf_high"] - months["conf_low"]) / 2 / 1.96
    assert (months["difference"].abs() < FAR * error).mean() > 0.9
    # Of nearly all who are not called off track it cannot be told.
    shares = found.given.tables["shares"].data.set_index("class")["estimate"]
    assert shares["on_track"] < 0.05
    assert shares["cannot_tell"] > 5 * shares["on_track"] + 0.2


@pytest.fixture(scope="module")
def changed() -> pd.DataFrame:
    return truth(24, change=True, correlation=0.4)


@pytest.fixture(scope="module")
def foretold(changed: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> SignalQuality:
    return evaluate_signals(study_of(tmp_path_factory.mktemp("changed"), changed), replicates=4)


def test_real_change_is_foretold_beyond_chance(foretold: SignalQuality) -> None:
    for target in ("no_gain", OWN_LINE):
        row = beside(foretold, target)
        assert row["conf_low"] > 0, target
        assert row["in_study"] - row["without_change"] == pytest.approx(row["difference"])
    rows = foretold.tables["rules"].data.set_index(["rule", "target"])
    for figure in ("sensitivity", "specificity"):
        assert beside(foretold, "no_gain", figure)["in_study"] == rows.loc[("chance", "no_gain"), figure]
        assert beside(foretold, OWN_LINE, figure)["in_study"] == pytest.approx(
            rows.loc[("chance", OWN_LINE), figure]
        )
    by_month = foretold.tables["by_month"].data.set_index("months")["chance"]
    without = foretold.tables["without_change_by_month"].data
    mine = without[(without["measure"] == "chance") & (without["target"] == "no_gain")].set_index("months")
    for month, value in by_month.items():
        assert mine.loc[month, "in_study"] == pytest.approx(value)


def test_on_track_is_said_only_of_those_whose_scores_show_it(
    foretold: SignalQuality, changed: pd.DataFrame
) -> None:
    waves = foretold.given.tables["waves"].data.merge(changed[["family", "months", "truth"]], validate="1:1")
    told = waves[waves["signal"] == "on_track"]
    assert len(told) > 100
    assert (told["wave"] >= 2).all()
    assert (told["line_chance"] <= 0.1).all()
    slope = foretold.given.answers.tables["waves"].data.set_index(["family", "months"])["slope"]
    assert (slope.reindex(pd.MultiIndex.from_frame(told[["family", "months"]])) < 0).all()
    # It came true: nine in ten truly ended better (three standard errors of as many families).
    gain = changed.groupby("family")["truth"].agg(lambda line: line.iloc[0] - line.iloc[-1])
    last = told.groupby("family").tail(1)
    well = (gain[last["family"]] > 0.5).mean()
    assert well > 0.9 - FAR * np.sqrt(0.09 / len(last))
    share = foretold.tables["words"].data.set_index("class")["share_line_bad"]
    assert share["on_track"] < share["neither"] < share["off_track"]


def test_published_figures_never_stand_alone(tmp_path: Path, changed: pd.DataFrame) -> None:
    study = study_of(tmp_path, changed)
    alone = evaluate_signals(study, replicates=0)
    assert "published" not in alone.tables
    assert alone.tables["without_change"].data.empty
    text = str(say(release(alone, Audience("researcher"), policy=exact_policy(study)), language="en"))
    assert "Y-OQ" not in text
    assert "these figures say little" in text


def test_of_a_large_study_some_families_are_simulated(
    tmp_path: Path, changed: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_replicates, "MOST_COURSES", 60)
    study = study_of(tmp_path, changed[changed["family"] < "f090"])
    one, two = (evaluate_signals(study, replicates=2, rule="band") for _ in range(2))
    (note,) = (note for note in one.notes if note.code == "without_change_of_some")
    assert note.values == {"n_courses": 60, "n_all": 90}
    pd.testing.assert_frame_equal(one.tables["without_change"].data, two.tables["without_change"].data)
    # The band is the rule that is shown, so it has its figures too.
    assert np.isfinite(beside(one, "no_gain", rule="band")["difference"])


@pytest.mark.parametrize(("correlation", "spread"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)])
def test_a_study_without_change_is_like_the_real_one_but_for_the_change(
    correlation: float, spread: float
) -> None:
    rows = waves_of(truth(31, change=True, correlation=correlation, spread=spread, n=600))
    null = without_change(rows, (), (10, 40))
    assert null.spread == pytest.approx(spread, abs=0.15)
    scores = null.scores(np.random.default_rng(1))
    assert scores.min() >= 10
    assert scores.max() <= 40
    assert (scores == np.rint(scores)).all()
    made = rows.assign(score=scores)
    first = made["wave"] == 0
    start = rows.loc[rows["wave"] == 0, "score"]
    assert made.loc[first, "score"].mean() == pytest.approx(start.mean(), abs=1.5)
    assert made.loc[first, "score"].std() == pytest.approx(start.std(), rel=0.15)
    again = fit_expectation(made, ())
    moved, _ = again.expected(
        np.diff([again.matrix(made.head(1), np.array([month]))[0] for month in (0.0, 12.0)], axis=0)
    )
    assert abs(moved[0]) < 0.8
    own = np.array([0.0, 12.0, np.log(13.0)])[: len(again.covariance)]
    # The spread of changes over a year; a variance of zero is never estimated as less.
    assert own @ again.covariance @ own < 0.1 * (own @ null.model.covariance @ own)
    assert again.correlation == pytest.approx(null.model.correlation, abs=0.12)
    assert again.residual_sd == pytest.approx(null.model.residual_sd, rel=0.1)
    apart = null.scores(np.random.default_rng(2))
    assert not np.array_equal(scores, apart)


def test_swings_that_carry_on_are_found_and_make_chances_come_true() -> None:
    """AR(.5) around straight lines: the model that knows of it foretells better by its own likelihood."""
    rng = np.random.default_rng(5)
    n, months = 400, np.arange(10.0)
    swing = rng.normal(size=(n, 10))
    for month in range(1, 10):
        swing[:, month] = 0.5 * swing[:, month - 1] + np.sqrt(0.75) * swing[:, month]
    score = rng.normal(25, 4, (n, 1)) + rng.normal(-0.3, 0.2, (n, 1)) * months + 3 * swing
    rows = pd.DataFrame(
        {"course": np.repeat(np.arange(n), 10), "months": np.tile(months, n), "score": score.ravel()}
    ).assign(wave=np.tile(np.arange(10), n))
    train, test = rows["course"] < 250, rows["course"] >= 250
    kept, plain = (fit_expectation(rows[train], (), carry_on=knows) for knows in (True, False))
    assert kept.correlation == pytest.approx(0.5, abs=0.08)
    assert plain.correlation == 0
    errors, surprise = {}, {}
    for name, model in (("kept", kept), ("plain", plain)):
        fold = apply_model(model, rows[test], "test", np.flatnonzero(test))
        later = np.flatnonzero(fold.data["wave"] > 3)
        mean, variance = fold.effects.score_at(fold.effects.time[later], later - 1)
        errors[name] = (fold.effects.residual[later] - mean) ** 2 / variance
        surprise[name] = float((errors[name] + np.log(variance)).mean())
    # Standard errors of a mean square over 150 families with 6 dependent waves: about .08.
    assert errors["kept"].mean() == pytest.approx(1, abs=0.2)
    assert surprise["kept"] < surprise["plain"] - 0.05


def test_chances_hang_on_no_nesting_and_own_lines_on_all_waves() -> None:
    rows = waves_of(truth(41, change=True, n=90))
    part = rows["organisation"].to_numpy(dtype=str)
    options = {"by": "organisations", "sign": -1.0, "margin": 0.0, "ended": np.ones(len(rows), dtype=bool)}
    nested, single = (predict_bad_end(rows, (), part, nested=way, **options) for way in (True, False))
    for name in ("chance", "line_chance", "line_bad"):
        np.testing.assert_array_equal(getattr(nested, name), getattr(single, name))
    assert (np.abs(nested.training["org_0"] - single.training["org_0"])[part != "org_0"] < 0.25).all()
    assert np.isnan(single.training["org_0"][part == "org_0"]).all()
    # The whole line, seen at the last wave, is as bad as it is: and turned round it is as good.
    turned = predict_bad_end(
        rows.assign(score=-rows["score"]), (), part, nested=False, **{**options, "sign": 1.0}
    )
    np.testing.assert_allclose(turned.line_bad, single.line_bad, atol=1e-4)
    np.testing.assert_allclose(turned.chance, single.chance, atol=1e-4)


def test_ends_known_by_their_chance_count_as_likely_as_they_are() -> None:
    courses = pd.DataFrame(
        {"alarmed": [True, True, False, False], "first_alarm": [2.0, 3.0, np.nan, np.nan],
         "n_alarms": [1, 2, 0, 0], "end": [8.0, 5.0, 9.0, 9.0]}
    )  # fmt: skip
    found = alarm_quality(courses, np.array([0.9, 0.5, 0.2, 0.4]))
    assert found.sensitivity[0] == pytest.approx(1.4 / 2.0)
    assert found.specificity[0] == pytest.approx(1.4 / 2.0)
    assert found.positive_value[0] == pytest.approx(0.7)
    assert found.lead_time == 6.0
    assert found.n_bad == 2
    hard = alarm_quality(courses, np.array([True, True, False, True]))
    assert hard.sensitivity[0] == pytest.approx(2 / 3)
    assert hard.lead_time == 4.0


def test_figures_count_courses_as_often_as_they_are_drawn() -> None:
    rows = waves_of(truth(42, n=40))
    rng = np.random.default_rng(1)
    n = rows["course"].nunique()
    alarm, value = rng.random(len(rows)) < 0.2, rng.random(len(rows))
    ends = {"no_gain": rng.random(n) < 0.4, OWN_LINE: rng.random(n)}
    weight = rng.integers(0, 3, n)
    copies = pd.concat([rows[rows["course"] == c].assign(copy=k) for c in range(n) for k in range(weight[c])])
    place = copies.index.to_numpy()
    copies = copies.assign(course=copies.groupby(["course", "copy"]).ngroup()).reset_index(drop=True)
    drawn = evidence_of(
        copies, {"chance": alarm[place]}, {end: np.repeat(bad, weight) for end, bad in ends.items()},
        {"chance": value[place]}, 4.0,
    )  # fmt: skip
    once = evidence_of(rows, {"chance": alarm}, ends, {"chance": value}, 4.0)
    found, expected = figures_of(once, weight.astype(float)), figures_of(drawn)
    for figure, number in found.items():
        # Copies of one family are no pair: with ends known by their chance they would make one.
        if figure.name != "concordance" or figure.end != OWN_LINE:
            assert expected[figure] == pytest.approx(number, nan_ok=True), figure
