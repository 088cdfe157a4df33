"""Synthetic families in organisations, for the R scripts beside this file; seeded, so always the same."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(20240611)
n_families, n_rows = 60, 260
family = np.sort(rng.integers(0, n_families, n_rows))
organisation_of = rng.choice(3, n_families, p=[0.5, 0.3, 0.2])
sex_of = rng.choice(2, n_families, p=[0.35, 0.65])
worker = rng.integers(0, 12, n_rows)
months = rng.integers(0, 13, n_rows)
age = np.round(rng.normal(8, 3, n_families), 1)[family]
score = (
    24
    + 1.5 * organisation_of[family]
    - (0.3 + 0.15 * organisation_of[family]) * months
    + 0.01 * months**2
    + 0.8 * sex_of[family]
    + 0.1 * age
    + rng.normal(0, 2.5, n_families)[family]
    + rng.normal(0, 0.25, n_families)[family] * months
    + rng.normal(0, 0.8, 12)[worker]
    + rng.normal(0, 1.8, n_rows)
)
frame = pd.DataFrame(
    {
        "family": [f"F{code:02d}" for code in family],
        "worker": [f"W{code:02d}" for code in worker],
        "organisation": np.array(["Eik", "Linde", "Wilg"])[organisation_of[family]],
        "sex": np.array(["boy", "girl"])[sex_of[family]],
        "months": months,
        "age": age,
        "precision": np.round(rng.uniform(0.5, 2.0, n_rows), 2),
        "score": np.round(score, 3),
    }
)
frame.to_csv(Path(__file__).with_name("families.csv"), index=False)
