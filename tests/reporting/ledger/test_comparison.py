"""What a reader gets of a result, by what was released of it before."""

import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mpg_research.analysis.result import AnalysisResult
from mpg_research.cli import main
from mpg_research.disclosure import Audience, Released, policy_of, release
from mpg_research.disclosure.earlier import as_released_before, describe_released
from mpg_research.errors import ReportError
from mpg_research.reporting.ledger import comparison as comparison_module
from mpg_research.reporting.ledger.comparison import Asked, Comparison, record_releases
from mpg_research.reporting.ledger.entries import fingerprint_of, numbers_in
from mpg_research.reporting.ledger.ledger import LEDGER_VARIABLE, Ledger, forget_project, projects
from mpg_research.reporting.ledger.releases import open_releases
from mpg_research.reporting.ledger.secret import SECRET_VARIABLE
from mpg_research.reporting.store.results import result_of
from mpg_research.reporting.store.source import open_study
from tests.reporting.ledger.growing import write_families

ASKED = Asked("describe_quality")


class Releases:
    """One result of a study, released to the researcher again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        self.ledger = self.open()

    def open(self) -> Ledger:
        found = open_releases("grows", self.folder / "reports", make=True).ledger
        assert found is not None
        return found

    def compare(self, numbers: Iterable[int], others: Iterable[int] = ()) -> tuple[Comparison, Released]:
        self.number += 1
        study = self.folder / f"study{self.number}"
        write_families(study, numbers, others=others)
        source = open_study(study)
        result = result_of(source, "describe_quality", {})
        audience = Audience("researcher")
        released = release(result, audience, policy=policy_of(source))
        comparison = Comparison(self.ledger, "researcher")
        return comparison, comparison.compare(ASKED, result, released, source)

    def release(self, numbers: Iterable[int], others: Iterable[int] = ()) -> Released:
        comparison, released = self.compare(numbers, others)
        record_releases(self.ledger, "researcher", comparison.stage(self.folder / f"staged{self.number}"))
        return released

    def keeps(self, numbers: Iterable[int], others: Iterable[int] = ()) -> bool:
        return bool(self.compare(numbers, others)[0].kept)


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "releases"))
    return Releases(tmp_path)


def described(released: Released) -> str:
    return json.dumps(describe_released(released))


def test_who_came_who_left_and_whose_data_changed(releases: Releases) -> None:
    releases.release(range(40))
    for numbers, others, kept in (
        (range(40), (), False),
        (range(31), (), True),
        (range(30), (), False),
        (range(4, 44), (), True),
        (range(5, 45), (), False),
        (range(49), (), True),
        (range(40), range(3), True),
        (range(40), range(10), False),
    ):
        assert releases.keeps(numbers, others) == kept, (numbers, others)


def test_what_is_kept_is_what_was_given(releases: Releases) -> None:
    first = releases.release(range(40))
    second = releases.release(range(44))
    assert described(second) == described(first)
    assert described(releases.release(range(52))) != described(first)


def test_every_earlier_release_counts_not_the_last_alone(releases: Releases) -> None:
    """Twelve more, then eleven of them less: one family differs from what was given first."""
    first = releases.release(range(40))
    second = releases.release(range(52))
    assert described(releases.release(range(41))) == described(second)
    comparison, again = releases.compare(range(40))  # the very numbers of the first time
    assert not comparison.kept
    assert describe_released(again)["tables"].keys() == describe_released(first)["tables"].keys()
    assert described(again) != described(second)


def test_a_release_again_changes_no_byte_of_the_record(releases: Releases) -> None:
    releases.release(range(40))
    entry = releases.ledger.token("researcher", ASKED.name)
    assert entry
    releases.release(range(40))
    assert releases.ledger.token("researcher", ASKED.name) == entry


def test_a_table_that_was_not_there_or_had_other_columns_is_withheld_alone(releases: Releases) -> None:
    write_families(releases.folder / "study", range(40))
    source = open_study(releases.folder / "study")
    result = result_of(source, "describe_quality", {})
    released = release(result, Audience("researcher"), policy=policy_of(source))
    kept = describe_released(released)
    absent, other = list(kept["tables"])[:2]
    del kept["tables"][absent]
    kept["tables"][other]["data"][0]["name"] = "another_name"
    before = as_released_before(json.loads(json.dumps(kept)), released, result)
    assert {each.table for each in before.withheld} - {each.table for each in released.withheld} == {
        absent,
        other,
    }
    assert {before.reason_for(name).code for name in (absent, other)} == {"not_in_earlier_release"}  # type: ignore[union-attr]
    assert set(before.tables) == set(released.tables) - {absent, other}
    assert before.notes == released.notes


def test_another_run_in_between_is_noticed(releases: Releases) -> None:
    releases.release(range(40))
    slow, _ = releases.compare(range(52))
    staged = slow.stage(releases.folder / "slow")
    releases.release(range(60))
    with pytest.raises(ReportError, match="Meanwhile another run"):
        record_releases(releases.ledger, "researcher", staged)


def test_what_is_for_one_reader_is_not_written_down_for_another(releases: Releases) -> None:
    releases.ledger, keep = releases.ledger, Comparison(releases.ledger, "funder")
    _, released = releases.compare(range(40))
    source = open_study(releases.folder / "study1")
    with pytest.raises(ReportError, match="released to researcher"):
        keep.compare(ASKED, result_of(source, "describe_quality", {}), released, source)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_what_is_written_down_is_for_its_owner_only_and_holds_no_family(
    releases: Releases, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        assert forget_project("grows")
        releases.ledger = releases.open()
        releases.release([*range(40), 987])
    finally:
        os.umask(before)
    found = [path for path in (tmp_path / "releases").rglob("*") if path.name != ".lock"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)
    files = [path.read_bytes() for path in found if path.is_file()]
    opened = [zlib.decompress(each[55:]) if each.startswith(b"mpg_research") else each for each in files]
    assert any(b"sample_flow" in each for each in opened)
    assert not any(b'"987"' in each for each in opened)
    assert projects() == {"grows": {"researcher": 1}}


@pytest.mark.parametrize("spoil", ["truncated", "other bytes", "moved", "families"])
def test_a_damaged_record_is_said(releases: Releases, tmp_path: Path, spoil: str) -> None:
    releases.release(range(40))
    ours = tmp_path / "releases" / "grows"
    entry = next((ours / "to" / "researcher").iterdir())
    if spoil == "truncated":
        entry.write_bytes(entry.read_bytes()[:-20])
    elif spoil == "other bytes":
        entry.write_bytes(b"something else")
    elif spoil == "moved":
        content = entry.read_bytes()
        releases.ledger.write("researcher", ASKED.name, content.replace(b"release 1", b"release 2"))
    else:
        for file in (ours / "families").iterdir():
            file.write_bytes(b"{}")
    with pytest.raises(ReportError, match=r"damaged or not ours.*mpg releases --forget grows"):
        releases.compare(range(44))
    assert forget_project("grows")
    releases.ledger = releases.open()
    assert not releases.keeps(range(44))


def test_a_record_made_with_another_secret_is_said(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, str(tmp_path / "other_secret"))
    with pytest.raises(ReportError, match="made with another secret"):
        releases.open()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_record_that_others_may_look_into_is_not_used(releases: Releases, tmp_path: Path) -> None:
    (tmp_path / "releases" / "grows").chmod(0o755)
    found = open_releases("grows", tmp_path / "reports", make=True)
    assert found.ledger is None
    assert "chmod 700" in found.problem


def test_neither_lies_among_the_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "reports" / "grows" / "releases"))
    with pytest.raises(ReportError, match="among the reports"):
        open_releases("grows", tmp_path / "reports" / "grows", make=True)


def test_a_secret_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(SECRET_VARIABLE, str(tmp_path / "file" / "secret"))
    found: Any = open_releases("grows", tmp_path / "reports", make=True)
    assert (found.ledger, found.secret.text) == (None, "")
    assert SECRET_VARIABLE in found.problem
    assert "not compared" in found.problem


def test_the_record_can_be_looked_at_and_removed(
    releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    releases.release(range(40))
    assert main(["releases"]) == 0
    assert "grows: analyses released, by reader\n  researcher: 1\n" in capsys.readouterr().out
    assert main(["releases", "--forget", "other"]) == 2
    assert main(["releases", "--forget", "grows"]) == 0
    assert projects() == {}


def _changed(result: AnalysisResult, table: str, column: str, row: int) -> AnalysisResult:
    data = result.tables[table].data.copy()
    value = data[column].iloc[row]
    data[column] = data[column].astype(object)
    data.loc[row, column] = f"{value}?" if isinstance(value, str) else value + 1
    data[column] = data[column].astype(result.tables[table].data[column].dtype)
    tables = dict(result.tables) | {table: replace(result.tables[table], data=data)}
    return replace(result, tables=tables)


def test_numbers_that_differ_anywhere_have_another_digest(releases: Releases) -> None:
    write_families(releases.folder / "study", range(40))
    result = result_of(open_study(releases.folder / "study"), "describe_quality", {})
    seen = {numbers_in(result), numbers_in(replace(result, level=0.9)), numbers_in(replace(result, notes=()))}
    places = [
        (name, column, row)
        for name, table in result.tables.items()
        for column in table.data
        for row in range(len(table.data))
        if str(table.data[column].dtype) in ("float64", "int64", "str") and table.data[column].notna()[row]
    ]
    assert len(places) > 50
    changed = [_changed(result, *place) for place in places]
    assert len(seen | {numbers_in(each) for each in changed}) == len(seen) + len(places)
    secret = releases.ledger.secret
    assert fingerprint_of(result, secret) not in {fingerprint_of(each, secret) for each in changed}


def test_a_stored_fingerprint_spares_the_work_and_a_forged_one_is_not_believed(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.release(range(40))
    worked: list[str] = []

    def counted(result: AnalysisResult, secret: str) -> str:
        worked.append(fingerprint_of(result, secret))
        return worked[-1]

    monkeypatch.setattr(comparison_module, "fingerprint_of", counted)
    releases.compare(range(40))
    assert worked == []
    for file in open_study(releases.folder / "study1").folder.path.glob("*.result"):  # type: ignore[union-attr]
        content = file.read_bytes()
        if len(content) == 96:  # a fingerprint and its seal
            file.write_bytes(b"0" * 64 + content[64:])
    releases.compare(range(40))
    assert worked
    assert worked[0] != "0" * 64
