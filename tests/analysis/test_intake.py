"""Who the families are at the start: against plain pandas, and what must not matter."""

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import describe_intake
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.present import tabulate
from mpg_research.study import load_study, shipped_example
from mpg_research.study.model import Study
from mpg_research.study.scoring.course_frame import course_frame


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


def test_means_and_shares_are_those_of_the_families_in_the_course(study: Study) -> None:
    found = describe_intake(study).tables
    course = course_frame(study).data
    first = course.sort_values("months").groupby("family").first()
    episodes = study.tables["episodes"].set_index(["family", "episode"])
    known = episodes.loc[list(zip(first.index, first["episode"], strict=True))]
    rows = found["intake"].data.set_index(["variable", "level"])
    age = known["child_age"].astype(float).dropna()
    assert rows.loc[("child_age", ""), "mean_or_share"] == pytest.approx(age.mean())
    assert rows.loc[("child_age", ""), "sd"] == pytest.approx(age.std(ddof=1))
    assert rows.loc[("child_age", ""), "n_unknown"] == len(known) - len(age)
    single = known["single_parent"].dropna().astype(float)
    assert rows.loc[("single_parent", "yes"), "mean_or_share"] == pytest.approx(single.mean())
    assert rows.loc[("single_parent", "yes"), "n_families"] == int(single.sum())
    early = first.loc[first["months"] <= 1, "score"].astype(float)
    assert rows.loc[("first_score", ""), "mean_or_share"] == pytest.approx(early.mean())
    last = course.groupby("family")["months"].max()
    assert rows.loc[("time_measured", ""), "mean_or_share"] == pytest.approx(last.mean())
    each = found["intake_by_organisation"].data
    sums = each.groupby(["variable", "level"])["n_families"].sum()
    pd.testing.assert_series_equal(
        sums.sort_index(), rows["n_families"].sort_index(), check_names=False, check_dtype=False
    )


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("role", ["researcher", "funder"])
def test_the_table_has_a_column_for_each_organisation_and_shows_no_small_number(
    study: Study, language: str, role: str
) -> None:
    released = release(describe_intake(study), Audience(role), policy=policy_of(study))  # type: ignore[arg-type]
    shown = tabulate(released, "intake_by_organisation", language=language)
    heads = shown.html.count('<th scope="col"')
    assert heads == 2 + len(study.organisations)
    rows = released.tables["intake_by_organisation"].data
    hidden = rows[rows["suppressed"]]
    assert len(hidden)
    assert hidden["mean_or_share"].isna().all()
    small = describe_intake(study).tables["intake_by_organisation"].data
    few = small[(small["n_families"] < 10) & (small["level"] != "no")]
    cells = sum(row.count("–</td>") + row.count('<td class="number">–') for row in [shown.html])
    assert cells >= len(few)
    assert not np.isin(few["n_families"], rows["n_families"].dropna()).any()
