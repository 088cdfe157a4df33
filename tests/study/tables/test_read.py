"""Files as people export them: each form gives the same tables, and what is no table is refused."""

import hashlib
import io
import random
import re
from pathlib import Path
from unittest.mock import patch

import numpy as np
import openpyxl
import pandas as pd
import pytest

from mpg_research.errors import DataError
from mpg_research.study import check_study, load_study
from tests.study.small import EPISODES, ITEMS, MEASUREMENTS, STUDY, edited, small_study


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    study = load_study(folder)
    return {**study.tables, "scores": study.scores}


@pytest.fixture
def plain(tmp_path: Path) -> dict[str, pd.DataFrame]:
    return frames(small_study(tmp_path / "plain"))


def assert_same(got: dict[str, pd.DataFrame], wanted: dict[str, pd.DataFrame]) -> None:
    for name in wanted:
        pd.testing.assert_frame_equal(got[name], wanted[name], check_exact=True)


def typed_measurements() -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(MEASUREMENTS), dtype={"family": str, "episode": str})
    return frame.assign(date=pd.to_datetime(frame["date"]))


ISO = r"(\d{4})-(\d\d)-(\d\d)"
SAME_TEXT = {
    "byte_order_mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "utf_16": lambda text: text.encode("utf-16"),
    "utf_16_without_mark": lambda text: text.encode("utf-16-le"),
    "windows_line_ends": lambda text: text.replace("\n", "\r\n").encode(),
    "old_mac_line_ends": lambda text: text.replace("\n", "\r").encode(),
    "blank_rows_at_the_end": lambda text: (text + "\n,,,,,,\n   \n\n").encode(),
    "blank_rows_at_the_start": lambda text: ("\n\n" + text).encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "hint_of_excel": lambda text: ("sep=|\n" + text.replace(",", "|")).encode(),
    "quotes": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
    "spaces": lambda text: "\n".join(
        ",".join(f"  {cell} " for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
    "capitals_in_the_header": lambda text: text.replace("family", "Family").replace("item", "ITEM").encode(),
    "dutch_dates": lambda text: re.sub(ISO, r"\3-\2-\1", text).encode(),
    "compact_dates": lambda text: re.sub(ISO, r"\1\2\3", text).encode(),
}  # fmt: skip


@pytest.mark.parametrize("way", SAME_TEXT)
def test_every_way_to_write_a_csv_is_the_same(
    way: str, tmp_path: Path, plain: dict[str, pd.DataFrame]
) -> None:
    write = SAME_TEXT[way]
    folder = small_study(tmp_path / "s", episodes=write(EPISODES), measurements=write(MEASUREMENTS))
    assert_same(frames(folder), plain)


def test_decimal_commas_are_the_same_floats(tmp_path: Path, plain: dict[str, pd.DataFrame]) -> None:
    text = EPISODES.replace(",", ";").replace(".", ",")
    assert "4,125" in text
    assert_same(frames(small_study(tmp_path / "s", episodes=text)), plain)


def test_windows_letters(tmp_path: Path) -> None:
    folder = small_study(tmp_path, episodes=EPISODES.replace("org_a", "Één").encode("cp1252"))
    assert load_study(folder).organisations == ("org_b", "Één")


def test_ids_keep_their_leading_zeros(plain: dict[str, pd.DataFrame]) -> None:
    assert plain["episodes"]["family"].iloc[0] == "001"


@pytest.mark.parametrize("sheet", ["Metingen", "metingen", 2])
def test_excel(sheet: str | int, tmp_path: Path, plain: dict[str, pd.DataFrame]) -> None:
    written = f'"{sheet}"' if isinstance(sheet, str) else str(sheet)
    toml = edited(STUDY, ('file = "measurements.csv"', f'file = "m.xlsx"\nsheet = {written}'))
    folder = small_study(tmp_path / "s", toml=toml)
    with pd.ExcelWriter(folder / "m.xlsx") as writer:
        pd.DataFrame({"other": [1]}).to_excel(writer, sheet_name="Uitleg", index=False)
        typed_measurements().to_excel(writer, sheet_name="Metingen", index=False)
    assert_same(frames(folder), plain)


def test_parquet(tmp_path: Path, plain: dict[str, pd.DataFrame]) -> None:
    folder = small_study(tmp_path / "s", toml=edited(STUDY, ("measurements.csv", "m.parquet")))
    typed_measurements().astype({"respondent": "category", "item_01": "Int8"}).to_parquet(
        folder / "m.parquet"
    )
    assert_same(frames(folder), plain)


def write_sav(folder: Path, frame: pd.DataFrame, **settings: object) -> None:
    import pyreadstat

    pyreadstat.write_sav(frame, str(folder / "m.sav"), **settings)


def test_spss_with_labels_and_user_missing_codes(tmp_path: Path) -> None:
    """99 and 98 to 97 never become data; labels speak where words are wanted, codes where numbers are."""
    frame = typed_measurements()
    frame["respondent"] = np.where(np.arange(len(frame)) % 3 == 0, 2.0, 1.0)
    frame[ITEMS] = frame[ITEMS].astype(float)
    wanted = frame["item_01"].copy()
    frame.loc[0, "item_01"], frame.loc[1, "item_01"], frame.loc[2, "item_01"] = 99.0, 98.0, 97.0
    wanted[:3] = np.nan
    folder = small_study(tmp_path, toml=edited(STUDY, ("measurements.csv", "m.sav")))
    write_sav(
        folder, frame,
        variable_value_labels={
            "respondent": {1.0: "first_parent", 2.0: "second_parent"},
            "item_01": {1.0: "geldt niet", 4.0: "geldt helemaal", 99.0: "onbekend"},
        },
        missing_ranges={"item_01": [99, {"lo": 97, "hi": 98}]},
    )  # fmt: skip
    study = load_study(folder)
    measured = study.tables["measurements"]
    np.testing.assert_array_equal(measured["item_01"].to_numpy(), wanted.to_numpy())
    assert measured["respondent"].tolist()[:3] == ["second_parent", "first_parent", "first_parent"]
    assert study.scores["raw"].isna().sum() == 3
    assert (measured["date"] == frame["date"]).all()


def test_a_99_that_spss_does_not_call_missing_is_refused(tmp_path: Path) -> None:
    frame = typed_measurements()
    frame.loc[0, "item_01"] = 99
    folder = small_study(tmp_path, toml=edited(STUDY, ("measurements.csv", "m.sav")))
    write_sav(folder, frame)
    with pytest.raises(DataError, match="the answer 99"):
        load_study(folder)


def test_user_missing_dates_are_missing(tmp_path: Path) -> None:
    import pyreadstat

    frame = pd.read_csv(io.StringIO(EPISODES), dtype={"family": str, "episode": str})
    for name in ("start", "end"):
        frame[name] = (
            pd.to_datetime(frame[name]) - pd.Timestamp("1970-01-01")
        ).dt.days * 86400.0 + 141428 * 86400.0
    frame.loc[0, "end"] = 99.0
    folder = small_study(tmp_path, toml=edited(STUDY, ("episodes.csv", "e.sav")))
    pyreadstat.write_sav(
        frame, str(folder / "e.sav"), missing_ranges={"end": [99]},
        variable_format={"start": "DATE11", "end": "EDATE10"},
    )  # fmt: skip
    episodes = load_study(folder).tables["episodes"]
    assert episodes["end"].isna().tolist() == [True] + [False] * 11
    assert episodes["start"].iloc[1] == pd.Timestamp("2024-01-02")


def test_dates_that_lost_their_format_in_excel_or_spss(
    tmp_path: Path, plain: dict[str, pd.DataFrame]
) -> None:
    frame = typed_measurements()
    days = (frame["date"] - pd.Timestamp("1970-01-01")).dt.days
    folder = small_study(tmp_path / "x", toml=edited(STUDY, ("measurements.csv", "m.xlsx")))
    frame.assign(date=days + 25569).to_excel(folder / "m.xlsx", index=False)
    assert_same(frames(folder), plain)
    folder = small_study(tmp_path / "s", toml=edited(STUDY, ("measurements.csv", "m.sav")))
    write_sav(folder, frame.assign(date=(days + 141428) * 86400.0))
    assert_same(frames(folder), plain)


def xlsx_bytes() -> bytes:
    buffer = io.BytesIO()
    typed_measurements().to_excel(buffer, index=False)
    return buffer.getvalue()


def changed_workbook(how: str) -> bytes:
    workbook = openpyxl.load_workbook(io.BytesIO(xlsx_bytes()))
    if how == "formula":
        workbook.active.cell(2, 6).value = "=1+1"
    elif how == "hidden first":
        workbook.create_sheet("lists", 0)["A1"] = "family"
        workbook["lists"].sheet_state = "hidden"
    else:
        workbook.create_sheet("last")
        workbook.worksheets[0].sheet_state = workbook.worksheets[1].sheet_state = "hidden"
    buffer = io.BytesIO()
    # openpyxl itself refuses to write a workbook without a sheet that can be seen
    with patch("openpyxl.workbook._writer.get_active_sheet", lambda workbook: 0):
        workbook.save(buffer)
    return buffer.getvalue()


def nested_parquet(column: str) -> bytes:
    frame = typed_measurements()
    frame[column] = [[1, 2]] * len(frame)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def test_a_hidden_first_sheet_is_not_the_table(tmp_path: Path) -> None:
    toml = edited(STUDY, ("measurements.csv", "m.xlsx"))
    folder = small_study(tmp_path, toml=toml, m__xlsx=changed_workbook("hidden first"))
    assert len(load_study(folder).scores) == 36


def test_a_nested_column_that_nobody_uses_is_left_alone(tmp_path: Path) -> None:
    toml = edited(STUDY, ("measurements.csv", "m.parquet"))
    folder = small_study(tmp_path, toml=toml, m__parquet=nested_parquet("remarks"))
    assert len(load_study(folder).scores) == 36


REFUSED = {
    "binary": ("measurements.csv", bytes(range(256)) * 40, "not what its name says"),
    "noise": ("measurements.csv", random.Random(1).randbytes(5000), "not what its name says"),
    "binary_after_a_while": ("measurements.csv", MEASUREMENTS.encode() * 20 + b"\x00", "not what its name"),
    "xlsx_renamed_csv": ("measurements.csv", xlsx_bytes(), "its content is an Excel workbook"),
    "csv_renamed_xlsx": ("m.xlsx", MEASUREMENTS.encode(), "its content is a text table"),
    "csv_renamed_sav": ("m.sav", MEASUREMENTS.encode(), "its content is a text table"),
    "csv_renamed_parquet": ("m.parquet", MEASUREMENTS.encode(), "its content is a text table"),
    "html": ("measurements.csv", b"<html><table></table></html>", "its content is a web page"),
    "old_excel": ("measurements.csv", b"\xd0\xcf\x11\xe0" + b"x" * 600, "old Excel workbook"),
    "protected_xlsx": (
        "m.xlsx", b"\xd0\xcf\x11\xe0" + b"x" * 600 + "EncryptedPackage".encode("utf-16-le"), "by a password"
    ),
    "formula_without_value": ("m.xlsx", changed_workbook("formula"), "the first in F2"),
    "all_sheets_hidden": ("m.xlsx", changed_workbook("hide all"), "hidden"),
    "nested_parquet": ("m.parquet", nested_parquet("item_01"), "the column holds list"),
    "nested_ids": ("m.parquet", nested_parquet("family"), "the column holds list"),
    "damaged_xlsx": ("m.xlsx", xlsx_bytes()[:3000], "cannot be read"),
    "damaged_sav": ("m.sav", b"$FL2" + b"x" * 300, "cannot be read"),
    "damaged_parquet": ("m.parquet", b"PAR1" + b"x" * 300 + b"PAR1", "cannot be read"),
    "no_bytes": ("measurements.csv", b"", "the file is empty"),
    "only_a_mark": ("measurements.csv", b"\xef\xbb\xbf\r\n", "the file is empty"),
    "only_a_header": ("measurements.csv", MEASUREMENTS.splitlines()[0].encode(), "the table has no rows"),
    "column_twice": ("measurements.csv", MEASUREMENTS.replace("item_02", "item_01").encode(), "occurs twice"),
    "row_too_long": ("measurements.csv", (MEASUREMENTS + "1," * 20 + "\n").encode(), "row 38"),
    "open_quote": ("measurements.csv", MEASUREMENTS.replace("001,", '"001,', 1).encode(), "cannot be read"),
    "unknown_form": ("m.ods", b"x", 'the ending ".ods"'),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_gets_one_clear_message(case: str, tmp_path: Path) -> None:
    name, content, said = REFUSED[case]
    folder = small_study(tmp_path, toml=edited(STUDY, ("measurements.csv", name)))
    (folder / name).write_bytes(content)
    report = check_study(folder)
    about_the_file = [problem for problem in report.errors if problem.file == name]
    assert len(about_the_file) == 1, report.as_text()
    assert said in str(about_the_file[0])
    with pytest.raises(DataError):
        load_study(folder)


def test_a_missing_file_and_a_missing_sheet_name_what_there_is(tmp_path: Path) -> None:
    folder = small_study(tmp_path / "a", toml=edited(STUDY, ("measurements.csv", "measurments.csv")))
    assert "measurements.csv" in str(check_study(folder).errors[0])
    toml = edited(STUDY, ('"measurements.csv"', '"m.xlsx"\nsheet = "x"'))
    folder = small_study(tmp_path / "b", toml=toml, m__xlsx=xlsx_bytes())
    assert "Sheet1" in str(check_study(folder).errors[0])


def test_a_file_that_was_cut_off_is_odd(tmp_path: Path) -> None:
    report = check_study(small_study(tmp_path, measurements=MEASUREMENTS + "012,1,first_parent,2024-08-15,1"))
    assert report.ok
    (warning,) = report.warnings
    assert (warning.code, warning.row) == ("short_row", 38)


def test_raw_files_are_read_only_and_hashed(tmp_path: Path) -> None:
    folder = small_study(tmp_path)
    for path in folder.iterdir():
        path.chmod(0o444)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    study = load_study(folder)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    for source in study.sources:
        assert source.sha256 == hashlib.sha256(before[source.path.name][0]).hexdigest()
    assert {source.path.name: source.n_rows for source in study.sources} == {
        "episodes.csv": 12, "measurements.csv": 36,
    }  # fmt: skip


def test_the_digest_changes_with_data_and_with_configuration(tmp_path: Path) -> None:
    first = load_study(small_study(tmp_path / "a")).digest
    assert load_study(small_study(tmp_path / "b")).digest == first
    assert load_study(small_study(tmp_path / "c", toml=STUDY + "\n")).digest != first
    assert load_study(small_study(tmp_path / "d", episodes=EPISODES + "\n")).digest != first
