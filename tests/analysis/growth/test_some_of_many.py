"""Of thousands of families a part says first whether residuals carry on: it ends as if all were asked."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis.growth import fitting
from mpg_research.analysis.growth.fitting import FittedRule, fit_by_rule, some_of_many
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.monitoring import expectation_model


@pytest.mark.parametrize("number", [3_000, 3_001, 3_599, 3_600, 7_321, 27_000])
def test_an_even_choice_of_some_hundreds_whatever_the_order_of_the_rows(number: int) -> None:
    rng = np.random.default_rng(number)
    family = np.repeat([f"f{each:05d}" for each in range(number)], rng.integers(1, 4, number))
    data = pd.DataFrame({"family": family, "row": np.arange(len(family))})
    some = some_of_many(data, "family")
    assert some is not None
    chosen = np.sort(some["family"].unique())
    assert 500 <= len(chosen) <= 600
    # evenly over the sorted names, each with all its rows
    places = np.searchsorted(np.sort(data["family"].unique()), chosen)
    assert len(set(np.diff(places))) == 1
    assert len(some) == data["family"].isin(chosen).sum()
    shuffled = some_of_many(data.sample(frac=1, random_state=1), "family")
    assert shuffled is not None
    pd.testing.assert_frame_equal(shuffled.sort_values("row"), some)


def test_fewer_than_thousands_are_all_asked() -> None:
    assert some_of_many(pd.DataFrame({"family": np.arange(2_999)}), "family") is None


def measured(carries_on: float, *, families: int = 150, seed: int = 1) -> pd.DataFrame:
    """Monthly measurements whose swings carry on from month to month by so much."""
    rng = np.random.default_rng(seed)
    parts = []
    for family in range(families):
        n_waves = int(rng.integers(6, 11))
        swings = [rng.normal()]
        while len(swings) < n_waves:
            swings.append(carries_on * swings[-1] + np.sqrt(1 - carries_on**2) * rng.normal())
        level, slope = rng.normal(25, 4), rng.normal(-0.3, 0.3)
        months = np.arange(n_waves, dtype=float)
        scores = level + slope * months + 2 * np.array(swings)
        parts.append(pd.DataFrame({"family": f"f{family:03d}", "months": months, "score": scores}))
    return pd.concat(parts, ignore_index=True).assign(respondent="p", episode="1")


def fitted(data: pd.DataFrame, *, many: int) -> tuple[FittedRule, list[Any]]:
    """The fit by the rule, and the residuals of each model that was fitted on the way, with its rows."""
    seen: list[Any] = []
    before = fitting.fit_mixed

    def noted(formula: str, rows: pd.DataFrame, **options: Any) -> Any:
        seen.append((len(rows), options.get("residual") is not None))
        return before(formula, rows, **options)

    with (
        patch.object(fitting, "_MANY_FAMILIES", many),
        patch.object(fitting, "_SOME_FAMILIES", 50),
        patch.object(fitting, "fit_mixed", noted),
    ):
        rule = GrowthRule(families="line")
        return fit_by_rule("months", [], data, rule, [], df="satterthwaite", level=0.95), seen


@pytest.mark.parametrize("carries_on", [0.0, 0.6])
def test_the_rule_ends_where_it_does_when_all_are_asked(carries_on: float) -> None:
    data = measured(carries_on)
    of_all, _ = fitted(data, many=10**9)
    of_some, seen = fitted(data, many=100)
    assert (of_some.correlation is None) == (of_all.correlation is None) == (carries_on == 0)
    assert of_some.formula == of_all.formula
    assert of_some.fit.log_likelihood == pytest.approx(of_all.fit.log_likelihood, abs=1e-9)
    # a third of the families was asked, and the long fit was spared where they showed nothing
    assert seen[0][1]
    assert 0.25 < seen[0][0] / len(data) < 0.45
    assert [residual for rows, residual in seen if rows == len(data)] == [carries_on > 0]


def test_a_part_that_cannot_say_leaves_it_to_all() -> None:
    data = measured(0.6)
    # in the part every family has one measurement of a moment: a correlation cannot be estimated there
    some = some_with_one_wave(data)
    with patch.object(fitting, "some_of_many", lambda rows, group: some):
        found, seen = fitted(data, many=100)
    assert found.correlation == pytest.approx(0.6, abs=0.1)
    assert (len(data), True) in seen


def some_with_one_wave(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(series=data["family"]).groupby("family").head(1)


@pytest.mark.parametrize("carries_on", [0.0, 0.6])
def test_the_expectation_of_courses_asks_a_part_too(carries_on: float) -> None:
    data = measured(carries_on).rename(columns={"family": "course"})
    formula = "score ~ months + (1 + months | course)"
    of_all = expectation_model._fitted(formula, data, carry_on=True)
    with patch.object(fitting, "_MANY_FAMILIES", 100), patch.object(fitting, "_SOME_FAMILIES", 50):
        of_some = expectation_model._fitted(formula, data, carry_on=True)
    assert (of_some.correlation == 0) == (carries_on == 0)
    assert of_some.log_likelihood == pytest.approx(of_all.log_likelihood, abs=1e-9)
    assert of_some.correlation == pytest.approx(of_all.correlation, abs=1e-9)
