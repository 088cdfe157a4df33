"""Kaplan-Meier, Aalen-Johansen, tests of groups, Cox and frailty against R on published data and our own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.statistics.survival.competing_events import aalen_johansen
from mpg_research.statistics.survival.cox import CoxFit, fit_cox, proportionality
from mpg_research.statistics.survival.group_tests import gray_test, log_rank
from mpg_research.statistics.survival.kaplan_meier import kaplan_meier
from mpg_research.statistics.survival.restricted_mean import restricted_difference, restricted_mean
from mpg_research.statistics.survival.shared_frailty import fit_shared_frailty
from tests.statistics.process_oracles import data_of, known

OWN = Path(__file__).parents[2] / "oracles" / "survival"
#: Closed formulas in double precision on either side (R prints 15 digits).
EXACT = 1e-10
#: Iterations that end by a criterion of their own.
ITERATED = 1e-6
#: R stops its search for the frailty's variance early, and leaves parts of the information out.
FRAILTY, ERROR_OF_FRAILTY = 1e-3, 4e-3
MOMENTS = [12, 60, 120, 240, 360]


@pytest.mark.parametrize("limits", ["plain", "log", "log-log"])
def test_kaplan_meier_with_its_limits(limits: Any) -> None:
    rows, theirs = data_of("mgus2"), known("mgus2")["km_death"][limits]
    for row in theirs:
        mine = rows[rows["sex"] == row["strata"].removeprefix("sex=")]
        found = kaplan_meier(mine["futime"], mine["death"], limits=limits).at([row["time"]])
        for ours, name in (("survival", "surv"), ("std_error", "se"), ("low", "lower"), ("high", "upper")):
            assert found[ours][0] == pytest.approx(row[name], abs=EXACT)


def test_quantiles() -> None:
    rows, theirs = data_of("mgus2"), known("mgus2")["km_death"]["quantiles_loglog"]
    for place, sex in enumerate("FM"):
        mine = rows[rows["sex"] == sex]
        curve = kaplan_meier(mine["futime"], mine["death"])
        for share in (25, 50, 75):
            wanted = [theirs[name][place][str(share)] for name in ("quantile", "lower", "upper")]
            assert list(curve.quantile(share / 100)) == wanted


def test_aalen_johansen_with_both_errors() -> None:
    rows, all_of_it = data_of("mgus2"), known("mgus2")
    for label, mine in (("all", rows), ("F", rows[rows["sex"] == "F"]), ("M", rows[rows["sex"] == "M"])):
        found = aalen_johansen(mine["first"], mine["cause"], at=MOMENTS, limits="log")
        theirs = all_of_it["aj_overall" if label == "all" else "aj_by_sex"]
        for kind, cause in enumerate(("pcm", "death")):
            wanted = pd.DataFrame(theirs[cause])
            wanted = wanted[wanted["strata"].isin([label, f"sex={label}"])]
            assert found.estimate[:, kind] == pytest.approx(wanted["cif"].to_numpy(), abs=EXACT)
            assert found.std_error[:, kind] == pytest.approx(wanted["se"].to_numpy(), abs=EXACT)
            assert found.low[:, kind] == pytest.approx(wanted["lower_log"].to_numpy(), abs=EXACT)
    theirs = all_of_it["cuminc_by_sex"]
    for place, (sex, kind) in enumerate((("F", 0), ("M", 0), ("F", 1), ("M", 1))):
        mine = rows[rows["sex"] == sex]
        found = aalen_johansen(mine["first"], mine["cause"], at=MOMENTS, error="aalen")
        assert found.std_error[:, kind] ** 2 == pytest.approx(np.array(theirs["var"][place]), rel=1e-9)


def test_tests_of_groups() -> None:
    rows, theirs = data_of("mgus2"), known("mgus2")
    for cause in (1, 2):
        found = gray_test(rows["first"], rows["cause"], rows["sex"], of=cause)
        assert found.statistic == pytest.approx(theirs["gray_test"][cause - 1]["stat"], abs=ITERATED)
        assert found.p_value == pytest.approx(theirs["gray_test"][cause - 1]["pv"], abs=ITERATED)
    wanted = theirs["km_death"]["logrank"]
    assert log_rank(rows["futime"], rows["death"], rows["sex"]).statistic == pytest.approx(
        wanted["chisq"], abs=ITERATED
    )


def test_restricted_means() -> None:
    rows, theirs = data_of("mgus2"), known("mgus2")["rmst"]
    arms = []
    for sex in "FM":
        mine, wanted = rows[rows["sex"] == sex], theirs[f"arm_{sex}"]
        arms.append(restricted_mean(mine["futime"], mine["death"], horizon=120.0))
        assert arms[-1].mean == pytest.approx(wanted["rmst"], abs=EXACT)
        assert arms[-1].std_error == pytest.approx(wanted["se"], abs=EXACT)
    gap, wanted = restricted_difference(arms[1], arms[0]), theirs["difference_M_minus_F"]
    assert (gap.mean, gap.std_error) == pytest.approx((wanted["estimate"], wanted["se"]), abs=EXACT)


def _same(found: CoxFit, wanted: dict[str, Any]) -> None:
    assert found.converged
    assert found.coefficients == pytest.approx(list(wanted["coefficients"].values()), abs=ITERATED)
    assert [found.log_likelihood_null, found.log_likelihood] == pytest.approx(wanted["loglik"], abs=ITERATED)
    errors = wanted.get("naive_se", wanted.get("se"))
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(list(errors.values()), rel=2 * ITERATED)
    if "robust_se" in wanted:
        robust = np.sqrt(np.diag(found.robust))
        assert robust == pytest.approx(list(wanted["robust_se"].values()), rel=ITERATED)


def test_cox_with_ties_late_entry_and_the_test_of_proportionality() -> None:
    rows, theirs = data_of("mgus2").dropna(subset=["hgb"]), known("mgus2")
    design = rows[["age", "male", "hgb"]].to_numpy(dtype=float)
    for name, cause in (("pcm", 1), ("death", 2), ("pcm_breslow", 1)):
        ties: Any = "breslow" if "breslow" in name else "efron"
        found = fit_cox(rows["first"], rows["cause"] == cause, design, ties=ties)
        _same(found, theirs["cox_cause_specific"][name])
    tests = proportionality(rows["first"], rows["cause"] == 2, design)
    for ours, wanted in zip(tests, theirs["zph_death"], strict=True):
        assert ours.statistic == pytest.approx(wanted["chisq"], abs=ITERATED)
    # R takes times as tied that differ by rounding only.
    until = np.round(rows["age"] + rows["futime"] / 12, 6)
    seen = (until > rows["age"]).to_numpy()
    found = fit_cox(until[seen], rows["death"][seen], design[seen][:, 1:], entry=rows["age"][seen])
    _same(found, theirs["left_truncation"]["cox"])


def test_late_entry_in_a_curve() -> None:
    rows, theirs = data_of("mgus2"), known("mgus2")["left_truncation"]["km"]
    until = np.round(rows["age"] + rows["futime"] / 12, 6)
    rows = rows.assign(until=until)[(rows["age"] >= 50) & (until > rows["age"])]
    for row in theirs:
        mine = rows[rows["sex"] == row["strata"].removeprefix("sex=")]
        curve = kaplan_meier(mine["until"], mine["death"], entry=mine["age"], limits="log")
        found = curve.at([row["time"]])
        assert found["survival"][0] == pytest.approx(row["surv"], abs=EXACT)
        assert found["std_error"][0] == pytest.approx(row["se"], abs=EXACT)


def test_cox_over_clusters_strata_and_time_varying_columns() -> None:
    eyes, theirs = data_of("retinopathy"), known("retinopathy")
    design = eyes[["trt", "adult", "risk"]].to_numpy(dtype=float)
    _same(fit_cox(eyes["futime"], eyes["status"], design), theirs["naive"])
    _same(fit_cox(eyes["futime"], eyes["status"], design, cluster=eyes["id"]), theirs["cluster_robust"])
    found = fit_cox(eyes["futime"], eyes["status"], design, cluster=eyes["id"], ties="breslow")
    _same(found, theirs["cluster_robust_breslow"])
    found = fit_cox(eyes["futime"], eyes["status"], design[:, :1], strata=eyes["id"])
    _same(found, theirs["stratified_by_patient"])
    heart, theirs = data_of("heart"), known("heart")
    design = heart[["age", "year", "surgery", "transplant"]].to_numpy(dtype=float)
    rows = {"entry": heart["start"], "cluster": heart["id"]}
    _same(fit_cox(heart["stop"], heart["event"], design, **rows), theirs["robust"])
    _same(fit_cox(heart["stop"], heart["event"], design, ties="breslow", **rows), theirs["breslow"])
    again, theirs = data_of("cgd"), known("cgd")
    design = again[["treated", "age", "autosomal", "steroids"]].to_numpy(dtype=float)
    found = fit_cox(again["tstop"], again["status"], design, entry=again["tstart"], cluster=again["id"])
    _same(found, theirs["andersen_gill_robust"])
    found = fit_cox(
        again["tstop"], again["status"], design[:, :2], entry=again["tstart"], cluster=again["id"],
        strata=again["enum"].clip(upper=3),
    )  # fmt: skip
    _same(found, theirs["pwp_total_time"])


def test_gamma_frailty() -> None:
    eyes, again = data_of("retinopathy"), data_of("cgd")
    cases = (
        ("retinopathy", eyes[["trt", "adult", "risk"]], eyes["futime"], eyes["status"], eyes["id"], None),
        ("cgd", again[["treated", "age"]], again["tstop"], again["status"], again["id"], again["tstart"]),
    )
    for name, design, time, event, group, entry in cases:
        wanted = known(name)["gamma_frailty"]
        found = fit_shared_frailty(time, event, design.to_numpy(dtype=float), group, entry=entry)
        assert found.converged
        assert found.coefficients == pytest.approx(list(wanted["coefficients"].values()), abs=FRAILTY)
        assert found.std_error == pytest.approx(list(wanted["se"].values()), abs=ERROR_OF_FRAILTY)
        assert found.variance == pytest.approx(wanted["theta"], rel=1e-2)
        # Ours is the higher point of the same likelihood.
        assert wanted["i_loglik"] - ITERATED <= found.log_likelihood < wanted["i_loglik"] + 1e-3
        assert found.low < found.variance < found.high


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(OWN / "afterwards.csv")


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OWN / "afterwards.json").read_text(encoding="utf-8"))
    return found


def test_late_entry_and_clusters_on_our_own_data(data: pd.DataFrame, theirs: dict[str, Any]) -> None:
    late = {"entry": data["entry"], "cluster": data["worker"]}
    found = aalen_johansen(data["time"], data["cause"], at=theirs["at"], **late)
    assert found.estimate == pytest.approx(np.array(theirs["aj"]["estimate"]), abs=EXACT)
    assert found.std_error == pytest.approx(np.array(theirs["aj"]["clustered"]), abs=EXACT)
    alone = aalen_johansen(data["time"], data["cause"], at=theirs["at"], entry=data["entry"])
    assert alone.std_error == pytest.approx(np.array(theirs["aj"]["alone"]), abs=EXACT)
    for name, options in (("std_error", {}), ("clustered", {"cluster": data["worker"]})):
        curve = kaplan_meier(data["time"], data["cause"] > 0, entry=data["entry"], **options)
        at = curve.at(theirs["at"])
        assert at["survival"] == pytest.approx(theirs["km"]["survival"], abs=EXACT)
        assert at["std_error"] == pytest.approx(theirs["km"][name], abs=EXACT)


def test_cox_and_group_tests_on_our_own_data(data: pd.DataFrame, theirs: dict[str, Any]) -> None:
    design, one = data[["x", "z"]].to_numpy(dtype=float), data["cause"] == 1
    common = {"entry": data["entry"], "strata": data["place"]}
    fit, wanted = fit_cox(data["time"], one, design, cluster=data["worker"], **common), theirs["cox"]
    assert fit.coefficients == pytest.approx(wanted["coefficients"], abs=ITERATED)
    assert np.sqrt(np.diag(fit.robust)) == pytest.approx(wanted["robust"], rel=ITERATED)
    tests = proportionality(data["time"], one, design, **common)
    assert [test.statistic for test in tests] == pytest.approx(theirs["zph"], abs=ITERATED)
    full = data[data["entry"] == 0]
    found = [gray_test(full["time"], full["cause"], full["group"], of=cause) for cause in (1, 2, 3)]
    assert [test.statistic for test in found] == pytest.approx(theirs["gray"], abs=ITERATED)
    found_rank = log_rank(full["time"], full["cause"] == 1, full["group"], strata=full["place"])
    assert found_rank.statistic == pytest.approx(theirs["log_rank"], abs=ITERATED)


@pytest.mark.parametrize("name", ["workers", "groups", "breslow"])
def test_gamma_frailty_with_late_entry_and_strata_on_our_own_data(data: pd.DataFrame, name: str) -> None:
    wanted = json.loads((OWN / "frailty.json").read_text(encoding="utf-8"))[name]
    drawn = pd.read_csv(OWN / "frailty.csv")
    ties: Any = "breslow" if name == "breslow" else "efron"
    if name == "workers":
        found = fit_shared_frailty(
            data["time"], data["cause"] > 0, data[["x", "z"]].to_numpy(), data["worker"],
            entry=data["entry"], strata=data["place"], ties=ties,
        )  # fmt: skip
    else:
        found = fit_shared_frailty(
            drawn["time"], drawn["event"] == 1, drawn[["x", "z"]].to_numpy(), drawn["group"],
            entry=drawn["entry"], ties=ties,
        )  # fmt: skip
    assert found.converged
    assert found.coefficients == pytest.approx(wanted["coefficients"], abs=FRAILTY)
    assert found.std_error == pytest.approx(wanted["std_error"], abs=ERROR_OF_FRAILTY)
    assert found.variance == pytest.approx(wanted["variance"], rel=1e-2, abs=1e-3)
    assert found.log_likelihood >= wanted["log_likelihood"] - ITERATED
