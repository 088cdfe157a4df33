"""How long analyses took: kept beside the results, and harmless whatever becomes of it."""

from pathlib import Path

from mpg_research.reporting.run.works import AnalysesOfSteps, analysis_works
from mpg_research.reporting.store.analyses import Analysis
from mpg_research.reporting.store.durations import keep_seconds, known_seconds
from mpg_research.reporting.store.folder import Folder


def test_what_was_timed_is_known_and_what_was_not_timed_again_stays(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "store")
    assert known_seconds("a", folder=folder) == {}
    keep_seconds("a", {"course": 2.004, "describe_missing": 1.0}, folder=folder)
    keep_seconds("a", {"course": 3.0}, folder=folder)
    assert known_seconds("a", folder=folder) == {"course": 3.0, "describe_missing": 1.0}
    assert known_seconds("b", folder=folder) == {}


def test_what_lies_there_may_be_anything(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "store")
    keep_seconds("a", {"course": 2.0}, folder=folder)
    (file,) = (tmp_path / "store").glob("*.result")
    for content in (b"", b"\xff", b"[1]", b'{"course": "long", "b": NaN, "c": true}', b'{"course'):
        file.write_bytes(content)
        assert known_seconds("a", folder=folder) == {}
    (tmp_path / "in the way").write_text("")
    nowhere = Folder(tmp_path / "in the way" / "store")
    keep_seconds("a", {"course": 2.0}, folder=nowhere)
    assert known_seconds("a", folder=nowhere) == {}


def test_a_run_starts_with_the_analyses_that_take_longest() -> None:
    names = ("describe_quality", "course", "reliable_change", "evaluate_signals")
    analyses = AnalysesOfSteps({name: Analysis(name) for name in names}, {})

    def order(**seconds: float) -> list[str]:
        return [work.name for work in analysis_works(analyses, names, Path("study.toml"), seconds)]

    assert order() == ["evaluate_signals", "course", "describe_quality", "reliable_change"]
    known = {"describe_quality": 1.0, "course": 3.0, "reliable_change": 2.0, "evaluate_signals": 0.5}
    assert order(**known) == ["course", "reliable_change", "describe_quality", "evaluate_signals"]
    del known["reliable_change"]
    assert order(**known)[0] == "reliable_change"


def test_those_that_start_from_the_same_are_parts_of_one_piece_of_work() -> None:
    names = ("describe_actions", "course", "describe_without_progress", "evaluate_signals")
    analyses = AnalysesOfSteps({f"analysis: {name}": Analysis(name) for name in names}, {})
    missing = [f"analysis: {name}" for name in names]
    works = analysis_works(analyses, missing, Path("study.toml"), dict.fromkeys(missing, 1.0))
    assert [[part["verb"] for part in work.parts] for work in works] == [
        ["describe_actions", "describe_without_progress", "evaluate_signals"],
        ["course"],
    ]
    assert [work.given["keep"] for work in works] == [True, False]
