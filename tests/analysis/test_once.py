"""What several analyses start from is computed once, and only where that was asked for."""

from collections.abc import Iterator

import pytest

from mpg_research.analysis.interventions.after_signal import describe_actions
from mpg_research.analysis.monitoring import signals as module
from mpg_research.analysis.monitoring.quality import evaluate_signals
from mpg_research.analysis.once import keep, once
from mpg_research.study.load import load_study
from mpg_research.study.model import Study
from mpg_research.study.shipped import shipped_example


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    keep(False)


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(shipped_example())


def test_nothing_is_kept_unless_asked_for(study: Study) -> None:
    calls: list[int] = []

    @once
    def number(study: Study, *, which: int = 1) -> int:
        calls.append(which)
        return len(calls)

    assert [number(study), number(study)] == [1, 2]
    keep(True)
    assert [number(study), number(study, which=1), number(study, which=2)] == [3, 3, 4]
    keep(True)
    assert number(study) == 3  # still kept
    keep(False)
    assert number(study) == 5


def test_another_study_or_what_cannot_be_compared_is_computed(study: Study) -> None:
    calls: list[object] = []

    @once
    def told(study: Study, what: object = None, **older: object) -> int:
        calls.append(what)
        return len(calls)

    keep(True)
    assert [told(study), told(load_study(shipped_example())), told(study)] == [1, 2, 1]
    assert [told(study, []), told(study, [])] == [3, 4]
    assert [told(study, instrument="a"), told(study, instrument="b"), told(study, instrument="a")] == [
        5,
        6,
        5,
    ]


def test_actions_read_the_signals_that_are_there(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = describe_actions(study)
    keep(True)
    evaluate_signals(study, replicates=0)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("signals were computed a second time")

    monkeypatch.setattr(module, "fit_folds", refuse)
    beside = describe_actions(study)
    assert alone.tables.keys() == beside.tables.keys()
    for name, table in alone.tables.items():
        assert table.data.equals(beside.tables[name].data), name
