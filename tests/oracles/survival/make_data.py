"""Make afterwards.csv: three competing events, late entry, workers in places, ties to a tenth of a month."""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(15)
N = 300
worker = rng.integers(0, 40, N)
x, z = rng.normal(size=N).round(2), rng.integers(0, 2, N)
hazards = np.outer(np.exp(0.4 * x + rng.gamma(4, 0.25, 40)[worker] - 1), [0.03, 0.02, 0.01])
first = rng.exponential(1 / hazards.sum(axis=1))
kind = np.array([rng.choice(3, p=row / row.sum()) for row in hazards]) + 1
seen = rng.uniform(2, 30, N)
time = np.ceil(np.minimum(first, seen) * 10) / 10
entry = np.where(rng.random(N) < 0.25, np.floor(rng.uniform(0, 6, N) * 10) / 10, 0.0)
frame = pd.DataFrame(
    {
        "id": np.arange(N), "entry": entry, "time": time, "cause": np.where(first <= seen, kind, 0),
        "x": x, "z": z, "worker": worker, "place": worker % 4,
        "group": np.array(["a", "b", "c"])[rng.integers(0, 3, N)],
    }
)  # fmt: skip
frame[frame["entry"] < frame["time"]].to_csv(Path(__file__).parent / "afterwards.csv", index=False)
