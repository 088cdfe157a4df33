from pathlib import Path

import pytest

from mpg_research.errors import DataError
from mpg_research.reporting.run import fingerprint
from mpg_research.reporting.run.plan import plan_steps
from mpg_research.study import read_config

package_sha256 = fingerprint.package_sha256


def prints(study: Path) -> dict[str, str]:
    config = read_config(study)
    inputs = fingerprint.read_inputs(config)
    return {
        step.name: fingerprint.step_fingerprint(step, inputs=inputs, notebook_sha256="0" * 64)
        for step in plan_steps(config)
    }


def test_every_step_has_its_own_and_the_same_input_gives_the_same(study: Path) -> None:
    first = prints(study)
    assert len(set(first.values())) == len(first)
    assert prints(study) == first


def test_moving_the_study_changes_nothing(study: Path, tmp_path: Path) -> None:
    before = prints(study)
    study.rename(tmp_path / "elsewhere")
    assert prints(tmp_path / "elsewhere") == before


def test_any_file_of_the_package_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_PACKAGE", tmp_path)
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.toml").write_text("1")
    first = package_sha256()
    (tmp_path / "b.toml").write_text("2")
    assert package_sha256() != first


def test_a_library_of_another_version_counts(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prints(study)
    monkeypatch.setattr(fingerprint, "library_versions", lambda: {"numpy": "0"})
    assert prints(study) != before


def test_a_file_that_is_not_there_is_named(study: Path) -> None:
    (study / "episodes.csv").unlink()
    with pytest.raises(DataError, match=r"episodes\.csv cannot be read"):
        prints(study)
