"""Where the reference values for survival lie (R's survival, cmprsk and coxme), and how they are read."""

from typing import Any

import numpy as np
import pandas as pd

from tests.statistics.shared_oracles import known_of, need_oracles

ROOM = "process"


def known(name: str) -> dict[str, Any]:
    return known_of(ROOM, name)


def data_of(name: str) -> pd.DataFrame:
    """The rows; of mgus2 with the first event and its time, of the eyes with numbers for words."""
    rows = pd.read_csv(need_oracles(ROOM) / f"{name}.csv")
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
