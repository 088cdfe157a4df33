"""Six sizes of a study, planned with a thousand simulations each: seconds, and how power falls out.

    python benchmarks/plan_sizes.py [--simulations 1000] [--write]

The questions are those of ``mpg plan``; processor seconds are those of this process and its children.
``--write`` writes benchmarks/plan_sizes.md.
"""

import argparse
import os
import resource
import time
from pathlib import Path

from joblib import parallel_config

from mpg_research.planning import plan_study
from mpg_research.planning.plan_file import make_plan

HERE = Path(__file__).resolve().parent
SIZES = (60, 100, 150, 200, 300, 400)
QUESTIONS = {
    "mean_change": {"effect": -2},
    "organisation_difference": {"effect": -4},
    "organisation_distance": {"effect": -4},
    "reliability": {"sd_slope_organisation": 0.1},
    "dose_slope": {"effect": -1},
    "intervention": {"effect": -3},
}


def used() -> float:
    """Processor seconds of this process and of children that have ended."""
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in each)


def main() -> None:
    """Simulate, print the table and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000, help="per size (default: 1000)")
    parser.add_argument("--write", action="store_true", help="write benchmarks/plan_sizes.md")
    options = parser.parse_args()
    rows = []
    for question, inputs in QUESTIONS.items():
        plan = make_plan(
            question=question, inputs=inputs, vary={"families": SIZES}, simulations=options.simulations
        )
        start = time.perf_counter()
        with parallel_config(n_jobs=os.cpu_count() or 1):
            made = plan_study(plan)
        seconds = time.perf_counter() - start
        first = QUESTIONS[question] and next(iter(made.cells[0].measures))
        told = ", ".join(f"{cell.measures[first].estimate:.3f}" for cell in made.cells)
        rows.append(
            f"| {question} | {first}: {told} | {seconds:.0f} | {sum(c.n_failed for c in made.cells)} |"
        )
        print(rows[-1], flush=True)
    text = "\n".join(
        [
            "# Planning six sizes",
            "",
            f"Made by `python benchmarks/plan_sizes.py`: {options.simulations} simulated studies at each of "
            f"{', '.join(map(str, SIZES))} families, on {os.cpu_count()} cores. The machine was not quiet.",
            "",
            "| question | at each size | seconds | fits that failed |",
            "|---|---|---:|---:|",
            *rows,
        ]
    )
    if options.write:
        (HERE / "plan_sizes.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
