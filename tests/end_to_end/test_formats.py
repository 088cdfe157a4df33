"""The same study from SPSS (wide), Excel, Parquet and Dutch CSV gives the same scores and fits."""

from pathlib import Path

import pandas as pd
import pytest

from mpg_research import fit_trajectory, load_study
from tests.end_to_end.variants import EXAMPLE, SAVED_AS

KEYS = ["family", "episode", "respondent", "date", "instrument"]


@pytest.fixture(scope="module")
def original():
    return load_study(EXAMPLE)


@pytest.mark.parametrize("form", SAVED_AS)
def test_scores_and_fits_are_identical(form: str, original, tmp_path: Path) -> None:
    study = load_study(SAVED_AS[form](tmp_path / form))
    wanted = original.scores.sort_values(KEYS).reset_index(drop=True)
    got = study.scores.sort_values(KEYS).reset_index(drop=True)
    pd.testing.assert_frame_equal(got[wanted.columns], wanted, check_exact=True, check_dtype=False)
    before = fit_trajectory(original).tables["coefficients"].data
    after = fit_trajectory(study).tables["coefficients"].data
    pd.testing.assert_frame_equal(after, before, check_exact=True)
