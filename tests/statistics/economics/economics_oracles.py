"""Where the reference values for costs and effects lie (R, dampack), and how they are read."""

from typing import Any

import pandas as pd

from tests.statistics.shared_oracles import known_of, need_oracles

ROOM = "economics"
#: Closed formulas in double precision on either side.
EXACT = 1e-8
#: R's glm stops where the deviance changes by less than 1e-8: its coefficients are good to five digits.
R_STOPS = 1e-4
#: A mixed model on either side.
MIXED = 1e-4


def known(name: str) -> dict[str, Any]:
    return known_of(ROOM, name)


def rows_of(name: str) -> pd.DataFrame:
    return pd.read_csv(need_oracles(ROOM) / f"{name}.csv")
