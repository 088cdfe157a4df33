"""What the store does for a session: once, whole, private, bounded, and never in the way."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpg_research import analysis, describe_quality
from mpg_research.errors import ConfigError, DataError, NotApplicableError
from mpg_research.reporting.session.session import begin
from mpg_research.reporting.session.shown import NotApplicable
from mpg_research.reporting.store import claim, folder, results, source
from mpg_research.reporting.store.analyses import is_stored, make_analysis
from mpg_research.reporting.store.folder import store_folder
from mpg_research.reporting.store.results import key_of, result_of, verb_name
from mpg_research.reporting.store.sealed import seal, unseal
from mpg_research.reporting.store.source import open_study
from mpg_research.reporting.store.stored import StoredResult

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of this test alone."""
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "_CODE_AT_START", [])
    forget()
    yield tmp_path / "cache" / "mpg-results"
    forget()


def forget() -> None:
    """As a new process would find things."""
    results.forget()
    source._OPEN.clear()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the analyses that were run."""
    ran: list[str] = []

    def watched(study: Any, **options: Any) -> Any:
        ran.append("describe_quality")
        return describe_quality(study, **options)

    watched.__name__ = "describe_quality"
    monkeypatch.setattr(analysis, "describe_quality", watched, raising=False)
    return ran


def files(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.result"))


def test_a_result_is_computed_once_and_then_read_without_the_study(
    study: Path, computed: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin("01_data_quality", study=str(study)).analyse("describe_quality")
    forget()
    monkeypatch.setattr("mpg_research.study.load.load_study", lambda path: pytest.fail("the study was read"))
    session = begin("01_data_quality", study=str(study))
    second = session.analyse("describe_quality")
    assert computed == ["describe_quality"]
    assert str(session.table(first, "overview")) == str(session.table(second, "overview"))
    assert list(cache.glob("*.claim")) == list(cache.glob("*.part")) == []


def test_the_function_and_its_name_are_the_same_analysis(study: Path, computed: list[str]) -> None:
    session = begin("01_data_quality", study=str(study))
    session.analyse("describe_quality")
    session.analyse(analysis.describe_quality)
    assert len(computed) == 1


def test_options_are_part_of_the_key() -> None:
    of = "0" * 64
    keys = [
        key_of(of, "describe_quality", {}),
        key_of("1" * 64, "describe_quality", {}),
        key_of(of, "course", {}),
        key_of(of, "describe_quality", {"level": 0.9}),
        key_of(of, "describe_quality", {"level": 0.95}),
        key_of(of, "describe_quality", {"level": True}),
        key_of(of, "describe_quality", {"level": 1}),
        key_of(of, "describe_quality", {"level": None}),
        key_of(of, "describe_quality", {"months": [1, 2]}),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of(of, "course", {"a": 1, "b": [2]}) == key_of(of, "course", {"b": (2,), "a": 1})


@pytest.mark.parametrize(
    "value", [object(), {1: "a"}, np.float64(1), np.random.default_rng(1), float("nan"), [{"a": {1}}], b"a"]
)
def test_options_that_are_no_json_have_no_key(value: Any) -> None:
    assert key_of("0" * 64, "course", {"option": value}) == ""


def test_a_function_of_ones_own_is_computed_each_time(study: Path, cache: Path) -> None:
    session = begin("01_data_quality", study=str(study))
    ran = []
    facts = files(cache)

    def mine(study: Any, *, number: int) -> int:
        ran.append(number)
        return len(study.tables["episodes"])

    assert [session.analyse(mine, number=number) for number in (3, 3)] == [12, 12]
    assert ran == [3, 3]
    assert files(cache) == facts
    assert verb_name(mine) == verb_name(lambda study: 1) == ""


def test_an_analysis_that_is_not_there_is_refused(study: Path) -> None:
    with pytest.raises(ConfigError, match='did you mean "describe_quality"'):
        begin("01_data_quality", study=str(study)).analyse("describe_qualty")


@pytest.mark.parametrize("file", ["measurements.csv", "study.toml"])
def test_a_changed_file_of_the_study_is_another_study(file: str, study: Path, computed: list[str]) -> None:
    make_analysis(str(study), "describe_quality", {})
    assert is_stored(str(study), "describe_quality", {})
    content = (study / file).read_text()
    (study / file).write_text(content.replace("2024-03-05", "2024-03-06", 1) + "\n")
    assert not is_stored(str(study), "describe_quality", {})
    make_analysis(str(study), "describe_quality", {})
    assert len(computed) == 2


def test_a_study_moved_elsewhere_is_the_same(study: Path, tmp_path: Path, computed: list[str]) -> None:
    key = make_analysis(str(study), "describe_quality", {})
    odd = tmp_path / "naïve {x} 'q' & \"z\" 研究\u200b"
    study.rename(odd)
    assert make_analysis(str(odd), "describe_quality", {}) == key
    assert len(computed) == 1


def test_a_study_with_errors_is_refused_before_and_after_one_without(study: Path, cache: Path) -> None:
    begin("01_data_quality", study=str(study))
    good = (study / "measurements.csv").read_text()
    (study / "measurements.csv").write_text(good.replace("F00", "F99"))
    stored = files(cache)
    for _ in range(2):
        with pytest.raises(DataError, match="cannot be used"):
            begin("01_data_quality", study=str(study))
    assert files(cache) == stored


def test_a_question_that_does_not_arise_is_stored_as_such_other_errors_are_not(
    study: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def refuse(study: Any, *, wrong: bool = False) -> Any:
        ran.append(wrong)
        if wrong:
            raise ValueError("a mistake")
        raise NotApplicableError("Only one.", code="one_organisation")

    refuse.__name__ = "course"
    monkeypatch.setattr(analysis, "course", refuse, raising=False)
    for _ in range(2):
        session = begin("01_data_quality", study=str(study))
        assert session.analyse("course") == NotApplicable("one_organisation")
        forget()
    assert ran == [False]
    number = len(files(cache))
    for _ in range(2):
        with pytest.raises(ValueError, match="a mistake"):
            begin("01_data_quality", study=str(study)).analyse("course", wrong=True)
    assert ran == [False, True, True]
    assert len(files(cache)) == number
    assert list(cache.glob("*.claim")) == []


@pytest.mark.parametrize(
    "how", ["cut", "emptied", "changed", "of another key", "a link", "a folder", "not ours"]
)
def test_what_is_not_what_was_written_is_made_again(
    how: str, study: Path, computed: list[str], cache: Path, tmp_path: Path
) -> None:
    key = make_analysis(str(study), "describe_quality", {})
    file = cache / f"{key}.result"
    good = file.read_bytes()
    if how == "cut":
        file.write_bytes(good[:-20])
    elif how == "emptied":
        file.write_bytes(b"")
    elif how == "changed":
        file.write_bytes(good[:-200] + b"x" + good[-199:])
    elif how == "of another key":
        file.write_bytes(seal("b" * 64, unseal(key, good)))
    elif how == "a link":
        (tmp_path / "elsewhere").write_bytes(good)
        file.unlink()
        file.symlink_to(tmp_path / "elsewhere")
    elif how == "a folder":
        file.unlink()
        (file / "in it").mkdir(parents=True)
    else:
        if os.name != "posix" or os.geteuid() != 0:
            pytest.skip("only the superuser can give a file away")
        os.chown(file, 12345, -1)
    forget()
    assert isinstance(begin("01_data_quality", study=str(study)).analyse("describe_quality"), StoredResult)
    assert len(computed) == 2
    assert file.read_bytes()[:22] == good[:22]


def test_off_means_that_nothing_is_stored(
    study: Path, computed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPG_CACHE", "off")
    for _ in range(2):
        forget()
        begin("01_data_quality", study=str(study)).analyse("describe_quality")
    assert len(computed) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"study"}


def test_a_folder_that_cannot_be_made_is_said_once_and_done_without(
    study: Path, computed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    session = begin("01_data_quality", study=str(study))
    assert isinstance(session.analyse("describe_quality"), StoredResult)
    session.analyse("describe_quality", level=0.9)
    assert capsys.readouterr().err.count("Results cannot be stored") == 1
    forget()
    begin("01_data_quality", study=str(study), output=str(tmp_path / "out")).analyse("describe_quality")
    assert capsys.readouterr().err == "", "a page says nothing of it"


def test_a_full_disk_is_said_once_and_what_was_stored_is_read_on(
    study: Path,
    computed: list[str],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_analysis(str(study), "describe_quality", {})
    forget()

    def full(*arguments: Any, **options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.tempfile, "mkstemp", full)
    session = begin("01_data_quality", study=str(study))
    session.analyse("describe_quality")
    assert len(computed) == 1
    for level in (0.8, 0.9):
        session.analyse("describe_quality", level=level)
    assert len(computed) == 3
    assert capsys.readouterr().err.count("No space left on device") == 1
    assert list(cache.glob("*.claim")) == list(cache.glob("*.part")) == []


def test_a_folder_that_cannot_be_written_to_is_told_before_a_run(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    assert store_folder(tell=said.append).try_out()
    assert said == list(cache.iterdir()) == []

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(folder.tempfile, "NamedTemporaryFile", refuse)
    store = store_folder(tell=said.append)
    assert not store.try_out()
    assert not store.write("a" * 64, b"a")
    assert len(said) == 1
    assert "Read-only file system" in said[0]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_the_owner_can_read_what_is_stored(study: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o755)
    make_analysis(str(study), "describe_quality", {})
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(cache)} == {0o600}


def test_what_was_not_read_for_longest_goes_first(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST_BYTES", 4_000)
    store = store_folder()
    for number in range(4):
        assert store.write(f"{number}" * 64, bytes(1_000))
        os.utime(cache / f"{f'{number}' * 64}.result", (number + 1, number + 1))
    assert store.read("0" * 64) is not None  # now it was used last
    assert store.write("4" * 64, bytes(1_000))
    assert not store.has("1" * 64)
    assert all(store.has(f"{number}" * 64) for number in (0, 2, 3, 4))
    assert not store.write("5" * 64, bytes(1_001)), "one that is large would drive out the others"


def test_cleaning_removes_what_is_ours_and_nothing_else(study: Path, cache: Path) -> None:
    make_analysis(str(study), "describe_quality", {})
    (cache / "mine.txt").write_text("keep")
    (cache.parent / "mine.result").write_text("keep")
    number, size = store_folder().size()
    assert store_folder().clean() == (number, size)
    assert number == 1
    assert size > 1_000
    assert [path.name for path in cache.iterdir()] == ["mine.txt"]
    (cache / "mine.txt").unlink()
    store_folder().clean()
    assert [path.name for path in cache.parent.iterdir()] == ["mine.result"]
    forget()
    assert make_analysis(str(study), "describe_quality", {})


def test_a_shared_folder_serves_others_and_must_be_there(
    study: Path, tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setenv("MPG_SHARED_STORE", str(shared))
    assert make_analysis(str(study), "describe_quality", {}), "without the folder it is computed all the same"
    assert not shared.exists()
    shared.mkdir()
    forget()
    make_analysis(str(study), "describe_quality", {})
    monkeypatch.setenv("MPG_CACHE", str(tmp_path / "of another user"))
    forget()
    make_analysis(str(study), "describe_quality", {})
    assert len(computed) == 2
    assert len(files(shared / "mpg-results")) == 1
    assert not (tmp_path / "of another user").exists()


def test_a_notebook_that_changes_its_tables_changes_no_stored_result(
    study: Path, computed: list[str]
) -> None:
    session = begin("01_data_quality", study=str(study))
    session.study.tables["episodes"].loc[:, "organisation"] = "org_a"
    session.study.scores["raw"] = 40.0
    result = session.analyse("describe_quality")
    assert len(result.tables["by_organisation"].data["organisation"].unique()) == 4
    result.tables["overview"].data["n_families"] = 0
    again = session.analyse("describe_quality")
    assert again.tables["overview"].data["n_families"].max() == 12
    assert set(session.study.tables["episodes"]["organisation"]) == {"org_a"}


def test_nothing_is_stored_by_a_process_whose_code_changed_under_it(
    study: Path, cache: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_CODE_AT_START", ["1" * 64])
    assert isinstance(begin("01_data_quality", study=str(study)).analyse("describe_quality"), StoredResult)
    assert files(cache) == []


def test_nothing_is_stored_of_files_that_changed_while_they_were_read(study: Path, cache: Path) -> None:
    opened = open_study(study)
    assert opened.of_results
    with (study / "measurements.csv").open("a") as stream:
        stream.write("\n")
    assert isinstance(result_of(opened, "describe_quality", {}), StoredResult)
    assert files(cache) == []


MAKE = """
import sys, time
from mpg_research import analysis
from mpg_research.reporting.store.analyses import make_analysis
real = analysis.describe_quality
def slow(study):
    with open(sys.argv[2], "a") as stream:
        stream.write("ran\\n")
    time.sleep(1.5)
    return real(study)
analysis.describe_quality = slow
print(make_analysis(sys.argv[1], "describe_quality", {}))
"""


def start(study: Path, log: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MAKE, str(study), str(log)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_of_two_processes_one_computes_and_the_other_waits(study: Path, tmp_path: Path, cache: Path) -> None:
    log = tmp_path / "log"
    both = [start(study, log) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert said[0] == said[1] != "\n"
    assert log.read_text() == "ran\n"
    assert list(cache.glob("*.claim")) == []


def test_the_claim_of_a_killed_process_is_taken_over(study: Path, tmp_path: Path, cache: Path) -> None:
    log = tmp_path / "log"
    killed = start(study, log)
    while not log.exists():
        time.sleep(0.05)
        assert killed.poll() is None
    killed.kill()
    killed.communicate()
    assert len(list(cache.glob("*.claim"))) == 1
    other = start(study, log)
    assert len(other.communicate(timeout=120)[0].strip()) == 64
    assert list(cache.glob("*.claim")) == []


def test_a_claim_of_another_machine_counts_while_it_shows_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.claim"
    path.write_text(json.dumps({"host": f"not {socket.gethostname()}", "pid": 1, "claim": "theirs"}))
    assert not claim._is_stale(path)
    old = time.time() - claim.STALE - 5
    os.utime(path, (old, old))
    assert claim._is_stale(path)
    with claim.claimed(path, lambda: False) as mine:
        assert mine
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_who_waits_is_told_when_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a.claim"
    with claim.Claim(path) as held:
        assert held.take()
        looks = iter([False, False, True])
        with claim.claimed(path, lambda: next(looks)) as mine:
            assert not mine
    assert list(tmp_path.iterdir()) == []
