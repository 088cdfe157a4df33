"""Norm tables: sound ones are read, unsound ones are refused with the row."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mpg_research.errors import ConfigError, DataError
from mpg_research.instruments import read_norm_table
from mpg_research.instruments.norms import look_up_t_scores

Rows = list[list[object]]
BANDS = ((0, 3), (4, 11))


def table() -> Rows:
    return [[low, high, raw, 20.5 + raw + low] for low, high in BANDS for raw in range(10, 14)]


def write(folder: Path, rows: Rows, *, separator: str = ",", comma: bool = False) -> Path:
    lines = [separator.join(("age_from", "age_to", "raw", "t_score"))]
    lines += [separator.join(str(value) for value in row) for row in rows]
    text = "\n".join(lines) + "\n"
    path = folder / "norms.csv"
    path.write_text(text.replace(".", ",") if comma else text, encoding="utf-8")
    return path


def test_a_sound_table_is_read_and_looked_up(tmp_path: Path) -> None:
    norms = read_norm_table(write(tmp_path, table()), source="a source", synthetic=True)
    assert [str(band.ages) for band in norms.bands] == ["0-3", "4-11"]
    assert norms.source == "a source"
    assert norms.synthetic
    raw = np.array([10.0, 13.0, 10.5, 14.0, np.nan, 10.0])
    ages = np.array([0.0, 11.9, 3.2, 2.0, 2.0, np.nan])
    np.testing.assert_allclose(look_up_t_scores(norms, raw, ages), [30.5, 37.5, 31.0, np.nan, np.nan, np.nan])


def test_semicolons_decimal_commas_and_row_order_make_no_difference(tmp_path: Path) -> None:
    plain = read_norm_table(write(tmp_path, table()), source="a source")
    dutch = read_norm_table(write(tmp_path, table()[::-1], separator=";", comma=True), source="a source")
    assert plain == dutch


def test_a_table_without_ages_holds_for_every_age(tmp_path: Path) -> None:
    rows: Rows = [["", "", raw, 30 + raw] for raw in range(3)]
    norms = read_norm_table(write(tmp_path, rows), source="a source")
    assert not norms.needs_age
    np.testing.assert_allclose(look_up_t_scores(norms, np.array([2.0]), None), [32])


def test_a_norm_without_a_source_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no source"):
        read_norm_table(write(tmp_path, table()), source="  ")


def drop_a_score(rows: Rows) -> None:
    del rows[1]


def repeat_a_score(rows: Rows) -> None:
    rows.append([0, 3, 11, 33])


def let_a_score_fall(rows: Rows) -> None:
    rows[2][3] = 20


def overlap(rows: Rows) -> None:
    for row in rows[4:]:
        row[0] = 3


def leave_a_gap(rows: Rows) -> None:
    for row in rows[4:]:
        row[0] = 5


def mix_ages(rows: Rows) -> None:
    rows.append(["", "", 14, 60])


def half_an_age(rows: Rows) -> None:
    rows[0][1] = ""


def a_word(rows: Rows) -> None:
    rows[3][3] = "high"


def nothing(rows: Rows) -> None:
    rows.clear()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop_a_score, "row 3: no T-score for raw score 11 for ages 0-3"),
        (repeat_a_score, "raw score 11 for ages 0-3 is given twice"),
        (let_a_score_fall, "row 4: T-score 20 at raw score 12 for ages 0-3 falls from 31.5"),
        (overlap, "age bands 0-3 and 3-11 overlap"),
        (leave_a_gap, "age bands 0-3 and 5-11 leave a gap"),
        (mix_ages, "some rows have ages and some have none"),
        (half_an_age, "row 2, column age_from: value 'half empty'"),
        (a_word, "row 5, column t_score: value 'high'; expected a number"),
        (nothing, "the table has no rows"),
    ],
)
def test_an_unsound_table_is_refused(tmp_path: Path, spoil: Callable[[Rows], None], message: str) -> None:
    rows = table()
    spoil(rows)
    with pytest.raises(DataError, match=message):
        read_norm_table(write(tmp_path, rows), source="a source")


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    rows = table()
    let_a_score_fall(rows)
    leave_a_gap(rows)
    with pytest.raises(DataError) as caught:
        read_norm_table(write(tmp_path, rows), source="a source")
    assert {problem.code for problem in caught.value.problems} == {"norms_not_monotone", "norm_ages"}


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_norm_table(tmp_path / "nowhere.csv", source="a source")
    path = tmp_path / "other.csv"
    path.write_text("age,raw\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="lacks the columns age_from, age_to, t_score in its first") as caught:
        read_norm_table(path, source="a source")
    assert 'Did you mean "age"' in str(caught.value)


def test_the_first_line_of_a_file_that_is_no_norm_table_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Jansen,123456782\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_norm_table(path, source="a source")
    assert "Jansen" not in str(caught.value)
