"""Ratios, acceptability, net benefit, the gamma regression, discounting and a bootstrap against R."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.statistics.economics.acceptability import acceptability
from mpg_research.statistics.economics.bootstrap import joint_bootstrap, regression_blocks
from mpg_research.statistics.economics.discounting import (
    annuity_factor,
    index_prices,
    present_value,
    read_index_table,
)
from mpg_research.statistics.economics.gamma_regression import fit_gamma
from mpg_research.statistics.economics.incremental import fieller_limits, incremental_ratios, quadrant_shares
from mpg_research.statistics.economics.net_benefit import (
    JointDifference,
    joint_difference,
    net_benefit,
    net_benefit_regression,
)
from mpg_research.statistics.economics.skewed_costs import standardised_costs
from tests.statistics.economics.economics_oracles import EXACT, MIXED, R_STOPS, known, rows_of

STANDING = {"ND": "frontier", "ED": "extended", "D": "dominated"}


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    return known("pbs_trial")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return rows_of("pbs_complete")


def joint(people: pd.DataFrame, correction: Any) -> JointDifference:
    return joint_difference(
        people["total"],
        people["qaly"],
        group=people["arm"],
        cost_case_mix=people["cost.1"],
        effect_case_mix=people["utility.1"],
        clusters=people["site"],
        correction=correction,
    )


def compare_ratios(table: pd.DataFrame) -> None:
    for seed in range(5):
        rows = table.sample(frac=1, random_state=seed) if seed else table
        found = incremental_ratios(rows["cost"], rows["effect"])
        assert list(found.standing) == [STANDING[status] for status in rows["status"]]
        for ours, column in (
            (found.ratio, "icer"),
            (found.cost_difference, "inc_cost"),
            (found.effect_difference, "inc_effect"),
        ):
            assert ours == pytest.approx(rows[column].astype(float).to_numpy(), rel=EXACT, nan_ok=True)


@pytest.mark.parametrize("name", ["herc", "hiv", "equal_effect"])
def test_ratios_and_dominance_are_dampacks(name: str) -> None:
    compare_ratios(pd.DataFrame(known("icer_tables")[name]["table"]))


def test_acceptability_loss_and_information_of_eleven_strategies() -> None:
    there, draws = known("psa_cdiff"), rows_of("psa_cdiff")
    names = [name.removeprefix("cost_") for name in draws if name.startswith("cost_")]
    cost, effect = (draws[[f"{kind}_{name}" for name in names]].to_numpy() for kind in ("cost", "eff"))
    found = acceptability(cost, effect, threshold=[each["k"] for each in there["by_k"]])
    for place, each in enumerate(there["by_k"]):
        assert names[found.best[place]] == each["best"]
        for ours, theirs in (
            (found.mean_net_benefit, "mean_nmb"),
            (found.probability, "prob_best"),
            (found.expected_loss, "expected_loss"),
        ):
            wanted = [each[theirs][name] for name in names]
            assert ours[place] == pytest.approx(wanted, rel=EXACT, abs=1e-6)
        assert found.frontier[place] == pytest.approx(each["ceaf"], abs=EXACT)
        assert found.perfect_information[place] == pytest.approx(each["evpi"], rel=EXACT)
    table = pd.DataFrame(there["icers_of_means"])
    compare_ratios(table)


@pytest.mark.parametrize(("correction", "error"), [("none", "se_cr0"), ("leverage", "se_cr2")])
def test_joint_difference_of_a_cluster_trial(
    people: pd.DataFrame, theirs: dict[str, Any], correction: str, error: str
) -> None:
    found = joint(people, correction)
    assert found.cost == pytest.approx(theirs["cost"]["estimate"], rel=EXACT)
    assert found.effect == pytest.approx(theirs["effect"]["estimate"], rel=EXACT)
    errors = [theirs["cost"][error], theirs["effect"][error]]
    assert np.sqrt(np.diagonal(found.covariance)) == pytest.approx(errors, rel=EXACT)
    if correction == "leverage":
        there = [theirs[part]["df_satterthwaite"] for part in ("cost", "effect")]
        assert [found.df_cost, found.df_effect] == pytest.approx(there, rel=EXACT)
    else:
        assert found.covariance[0, 1] == pytest.approx(theirs["joint_cr0"]["cov"], rel=EXACT)


def test_fieller_limits_and_the_normal_acceptability_curve(
    people: pd.DataFrame, theirs: dict[str, Any]
) -> None:
    both = joint(people, "none")
    found = fieller_limits(both.cost, both.effect, covariance=both.covariance)
    there = theirs["fieller"]
    assert found.kind == "bounded"
    assert found.ratio == pytest.approx(theirs["icer"], rel=EXACT)
    assert [found.low, found.high] == pytest.approx(there["limits"], rel=EXACT)
    assert [found.leading, found.discriminant] == pytest.approx(
        [there["a"], there["discriminant"]], rel=EXACT
    )
    benefit = net_benefit(both, [each["k"] for each in theirs["nmb"]], normal=True)
    for ours, name in (
        (benefit.estimate, "inb_from_joint"),
        (benefit.std_error, "inb_se_joint_cr0"),
        (benefit.probability, "ceac_normal"),
    ):
        assert ours == pytest.approx([each[name] for each in theirs["nmb"]], rel=EXACT)


def test_net_benefit_regression(people: pd.DataFrame, theirs: dict[str, Any]) -> None:
    keys = {
        "group": people["arm"],
        "case_mix": people[["utility.1", "cost.1"]],
        "clusters": people["site"],
    }
    thresholds = [each["k"] for each in theirs["nmb"]]
    plain = net_benefit_regression(people["total"], people["qaly"], thresholds, **keys, correction="none")
    exact = net_benefit_regression(people["total"], people["qaly"], thresholds, **keys)
    for ours, name in (
        (plain.estimate, "estimate"),
        (plain.std_error, "se_cr0"),
        (exact.std_error, "se_cr2"),
        (exact.df, "df_satterthwaite"),
    ):
        assert ours == pytest.approx([each[name] for each in theirs["nmb"]], rel=EXACT)


def test_blocks_at_the_variances_of_a_mixed_model_give_its_estimate(
    people: pd.DataFrame, theirs: dict[str, Any]
) -> None:
    x = np.column_stack([np.ones(len(people)), people[["arm", "utility.1", "cost.1"]]])
    for each in theirs["nmb"]:
        own = each["k"] * people["qaly"] - people["total"]
        ratio = (each["lmer_sd_site"] / each["lmer_sigma"]) ** 2
        blocks = regression_blocks(x, own, coefficient=1, clusters=people["site"], shared=ratio)
        found = blocks.estimates(np.ones((1, blocks.n_clusters)))[0]
        assert found == pytest.approx(each["lmer_estimate"], rel=MIXED)


def test_bootstrap_of_sites(people: pd.DataFrame, theirs: dict[str, Any]) -> None:
    there, ones = theirs["cluster_bootstrap"], np.ones(len(people))
    keys = {"coefficient": 1, "clusters": people["site"]}
    cost = regression_blocks(np.column_stack([ones, people[["arm", "cost.1"]]]), people["total"], **keys)
    effect = regression_blocks(np.column_stack([ones, people[["arm", "utility.1"]]]), people["qaly"], **keys)
    strata = people.groupby("site")["arm"].first().to_numpy()
    found = joint_bootstrap(cost, effect, strata=strata, replications=20_000, rng=3)
    assert found.cost_estimate == pytest.approx(theirs["cost"]["estimate"], rel=EXACT)
    assert found.effect_estimate == pytest.approx(theirs["effect"]["estimate"], rel=EXACT)
    errors = np.sqrt(np.diagonal(found.covariance))
    # Their 4,000 replications have a Monte Carlo error of 1.1 %.
    assert errors == pytest.approx([there["se_cost"], there["se_effect"]], rel=0.05)
    assert found.covariance[0, 1] / errors.prod() == pytest.approx(there["cor"], abs=0.05)
    shares = quadrant_shares(found.cost, found.effect)
    assert shares.more_effect_more_cost == pytest.approx(there["quadrants"]["NE"], abs=0.03)
    for each in there["ceac"]:
        share = np.mean(each["k"] * found.effect - found.cost > 0)
        assert share == pytest.approx(each["p"], abs=0.03)


def test_gamma_regression_and_standardised_means(people: pd.DataFrame, theirs: dict[str, Any]) -> None:
    there = theirs["gamma_glm"]
    design = np.column_stack([np.ones(len(people)), people["arm"]])
    keys = {"clusters": people["site"], "small_sample": False}
    fit = fit_gamma(design, people["total"] + 1, **keys)
    assert fit.converged
    assert fit.estimate == pytest.approx(list(there["coefficients"].values()), rel=EXACT)
    assert fit.std_error == pytest.approx(list(there["se_cr0"].values()), rel=EXACT)
    assert fit.model_error == pytest.approx(list(there["se_model"].values()), rel=EXACT)
    assert fit.dispersion == pytest.approx(there["dispersion_pearson"], rel=EXACT)
    own = fit_gamma(design, people["total"] + 1, small_sample=False)
    assert own.std_error == pytest.approx(list(there["se_hc0"].values()), rel=EXACT)
    plain = standardised_costs(people["total"] + 1, group=people["arm"], target="these", **keys)
    found = plain.difference[1], plain.difference_error[1]
    assert found == pytest.approx((there["mean_difference"], there["mean_difference_se_cr0"]), rel=EXACT)
    # With R's own stopping rule, and (below) with epsilon = 1e-15.
    mix = np.log(people["cost.1"] + 1)
    found2 = standardised_costs(
        people["total"] + 1, group=people["arm"], case_mix=mix, target="these", **keys
    )
    adjusted, at = there["adjusted"], found2.fit
    assert at.estimate == pytest.approx(list(adjusted["coefficients"].values()), rel=R_STOPS)
    assert at.std_error == pytest.approx(list(adjusted["se_cr0"].values()), rel=R_STOPS)
    names = ("standardised_difference", "standardised_difference_se_cr0")
    ends = found2.difference[1], found2.difference_error[1]
    assert ends == pytest.approx(tuple(adjusted[name] for name in names), rel=R_STOPS)
    assert ends == pytest.approx((962.310890974925, 676.527124335114), rel=1e-7)


def test_indexing_discounting_and_annuities() -> None:
    there = known("discounting")
    index = read_index_table([int(year) for year in there["index"]], list(there["index"].values()))
    price = there["price_2019"]
    found = index_prices([price, price], [2019, 2021], to_year=2023, index=index)
    assert found == pytest.approx([there["price_2023"], there["price_2021_to_2023"]], rel=EXACT)
    names = {"start": "first_year_undiscounted", "middle": "mid_year", "end": "end_of_year"}
    for each in there["rates"]:
        for timing, name in names.items():
            value = present_value(there["flow"], each["rate"], timing=timing)  # type: ignore[arg-type]
            assert float(value) == pytest.approx(each[name], rel=EXACT)
    for each in there["annuity"]:
        factor = annuity_factor(each["rate"], each["years"])
        assert factor == pytest.approx(each["factor"], rel=EXACT)
        assert each["investment"] / factor == pytest.approx(each["annual"], rel=EXACT)
