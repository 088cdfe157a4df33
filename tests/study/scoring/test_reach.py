"""The last month with enough families: all organisations at once as each by itself, from the definition."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.study.scoring.reach import occasion_of, reach_of


def measured(seed: int) -> pd.DataFrame:
    """Few families of few organisations at odd moments; some rows lack organisation or family."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 120))
    organisation = rng.choice(["a", "b", "c", "d"], n, p=[0.5, 0.3, 0.15, 0.05]).astype(object)
    family = np.array([f"{each}{rng.integers(12)}" for each in organisation], dtype=object)
    family[rng.random(n) < 0.05] = None
    organisation[rng.random(n) < 0.05] = None
    data = pd.DataFrame(
        {
            "family": family, "episode": "1", "respondent": rng.choice(["p", "q"], n),
            "organisation": organisation, "months": np.round(rng.exponential(rng.uniform(0.5, 6), n), 2),
        }
    )  # fmt: skip
    if seed % 3 == 0:
        data["organisation"] = data["organisation"].astype("category")
    return data


def by_hand(data: pd.DataFrame, needed: int, step: float) -> float:
    """For one organisation: count families per occasion, take the last with enough, see what they reached."""
    after = data[data["months"] > 0].dropna(subset=["family"])
    occasions: dict[float, dict[str, float]] = {}
    for family, month in zip(after["family"], after["months"], strict=True):
        occasion = float(np.floor(month / step + 0.5) * step)
        latest = occasions.setdefault(occasion, {})
        latest[family] = max(latest.get(family, 0.0), month)
    enough = [occasion for occasion, latest in occasions.items() if len(latest) >= needed]
    if not enough:
        return 0.0
    last = max(enough)
    reached = sorted(occasions[last].values())[-needed]
    whole = float(np.round(reached))
    return min(last, whole) if whole > 0 else float(np.ceil(10 * reached - 1e-9) / 10)


@pytest.mark.parametrize("seed", range(60))
def test_each_organisation_as_if_by_itself(seed: int) -> None:
    data = measured(seed)
    reach = reach_of(data, minimum=1 + seed % 4, dates=False)
    assert reach.last == by_hand(data, reach.needed, reach.step)
    known = data.dropna(subset=["organisation"])
    expected = {
        str(key): by_hand(part, reach.needed, reach.step)
        for key, part in known.groupby("organisation", observed=True)
    }
    assert dict(reach.by_organisation) == expected
    assert (occasion_of(data["months"], reach.step) >= 0).all()
