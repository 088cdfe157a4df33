"""Fewer agencies as a choice: costs beside effects of an emulated trial, against what is known by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mpg_research import compare_costs_and_effects, emulate_fewer_agencies
from mpg_research.analysis.value.compare import CostsAndEffects
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import NotApplicableError
from mpg_research.present import say
from mpg_research.study.model import Study
from tests.analysis.economics.priced_studies import example, with_prices

#: Euros of an agency's month, the only thing that has a price.
PRICE = 100.0
MANY, FEW = 5.0, 1.0


@cache
def made() -> Study:
    """The example with five agencies a family; each comes down to one at a time drawn by lot, or never.

    What a family costs is then its agencies, and the score has nothing to do with them.
    """
    study = with_prices(
        example(), [{"item": "agency_month", "payer": "municipality", "unit_price": PRICE}],
        drop=tuple(set(example().tables["prices"]["item"].astype(str))),
    )  # fmt: skip
    care = study.tables["care"]
    rng = np.random.default_rng(1)
    families = care["family"].astype(str)
    names = pd.Index(sorted(set(families)))
    down = pd.Series(
        np.where(rng.random(len(names)) < 0.5, rng.integers(1, 14, len(names)), 999), index=names
    )
    number = care.groupby(families)["month"].rank(method="dense") - 1
    few = number.to_numpy() >= down.reindex(families).to_numpy()
    agencies = pd.Series(np.where(few, FEW, MANY), index=care.index).astype(care["n_agencies"].dtype)
    return replace(study, tables={**study.tables, "care": care.assign(n_agencies=agencies)})


@cache
def found() -> CostsAndEffects:
    return compare_costs_and_effects(made(), by="fewer_agencies", month=6, replications=100)


def test_the_effect_is_that_of_the_emulated_trial() -> None:
    trial = emulate_fewer_agencies(made(), replicates=2)
    there = (
        trial.tables["agencies_differences"].data.query("months == 6").set_index("approach").loc["weighted"]
    )
    mine = found().tables["effect_differences"].data.iloc[0]
    assert mine["compared_group"] == "fewer_agencies"
    rows = found().compared.effect
    plain = sm.WLS(rows.outcome, rows.design, weights=rows.weight).fit()
    assert mine["estimate"] == pytest.approx(plain.params[1])
    assert mine["estimate"] == pytest.approx(-there["estimate"], abs=1e-9)
    assert mine["std_error"] == pytest.approx(there["std_error"])


def test_the_costs_are_those_of_the_agencies() -> None:
    """Those who keep five cost five a month; those who come down cost between one and five."""
    compared = found().compared
    cost, fewer = compared.cost.outcome, compared.cost.design[:, 1] == 1
    whole = compared.months * PRICE
    kept = cost[~fewer]
    # A calendar month in which help starts or ends counts whole: at most one more than there are.
    assert np.quantile(kept, 0.9) == pytest.approx(MANY * whole, rel=0.03)
    assert kept.max() < MANY * (whole + PRICE)
    assert cost[fewer].max() < MANY * whole
    assert np.median(cost[fewer]) < 0.6 * MANY * whole
    row = found().tables["cost_differences"].data.iloc[0]
    # Of six months at most three (the grace) are still with five.
    least, most = -(MANY - FEW) * whole, -(MANY - FEW) * whole * 0.4
    assert least < row["conf_low"]
    assert row["conf_high"] < most
    assert list(compared.priced["item"]) == ["agency_month"]


def test_the_page_says_who_is_compared_and_that_it_is_no_trial() -> None:
    released = release(found(), Audience("funder"), policy=policy_of(made()))
    for language, words in (("nl", ("hooguit 2", "instantie")), ("en", ("2 agencies at most", "agencies"))):
        text = str(say(released, "answer", language=language))
        assert all(word in text for word in words)
        assert "{" not in text
    flow = found().tables["sample_flow"].data.set_index("step")["n_families"]
    assert flow["many_agencies"] >= flow["many_followed"] > 0


def test_where_there_is_no_answer_it_is_said() -> None:
    with pytest.raises(NotApplicableError) as error:
        compare_costs_and_effects(example(), by="fewer_agencies")
    assert error.value.code == "fewer_agencies_not_compared"
    care = example().tables["care"].drop(columns="n_agencies")
    without = replace(example(), tables={**example().tables, "care": care})
    with pytest.raises(NotApplicableError) as error:
        compare_costs_and_effects(without, by="fewer_agencies")
    assert error.value.code == "no_agencies"
