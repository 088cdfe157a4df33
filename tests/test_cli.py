import subprocess
import sys
from pathlib import Path

import pytest

from mpg_research import cli
from mpg_research.errors import ConfigError, DataError
from mpg_research.version import __version__

ROOT = Path(__file__).resolve().parents[1]
#: What would make a person wait for a command that needs none of it.
HEAVY = {"pandas", "numpy", "scipy", "pydantic", "rich", "nbformat", "jinja2", "asyncio", "papermill"}


def mpg(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mpg_research", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_help_loads_nothing_slow_and_names_the_commands() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "mpg_research", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "mpg_research" in loaded
    assert not loaded & HEAVY
    for command in ("run", "check", "init", "simulate", "version"):
        assert f"  {command} " in done.stdout


def test_parsing_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom mpg_research.cli import build_parser\nbuild_parser().parse_args(['run', 'x'])\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_overview_loads_no_numerics_or_pictures(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from mpg_research.reporting.run.index import write_index\n"
        "from mpg_research.study import read_config\n"
        f"write_index(Path({str(tmp_path)!r}), read_config(Path('data/example')))\n"
        f"print(sorted({HEAVY - {'jinja2', 'pydantic'}!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (tmp_path / "index.html").is_file()
    assert done.stdout.strip() == "[]"


def test_version() -> None:
    assert mpg("version").stdout == mpg("--version").stdout == f"mpg_research {__version__}\n"


def test_a_refusal_is_one_message_with_the_errors_own_exit_code(tmp_path: Path) -> None:
    done = mpg("run", str(tmp_path / "nowhere"), "--output", str(tmp_path / "reports"))
    assert done.returncode == ConfigError.exit_code
    assert done.stderr.startswith("mpg: ")
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "reports").exists()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = mpg("run", str(tmp_path / "nowhere"), "--debug")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def stop(error: BaseException):
    def command(options: object) -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("measurements.csv, row 12: found 5."), 3, "row 12"),
        (ZeroDivisionError("division by zero"), 70, "This is a bug in mpg_research"),
        (MemoryError(), 8, "too little memory"),
        (ImportError("libx.so: failed to map segment from shared object", name="x"), 8, "too little memory"),
        (ImportError("no module", name="pandas"), 8, "library could not be loaded"),
        (ImportError("no module", name="mpg_research.nothing"), 70, "This is a bug in mpg_research"),
        (OSError(28, "No space left on device", "x.csv"), 8, "No space left on device (x.csv)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_every_end_has_its_exit_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(cli, "_check", stop(error))
    assert cli.main(["check"]) == code
    assert said in capsys.readouterr().err


def test_check_ends_with_the_code_of_a_data_error_when_there_are_errors(tmp_path: Path, capsys) -> None:
    assert cli.main(["init", str(tmp_path / "new")]) == 0
    assert "mpg check" in capsys.readouterr().out
    assert cli.main(["check", str(tmp_path / "new")]) == DataError.exit_code


def test_simulate_makes_a_study_that_passes_the_check(tmp_path: Path, capsys, monkeypatch) -> None:
    from mpg_research.simulate import study as simulate

    folder = tmp_path / "Mijn studie"
    options = ["simulate", str(folder), "--families", "60", "--organisations", "4"]
    monkeypatch.setitem(simulate.TRUTH_FAMILIES, "small", 50)
    assert cli.main(options) == 0
    assert "true course of organisation 4 of 4" in capsys.readouterr().out
    assert (folder / "truth" / "mean_course.csv").exists()
    without = tmp_path / "without"
    assert cli.main(["simulate", str(without), *options[2:], "--truth", "none"]) == 0
    assert not (without / "truth" / "mean_course.csv").exists()
    assert "true course" not in capsys.readouterr().out
    assert cli.main(["check", str(folder)]) == 0
    assert "60 families" in capsys.readouterr().out


def test_clean_says_what_there_was_and_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MPG_CACHE", str(tmp_path))
    folder = tmp_path / "mpg-results"
    folder.mkdir()
    (folder / f"{'a' * 64}.result").write_bytes(bytes(2_500_000))
    assert cli.main(["clean", "--dry-run"]) == 0
    assert capsys.readouterr().out == f"There is 1 file, 2.5 MB, in {folder}.\n"
    assert cli.main(["clean"]) == 0
    assert capsys.readouterr().out == f"Removed 1 file, 2.5 MB, in {folder}.\n"
    assert not folder.exists()
    assert cli.main(["clean"]) == 0
    assert capsys.readouterr().out == f"Removed 0 files, 0.0 MB, in {folder}.\n"
    monkeypatch.setenv("MPG_CACHE", "off")
    assert cli.main(["clean"]) == 0
    assert capsys.readouterr().out == "Results are not stored (MPG_CACHE=off).\n"


def test_explain_says_why_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--output", str(tmp_path / "reports"), "--only", "report_funder", "--language", "en"]
    assert cli.main(["run", "--explain", *options]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split("  ")[1:] == ["funder/en/report_funder", "never made"]
    assert said[-1] == "Would be made: 1 of 1."
    assert not (tmp_path / "reports").exists()
