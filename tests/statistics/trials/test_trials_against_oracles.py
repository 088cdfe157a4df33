"""Weights, sequential trials, marginal models, balance, g-formula, E-values and GEE against R's packages.

Files and their licences: ``tests/oracles/interventions/README.md``.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.statistics.trials.balance import compare_groups
from mpg_research.statistics.trials.doubly_robust import augmented_difference
from mpg_research.statistics.trials.estimating_equations import estimating_equations
from mpg_research.statistics.trials.evalues import (
    evalue_of_coefficient,
    evalue_of_difference,
    evalue_of_ratio,
    risk_ratio_of,
)
from mpg_research.statistics.trials.g_formula import (
    LinearStep,
    iterated_expectation,
    least_squares,
    propagate,
    stage_moments,
)
from mpg_research.statistics.trials.regression import WeightedFit, weighted_regression
from mpg_research.statistics.trials.sequential import cumulative_risk, expand_trials, rows_on_regime
from mpg_research.statistics.trials.weights import (
    cumulative_weights,
    effective_sample_size,
    fit_chances,
    ratio_of_chances,
    truncate_weights,
)

ORACLES = Path(__file__).parents[2] / "oracles" / "interventions"
# Both sides come to rest by Newton's method on the log-odds scale.
COEFFICIENT = 1e-6
# R's glm keeps the working weights of its last iteration but one: up to 1e-4 of a standard error.
ROBUST_ERROR = 2e-4
WEIGHT = 1e-7
OTHERWISE = 1e-6


def _known(name: str) -> dict:
    return json.loads((ORACLES / name).read_text(encoding="utf-8"))


def _design(data: pd.DataFrame, *columns: str) -> np.ndarray:
    return np.column_stack([np.ones(len(data)), *(data[column] for column in columns)])


def _same(found: np.ndarray, known: object, tolerance: float = OTHERWISE) -> None:
    np.testing.assert_allclose(found, np.asarray(known, dtype=float), rtol=tolerance, atol=0)


# Sequential trials ------------------------------------------------------------------------------------------


def _models_equal(known: list[dict], estimate: np.ndarray) -> None:
    np.testing.assert_allclose(estimate, [term["estimate"] for term in known], atol=COEFFICIENT)


def _remaining(data: pd.DataFrame, known: dict, above: list[str], below: list[str], pool: bool) -> np.ndarray:
    """Factors for still being seen, by what was taken in the row before."""
    stays, factor = 1 - data["censored"].to_numpy(), np.ones(len(data))
    pooled = fit_chances(_design(data, *above), stays).estimate if pool else None
    for arm in (0, 1):
        rows = (data["before"] == arm).to_numpy()
        part = data[rows]
        top = fit_chances(_design(part, *above), stays[rows])
        bottom = fit_chances(_design(part, *below), stays[rows])
        _models_equal(known[f"d{arm}"], bottom.estimate)
        if pooled is None:
            _models_equal(known[f"n{arm}"], top.estimate)
            numerator = top.chances(_design(part, *above))
        else:
            _models_equal(known["n"], pooled)
            numerator = fit_chances(_design(data, *above), stays).chances(_design(part, *above))
        factor[rows] = ratio_of_chances(
            np.ones(rows.sum(), dtype=bool),
            numerator=numerator,
            denominator=bottom.chances(_design(part, *below)),
        )
    return factor


def _check_trials(name: str, fit: WeightedFit, weight: np.ndarray, expanded: pd.DataFrame) -> None:
    known = _known("te_sequential_trials.json")[name]
    assert len(expanded) == known["n_expanded"]
    assert expanded["id"].nunique() == known["n_patients"]
    assert expanded["period_of_trial"].nunique() == known["n_trials"]
    assert int(expanded["outcome"].sum()) == known["events"]
    counted = expanded["assigned_treatment"].value_counts()
    assert {str(arm): int(n) for arm, n in counted.items()} == known["n_arm"]
    summary = known["weight_summary"]
    _same(weight.mean(), summary["mean"])
    _same([weight.min(), weight.max()], [summary["min"], summary["max"]], 1e-6)
    _same(effective_sample_size(weight), summary["ess"])
    np.testing.assert_allclose(fit.estimate, list(known["coefficients"].values()), atol=COEFFICIENT)
    _same(fit.std_error, list(known["robust_se"].values()), ROBUST_ERROR)


def _cumulative(expanded: pd.DataFrame, fit: WeightedFit, terms: list[str], known: dict) -> None:
    starts = expanded[expanded["followup_time"] == 0]
    starts = starts[
        starts["period_of_trial"] == starts["period_of_trial"].min()
    ]  # the people of the first trial
    for arm in (0, 1):
        hazards = []
        for time in known["time"]:
            at = starts.assign(assigned_treatment=arm, followup_time=time)
            hazards.append(1 / (1 + np.exp(-_design(at, *terms) @ fit.estimate)))
        _same(cumulative_risk(np.column_stack(hazards)), known[f"a{arm}"], 1e-5)


def _expanded(
    data: pd.DataFrame, factor: np.ndarray, *, until_switch: bool
) -> tuple[pd.DataFrame, np.ndarray]:
    trials = expand_trials(
        data["regime"] if "regime" in data else data["id"],
        data["treatment"],
        eligible=data["eligible"],
        until_switch=until_switch,
    )
    at_start = data.iloc[trials.baseline].reset_index(drop=True)
    rows = at_start.assign(
        assigned_treatment=at_start["treatment"],
        followup_time=trials.follow_up,
        outcome=data["outcome"].to_numpy()[trials.row],
        period_of_trial=at_start["period"],
        trial_period=at_start["period"],
    )
    return rows, cumulative_weights(factor[trials.row], trial=trials.baseline)


def _check_outcome(name: str, expanded: pd.DataFrame, weight: np.ndarray, terms: list[str]) -> None:
    """Fit the outcome in the expanded rows; coefficients, errors, weights and cumulative incidence."""
    fit = weighted_regression(
        _design(expanded, *terms),
        expanded["outcome"],
        weight=weight,
        clusters=expanded["id"],
        family="binomial",
    )
    _check_trials(name, fit, weight, expanded)
    _cumulative(expanded, fit, terms, _known("te_sequential_trials.json")[name]["cum_inc"])


def test_intention_to_treat_with_censoring_equals_trialemulation() -> None:
    data = pd.read_csv(ORACLES / "te_data_censored.csv").sort_values(["id", "period"], ignore_index=True)
    data["before"] = data.groupby("id")["treatment"].shift(fill_value=0)
    name = "itt_censor_data_censored"
    known = _known("te_sequential_trials.json")[name]
    models = known["weight_models"]["censor_weights"]
    factor = _remaining(data, models, ["x3"], ["x1", "x2", "x3"], True)
    expanded, weight = _expanded(data, factor, until_switch=False)
    terms = ["assigned_treatment", "x1", "x2", "followup_time", "x3"]
    _check_outcome(name, expanded, weight, terms)


@pytest.mark.parametrize("name", [key for key in _known("te_sequential_trials.json") if key.startswith("pp")])
def test_per_protocol_with_switching_equals_trialemulation(name: str) -> None:
    known = _known("te_sequential_trials.json")[name]
    file = "te_simulated_1000.csv" if "simulated_1000" in name else "te_data_censored.csv"
    data = pd.read_csv(ORACLES / file).sort_values(["id", "period"], ignore_index=True)
    data["before"] = data.groupby("id")["treatment"].shift(fill_value=0)
    data = data[rows_on_regime(data["id"], data["treatment"], eligible=data["eligible"])].reset_index(
        drop=True
    )
    models = known["weight_models"]
    above = [t["term"] for t in models["switch_weights"]["n1"]][1:]
    below = [t["term"] for t in models["switch_weights"]["d1"]][1:]
    factor = np.ones(len(data))
    for arm in (0, 1):
        rows = (data["before"] == arm).to_numpy()
        part = data[rows]
        top = fit_chances(_design(part, *above), part["treatment"])
        bottom = fit_chances(_design(part, *below), part["treatment"])
        _models_equal(models["switch_weights"][f"n{arm}"], top.estimate)
        _models_equal(models["switch_weights"][f"d{arm}"], bottom.estimate)
        factor[rows] = ratio_of_chances(
            part["treatment"] == 1,
            numerator=top.chances(_design(part, *above)),
            denominator=bottom.chances(_design(part, *below)),
        )
    if "censor_weights" in models:
        below = [t["term"] for t in models["censor_weights"]["d1"]][1:]
        pool = "n" in models["censor_weights"]
        factor = factor * _remaining(data, models["censor_weights"], above, below, pool)
    # a gap (dropped rows) ends what came before it
    gap = (data["period"].diff() != 1) | (data["id"] != data["id"].shift())
    data["regime"] = gap.cumsum()
    expanded, weight = _expanded(data, factor, until_switch=True)
    terms = known["formula"].split("~")[1].replace(" ", "").split("+")
    _check_outcome(name, expanded, weight, terms)


def test_published_marginal_models_are_reproduced() -> None:
    data = pd.read_csv(ORACLES / "te_ready_for_modelling.csv")
    known = _known("te_published_msm.json")
    cut = truncate_weights(data["weight"], method="inverted_cdf")
    printed = [float(value) for value in known["p99"].rstrip(")").split("type 1: ")[1].split(", ")]
    _same([cut.low, cut.high], printed, 1e-13)
    for name, weight in (("unweighted", np.ones(len(data))), ("p99_weights", cut.weights)):
        fit = weighted_regression(
            _design(data, *known[name]["names"][1:]), data["outcome"],
            weight=weight, clusters=data["id"], family="binomial",
        )  # fmt: skip
        # Printed with eight and seven decimals.
        np.testing.assert_allclose(fit.estimate, known[name]["estimate"], atol=2e-8)
        _same(fit.std_error, known[name]["robust_se"], ROBUST_ERROR)


# Weights of three treatments --------------------------------------------------------------------------------


def test_weights_of_three_treatments_and_their_models_equal_survey() -> None:
    data, known = pd.read_csv(ORACLES / "msmdata.csv"), _known("msm_wide.json")
    below = [["X1_0", "X2_0"], ["X1_1", "X2_1", "A_1", "X1_0", "X2_0"]]
    below.append(["X1_2", "X2_2", "A_2", "X1_1", "X2_1", "A_1", "X1_0", "X2_0"])
    above: list[list[str]] = [[], ["A_1"], ["A_2", "A_1"]]
    plain, stable = np.ones(len(data)), np.ones(len(data))
    for time in (1, 2, 3):
        taken = data[f"A_{time}"] == 1
        bottom = fit_chances(_design(data, *below[time - 1]), taken)
        top = fit_chances(_design(data, *above[time - 1]), taken)
        for letter, model in (("d", bottom), ("n", top)):
            values = list(known["weight_models"][f"{letter}{time}"].values())
            np.testing.assert_allclose(model.estimate, values, atol=COEFFICIENT)
        chance = bottom.chances(_design(data, *below[time - 1]))
        plain /= np.where(taken, chance, 1 - chance)
        numerator = top.chances(_design(data, *above[time - 1]))
        stable *= ratio_of_chances(taken, numerator=numerator, denominator=chance)
    cut = truncate_weights(stable)
    _same([cut.low, cut.high], known["weights"]["stabilised_trunc_1_99"]["limits"], WEIGHT)
    weights = {"unstabilised": plain, "stabilised": stable, "stabilised_trunc_1_99": cut.weights}
    for name, weight in weights.items():
        seen = known["weights"][name]
        _same(weight[:10], seen["first10"], WEIGHT)
        summary = [
            weight.mean(),
            weight.std(ddof=1),
            weight.min(),
            weight.max(),
            effective_sample_size(weight),
        ]
        _same(summary, [seen[key] for key in ("mean", "sd", "min", "max", "ess")])
    a = data[["A_1", "A_2", "A_3"]].to_numpy(dtype=float)
    products = [a[:, 0] * a[:, 1], a[:, 0] * a[:, 2], a[:, 1] * a[:, 2], a.prod(axis=1)]
    designs = {"additive": _design(data, "A_1", "A_2", "A_3")}
    designs["saturated"] = np.column_stack([designs["additive"], *products])
    for kind, family in (("msm_logit", "binomial"), ("msm_identity", "gaussian")):
        for name, models in known[kind].items():
            for form, values in models.items():
                weight = weights.get(name, np.ones(len(data)))
                fit = weighted_regression(designs[form], data["Y_B"], weight=weight, family=family)
                np.testing.assert_allclose(fit.estimate, list(values["coefficients"].values()), atol=1e-7)
                _same(fit.std_error, list(values["robust_se"].values()))
    for arm, key in ((0, "hajek_mean_never"), (1, "hajek_mean_always")):
        group = (a == arm).all(axis=1)
        _same(np.average(data["Y_B"][group], weights=plain[group]), known[key])
    for pair, values in known["smd"].items():
        treatment, column = pair.split("~")
        for name, weight in (("unweighted", None), ("unstabilised", plain), ("stabilised", stable)):
            found = compare_groups(data[[column]], data[treatment] == 1, weight=weight)
            np.testing.assert_allclose(found.standardised[0], values[name]["smd"], rtol=1e-6, atol=1e-9)


# Balance and doubly robust ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lalonde() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    data = pd.read_csv(ORACLES / "lalonde.csv")
    for race in ("black", "hispan", "white"):
        data[f"race_{race}"] = (data["race"] == race) * 1.0
    design = _design(data, "age", "educ", "race_hispan", "race_white", "married", "nodegree", "re74", "re75")
    # in standard deviations, so that the normal equations keep their digits
    design[:, 1:] = (design[:, 1:] - design[:, 1:].mean(axis=0)) / design[:, 1:].std(axis=0)
    return data, design, fit_chances(design, data["treat"]).chances(design)


def test_balance_equals_that_of_r(lalonde: tuple) -> None:
    data, _, chance = lalonde
    known = _known("balance_lalonde.json")
    arm = (data["treat"] == 1).to_numpy()
    weight = np.where(arm, 1, chance / (1 - chance))
    _same(weight[~arm][:10], known["weights_first10_controls"], WEIGHT)
    names = list(known["balance"])
    for key, used in (("unweighted", None), ("att", weight)):
        found = compare_groups(data[names], arm, weight=used)
        expected = pd.DataFrame({name: known["balance"][name][key] for name in names}, dtype=float).T
        pairs = {
            "mean_treated": found.mean_treated, "mean_control": found.mean_control, "diff": found.difference,
            "smd_sd_treated": found.by_treated, "smd_sd_pooled": found.standardised,
            "variance_ratio": found.variance_ratio, "ks": found.distance,
        }  # fmt: skip
        for column, values in pairs.items():
            # what is balanced is a small difference of large numbers
            near = 1e-8 * np.abs(expected["mean_treated"]) if column == "diff" else 1e-9
            apart = np.abs(np.asarray(values) - expected[column].to_numpy())
            both_missing = np.isnan(values) & expected[column].isna()
            assert (both_missing | (apart <= near + 1e-6 * expected[column].abs())).all(), column
    _same([found.size_treated, found.size_control], [known["ess_treated"], known["ess_control"]])
    fit = weighted_regression(_design(data, "treat"), data["re78"], weight=weight)
    _same([fit.estimate[1], fit.std_error[1]], list(known["att_difference"].values()))
    terms = ["treat", "age", "educ", "race_hispan", "race_white", "married", "nodegree", "re74", "re75"]
    fit = weighted_regression(_design(data, *terms), data["re78"], weight=weight)
    _same([fit.estimate[1], fit.std_error[1]], list(known["att_regression"].values()))


def test_doubly_robust_estimates_equal_those_of_r(lalonde: tuple) -> None:
    data, design, chance = lalonde
    known = _known("doubly_robust_lalonde.json")
    for target, key in (("all", "ate"), ("treated", "att")):
        found = augmented_difference(
            data["re78"], data["treat"] == 1, chance=chance, design=design, target=target
        )
        _same(found.augmented, known[f"aipw_{key}"])
        _same(found.by_outcome, known[f"outcome_regression_{key}"])
        _same(found.by_weights, known[f"hajek_ipw_{key}"])
        if target == "all":
            _same(found.std_error, known["aipw_ate_if_se"])


# g-formula --------------------------------------------------------------------------------------------------

STRATEGIES = {
    "never": [0] * 7,
    "always": [1] * 7,
    "from3": [0, 0, 0, 1, 1, 1, 1],
    "always_but_not_at_t6": [1, 1, 1, 1, 1, 1, 0],
    "only_at_t5": [0, 0, 0, 0, 0, 1, 0],
}


def test_g_formula_equals_the_exact_expectations_and_gformula() -> None:
    known = _known("gformula_continuous.json")
    data = pd.read_csv(ORACLES / "gformula_continuous.csv").sort_values(["id", "t0"], ignore_index=True)
    for name in ("A", "L2"):
        data[f"lag1_{name}"] = data.groupby("id")[name].shift()
    later, last = data[data["t0"] > 0], data[data["t0"] == 6]
    change = least_squares(_design(later, "lag1_A", "lag1_L2", "L3", "t0"), later["L2"])
    end = least_squares(_design(last, "A", "L2", "lag1_A", "lag1_L2", "L3"), last["Y"])
    np.testing.assert_allclose(change, list(known["coef_L2"].values()), atol=1e-8)
    np.testing.assert_allclose(end, list(known["coef_Y"].values()), atol=1e-8)
    names = ["", "lag1_A", "lag1_L2", "L3", "t0"]
    model = LinearStep("L2", dict(zip(names, change, strict=True)))
    outcome = LinearStep("Y", dict(zip(["", "A", "L2", "lag1_A", "lag1_L2", "L3"], end, strict=True)))
    first = data[data["t0"] == 0]
    start = {"L2": first["L2"], "L3": first["L3"]}
    for name, strategy in STRATEGIES.items():
        found = float(propagate(start, [model], strategy={"A": strategy}, outcome=outcome).mean())
        assert found == pytest.approx(known["exact"][name], abs=1e-8)
        if name in known["gfoRmula"]:  # by 100,000 simulated persons
            assert found == pytest.approx(known["gfoRmula"][name], abs=1e-5)


def test_iterated_expectations_are_those_carried_forward_where_each_step_has_its_own_model() -> None:
    data = pd.read_csv(ORACLES / "gformula_continuous.csv").sort_values(["id", "t0"], ignore_index=True)
    wide = data.pivot(index="id", columns="t0", values=["A", "L2", "L3"])
    n, taken, level = len(wide), wide["A"].to_numpy(), wide["L2"].to_numpy()
    steady = wide["L3"].to_numpy()[:, 0]
    y = data[data["t0"] == 6]["Y"].to_numpy()
    # The strategy "always for three steps, then as it comes", in a world of the first three steps.
    outcome = y + level[:, 2]
    stages, followed = [], []
    keeps = np.ones(n, dtype=bool)
    for step in range(3):
        stages.append(np.column_stack([np.ones(n), level[:, step], steady]))
        keeps = keeps & (taken[:, step] == 1)
        followed.append(keeps.copy())
    moments = stage_moments(stages, followed, outcome, clusters=np.arange(n) // 7)
    found = iterated_expectation(moments)
    expected = np.column_stack([np.ones(n), level[:, 0], steady]).mean(axis=0)
    for step in range(2):
        beta = least_squares(stages[step][followed[step]], level[followed[step], step + 1])
        expected = np.array([1.0, expected @ beta, expected[2]])
        if step == 0:
            # the mean of what stays the same is that of everybody
            expected[2] = steady.mean()
    end = least_squares(stages[2][followed[2]], outcome[followed[2]])
    assert found == pytest.approx(float(expected @ end), abs=1e-8)
    twice = iterated_expectation(moments, np.full(len(moments.n), 2.0))
    assert twice == pytest.approx(found, abs=1e-9)


# E-values ---------------------------------------------------------------------------------------------------


def test_evalues_equal_those_of_the_package() -> None:
    for row in pd.read_csv(ORACLES / "evalues.csv").itertuples():
        null = 1.0 if np.isnan(row.true) else row.true
        if row.measure == "MD_standardised":
            found = evalue_of_difference(row.est, row.se)
        elif row.measure == "OLS":
            found = evalue_of_coefficient(row.est, row.se, sd=row.sd, contrast=row.delta)
        else:
            kind = {"OR": "odds", "HR": "hazard"}.get(row.measure)
            rare = kind is None or bool(row.rare)
            values = [row.est, row.lo, row.hi]
            if kind:
                values = [risk_ratio_of(value, kind, rare=rare) for value in values]
            found = evalue_of_ratio(*values, null=null)
        _same([found.risk_ratio, found.risk_low, found.risk_high], [row.rr, row.rr_lo, row.rr_hi], 1e-9)
        _same([found.point, found.limit], [row.evalue_point, row.evalue_ci], 1e-9)


# GEE --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [key for key in _known("gee.json")["fits"] if "ar1" not in key])
def test_estimating_equations_equal_geepack(name: str) -> None:
    known = _known("gee.json")["fits"][name]
    if name.startswith("respiratory"):
        data = pd.read_csv(ORACLES / "gee_respiratory.csv")
        data["treatP"], data["sexM"] = (data["treat"] == "P") * 1.0, (data["sex"] == "M") * 1.0
        design = _design(data, "center", "treatP", "sexM", "baseline", "age")
        outcome, clusters, family = data["outcome"], data["pid"], "binomial"
    else:
        data = pd.read_csv(ORACLES / "gee_sleepstudy.csv")
        design, outcome, clusters = _design(data, "Days"), data["Reaction"], data["Subject"]
        family = "gaussian"
    weight = data["w"] if known["weighted"] else None
    alpha = None if known["corstr"] == "independence" else known["alpha"]
    found = estimating_equations(
        design, outcome, clusters=clusters, weight=weight, family=family, correlation=alpha
    )
    assert found.converged
    _same(found.estimate, list(known["coefficients"].values()))
    _same(found.std_error, list(known["robust_se"].values()))
    _same(found.scale, known["scale"])
    if alpha is None:
        plain = weighted_regression(
            design, outcome, weight=weight, clusters=clusters, family=family, correction="none"
        )
        _same(plain.estimate, found.estimate)
        _same(plain.std_error, found.std_error)
    elif not known["weighted"]:
        own = estimating_equations(design, outcome, clusters=clusters, family=family, exchangeable=True)
        assert own.converged
        _same(own.correlation, known["alpha"])
