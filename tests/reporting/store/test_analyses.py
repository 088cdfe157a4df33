"""Which analyses a notebook asks for, read from its cells."""

import json
from pathlib import Path

import pytest

from mpg_research.reporting.store.analyses import Analysis, analyses_of


def notebook(folder: Path, *sources: str) -> Path:
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    cells.append({"cell_type": "markdown", "source": ['session.analyse("course")']})
    file = folder / "a {b} 'ç'.ipynb"
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('a = session.analyse("course")', Analysis("course", {})),
        ("a = session.analyse(course)", Analysis("course", {})),
        ("a = session.analyse(mpg.course)", Analysis("course", {})),
        ('session.sentences(session.analyse("course", level=0.9, months=[1, -2]))', None),
        ('session.analyse("fit_trajectory", shape=session.parameters.shape)', None),
    ],
)
def test_a_call_with_literals_or_parameters_is_read(
    source: str, found: Analysis | None, tmp_path: Path
) -> None:
    (read,) = analyses_of(notebook(tmp_path, source), {"shape": "linear"})
    expected = found or (
        Analysis("course", {"level": 0.9, "months": [1, -2]})
        if "level" in source
        else Analysis("fit_trajectory", {"shape": "linear"})
    )
    assert (read.verb, dict(read.options)) == (expected.verb, dict(expected.options))


@pytest.mark.parametrize(
    "source",
    [
        "course(session.study)",
        "session.analyse(mine)",
        'session.analyse("no_such_verb")',
        'session.analyse("course", level=number)',
        'session.analyse("course", level=session.parameters.unknown)',
        'session.analyse("course", **options)',
        "session.analyse()",
        "%matplotlib inline",
        "other.analyse(course)",
    ],
)
def test_what_cannot_be_read_is_left_to_the_page(source: str, tmp_path: Path) -> None:
    assert analyses_of(notebook(tmp_path, source), {}) == ()


def test_each_is_named_once_in_order(tmp_path: Path) -> None:
    file = notebook(
        tmp_path,
        'session.analyse("course")\nsession.analyse("signals")',
        "session.analyse(course)\nsession.analyse(course, level=0.9)",
    )
    assert [(each.verb, dict(each.options)) for each in analyses_of(file, {})] == [
        ("course", {}), ("signals", {}), ("course", {"level": 0.9}),
    ]  # fmt: skip
