from pathlib import Path

import pytest

from mpg_research.reporting.audit.compare import Difference, differences_of_file

TABLE = "organisation,months,estimate,n_families\nA,6.0,-1.5,30\nA,12.0,-2.5,30\nB,6.0,0.0,20\n"


def compared(
    tmp_path: Path, before: str, after: str, *, name: str = "t.csv", **options: float
) -> list[Difference]:
    one, other = tmp_path / "one" / name, tmp_path / "other" / name
    for path, text in ((one, before), (other, after)):
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return list(differences_of_file(name, one, other, **options))


def test_equal_files_do_not_differ(tmp_path: Path) -> None:
    assert compared(tmp_path, TABLE, TABLE) == []


def test_a_changed_cell_is_named_by_row_and_column(tmp_path: Path) -> None:
    found = compared(tmp_path, TABLE, TABLE.replace("-2.5", "-2.0"))
    assert [(each.where, each.published, each.recomputed) for each in found] == [
        ("row 3 (organisation A, months 12.0), column estimate", "-2.5", "-2.0")
    ]
    assert found[0].size == pytest.approx(0.2)


def test_a_hidden_cell_that_is_filled_in_is_named(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, TABLE.replace("B,6.0,0.0,20", "B,6.0,,"), TABLE.replace("0.0,20", "0.0,"))
    assert (found.published, found.recomputed, found.size) == ("nothing", "0.0", float("inf"))


def test_a_row_taken_out_is_named_and_the_others_stay_beside_their_own(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, TABLE.replace("A,12.0,-2.5,30\n", ""), TABLE)
    assert found.where == "a further row (organisation A, months 12.0)"
    assert (found.published, found.recomputed) == ("no row", "a row")


def test_rows_that_do_not_say_what_they_are_about_are_compared_in_order(tmp_path: Path) -> None:
    before, after = "value\n1\n2\n3\n", "value\n1\n5\n"
    found = compared(tmp_path, before, after)
    assert [each.where for each in found] == ["row 3, column value", "row 4"]


def test_another_column_is_told(tmp_path: Path) -> None:
    found = compared(tmp_path, "a,b\n1,2\n", "a,c\n1,2\n")
    assert [(each.where, each.published, each.recomputed) for each in found] == [("columns", "a, b", "a, c")]


def test_the_tolerance_is_a_part_of_the_number(tmp_path: Path) -> None:
    nearly = TABLE.replace("-2.5", "-2.5000000001")
    assert compared(tmp_path / "a", TABLE, nearly, tolerance=1e-9) == []
    assert len(compared(tmp_path / "b", TABLE, nearly, tolerance=1e-12)) == 1
    assert len(compared(tmp_path / "c", TABLE, TABLE.replace("0.0,20", "nan,20"), tolerance=0.5)) == 1


def test_of_a_table_with_the_same_cells_and_other_bytes_that_is_said(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, TABLE, TABLE.replace("A,6.0", '"A",6.0'))
    assert found.recomputed == "the same cells"


@pytest.mark.parametrize("name", ["page.html", "figure.svg"])
def test_of_a_page_the_text_that_differs_is_quoted(tmp_path: Path, name: str) -> None:
    before = '<p>\nx\n</p>\n<td class="number">250</td>\n<p>end</p>\n'
    (found,) = compared(tmp_path, before, before.replace("250", "24.8"), name=name)
    assert (found.where, found.published, found.recomputed) == ("line 4", '"250"', '"24.8"')


def test_of_a_page_with_lines_more_and_many_changes_some_are_quoted(tmp_path: Path) -> None:
    before = "".join(f"<p>{number}</p>\n<hr>\n" for number in range(20))
    after = "".join(f"<p>no {number}</p>\n<hr>\n" for number in range(21))
    found = compared(tmp_path, before, after, name="page.html")
    assert len(found) == 6
    assert found[-1].where == "further down"


def test_markup_that_differs_is_a_difference(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, '<p class="a">x</p>', '<p class="b">x</p>', name="page.html")
    assert found.published == "other markup"


def test_a_missing_file_is_a_difference(tmp_path: Path) -> None:
    there = tmp_path / "t.csv"
    there.write_text(TABLE, encoding="utf-8")
    (found,) = differences_of_file("t.csv", tmp_path / "none.csv", there)
    assert (found.published, found.recomputed) == ("no file", "a file")
    assert differences_of_file("t.csv", tmp_path / "none.csv", tmp_path / "none.csv") == ()


def test_other_bytes_of_a_picture_are_a_difference(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, "abc", "abcd", name="figure.png")
    assert (found.published, found.recomputed) == ("3 bytes", "4 other bytes")
