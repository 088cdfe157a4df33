"""Bad input gives one clear message (what, where, what was expected, what to do), and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mpg_research.cli import main

ITEMS = [f"item_{number:02d}" for number in range(1, 11)]
EPISODES = ["family,organisation,worker,start,end,end_reason"] + [
    f"F{number:02d},{'org_a' if number % 2 else 'org_b'},w1,2024-01-0{1 + number % 9},,"
    for number in range(1, 31)
]
MEASUREMENTS = [",".join(["family", "respondent", "date", *ITEMS])] + [
    ",".join([f"F{number:02d}", "first_parent", f"2024-0{month}-15", *[str(1 + (number + month) % 4)] * 10])
    for number in range(1, 31)
    for month in (1, 2, 3)
]
STUDY = """\
[study]
name = "small"
languages = ["en"]
export_date = 2025-12-31
[tables.episodes]
file = "episodes.csv"
[tables.measurements]
file = "measurements.csv"
constants = { instrument = "obvl_k" }
[organisations.org_a]
name = "A"
[organisations.org_b]
name = "B"
[analysis]
months = [0, 2]
primary_month = 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.toml").write_text(STUDY, encoding="utf-8")
    (study / "episodes.csv").write_text("\n".join(EPISODES) + "\n", encoding="utf-8")
    (study / "measurements.csv").write_text("\n".join(MEASUREMENTS) + "\n", encoding="utf-8")
    return study


def replace(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def missing_file(folder: Path) -> None:
    (folder / "measurements.csv").unlink()


def missing_column(folder: Path) -> None:
    replace(folder, "measurements.csv", "item_07", "question_7")


def unknown_organisation(folder: Path) -> None:
    replace(folder, "episodes.csv", "F03,org_a", "F03,org_q")


def item_scored_5(folder: Path) -> None:
    path = folder / "measurements.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = lines[11].split(",")
    fields[5] = "5"
    lines[11] = ",".join(fields)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def duplicate_measurement(folder: Path) -> None:
    path = folder / "measurements.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[4]]) + "\n", encoding="utf-8")


def date_in_the_future(folder: Path) -> None:
    replace(folder, "measurements.csv", "F01,first_parent,2024-03-15", "F01,first_parent,2026-03-15")


def empty_table(folder: Path) -> None:
    (folder / "measurements.csv").write_text(MEASUREMENTS[0] + "\n", encoding="utf-8")


def zero_bytes(folder: Path) -> None:
    (folder / "measurements.csv").write_bytes(b"")


def typo_in_study_toml(folder: Path) -> None:
    replace(folder, "study.toml", "primary_month", "primary_mnth")


def not_what_its_name_says(folder: Path) -> None:
    (folder / "measurements.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)


def family_twice(folder: Path) -> None:
    replace(folder, "episodes.csv", "F02,org_b,w1,2024-01-03,,", "F01,org_a,w1,2024-01-02,,")


BAD: list[tuple[Callable[[Path], None], tuple[str, ...]]] = [
    (missing_file, ("measurements.csv",)),
    (missing_column, ("measurements.csv", "item_07")),
    (unknown_organisation, ("episodes.csv", "row 4", "org_q")),
    (item_scored_5, ("measurements.csv", "row 12", "item_03", "5", "1 to 4")),
    (duplicate_measurement, ("measurements.csv", "row 92", "F02")),
    (date_in_the_future, ("measurements.csv", "row 4", "2026-03-15")),
    (empty_table, ("measurements.csv",)),
    (zero_bytes, ("measurements.csv", "empty")),
    (typo_in_study_toml, ("study.toml", "primary_mnth", "primary_month")),
    (not_what_its_name_says, ("measurements.csv",)),
    (family_twice, ("episodes.csv", "F01")),
]


@pytest.mark.parametrize(("spoil", "said"), BAD, ids=[spoil.__name__ for spoil, _ in BAD])
def test_one_clear_message_and_nothing_written(
    spoil: Callable[[Path], None], said: tuple[str, ...], folder: Path, tmp_path: Path, capsys
) -> None:
    spoil(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    output = tmp_path / "reports"
    for command in (["check", str(folder)], ["run", str(folder), "--output", str(output)]):
        assert main(command) != 0
        captured = capsys.readouterr()
        text = captured.out + captured.err
        for part in said:
            assert part in text, f"mpg {command[0]} does not say {part!r}:\n{text}"
        assert "Traceback" not in text
        assert not output.exists() or not list(output.rglob("*"))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_unspoilt_study_is_fine(folder: Path, capsys) -> None:
    assert main(["check", str(folder)]) == 0


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "../../etc"])
def test_a_hostile_organisation_name_breaks_neither_page_nor_path(
    name: str, folder: Path, tmp_path: Path, capsys
) -> None:
    path = folder / "episodes.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("org_a", name), encoding="utf-8")
    toml = folder / "study.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8")
        .replace("[organisations.org_a]", f'[organisations."{name}"]')
        .replace('name = "A"', f'name = "{name}"'),
        encoding="utf-8",
    )
    output = tmp_path / "deep" / "reports"
    code = main(["run", str(folder), "--output", str(output), "--only", "report_organisation"])
    text = capsys.readouterr().out
    assert not (tmp_path / "etc").exists()
    assert all(path.resolve().is_relative_to(output.resolve()) for path in output.rglob("*"))
    assert code == 0, text
    pages = list(output.rglob("report_organisation.html"))
    assert len(pages) == 2
    for page in pages:
        assert "<script" not in page.read_text(encoding="utf-8").lower()
