"""Where the reference values for survival lie (R's survival, cmprsk and coxme), and how they are read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "oracles" / "process"


def need_oracles() -> Path:
    """The folder, or a skip that says why."""
    if not FOLDER.is_dir():
        pytest.skip("reference values of other software (../shared/oracles/process) are not here")
    return FOLDER


def known(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((need_oracles() / f"{name}.json").read_text(encoding="utf-8"))
    return found


def data_of(name: str) -> pd.DataFrame:
    """The rows; of mgus2 with the first event and its time, of the eyes with numbers for words."""
    rows = pd.read_csv(need_oracles() / f"{name}.csv")
    if name == "mgus2":
        rows["first"] = np.where(rows["pstat"] == 0, rows["futime"], rows["ptime"])
        rows["cause"] = np.where(rows["pstat"] == 0, 2 * rows["death"], 1)
        rows["male"] = (rows["sex"] == "M").astype(float)
    if name == "retinopathy":
        rows["adult"] = (rows["type"] == "adult").astype(float)
    if name == "cgd":
        rows["treated"] = rows["treat"].str.contains("rIFN").astype(float)
        rows["autosomal"] = (rows["inherit"] == "autosomal").astype(float)
    return rows
