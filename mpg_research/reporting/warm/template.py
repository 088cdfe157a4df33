"""The program of a warm process: it imports once, and makes a process of its own for each piece of work.

It speaks in lines of JSON through its standard input and output; its arguments are modules to import while it
waits for the first of them. The first line says what to prepare and
whether to fork. With forking it stays single-threaded, starts one child per piece of work, passes on what the
children say, and tells how each ended; when its input ends, it ends its children and itself. Without forking
(Windows has none, and on macOS it is not safe) it does the work itself, one after the other.
"""

import gc
import json
import os
import selectors
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO

from mpg_research.errors import MpgError
from mpg_research.reporting.warm.messages import as_line, listen
from mpg_research.reporting.warm.work import call, do_parts

__all__ = ["is_single_threaded", "main"]

#: After how many new objects Python looks for what can be freed: what is imported stays, and a page is soon
#: made.
_SELDOM = (100_000, 20, 50)


def main() -> int:
    """Prepare, then do what is asked until the input ends.

    Returns
    -------
    int
        The exit code.
    """
    gc.set_threshold(*_SELDOM)
    asks, tells = _take_pipes()
    for module in sys.argv[1:]:
        with suppress(Exception):  # what is wrong with it is told when it is needed
            import_module(module)
    first = asks.readline()
    if not first:
        return 0
    wanted = json.loads(first)
    answer: dict[str, Any]
    try:
        answer = {"ready": call(wanted["function"], wanted["given"])}
    except MpgError as error:
        answer = {"refused": type(error).__name__, "message": str(error)}
    except Exception:
        answer = {"refused": "", "message": traceback.format_exc()}
    forks = bool(wanted["fork"]) and hasattr(os, "fork") and is_single_threaded()
    tells.write(as_line({**answer, "forks": forks}))
    if "refused" in answer:
        return 1
    if forks:
        gc.collect()
        gc.freeze()  # what is there stays in memory that the children share
        _Forking(asks, tells).serve()
    else:
        _serve_in_turn(asks, tells)
    return 0


def is_single_threaded() -> bool:
    """Whether this process has one thread only, also counting those that Python does not know of.

    Returns
    -------
    bool
    """
    if threading.active_count() != 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return True


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the one who started this, out of reach of whatever prints or reads here."""
    asks = os.fdopen(os.dup(0), "rb", buffering=0)
    tells = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return asks, tells


def _serve_in_turn(asks: BinaryIO, tells: BinaryIO) -> None:
    while line := asks.readline():
        work = json.loads(line)
        number = work["work"]
        listen(partial(_tell_of, tells, number))
        _write(tells, as_line({"work": number, "pid": os.getpid()}))
        do_parts(work["function"], work["given"], work["parts"], work["first"])
        listen(None)
        _write(tells, as_line({"work": number, "ended": 0}))


def _tell_of(stream: BinaryIO, number: int, message: dict[str, Any]) -> None:
    _write(stream, as_line({"work": number, **message}))


def _write(stream: BinaryIO, line: bytes) -> None:
    """Write a line; when nobody reads any more there is nothing left to do here."""
    try:
        while line:
            line = line[stream.write(line) or 0 :]
    except BrokenPipeError:
        os._exit(1)


@dataclass
class _Child:
    """A running child: its piece of work, its process, and what it says."""

    number: int
    pid: int
    pipe: int
    said: bytes = b""


class _Forking:
    """One child per piece of work, as many at once as are asked for."""

    def __init__(self, asks: BinaryIO, tells: BinaryIO) -> None:
        self._asks = asks
        self._tells = tells
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(asks, selectors.EVENT_READ, None)
        self._heard = b""

    def serve(self) -> None:
        """Until the input ends."""
        wake, alarm = os.pipe()
        os.set_blocking(alarm, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(wake, selectors.EVENT_READ, "woken")
        self._wakers = wake, alarm
        try:
            while self._step(wake):
                pass
        finally:
            for child in list(self._children.values()):
                _end(child.pid)
            for child in list(self._children.values()):
                with suppress(ChildProcessError):
                    os.waitpid(child.pid, 0)

    def _step(self, wake: int) -> bool:
        for key, _ in self._selector.select():
            if key.data is None:
                if not self._listen():
                    return False
            elif key.data == "woken":
                with suppress(BlockingIOError):
                    os.read(wake, 4096)
            else:
                self._pass_on(key.data)
        for child in list(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._bury(child, os.waitstatus_to_exitcode(status))
        return True

    def _listen(self) -> bool:
        heard = os.read(self._asks.fileno(), 1 << 16)
        if not heard:
            return False
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for line in lines:
            wanted = json.loads(line)
            if "end" in wanted:
                for child in self._children.values():
                    if child.number == wanted["end"]:
                        _end(child.pid)
            else:
                self._start(wanted)
        return True

    def _start(self, work: dict[str, Any]) -> None:
        mine, its = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._be_child(work, its)
            finally:
                os._exit(1)
        with suppress(OSError):
            os.setpgid(pid, pid)
        os.close(its)
        child = _Child(work["work"], pid, mine)
        self._children[pid] = child
        self._selector.register(mine, selectors.EVENT_READ, child)
        _write(self._tells, as_line({"work": child.number, "pid": pid}))

    def _be_child(self, work: dict[str, Any], pipe: int) -> None:
        """In the child: do the work, and say how it goes through the pipe."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with suppress(OSError):
            os.setpgid(0, 0)
        self._selector.close()
        for child in self._children.values():
            if child.pipe >= 0:
                os.close(child.pipe)
        for descriptor in (*self._wakers, self._asks.fileno(), self._tells.fileno()):
            os.close(descriptor)
        stream = os.fdopen(pipe, "wb", buffering=0)
        listen(partial(_tell_of, stream, work["work"]))
        try:
            do_parts(work["function"], work["given"], work["parts"], work["first"])
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _pass_on(self, child: _Child) -> bool:
        """Pass on what a child said; False at the end of it."""
        said = os.read(child.pipe, 1 << 16)
        if not said:
            self._selector.unregister(child.pipe)
            os.close(child.pipe)
            child.pipe = -1
            return False
        whole, line, rest = (child.said + said).rpartition(b"\n")
        child.said = rest
        _write(self._tells, whole + line)
        return True

    def _bury(self, child: _Child, status: int) -> None:
        """A child has ended: pass on its last words, and tell."""
        if child.pipe >= 0:
            os.set_blocking(child.pipe, False)
            with suppress(BlockingIOError):
                while self._pass_on(child):
                    pass
            if child.pipe >= 0:  # something that it started still holds the other end
                self._selector.unregister(child.pipe)
                os.close(child.pipe)
        _end(child.pid)
        del self._children[child.pid]
        _write(self._tells, as_line({"work": child.number, "ended": status}))


def _end(pid: int) -> None:
    """End a child and whatever it started."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
