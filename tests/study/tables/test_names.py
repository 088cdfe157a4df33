"""Folder names from data: one to one, readable, and never a path."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpg_research.study import safe_folder_name


@given(st.text())
def test_always_one_safe_component(key: str) -> None:
    name = safe_folder_name(key)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,49}", name)


@given(st.lists(st.text(alphabet="aAbB -_./<é1", max_size=6), min_size=2, unique=True))
def test_different_keys_have_different_folders(keys: list[str]) -> None:
    assert len({safe_folder_name(key) for key in keys}) == len(keys)


@given(st.text())
def test_a_made_name_is_no_key_that_stands_for_itself(key: str) -> None:
    name = safe_folder_name(key)
    assert name == key or safe_folder_name(name) != name


@pytest.mark.parametrize(
    ("key", "start"),
    [("../../etc", "etc--"), ("<script>alert(1)</script>", "script-alert-1-script--"),
     ("Stichting Één", "stichting-een--"),
     ("funder", "funder--"), ("CON", "con--"), ("", "name--"), ("a/b", "a-b--")],
)  # fmt: skip
def test_unsafe_keys_stay_readable(key: str, start: str) -> None:
    assert safe_folder_name(key).startswith(start)


def test_plain_keys_are_their_own_folder() -> None:
    assert [safe_folder_name(key) for key in ("org_a", "vlierdonk", "team-3")] == [
        "org_a",
        "vlierdonk",
        "team-3",
    ]
