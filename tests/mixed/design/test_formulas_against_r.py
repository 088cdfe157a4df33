"""Many ways to write a model, formulas as R writes them, against lme4, lmerTest and pbkrtest.

The reference values come from formulas.R in tests/oracles/mixed, on the synthetic data beside it.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import fit_mixed

HERE = Path(__file__).resolve().parents[2] / "oracles" / "mixed"
MODELS: list[dict[str, Any]] = json.loads((HERE / "formulas.json").read_text())
DATA = pd.read_csv(HERE / "families.csv")
# The same closed forms at the same theta.
SAME = 1e-8
# lmerTest's derivatives are numerical.
DF = 1e-5


def r_name(name: str) -> str:
    """Our column names as R writes them."""
    for ours, theirs in (("C(", "factor("), (" ** ", "^"), ("Intercept", "(Intercept)"), ("df=4", "df = 4")):
        name = name.replace(ours, theirs)
    name = re.sub(r"\[T\.(.*?)\]", r"\1", name)
    name = re.sub(r"\[(.*?)\]", r"\1", name)
    return name.replace("months / 6", "months/6").replace("months / 12", "months/12")


@pytest.mark.parametrize("model", MODELS, ids=[model["formula"] for model in MODELS])
def test_agrees_with_r(model: dict[str, Any]) -> None:
    formula = model["formula"].replace("factor(", "C(")
    fit = fit_mixed(formula, DATA, theta=model["theta"])
    assert [r_name(term) for term in fit.fixed.index] == model["names"]
    assert fit.log_likelihood == pytest.approx(model["loglik"], rel=SAME)
    assert fit.fixed["estimate"].to_numpy() == pytest.approx(model["estimate"], rel=SAME, abs=SAME)
    assert fit.fixed["std_error"].to_numpy() == pytest.approx(model["std_error"], rel=SAME)
    assert fit.fixed["df"].to_numpy() == pytest.approx(model["satterthwaite"], rel=DF)
    kenward = fit_mixed(formula, DATA, theta=model["theta"], df="kenward-roger")
    assert kenward.fixed["std_error"].to_numpy() == pytest.approx(model["kenward_se"], rel=SAME)
    assert kenward.fixed["df"].to_numpy() == pytest.approx(model["kenward"], rel=DF)
    own = fit_mixed(formula, DATA)
    assert own.log_likelihood >= model["loglik"] - 1e-6
    assert np.isfinite(own.fixed.to_numpy()).all()
