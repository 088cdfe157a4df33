"""Make singular.csv: simulated data sets whose random effects are estimated as perfectly dependent.

Run in this folder, with the package importable: python make_singular.py
"""

import numpy as np
import pandas as pd

from mpg_research.mixed import fit_mixed

MODELS = {
    "slopes": ("y ~ t * arm + x + (1 + t | g)", 8),
    "three": ("y ~ t + s + x + (1 + t + s | g)", 5),
    "crossed": ("y ~ t * arm + x + (1 + t | g) + (1 | w)", 4),
}


def drawn(rng: np.random.Generator, model: str) -> pd.DataFrame:
    """Unequal groups with level, slope and a second slope, of which the slopes follow the level."""
    n_groups = int(rng.integers(7, 20))
    g = np.repeat(np.arange(n_groups), rng.integers(4, 10, n_groups))
    n = g.size
    t, s, x = rng.uniform(0, 6, n).round(3), rng.normal(size=n).round(3), rng.normal(size=n).round(3)
    level, other = rng.normal(size=n_groups), rng.normal(size=n_groups)
    follows = rng.choice([1.0, 0.9, -0.9])
    y = 20 + level[g] + 0.25 * (follows * level)[g] * t + rng.normal(size=n) * rng.choice([1.0, 1.5])
    y += 0.5 * other[g] * s * (model == "three") * rng.choice([0, 1])
    w = rng.integers(0, 8, n)
    y += 0.6 * rng.normal(size=8)[w] * (model == "crossed")
    arm = np.where(g % 2 == 1, "b", "a")
    return pd.DataFrame({"g": g, "w": w, "t": t, "s": s, "x": x, "arm": arm, "y": y.round(4)})


def main() -> None:
    """Keep the data sets with a singular fit in which the first variance is clearly there."""
    rng = np.random.default_rng(9)
    found = []
    for model, (formula, wanted) in MODELS.items():
        kept = 0
        while kept < wanted:
            data = drawn(rng, model)
            fit = fit_mixed(formula, data)
            face = next(face for face in fit.solution.faces if face.group == "g")
            others = [other for other in fit.solution.faces if other.group != "g"]
            clear = fit.theta[0] > 0.1 and not any(other.is_singular for other in others)
            if fit.converged and 0 < face.rank < face.size and clear:
                found.append(data.assign(model=model, set=kept))
                kept += 1
    pd.concat(found).to_csv("singular.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
