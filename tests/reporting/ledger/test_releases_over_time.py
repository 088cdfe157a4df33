"""Runs of a study that grows: what a reader was given before stays until enough families differ."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mpg_research.reporting.ledger.ledger import LEDGER_VARIABLE
from mpg_research.reporting.run.explain import explain_run
from mpg_research.reporting.run.run import RunSummary, run_study
from tests.reporting.notebook_makers import make_notebook
from tests.study.small import ITEMS, STUDY

NOTEBOOK = "01_data_quality"
CELLS = (
    "from mpg_research import begin\n"
    f'session = begin("{NOTEBOOK}", study=study, language=language, output=output)\n'
    'quality = session.analyse("describe_quality")',
    'session.table(quality, "overview")',
    'session.table(quality, "sample_flow")',
)
TOML = STUDY.replace("minimum_families = 3\n", "").replace(
    'name = "small"\n', 'name = "grows"\nlanguages = ["nl", "en"]\nsynthetic = true\n'
)


def write_families(folder: Path, numbers: Iterable[int], *, others: Iterable[int] = ()) -> None:
    """A study of these families; of ``others`` one answer is another."""
    numbers, others = sorted(numbers), set(others)
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(TOML, encoding="utf-8")
    episodes = ["family,episode,organisation,worker,start,end,child_age"]
    episodes += [f"{n:03d},1,org_{n % 2},w1,2024-01-{1 + n % 28:02d},2024-12-31,{4 + n % 8}" for n in numbers]
    measured = [",".join(["family", "episode", "respondent", "date", *ITEMS])]
    for n in numbers:
        for month in (2, 5, 8):
            scores = [1 + (n + month + item % 3 + (n in others and item == 0)) % 4 for item in range(10)]
            measured.append(f"{n:03d},1,first_parent,2024-{month:02d}-15," + ",".join(map(str, scores)))
    (folder / "episodes.csv").write_text("\n".join(episodes) + "\n", encoding="utf-8")
    (folder / "measurements.csv").write_text("\n".join(measured) + "\n", encoding="utf-8")


class Runs:
    """A study, its reports, and what they say."""

    def __init__(self, folder: Path) -> None:
        self.study, self.reports, self.notebooks = (folder / n for n in ("study", "reports", "notebooks"))
        make_notebook(self.notebooks, NOTEBOOK, *CELLS)

    def run(self, numbers: Iterable[int], **options: Any) -> RunSummary:
        others = options.pop("others", ())
        write_families(self.study, numbers, others=others)
        return self.again(**options)

    def again(self, **options: Any) -> RunSummary:
        given = {"reports": self.reports, "notebooks": self.notebooks, "jobs": 1}
        summary = run_study(self.study, **{**given, **options})
        assert summary.exit_code == 0, [outcome.reason for outcome in summary.outcomes]
        return summary

    def files(self) -> dict[str, bytes]:
        """All that the researcher has, but for the manifest."""
        own = self.reports / "grows" / "researcher"
        return {
            path.relative_to(own).as_posix(): path.read_bytes()
            for path in sorted(own.rglob("*"))
            if path.is_file() and path.name != "manifest.json"
        }

    def tables(self) -> dict[str, bytes]:
        return {name: content for name, content in self.files().items() if name.endswith(".csv")}

    def page(self, language: str) -> str:
        return self.files()[f"{language}/{NOTEBOOK}.html"].decode()

    def said(self) -> dict[str, Any]:
        steps = json.loads((self.reports / "grows/researcher/manifest.json").read_bytes())["steps"]
        return {key: entry["releases"] for key, entry in steps.items()}

    def reasons(self) -> set[str]:
        found = explain_run(self.study, reports=self.reports, notebooks=self.notebooks)
        return {reason for each in found for reason in each.reasons}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "releases"))
    return Runs(tmp_path)


def test_four_families_more_change_nothing_and_twelve_do(runs: Runs) -> None:
    runs.run(range(40))
    first = runs.tables()
    assert first
    assert 'class="kept"' not in runs.page("nl") + runs.page("en")

    runs.run(range(44))
    assert runs.tables() == first
    for language, words in (("nl", "eerdere uitgave"), ("en", "earlier release")):
        page = runs.page(language)
        assert page.count('class="kept"') == 1
        assert words in page
        assert "10" in page.split('class="kept"')[1].split("</p>")[0]
    assert all(said["kept"] == ["data_quality"] and said["compared"] for said in runs.said().values())
    assert "earlier release" in (runs.reports / "grows" / "index.en.html").read_text(encoding="utf-8")

    kept = runs.files()
    assert runs.reasons() == set()
    assert runs.again().count("up to date") == 2
    assert runs.again(force=True).count("ok") == 2
    assert runs.files() == kept

    runs.run(range(52))
    assert runs.tables() != first
    assert 'class="kept"' not in runs.page("nl") + runs.page("en")
    assert all(said["kept"] == [] for said in runs.said().values())


def test_running_again_gives_the_same_bytes(runs: Runs) -> None:
    runs.run(range(40))
    before = runs.files()
    assert runs.again(force=True).count("ok") == 2
    assert runs.files() == before


@pytest.mark.parametrize(
    ("numbers", "others", "kept"),
    [
        (range(40), (), False),
        (range(31), (), True),
        (range(30), (), False),
        (range(4, 44), (), True),
        (range(5, 45), (), False),
        (range(40), range(3), True),
        (range(40), range(10), False),
    ],
)
def test_who_came_who_left_and_whose_data_changed(
    runs: Runs, numbers: Iterable[int], others: Iterable[int], kept: bool
) -> None:
    runs.run(range(40), language=["nl"])
    runs.run(numbers, others=others, language=["nl"])
    assert [bool(said["kept"]) for said in runs.said().values()] == [kept]


def test_every_earlier_release_counts_not_the_last_alone(runs: Runs) -> None:
    """Twelve more, then eleven of them less: one family differs from what was given first."""
    runs.run(range(40), language=["nl"])
    runs.run(range(52), language=["nl"])
    second = runs.tables()
    runs.run(range(41), language=["nl"])
    assert runs.tables() == second
    runs.run(range(40), language=["nl"])  # the very numbers of the first time
    assert runs.tables() != second
    assert [said["kept"] for said in runs.said().values()] == [[]]


def test_a_release_by_another_run_makes_a_page_due(runs: Runs, tmp_path: Path) -> None:
    runs.run(range(40), language=["nl"])
    runs.run(range(44), language=["nl"])
    runs.run(range(52), language=["nl"], reports=tmp_path / "elsewhere")
    write_families(runs.study, range(44))
    assert "what was released to this reader changed" in runs.reasons()
    assert runs.again(language=["nl"]).count("ok") == 1
    assert runs.tables()  # those of the 52
    assert runs.again(language=["nl"]).count("up to date") == 1


def test_a_table_that_was_not_there_is_refused_alone(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpg_research.disclosure import earlier

    describe = earlier.describe_released

    def without_flow(released: Any) -> dict[str, Any]:
        kept = describe(released)
        return {**kept, "tables": {n: t for n, t in kept["tables"].items() if n != "sample_flow"}}

    monkeypatch.setattr(earlier, "describe_released", without_flow)
    runs.run(range(40), language=["en"])
    monkeypatch.setattr(earlier, "describe_released", describe)
    before = runs.tables()
    runs.run(range(44), language=["en"])
    assert "in which this table was not" in runs.page("en")
    now = runs.tables()
    assert now == {name: content for name, content in before.items() if "sample_flow" not in name}
    assert now


def test_what_is_written_down_is_for_its_owner_only_and_holds_no_family(runs: Runs, tmp_path: Path) -> None:
    import os
    import zlib

    before = os.umask(0)
    try:
        runs.run([*range(40), 987])
    finally:
        os.umask(before)
    found = [path for path in (tmp_path / "releases").rglob("*") if path.name != ".lock"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)
    files = [path.read_bytes() for path in found if path.is_file()]
    assert len(files) >= 4
    opened = [zlib.decompress(each[55:]) if each.startswith(b"mpg_research") else each for each in files]
    assert any(b"sample_flow" in each for each in opened)
    assert not any(b'"987"' in each for each in opened)


@pytest.mark.parametrize("spoil", ["truncate", "other bytes", "families", "foreign"])
def test_a_damaged_or_foreign_record_is_said_and_nothing_is_published(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    from mpg_research.errors import ReportError
    from mpg_research.reporting.ledger.ledger import forget_project

    runs.run(range(40), language=["nl"])
    before = runs.files()
    ours = tmp_path / "releases" / "grows"
    entry = next((ours / "to" / "researcher").iterdir())
    if spoil == "truncate":
        entry.write_bytes(entry.read_bytes()[:-20])
    elif spoil == "other bytes":
        entry.write_bytes(b"something else")
    elif spoil == "families":
        for file in (ours / "families").iterdir():
            file.write_bytes(b"{}")
    else:
        monkeypatch.setenv("MPG_SECRET_FILE", str(tmp_path / "other_secret"))
    write_families(runs.study, range(44))
    given = {"reports": runs.reports, "notebooks": runs.notebooks, "jobs": 1, "language": ["nl"]}
    if spoil == "foreign":
        with pytest.raises(ReportError, match="made with another secret"):
            run_study(runs.study, **given)
    else:
        summary = run_study(runs.study, **given)
        assert summary.exit_code == ReportError.exit_code
        assert "damaged or not ours" in summary.outcomes[0].reason
        assert "mpg releases --forget grows" in summary.outcomes[0].reason
    assert runs.files() == before
    assert forget_project("grows")
    runs.again(language=["nl"])
    assert runs.files() != before


def test_where_nothing_can_be_written_down_the_run_says_so(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "file" / "releases"))
    summary = runs.run(range(40))
    assert LEDGER_VARIABLE in summary.not_compared
    assert all(said == {"compared": False} for said in runs.said().values())
    assert "could not be compared" in (runs.reports / "grows" / "index.en.html").read_text(encoding="utf-8")
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "releases"))
    assert "it was not compared with earlier releases" in runs.reasons()
    assert runs.again().count("ok") == 2
    assert all(said["compared"] for said in runs.said().values())


def test_a_secret_that_cannot_be_made_leaves_letters_to_the_data_and_says_so(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MPG_SECRET_FILE", str(tmp_path / "file" / "secret"))
    summary = runs.run(range(40), language=["nl"])
    assert "MPG_SECRET_FILE" in summary.not_compared
    assert "not compared" in summary.not_compared


def test_explaining_makes_neither(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPG_SECRET_FILE", str(tmp_path / "own" / "secret"))
    write_families(runs.study, range(40))
    assert runs.reasons() == {"never made"}
    assert not (tmp_path / "own").exists()
    assert not (tmp_path / "releases").exists()
