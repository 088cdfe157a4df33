"""study.toml: every finding names file, key, what was expected, and the nearest name."""

import subprocess
import sys
from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.study import check_study, read_config, source_paths
from tests.study.small import STUDY, edited, small_study


def message(folder: Path, toml: str | bytes) -> str:
    small_study(folder, toml=toml)  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as caught:
        read_config(folder)
    assert not check_study(folder).ok
    return str(caught.value)


def test_reads_from_the_folder_and_from_the_file(tmp_path: Path) -> None:
    folder = small_study(tmp_path / "s")
    config = read_config(folder)
    assert read_config(folder / "study.toml") == config
    assert config.folder == folder
    assert config.study.title.in_language("nl") == "small"
    assert config.time.baseline_window_days == 30
    assert source_paths(config) == (folder / "episodes.csv", folder / "measurements.csv")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[study]", "[stuudy]", ["[study] is missing", "stuudy", 'Did you mean "study"']),
        ('file = "episodes.csv"', 'fil = "episodes.csv"', ["tables.episodes.fil", 'mean "file"', "row 5"]),
        ("primary_month", "primary_mnth", ["analysis.primary_mnth", 'Did you mean "primary_month"']),
        ("minimum_families = 3", 'minimum_families = "x"', ["disclosure.minimum_families", "whole number"]),
        ("minimum_families = 3", "minimum_families = 1", ["at least 3"]),
        ("minimum_families = 3", 'public_groups = "yes"', ["true or false"]),
        ("primary_month = 6", "primary_month = 9", ["primary_month to be one of months (0, 6)"]),
        ("months = [0, 6]", "months = [6, 0]", ["months that increase"]),
        ('name = "small"', 'name = "../x"', ["study.name", "small letters"]),
        ("export_date = 2025-12-31", 'export_date = "soon"', ["a date such as 2025-12-31"]),
        ("[analysis]", '[time]\nkind = "numbrs"\n[analysis]', ["time.kind", 'Did you mean "numbers"']),
        ("[analysis]", "[time]\norigin = 1\n[analysis]", ['no origin with kind = "dates"']),
        ("constants = {", "columns = { famly = \"id\" }\nconstants = {", ["famly", 'Did you mean "family"']),
        ("constants = {", 'layout = "wide"\nconstants = {', ["a pattern for item or total"]),
        ("constants = {", 'patterns = { item = "q{itm}" }\nconstants = {', ["{itm}", 'Did you mean "item"']),
        ("[analysis]", '[instruments.obvl_k]\nnorms = "n.csv"\n[analysis]', ["norms_source beside norms"]),
        ("[analysis]", "[organisations.a]\nnaam = \"A\"\n[analysis]", ["organisations.a.naam", '"name"']),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    text = message(tmp_path, edited(STUDY, (old, new)))
    assert "study.toml" in text
    for part in said:
        assert part in text


def test_all_findings_at_once(tmp_path: Path) -> None:
    text = message(tmp_path, edited(STUDY, ("file =", "fil ="), ("months = [0, 6]", 'months = "x"')))
    assert "tables.episodes.fil" in text
    assert "analysis.months" in text


def test_what_is_no_toml_shows_its_line(tmp_path: Path) -> None:
    text = message(tmp_path, edited(STUDY, ('name = "small"', "name = small")))
    assert "row 2" in text
    assert "name = small" in text


def test_a_mark_of_byte_order_is_no_problem_other_encodings_are(tmp_path: Path) -> None:
    small_study(tmp_path / "a", toml="\ufeff" + STUDY)
    assert read_config(tmp_path / "a").study.name == "small"
    latin = STUDY.replace('"small"', '"small"\ntitle = "Één gezin"').encode("cp1252")
    assert "UTF-8" in message(tmp_path / "b", latin)


def test_no_folder_and_no_file_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="mpg init"):
        read_config(tmp_path)


def test_waves_without_a_length_are_counted_as_waves(tmp_path: Path) -> None:
    for extra, unit, length in (("", "waves", 1.0), ("months_per_unit = 3\n", "months", 3.0)):
        toml = STUDY + f'[time]\nkind = "numbers"\nunit = "waves"\n{extra}'
        config = read_config(small_study(tmp_path, toml=toml))
        assert (config.time.axis_unit, config.time.unit_in_months) == (unit, length)


def test_the_configuration_is_light() -> None:
    module = "mpg_research.study.config.study_toml"
    code = f"import sys, {module}; print({{'pandas', 'numpy', 'scipy'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_comparison_group_without_its_column_is_refused(tmp_path: Path) -> None:
    folder = small_study(tmp_path / "s")
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(f'{text}\n[costs]\notherwise = "comparison_group"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="otherwise_column"):
        read_config(folder)
