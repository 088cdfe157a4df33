import pandas as pd
import pytest

from mpg_research.disclosure import Audience, assert_aggregate, release
from mpg_research.errors import DisclosureError
from tests.disclosure.made_results import frame, made_policy, make_trajectory, result_of
from tests.disclosure.made_tables import made_table

DATA = frame([("f1", 3.0, 1)], "row", "slope", "n_families")
PROFILES = made_table("profiles", DATA, ("row",), ("slope",), unit="family")
FAMILY_LEVEL = [PROFILES, result_of("profiles", PROFILES), pd.DataFrame({"family": ["f1"], "slope": [3.0]})]


@pytest.mark.parametrize("output", FAMILY_LEVEL, ids=["table", "result", "frame"])
def test_family_level_output_stays_out_of_the_reports(output, tmp_path):
    root = tmp_path / "reports"
    (root / "study").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shortcut").symlink_to(root / "study")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    inside = [
        "reports",
        "reports/study/x.csv",
        "elsewhere/../reports/new",
        "shortcut/deep",
        "reports/out",
        "Reports/x",
    ]
    for place in inside:
        with pytest.raises(DisclosureError, match="single families"):
            assert_aggregate(output, tmp_path / place, reports_root=root)
    for place in ("elsewhere", "reports_of_mine", "."):
        assert_aggregate(output, tmp_path / place, reports_root=root)


def test_aggregates_may_be_written(tmp_path):
    result = make_trajectory()
    released = release(result, Audience("researcher"), policy=made_policy())
    for output in (result, released, result.tables["change"], pd.DataFrame({"months": [1]})):
        assert_aggregate(output, tmp_path / "reports", reports_root=tmp_path / "reports")
