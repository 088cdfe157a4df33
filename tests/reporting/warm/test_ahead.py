"""A process that is started before it is known what it is to do: used once, or gone."""

import psutil
import pytest

from mpg_research.reporting.warm.ahead import started_ahead, take_ahead
from mpg_research.reporting.warm.pool import open_pool
from mpg_research.reporting.warm.work import Work

DEEDS = "tests.reporting.warm.deeds"


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_the_first_pool_takes_it_and_the_next_starts_its_own() -> None:
    before = children()
    with started_ahead(when=True):
        (ahead,) = children() - before
        for is_first in (True, False):
            with open_pool(1, function=f"{DEEDS}:prepare", given={}) as pool:
                pool.prepare()
                assert (ahead in children()) is is_first
                work = Work("a", f"{DEEDS}:do", {}, ({"deed": "say"},))
                (ended,) = (each for each in pool.run([work]) if each.what != "begins")
                assert ended.result["prepared"] == 1
            assert children() == before


def test_it_is_gone_where_nobody_takes_it_also_after_an_error() -> None:
    before = children()
    with started_ahead(when=True):
        assert len(children() - before) == 1
    assert children() == before
    with pytest.raises(RuntimeError), started_ahead(when=True):
        raise RuntimeError
    assert children() == before
    assert take_ahead() is None


def test_none_is_started_where_it_is_not_sure_to_be_needed() -> None:
    before = children()
    with started_ahead(when=False):
        assert children() == before
        assert take_ahead() is None
