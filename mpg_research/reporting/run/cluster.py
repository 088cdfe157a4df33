"""Pieces of work on the machines of a Dask cluster, by way of joblib.

The option is joblib's own, the one that the package's simulations follow as well: inside
``with joblib.parallel_config(backend="dask"):``, or with ``mpg run --dask ADDRESS``, which does just that.
The machines must see the study, the reports and the notebooks under the same paths.
"""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mpg_research.errors import ConfigError
from mpg_research.reporting.warm.pool import Ended, Pool
from mpg_research.reporting.warm.work import Work

__all__ = ["cluster_at", "do_on_worker", "run_on_cluster", "uses_cluster"]

#: A Dask worker has threads: each has a warm process of its own, which does the work.
_OF_THREAD = threading.local()


@contextmanager
def cluster_at(address: str | None) -> Iterator[None]:
    """Whatever runs through joblib in this block runs on the cluster whose scheduler has that address.

    Parameters
    ----------
    address : str or None
        As ``"tcp://host:8786"``; without one, nothing changes.

    Raises
    ------
    ConfigError
        If Dask is not installed, or no scheduler answers there.
    """
    if not address:
        yield
        return
    import joblib

    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            "--dask needs Dask, which is not installed. Install it with: pip install mpg_research[cluster]"
        ) from None
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"There is no Dask scheduler at {address} ({error}). Start one: dask scheduler"
        ) from None
    with client, joblib.parallel_config(backend="dask"):
        yield


def uses_cluster() -> bool:
    """Whether joblib was told to use a Dask cluster.

    Returns
    -------
    bool
    """
    if "joblib" not in sys.modules:
        return False
    from joblib.parallel import get_active_backend

    return "Dask" in type(get_active_backend()[0]).__name__


def run_on_cluster(works: Sequence[Work], *, function: str, given: Mapping[str, Any]) -> Iterator[Ended]:
    """Do pieces of work on the cluster: first those that wait for no other, then the others.

    Parameters
    ----------
    works : sequence of Work
        All of them.
    function, given : str and mapping
        What a process does first, as :class:`mpg_research.reporting.warm.pool.Pool` takes it.

    Yields
    ------
    Ended
    """
    from joblib import Parallel, delayed

    by_name = {work.name: work for work in works}
    names = {work.name for work in works}
    for turn in (
        [work for work in works if not work.after & names],
        [work for work in works if work.after & names],
    ):
        if not turn:
            continue
        pool = Parallel(return_as="generator_unordered", batch_size=1)
        tasks = (delayed(do_on_worker)(_as_data(work), function, dict(given)) for work in turn)
        for events in pool(tasks):
            for event in events:
                yield Ended(by_name[event.pop("work")], **event)


def do_on_worker(work: Mapping[str, Any], function: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Do a piece of work wherever this is called, in a warm process that the thread keeps for the next one.

    Parameters
    ----------
    work : mapping
        The fields of a :class:`~mpg_research.reporting.warm.work.Work`.
    function, given : str and mapping
        What the process does first.

    Returns
    -------
    list of dict
        The fields of each :class:`~mpg_research.reporting.warm.pool.Ended`, with the name of the work.
    """
    pool = _pool_of_thread(function, given)
    alone = Work(**{**work, "after": frozenset(), "parts": tuple(work["parts"])})
    return [
        {
            "work": event.work.name,
            "part": event.part,
            "what": event.what,
            "result": event.result,
            "error": event.error,
            "traceback": event.traceback,
            "seconds": event.seconds,
        }
        for event in pool.run([alone])
    ]


def _pool_of_thread(function: str, given: Mapping[str, Any]) -> Pool:
    key = json.dumps([function, dict(given)], sort_keys=True)
    kept = getattr(_OF_THREAD, "pool", None)
    if kept is not None and kept[0] == key:
        pool: Pool = kept[1]
        return pool
    if kept is not None:
        kept[1].close()
    pool = Pool(1, function=function, given=given)
    pool.prepare()
    _OF_THREAD.pool = key, pool
    return pool


def _as_data(work: Work) -> dict[str, Any]:
    return {
        "name": work.name,
        "function": work.function,
        "given": dict(work.given),
        "parts": [dict(part) for part in work.parts],
        "patience": work.patience,
    }
