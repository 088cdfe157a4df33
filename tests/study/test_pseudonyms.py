"""Keyed pseudonyms: stable, secret without the key, and the key kept apart from the data."""

import hmac
import os
from base64 import b32encode
from pathlib import Path

import pytest

from mpg_research.errors import ConfigError
from mpg_research.study.pseudonyms import make_key, pseudonymise


def test_they_are_hmac_sha256_of_the_id(tmp_path: Path) -> None:
    key_file = make_key(tmp_path / "key")
    key = bytes.fromhex(key_file.read_text().strip())
    expected = b32encode(hmac.digest(key, b"0123", "sha256")[:10]).decode().lower()
    assert pseudonymise(["0123", " 0123 ", "123", None, float("nan"), ""], key_file)[:2] == [
        expected,
        expected,
    ]
    made = pseudonymise(["0123", "123", None, float("nan"), ""], key_file)
    assert made[1] != made[0]
    assert made[2:] == ["", "", ""]


def test_another_key_gives_other_pseudonyms(tmp_path: Path) -> None:
    first, second = make_key(tmp_path / "a"), make_key(tmp_path / "b")
    assert pseudonymise(["1"], first) != pseudonymise(["1"], second)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    assert make_key(tmp_path / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mark", ["study.toml", ".git"])
def test_no_key_beside_the_data(tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).write_text("")
    (tmp_path / "deep").mkdir()
    with pytest.raises(ConfigError, match="Keep it elsewhere"):
        make_key(tmp_path / "deep" / "key")
    (tmp_path / "deep" / "key").write_text("00" * 32)
    with pytest.raises(ConfigError, match="Keep it elsewhere"):
        pseudonymise(["1"], tmp_path / "deep" / "key")


def test_a_key_is_never_overwritten_and_must_be_a_key(tmp_path: Path) -> None:
    key_file = make_key(tmp_path / "key")
    before = key_file.read_bytes()
    with pytest.raises(ConfigError, match="never overwritten"):
        make_key(key_file)
    assert key_file.read_bytes() == before
    for text in ("hello", "00"):
        (tmp_path / "bad").write_text(text)
        (tmp_path / "bad").chmod(0o600)
        with pytest.raises(ConfigError, match="64 hexadecimal digits"):
            pseudonymise(["1"], tmp_path / "bad")
    with pytest.raises(ConfigError, match="make_key"):
        pseudonymise(["1"], tmp_path / "none")
