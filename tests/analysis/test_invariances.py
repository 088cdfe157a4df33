"""What must not change a comparison: order of rows, names, units, a copy of an organisation."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.growth.growth_model import Shape, fit_growth
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.organisations.tables import comparison_tables
from tests.analysis.frames import course_of, simulated

SIZES = {"haven": 20, "brug": 15, "anker": 12, "molen": 3}
SLOPES = {"haven": -0.5, "brug": -0.2, "anker": -0.4, "molen": -0.1}
MONTHS = [0.0, 6.0, 12.0]
# Both fits stop where the deviance is flat to rounding: estimates agree far below a hundredth of a point.
SAME = 1e-5


def tables_of(data: pd.DataFrame, shape: Shape = "linear") -> dict[str, pd.DataFrame]:
    frame = prepare_frame(course_of(data), by_organisation=True)
    model = fit_growth(frame, shape=shape, organisation="fixed", df="kenward-roger")
    found = comparison_tables(model, MONTHS, adjust="holm", level=0.95)
    return {name: table.data for name, table in found.items()}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    whole = simulated(np.random.default_rng(7), sizes=SIZES, slopes=SLOPES)
    return whole[np.random.default_rng(8).random(len(whole)) < 0.8].reset_index(drop=True)


@pytest.fixture(scope="module")
def tables(data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return tables_of(data)


def assert_same(one: pd.DataFrame, other: pd.DataFrame, *, scale: float = 1.0, p: bool = True) -> None:
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(one[column] * scale, other[column], atol=SAME * scale)
    np.testing.assert_allclose(one["df"], other["df"], rtol=1e-3)
    if p:
        np.testing.assert_allclose(one["p_value"], other["p_value"], atol=SAME)


def test_row_order(data: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> None:
    shuffled = tables_of(data.sample(frac=1, random_state=3).reset_index(drop=True))
    for name in ("adjusted_means", "adjusted_change", "difference_from_mean", "pairwise"):
        assert_same(tables[name], shuffled[name])


def test_row_order_of_a_spline(data: pd.DataFrame) -> None:
    one = tables_of(data, "spline")
    other = tables_of(data.sample(frac=1, random_state=5).reset_index(drop=True), "spline")
    for name in ("adjusted_means", "adjusted_change", "difference_from_mean", "pairwise"):
        assert_same(one[name], other[name])


def test_relabelled_organisations(data: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> None:
    names = {"haven": "1", "brug": "zz top", "anker": "<b>", "molen": "Ünal"}
    back = {new: old for old, new in names.items()}
    found = tables_of(data.replace({"organisation": names}))["difference_from_mean"]
    found = found.assign(organisation=found["organisation"].map(back))
    found = found.sort_values(["organisation", "months"], ignore_index=True)
    assert_same(tables["difference_from_mean"], found)


def test_shift_and_scale_of_the_score(data: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> None:
    other = tables_of(data.assign(score=data["score"] * 10 + 300))
    assert_same(tables["adjusted_change"], other["adjusted_change"], scale=10)
    means = tables["adjusted_means"].assign(
        **{name: tables["adjusted_means"][name] + 30 for name in ("estimate", "conf_low", "conf_high")}
    )
    assert_same(means, other["adjusted_means"], scale=10, p=False)
    np.testing.assert_allclose(
        tables["adjusted_change"]["standardised"], other["adjusted_change"]["standardised"], atol=SAME
    )


def test_a_duplicated_organisation_gets_the_same_result(data: pd.DataFrame) -> None:
    copy = data[data["organisation"] == "brug"]
    copy = copy.assign(organisation="brug again", family="copy of " + copy["family"])
    found = tables_of(pd.concat([data, copy], ignore_index=True))
    changes = found["adjusted_change"].set_index(["organisation", "months"])
    assert_same(changes.loc["brug"], changes.loc["brug again"])
    pair = found["pairwise"]
    pair = pair[(pair["organisation_1"] == "brug") & (pair["organisation_2"] == "brug again")]
    np.testing.assert_allclose(pair["estimate"], 0, atol=SAME)


def test_differences_from_the_mean_add_up_to_nothing(tables: dict[str, pd.DataFrame]) -> None:
    sums = tables["difference_from_mean"].groupby("months")["estimate"].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-9)


def test_holm_never_lowers_a_p_value(tables: dict[str, pd.DataFrame]) -> None:
    pairs = tables["pairwise"]
    assert (pairs["p_adjusted"] >= pairs["p_value"]).all()
    assert pairs["p_adjusted"].max() <= 1


def test_two_organisations_ask_one_question(data: pd.DataFrame) -> None:
    two = tables_of(data[data["organisation"].isin(["haven", "brug"])])
    pair = two["pairwise"]["p_adjusted"].to_numpy()
    for key in ("haven", "brug"):
        rows = two["difference_from_mean"]
        np.testing.assert_allclose(rows[rows["organisation"] == key]["p_adjusted"], pair, rtol=1e-6)


def test_families_behind_each_row(data: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> None:
    own = tables["adjusted_change"].set_index("organisation")["n_families"]
    assert {key: int(number) for key, number in own.items()} == SIZES
    pairs = tables["pairwise"].set_index(["organisation_1", "organisation_2"])["n_families"]
    assert pairs.loc[("haven", "molen")].unique().tolist() == [SIZES["molen"]]
    observed = tables["observed_course"].set_index(["organisation", "months"])
    near = data[(data["organisation"] == "haven") & (data["months"] == 6)]
    assert observed.loc[("haven", 6.0), "n_families"] == near["family"].nunique()
    assert (tables["joint_test"]["n_families"] == data["family"].nunique()).all()
    assert (tables["joint_test"]["n_organisations"] == len(SIZES)).all()


def test_time_in_other_units_changes_nothing_but_the_axis(
    data: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> None:
    def scaled(months: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
        return data.assign(months=months(data["months"]))

    def changes(divisor: int, rule: GrowthRule) -> pd.DataFrame:
        frame = prepare_frame(course_of(scaled(lambda month: month / divisor)), by_organisation=True)
        model = fit_growth(frame, shape="linear", organisation="fixed", df="kenward-roger", rule=rule)
        at = [month / divisor for month in MONTHS]
        return comparison_tables(model, at, adjust="holm", level=0.95)["adjusted_change"].data

    line = GrowthRule(families="line")
    assert_same(changes(1, line), changes(2, line))
    # The bend of a family, log(1 + months), is one of months; in other units it is bent a little otherwise.
    half = changes(2, GrowthRule())
    np.testing.assert_allclose(half["estimate"], tables["adjusted_change"]["estimate"], atol=0.05)
    np.testing.assert_allclose(half["std_error"], tables["adjusted_change"]["std_error"], rtol=0.05)
