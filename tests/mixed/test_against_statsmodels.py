"""A cross-check with the other Python implementation, on models that both can fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import fit_mixed

DATA = pd.read_csv(Path(__file__).resolve().parents[1] / "oracles" / "mixed" / "families.csv")
# At the same variances both compute the same closed form.
SAME = 1e-6


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("slope", ["1", "1 + months"])
def test_agrees_with_statsmodels_at_its_optimum_and_goes_no_lower(reml: bool, slope: str) -> None:
    api = pytest.importorskip("statsmodels.formula.api")
    fixed = "score ~ months * organisation + sex"
    model = api.mixedlm(fixed, DATA, groups=DATA["family"], re_formula=f"~ {slope}")
    theirs = model.fit(reml=reml, method="lbfgs")
    factor = np.linalg.cholesky(np.asarray(theirs.cov_re) / theirs.scale)
    theta = factor.T[np.triu_indices(len(factor))]
    formula, method = f"{fixed} + ({slope} | family)", "REML" if reml else "ML"
    there = fit_mixed(formula, DATA, method=method, df="normal", theta=theta)
    assert there.log_likelihood == pytest.approx(theirs.llf, abs=1e-3)
    wanted = theirs.fe_params
    found = there.fixed.loc[wanted.index]
    assert found["estimate"].to_numpy() == pytest.approx(wanted.to_numpy(), rel=SAME, abs=SAME)
    # statsmodels inverts the Hessian of all parameters together, which is near but not the same.
    assert found["std_error"].to_numpy() == pytest.approx(theirs.bse_fe.to_numpy(), rel=2e-2)
    assert there.residual_sd**2 == pytest.approx(theirs.scale, rel=1e-3)
    assert fit_mixed(formula, DATA, method=method).log_likelihood >= theirs.llf - 1e-6
