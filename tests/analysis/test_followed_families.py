"""All families whose help started, in classes that add up; counted again from the raw files."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mpg_research.analysis import follow_families, reliable_change
from mpg_research.analysis.missing.followed import (
    _FATES_TOGETHER,
    _OUTCOMES_TOGETHER,
    FATES,
    OUTCOMES,
    take_together,
)
from mpg_research.disclosure import Audience, policy_of, release
from mpg_research.errors import ConfigError
from mpg_research.study import load_study, shipped_example
from mpg_research.study.model import Study
from tests.analysis.small_studies import make_study

MONTH_DAYS = 365.25 / 12
EARLY = ("early_client", "early_provider")


@pytest.fixture(scope="module")
def example() -> Study:
    return load_study(shipped_example())


def members(name: str, together: tuple) -> set[str]:
    """The classes that a name stands for."""
    parts = {joined: pair for pair, joined in together}
    if name not in parts:
        return {name}
    return {each for part in parts[name] for each in members(part, together)}


def test_the_example_counted_again_from_its_files(example: Study) -> None:
    """Nothing of the package but the names of the files: dates, windows and reasons by hand."""
    folder = Path(shipped_example())
    episodes = pd.read_csv(folder / "episodes.csv", dtype=str)
    scores = pd.read_csv(folder / "measurements.csv", dtype=str)
    found = follow_families(example)
    steps = found.tables["sample_flow"].data.set_index("step")["n_families"]
    assert steps["helped"] == episodes["family"].nunique()
    assert steps["answered"] == scores.loc[scores["instrument"] == "obvl_k", "family"].nunique()
    lost = found.tables["not_measured"].data
    assert lost["n_families"].sum() == steps["analysed"] - steps["around_month"]
    assert (lost["n_group"] == lost["n_families"].sum()).all()
    assert lost["estimate"].sum() == pytest.approx(1)

    used = found.tables["of_all_families"].data
    assert used["n_families"].sum() == used["n_group"].iloc[0] == steps["helped"]
    # The same families as on the page about change.
    change = reliable_change(example).tables["shares"].data
    change = change[change["approach"] == "reliable"].set_index("class")["n_families"]
    for _, row in used.iterrows():
        same = members(row["class"], _OUTCOMES_TOGETHER)
        if "not_judged" not in same:
            assert row["n_families"] == change[list(same)].sum()


def courses(rng: np.random.Generator, n: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Families of a known fate around month 12, from never filled in to measured then."""
    rows, ends, fate = [], [], {}
    reasons = {"as_planned": "as_planned", "drop_out": EARLY, "other_end": ("external", "early_agreed")}
    for number in range(n):
        family = f"f{number:03d}"
        kind = str(
            rng.choice(["measured", "never", "not_filled_in", *reasons], p=[0.3, 0.1, 0.2, 0.2, 0.1, 0.1])
        )
        fate[family] = kind
        end, reason = 20.0, "as_planned"
        if kind in reasons:
            end, reason = float(rng.integers(5, 10)), str(rng.choice(np.atleast_1d(reasons[kind])))
        last = {"measured": 13, "never": -1, "not_filled_in": 9}.get(kind, int(end))
        rows += [(family, month, float(rng.integers(15, 45))) for month in range(last)]
        ends.append((family, f"org_{number % 4}", f"w{number % 9}", end, reason))
    episodes = pd.DataFrame(ends, columns=["family", "organisation", "worker", "end", "end_reason"])
    return pd.DataFrame(rows, columns=["family", "months", "score"]), episodes, fate


@pytest.mark.parametrize(("seed", "n"), [(1, 400), (2, 150), (3, 60), (4, 80)])
def test_every_family_is_where_its_course_says(seed: int, n: int, tmp_path: Path) -> None:
    data, episodes, fate = courses(np.random.default_rng(seed), n)
    found = follow_families(make_study(tmp_path, data, episodes=episodes), month=12)
    truth = pd.Series(fate)
    steps = found.tables["sample_flow"].data.set_index("step")["n_families"]
    assert steps["helped"] == n
    assert steps["answered"] == steps["analysed"] == (truth != "never").sum()
    assert steps["around_month"] == (truth == "measured").sum()
    for _, row in found.tables["not_measured"].data.iterrows():
        assert row["n_families"] == truth.isin(members(row["class"], _FATES_TOGETHER)).sum(), row["class"]
    for name in ("not_measured", "of_all_families"):
        rows = found.tables[name].data
        assert not len(rows) or rows["estimate"].sum() == pytest.approx(1)


def test_who_started_too_recently_is_no_one_who_did_not_fill_in(example: Study) -> None:
    """Of families whose help went on: those of the last thirteen and a half months could not yet."""
    episodes = example.tables["episodes"]
    rows = follow_families(example).tables["not_measured"].data.set_index("class")["n_families"]
    first = episodes.sort_values("start").drop_duplicates("family", keep="last")
    export = pd.Timestamp(example.config.study.export_date)
    recent = (export - first["start"]).dt.days < 13.5 * MONTH_DAYS - 2
    # Nearly all who could have been measured were, so that the two stand together.
    assert 0 < rows["in_help"] <= (recent & first["end"].isna()).sum() + 10


@pytest.mark.parametrize("together", [(_OUTCOMES_TOGETHER, OUTCOMES), (_FATES_TOGETHER, FATES)])
def test_no_small_class_is_left_whatever_the_numbers(together: tuple) -> None:
    """All combinations of none, few and many: nobody is lost, and a class alone is small only by itself."""
    steps, classes = together
    for sizes in product((0, 3, 30, 200), repeat=len(classes)):
        units = pd.DataFrame({"found": np.repeat(classes, sizes)})
        found, alive = take_together(units, classes, steps, minimum=10)
        assert len(alive) != 1
        if not alive:
            continue
        counts = found.value_counts().reindex(list(alive)).fillna(0)
        assert counts.sum() == sum(sizes)
        base = [each for name in alive for each in members(name, steps)]
        assert sorted(base) == sorted(classes)
        if classes is OUTCOMES:
            assert (counts >= 10).all(), (sizes, counts.to_dict())


def test_a_class_of_few_is_never_shown(tmp_path: Path) -> None:
    for seed, n in ((5, 60), (6, 40), (7, 25)):
        data, episodes, _ = courses(np.random.default_rng(seed), n)
        study = make_study(tmp_path / str(seed), data, episodes=episodes)
        released = release(follow_families(study, month=12), Audience("funder"), policy=policy_of(study))
        for name in ("of_all_families", "not_measured"):
            table = released.tables.get(name)
            numbers = [] if table is None else table.data["n_families"].dropna()
            assert all(number == 0 or number >= 10 for number in numbers)


def test_without_a_reliability_the_rest_is_still_told(tmp_path: Path) -> None:
    data, episodes, _ = courses(np.random.default_rng(8), 80)
    study = make_study(tmp_path, data.assign(score=20.0), episodes=episodes, reliability=False)
    found = follow_families(study, month=12)
    assert not len(found.tables["of_all_families"].data)
    assert len(found.tables["not_measured"].data)
    with pytest.raises(ConfigError, match="expected a month after the start"):
        follow_families(study, month=0)


def test_the_order_of_rows_and_the_names_of_families_do_not_matter(tmp_path: Path) -> None:
    data, episodes, _ = courses(np.random.default_rng(9), 150)
    names = dict(zip(episodes["family"], [f"g{k}" for k in range(len(episodes))][::-1], strict=True))
    other = data.assign(family=data["family"].map(names)).sample(frac=1, random_state=1)
    moved = episodes.assign(family=episodes["family"].map(names)).sample(frac=1, random_state=2)
    one, two = (
        follow_families(make_study(tmp_path / folder, rows, episodes=ends), month=12)
        for folder, rows, ends in (("one", data, episodes), ("two", other, moved))
    )
    for name in ("of_all_families", "not_measured", "sample_flow"):
        pd.testing.assert_frame_equal(one.tables[name].data, two.tables[name].data)
