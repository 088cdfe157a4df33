"""How much memory there is, and whether another piece of work may begin."""

import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["MemoryWatch", "available_memory", "private_memory"]

#: Assumed of a piece of work until one was seen, in bytes.
FIRST_GUESS = 300 << 20
#: What is always left to the rest of the machine, in bytes.
RESERVE = 200 << 20
_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that new work can take without pushing out what runs, also inside a container.

    Returns
    -------
    int or None
        None where the system does not say.
    """
    found = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) << 10)
        limit = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
            stat = (_CGROUP / "memory.stat").read_text(encoding="ascii").split()
            files = dict(zip(stat[::2], stat[1::2], strict=False)).get("inactive_file", "0")
            found.append(int(limit) - used + int(files))
    except (OSError, ValueError):
        pass
    return min(found) if found else None


def private_memory(pid: int) -> int | None:
    """Bytes that are a process's own, not shared with the one it was forked from.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    int or None
        None where the system does not say, or the process has gone.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))


class MemoryWatch:
    """Decides from what was seen whether one more piece of work can be started.

    Parameters
    ----------
    available : callable
        Gives the bytes that are to be had, or None where that is not known.
    of_process : callable
        Gives the bytes that are a process's own.
    """

    def __init__(
        self,
        available: Callable[[], int | None] = available_memory,
        of_process: Callable[[int], int | None] = private_memory,
    ) -> None:
        self._available = available
        self._of_process = of_process
        self.most = 0
        self.has_waited = False

    def look(self, pids: list[int]) -> None:
        """Remember the most that a piece of work took.

        Parameters
        ----------
        pids : list of int
            The processes that work now.
        """
        for pid in pids:
            self.most = max(self.most, self._of_process(pid) or 0)

    def may_start(self, running: list[int]) -> bool:
        """Whether there is memory for one more; the first one always starts.

        Parameters
        ----------
        running : list of int
            The processes that work now; they may still grow to the most that was seen. 0 is one that has
            not begun.

        Returns
        -------
        bool
        """
        if not running:
            return True
        there = self._available()
        if there is None:
            return True
        each = self.most or FIRST_GUESS
        still_to_come = sum(max(0, each - (self._of_process(pid) or 0)) for pid in running)
        enough = there - RESERVE >= each + still_to_come
        self.has_waited |= not enough
        return enough


def cores() -> int:
    """Processors this process may use.

    Returns
    -------
    int
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
