"""Costs and benefits, and fewer agencies: against plain loops, and put back into themselves."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mpg_research import list_what_is_reported, price_fewer_agencies, weigh_costs_and_benefits
from mpg_research.analysis.economics.family_costs import family_costs
from mpg_research.analysis.result import Result
from mpg_research.analysis.value.price_sensitivity import prices_of_enough
from mpg_research.analysis.value.weighed import HELP_ITEMS
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.study.model import Study
from tests.analysis.economics.priced_studies import (
    ASSUMPTIONS,
    SOURCE,
    example,
    priced,
    with_costs,
    with_prices,
)

STATED = {
    "otherwise": "stated", "otherwise_share": 0.3, "otherwise_source": SOURCE, "evidence": "weak",
    "optimism": {"weak": {"share": 0.25, "source": SOURCE}},
}  # fmt: skip


def parts_of(found: Result) -> dict[str, float]:
    table = found.tables["waterfall"].data
    return dict(zip(table["money_part"], table["estimate"], strict=True))


def plainly(study: Study, months: int) -> tuple[float, float]:
    """Gross benefit and cost of the help per family, by loops over families all followed so long."""
    costs = family_costs(study)
    interventions = set(study.tables["interventions"]["intervention"].astype(str))
    rows = costs.rows.assign(item=costs.rows["item"].astype(str), family=costs.rows["family"].astype(str))
    gross, paid = [], []
    for _, family in costs.followed.iterrows():
        mine = rows[rows["family"] == str(family["family"])]
        is_help = mine["item"].isin([*HELP_ITEMS, *interventions])
        inside = (mine["month"] >= 0) & (mine["month"] < months)
        start = (mine["month"] >= 0) & (mine["month"] < 3)
        paid.append(mine.loc[is_help & inside, "discounted"].sum())
        events = ~is_help & (mine["item"] != "agency_month")
        rate = mine.loc[events & start, "amount"].sum() / 3
        gross.append(months * rate - mine.loc[events & inside, "discounted"].sum())
    return float(np.mean(gross)), float(np.mean(paid))


def test_benefits_of_events_and_costs_of_help_are_those_of_plain_loops() -> None:
    study = with_costs(with_prices(example(), [], drop=("agency_month",)), horizon_months=5)
    assert family_costs(study).followed["months"].min() > 5
    found = parts_of(weigh_costs_and_benefits(study))
    gross, paid = plainly(study, 5)
    assert found["gross"] == pytest.approx(gross)
    assert found["help"] == pytest.approx(-paid)


@pytest.mark.parametrize("settings", [{}, STATED, {**STATED, "horizon_months": 24}])
def test_steps_add_up_over_the_waterfall_and_over_payers(settings: dict[str, Any]) -> None:
    found = weigh_costs_and_benefits(priced(**settings))
    parts = parts_of(found)
    assert parts["gross"] + parts["anyway"] + parts["optimism"] == pytest.approx(parts["net"])
    assert parts["net"] + parts["help"] == pytest.approx(parts["balance"])
    payers = found.tables["by_payer"].data
    for part in ("help", "net", "balance"):
        mine = payers[payers["money_part"] == part]
        assert mine["estimate"].sum() == pytest.approx(parts[part])
    last = found.tables["cumulative"].data.iloc[-1]
    balance = found.tables["waterfall"].data.set_index("money_part").loc["balance"]
    assert last["estimate"] == pytest.approx(balance["estimate"])
    assert last["std_error"] == pytest.approx(balance["std_error"])
    if settings:
        assert parts["anyway"] == pytest.approx(-0.3 * parts["gross"])
        assert parts["optimism"] == pytest.approx(-0.25 * 0.7 * parts["gross"])


def test_switching_values_put_back_make_the_balance_zero() -> None:
    cheap = with_prices(priced(**STATED), [
        {"item": "contact_hour", "payer": "municipality", "unit_price": 2.0},
        {"item": "network_meeting", "payer": "municipality", "unit_price": 8.0},
    ])  # fmt: skip
    found = weigh_costs_and_benefits(cheap)
    table = found.tables["switching"].data.set_index("assumption")["switching_value"]
    share = float(table["anyway"])
    assert 0 < share < 1
    again = {**STATED, "otherwise_share": share, "fewer_agencies": ASSUMPTIONS}
    assert parts_of(weigh_costs_and_benefits(with_costs(cheap, **again)))["balance"] == pytest.approx(
        0, abs=1e-6
    )
    factor = float(table["price_of_help"])
    dearer = with_prices(cheap, [
        {"item": "contact_hour", "payer": "municipality", "unit_price": 2.0 * factor},
        {"item": "network_meeting", "payer": "municipality", "unit_price": 8.0 * factor},
    ])  # fmt: skip
    assert parts_of(weigh_costs_and_benefits(dearer))["balance"] == pytest.approx(0, abs=1e-6)
    assert found.tables["payback"].data["payback_kind"].iloc[0] in ("within", "if_lasting", "never")


def test_a_comparison_group_takes_the_place_of_a_stated_share() -> None:
    study = priced(otherwise="comparison_group", otherwise_column="single_parent")
    found = weigh_costs_and_benefits(study, case_mix=())
    facts = found.provenance.parameters
    assert not facts["indicative"]
    assert facts["otherwise"] == "comparison_group"
    parts = parts_of(found)
    assert parts["gross"] + parts["anyway"] == pytest.approx(parts["net"])


def test_the_scenario_is_a_plain_count_of_months() -> None:
    """Of all periods of help, also where the study's scores are those of first periods."""
    study = priced()
    assert study.tables["care"]["episode"].nunique() > 1
    found = price_fewer_agencies(study).tables["scenario"].data
    care = study.tables["care"].dropna(subset=["n_agencies"])
    n = care["n_agencies"].astype(float)
    for number, each in enumerate(ASSUMPTIONS, start=1):
        extra = (n - each["agencies_at_most"]).clip(lower=0)
        saved = 12 * 400.0 * each["share_saved"] * extra.mean()
        more = 12 * 100.0 * each["coordination_hours"] * (extra > 0).mean()
        mine = found[found["assumption_number"] == number].set_index("money_part")["estimate"]
        assert mine["saved"] == pytest.approx(saved, rel=1e-9)
        assert mine["coordination"] == pytest.approx(-more, rel=1e-9)
        assert mine["balance"] == pytest.approx(mine["saved"] + mine["coordination"])


@pytest.mark.parametrize(
    ("study", "code"),
    [
        (lambda: with_costs(example()), "no_agency_assumptions"),
        (lambda: with_costs(with_prices(example(), [], drop=("agency_month",)), fewer_agencies=ASSUMPTIONS),
         "no_agency_price"),
        (lambda: with_prices(priced(), [], drop=("contact_hour",)), "no_hour_price"),
    ],
)  # fmt: skip
def test_a_scenario_without_what_it_needs_is_refused(study: Any, code: str) -> None:
    with pytest.raises(NotApplicableError) as error:
        price_fewer_agencies(study())
    assert error.value.code == code


@pytest.mark.parametrize(
    ("drop", "code"),
    [
        (("contact_hour", "visit", "network_meeting"), "no_price_of_help"),
        (("placement", "eviction", "renewed_referral", "agency_month"), "no_benefit_priced"),
    ],
)
def test_weighing_without_a_side_is_refused(drop: tuple[str, ...], code: str) -> None:
    codes = example().tables["interventions"]["intervention"].astype(str).unique()
    dropped = (*drop, *codes) if code == "no_price_of_help" else drop
    with pytest.raises(NotApplicableError) as error:
        weigh_costs_and_benefits(with_prices(example(), [], drop=dropped))
    assert error.value.code == code


def test_the_checklist_has_28_items_and_knows_its_keys() -> None:
    study = with_costs(example(), cheers={"funding": {"nl": "niemand", "en": "nobody"}})
    table = list_what_is_reported(study).tables["cheers"].data
    assert len(table) == 28
    assert table.set_index("cheers_item")["stated"]["funding"] == "own"
    with pytest.raises(ConfigError, match="funding"):
        list_what_is_reported(with_costs(example(), cheers={"fundin": SOURCE}))
    with pytest.raises(NotApplicableError):
        list_what_is_reported(replace(example(), tables={"episodes": example().tables["episodes"]}))


@pytest.mark.parametrize("number", [1, 4])
def test_agencies_that_stay_the_same_save_nothing(number: int) -> None:
    """Also where help begins or ends in the midst of a month, each of which counts as one of care."""
    study = priced()
    care = study.tables["care"].assign(n_agencies=number)
    whole = replace(study, tables={**study.tables, "care": care, "events": study.tables["events"].iloc[:0]})
    found = parts_of(weigh_costs_and_benefits(whole))
    paid = family_costs(whole).rows
    agencies = float(paid.loc[paid["item"] == "agency_month", "amount"].sum()) / len(care)
    assert agencies > 100  # what could have been taken for saved
    assert abs(found["gross"]) < 0.1 * agencies


def test_payers_of_few_families_stand_together_and_no_loss_is_made_smaller() -> None:
    study = priced(**STATED)
    found = weigh_costs_and_benefits(study)
    payers = found.tables["by_payer"].data
    assert payers["n_families"].min() >= study.config.disclosure.minimum_families
    plain = weigh_costs_and_benefits(priced()).tables["by_payer"].data
    both = payers.merge(plain, on=["payer", "money_part"], suffixes=("", "_gross"))
    net = both[both["money_part"] == "net"]
    lost = net["estimate_gross"] <= 0
    assert np.allclose(net["estimate"][lost], net["estimate_gross"][lost])
    assert (net["estimate"] <= net["estimate_gross"] + 1e-9).all()


def test_prices_of_what_few_families_used_are_left_out_with_enough_others() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        names = [str(number) for number in range(60)]
        used = tuple(
            frozenset(rng.choice(names, rng.integers(0, 40), replace=False))
            for _ in range(rng.integers(1, 7))
        )
        shown = prices_of_enough(SimpleNamespace(used=used), 10)  # type: ignore[arg-type]
        left = [used[place] for place in range(len(used)) if place not in shown]
        assert all(len(used[place]) >= 10 for place in shown)
        hidden = frozenset().union(*left)
        assert not shown or not hidden or len(hidden) >= 10
