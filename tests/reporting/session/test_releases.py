"""A stored result goes through the gate once per reader, and again when anything of it changed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import mpg_research.disclosure
from mpg_research.disclosure import Audience, policy_of
from mpg_research.reporting.session import releases
from mpg_research.reporting.session.releases import release_once
from mpg_research.reporting.store.results import result_of
from mpg_research.reporting.store.source import open_study
from mpg_research.study import shipped_example

FUNDER = Audience("funder")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The results that the gate is asked about."""
    seen: list[Any] = []
    gate = mpg_research.disclosure.release

    def release(result: Any, audience: Audience, *, policy: Any) -> Any:
        seen.append(result)
        return gate(result, audience, policy=policy)

    monkeypatch.setattr(mpg_research.disclosure, "release", release)
    releases._LATEST.clear()
    yield seen
    releases._LATEST.clear()


def test_once_per_reader_as_long_as_nothing_changes(asked: list[Any]) -> None:
    source = open_study(shipped_example())
    policy = policy_of(source)
    first, second = (result_of(source, "describe_quality", {}) for _ in range(2))
    released = release_once(first, FUNDER, policy)
    assert release_once(second, FUNDER, policy) is released
    assert len(asked) == 1
    release_once(second, Audience("researcher"), policy)
    release_once(second, FUNDER, replace(policy, minimum_families=policy.minimum_families + 5))
    assert len(asked) == 3


def test_a_result_that_was_changed_is_released_anew(asked: list[Any]) -> None:
    source = open_study(shipped_example())
    policy = policy_of(source)
    result = result_of(source, "describe_quality", {})
    release_once(result, FUNDER, policy)
    name = next(
        name for name, table in result.tables.items() if table.unit != "family" and len(table.data) > 1
    )
    table = result.tables[name]
    fewer = replace(result, tables={**result.tables, name: replace(table, data=table.data.iloc[:-1])})
    release_once(fewer, FUNDER, policy)
    release_once(replace(result, notes=()), FUNDER, policy)
    release_once(replace(result, level=0.5), FUNDER, policy)
    assert len(asked) == 4
