"""Time left, and how it is shown."""

import io

from mpg_research.reporting.run.progress import PlainProgress
from mpg_research.reporting.store.time_left import TimeLeft, in_words


def test_nothing_is_said_before_anything_is_known() -> None:
    assert TimeLeft(["a", "a"], 1).seconds() is None
    assert in_words(None) == ""


def test_each_kind_takes_as_long_as_those_of_it_did() -> None:
    left = TimeLeft(["a", "a", "a", "b", "b"], 1)
    left.finished("a", 10)
    left.finished("b", 100)
    assert left.seconds() == 10 + 10 + 100


def test_a_kind_that_was_not_seen_takes_as_long_as_the_others_on_average() -> None:
    left = TimeLeft(["a", "b", "c"], 1)
    left.finished("a", 10)
    left.finished("b", 30)
    assert left.seconds() == 20


def test_an_earlier_run_is_believed_until_something_is_seen() -> None:
    left = TimeLeft(["a", "a"], 1, {"a": 50})
    assert left.seconds() == 100
    left.finished("a", 10)
    assert left.seconds() == 10


def test_several_at_once_share_the_work_but_not_one_step() -> None:
    assert TimeLeft(["a"] * 8, 4, {"a": 60}).seconds() == 120
    assert TimeLeft(["a"], 4, {"a": 60}).seconds() == 60


def test_in_words() -> None:
    assert [in_words(seconds) for seconds in (0, 20, 70, 3000, 9000)] == [
        "",
        "",
        "about 1 min left",
        "about 50 min left",
        "about 2.5 h left",
    ]


def test_plain_lines_count_and_tell_the_time_left() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream)
    left = TimeLeft(["analysis: compare", "page", "page"], 1)
    progress.begin(3, 4, left)
    for name, kind, status, seconds in (
        ("analysis: compare", "analysis: compare", "ok", 60.0),
        ("funder/nl/page", "page", "failed", 90.0),
        ("funder/en/page", "page", "ok", 90.0),
    ):
        progress.started(name)
        left.finished(kind, seconds)
        progress.finished(name, status, seconds)
    progress.end()
    assert stream.getvalue().splitlines() == [
        "3 to make, 4 up to date",
        "[1/3] analysis: compare: ok (60 s), about 2 min left",
        "[2/3] funder/nl/page: failed (90 s), about 2 min left",
        "[3/3] funder/en/page: ok (90 s)",
    ]
