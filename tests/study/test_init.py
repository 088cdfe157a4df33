"""A new study folder: complete, explained, never over anything, and usable once data are in it."""

import os
import re
from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.study import check_study, init_study, load_study, read_config
from mpg_research.study.schemas import SCHEMAS
from tests.study.small import ITEMS


def test_it_has_everything_and_says_what_to_do_next(tmp_path: Path) -> None:
    made = init_study(tmp_path / "Mijn Studie 1")
    folder = tmp_path / "Mijn Studie 1"
    assert {path.name for path in made} == {"study.toml", "codebook.md", *(f"{name}.csv" for name in SCHEMAS)}
    assert read_config(folder).study.name == "mijn-studie-1"
    codebook = (folder / "codebook.md").read_text(encoding="utf-8")
    for schema in SCHEMAS.values():
        assert all(f"| {column.name}" in codebook for column in schema.columns)
    report = check_study(folder)
    assert [problem.code for problem in report.errors] == ["empty_table", "empty_table"]


def test_filled_in_it_loads(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    init_study(folder)
    with (folder / "episodes.csv").open("a", encoding="utf-8") as file:
        file.write("001,1,org_a,w1,2024-01-01,,,7.5,2,1,0,1,0,1,0,1,0\n")
    with (folder / "measurements.csv").open("a", encoding="utf-8") as file:
        file.write("001,1,first_parent,2024-02-01,obvl_k," + ",".join(["2"] * len(ITEMS)) + "\n")
    study = load_study(folder)
    assert study.scores["raw"].tolist() == [20.0]
    assert study.tables["episodes"]["single_parent"].tolist() == [True]


def test_every_explained_setting_is_one(tmp_path: Path) -> None:
    """Each commented setting, uncommented alone, is accepted (but for the files it may name)."""
    init_study(tmp_path / "s")
    path = tmp_path / "s" / "study.toml"
    text = path.read_text(encoding="utf-8")
    numbers_only = ("unit", "origin", "months_per_unit")
    lines = text.splitlines()
    settings = [n for n, line in enumerate(lines) if re.match(r"# (\w+ = |\[)", line)]
    assert len(settings) > 20
    for number in settings:
        if lines[number][2:].startswith(
            (*numbers_only, "layout", "name", "norms", "maximum", "file", "column =", "permits")
        ):
            continue  # settings that go with a neighbour; below
        changed = [*lines]
        changed[number] = changed[number][2:]
        if "[organisations." in changed[number] or "[tables." in changed[number]:
            changed[number + 1] = changed[number + 1][2:]
        if "[consent]" in changed[number]:
            changed[number + 1 : number + 3] = [line[2:] for line in changed[number + 1 : number + 3]]
        if "[plan]" in changed[number]:
            changed[number + 1] = (
                '[[plan.questions]]\ntext = "Does it help?"\nanalyses = ["describe_change"]\n'
            )
        if changed[number].startswith("patterns"):
            changed[number - 1] = changed[number - 1][2:]
        path.write_text("\n".join(changed), encoding="utf-8")
        read_config(path)
    numbers = re.sub(r"# (unit|origin|months_per_unit)( = )", r"\1\2", text).replace('"dates" ', '"numbers" ')
    numbers = numbers.replace('unit = "months"', 'unit = "waves"')
    path.write_text(numbers, encoding="utf-8")
    assert read_config(path).time.unit_in_months == 3
    norms = re.sub(r"# (\[instruments.obvl_k\]|norms|norms_source|maximum_missing_items)", r"\1", text)
    path.write_text(norms, encoding="utf-8")
    assert read_config(path).instruments["obvl_k"].maximum_missing_items == 1


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="nothing is overwritten"):
        init_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ConfigError, match="nothing is overwritten"):
        init_study(tmp_path / "mine.txt")
    init_study(tmp_path / "new")
    with pytest.raises(ConfigError, match="nothing is overwritten"):
        init_study(tmp_path / "new")


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert init_study(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who may not write everywhere")
def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="cannot be made"):
        init_study(tmp_path / "s")
