"""Families that never answered are counted first, on every reader's page, and small numbers stay hidden."""

import re
from pathlib import Path

import pandas as pd
import pytest

from mpg_research import fit_trajectory
from mpg_research.disclosure import Audience, release
from mpg_research.present import say
from mpg_research.simulate.study import simulate_study
from mpg_research.study import load_study
from mpg_research.study.schemas import SCHEMAS
from tests.exact_policy import exact_policy


def said(folder: Path, role: str, language: str) -> str:
    study = load_study(folder)
    released = release(fit_trajectory(study), Audience(role), policy=exact_policy(study))
    return " ".join(" ".join(each) for each in say(released, "sample", language=language).paragraphs)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = simulate_study(
        tmp_path_factory.mktemp("never") / "s", families=70, organisations=2, seed=11, truth_families=0
    )
    episodes = pd.read_csv(folder / "episodes.csv", dtype=str)
    rows = pd.read_csv(folder / "measurements.csv", dtype=str)
    complete = rows[rows.filter(like="item_").notna().all(axis=1)]
    last = episodes.sort_values("episode").drop_duplicates("family").set_index("family")["end"].fillna("9999")
    in_help = complete[complete["date"] <= complete["family"].map(last)]  # later ones are in no course
    often = in_help["family"].value_counts()
    seen = often.index[often >= 3]
    episodes[episodes["family"].isin(seen)].to_csv(folder / "episodes.csv", index=False)
    rows[rows["family"].isin(seen)].to_csv(folder / "measurements.csv", index=False)
    text = (folder / "study.toml").read_text()
    for table in set(SCHEMAS) - {"episodes", "measurements"}:
        text = re.sub(rf"\[tables\.{table}\]\n(?:[^\[\n].*\n|\n)*", "", text)
    (folder / "study.toml").write_text(text)
    return folder


def without(folder: Path, target: Path, silent: int, *, empty: int = 0) -> tuple[Path, int]:
    """The study with some families never asked (no row) and some that never answered (empty rows)."""
    target.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            (target / file.name).write_bytes(file.read_bytes())
    rows = pd.read_csv(target / "measurements.csv", dtype=str)
    families = sorted(rows["family"].unique())
    items = [name for name in rows if name.startswith("item_")]
    rows.loc[rows["family"].isin(families[silent : silent + empty]), items] = None
    rows[~rows["family"].isin(families[:silent])].to_csv(target / "measurements.csv", index=False)
    return target, len(families)


@pytest.mark.parametrize("role", ["funder", "researcher"])
def test_how_many_never_answered_is_said(measured: Path, tmp_path: Path, role: str) -> None:
    folder, number = without(measured, tmp_path / "a", 20, empty=12)
    steps = {step.code: step.n_families for step in fit_trajectory(load_study(folder)).flow.steps}
    assert (steps["helped"], steps["read"], steps["answered"]) == (number, number - 20, number - 32)
    share = round(100 * 32 / number)
    text = said(folder, role, "nl")
    assert f"Van {number} gezinnen die hulp kregen, vulden er 32 ({share}%) nooit een vragenlijst in" in text
    text = said(folder, role, "en")
    assert f"Of {number} families that got help, 32 ({share}%) never filled in a questionnaire" in text


def test_a_small_number_is_not_said(measured: Path, tmp_path: Path) -> None:
    folder, number = without(measured, tmp_path / "a", 4)
    text = said(folder, "funder", "nl")
    assert "Van de gezinnen die hulp kregen, vulden er hooguit zo'n 10 nooit een vragenlijst in." in text
    assert str(number) not in text.replace(str(number - 4), "")
    assert "Of the families that got help, some 10 at most never filled in" in said(folder, "funder", "en")


def test_nobody_missing(measured: Path) -> None:
    assert "vulden minstens één vragenlijst in" in said(measured, "funder", "nl")
    assert "filled in at least one questionnaire" in said(measured, "funder", "en")
