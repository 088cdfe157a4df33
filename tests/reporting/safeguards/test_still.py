"""Files of a study that change while a run is going on stop it; nothing is published."""

import os
from pathlib import Path

import pytest

from mpg_research.errors import DataError
from mpg_research.reporting.run.run import run_study
from mpg_research.reporting.safeguards.still import StillFiles
from mpg_research.study import read_config
from tests.reporting.notebook_makers import DEFAULTS, make_notebook


def test_what_changed_is_named_and_a_new_time_is_no_change(study: Path) -> None:
    still = StillFiles(read_config(study))
    still.refuse_touched()
    os.utime(study / "episodes.csv", (0, 0))
    still.refuse_touched()
    text = (study / "measurements.csv").read_text(encoding="utf-8")
    (study / "measurements.csv").write_text(text + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"run was going on.*Changed: measurements\.csv\."):
        still.refuse_touched()
    (study / "measurements.csv").unlink()
    with pytest.raises(DataError, match=r"run was going on.*measurements\.csv cannot be read"):
        still.refuse_touched()


def test_a_change_that_left_size_and_time_as_they_were_is_found_at_the_end(study: Path) -> None:
    still = StillFiles(read_config(study))
    file = study / "episodes.csv"
    about = file.stat()
    content = file.read_bytes()
    with file.open("r+b") as stream:
        stream.write(content.replace(b"w1", b"w2", 1))
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    still.refuse_touched()
    with pytest.raises(DataError, match=r"Changed: episodes\.csv"):
        still.refuse_changed()


@pytest.mark.parametrize("file", ["measurements.csv", "study.toml"])
def test_a_run_stops_where_a_file_changes_and_publishes_nothing(
    file: str, study: Path, tmp_path: Path
) -> None:
    code = (
        f"file = Path(study).parent / {file!r}\n"
        "_ = file.write_text(file.read_text() + '\\n');\nsentence('Een zin.')"
    )
    declared = {"notebook": "11_writes", "role": "researcher"}
    make_notebook(tmp_path / "notebooks", "11_writes", code, defaults=DEFAULTS, declared=declared)
    with pytest.raises(DataError, match=rf"Changed: {file}"):
        run_study(study, reports=tmp_path / "out", notebooks=tmp_path / "notebooks", allow_modified=True)
    left = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert left == [".lock"]


def test_a_change_found_at_the_end_takes_back_what_was_published(
    study: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(self: StillFiles) -> None:
        raise DataError("changed")

    monkeypatch.setattr(StillFiles, "refuse_changed", changed)
    options = {"notebooks": notebooks, "only": ["report_funder"], "allow_modified": True}
    with pytest.raises(DataError, match="changed"):
        run_study(study, reports=tmp_path / "out", **options)
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == {".lock", "manifest.json"}
    monkeypatch.undo()
    assert run_study(study, reports=tmp_path / "out", **options).count("ok") == 1
