import subprocess
import sys
from pathlib import Path

import pytest

from mpg_research.errors import ReportError
from mpg_research.reporting import files


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    monkeypatch.setattr(files.os, "fsync", lambda handle: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_equal_values_give_equal_json() -> None:
    assert files.json_bytes({"b": 1, "a": "é"}) == files.json_bytes({"a": "é", "b": 1})


def test_not_a_number_is_no_json() -> None:
    with pytest.raises(ValueError):
        files.json_bytes({"a": float("nan")})


def test_a_folder_is_held_against_another_process_and_let_go_when_that_dies(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom mpg_research.reporting.files import lock_folder\n"
        f"with lock_folder(Path({str(tmp_path)!r})):\n    print('held', flush=True)\n    time.sleep(3600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == "held"
            with pytest.raises(ReportError, match="Another run"), files.lock_folder(tmp_path):
                pass
        finally:
            other.kill()
    with files.lock_folder(tmp_path):
        pass
