"""A warm process as the one who started it sees it: what to write to it, what it says, and ending it."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mpg_research.reporting.warm.environment import process_environment
from mpg_research.reporting.warm.messages import as_line

__all__ = ["Host"]

_SECONDS_TO_END = 5.0


class Host:
    """A process started from :mod:`mpg_research.reporting.warm.template`.

    Parameters
    ----------
    said : queue.Queue
        Where pairs of this host and a message of its go; the message is None when it has gone.
    imports : sequence of str
        Modules that it imports before it is told what to do (:meth:`begin`).
    """

    def __init__(
        self, said: "queue.Queue[tuple[Host, dict[str, Any] | None]]", *, imports: Sequence[str] = ()
    ) -> None:
        own_group: dict[str, Any] = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
            if os.name == "nt"
            else {"start_new_session": True}
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mpg_research.reporting.warm.template", *imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What it writes beside its messages is of no use to a reader, and may quote data.
            stderr=subprocess.DEVNULL,
            env=process_environment(),
            **own_group,
        )
        self.works: dict[int, int] = {}
        self.ready: dict[str, Any] | None = None
        self.forks = False
        self.n_done = 0
        self.has_gone = False
        self.said = said
        threading.Thread(target=self._listen, daemon=True, name="mpg-listen").start()

    def begin(self, *, function: str, given: Mapping[str, Any], fork: bool) -> None:
        """Tell it what to prepare.

        Parameters
        ----------
        function : str
            What it calls first, as ``"package.module:function"``.
        given : mapping
            The argument of that.
        fork : bool
            Whether it makes a process per piece of work, where it can.
        """
        self.ask({"function": function, "given": dict(given), "fork": fork})

    def ask(self, message: dict[str, Any]) -> None:
        """Write it a message; one who has gone is found out by what it says last.

        Parameters
        ----------
        message : dict
            JSON types only.
        """
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(as_line(message))
            self._process.stdin.flush()

    def end_work(self, number: int) -> None:
        """End one piece of work at once, with whatever it started.

        Parameters
        ----------
        number : int
            Which.
        """
        if self.forks:
            self.ask({"end": number})
        else:
            self._kill()

    def close(self, *, at_once: bool) -> None:
        """End the process and its children.

        Parameters
        ----------
        at_once : bool
            Do not wait for work that is being done.
        """
        assert self._process.stdin is not None
        if at_once and not self.forks:
            self._kill()
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self.end_children()

    def end_children(self) -> None:
        """End children whose parent may have been killed before it could do so."""
        if self.forks:
            for pid in self.works.values():
                with suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)

    def _kill(self) -> None:
        """End the process, and where there are groups of processes, what it started."""
        if os.name == "nt":
            self._process.kill()
        else:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def exit_code(self) -> int | None:
        """How it ended, once it has."""
        return self._process.poll()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.put((self, json.loads(line)))
        self._process.stdout.close()
        self._process.wait()
        self.said.put((self, None))
