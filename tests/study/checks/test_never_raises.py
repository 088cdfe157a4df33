"""Whatever stands in the files, checking ends in a report, never in a traceback."""

import random
import warnings
from pathlib import Path

import pytest

from mpg_research.errors import MpgError
from mpg_research.study import check_study, load_study
from tests.study.small import EPISODES, MEASUREMENTS, STUDY, small_study

CARE = "family,month,contact_hours,one_plan\n001,2024-03,2.5,ja\n002,2024-04,3,nee\n"
TOML = STUDY + '[tables.care]\nfile = "care.csv"\n'
TOKENS = [
    b"", b",", b";", b'"', b"\n", b"\r", b"\x00", b"NA", b"-1", b"1e5", b"99", b"2024-02-30",
    b"20240100", b"\xff",
    b"1,5", b" ", b"'", b"=1+1", b"family", b"1582-10-14", b"9" * 25, b"\t", "é".encode(), b"[", b"{",
]  # fmt: skip
N_TRIES = 8  # per seed and file; hundreds were tried by hand


def spoilt(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = rng.randrange(len(data) + 1)
        what = rng.randrange(3)
        if what == 0:
            data[place : place + rng.randrange(2)] = rng.choice(TOKENS)
        elif what == 1:
            del data[place : place + rng.randrange(30)]
        else:
            other = rng.randrange(len(data) + 1)
            data[place:place] = data[other : other + rng.randrange(60)]
    return bytes(data)


@pytest.mark.parametrize("name", ["study.toml", "episodes.csv", "measurements.csv", "care.csv"])
def test_spoilt_files_end_in_a_report(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    folder = small_study(tmp_path / "s", toml=TOML, care__csv=CARE)
    sound = {"study.toml": TOML, "episodes.csv": EPISODES, "measurements.csv": MEASUREMENTS, "care.csv": CARE}
    for _ in range(N_TRIES):
        (folder / name).write_bytes(spoilt(sound[name].encode(), rng))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = check_study(folder)
            assert report.as_text()
            if report.ok:
                load_study(folder)
            else:
                with pytest.raises(MpgError):
                    load_study(folder)
