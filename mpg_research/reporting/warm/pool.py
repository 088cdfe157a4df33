"""Pieces of work in warm processes: as many at once as there is room for; one that fails harms no other."""

import os
import queue
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from mpg_research import errors
from mpg_research.errors import MpgError, ReportError
from mpg_research.reporting.warm.ahead import take_ahead
from mpg_research.reporting.warm.host import Host
from mpg_research.reporting.warm.memory import MemoryWatch
from mpg_research.reporting.warm.work import Work

__all__ = ["Ended", "Pool", "forks_here", "open_pool"]

#: Set to "0" to do without fork also where there is one.
FORK = "MPG_FORK"
#: A process that does one piece after the other is replaced after so many: what they leave behind adds up.
WORKS_PER_PROCESS = 20
_TICK = 0.5
_SECONDS_BETWEEN_LOOKS = 1.0


def forks_here() -> bool:
    """Whether pieces of work get forked children: where fork exists and is safe, unless told otherwise.

    Returns
    -------
    bool
    """
    return hasattr(os, "fork") and sys.platform != "darwin" and os.environ.get(FORK, "1") != "0"


@dataclass(frozen=True, slots=True)
class Ended:
    """What happened to a part of a piece of work.

    Attributes
    ----------
    work : Work
        Which.
    part : int
        Its number.
    what : {"begins", "done", "failed", "died", "too long"}
        It begins; it returned; it raised; its process ended in the midst of it; it gave no sign of life.
    result : object
        What it returned.
    error, traceback : str
        What it raised.
    seconds : float
        How long it took.
    """

    work: Work
    part: int
    what: Literal["begins", "done", "failed", "died", "too long"]
    result: Any = None
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0


@dataclass
class _Running:
    work: Work
    part: int
    host: Host
    began: float
    sign: float
    pid: int = 0
    within: bool = False
    was_ended: bool = False


class Pool:
    """Warm processes and what they do. Made by :func:`open_pool`.

    Parameters
    ----------
    jobs : int
        Pieces of work at once.
    function : str
        Called first in each process, as ``"package.module:function"``.
    given : mapping
        Its argument; ``is_first`` is added to it, true for the first process.
    memory : MemoryWatch, optional
        Who says whether there is memory for one more.
    fork : bool, optional
        Whether to fork; by default :func:`forks_here`.
    """

    def __init__(
        self,
        jobs: int,
        *,
        function: str,
        given: Mapping[str, Any],
        memory: MemoryWatch | None = None,
        fork: bool | None = None,
    ) -> None:
        self.jobs = jobs
        self.memory = memory or MemoryWatch()
        self._function, self._given = function, dict(given)
        self._fork = forks_here() if fork is None else fork
        self._ahead = take_ahead()
        self._said: queue.Queue[tuple[Host, dict[str, Any] | None]] = (
            self._ahead.said if self._ahead is not None else queue.Queue()
        )
        self._hosts: list[Host] = []
        self._running: dict[int, _Running] = {}
        self._number = 0
        self._looked = 0.0
        self._is_first = True

    def prepare(self) -> Any:
        """Start the first process and wait until it is ready.

        Returns
        -------
        object
            What its first function returned.

        Raises
        ------
        MpgError
            What that function refused with.
        """
        host = self._start_host()
        while host.ready is None:
            self._hear()
        return host.ready["ready"]

    def run(self, works: Iterable[Work]) -> Iterator[Ended]:
        """Do pieces of work, in their order as far as they need not wait, and yield what happens.

        Parameters
        ----------
        works : iterable of Work
            All of them.

        Yields
        ------
        Ended
        """
        waiting = {work.name: (work, 0) for work in works}
        undone = set(waiting)
        while waiting or self._running:
            self._start_what_can(waiting, undone)
            yield from self._hear_of_works(waiting, undone)
            self._end_what_takes_too_long()
            self._look_at_memory()

    def close(self, *, at_once: bool = False) -> None:
        """End all processes.

        Parameters
        ----------
        at_once : bool
            Do not wait for work that is being done.
        """
        hosts, self._hosts = self._hosts, []
        for host in hosts:
            host.close(at_once=at_once)

    def _start_what_can(self, waiting: dict[str, tuple[Work, int]], undone: set[str]) -> None:
        for name in list(waiting):
            if len(self._running) >= self.jobs:
                return
            work, first = waiting[name]
            if work.after & undone:
                continue
            if not self.memory.may_start([running.pid for running in self._running.values()]):
                return
            host = self._free_host()
            if host is None:
                return
            del waiting[name]
            self._number += 1
            now = time.monotonic()
            self._running[self._number] = _Running(work, first, host, now, now)
            host.works[self._number] = 0
            parts = [dict(part) for part in work.parts[first:]]
            host.ask(
                {
                    "work": self._number,
                    "function": work.function,
                    "given": dict(work.given),
                    "parts": parts,
                    "first": first,
                }
            )

    def _free_host(self) -> Host | None:
        """A process that can take one more; another is started where there may be one."""
        for host in self._hosts:
            if host.ready is not None and (host.forks or not host.works):
                if not host.forks and host.n_done >= WORKS_PER_PROCESS:
                    self._hosts.remove(host)
                    host.close(at_once=False)
                    continue
                return host
        starting = sum(host.ready is None for host in self._hosts)
        forks = any(host.forks for host in self._hosts)
        if not forks and len(self._running) + starting < self.jobs:
            self._start_host()
        return None

    def _start_host(self) -> Host:
        given = {**self._given, "is_first": self._is_first}
        self._is_first = False
        host, self._ahead = self._ahead or Host(self._said), None
        self._hosts.append(host)
        host.begin(function=self._function, given=given, fork=self._fork)
        return host

    def _hear(self) -> tuple[Host, dict[str, Any] | None] | None:
        """The next message, if one comes soon; what concerns no piece of work is dealt with here."""
        try:
            # A wait without end cannot be interrupted on Windows.
            host, message = self._said.get(timeout=_TICK)
        except queue.Empty:
            return None
        if host not in self._hosts:
            return None
        if message is not None and "forks" in message:
            if "refused" in message:
                self._refuse(message)
            host.ready, host.forks = message, bool(message["forks"])
            return None
        if message is None:
            host.has_gone = True
            self._hosts.remove(host)
            host.end_children()
            if host.ready is None:
                raise ReportError(
                    f"The process that makes the reports could not be started (it ended with "
                    f"{host.exit_code}). "
                    "python -m mpg_research.reporting.warm.template shows why."
                )
        return host, message

    @staticmethod
    def _refuse(message: Mapping[str, str]) -> None:
        known = getattr(errors, message["refused"], None)
        if isinstance(known, type) and issubclass(known, MpgError):
            raise known(message["message"])
        raise RuntimeError(message["message"])

    def _hear_of_works(self, waiting: dict[str, tuple[Work, int]], undone: set[str]) -> Iterator[Ended]:
        heard = self._hear()
        if heard is None:
            return
        host, message = heard
        if message is None:
            for number in list(host.works):
                yield from self._ended(number, waiting, undone, died=True)
            return
        running = self._running.get(message["work"])
        if running is None:
            return
        running.sign = time.monotonic()
        if "pid" in message:
            running.pid = host.works[message["work"]] = message["pid"]
        elif "begins" in message:
            running.part, running.within, running.began = message["begins"], True, running.sign
            yield Ended(running.work, running.part, "begins")
        elif "part" in message:
            running.within = False
            yield self._returned(running, message)
            running.part += 1
        elif "ended" in message:
            host.n_done += 1
            yield from self._ended(message["work"], waiting, undone, died=bool(message["ended"]))

    @staticmethod
    def _returned(running: _Running, message: Mapping[str, Any]) -> Ended:
        seconds = time.monotonic() - running.began
        if "error" in message:
            told = {"error": message["error"], "traceback": message["traceback"]}
            return Ended(running.work, running.part, "failed", seconds=seconds, **told)
        return Ended(running.work, running.part, "done", message["result"], seconds=seconds)

    def _ended(
        self, number: int, waiting: dict[str, tuple[Work, int]], undone: set[str], *, died: bool
    ) -> Iterator[Ended]:
        """A process is done with its piece of work, or died; what it did not come to is done by another."""
        running = self._running.pop(number)
        running.host.works.pop(number, None)
        if died and running.part < len(running.work.parts):
            what: Literal["died", "too long"] = "too long" if running.was_ended else "died"
            yield Ended(running.work, running.part, what, seconds=time.monotonic() - running.began)
            running.part += 1
        if running.part < len(running.work.parts):
            waiting[running.work.name] = (running.work, running.part)
        else:
            undone.discard(running.work.name)

    def _end_what_takes_too_long(self) -> None:
        now = time.monotonic()
        for number, running in self._running.items():
            if now - running.sign > running.work.patience and not running.was_ended:
                running.was_ended = True
                running.host.end_work(number)

    def _look_at_memory(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = now
            self.memory.look([running.pid for running in self._running.values() if running.pid])


@contextmanager
def open_pool(jobs: int, **options: Any) -> Iterator[Pool]:
    """A :class:`Pool` whose processes are gone afterwards, at once where an exception ends the block.

    Parameters
    ----------
    jobs : int
        Pieces of work at once.
    **options
        The others of :class:`Pool`.

    Yields
    ------
    Pool
    """
    pool = Pool(jobs, **options)
    try:
        yield pool
    except BaseException:
        pool.close(at_once=True)
        raise
    pool.close()
