import subprocess
import sys
from pathlib import Path

import pytest

from mpg_research.errors import ReportError
from mpg_research.reporting import files


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
