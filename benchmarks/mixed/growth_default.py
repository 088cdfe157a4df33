"""What the default growth model costs: level, slope, bend per family, CAR(1), Kenward-Roger, one joint test.

Run ``python benchmarks/mixed/growth_default.py`` (a minute or two); ``--small`` leaves the large one out and
``--peer`` runs nlme beside the small one. It writes ``growth_default.md`` beside itself. Data are simulated.
Times are of the processor and of one thread, the formula included: the best of a few calls for the small one,
one call for the large one. With the large one go the analyses of notebook 04, on the example study.
"""

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from mpg_research import compare_organisations, load_study
from mpg_research.analysis import compare_cohorts
from mpg_research.analysis.robustness.check import check_robustness
from mpg_research.mixed import CAR1, MixedFit, fit_mixed
from mpg_research.mixed.design.bases import natural_spline_basis
from mpg_research.study import shipped_example

HERE = Path(__file__).parent
CAR = CAR1("months", within="family")
FIXED = "score ~ (s1 + s2 + s3 + s4) * organisation + (1 + months + bend | family)"
RANDOM = "score ~ s1 + s2 + s3 + s4 + (1 + months + bend | family) + (1 + months + bend | organisation)"


def growth_courses(
    sizes: list[int], waves: int, *, seed: int = 1, missed: float = 0.15, spread: float = 0.3
) -> pd.DataFrame:
    """Courses that fall fast at first, each family at its own amount, CAR(1) of .6 a month around them."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    organisation = np.repeat(np.arange(len(sizes)), sizes)
    months = np.sort(np.linspace(0, 12, waves) + rng.normal(0, 0.15, (n, waves)) * 12 / waves, axis=1)
    months = np.clip(months, 0, 12)
    months[:, 0] = 0
    noise = rng.normal(size=(n, waves))
    for t in range(1, waves):
        a = 0.6 ** (months[:, t] - months[:, t - 1])
        noise[:, t] = a * noise[:, t - 1] + np.sqrt(1 - a * a) * noise[:, t]
    amount = rng.normal(5, 2, (n, 1)) + rng.normal(0, spread, len(sizes))[organisation, None]
    level = rng.normal(25, 4, (n, 1)) + rng.normal(0, spread, len(sizes))[organisation, None]
    score = level - amount * (1 - np.exp(-months / 2.5)) + rng.normal(0, 0.2, (n, 1)) * months + 2.5 * noise
    data = pd.DataFrame({"months": months.ravel(), "score": score.ravel()})
    data["family"] = np.repeat([f"f{i}" for i in range(n)], waves)
    data["organisation"] = np.repeat([f"o{i}" for i in organisation], waves)
    data = data[rng.uniform(size=len(data)) > missed].drop_duplicates(["family", "months"])
    data["bend"] = np.log1p(data["months"])
    knots = 12 * (np.arange(5) / 4) ** 2
    basis = natural_spline_basis(data["months"].to_numpy(), {}, knots=knots.tolist(), name="months")
    data[["s1", "s2", "s3", "s4"]] = basis[:, 1:]
    return data.reset_index(drop=True)


def once(formula: str, data: pd.DataFrame) -> tuple[float, float, MixedFit]:
    """Processor seconds of the fit, of Kenward-Roger and a joint test of up to five effects, and the fit."""
    start = time.process_time()
    fit = fit_mixed(formula, data, residual=CAR, df="kenward-roger")
    middle = time.process_time()
    rows = np.eye(len(fit.solution.beta))[-5:] if "organisation +" not in formula else None
    fit.inference.joint(np.eye(len(fit.solution.beta))[1:5] if rows is None else rows)
    assert np.all(np.isfinite(fit.fixed["std_error"]))
    return middle - start, time.process_time() - middle, fit


def small(peer: bool) -> list[str]:
    """183 families of 6 organisations as fixed effects, 13 waves."""
    data = growth_courses([12, 16, 20, 25, 40, 70], 13)
    best, fit = (np.inf, np.inf), None
    for _ in range(9):
        one, two, fit = once(FIXED, data)
        best = min(best, (one, two), key=sum)
    assert fit is not None
    name = f"183 families, 6 organisations, {len(data):,} measurements"
    rows = [f"| {name} | mpg_research | {best[0]:.3f} | {best[1]:.3f} | | {fit.log_likelihood:.4f} |"]
    start = time.process_time()
    fit.bootstrap(100, rng=1)
    rows.append(
        f"| the same, 100 bootstrap refits | mpg_research | {time.process_time() - start:.2f} | | | |"
    )
    if peer:
        with tempfile.TemporaryDirectory() as folder:
            csv = Path(folder) / "data.csv"
            data.to_csv(csv, index=False)
            command = ["Rscript", str(HERE / "growth_default.R"), str(csv)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
        parts = done.stdout.strip().split("\t")
        if len(parts) == 3:
            by, took, likelihood = f"nlme {parts[2]}", float(parts[0]), float(parts[1])
            rows.append(f"| {name} | {by} | {took:.2f} | not offered | | {likelihood:.4f} |")
        else:
            rows.append(f"| {name} | nlme | failed: {done.stderr.strip()[-80:]} | | | |")
    return rows


def large() -> list[str]:
    """27,000 families of 300 organisations as random effects, 1.5 million measurements."""
    data = growth_courses([90] * 300, 56, missed=0.005)
    one, two, fit = once(RANDOM, data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    name = f"27,000 families, 300 organisations, {len(data):,} measurements"
    return [f"| {name} | mpg_research | {one:.1f} | {two:.1f} | {peak:.2f} GB | {fit.log_likelihood:.4f} |"]


def of_a_report() -> list[str]:
    """The analyses of notebook 04 on the example study, whose model has case mix and workers."""
    study, rows = load_study(shipped_example()), []
    for analyse in (compare_organisations, compare_cohorts, check_robustness):
        start = time.process_time()
        analyse(study)
        took = time.process_time() - start
        rows.append(f"| the example study, `{analyse.__name__}` | mpg_research | {took:.1f} | | | |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="leave the large one out")
    parser.add_argument("--peer", action="store_true", help="also run nlme on the small one")
    parser.add_argument("--note", default="", help="a sentence on the machine, for the table")
    arguments = parser.parse_args()
    head = (
        "work",
        "by",
        "fit (or all of it), s",
        "Kenward-Roger and a joint test, s",
        "peak memory",
        "log-likelihood",
    )
    rows = [f"| {' | '.join(head)} |", "|---|---|---|---|---|---|"]
    rows += small(arguments.peer)
    if not arguments.small:
        rows += [*of_a_report(), *large()]
    text = "\n".join(rows) + "\n"
    print(text)
    lead = (
        "# What the default growth model costs\n\nSimulated data; processor seconds of one thread, the "
        "formula included (nlme: elapsed, without degrees of freedom). Made by "
        f"`python benchmarks/mixed/growth_default.py --peer`. {arguments.note}\n\n"
    )
    (HERE / "growth_default.md").write_text(lead + text)


if __name__ == "__main__":
    main()
