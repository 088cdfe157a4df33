"""A table from several files: the same tables as from one, and findings that name the file."""

from pathlib import Path

import pandas as pd
import pytest

from mpg_research.errors import ConfigError
from mpg_research.study import check_study, load_study, read_config, shipped_example, source_paths
from tests.study.cut import cut
from tests.study.small import EPISODES, MEASUREMENTS, STUDY, edited, small_study

EXAMPLE = Path(shipped_example())


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in an order of their own, the columns by name."""
    keys = [name for name in ("family", "episode", "respondent", "instrument", "date") if name in frame]
    return frame.sort_values(keys, kind="stable").sort_index(axis=1).reset_index(drop=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_six_exports_in_six_dialects_are_the_example(tmp_path: Path, seed: int) -> None:
    whole, parts = load_study(EXAMPLE), load_study(cut(EXAMPLE, tmp_path / "cut", seed))
    assert set(parts.tables) == set(whole.tables)
    for name, table in whole.tables.items():
        pd.testing.assert_frame_equal(ordered(parts.tables[name]), ordered(table), obj=name)
    pd.testing.assert_frame_equal(ordered(parts.scores), ordered(whole.scores))
    assert len(parts.sources) == len(whole.sources) - 2 + 12


HEADER, *ROWS = MEASUREMENTS.splitlines(keepends=True)
HEAD_E, *ROWS_E = EPISODES.splitlines(keepends=True)
A_E, B_E = (HEAD_E + "".join(row for row in ROWS_E if key in row) for key in ("org_a", "org_b"))
A_M, B_M = (HEADER + "".join(row for row in ROWS if int(row[:3]) % 2 == odd) for odd in (1, 0))
LIST = edited(STUDY, ('"measurements.csv"', '["a.csv", "b.csv"]'))
PATTERN = edited(STUDY, ('"measurements.csv"', '"exports/*.csv"'))


def study_of(folder: Path, toml: str, **files: str) -> Path:
    """The small study with files of its own, in the folder exports where their name has no other."""
    small_study(folder, toml=toml)
    for name, content in files.items():
        path = folder / name.replace("__", ".").replace("exports_", "exports/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def found(folder: Path) -> list[str]:
    """What the check says, in its words."""
    return [str(problem) for problem in check_study(folder).problems]


@pytest.mark.parametrize("toml", [LIST, PATTERN])
def test_a_list_and_a_pattern_are_the_one_file(tmp_path: Path, toml: str) -> None:
    files = {"a__csv": A_M, "b__csv": B_M, "exports_b__csv": B_M, "exports_a__csv": A_M}
    files["exports_.~lock__csv"] = files["exports_~$a__csv"] = "left by a program"
    parts = load_study(study_of(tmp_path / "parts", toml, **files))
    whole = load_study(small_study(tmp_path / "whole"))
    pd.testing.assert_frame_equal(ordered(parts.scores), ordered(whole.scores))
    assert [source.n_rows for source in parts.sources] == [12, 18, 18]
    assert [source.path.name for source in parts.sources[1:]] == ["a.csv", "b.csv"]


@pytest.mark.parametrize("pattern", ["../*.csv", "/tmp/*.csv", "~/*.csv", "exports/**/*.csv", "C:/*.csv"])
def test_a_pattern_stays_in_the_folder(tmp_path: Path, pattern: str) -> None:
    small_study(tmp_path, toml=edited(STUDY, ('"measurements.csv"', f'"{pattern}"')))
    with pytest.raises(ConfigError, match=r"a pattern inside the study folder.*") as caught:
        read_config(tmp_path)
    assert "row 7" in str(caught.value)


def test_a_pattern_does_not_follow_links_out_of_the_folder(tmp_path: Path) -> None:
    folder = study_of(tmp_path / "s", PATTERN, exports_a__csv=A_M)
    (tmp_path / "elsewhere.csv").write_text(B_M, encoding="utf-8")
    (folder / "exports" / "b.csv").symlink_to(tmp_path / "elsewhere.csv")
    [told] = [text for text in found(folder) if "leads out of the study folder" in text]
    assert "study.toml, row 7" in told
    assert "b.csv" in told


def test_a_pattern_that_no_file_fits_is_one_message(tmp_path: Path) -> None:
    [told] = found(study_of(tmp_path, PATTERN, exports_a__txt=A_M))
    assert told.startswith('study.toml, row 7: no file fits the pattern "exports/*.csv"')
    assert "a.txt" in told


def test_a_file_that_is_named_is_not_taken_by_a_pattern_again(tmp_path: Path) -> None:
    sources = """[[tables.measurements.sources]]
file = "exports/a.csv"
[[tables.measurements.sources]]
file = "exports/*.csv"
[analysis]"""
    toml = edited(STUDY, ('file = "measurements.csv"\n', ""), ("[analysis]", sources))
    folder = study_of(tmp_path, toml, exports_a__csv=A_M, exports_b__csv=B_M)
    assert [path.name for path in source_paths(read_config(folder))] == ["episodes.csv", "a.csv", "b.csv"]
    assert found(folder) == []


def test_findings_name_the_file_and_its_row(tmp_path: Path) -> None:
    bad = B_M.replace("2024-07-15", "2024-13-15", 1)
    unknown = A_M.replace("first_parent", "the_neighbour", 1)
    said = found(study_of(tmp_path, LIST, a__csv=A_M, b__csv=bad))
    assert any(text.startswith("b.csv, row 4, column date: the date") for text in said)
    said = found(study_of(tmp_path, LIST, a__csv=unknown, b__csv=B_M))
    assert any(text.startswith("a.csv, row 2, column respondent: the code") for text in said)


def test_one_measurement_in_two_files_that_differ_names_both(tmp_path: Path) -> None:
    other = ROWS[0].rstrip("\n")[:-1] + ("1" if ROWS[0].rstrip("\n")[-1] != "1" else "2") + "\n"
    [told] = found(study_of(tmp_path, LIST, a__csv=A_M, b__csv=B_M + other))
    assert told.startswith("b.csv, row 20, column")
    assert "as row 2 of a.csv" in told


def test_rows_of_overlapping_exports_count_once(tmp_path: Path) -> None:
    folder = study_of(tmp_path / "s", LIST, a__csv=A_M, b__csv=B_M + ROWS[0] + ROWS[1])
    report = check_study(folder)
    [problem] = report.problems
    assert (problem.code, problem.severity, problem.file, problem.row) == (
        "repeated_rows",
        "warning",
        "b.csv",
        20,
    )
    assert "2 of its 20 rows stand in a.csv too" in problem.found
    assert report.counts["repeated_rows"] == 2
    whole = load_study(small_study(tmp_path / "whole"))
    pd.testing.assert_frame_equal(ordered(load_study(folder).scores), ordered(whole.scores))


def test_the_same_export_under_two_names_counts_once(tmp_path: Path) -> None:
    toml = edited(STUDY, ('"measurements.csv"', '["a.csv", "b.csv", "copy.csv"]'))
    folder = study_of(tmp_path, toml, a__csv=A_M, b__csv=B_M, copy__csv=A_M)
    [told] = found(folder)
    assert "copy.csv" in told
    assert "all of its 18 rows stand in a.csv too" in told
    assert len(load_study(folder).tables["measurements"]) == 36


RESTART = """\
[study]
name = "small"
export_date = 2025-12-31
[tables.episodes]
decimal = "."
columns = { family = ["organisation", "client"], client = "family" }
[[tables.episodes.sources]]
file = "a_e.csv"
constants = { organisation = "org_a" }
[[tables.episodes.sources]]
file = "b_e.csv"
constants = { organisation = "org_b" }
[tables.measurements]
constants = { instrument = "obvl_k" }
[[tables.measurements.sources]]
file = "a.csv"
constants = { organisation = "org_a" }
columns = { client = "family" }
[[tables.measurements.sources]]
file = "b.csv"
constants = { organisation = "org_b" }
columns = { client = "family" }
[analysis]
months = [0, 6]
primary_month = 6
[disclosure]
minimum_families = 3
reason = "A made-up study: nobody is in it."
"""


def renumbered(text: str) -> str:
    """Numbers of families that count from 1 on."""
    header, *rows = text.splitlines(keepends=True)
    return header + "".join(f"{(int(row[:3]) + 1) // 2:03d}{row[3:]}" for row in rows)


def without_organisation(text: str) -> str:
    return "".join(line.replace(",org_a", "").replace(",org_b", "").replace(",organisation", "")
                   for line in text.splitlines(keepends=True))  # fmt: skip


def restarting(folder: Path, *, b_e: str = B_E, b_m: str = B_M, toml: str = RESTART) -> Path:
    files = {"a_e": A_E, "b_e": b_e, "a": A_M, "b": b_m}
    small_study(folder, toml=toml)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(renumbered(without_organisation(text)), encoding="utf-8")
    return folder


def test_numbers_that_start_again_with_the_organisation_of_the_source(tmp_path: Path) -> None:
    study = load_study(restarting(tmp_path / "s"))
    whole = load_study(small_study(tmp_path / "whole"))
    assert sorted(study.tables["episodes"]["family"])[::6] == ["org_a:001", "org_b:001"]
    assert "client" not in study.tables["episodes"]
    back = study.scores["family"].map(lambda key: f"{2 * int(key[-3:]) - (key[:5] == 'org_a'):03d}")
    again = study.scores.assign(family=back)
    pd.testing.assert_frame_equal(ordered(again), ordered(whole.scores))


def test_numbers_that_start_again_are_found_over_files(tmp_path: Path) -> None:
    plain = RESTART.replace('columns = { family = ["organisation", "client"], client = "family" }', "")
    plain = plain.replace('columns = { client = "family" }', "")
    said = check_study(restarting(tmp_path, toml=plain)).problems
    [told] = [problem for problem in said if problem.code == "restarting_ids"]
    assert "6 of 6 occur at several organisations" in told.found
    assert 'constants = { organisation = "..." }' in told.remedy


def test_one_export_read_as_two_organisations_is_an_error(tmp_path: Path) -> None:
    folder = restarting(tmp_path / "bytes", b_e=A_E.replace("org_a", "org_b"), b_m=A_M)
    said = [problem for problem in check_study(folder).problems if problem.code == "one_export_for_two"]
    assert [problem.file for problem in said] == ["b_e.csv", "b.csv"]
    assert 'organisation "org_a" there and "org_b" here' in said[0].found
    (folder / "b.csv").write_text(
        (folder / "b.csv").read_text() + "\n\n006,1,first_parent,2024-09-15" + ",1" * 10
    )
    said = [problem for problem in check_study(folder).problems if problem.file == "b.csv"]
    assert "18 of its 19 measurements are those of a.csv" in said[0].found


def test_an_organisation_in_two_files_where_others_have_one(tmp_path: Path) -> None:
    later = HEAD_E + "".join(f"{n:03d},1,org_a,w1,2024-02-01,,5\n" for n in (21, 23))
    toml = edited(STUDY, ('"episodes.csv"', '["a_e.csv", "b_e.csv", "c_e.csv"]'))
    said = found(study_of(tmp_path, toml, a_e__csv=A_E, b_e__csv=B_E, c_e__csv=later))
    [told] = [text for text in said if "comes in 2 files" in text]
    assert told.startswith('c_e.csv: the organisation "org_a"')
    assert "no families stand in both" in told


SOURCES = """[[tables.measurements.sources]]
file = "a.csv"
constants = { organisation = "org_a" }
[[tables.measurements.sources]]
file = "b.csv"
constants = { organisation = "org_b" }
[analysis]"""


def test_families_of_another_organisation_than_the_file_is_of(tmp_path: Path) -> None:
    toml = edited(STUDY, ('file = "measurements.csv"\n', ""), ("[analysis]", SOURCES))
    assert found(study_of(tmp_path / "right", toml, a__csv=A_M, b__csv=B_M)) == []
    said = check_study(study_of(tmp_path / "one", toml, a__csv=A_M + ROWS[3], b__csv=B_M)).problems
    one = next(problem for problem in said if problem.code == "organisation_of_file")
    assert (one.severity, one.file, one.row) == ("warning", "a.csv", 20)
    said = check_study(study_of(tmp_path / "swapped", toml, a__csv=B_M, b__csv=A_M)).problems
    assert [(problem.file, problem.severity) for problem in said] == [("a.csv", "error"), ("b.csv", "error")]
    assert '6 of the 6 families here have no help of "org_a"' in said[0].found


CONSENT = edited(
    RESTART,
    ("[analysis]", '[consent]\ncolumn = "consent"\npermits = ["yes", "1"]\n[analysis]'),
    ('file = "b_e.csv"\n', 'file = "b_e.csv"\ncolumns = { consent = "akkoord" }\n'),
)


def test_consent_is_looked_up_in_every_file(tmp_path: Path) -> None:
    folder = restarting(tmp_path, toml=CONSENT)
    for name, column, yes in (("a_e", "consent", "yes"), ("b_e", "akkoord", "1")):
        header, *rows = (folder / f"{name}.csv").read_text().splitlines()
        says = {row: yes if row[:3] > "002" else "" for row in rows}
        lines = [f"{header},{column}", *(f"{row},{says[row]}" for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    study = load_study(folder)
    assert study.tables["episodes"]["family"].nunique() == 8
    assert len(study.tables["measurements"]) == 24
    assert study.without_consent is not None
    assert study.without_consent.n_families == 4
    (folder / "b_e.csv").write_text((folder / "b_e.csv").read_text().replace("akkoord", "anders"))
    [told] = found(folder)
    assert "b_e.csv: there is no column" in told


def test_two_files_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    toml = edited(STUDY, ('"measurements.csv"', '"*/export.csv"'))
    folder = small_study(tmp_path, toml=toml)
    for name, text in (("a", A_M), ("b", B_M.replace("2024-07-15", "2024-13-15", 1))):
        (folder / name).mkdir()
        (folder / name / "export.csv").write_text(text)
    assert any(text.startswith("b/export.csv, row 4") for text in found(folder))


def test_one_organisation_lacks_an_item_or_writes_words_for_numbers(tmp_path: Path) -> None:
    fewer = "\n".join(",".join(line.split(",")[:-1]) for line in B_M.splitlines()) + "\n"
    said = found(study_of(tmp_path / "item", LIST, a__csv=A_M, b__csv=fewer))
    assert any(text.startswith("b.csv, row 1: there is no column for item_10") for text in said)
    toml = edited(
        STUDY, ('"episodes.csv"', '["a_e.csv", "b_e.csv"]'), ("months =", 'case_mix = ["school"]\nmonths =')
    )
    for_school = {"a_e__csv": ("school", 0), "b_e__csv": ("vmbo", 1)}
    files = {}
    for name, (value, _) in for_school.items():
        header, *rows = (A_E if name == "a_e__csv" else B_E).splitlines()
        values = [value if value == "vmbo" else str(number % 3) for number in range(len(rows))]
        files[name] = "\n".join(
            [header + ",school", *(f"{row},{cell}" for row, cell in zip(rows, values, strict=True))]
        )
    [told] = [text for text in found(study_of(tmp_path / "kind", toml, **files)) if "school" in text]
    assert told.startswith(
        'b_e.csv, row 2, column school: school holds texts here, such as "vmbo", and numbers'
    )


def test_a_file_without_some_columns_is_as_one_with_empty_ones(tmp_path: Path) -> None:
    """Text, day, number, code and yes or no: what one export does not have is unknown there."""
    lacking = ["worker", "end", "end_reason", "region", "referred", "thin_line", "satisfaction"]
    frame = pd.read_csv(EXAMPLE / "episodes.csv", dtype=str, keep_default_na=False)
    two = frame["organisation"].isin(["vlierdonk", "brinkelaar"])
    kept = ["measurements.csv", "norms.csv", "own_strength.toml"]
    toml = (EXAMPLE / "study.toml").read_text(encoding="utf-8")
    head, tail = toml.split("[tables.interventions]")[0], toml.split("[organisations.vlierdonk]", 1)[1]
    toml = head + "[organisations.vlierdonk]" + tail
    read = {}
    for name, other in (("empty", frame[two].assign(**dict.fromkeys(lacking, ""))),
                        ("lacking", frame[two].drop(columns=lacking))):  # fmt: skip
        folder = tmp_path / name
        folder.mkdir()
        for file in kept:
            (folder / file).write_bytes((EXAMPLE / file).read_bytes())
        other.to_csv(folder / "a.csv", index=False)
        frame[~two].to_csv(folder / "b.csv", index=False)
        (folder / "study.toml").write_text(edited(toml, ('"episodes.csv"', '["a.csv", "b.csv"]')))
        read[name] = load_study(folder)
    for name, table in read["empty"].tables.items():
        pd.testing.assert_frame_equal(read["lacking"].tables[name], table, check_like=True)
    pd.testing.assert_frame_equal(read["lacking"].scores, read["empty"].scores)


def test_one_fault_in_many_files_is_a_bounded_list(tmp_path: Path) -> None:
    wrong = {f"exports_{row[:3]}_{number}__csv": HEADER + row.replace("first_parent", "buurvrouw")
             for number, row in enumerate(ROWS)}  # fmt: skip
    report = check_study(study_of(tmp_path, PATTERN, **wrong))
    said = [problem for problem in report.problems if problem.code == "unknown_code"]
    assert len(said) == 9
    assert '"buurvrouw" in 28 rows of 28 more files' in said[-1].found
    assert report.counts["unknown_code"] == len(ROWS)
    late = {
        name: text.replace("buurvrouw", "first_parent").replace(",2024-", ",2029-")
        for name, text in wrong.items()
    }
    report = check_study(study_of(tmp_path, PATTERN, **late))
    said = [problem for problem in report.problems if problem.code == "date_in_future"]
    assert len(said) <= 9
    assert report.counts["date_in_future"] == len(ROWS)
    assert "28 more rows like these in 28 more files" in said[-1].found


def test_empty_files_and_files_that_cannot_be_read(tmp_path: Path) -> None:
    toml = edited(STUDY, ('"measurements.csv"', '["a.csv", "b.csv", "c.csv"]'))
    folder = study_of(tmp_path / "s", toml, a__csv=A_M, b__csv=B_M, c__csv=HEADER)
    assert len(load_study(folder).tables["measurements"]) == 36
    [told] = found(folder)
    assert told.startswith("c.csv: the file has no rows")
    (folder / "c.csv").unlink()
    [told] = found(folder)
    assert told.startswith("c.csv: there is no such file")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('file = "a.csv"\n', "", ["tables.measurements.sources[1]: file is missing", "row 15"]),
        ('file = "a.csv"', 'fil = "a.csv"', ["sources[1].fil", 'mean "file"', "row 16"]),
        ('file = "b.csv"', 'file = "b.csv"\nlayout = "wde"', ["sources[2].layout", 'mean "wide"', "row 21"]),
        ('columns = { client = "family" }\n[[', 'columns = { clint = "family" }\n[[', ["clint", "row 18"]),
        ("[tables.measurements]", '[tables.measurements]\nfile = "a.csv"', ["file or sources, not both"]),
        ('file = "b.csv"', 'file = "b.csv"\nsources = []', ["sources[2].sources", "unknown key"]),
        ('file = "b_e.csv"', 'file = "b_e.csv"\ncolumns = { family = "family" }', ["1 column", "row 12"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_source_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    small_study(tmp_path, toml=RESTART.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)
    for part in said:
        assert part in str(caught.value)
