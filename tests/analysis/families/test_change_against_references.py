"""From a study folder to each person's change: the values of other people's software on real data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import reliable_change, reliable_trend, sudden_changes
from mpg_research.analysis.families.course_slopes import course_slopes
from mpg_research.errors import ConfigError, DataError, ModelError
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study
from tests.statistics.change.test_trends_and_steps import sudden_data
from tests.statistics.change_oracles import claus, known_counts, read_rows

# R stops its optimiser early at the boundary of this singular fit: the reference itself is near 1e-3.
NEAR_R = 1e-3
# The references print 15 digits.
EXACT = 1e-8
#: The reference's standard deviation, of the 40 complete pairs.
SPREAD = 3.340121294
METHODS = ("JT", "GLN", "HLL", "EN", "NK", "HA")


def long(ids: list[str], table: np.ndarray) -> pd.DataFrame:
    rows = [
        (name, wave, score)
        for name, scores in zip(ids, table, strict=True)
        for wave, score in enumerate(scores)
        if not np.isnan(score)
    ]
    return pd.DataFrame(rows, columns=["family", "months", "score"])


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("claus"), long(*claus()))


@pytest.mark.parametrize("method", METHODS)
def test_each_person_and_every_count_equal_r(patients: Study, method: str) -> None:
    found = reliable_change(
        patients, method=method, reliability=0.8, reliability_post=0.5, functional=(8, 8), month=3,
        tolerance=0.1,
    )  # fmt: skip
    mine = found.tables["families"].data.set_index("family")
    for row in read_rows("oracle_rci_claus_hamd_rel080.csv"):
        assert mine.loc[row["id"], "index"] == pytest.approx(float(row[f"rci_{method.lower()}"]), abs=EXACT)
        assert mine.loc[row["id"], "category"] == row[f"cat_{method.lower()}"]
    known = known_counts()["clinicalsignificance"]
    key = "NK_relpost0.50" if method == "NK" else method
    shares = found.tables["shares"].data
    for approach, reference in (
        ("reliable", "distribution_claus_hamd_pre1_post4_rel0.80"),
        ("five_classes", "combined_claus_hamd_rel0.80_func8_8_cut_c"),
    ):
        rows = shares[shares["approach"] == approach]
        assert rows["n_families"].tolist() == known[reference][key]
        assert set(rows["n_group"]) == {40}
    assert found.tables["not_computable"].data["n_courses"].sum() == 3
    methods = found.tables["methods"].data
    counts = methods.loc[methods["method"] == method, "n_families"].tolist()
    assert counts == known["distribution_claus_hamd_pre1_post4_rel0.80"][key]


def test_group_level_of_hageman_and_arrindell_equals_r(patients: Study) -> None:
    found = reliable_change(patients, method="HA", reliability=0.8, functional=(8, 8), month=3, tolerance=0.1)
    shares = found.tables["true_shares"].data.set_index("quantity")["estimate"]
    known = known_counts()["clinicalsignificance"]["combined_claus_hamd_rel0.80_func8_8_cut_c"]
    # The reference prints two decimals.
    assert shares["truly_improved"] == pytest.approx(known["HA_group_level"]["changed"], abs=0.005)
    assert shares["truly_functional"] == pytest.approx(known["HA_group_level"]["functional"], abs=0.005)


def test_percentages_of_a_study_equal_r(patients: Study) -> None:
    for key, better, worse in (
        ("percentage_claus_hamd_50", 0.5, None),
        ("percentage_claus_hamd_30_20", 0.3, 0.2),
    ):
        found = reliable_change(patients, percentage=better, percentage_worse=worse, month=3, tolerance=0.1)
        shares = found.tables["shares"].data
        known = known_counts()["clinicalsignificance"][key]
        counts = shares.loc[shares["approach"] == "percentage", "n_families"].tolist()
        assert counts == (known["counts"] if isinstance(known, dict) else known)


def test_each_trend_of_a_study_equals_the_reference(patients: Study) -> None:
    found = reliable_trend(patients, sd=SPREAD).tables["families"].data.set_index("family")
    for row in read_rows("oracle_rti_claus_hamd_sd3.3401_r080.csv"):
        mine = found.loc[row["id"]]
        # The reference's standard deviation is given to ten digits, its error to six.
        for name, column in (("slope", "slope"), ("std_error", "se"), ("index", "z")):
            assert mine[name] == pytest.approx(float(row[column]), rel=1e-6, abs=EXACT)
        assert mine["category"] == row["cat"]
    with pytest.raises(ConfigError, match="sd = 0"):
        reliable_trend(patients, sd=0)


def complete_pairs() -> pd.DataFrame:
    ids, table = claus()
    whole = ~np.isnan(table).any(axis=1)
    return long([name for name, keep in zip(ids, whole, strict=True) if keep], table[whole])


def test_total_slopes_equal_r(tmp_path: Path) -> None:
    data = complete_pairs()
    reference = {row["id"]: float(row["total_slope"]) for row in read_rows("oracle_hlm_claus_hamd.csv")}
    slopes = reliable_trend(make_study(tmp_path, data)).tables["families"].data
    mine = slopes.set_index("family")["model_slope"]
    assert set(reference) == set(mine.index)
    np.testing.assert_allclose([mine[name] for name in reference], list(reference.values()), atol=NEAR_R)


def test_total_slopes_of_a_plain_table_equal_r_in_any_order() -> None:
    data = complete_pairs().rename(columns={"family": "id", "months": "time", "score": "hamd"})
    shuffled = data.sample(frac=1, random_state=1)
    shuffled = pd.concat([shuffled, pd.DataFrame({"id": ["x"], "time": [0.0], "hamd": [np.nan]})])
    found = course_slopes(shuffled, person="id", time="time", score="hamd").set_index("id")
    for row in read_rows("oracle_hlm_claus_hamd.csv"):
        assert found.loc[row["id"], "slope"] == pytest.approx(float(row["total_slope"]), abs=NEAR_R)
    assert (found["n_waves"] == 4).all()
    assert (found["std_error"] > 0).all()
    with pytest.raises(DataError, match="no column score"):
        course_slopes(data, person="id", time="time")
    with pytest.raises(ModelError, match="no model"):
        course_slopes(data[data["time"] < 2], person="id", time="time", score="hamd")


def test_sudden_changes_of_a_study_equal_the_reference_also_where_sessions_were_missed(
    tmp_path: Path,
) -> None:
    found = sudden_changes(make_study(tmp_path, long(*sudden_data())), cutoff=7)
    steps = found.tables["steps"].data
    gains = steps[steps["kind"] == "gain"]
    assert (len(gains), gains["family"].nunique()) == (24, 15)
    mine = {(row.family, row.kind, int(row.months_before) + 1) for row in steps.itertuples()}
    reference = {
        (row["id"], kind, step)
        for row in read_rows("oracle_suddengains_crit7.csv")
        for step in range(2, 11)
        for kind, prefix in (("gain", "sg"), ("loss", "sl"))
        if row[f"{prefix}_{step}to{step + 1}"] == "1"
    }
    assert mine == reference
    sizes = found.tables["sizes"].data.set_index("kind")
    assert sizes.loc["gain", "share_reversed"] == pytest.approx(4 / 24)
    assert np.isfinite(sizes.loc["loss", "share_reversed"])


def test_slopes_keep_the_ids_of_a_column_of_any_name() -> None:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"id": np.repeat([f"x{i:02d}" for i in range(20)], 5), "time": np.tile(range(5), 20)})
    data["score"] = rng.normal(20, 3, 100) - rng.normal(1, 1, 20).repeat(5) * data["time"]
    plain = course_slopes(data, person="id", time="time")
    names = {"id": "course", "time": "score", "score": "months"}
    odd = course_slopes(data.rename(columns=names), person="course", time="score", score="months")
    assert odd["course"].tolist() == plain["id"].tolist()
    np.testing.assert_array_equal(odd["slope"], plain["slope"])
