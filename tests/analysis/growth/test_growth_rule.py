"""The rule of the growth model: where knots stand, what is dropped when, and what counts as one series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpg_research.analysis.growth.growth_model import GrowthModel, fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.random_part import serial_column
from mpg_research.analysis.growth.rule import GrowthRule, spline_knots
from mpg_research.errors import ModelError
from mpg_research.mixed import CAR1
from mpg_research.mixed.covariance.structures import bind_residual
from tests.analysis.frames import course_of, simulated


def months_of(*moments: float, times: int = 10) -> np.ndarray:
    return np.repeat(np.array(moments, dtype=float), times)


def test_knots_are_equally_spaced_in_the_square_root_of_time() -> None:
    assert spline_knots(months_of(*range(13))) == (0, 0.75, 3, 6.75, 12)
    # As between any two months: squares of equal steps.
    roots = np.sqrt(spline_knots(months_of(*np.arange(1.0, 17.0))))
    np.testing.assert_allclose(np.diff(roots), np.diff(roots)[0], atol=0.01)


@pytest.mark.parametrize(
    ("measured", "knots"),
    [
        ((0, 3, 6, 9, 12), (0, 3, 6, 9, 12)),
        ((0, 1, 2, 3, 12), (0, 1, 2, 3, 12)),
        ((0, 1, 2, 3, 4, 12), (0, 1, 3, 4, 12)),
        ((0, 6, 12, 18, 24), (0, 6, 12, 18, 24)),
        ((0, 1, 3, 6, 9, 12), (0, 1, 3, 6, 12)),
    ],
)
def test_with_few_months_knots_stand_where_there_are_measurements(
    measured: tuple[float, ...], knots: tuple[float, ...]
) -> None:
    assert spline_knots(months_of(*measured)) == knots


def test_a_family_that_stays_for_years_does_not_move_the_knots() -> None:
    usual = months_of(*range(13), times=40)
    assert spline_knots(np.append(usual, [30.0, 60.0])) == (0, 0.75, 3, 6.75, 12)
    # But the curve reaches the month that is asked for.
    assert spline_knots(np.append(usual, [18.0, 18.0]), until=18.0)[-1] == 18


@given(
    st.lists(st.floats(0, 60), min_size=20, max_size=80).filter(
        lambda drawn: len({round(month) for month in drawn}) >= 5
    )
)
@settings(max_examples=150, deadline=None)
def test_knots_increase_and_lie_within_the_measurements(drawn: list[float]) -> None:
    months = np.array(drawn)
    knots = np.array(spline_knots(months))
    assert len(knots) == 5
    assert (np.diff(knots) > 0).all()
    assert knots[0] >= months.min() - 0.01
    assert knots[-1] <= months.max() + 0.01


@pytest.mark.parametrize(
    "wrong", [{"families": "curve"}, {"residual": "ar1"}, {"knots": "even"}, {"knots": (1.0, 2.0)}]
)
def test_an_unknown_rule_is_refused_in_words(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="must be"):
        GrowthRule(**wrong)  # type: ignore[arg-type]


SIZES = {"ant": 25, "bee": 30}


def fitted(data: pd.DataFrame, **choices: object) -> GrowthModel:
    return fit_growth(prepare_frame(course_of(data)), **choices)  # type: ignore[arg-type]


def test_the_old_rule_can_be_had() -> None:
    data = simulated(np.random.default_rng(3), sizes=SIZES)
    old = fitted(data, rule=GrowthRule.simple())
    assert old.formula == "score ~ cr(months, df=5) + (1 + months | family)"
    assert old.correlation is None
    own = fitted(data, rule=GrowthRule(families="line", residual="car1", knots=(0, 1, 4, 12)))
    assert own.formula == "score ~ cr(months, knots=(0, 1, 4, 12)) + (1 + months | family)"
    assert own.correlation is not None


def test_independent_swings_are_taken_as_such_unless_asked_otherwise() -> None:
    data = simulated(np.random.default_rng(1), sizes={"ant": 60, "bee": 60})
    assert fitted(data).correlation is None
    kept = fitted(data, rule=GrowthRule(residual="car1"))
    assert kept.correlation is not None
    assert kept.correlation < 0.05


def codes(model: GrowthModel) -> list[str]:
    return [note.code for note in model.notes]


@pytest.mark.parametrize(
    ("moments", "families", "note"),
    [
        ((0, 2, 4, 6, 8, 12), "bend", None),
        ((0, 3, 6, 12), "bend", None),
        ((0, 6, 12), "line", "no_random_bend"),
        ((0, 12), "level", "no_random_slope"),
    ],
)
def test_what_families_have_of_their_own_follows_from_their_moments(
    moments: tuple[float, ...], families: str, note: str | None
) -> None:
    model = fitted(simulated(np.random.default_rng(1), sizes=SIZES, moments=moments))
    assert model.families == families
    assert model.converged
    assert {"no_random_bend", "no_random_slope"} & set(codes(model)) == ({note} if note else set())


def test_few_families_with_four_moments_have_no_bend() -> None:
    model = fitted(simulated(np.random.default_rng(1), sizes={"ant": 9}))
    assert model.families == "line"
    assert "no_random_bend" in codes(model)


def test_a_bend_that_families_do_not_need_is_no_caution() -> None:
    idle = 0
    for seed in range(6):
        model = fitted(simulated(np.random.default_rng([8, seed]), sizes=SIZES))
        (face,) = model.fit.solution.faces
        idle += face.rank == 2
        if face.rank >= 2:
            assert not {"singular_fit", "zero_variance", "design_degrees_of_freedom"} & set(codes(model))
    assert idle > 0


def one_series(*moments: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"family": "f1", "respondent": "a", "episode": "1", "months": np.array(moments, dtype=float)}
    )


def test_a_series_is_that_of_a_respondent_in_a_period_of_help() -> None:
    rows = pd.concat([one_series(0, 1, 2)] * 4, ignore_index=True)
    rows["respondent"] = np.repeat(["a", "b", "a", "a"], 3)
    rows["episode"] = np.repeat(["1", "1", "2", "1"], 3)
    rows["family"] = np.repeat(["f1", "f1", "f1", "f2"], 3)
    series = serial_column(rows)
    assert series.nunique() == 4
    assert (series.groupby(np.repeat(range(4), 3)).nunique() == 1).all()


def test_answers_that_lie_almost_together_are_in_series_apart() -> None:
    twice = serial_column(one_series(0, 0, 1, 2, 2.1, 3))
    assert twice.tolist()[0] != twice.tolist()[1]
    assert twice.tolist()[3] != twice.tolist()[4]
    assert twice.value_counts().tolist() == [4, 2]
    # Where everybody answers every week, a week apart is not almost together.
    assert serial_column(one_series(*np.arange(0, 3, 0.23))).nunique() == 1


@given(st.lists(st.sampled_from([0.0, 0.05, 0.2, 1.0, 1.1, 2.0, 5.0]), min_size=2, max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_moments_make_series_that_residuals_can_carry_on_in(drawn: list[float]) -> None:
    rows = pd.concat([one_series(*drawn), one_series(0, 1, 2).assign(family="f2")], ignore_index=True)
    rows["series"] = serial_column(rows)
    bind_residual((CAR1("months", within="series"),), {name: rows[name] for name in ("months", "series")})
    assert (rows.groupby("series")["family"].nunique() == 1).all()


def test_a_second_answer_after_some_days_does_not_hide_that_swings_last() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for family in range(70):
        swing = rng.normal(0, 2.5)
        for month in range(10):
            swing = 0.7 * swing + np.sqrt(1 - 0.49) * rng.normal(0, 2.5)
            rows.append((f"f{family:03d}", float(month), 24 + swing))
            if rng.random() < 0.05:
                rows.append((f"f{family:03d}", month + 0.03, 24 + swing + rng.normal(0, 2)))
    data = pd.DataFrame(rows, columns=["family", "months", "score"])
    data = data.assign(episode="1", organisation="ant", worker=None, respondent="first_parent")
    model = fitted(data)
    # In one series with their neighbours these answers make it zero: what differs within a day is no swing.
    assert model.correlation is not None
    assert 0.45 < model.correlation < 0.8


def test_two_respondents_and_two_periods_go_with_the_rule() -> None:
    one = simulated(np.random.default_rng(4), sizes={"ant": 30}, moments=(0, 2, 4, 6, 9, 12))
    two = one.assign(respondent="second_parent", score=one["score"] + 1)
    both = pd.concat([one, two[two["family"] < "f0015"]], ignore_index=True)
    model = fitted(both)
    assert model.converged
    assert "(1 | family:respondent)" in model.formula
    again = pd.concat([one, one[one["family"] < "f0012"].assign(episode="2")], ignore_index=True)
    model = fitted(again)
    assert model.converged
    assert "(1 | family:episode)" in model.formula


@pytest.mark.parametrize("lasting", [False, True])
def test_of_very_many_families_some_say_whether_swings_last(
    monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    from mpg_research.analysis.growth import fitting as growth_fit

    data = simulated(np.random.default_rng(9), sizes={"ant": 200, "bee": 200}, residual_sd=0.5)
    rng = np.random.default_rng(10)
    swing = rng.normal(0, 2, len(data))
    if lasting:
        apart = data.groupby("family")["months"].diff().to_numpy()
        for row in range(1, len(data)):
            kept = 0.0 if np.isnan(apart[row]) else 0.7 ** apart[row]
            swing[row] = kept * swing[row - 1] + np.sqrt(1 - kept**2) * swing[row]
    data = data.assign(score=data["score"] + swing)
    tried: list[int] = []
    fit_mixed = growth_fit.fit_mixed

    def counted(formula: str, rows: pd.DataFrame, **choices: object) -> object:
        if choices.get("residual") is not None:
            tried.append(rows["family"].nunique())
        return fit_mixed(formula, rows, **choices)  # type: ignore[arg-type]

    monkeypatch.setattr(growth_fit, "fit_mixed", counted)
    monkeypatch.setattr(growth_fit, "_MANY_FAMILIES", 400)
    monkeypatch.setattr(growth_fit, "_SOME_FAMILIES", 200)
    for organisation in ("fixed", "random"):
        tried.clear()
        model = fit_growth(prepare_frame(course_of(data), by_organisation=True), organisation=organisation)  # type: ignore[arg-type]
        assert (model.correlation is not None) == lasting
        assert tried == ([200, 400] if lasting else [200])
