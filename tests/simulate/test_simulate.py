"""The synthetic study: the same bytes from the same seed, plausible, and true to its own truth."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.errors import ConfigError
from mpg_research.instruments import adapt_instrument, estimate_reliability, load_instrument, read_norm_table
from mpg_research.simulate.study import TRUTH_FAMILIES, simulate_example, simulate_study
from mpg_research.study import check_study, load_study, read_config
from mpg_research.study.schemas import ROLES, SCHEMAS

EXAMPLE = Path(__file__).parents[2] / "data" / "example"
LARGEST_EXAMPLE = 3_000_000  # bytes: the example travels in the wheel
FEW = 3_000  # families behind a quick truth
STANDARD_ERRORS = 4.5  # a false alarm in one of 228 comparisons once in about 600 runs

# Files whose content follows from the size of the truth's population.
TRUTH_FILES = {"truth/mean_course.csv", "truth/classes.csv", "truth/truth.toml"}
ITEMS = [f"item_{number:02d}" for number in range(1, 11)]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table(name: str) -> pd.DataFrame:
    frame = pd.read_csv(EXAMPLE / f"{name}.csv", dtype={"episode": str, "end_reason": str})
    return frame[frame["instrument"] == "obvl_k"] if name == "measurements" else frame


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example made anew, with a smaller population behind its truth."""
    return simulate_example(tmp_path_factory.mktemp("simulated") / "any name", truth_families=FEW)


def test_the_example_is_made_again_byte_for_byte(again: Path) -> None:
    shipped, made = contents(EXAMPLE), contents(again)
    assert set(shipped) == set(made)
    different = [name for name in shipped if shipped[name] != made[name] and name not in TRUTH_FILES]
    assert not different, f"run `make example` and commit, or find out what changed: {different}"
    assert sum(map(len, shipped.values())) < LARGEST_EXAMPLE
    assert all(b"\r" not in content for content in shipped.values())


def test_the_shipped_truth_agrees_with_a_smaller_population(again: Path) -> None:
    keys = ["organisation", "case_mix", "months"]
    shipped = pd.read_csv(EXAMPLE / "truth" / "mean_course.csv").set_index(keys)
    made = pd.read_csv(again / "truth" / "mean_course.csv").set_index(keys)
    assert (shipped["n_families"] == TRUTH_FAMILIES["large"]).all()
    assert (made["n_families"] == FEW).all()
    assert shipped.index.equals(made.index)
    away = (shipped["mean_raw"] - made["mean_raw"]) / np.hypot(made["se_raw"], shipped["se_raw"])
    assert away.abs().max() < STANDARD_ERRORS
    assert shipped["se_raw"].max() < 0.02
    classes = pd.read_csv(EXAMPLE / "truth" / "classes.csv")
    sums = classes.groupby(["organisation", "case_mix"])["share"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-3)


def test_the_parameters_of_the_truth_are_written_down(again: Path) -> None:
    truth = tomllib.loads((EXAMPLE / "truth" / "truth.toml").read_text(encoding="utf-8"))
    few = tomllib.loads((again / "truth" / "truth.toml").read_text(encoding="utf-8"))
    size = "families_per_organisation_and_case_mix"
    assert truth.pop(size) == TRUTH_FAMILIES["large"]
    assert few.pop(size) == FEW
    assert truth == few
    assert len(truth["organisations"]) == 6
    assert len(truth["answers"]["slopes"]) == 10


def test_at_an_equal_case_mix_organisations_start_alike_and_end_apart() -> None:
    truth = pd.read_csv(EXAMPLE / "truth" / "mean_course.csv")
    wide = truth.pivot_table(index=["case_mix", "organisation"], columns="months", values="mean_raw")
    equal, own = wide.loc["equal"], wide.loc["own"]
    assert np.ptp(equal[0]) < 0.1
    assert np.ptp(own[0]) > 1
    change = (equal[12] - equal[0]).sort_values()
    assert change.index[0] == "merelstroom"
    assert change.index[-1] == "brinkelaar"
    assert own[0].idxmax() == "merelstroom", "the best helper should have the heaviest families"


def test_the_example_loads_without_errors_and_says_it_is_synthetic() -> None:
    report = check_study(EXAMPLE)
    assert report.ok, report.as_text()
    study = load_study(EXAMPLE)
    assert study.synthetic
    assert set(study.tables) == set(SCHEMAS)
    assert list(study.instruments) == ["obvl_k", "own_strength"]
    assert study.instruments["obvl_k"].synthetic_norms
    assert {"before", "baseline", "course", "follow_up"} == set(study.scores["phase"])


def test_everything_that_is_asked_of_the_example_is_in_it() -> None:
    episodes, measurements = table("episodes"), table("measurements")
    assert episodes["family"].nunique() == 250
    assert episodes["organisation"].nunique() == 6
    first = episodes[episodes["episode"] == "1"]
    sizes = first["organisation"].value_counts()
    assert sizes.max() >= 4 * sizes.min()
    assert set(episodes["end_reason"].dropna()) == {"01", "02", "03", "04", "05"}
    assert episodes["end"].isna().any()
    assert 15 <= (episodes["episode"] == "2").sum() <= 40
    back = first.merge(episodes[episodes["episode"] == "2"], on="family")
    assert (back["start_y"] > back["end_x"]).all()
    per_worker = episodes.groupby("worker")["organisation"].nunique()
    assert per_worker.max() > 1, "worker ids should only be unique within an organisation"
    assert measurements["family"].nunique() < 250, "some families should be without any form"
    per_family = measurements.groupby("family")["respondent"].agg(lambda names: "+".join(sorted(set(names))))
    assert set(per_family) == {"first_parent", "second_parent", "first_parent+second_parent"}
    courses = pd.read_csv(EXAMPLE / "truth" / "families.csv")
    assert set(courses["course"]) == {"fast", "slow", "none", "worse", "relapse"}
    days = pd.to_datetime(measurements["date"]).dt.day_of_week
    assert (days < 5).all()
    assert table("interventions")["intervention"].nunique() == 8
    assert table("prices")["source"].str.startswith("synthetic").all()
    care = table("care")
    assert (care.groupby(["family", "episode"])["worker"].nunique() > 1).any()


def test_scores_are_plausible() -> None:
    """Reliability near the published .77, burden above the reference, medium change over a year."""
    measurements = table("measurements").sort_values(["family", "date"])
    own = measurements[measurements["respondent"] == "first_parent"]
    instrument = load_instrument("obvl_k")
    alpha = estimate_reliability(instrument, own, families=own["family"], n_bootstrap=50).iloc[0]
    assert alpha["conf_low"] < 0.77 < alpha["conf_high"]
    raw = own.drop_duplicates("family")[ITEMS].sum(axis=1, min_count=10).dropna()
    assert 22 < raw.mean() < 27
    assert 4.5 < raw.std() < 6.5
    truth = pd.read_csv(EXAMPLE / "truth" / "mean_course.csv").query("case_mix == 'own'")
    means = truth.groupby("months")[["mean_raw", "mean_t_score"]].mean()
    baseline_sd = truth.loc[truth["months"] == 0, "sd_raw"].mean()
    assert 0.4 < (means.loc[0, "mean_raw"] - means.loc[12, "mean_raw"]) / baseline_sd < 0.9
    assert 57 < means.loc[0, "mean_t_score"] < 65


def test_leaving_early_depends_on_the_score_that_was_seen() -> None:
    episodes, measurements = table("episodes"), table("measurements")
    raw = measurements[ITEMS].sum(axis=1, min_count=10)
    seen = measurements.assign(raw=raw).dropna(subset="raw").merge(episodes, on=["family", "episode"])
    last = (
        seen[seen["date"] <= seen["end"].fillna("9")]
        .sort_values("date")
        .drop_duplicates("family", keep="last")
    )
    means = last.groupby("end_reason")["raw"].mean()
    assert means["03"] > means["01"] + 2


def test_the_norm_table_is_sound_and_made_from_the_reference_sample() -> None:
    norms = read_norm_table(EXAMPLE / "norms.csv", source="the test", synthetic=True)
    adapt_instrument(load_instrument("obvl_k"), norms=norms)
    sample = pd.read_csv(EXAMPLE / "reference_sample.csv")
    for band in norms.bands:
        assert band.ages is not None
        own = sample[sample["child_age"].between(band.ages.age_from, band.ages.age_to)]["raw"]
        t_scores = own.map(dict(zip(band.raw, band.t_score, strict=True)))
        assert t_scores.mean() == pytest.approx(50, abs=0.2)
        assert t_scores.std() == pytest.approx(10, abs=0.3)


def test_other_sizes_and_names(tmp_path: Path) -> None:
    folder = simulate_study(tmp_path / "My Study", seed=3, families=90, organisations=12, truth_families=0)
    config = read_config(folder)
    assert config.study.name == "my-study"
    assert len(config.organisations) == 12
    assert check_study(folder).ok
    assert not (folder / "truth" / "mean_course.csv").exists()
    other = simulate_study(tmp_path / "other", seed=4, families=90, organisations=12, truth_families=0)
    assert (folder / "measurements.csv").read_bytes() != (other / "measurements.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"organisations": 1}, "2 or more"),
        ({"families": 20}, "at least five families each"),
    ],
)
def test_impossible_numbers_are_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate_study(tmp_path / "study", truth_families=0, **options)
    assert not (tmp_path / "study").exists()


def test_nothing_but_a_synthetic_study_is_ever_replaced(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "study.toml").write_text('[study]\nname = "real"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="not a synthetic study"):
        simulate_study(real, truth_families=0, overwrite=True)
    assert [path.name for path in real.iterdir()] == ["study.toml"]
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="is a file"):
        simulate_study(tmp_path / "file", truth_families=0)
    ours = simulate_study(tmp_path / "ours", families=60, truth_families=0)
    with pytest.raises(ConfigError, match="already holds a synthetic study"):
        simulate_study(ours, families=60, truth_families=0)
    simulate_study(ours, families=61, truth_families=0, overwrite=True)
    assert pd.read_csv(ours / "episodes.csv")["family"].nunique() == 61


def test_as_many_organisations_as_there_are(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = simulate_study(
        tmp_path / "national",
        families=1600,
        organisations=310,
        truth_families=5,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(number, 310) for number in range(1, 311)]
    config = read_config(folder)
    keys = list(config.organisations)
    assert len(set(keys)) == 310
    assert pd.read_csv(folder / "episodes.csv")["organisation"].isin(keys).all()
    assert len(pd.read_csv(folder / "truth" / "classes.csv")["organisation"].unique()) == 310


@pytest.mark.parametrize("stands", ["nothing", "an empty folder", "an older study and notes"])
def test_a_call_that_is_ended_leaves_what_stood_there(tmp_path: Path, stands: str) -> None:
    folder = tmp_path / "study"
    if stands == "an empty folder":
        folder.mkdir()
    elif stands != "nothing":
        simulate_study(folder, families=40, truth_families=0)
        (folder / "notes.txt").write_text("mine", encoding="utf-8")
    before = contents(folder) if folder.exists() else None

    def end(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_study(folder, families=60, truth_families=5, overwrite=True, progress=end)
    assert (contents(folder) if folder.exists() else None) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"study"}
    simulate_study(folder, families=60, truth_families=0, overwrite=True)
    assert check_study(folder).ok
    assert ("notes.txt" in contents(folder)) == (stands == "an older study and notes")


def test_a_killed_call_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    for folder in (tmp_path / "new", tmp_path / "empty"):
        if folder.name == "empty":
            folder.mkdir()
        code = (
            "import os\nfrom mpg_research.simulate.study import simulate_study\n"
            f"simulate_study({str(folder)!r}, families=40, truth_families=5,"
            " progress=lambda *_: os._exit(9))\n"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
        assert not (folder / "study.toml").exists()
        simulate_study(folder, families=40, truth_families=0)
        assert check_study(folder).ok
    assert {path.name for path in tmp_path.iterdir()} == {"new", "empty"}


def test_roles_come_from_a_stream_of_their_own() -> None:
    """Without the column with the roles the example's interventions are what they were before it had one."""
    found = pd.read_csv(EXAMPLE / "interventions.csv", dtype=str, keep_default_na=False)
    without = found.drop(columns="role").to_csv(index=False, lineterminator="\n").encode()
    before = "a116cc9b0c191aeb5485a5431b5302f9c14ab6b372e6a87610e68ca87a6e3937"
    assert hashlib.sha256(without).hexdigest() == before
    assert set(found["role"]) <= {*ROLES, ""}
    assert 0.02 < (found["role"] == "").mean() < 0.2
