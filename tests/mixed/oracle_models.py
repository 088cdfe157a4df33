"""The models of the R reference file as problems built by hand, apart from the formula language."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed.covariance.random_part import DIAGONAL, FULL
from mpg_research.mixed.problem import MixedProblem, RandomTerm

ORACLES = next(
    (
        parent / "shared" / "oracles" / "mixed"
        for parent in Path(__file__).resolve().parents
        if (parent / "shared" / "oracles" / "mixed").is_dir()
    ),
    None,
)
needs_oracles = pytest.mark.skipif(
    ORACLES is None, reason="the reference values of shared/oracles are not on this machine"
)


def reference(name: str = "lmer.json") -> dict[str, Any]:
    """The models of a reference file by id; empty where the folder is absent."""
    if ORACLES is None:
        return {}
    models: dict[str, Any] = json.loads((ORACLES / name).read_text())["models"]
    return models


def frame(model: dict[str, Any]) -> pd.DataFrame:
    """The CSV of one model, prepared as its ``prep`` says."""
    assert ORACLES is not None
    data = pd.read_csv(ORACLES / model["csv"])
    name = model["id"]
    if name == "sleepstudy_unbal":
        rows = [int(number) - 1 for number in model["prep"].split("rows ")[1].split(",")]
        data = data.drop(index=rows)
    if name.startswith("alda"):
        data["t"] = data["age"] - 14
    if name == "egsingle_sub12_rs3":
        schools = sorted(data["schoolid"].unique())[:12]
        data = data[data["schoolid"].isin(schools)]
    if "year" in data and "lowinc" in data and "female" in data:
        data["female"] = data["female"].map({"Female": 0.0, "Male": 1.0})
    return data.reset_index(drop=True)


def columns(data: pd.DataFrame, *names: str) -> np.ndarray:
    """Columns of ones ("1"), variables, products ("a:b") and dummies ("a=level")."""
    found = []
    for name in names:
        column = np.ones(len(data))
        if name != "1":
            for part in name.split(":"):
                if "=" in part:
                    variable, level = part.split("=")
                    column = column * (data[variable].astype(str) == level).to_numpy(float)
                else:
                    column = column * data[part].to_numpy(float)
        found.append(column)
    return np.column_stack(found)


def term(data: pd.DataFrame, group: str, *names: str, correlated: bool = True) -> RandomTerm:
    """A random term; ``group`` may be "a:b"."""
    parts = [data[part].astype(str) for part in group.split(":")]
    key = parts[0]
    for part in parts[1:]:
        key = key + ":" + part
    codes, levels = pd.factorize(key, sort=True)
    return RandomTerm(
        group,
        names,
        columns(data, *names),
        codes.astype(np.intp),
        tuple(levels),
        FULL if correlated else DIAGONAL,
    )


def _oats_columns() -> list[str]:
    varieties = ["Variety=Marvellous", "Variety=Victory"]
    doses = ["nitro=0.2", "nitro=0.4", "nitro=0.6"]
    return ["1", *varieties, *doses, *[f"{v}:{d}" for d in doses for v in varieties]]


# id prefix -> (outcome, fixed columns in R's order, random terms in lme4's order)
DESIGNS: dict[str, tuple[str, list[str], list[tuple[Any, ...]]]] = {
    "sleepstudy_ri": ("Reaction", ["1", "Days"], [("Subject", "1")]),
    "sleepstudy_zc": ("Reaction", ["1", "Days"], [("Subject", "||", "1", "Days")]),
    "sleepstudy": ("Reaction", ["1", "Days"], [("Subject", "1", "Days")]),
    "orthodont_rs": ("distance", ["1", "age", "Sex=Female", "age:Sex=Female"], [("Subject", "1", "age")]),
    "orthodont_ri": ("distance", ["1", "age", "Sex=Female", "age:Sex=Female"], [("Subject", "1")]),
    "pastes": ("strength", ["1"], [("sample", "1"), ("batch", "1")]),
    "penicillin": ("diameter", ["1"], [("plate", "1"), ("sample", "1")]),
    "oats_lin": ("yield", ["1", "nitro"], [("Variety:Block", "1"), ("Block", "1")]),
    "oats": ("yield", _oats_columns(), [("Variety:Block", "1"), ("Block", "1")]),
    "dyestuff": ("Yield", ["1"], [("Batch", "1")]),
    "hsb82": (
        "mAch",
        ["1", "meanses", "cses", "sector=Public", "meanses:cses", "cses:sector=Public"],
        [("school", "1", "cses")],
    ),
    "egsingle_ri3": ("math", ["1", "year"], [("childid", "1"), ("schoolid", "1")]),
    "egsingle_sub12": (
        "math",
        ["1", "year", "female", "lowinc"],
        [("childid", "1", "year"), ("schoolid", "1", "year")],
    ),
    "chem97_null": ("score", ["1"], [("school", "1"), ("lea", "1")]),
    "chem97": ("score", ["1", "gcsecnt"], [("school", "1"), ("lea", "1")]),
    "alda_alcohol_D": (
        "alcohol_use",
        ["1", "t", "child_of_alcoholic", "peer_alcohol_use", "t:child_of_alcoholic", "t:peer_alcohol_use"],
        [("id", "1", "t")],
    ),
    "alda_alcohol_B": ("alcohol_use", ["1", "t"], [("id", "1", "t")]),
    "alda_alcohol_C": (
        "alcohol_use",
        ["1", "t", "child_of_alcoholic", "t:child_of_alcoholic"],
        [("id", "1", "t")],
    ),
    "hox_popular": ("popular", ["1", "sex", "extrav", "texp", "extrav:texp"], [("class", "1", "extrav")]),
    "insteval": ("y", ["1", "service=1"], [("s", "1"), ("d", "1"), ("dept", "1")]),
}


def problem(model: dict[str, Any]) -> MixedProblem:
    """The model as a :class:`MixedProblem`."""
    data = frame(model)
    key = max((prefix for prefix in DESIGNS if model["id"].startswith(prefix)), key=len)
    outcome, fixed, terms = DESIGNS[key]
    random = []
    for group, *names in terms:
        correlated = names[0] != "||"
        random.append(term(data, group, *[n for n in names if n != "||"], correlated=correlated))
    x = columns(data, *fixed)
    return MixedProblem(data[outcome].to_numpy(float), x, tuple(fixed), tuple(random))
