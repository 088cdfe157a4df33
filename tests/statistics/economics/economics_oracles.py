"""Where the reference values for costs and effects lie (R, dampack), and how they are read."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "oracles" / "economics"
#: Closed formulas in double precision on either side.
EXACT = 1e-8
#: R's glm stops where the deviance changes by less than 1e-8: its coefficients are good to five digits.
R_STOPS = 1e-4
#: A mixed model on either side.
MIXED = 1e-4


def need_oracles() -> Path:
    """The folder, or a skip that says why."""
    if not FOLDER.is_dir():
        pytest.skip("reference values of other software (../shared/oracles/economics) are not here")
    return FOLDER


def known(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((need_oracles() / f"{name}.json").read_text(encoding="utf-8"))
    return found


def rows_of(name: str) -> pd.DataFrame:
    return pd.read_csv(need_oracles() / f"{name}.csv")
