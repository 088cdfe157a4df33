"""Pieces of work in warm processes: what one does harms no other, with fork and without."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mpg_research.errors import DataError
from mpg_research.reporting.warm.memory import MemoryWatch, available_memory, private_memory
from mpg_research.reporting.warm.pool import Ended, Pool, forks_here, open_pool
from mpg_research.reporting.warm.work import Work

DEEDS = "tests.reporting.warm.deeds"
BOTH = pytest.mark.parametrize(
    "fork",
    [
        pytest.param(True, marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")),
        False,
    ],
)


def work(name: str, *deeds: str, after: frozenset[str] = frozenset(), **options: Any) -> Work:
    patience = options.pop("patience", float("inf"))
    parts = tuple({"deed": deed, **options} for deed in deeds)
    return Work(name, f"{DEEDS}:do", {}, parts, after=after, patience=patience)


def run(*works: Work, jobs: int = 1, fork: bool = True, memory: MemoryWatch | None = None) -> list[Ended]:
    with open_pool(jobs, function=f"{DEEDS}:prepare", given={}, fork=fork, memory=memory) as pool:
        pool.prepare()
        return [ended for ended in pool.run(works) if ended.what != "begins"]


def endings(found: list[Ended]) -> dict[str, list[str]]:
    by_work: dict[str, list[str]] = {}
    for ended in found:
        by_work.setdefault(ended.work.name, []).append(ended.what)
    return by_work


@BOTH
def test_each_part_is_done_in_order_in_one_process(fork: bool) -> None:
    found = run(work("a", "say", "say"), work("b", "say"), fork=fork)
    assert endings(found) == {"a": ["done", "done"], "b": ["done"]}
    assert [ended.part for ended in found] == [0, 1, 0]
    first, second, other = (ended.result for ended in found)
    assert first["pid"] == second["pid"]
    assert (first["pid"] == other["pid"]) is not fork
    assert first["prepared"] == 1


@BOTH
def test_what_raises_dies_or_crashes_harms_no_other(fork: bool) -> None:
    found = run(
        work("raises", "raise_error", "say"),
        work("leaves", "say", "leave", "say", "say"),
        work("crashes", "crash", "say"),
        work("goes on", "say"),
        fork=fork,
        jobs=2,
    )
    assert endings(found) == {
        "raises": ["failed", "done"],
        "leaves": ["done", "died", "done", "done"],
        "crashes": ["died", "done"],
        "goes on": ["done"],
    }
    failed = next(ended for ended in found if ended.what == "failed")
    assert failed.error == "ValueError: odd"
    assert "raise_error" in failed.traceback


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_what_a_child_changes_stays_in_it() -> None:
    before, _, after = (
        ended.result for ended in run(*(work(d, d) for d in ("marks", "leave_a_mark", "say")))
    )
    found = run(work("changes", "leave_a_mark", "marks"), work("other", "marks"))
    changed, unchanged = found[1].result, found[2].result
    assert changed == ["1", "/", "/nowhere", True]
    assert unchanged == before
    assert after["prepared"] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("fork", [True])
def test_a_limit_of_memory_holds_for_one_piece_of_work(fork: bool) -> None:
    found = run(work("greedy", "take_memory"), work("other", "say"), fork=fork)
    assert found[0].error.startswith("MemoryError")
    assert found[1].what == "done"


@BOTH
def test_what_gives_no_sign_of_life_is_ended_and_what_does_is_not(fork: bool) -> None:
    found = run(
        work("hangs", "sleep", patience=0.3),
        work("lives", "beat", times=20, patience=0.8),
        work("next", "say"),
        fork=fork,
        jobs=2,
    )
    assert endings(found) == {"hangs": ["too long"], "lives": ["done"], "next": ["done"]}


@BOTH
def test_work_waits_for_what_it_needs(fork: bool, tmp_path: Path) -> None:
    file = str(tmp_path / "order")
    found = run(
        work("page", "when", file=file, after=frozenset({"one", "two"})),
        work("one", "when", file=file),
        work("two", "when", file=file),
        fork=fork,
        jobs=3,
    )
    assert found[-1].work.name == "page"
    assert len(found[-1].result) == 3


@BOTH
def test_the_first_process_says_why_it_refuses(fork: bool) -> None:
    with (
        pytest.raises(DataError, match=r"row 3: found 5\."),
        open_pool(1, function=f"{DEEDS}:prepare", given={"refuse": True}, fork=fork) as pool,
    ):
        pool.prepare()


@BOTH
def test_an_interruption_ends_all_processes_also_those_that_a_page_started(
    fork: bool, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    pool_pids: list[int] = []

    def interrupt(pool: Pool) -> Iterator[None]:
        pool_pids.append(pool.prepare()["pid"])
        for _ in pool.run([work("long", "start_another", note=str(note))]):
            wait_until(lambda: note.exists() and len(note.read_text().split()) == 2)
            yield
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        open_pool(1, function=f"{DEEDS}:prepare", given={}, fork=fork) as pool,
    ):
        assert all(is_running(int(note.read_text().split()[0])) for _ in interrupt(pool))
    page, other = map(int, note.read_text().split())
    assert not any(map(is_running, [*pool_pids, page]))
    if os.name != "nt":
        wait_until(lambda: not is_running(other))


def test_fewer_at_once_when_memory_runs_low() -> None:
    low = MemoryWatch(available=lambda: 100 << 20, of_process=lambda pid: 50 << 20)
    found = run(*(work(str(number), "beat", times=4) for number in range(3)), jobs=3, memory=low)
    assert low.has_waited
    assert len(found) == 3
    began = [ended.work.name for ended in found]
    assert began == ["0", "1", "2"], "one after the other"


def test_memory_decides_from_what_was_seen() -> None:
    own = {1: 400 << 20, 2: 100 << 20}
    watch = MemoryWatch(available=lambda: 1000 << 20, of_process=own.get)
    assert watch.may_start([])
    watch.look([1, 2])
    assert watch.most == 400 << 20
    assert watch.may_start([1])
    assert not watch.may_start([1, 2, 2, 2]), "those that run may still grow to the most that was seen"
    unknown = MemoryWatch(available=lambda: None, of_process=lambda pid: None)
    assert unknown.may_start([1, 2, 3])


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system does not say")
def test_memory_of_this_machine_can_be_read() -> None:
    assert 0 < available_memory() <= psutil.virtual_memory().total
    assert 0 < private_memory(os.getpid()) <= psutil.Process().memory_info().rss


def test_fork_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPG_FORK", "0")
    assert not forks_here()


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
