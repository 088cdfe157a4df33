"""The engine against its peers: the same models on the same data, side by side on one machine.

Run ``python benchmarks/mixed/race.py`` (some minutes), with ``--slow`` to include peers that take minutes per
model, and ``--mixedlm-python PATH`` with the interpreter of an environment that has the ``mixedlm`` package.
Peers that are absent are skipped and named. Whole calls are timed, the formula included; ours are the best
of a few repeats in a warm process, as is mixedlm's; R's are one call after loading.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd
from simulated import growth_data

from mpg_research.mixed import CAR1, MixedFit, fit_mixed

HERE = Path(__file__).parent
SLOPE = "score ~ months + (1 + months | family)"
FOUR_LEVELS = f"{SLOPE} + (1 | worker) + (1 + months | organisation)"
THREE_LEVELS = f"{SLOPE} + (1 + months | worker) + (1 | organisation)"


@dataclass(frozen=True)
class Work:
    """One line of the race; ``slow`` peers run with --slow only."""

    name: str
    n_families: int
    n_organisations: int
    families_per_worker: int
    formula: str
    task: str
    peers: tuple[str, ...]
    slow: tuple[str, ...] = ()


WORKS = (
    Work(
        "400 families, slope",
        400,
        20,
        20,
        SLOPE,
        "fit",
        ("lme4", "lmerTest", "glmmTMB", "mixedlm", "statsmodels"),
    ),
    Work("5,000 families, 4 levels", 5000, 20, 20, FOUR_LEVELS, "fit", ("lme4", "glmmTMB", "mixedlm")),
    Work("100,000 families, slope", 100_000, 20, 20, SLOPE, "fit", ("lme4", "mixedlm")),
    Work("100,000 families, 4 levels", 100_000, 100, 20, FOUR_LEVELS, "fit", (), ("mixedlm",)),
    Work("180,000 families, 3 levels", 180_000, 100, 30, THREE_LEVELS, "fit", (), ("lme4", "mixedlm")),
    Work("Kenward-Roger, 400 families, 4 levels", 400, 6, 10, FOUR_LEVELS, "kenward-roger", ("pbkrtest",)),
    Work("both df at 900,000 rows", 180_000, 100, 30, THREE_LEVELS, "degrees", ()),
    Work("1,000 bootstrap refits, 400 families", 400, 20, 20, SLOPE, "bootstrap", (), ("lme4",)),
    Work("CAR(1) and slope, 400 families", 400, 20, 20, SLOPE, "car1", ("nlme",)),
)


def best(call: Callable[[], object], repeats: int) -> float:
    """Shortest wall time of a few calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(work: Work, data: pd.DataFrame) -> tuple[float, float]:
    """Seconds and log-likelihood of the engine."""
    fits: list[MixedFit] = []
    residual = CAR1("months", within="family") if work.task == "car1" else None
    repeats = 7 if len(data) < 50_000 else 3

    def fit() -> None:
        fits.append(fit_mixed(work.formula, data, residual=residual))

    fit()
    if work.task in ("fit", "car1"):
        return best(fit, repeats), fits[-1].log_likelihood
    if work.task == "bootstrap":
        return best(lambda: fits[-1].bootstrap(1000, rng=1), 1), fits[-1].log_likelihood

    rules = ("kenward-roger",) if work.task == "kenward-roger" else ("kenward-roger", "satterthwaite")

    def degrees() -> float:
        total = 0.0
        for rule in rules:
            # a fresh result each time, so that nothing is remembered from the last
            fresh = fit_mixed(work.formula, data, df=rule, theta=fits[0].theta)
            total += best(lambda fresh=fresh: fresh.fixed, 1)
        return total

    return min(degrees() for _ in range(repeats)), fits[0].log_likelihood


def by_statsmodels(data: pd.DataFrame) -> str:
    try:
        import statsmodels
        import statsmodels.formula.api as formulas
    except ImportError:
        return "absent"
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = formulas.mixedlm("score ~ months", data, groups="family", re_formula="~months").fit()
    return f"{time.perf_counter() - start:.6f}\t{fit.llf:.6f}\t{statsmodels.__version__}"


def by_peer(peer: str, work: Work, data: pd.DataFrame, csv: Path, mixedlm_python: str) -> str:
    """One line "seconds, log-likelihood, version" of a peer, "absent", or what went wrong."""
    if peer == "statsmodels":
        return by_statsmodels(data)
    if peer == "mixedlm":
        command = [mixedlm_python, str(HERE / "peer_mixedlm.py"), str(csv), work.formula]
    else:
        command = ["Rscript", str(HERE / "race.R"), peer, str(csv), work.formula, work.task]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    except FileNotFoundError:
        return "absent"
    except subprocess.TimeoutExpired:
        return "over 30 minutes"
    if "No module named 'mixedlm'" in done.stderr:
        return "absent"
    lines = done.stdout.strip().splitlines()
    return lines[-1] if done.returncode == 0 and lines else f"failed: {done.stderr.strip()[-80:]}"


def race(work: Work, *, slow: bool, mixedlm_python: str) -> list[str]:
    """Rows of the table for one work."""
    data = growth_data(
        work.n_families,
        n_organisations=work.n_organisations,
        families_per_worker=work.families_per_worker,
        serial=0.6 if work.task == "car1" else 0.0,
    )
    seconds, likelihood = ours(work, data)
    rows = [f"| {work.name} | mpg_research | {seconds:.4g} | | {likelihood:.4f} |"]
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "data.csv"
        data.to_csv(csv, index=False)
        for peer in work.peers + (work.slow if slow else ()):
            parts = by_peer(peer, work, data, csv, mixedlm_python).split("\t")
            if len(parts) < 3:
                rows.append(f"| {work.name} | {peer} | {parts[0]} | | |")
                continue
            took = float(parts[0])
            likelihood_theirs = f"{float(parts[1]):.4f}" if work.task in ("fit", "car1") else ""
            ratio = f"{took / seconds:,.0f}x"
            rows.append(f"| {work.name} | {peer} {parts[2]} | {took:.4g} | {ratio} | {likelihood_theirs} |")
    for peer in () if slow else work.slow:
        rows.append(f"| {work.name} | {peer} | not run without --slow | | |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="also run peers that take minutes")
    parser.add_argument("--mixedlm-python", default=sys.executable)
    parser.add_argument("--only", default="", help="run only works whose name contains this")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = ["| work | by | seconds | ours is faster by | log-likelihood |", "|---|---|---|---|---|"]
    print("\n".join(rows), flush=True)
    for work in WORKS:
        if arguments.only in work.name:
            found = race(work, slow=arguments.slow, mixedlm_python=arguments.mixedlm_python)
            print("\n".join(found), flush=True)
            rows += found
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\nPeak memory of this process: {peak:.2f} GB.")
    if arguments.out is not None:
        arguments.out.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
