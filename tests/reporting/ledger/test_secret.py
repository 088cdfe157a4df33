"""The secret of a user: one for all processes, for its owner only, and never beside data or reports."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mpg_research import begin
from mpg_research.disclosure import Audience, DisclosurePolicy
from mpg_research.disclosure.rules.labels import label_organisations
from mpg_research.errors import ConfigError
from mpg_research.reporting.ledger.secret import SECRET_VARIABLE, open_secret
from mpg_research.writing import create_private
from tests.study.small import small_study

KEYS = [f"org_{number}" for number in range(9)]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SECRET_VARIABLE, str(tmp_path / "own" / "secret"))
    return tmp_path / "own" / "secret"


def test_it_is_made_once_and_only_when_asked_for(file: Path) -> None:
    assert open_secret().text == ""
    assert not file.exists()
    made = open_secret(make=True)
    assert len(bytes.fromhex(made.text)) == 32
    assert open_secret() == open_secret(make=True) == made
    assert made.text not in repr(made)
    assert made.text not in made.mark


def test_many_at_once_have_the_same(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {secret.text for secret in pool.map(lambda _: open_secret(make=True), range(24))}
    assert len(found) == 1
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("links", [True, False])
def test_what_is_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(OSError("no hard links")))
    assert create_private(tmp_path / "a", b"first")
    assert not create_private(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_nobody_else_may_read_it(file: Path) -> None:
    before = os.umask(0)
    try:
        open_secret(make=True)
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o077 == 0
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_secret()


def test_not_beside_data_nor_among_reports_and_it_must_be_one(file: Path, tmp_path: Path) -> None:
    open_secret(make=True)
    with pytest.raises(ConfigError, match="among the reports"):
        open_secret(reports=tmp_path)
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(ConfigError, match=r"holds study\.toml"):
        open_secret()
    (tmp_path / "study.toml").unlink()
    file.write_text("hello")
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        open_secret()


def test_letters_hang_on_the_secret_and_no_longer_on_the_data() -> None:
    def letters(policy: DisclosurePolicy, digest: str) -> list[str]:
        found = label_organisations(KEYS, Audience("funder"), policy=policy, digest=digest)
        return [found.code_of[key] for key in KEYS]

    plain = DisclosurePolicy()
    assert letters(plain, "a") != letters(plain, "b")
    kept = replace(plain, secret="s" * 64)
    assert letters(kept, "a") == letters(kept, "b")
    assert letters(kept, "a") != letters(replace(plain, secret="t" * 64), "a")
    assert "ssss" not in repr(kept)


def test_by_hand_none_is_made_and_the_one_there_is_used(file: Path, tmp_path: Path) -> None:
    study = str(small_study(tmp_path / "study"))
    assert begin("01_data_quality", study=study)._policy.secret == ""
    assert not file.exists()
    made = open_secret(make=True)
    session = begin("01_data_quality", study=study)
    assert session._policy.secret == made.text
    released = session.release(session.analyse("describe_quality"))
    assert released.policy.secret == ""
