"""Write docs/reference/agreement.md: how far results lie from those of R and SAS, model by model.

Run ``python benchmarks/agreement_page.py``. Needs Rscript with lme4, lmerTest, pbkrtest and nlme (the first
table is made by both programs, here and now), and the reference values that the tests use: those in
``tests/oracles/``, and those of ``shared/oracles/`` beside the repository.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from mpg_research.mixed import fit_mixed  # noqa: E402
from tests.mixed import test_fit_against_r as lmer  # noqa: E402
from tests.mixed.covariance import test_waves_against_r as waves  # noqa: E402
from tests.mixed.covariance import test_waves_against_sas as mmrm_sas  # noqa: E402
from tests.mixed.oracle_models import ORACLES  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "agreement.md"

#: Subject, the program it is compared with, the test, and the name of the tolerance in it.
HELD = (
    (
        "formulas, as R writes them",
        "lme4, lmerTest, pbkrtest",
        "mixed/design/test_formulas_against_r.py",
        "SAME",
    ),
    ("measurement error beside CAR(1)", "nlme", "mixed/covariance/test_measurement_error.py", "1e-6"),
    (
        "means, slopes, contrasts, predictions",
        "emmeans, lmerTest, lme4",
        "mixed/questions/test_questions_against_r.py",
        "1e-5",
    ),
    (
        "the growth models of the analyses",
        "lme4, emmeans, pbkrtest",
        "analysis/growth/test_growth_against_r.py",
        "2e-3",
    ),
    ("two outcomes in one growth model", "nlme", "analysis/outcomes/test_growth_together.py", "1e-4"),
    (
        "slopes within and between families",
        "R panel models",
        "analysis/process/test_within_between.py",
        "1e-6",
    ),
    ("drift of workers who score", "lmerTest", "analysis/practice/test_rater_drift.py", "1e-4"),
    ("providers compared", "lm, lme4, pprof", "analysis/organisations/test_providers_against_r.py", "1e-8"),
    (
        "duration and shares",
        "survival, funnels by formula",
        "analysis/organisations/test_duration_and_shares.py",
        "1e-8",
    ),
    (
        "ranks, funnel limits",
        "csranks, merTools, FunnelPlotR, PHEindicatormethods",
        "statistics/providers/test_ranks_and_funnels_against_oracles.py",
        "EXACT",
    ),
    ("observed and expected counts", "R, published tables", "statistics/providers/test_ratios.py", "SUMMED"),
    (
        "reliable change, six methods",
        "clinicalsignificance",
        "statistics/change/test_reliable_change.py",
        "EXACT",
    ),
    ("reliability", "psych, factanal", "instruments/test_reliability.py", "EXACT"),
    ("small statistics", "R", "statistics/test_statistics_against_r.py", "EXACT"),
    ("logistic regression", "glm, geepack", "statistics/test_logistic.py", "SAME"),
    ("time until something happens", "survival, cmprsk", "statistics/survival/test_against_r.py", "ITERATED"),
    ("drop-out by a month", "survival", "statistics/survival/test_cumulative_incidence.py", "EXACT"),
    (
        "trials emulated: weights, g-formula, GEE",
        "TrialEmulation, ipw, gfoRmula, geepack",
        "statistics/trials/test_trials_against_oracles.py",
        "WEIGHT",
    ),
    ("costs and effects", "R", "statistics/economics/test_economics_against_r.py", "1e-7"),
    ("concordance", "pROC", "statistics/test_concordance.py", "DIGITS"),
)


def main() -> None:
    if ORACLES is None:
        sys.exit("The reference values of shared/oracles are not beside this repository.")
    peer = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "mixed" / "agreement.py")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    PAGE.write_text(page(peer.stdout.strip()), encoding="utf-8")
    print(PAGE)


def page(peer: str) -> str:
    """The whole page, around the table that agreement.py printed."""
    return "\n".join(
        [
            "# Agreement with R, SAS and SPSS",
            "",
            "Made by `python benchmarks/agreement_page.py`. Differences are relative unless a table "
            "says otherwise; of several "
            "numbers the largest is given. R stops its search a little before the optimum: at *R's "
            "own parameters* both sides "
            "compute the same closed form, and only rounding differs; at our optimum the "
            "log-likelihood may be higher, never "
            "lower.",
            "",
            "## Fitted by both, here and now",
            "",
            "Data that come with lme4 and nlme. `python benchmarks/mixed/agreement.py` (needs R with "
            "lme4, lmerTest, pbkrtest and "
            "nlme; the log-likelihoods are differences).",
            "",
            peer,
            "",
            "## Against stored values of lme4, lmerTest and pbkrtest",
            "",
            "`python -m pytest tests/mixed/test_fit_against_r.py` holds these (with the values of "
            "`shared/oracles/mixed` beside "
            "the repository; without them the tests are skipped).",
            "",
            "| model | rows | log-likelihood | standard errors | Satterthwaite df | Kenward-Roger df "
            "| our optimum less R's |",
            "|---|---|---|---|---|---|---|",
            *(stored_row(name) for name in sorted(lmer.MODELS)),
            "",
            "dyestuff2: its variance is zero, and pbkrtest's degrees of freedom are an artefact of "
            "that (ours: 29, those of the "
            "model without it).",
            "",
            "## Residual structures against nlme",
            "",
            "`python -m pytest tests/mixed/covariance/test_waves_against_r.py`; the reference values "
            "and the script that made them "
            "are in `tests/oracles/mixed/` (`mmrm.R`).",
            "",
            "| model | formula | log-likelihood | estimates | standard errors |",
            "|---|---|---|---|---|",
            *(wave_row(name) for name in waves.MODELS),
            "",
            "## Against SAS PROC MIXED",
            "",
            "Outputs that others published. `python -m pytest tests/mixed/test_fit_against_r.py -k sas` and "
            "`tests/mixed/covariance/test_waves_against_sas.py`. SAS prints its own optimum with "
            "about eight digits and stops a "
            "little above the lowest deviance.",
            "",
            "| model | rule | estimates | standard errors | degrees of freedom |",
            "|---|---|---|---|---|",
            *(sas_row(name, rule) for name in sorted(lmer.SAS) for rule in ("kr", "sw")),
            *(mmrm_row(name) for name in mmrm_sas.STRUCTURES),
            "",
            "For `ar1` and `csh` SAS's standard error depends on how the structure is written (`KR` "
            "and `KR(LINEAR)`); ours lies "
            "between the two ([limitations](../explanation/limitations.md)).",
            "",
            "## SPSS",
            "",
            "No output of SPSS was compared: we have no licence, and found no published output with "
            "its data. What can be said: SPSS "
            "`MIXED` maximises the same restricted likelihood, and its default degrees of freedom "
            "are Satterthwaite's, as here. "
            "[For users of R and SPSS](for_r_and_spss_users.md) has the same model in both, line by "
            "line; whoever has SPSS can lay the "
            "`-2 Restricted Log Likelihood` beside `fit.deviance`. Where the two name or do things "
            "differently stands there too. "
            "That a study read from `.sav` gives the same scores and fits as from CSV is tested "
            "(`tests/end_to_end/test_formats.py`).",
            "",
            "## Everything else",
            "",
            "How close results must be for the tests to pass (relative difference, or absolute where "
            "numbers are near zero). "
            "`python -m pytest tests/FILE` runs one; the scripts that made the reference values are "
            "in `tests/oracles/`.",
            "",
            "| subject | other program | within | test |",
            "|---|---|---|---|",
            *(f"| {a} | {b} | {tolerance(file, held)} | `{file}` |" for a, b, file, held in HELD),
            "",
            "Where no other program computes the same, results are held to dense matrices "
            "([random_models.md](../../benchmarks/mixed/random_models.md)) or to a simulated truth "
            "([coverage](coverage.md)).",
        ]
    ) + "\n"  # fmt: skip


def apart(ours: object, theirs: object) -> str:
    """The largest relative difference, to one digit."""
    mine, other = np.asarray(ours, float), np.asarray(theirs, float)
    return f"{np.max(np.abs(mine - other) / np.maximum(np.abs(other), 1e-12)):.0e}"


def stored_row(name: str) -> str:
    at, model = lmer.at_stored_theta(name)
    satterthwaite = kenward = optimum = ""
    if model.get("satterthwaite"):
        satterthwaite = apart(
            at.degrees_of_freedom["estimated_df"], lmer.numbers(model["satterthwaite"]["df"])
        )
    if model.get("kenward_roger") and name != "dyestuff2":
        adjusted, _ = lmer.at_stored_theta(name, df="kenward-roger")
        kenward = apart(adjusted.fixed["df"], lmer.numbers(model["kenward_roger"]["df"]))
    if name != "insteval":
        optimum = f"{lmer.fitted(model).log_likelihood - model['logLik']:+.0e}"
    cells = [
        f"`{model['formula']}`".replace("|", "\\|"),
        f"{model['n']:,}",
        apart(at.log_likelihood, model["logLik"]),
        apart(at.fixed["std_error"], list(model["se"].values())),
        satterthwaite,
        kenward,
        optimum,
    ]
    return f"| {name}: " + " | ".join(cells) + " |"


def wave_row(name: str) -> str:
    formula, _, method = waves.MODELS[name]
    stored = waves.STORED[name]
    at = waves.fitted(name, theta=waves.stored_theta(name))
    cells = [
        f"{name} ({method})",
        f"`{formula}`".replace("|", "\\|"),
        apart(at.log_likelihood, stored["loglik"]),
        apart(at.fixed["estimate"], stored["fixef"]),
        apart(waves.standard_errors(at, name), stored["se"]),
    ]
    return "| " + " | ".join(cells) + " |"


def sas_row(name: str, rule: str) -> str:
    assert ORACLES is not None
    file = "Data_wind_tunnel_Chapter_10.csv" if name == "wind_tunnel" else "../sleepstudy.csv"
    asked = "kenward-roger" if rule == "kr" else "satterthwaite"
    fit = fit_mixed(lmer.SAS[name], pd.read_csv(ORACLES / "sas" / file), df=asked, information="observed")
    stored = pd.read_csv(ORACLES / "sas" / f"Results_{name}_sas_{rule}.csv")
    stored.index = ["*".join(sorted(effect.upper().split("*"))) for effect in stored["Effect"]]
    ours = fit.fixed.set_axis([lmer.sas_name(term) for term in fit.fixed.index]).loc[stored.index]
    pairs = (("estimate", "Estimate"), ("std_error", "StdErr"), ("df", "DF"))
    found = [apart(ours[mine], stored[theirs]) for mine, theirs in pairs]
    return f"| {name} | {asked} | " + " | ".join(found) + " |"


def mmrm_row(name: str) -> str:
    one = mmrm_sas.stored("sas_mmrm_kr.json")["fits"][name]["kenward_roger"]
    fit = fit_mixed(
        "FEV1 ~ ARMCD", mmrm_sas.visits(), residual=mmrm_sas.STRUCTURES[name], df="kenward-roger",
        information="observed",
    )  # fmt: skip
    row = fit.fixed.loc["ARMCD[T.TRT]"]
    pairs = (("estimate", "estimate"), ("std_error", "stderr"), ("df", "df"))
    found = [apart(row[mine], one[theirs]) for mine, theirs in pairs]
    return f"| fev, {name} | kenward-roger | " + " | ".join(found) + " |"


def tolerance(file: str, held: str) -> str:
    """The tolerance by its name in the test, or as the test writes it; a mistake stops the script."""
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    if held[0].isdigit():
        if f"={held}" not in text:
            sys.exit(f"tests/{file} has no tolerance {held}")
        return held
    return next(_values(text, held, file))


def _values(text: str, name: str, file: str) -> Iterator[str]:
    found = re.search(rf"^{name}(?:, \w+)* = ([0-9.e-]+)", text, flags=re.MULTILINE)
    if not found:
        sys.exit(f"tests/{file} has no {name}")
    yield found.group(1)


if __name__ == "__main__":
    main()
