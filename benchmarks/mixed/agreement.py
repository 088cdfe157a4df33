"""Agreement with R on data sets that come with lme4 and nlme, fitted there and here on this machine.

Run ``python benchmarks/mixed/agreement.py``; needs Rscript with lme4, lmerTest, pbkrtest and nlme. Prints the
largest difference per model: log-likelihood at R's theta and at our own optimum minus R's, and relative
differences of standard errors and degrees of freedom at R's theta.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from mpg_research.mixed import AR1, CAR1, VarianceBy, fit_mixed
from mpg_research.mixed.inference.satterthwaite_kenward_roger import kenward_roger, satterthwaite_degrees

FORMULAS = {
    "machines": "score ~ Machine + (Machine | Worker)",
    "machines_cells": "score ~ Machine + (0 + Machine | Worker)",
    "machines_nested": "score ~ Machine + (1 | Worker/Machine)",
    "cake": "angle ~ recipe * temp + (1 | recipe:replicate)",
    "oxboys": "height ~ age + (age | Subject)",
    "oxboys_curved": "height ~ age + I(age^2) + (age + I(age^2) | Subject)",
    "pixel": "pixel ~ day + I(day^2) + (day | Dog) + (1 | Side:Dog)",
    "rat_pups": "weight ~ Treatment * sex + Lsize + (1 | Litter)",
    "ergo_stool": "effort ~ Type + (1 | Subject)",
    "oxide": "Thickness ~ Source + (1 | Lot/Wafer)",
    "milk": "protein ~ Diet + Time + (Time | Cow)",
    "milk_crossed": "protein ~ Diet + (1 | Cow) + (1 | Time)",
    "gun": "rounds ~ Method + Physique + (1 | Team)",
    "rail": "travel ~ 1 + (1 | Rail)",
    "orthodont": "distance ~ age + (1 | Subject) + (0 + age | Sex)",
}
RESIDUAL = {
    "rat_pups_variance": ("weight ~ Treatment * sex + Lsize + (1 | Litter)", VarianceBy("Treatment")),
    "milk_ar1": ("protein ~ Diet + Time + (1 | Cow)", AR1("Time", within="Cow")),
    "milk_car1": ("protein ~ Diet + Time + (1 | Cow)", CAR1("Time", within="Cow")),
}


def results(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for line in (folder / "results.tsv").read_text().splitlines():
        name, kind, *values = line.split("\t")
        found.setdefault(name, {})[kind] = np.array([float(value) for value in values])
    return found


def apart(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Largest relative difference; sorted, because the two sides order terms differently."""
    return f"{np.max(np.abs(np.sort(ours) / np.sort(theirs) - 1)):.0e}"


def compare(name: str, formula: str, data: pd.DataFrame, theirs: dict[str, np.ndarray]) -> str:
    at, best = fit_mixed(formula, data, theta=theirs["theta"]), fit_mixed(formula, data)
    each = np.eye(len(at.fixed))
    cells = [
        f"{at.log_likelihood - theirs['log_likelihood'][0]:+.0e}",
        f"{best.log_likelihood - theirs['log_likelihood'][0]:+.0e}",
        apart(at.fixed["std_error"].to_numpy(), theirs["std_error"]),
        apart(satterthwaite_degrees(at.solution, each), theirs["satterthwaite_df"]),
    ]
    if "kenward_roger_df" in theirs:
        adjusted = kenward_roger(at.solution)
        cells.append(apart(adjusted.degrees(each), theirs["kenward_roger_df"]))
        cells.append(apart(adjusted.standard_errors(each), theirs["kenward_roger_std_error"]))
    return f"| {name} | " + " | ".join(cells + [""] * (6 - len(cells))) + " |"


def main() -> None:
    script = Path(__file__).with_suffix(".R")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            done = subprocess.run(["Rscript", str(script), name], capture_output=True, text=True)
        except FileNotFoundError:
            sys.exit("Rscript was not found; this comparison needs R with lme4, lmerTest, pbkrtest and nlme.")
        if done.returncode:
            sys.exit(f"R stopped: {done.stderr.strip()[-300:]}")
        theirs = results(folder)
        print("| model | log-lik at their theta | at our optimum | se | Satterthwaite df | KR df | KR se |")
        print("|---|---|---|---|---|---|---|")
        for model, formula in FORMULAS.items():
            print(compare(model, formula, pd.read_csv(folder / f"{model}.csv"), theirs[model]))
        for model, (formula, residual) in RESIDUAL.items():
            fit = fit_mixed(formula, pd.read_csv(folder / f"{model}.csv"), residual=residual)
            gap = fit.log_likelihood - theirs[model]["log_likelihood"][0]
            errors = apart(fit.fixed["std_error"].to_numpy(), theirs[model]["std_error"])
            print(f"| {model} (nlme) | | {gap:+.0e} | {errors} | | | |")


if __name__ == "__main__":
    main()
