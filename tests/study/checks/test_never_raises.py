"""Whatever stands in the files, checking ends in a report, never in a traceback."""

import io
import itertools
import random
import warnings
from pathlib import Path

import pandas as pd
import pyreadstat
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


def _measurements_as(ending: str, folder: Path) -> bytes:
    frame = pd.read_csv(io.StringIO(MEASUREMENTS), dtype=str)
    buffer = io.BytesIO()
    if ending == "xlsx":
        frame.to_excel(buffer, index=False)
    elif ending == "parquet":
        frame.to_parquet(buffer)
    else:
        pyreadstat.write_sav(frame, str(folder / "sound.sav"))
        return (folder / "sound.sav").read_bytes()
    return buffer.getvalue()


@pytest.mark.parametrize("ending", ["xlsx", "sav", "parquet"])
def test_spoilt_binary_files_end_in_a_report(ending: str, tmp_path: Path) -> None:
    rng = random.Random(ending)
    sound = _measurements_as(ending, tmp_path)
    toml = STUDY.replace("measurements.csv", f"m.{ending}")
    for _ in range(N_TRIES):
        data = bytearray(spoilt(sound, rng))
        for _ in range(rng.choice([0, 1, 50])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        folder = small_study(tmp_path / "s", toml=toml, **{f"m__{ending}": bytes(data)})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert check_study(folder).as_text()


ODD_VALUES = [
    r'"\u0000"', r'"a\u0000b"', f'"{"x" * 5000}"', r'"\n"', r'"\r"', '"\U0001f600"', r'"\""', "1" + "0" * 400,
    "1" + "0" * 5000, "-1", "0", "inf", "nan", '"5"', "true", "[]", "{}", "[" * 3000 + "]" * 3000,
    "2024-01-01", "12:00:00", '""', '" "', '"../x"', '"/"', '"~nobody/x"', "{a={b=1}}", "9223372036854775808",
    "1e308", "[0, inf]", "[0, 1e300]", '"loop"', '"loop.csv"', '"\u202e"', '"[a"', '"{wave"', '"%Q"',
    r'["a\u0000","b"]',
]  # fmt: skip
SETTINGS = {
    "study": ["name", "title", "languages", "synthetic", "export_date", "unit"],
    "time": ["kind", "unit", "months_per_unit", "origin", "baseline_window_days"],
    "tables.measurements": [
        "file", "sheet", "separator", "decimal", "encoding", "date_format", "header_row", "decimals",
        "columns", "constants", "values", "missing_values", "layout", "patterns", "times",
    ],
    "instruments.obvl_k": ["file", "norms", "maximum_missing_items", "reverse_items"],
    "analysis": ["instrument", "case_mix", "months", "primary_month", "minimum_measured", "change_method"],
    "disclosure": ["minimum_families", "minimum_other_organisations", "public_groups"],
    "organisations": ["org_a", '"a b"'],
    "vocabularies": ["events"],
}  # fmt: skip
N_SETTINGS = 150  # of more than a thousand; all were tried by hand


def _with_setting(section: str, key: str, value: str) -> str:
    """The small study's file with one setting more, or another in its place."""
    text = ""
    there = False
    for block in _blocks(STUDY):
        name, lines = block.split("]\n", 1)
        if name == section:
            there = True
            lines = "".join(f"{line}\n" for line in lines.splitlines() if line.split(" =")[0] != key)
            lines += f"{key} = {value}\n"
        text += f"[{name}]\n{lines}"
    return text if there else f"{text}[{section}]\n{key} = {value}\n"


def _blocks(text: str) -> list[str]:
    return [block.removeprefix("[") for block in ("\n" + text).split("\n[")[1:]]


def test_odd_settings_end_in_a_report(tmp_path: Path) -> None:
    every = [(section, key) for section, keys in SETTINGS.items() for key in keys]
    tries = random.Random(1).sample(list(itertools.product(every, ODD_VALUES)), N_SETTINGS)
    tries += [
        (("tables.measurements", "file"), value) for value in ('"loop"', r'"a\u0000b"', f'"{"x" * 5000}"')
    ]
    tries += [(("tables.measurements", "separator"), value) for value in (r'"\n"', '"\U0001f600"')]
    tries += [
        (("tables.measurements", "header_row"), "1" + "0" * 400),
        (("analysis", "months"), "1" + "0" * 5000),
    ]
    for (section, key), value in tries:
        folder = small_study(tmp_path / "s", toml=_with_setting(section, key, value))
        for name in ("loop", "loop.csv"):
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(folder / name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert check_study(folder).as_text(), (section, key, value)


@pytest.mark.parametrize("setting", ['minimum_families = "10"', "minimum_families = true"])
def test_a_number_between_quotes_is_no_number(setting: str, tmp_path: Path) -> None:
    report = check_study(small_study(tmp_path, toml=STUDY.replace("minimum_families = 3", setting)))
    assert "a whole number, without quotes" in report.as_text()
