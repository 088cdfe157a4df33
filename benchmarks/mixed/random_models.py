"""The engine beside dense matrices on thousands of random models.

    python benchmarks/mixed/random_models.py                 # prints the table, writes random_models.md
    python benchmarks/mixed/random_models.py --models 200    # quicker, to the screen only

The models are those of tests/mixed/random_models.py with other seeds: one to four levels, nested, crossed and
partly crossed, random columns in and out of the span of X, weights, residual structures, odd units, variances
of zero and correlations of one. Each is compared at a random theta in everything that
tests/mixed/dense_checks.py computes from n by n matrices.
"""

import argparse
import os
import sys
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.mixed.dense_checks import EXACT, differences
from tests.mixed.random_models import random_model

HERE = Path(__file__).resolve().parent


def compare(models: int, first: int) -> list[str]:
    """The table, as lines."""
    found: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for seed in range(first, first + models):
        for name, value in differences(random_model(seed)).items():
            found[name].append((value if np.isfinite(value) else np.inf, seed))
    lines = [
        "| quantity | models | median difference | largest | its seed | above 1e-8 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, values in found.items():
        numbers = [value for value, _ in values]
        largest, seed = max(values)
        above = sum(value > EXACT for value in numbers)
        lines.append(
            f"| {name} | {len(values):,} | {np.median(numbers):.1e} | {largest:.1e} | {seed} | {above} |"
        )
    return lines


def main() -> None:
    """Print the table; write it where there were enough models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=3000)
    parser.add_argument("--first", type=int, default=100_000, help="first seed")
    given = parser.parse_args()
    lines = compare(given.models, given.first)
    print("\n".join(lines))
    if given.models >= 1000:
        text = (
            "# The engine beside dense matrices\n\nMade by `python benchmarks/mixed/random_models.py`: "
            "relative differences between the engine and n by n matrices on random models.\n\n"
        )
        (HERE / "random_models.md").write_text(text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
