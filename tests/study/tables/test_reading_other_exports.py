"""Exports that are not like the example: each read right, or told in one finding that says what is wrong."""

import itertools
import random
import re
import shutil
from pathlib import Path

import numpy as np
import openpyxl
import openpyxl.utils.datetime
import pandas as pd
import pytest

from mpg_research.simulate.study import simulate_study
from mpg_research.study import check_study, init_instrument, load_study
from mpg_research.study.model import CheckReport
from tests.study.small import EPISODES, ITEMS, MEASUREMENTS, STUDY, edited, small_study

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "studies"
given = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not on this machine")


def found(report: CheckReport, code: str) -> list:
    return [problem for problem in report.problems if problem.code == code]


def one(report: CheckReport, code: str):
    problems = found(report, code)
    assert len(problems) == 1, report.as_text()
    return problems[0]


# ---------------------------------------------------------------- the given cases


@given
def test_given_control() -> None:
    study = load_study(CASES / "s00_plain")
    assert len(study.scores) == 1069
    assert int(study.scores["raw"].notna().sum()) == 1018
    assert study.scores["raw"].sum() == 22_041
    assert not {"restarting_ids", "item_against_the_others", "unknown_code"} & set(study.checks.counts)


@given
def test_given_ids_that_restart(tmp_path: Path) -> None:
    report = check_study(CASES / "s12c_ids_restart_no_collisions")
    problem = one(report, "restarting_ids")
    assert report.errors == (problem,)
    assert "21 of 30" in problem.found
    assert '["organisation", "family"]' in problem.remedy
    folder = shutil.copytree(CASES / "s12c_ids_restart_no_collisions", tmp_path / "s")
    text = (folder / "study.toml").read_text()
    columns = 'file = "episodes.csv"\ncolumns = { family = ["organisation", "family"] }'
    (folder / "study.toml").write_text(text.replace('file = "episodes.csv"', columns))
    report = check_study(folder)
    assert "part organisation of family" in one(report, "missing_column").expected


@given
@pytest.mark.parametrize("case", ["s01b_thousands_consistent", "s01d_euro_sign"])
def test_given_income(case: str) -> None:
    income = load_study(CASES / case).tables["episodes"]["income"]
    assert income.iloc[:3].tolist() == [2335.46, 3651.39, 1232.48]
    assert income.dtype == float


@given
def test_given_item_and_gaps_and_protected_ids() -> None:
    problem = one(check_study(CASES / "s13_item_not_recoded"), "item_against_the_others")
    assert problem.column == "item_05"
    assert "-0.42" in problem.found
    problem = one(check_study(CASES / "s15c_wide_gaps"), "missing_date")
    assert (problem.row, problem.column) == (6, "datum_T1")
    assert "wave 1" in problem.found
    assert load_study(CASES / "s02_excel_protected_ids").scores["raw"].sum() == 22_041


# ---------------------------------------------------------------- ids


def restarting(
    folder: Path, rng: random.Random, *, keys: list[str], columns: bool = True
) -> tuple[Path, int]:
    """Client numbers 1, 2, ... at each organisation, in every table, with ids made of hostile parts."""
    sizes = [rng.randint(4, 9) for _ in keys]
    pairs = [
        (key, str(number)) for key, size in zip(keys, sizes, strict=True) for number in range(1, size + 1)
    ]
    episodes = [
        {"org": key, "client": client, "start": f"2024-01-{rng.randint(1, 28):02d}", "end": "2024-12-31"}
        for key, client in pairs
    ]
    measured = [
        {"org": key, "client": client, "date": f"2024-{month:02d}-15"}
        | {item: str(rng.choice([1, 2, 3, 4])) for item in ITEMS}
        for key, client in pairs
        for month in (3, 6)
    ]
    care = [{"org": key, "client": client, "month": "2024-03", "contact_hours": "2"} for key, client in pairs]
    map_family = 'family = ["organisation", "client"], ' if columns else 'family = "client", '
    toml = STUDY.replace(
        'file = "episodes.csv"', f'file = "episodes.csv"\ncolumns = {{ {map_family}organisation = "org" }}'
    )
    if not columns:
        toml = toml.replace(
            'file = "measurements.csv"', 'file = "measurements.csv"\ncolumns = { family = "client" }'
        )
    care_columns = "" if columns else 'columns = { family = "client" }\n'
    toml += f'[tables.care]\nfile = "care.csv"\n{care_columns}'
    small_study(folder, toml=toml)
    for name, rows in (("episodes", episodes), ("measurements", measured), ("care", care)):
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    return folder, len(pairs)


HOSTILE = ["a:b", "a", "b:c", "a\\", "\\:", ":", "a b", "Zorg & Co", "ü", '"q"', "a,b", "a/b", "01", "1"]


@pytest.mark.parametrize("seed", range(4))
def test_composite_ids_in_every_table(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    folder, number = restarting(tmp_path / "s", rng, keys=rng.sample(HOSTILE, 4))
    study = load_study(folder)
    for table in ("episodes", "measurements", "care"):
        assert study.tables[table]["family"].nunique() == number
    assert study.scores.groupby("family")["organisation"].nunique().max() == 1
    assert len(study.scores) == 2 * number
    assert not found(study.checks, "unknown_family")


@pytest.mark.parametrize("seed", range(4))
def test_restarting_ids_are_one_error(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    keys = rng.sample(["noord", "oost", "zuid", "west"], rng.randint(2, 4))
    folder, number = restarting(tmp_path / "s", rng, keys=keys, columns=False)
    report = check_study(folder)
    problem = one(report, "restarting_ids")
    assert report.errors == (problem,)
    assert f"{number} combinations" in problem.found
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(text.replace("[study]", "[study]\nshared_families = true"))
    assert not found(check_study(folder), "restarting_ids")


def test_families_that_move_are_no_restart(tmp_path: Path) -> None:
    moved = "".join(
        f"{number:03d},2,org_{'b' if number % 2 else 'a'},w1,2025-01-02,,9\n" for number in range(1, 6)
    )
    report = check_study(small_study(tmp_path, episodes=EPISODES + moved))
    assert report.ok
    assert one(report, "restarting_ids").severity == "warning"  # half of an organisation's: worth a look
    few = check_study(small_study(tmp_path, episodes=EPISODES + moved.split("\n", 1)[0] + "\n"))
    assert not found(few, "restarting_ids")


def test_parts_of_ids_follow_the_recoding_of_organisations(tmp_path: Path) -> None:
    toml = edited(
        STUDY,
        ('file = "episodes.csv"', 'file = "episodes.csv"\ncolumns = { family = ["organisation", "family"] }\n'
         'values = { organisation = { "A!" = "org_a", "B!" = "org_b" } }'),
    )  # fmt: skip
    episodes = EPISODES.replace("org_a", "A!").replace("org_b", "B!")
    rows = MEASUREMENTS.splitlines()
    measurements = "\n".join(
        [rows[0] + ",organisation", *(f"{row},{'A!' if int(row[:3]) % 2 else 'B!'}" for row in rows[1:])]
    )
    study = load_study(small_study(tmp_path, toml=toml, episodes=episodes, measurements=measurements))
    assert study.scores["family"].iloc[0] == "org_a:001"
    assert study.organisations == ("org_a", "org_b")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ('start = ["a", "b"]', "an id only"),
        ('family = ["a", "a"]', "each column once"),
    ],
)
def test_composite_columns_that_cannot_be(columns: str, said: str, tmp_path: Path) -> None:
    toml = edited(STUDY, ('file = "episodes.csv"', f'file = "episodes.csv"\ncolumns = {{ {columns} }}'))
    report = check_study(small_study(tmp_path, toml=toml))
    assert any(said in problem.expected for problem in report.errors), report.as_text()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda key: key.lstrip("0"), "leading zeros"),
        (lambda key: f"'{key}", "spaces or signs"),
        (lambda key: f'=""{key}""', None),
    ],
)
def test_ids_that_one_file_writes_otherwise(change, what: str | None, tmp_path: Path) -> None:
    rows = MEASUREMENTS.splitlines()
    spoilt = [rows[0], *(change(row[:3]) + row[3:] for row in rows[1:])]
    text = "\n".join(f'"{row.split(",")[0]}",' + row.split(",", 1)[1] for row in spoilt)
    report = check_study(small_study(tmp_path, measurements=text))
    if what is None:
        assert report.ok, report.as_text()
    else:
        problems = found(report, "unknown_family")
        assert len(problems) <= 12  # one for each family, not for each row
        assert what in problems[0].remedy


# ---------------------------------------------------------------- numbers


def written(number: float, way: str) -> str:
    point = f"{number:,.2f}"
    dutch = point.translate(str.maketrans(".,", ",."))
    plain_comma = dutch.replace(".", "")
    ways = {
        "dutch": dutch, "english": point, "plain_comma": plain_comma,
        "euro": f"€ {dutch}", "euro_after": f"{dutch} euro", "EUR": f"EUR {dutch}",
        "dash": f"€ {dutch[:-3]},-",
        "spaces": dutch.replace(".", " "), "narrow": dutch.replace(".", "\u202f"),
        "swiss": point.replace(",", "'"), "minus": dutch.replace("-", "\u2212"),
        "percent": f"{plain_comma}%", "procent": f"{plain_comma} procent",
    }  # fmt: skip
    return ways[way]


WAYS = [
    "dutch", "english", "euro", "euro_after", "EUR", "spaces", "narrow", "swiss", "minus", "plain_comma",
    "dash", "percent", "procent",
]  # fmt: skip


def income_study(
    folder: Path, cells: list[str], *, separator: str = ";", extra: str = "", age: str = ","
) -> Path:
    lines = EPISODES.splitlines()
    rows = [lines[0].replace(",", separator) + separator + "income"]
    for line, cell in zip(lines[1:], cells, strict=True):
        parts = line.split(",")
        parts[-1] = parts[-1].replace(".", age)
        rows.append(separator.join([*parts, cell]))
    toml = edited(STUDY, ("[analysis]", '[analysis]\ncase_mix = ["income"]'))
    toml = edited(toml, ('file = "episodes.csv"', f'file = "episodes.csv"\n{extra}'))
    return small_study(folder, toml=toml, episodes="\n".join(rows) + "\n")


@pytest.mark.parametrize("way", WAYS)
def test_numbers_as_people_write_them(way: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(WAYS.index(way))
    for number, age in enumerate((",", ".")):
        values = np.round(rng.uniform(-5000 if way == "minus" else 100, 60_000, 12), 2)
        values[0] = 12_345.67
        if way == "dash":
            values = np.floor(values)
        if age == "." and way == "plain_comma":
            continue  # two decimal signs in one file without thousands: an error, tested elsewhere
        cells = [written(value, way) for value in values]
        study = load_study(income_study(tmp_path / str(number), cells, age=age))
        assert study.tables["episodes"]["income"].tolist() == values.tolist()
        assert study.tables["episodes"]["child_age"].iloc[0] == 4.125


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["1.234", "2.335", "3.651"], "ambiguous_decimal"),
        (["1.234,50", "1,234.50", "1.500,25"], "mixed_decimals"),
        (["€ 1.234,50", "€ 12.34,5", "€ 900,00"], "not_a_number"),
        (["45%", "30%", "0,45"], "not_a_number"),
        (["€ 100,00", "$ 100,00", "€ 90,00"], "not_a_number"),
        (["€ 100,00", "€ -", "€ 90,00"], None),
        (["1.200 p/m", "1.450 p/m", "900 p/m"], "many_texts"),
        (["2,3k", "1,2k", "3,1k"], "many_texts"),
    ],
)
def test_what_cannot_be_read_is_told_with_row_column_and_remedy(
    cells: list[str], code: str | None, tmp_path: Path
) -> None:
    many = [cells[number % 3] for number in range(12)]
    if code == "many_texts":
        many = [
            cell.replace("2", str(number + 2), 1).replace("9", str(number), 1)
            for number, cell in enumerate(many)
        ]
        many = [f"{number}{cell}" for number, cell in enumerate(many, start=1)]
    age = "." if code == "ambiguous_decimal" else ","
    report = check_study(income_study(tmp_path, many, age=age))
    if code == "many_texts":
        assert len(set(many)) <= 12  # few enough to be kinds in so small a study
        return
    told = [problem for problem in report.errors if problem.column == "income"]
    assert told, report.as_text()
    assert told[0].row is not None
    assert told[0].remedy
    if code:
        assert told[0].code == code
    if code == "ambiguous_decimal":
        study = load_study(income_study(tmp_path / "b", many, age=age, extra='decimals = { income = "," }'))
        assert study.tables["episodes"]["income"].iloc[0] == 1234


def test_texts_for_numbers_in_a_larger_study_are_an_error(tmp_path: Path) -> None:
    folder = simulate_study(tmp_path / "s", families=40, organisations=2, seed=3, truth_families=0)
    frame = pd.read_csv(folder / "episodes.csv", dtype=str)
    frame["income"] = [f"{number * 37 + 800} p/m bruto" for number in range(len(frame))]
    frame.to_csv(folder / "episodes.csv", index=False)
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(re.sub(r"case_mix = \[", 'case_mix = ["income", ', text))
    assert one(check_study(folder), "many_texts").severity == "error"


# ---------------------------------------------------------------- codes, constants, respondents


def test_unknown_codes_are_told_once_each_with_the_line_that_recodes_them(tmp_path: Path) -> None:
    rng = random.Random(5)
    codes = ['doelen "behaald"', "gestopt\\", "verhuisd, ver", "as planned"]
    chosen = [rng.choice(codes) for _ in range(12)]
    lines = EPISODES.splitlines()
    rows = [lines[0] + ",end_reason"]
    rows += [
        f'{line},"{code.replace(chr(34), chr(34) * 2)}"' for line, code in zip(lines[1:], chosen, strict=True)
    ]
    folder = small_study(tmp_path, episodes="\n".join(rows))
    problems = found(check_study(folder), "unknown_code")
    assert len(problems) == len(set(chosen))
    for problem in problems:
        code = next(code for code in codes if f'the code "{code}"' in problem.found)
        assert (f" in {chosen.count(code)} rows (" in problem.found) == (chosen.count(code) > 1)
        assert problem.row == chosen.index(code) + 2
    line = re.search(r"values = .*? } }", problems[0].remedy)
    assert line
    ready = line[0].replace('"?"', '"external"')
    text = (
        (folder / "study.toml")
        .read_text()
        .replace('file = "episodes.csv"', f'file = "episodes.csv"\n{ready}')
    )
    (folder / "study.toml").write_text(text)
    assert check_study(folder).ok, check_study(folder).as_text()


def test_a_wrong_constant_is_told_once_where_it_stands(tmp_path: Path) -> None:
    for number, constant in enumerate(
        ['end_reason = "klaar"', "child_age = 99", 'start = "2024-02-30"', 'child_age = "veel"']
    ):
        name = constant.split(" ")[0]
        lines = [line.split(",") for line in EPISODES.splitlines()]
        keep = [place for place, column in enumerate(lines[0]) if column != name]
        episodes = "\n".join(",".join(line[place] for place in keep) for line in lines)
        toml = edited(
            STUDY, ('file = "episodes.csv"', f'file = "episodes.csv"\nconstants = {{ {constant} }}')
        )
        report = check_study(small_study(tmp_path / str(number), toml=toml, episodes=episodes))
        assert len(report.errors) == 1, report.as_text()
        assert (report.errors[0].file, report.errors[0].row) == ("study.toml", 6)


def test_respondents_outside_the_codebook(tmp_path: Path) -> None:
    rows = MEASUREMENTS.splitlines()
    spoilt = [rows[0]]
    for number, row in enumerate(rows[1:]):
        spoilt.append(row.replace("first_parent", "moeder" if number % 3 else "vader"))
    report = check_study(small_study(tmp_path, measurements="\n".join(spoilt)))
    assert report.ok
    told = found(report, "unknown_code")
    assert {"moeder", "vader"} == {
        code for problem in told for code in re.findall(r'the code "(\w+)"', problem.found)
    }
    assert 'values = { respondent = { "moeder" = "?", "vader" = "?" } }' in told[0].remedy
    assert "12 of 36 scores (33%)" in one(report, "unused_scores").found
    line = next(line for line in report.summary if line.code == "of_another_respondent")
    assert line.value == 12


def test_the_header_is_listed_once_when_several_columns_are_missing(tmp_path: Path) -> None:
    episodes = EPISODES.replace("family,episode,organisation", "cl,ep,aanbieder").replace(
        "start,end", "van,tot"
    )
    report = check_study(small_study(tmp_path, episodes=episodes))
    missing = found(report, "missing_column")
    assert len(missing) == 3
    assert sum("aanbieder" in problem.expected for problem in missing) == 1


def test_nothing_is_counted_of_a_table_that_was_not_read(tmp_path: Path) -> None:
    broken = edited(MEASUREMENTS, ("family", "klant"), ("2024-01-15", "2024-02-31"))
    report = check_study(small_study(tmp_path, measurements=broken))
    codes = {line.code for line in report.summary}
    assert {"out_of_range", "duplicate_measurement", "date_in_future"}.isdisjoint(codes)
    assert "not_checked" in codes
    assert found(report, "impossible_date")  # told in the same round as the missing column


# ---------------------------------------------------------------- wide files


@pytest.mark.parametrize("seed", range(6))
def test_every_column_that_shares_a_stem_is_used_or_named(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    stem = rng.choice(["score", "OBVLK", "totaal", "ques"])
    shape = rng.choice(["{stem}_{{wave}}m", "{stem}_t{{wave}}", "{stem}_{{wave}}_sum"]).format(stem=stem)
    odd = rng.choice(["pre", "eind", "t0b", "na_1", "follow up"])
    names = [shape.replace("{wave}", wave) for wave in ("3", "6")] + [f"{stem}_{odd}"]
    lines = EPISODES.splitlines()[1:]
    rows = ["family," + ",".join(names)]
    rows += [line[:3] + "," + ",".join(str(rng.randint(10, 40)) for _ in names) for line in lines]
    toml = edited(
        STUDY,
        ('constants = { instrument = "obvl_k" }', 'constants = { instrument = "obvl_k" }\nlayout = "wide"\n'
         f'patterns = {{ total = "{shape}" }}\n'),
        ("[tables.episodes]", '[time]\nkind = "numbers"\nunit = "months"\n[tables.episodes]'),
    )  # fmt: skip
    episodes = "family,organisation\n" + "\n".join(f"{line[:3]},org_a" for line in lines)
    report = check_study(small_study(tmp_path, toml=toml, episodes=episodes, measurements="\n".join(rows)))
    used = [line.value for line in report.summary if line.code == "measurements"]
    fits = used == [36.0] and not found(report, "column_not_read")
    named = any(f"{stem}_{odd}" in problem.found for problem in found(report, "column_not_read"))
    no_time = any(odd in problem.found for problem in found(report, "missing_column"))
    assert fits or named or no_time, report.as_text()


def test_the_remedy_for_a_missed_wave_works(tmp_path: Path) -> None:
    toml = edited(
        STUDY,
        ('constants = { instrument = "obvl_k" }', 'constants = { instrument = "obvl_k" }\nlayout = "wide"\n'
         'patterns = { total = "score_{wave}m" }'),
        ("[tables.episodes]", '[time]\nkind = "numbers"\nunit = "months"\n[tables.episodes]'),
    )  # fmt: skip
    numbers = [f"{number:03d}" for number in range(1, 13)]
    episodes = "family,organisation\n" + "\n".join(f"{number},org_a" for number in numbers)
    rows = ["family,score_pre,score_3m,score_12m"] + [f"{number},30,25,20" for number in numbers]
    folder = small_study(tmp_path, toml=toml, episodes=episodes, measurements="\n".join(rows))
    problem = one(check_study(folder), "column_not_read")
    assert "score_pre" in problem.found
    pattern, times = re.findall(r"(?:patterns|times) = \{ .*? \}(?: \})?", problem.remedy)[:2]
    pattern = re.search(r'patterns = \{ total = "[^"]*" \}', problem.remedy)[0]  # type: ignore[index]
    assert times == 'times = { "pre" = 0, "3m" = 3, "12m" = 12 }'
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(
        text.replace('patterns = { total = "score_{wave}m" }', f"{pattern}\n{times}")
    )
    study = load_study(folder)
    assert sorted(study.scores["months"].unique()) == [0, 3, 12]
    assert len(study.scores) == 36


@pytest.mark.parametrize("seed", range(3))
def test_answers_without_a_date_are_told_by_row_and_wave(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    gaps = set(rng.sample(list(itertools.product(range(12), ("a", "b"))), 4))
    rows = ["family,d_a,t_a,d_b,t_b"]
    for number in range(12):
        cells = [f"{number + 1:03d}"]
        for wave, date in (("a", "2024-02-01"), ("b", "2024-05-01")):
            cells += [rng.choice(["", "NA"]) if (number, wave) in gaps else date, "20"]
        rows.append(",".join(cells))
    toml = edited(
        STUDY,
        ('constants = { instrument = "obvl_k" }', 'constants = { instrument = "obvl_k" }\nlayout = "wide"\n'
         'patterns = { total = "t_{wave}", date = "d_{wave}" }'),
    )  # fmt: skip
    report = check_study(small_study(tmp_path, toml=toml, measurements="\n".join(rows)))
    told = {(problem.row, problem.column) for problem in found(report, "missing_date")}
    assert told == {(number + 2, f"d_{wave}") for number, wave in gaps}


# ---------------------------------------------------------------- headers and dates


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("title", ["Export 12-05-2025\n", "Export; van\n\n", "A,B\nC\n\n\n"])
def test_a_header_below_a_title(title: str, separator: str, tmp_path: Path) -> None:
    body = MEASUREMENTS.replace(",", separator)
    folder = small_study(tmp_path, measurements=title + body)
    report = check_study(folder)
    problem = one(report, "header_row")
    assert report.errors == (problem,)
    line = re.search(r"header_row = \d+", problem.remedy)[0]  # type: ignore[index]
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(
        text.replace('file = "measurements.csv"', f'file = "measurements.csv"\n{line}')
    )
    study = load_study(folder)
    assert len(study.scores) == 36
    assert study.checks.ok


def workbook(path: Path, *, from_1904: bool, formatted: bool, title: bool) -> None:
    book = openpyxl.Workbook()
    if from_1904:
        book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    sheet = book.active
    if title:
        sheet.append(["Overzicht"])
        sheet.append([])
    frame = pd.read_csv(path.parent / "measurements.csv", dtype=str)
    sheet.append(list(frame.columns))
    for record in frame.to_dict("records"):
        day = pd.Timestamp(record["date"]).to_pydatetime()
        number = openpyxl.utils.datetime.to_excel(day, book.epoch)
        sheet.append([day if name == "date" and formatted else number if name == "date" else value
                      for name, value in record.items()])  # fmt: skip
    book.save(path)


@pytest.mark.parametrize("from_1904", [True, False])
@pytest.mark.parametrize("formatted", [True, False])
def test_days_of_excel_from_1900_and_1904(from_1904: bool, formatted: bool, tmp_path: Path) -> None:
    small_study(tmp_path)
    wanted = load_study(tmp_path).scores["date"].tolist()
    workbook(tmp_path / "m.xlsx", from_1904=from_1904, formatted=formatted, title=True)
    text = STUDY.replace('"measurements.csv"', '"m.xlsx"')
    (tmp_path / "study.toml").write_text(text)
    assert "header_row = 3" in one(check_study(tmp_path), "header_row").remedy
    (tmp_path / "study.toml").write_text(text.replace('"m.xlsx"', '"m.xlsx"\nheader_row = 3'))
    assert load_study(tmp_path).scores["date"].tolist() == wanted


@pytest.mark.parametrize("day", ["9999-12-31", "31-12-9999", "99991231", "31/12/2999", "9999-12-31 00:00:00"])
def test_an_end_beyond_the_calendar_means_that_help_goes_on(day: str, tmp_path: Path) -> None:
    study = load_study(small_study(tmp_path, episodes=EPISODES.replace("2024-12-31", day)))
    assert study.tables["episodes"]["end"].isna().all()
    assert "12 rows" in one(study.checks, "open_end").found


def test_a_code_within_the_calendar_is_one_finding_with_its_setting(tmp_path: Path) -> None:
    folder = small_study(tmp_path, episodes=EPISODES.replace("2024-12-31", "2099-12-31"))
    problem = one(check_study(folder), "date_in_future")
    assert "12 rows" in problem.found
    assert "missing_values" in problem.remedy
    text = STUDY.replace('file = "episodes.csv"', 'file = "episodes.csv"\nmissing_values = ["2099-12-31"]')
    (folder / "study.toml").write_text(text)
    assert load_study(folder).tables["episodes"]["end"].isna().all()


@pytest.mark.parametrize(
    ("shift", "cause"), [(1462, "1904"), (-1462, "1904"), (36525, None), (-800, ""), (1200, "")]
)
def test_nearly_no_measurement_inside_any_help(shift: int, cause: str | None, tmp_path: Path) -> None:
    frame = pd.read_csv(small_study(tmp_path) / "measurements.csv", dtype=str)
    moved = pd.to_datetime(frame["date"]) + pd.Timedelta(days=shift)
    frame["date"] = moved.dt.strftime("%Y-%m-%d")
    frame.to_csv(tmp_path / "measurements.csv", index=False)
    (tmp_path / "study.toml").write_text(STUDY.replace("2025-12-31", "2150-12-31"))
    problem = one(check_study(tmp_path), "measured_outside_help")
    assert "of 36 measurements" in problem.found
    if cause:
        assert cause in problem.found
    assert not found(check_study(tmp_path), "before_start")
    assert not found(check_study(tmp_path), "after_end")


@pytest.mark.parametrize(
    ("form", "said"),
    [("days", "as Excel counts them"), ("%m/%d/%Y", "the month before the day"), ("%d/%m/%y", "two digits")],
)
def test_a_column_of_other_dates_is_one_finding(form: str, said: str, tmp_path: Path) -> None:
    frame = pd.read_csv(small_study(tmp_path) / "measurements.csv", dtype=str)
    days = pd.to_datetime(frame["date"]) + pd.Timedelta(days=2)
    frame["date"] = (
        ((days - pd.Timestamp("1899-12-30")).dt.days.astype(str))
        if form == "days"
        else days.dt.strftime(form)
    )
    frame.to_csv(tmp_path / "measurements.csv", index=False)
    problem = one(check_study(tmp_path), "impossible_date")
    assert said in problem.found


# ---------------------------------------------------------------- a questionnaire's file


def test_the_example_of_a_questionnaire_can_be_read(tmp_path: Path) -> None:
    folder = small_study(tmp_path / "s")
    file = init_instrument(folder / "mine.toml")
    text = STUDY.replace('"obvl_k"', '"mine"') + '[instruments.mine]\nfile = "mine.toml"\n'
    rows = [",".join(row.split(",")[:8]) for row in MEASUREMENTS.splitlines()]
    (folder / "measurements.csv").write_text("\n".join(rows))
    (folder / "study.toml").write_text(text)
    assert load_study(folder).instruments["mine"].n_items == 4
    uncommented = re.sub(r"^# (?=(\[\[|max_|decided|source|from|to |kind|value|sd|population|\[missing))", "",
                         file.read_text(), flags=re.MULTILINE)  # fmt: skip
    file.write_text(uncommented)
    assert load_study(folder).instruments["mine"].missing_rule.max_missing == 1


# ---------------------------------------------------------------- one fault, one finding


def test_answers_in_words_are_recoded_for_all_items_at_once(tmp_path: Path) -> None:
    words = {"1": "niet", "2": "beetje", "3": "nogal", "4": "helemaal"}
    rows = [line.split(",") for line in MEASUREMENTS.splitlines()]
    spoilt = [rows[0], *([*row[:4], *(words[answer] for answer in row[4:])] for row in rows[1:])]
    text = "\n".join(",".join(row) for row in spoilt)
    folder = small_study(tmp_path, measurements=text)
    problems = found(check_study(folder), "not_a_number")
    assert len(problems) == 4  # each word once, with its number of cells in all items
    assert all("cells of 10 columns" in problem.found for problem in problems)
    line = re.search(r"values = .*? } }", problems[0].remedy)[0]  # type: ignore[index]
    assert line.startswith("values = { item = {")
    for number, word in words.items():
        line = line.replace(f'"{word}" = "?"', f'"{word}" = "{number}"')
    toml = STUDY.replace('file = "measurements.csv"', f'file = "measurements.csv"\n{line}')
    (folder / "study.toml").write_text(toml)
    wanted = load_study(small_study(tmp_path / "plain")).scores["raw"].tolist()
    assert load_study(folder).scores["raw"].tolist() == wanted


def test_rows_that_are_no_data(tmp_path: Path) -> None:
    rows = MEASUREMENTS.splitlines()
    labels = ",".join(f"Vraag {name}" for name in rows[0].split(","))
    report = check_study(small_study(tmp_path / "a", measurements="\n".join([rows[0], labels, *rows[1:]])))
    assert one(report, "row_of_no_data").row == 2
    assert len(report.errors) == 1
    again = check_study(small_study(tmp_path / "b", measurements="\n".join([*rows[:9], rows[0], *rows[9:]])))
    assert again.ok
    assert one(again, "header_repeated").row == 10


def test_ids_that_a_spreadsheet_has_shortened(tmp_path: Path) -> None:
    spoilt = re.sub(r"(?m)^0", "1,23E+1", EPISODES).replace("1,23E", '"1,23E')
    spoilt = re.sub(r'(?m)^("1,23E\+\d+)', r'\1"', spoilt)
    report = check_study(small_study(tmp_path, episodes=spoilt))
    assert "lost digits" in one(report, "lost_digits").remedy
    assert not found(report, "restarting_ids")


@pytest.mark.parametrize(
    "change", [lambda key: f"G-{key}", lambda key: f"{key}.0", lambda key: key.lstrip("0")]
)
def test_a_table_whose_ids_are_all_unknown_is_one_finding(change, tmp_path: Path) -> None:
    rows = MEASUREMENTS.splitlines()
    text = "\n".join([rows[0], *(change(row[:3]) + row[3:] for row in rows[1:])])
    report = check_study(small_study(tmp_path, measurements=text))
    assert report.errors == (one(report, "unknown_family"),)
    assert "12 of the 12" in report.errors[0].found
