"""Series made of several columns: two respondents or two periods of help of one family at one moment."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ModelError
from mpg_research.mixed import AR1, CAR1, fit_mixed
from mpg_research.mixed.covariance.structures import series_columns

FORMULA = "score ~ months + (1 | family)"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        (f"F{family}", respondent, episode, float(month))
        for family in range(30)
        for respondent in ("first", "second")
        for episode in (1, 2)
        for month in range(5)
    ]
    frame = pd.DataFrame(rows, columns=["family", "respondent", "episode", "months"])
    frame["own"] = frame["family"] + "/" + frame["respondent"] + "/" + frame["episode"].astype(str)
    noise = rng.normal(size=len(frame)).reshape(-1, 5)
    for t in range(1, 5):
        noise[:, t] = 0.6 * noise[:, t - 1] + 0.8 * noise[:, t]
    level = dict(zip(frame["family"].unique(), rng.normal(0, 2, 30), strict=True))
    frame["score"] = 20 - 0.3 * frame["months"] + frame["family"].map(level) + noise.ravel()
    return frame.sample(frac=0.9, random_state=1)


@pytest.mark.parametrize("within", ["family:respondent:episode", "episode : family:respondent"])
def test_joined_columns_are_one_column_of_their_combinations(data: pd.DataFrame, within: str) -> None:
    for structure in (CAR1, AR1):
        found = fit_mixed(FORMULA, data, residual=structure("months", within=within), df="kenward-roger")
        single = fit_mixed(FORMULA, data, residual=structure("months", within="own"), df="kenward-roger")
        assert found.deviance == pytest.approx(single.deviance, rel=1e-12)
        assert found.fixed.to_numpy(float) == pytest.approx(single.fixed.to_numpy(float), rel=1e-8)
    assert set(CAR1("months", within=within).columns) == {"months", "family", "respondent", "episode"}


def test_two_rows_at_one_moment_name_the_remedy(data: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match=r'in one family \(F\d+\).*within="family:respondent"'):
        fit_mixed(FORMULA, data, residual=CAR1("months", within="family"))
    with pytest.raises(ModelError, match=r"in one family:respondent \(F\d+, \w+\)"):
        fit_mixed(FORMULA, data, residual=CAR1("months", within="family:respondent"))


def test_a_series_must_have_names(data: pd.DataFrame) -> None:
    for within in ("family:", ":", ""):
        with pytest.raises(ModelError, match="joined by a colon"):
            series_columns(within)
    with pytest.raises(ModelError, match="'parent', which the data do not have"):
        fit_mixed(FORMULA, data, residual=CAR1("months", within="family:parent"))
