"""What a person sees while a run goes on: a bar on a terminal, plain lines elsewhere."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from mpg_research.reporting.store.time_left import TimeLeft, in_words

__all__ = ["PlainProgress", "Progress", "TerminalProgress", "count_up", "make_progress"]


class Progress:
    """Says nothing; the base of the others.

    Steps are named as the summary names them; an analysis is ``"analysis: compare_organisations"``.
    """

    def begin(self, total: int, up_to_date: int, time_left: TimeLeft) -> None:
        """``total`` steps will be run; ``up_to_date`` need not be."""

    def started(self, name: str) -> None:
        """A step begins."""

    def finished(self, name: str, status: str, seconds: float) -> None:
        """A step has ended."""

    def end(self) -> None:
        """No more steps."""


class PlainProgress(Progress):
    """One line per finished step."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.total = 0
        self.done = 0
        self._time_left: TimeLeft | None = None

    def begin(self, total: int, up_to_date: int, time_left: TimeLeft) -> None:
        """Say how much there is to do."""
        self.total, self.done, self._time_left = total, 0, time_left
        if total:
            text = f"{total} to make" + (f", {up_to_date} up to date" if up_to_date else "")
            print(text, file=self.stream, flush=True)

    def finished(self, name: str, status: str, seconds: float) -> None:
        """One line."""
        self.done += 1
        count = f"[{self.done:{len(str(self.total))}}/{self.total}]"
        left = in_words(self._time_left.seconds() if self._time_left else None)
        text = f"{count} {name}: {status} ({seconds:.0f} s)" + (f", {left}" if left else "")
        print(text, file=self.stream, flush=True)


class TerminalProgress(Progress):
    """A bar with the steps that run now, and the time left."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            SpinnerColumn(),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            transient=True,
        )
        self._task: Any = None
        self._running: list[str] = []
        self._time_left: TimeLeft | None = None
        self._lock = threading.Lock()

    def begin(self, total: int, up_to_date: int, time_left: TimeLeft) -> None:
        """Show the bar."""
        self._time_left = time_left
        if total:
            self._bar.start()
            self._task = self._bar.add_task("", total=total)

    def started(self, name: str) -> None:
        """Name the step beside the bar."""
        self._change(add=name)

    def finished(self, name: str, status: str, seconds: float) -> None:
        """Move the bar on."""
        self._change(remove=name, advance=1)
        if status == "failed":
            self._bar.console.print(f"{name}: failed", markup=False, highlight=False)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def _change(self, *, add: str = "", remove: str = "", advance: int = 0) -> None:
        with self._lock:
            if add:
                self._running.append(add)
            if remove in self._running:
                self._running.remove(remove)
            left = in_words(self._time_left.seconds() if self._time_left else None)
            text = "; ".join(part for part in (left, ", ".join(self._running)) if part).replace("[", "\\[")
            self._bar.update(self._task, advance=advance, description=text)


@contextmanager
def count_up(what: str, stream: TextIO | None = None) -> Iterator[Callable[[int, int], None]]:
    """A function to call with how many are done, and of how many; it shows them as they come.

    On a terminal one line is written over; elsewhere there is a line for each tenth part.
    """
    stream = stream or sys.stdout
    terminal = stream.isatty()
    shown = 0

    def show(done: int, total: int) -> None:
        nonlocal shown
        if terminal:
            print(f"\r{what} {done} of {total}", end="", file=stream, flush=True)
        elif done * 10 // total > shown:
            shown = done * 10 // total
            print(f"{what} {done} of {total}", file=stream, flush=True)

    try:
        yield show
    finally:
        if terminal:
            print("\r\x1b[K", end="", file=stream, flush=True)


def make_progress(stream: TextIO | None = None) -> Progress:
    """The display that fits where the output goes."""
    stream = stream or sys.stdout
    return TerminalProgress() if stream.isatty() else PlainProgress(stream)
