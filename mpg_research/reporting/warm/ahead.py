"""A warm process that is started before it is known what it is to do, while the run looks at that."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

from mpg_research.reporting.warm.host import Host

__all__ = ["started_ahead", "take_ahead"]

#: What every process imports that makes a page, slow ones first of all.
_IMPORTS = (
    "pandas",
    "mpg_research.reporting.store.packed",
    "mpg_research.reporting.store.source",
    "mpg_research.reporting.run.prepare",
    "mpg_research.reporting.run.step",
)
_AHEAD: list[Host] = []


@contextmanager
def started_ahead(*, when: bool) -> Iterator[None]:
    """Start a process for the first pool that is opened in the block; it is ended where none is.

    Where one is waiting already, no other is started. It gets the environment of now: what is changed of that
    afterwards it does not see.

    Parameters
    ----------
    when : bool
        Whether to start one: where it is sure that there is something to make.
    """
    if when and not _AHEAD:
        _AHEAD.append(Host(queue.Queue(), imports=_IMPORTS))
    try:
        yield
    finally:
        host = take_ahead()
        if host is not None:
            host.close(at_once=True)


def take_ahead() -> Host | None:
    """The process that was started ahead, for whoever takes it; None if there is none, or not any more.

    Returns
    -------
    Host or None
    """
    return _AHEAD.pop() if _AHEAD else None
