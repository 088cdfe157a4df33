"""One process makes a result while the others wait: a claim is a file that only one process can make.

It says which process on which machine holds it, and its time is renewed while that works (locks of the
operating system cannot be counted on in folders that machines share). A claim whose process is gone, or whose
time has not been renewed, is taken over.
"""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

__all__ = ["Claim", "claimed"]

#: Seconds between two signs of life, and after how many without one a claim counts no longer.
BEAT, STALE = 10.0, 120.0
#: Seconds between two looks whether a claim is gone, at first and at most.
LOOK, LONGEST_LOOK = 0.02, 0.5


class Claim:
    """The right to make one result, held until it is given back.

    Parameters
    ----------
    path : Path
        The file that says so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = uuid.uuid4().hex
        self._done = threading.Event()
        self._beat: threading.Thread | None = None

    def take(self) -> bool:
        """Take it if nobody holds it.

        Returns
        -------
        bool

        Raises
        ------
        OSError
            If the file cannot be made for another reason than being there.
        """
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        about = {"host": platform.node(), "pid": os.getpid(), "claim": self._name}
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(about, stream)
        return True

    def __enter__(self) -> "Claim":
        self._beat = threading.Thread(target=self._live, daemon=True, name="mpg-claim")
        self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._beat is not None:
            self._beat.join()
        if _read(self.path).get("claim") == self._name:
            with suppress(OSError):
                self.path.unlink()

    def _live(self) -> None:
        while not self._done.wait(BEAT):
            with suppress(OSError):
                os.utime(self.path)


@contextmanager
def claimed(path: Path, is_made: Callable[[], bool]) -> Iterator[bool]:
    """Wait until the claim is this process's (true), or until another has made the result (false).

    Parameters
    ----------
    path : Path
        The file of the claim.
    is_made : callable
        Whether the result is there.

    Yields
    ------
    bool

    Raises
    ------
    OSError
        If no claim can be made in that folder.
    """
    look = LOOK
    claim = Claim(path)
    while not claim.take():
        if is_made():
            yield False
            return
        if _is_stale(path):
            _take_away(path)
            continue
        time.sleep(look)
        look = min(2 * look, LONGEST_LOOK)
    with claim:
        yield True


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_stale(path: Path) -> bool:
    """Whether the one that holds a claim is gone; by the clock of the folder's own machine."""
    about = _read(path)
    pid = about.get("pid")
    if about.get("host") == platform.node() and isinstance(pid, int) and not _is_running(pid):
        return True
    try:
        renewed = path.stat().st_mtime
    except OSError:
        return False
    if time.time() - renewed < STALE / 2:
        return False
    probe = path.with_name(f"{uuid.uuid4().hex}.part")
    try:
        probe.touch(mode=0o600)
        now = probe.stat().st_mtime
    except OSError:
        now = time.time()
    finally:
        with suppress(OSError):
            probe.unlink()
    return now - renewed > STALE


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # pragma: no cover - os.kill would end it there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _take_away(path: Path) -> None:
    """Remove a stale claim; of several that try, one does, and a claim made meanwhile is put back."""
    before = _read(path).get("claim")
    aside = path.with_name(f"{uuid.uuid4().hex}.part")
    with suppress(OSError):
        path.rename(aside)
        if _read(aside).get("claim") != before:
            with suppress(OSError):
                os.link(aside, path)
        aside.unlink()
