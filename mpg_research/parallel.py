"""Simulations in chunks, through joblib, with the same result however many run at once.

With nothing said everything runs one after the other. Inside ``with joblib.parallel_config(n_jobs=4):`` four
processes share the work; inside ``with joblib.parallel_config(backend="dask"):`` a Dask cluster does, once a
``dask.distributed.Client`` exists. That is the one option there is, and it holds for every loop run here.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed

__all__ = ["CHUNK", "simulate_in_chunks"]

Result = TypeVar("Result")

#: Simulations per chunk. Part of the definition: each chunk has its own stream of random numbers.
CHUNK = 100


def simulate_in_chunks(
    simulate: Callable[[int, np.random.Generator], Result], n: int, rng: np.random.Generator | int
) -> list[Result]:
    """Run ``simulate(size, generator)`` until ``n`` simulations are done.

    Parameters
    ----------
    simulate : callable
        Takes a number of simulations and a generator. It must be possible to pickle it, and what it
        returns: a function of a module, or ``functools.partial`` of one.
    n : int
        Simulations in all.
    rng : Generator or int
        Randomness, or a seed; every chunk gets a stream of its own from it.

    Returns
    -------
    list
        What each chunk returned, in order.

    Examples
    --------
    >>> sum(simulate_in_chunks(lambda size, rng: size, 250, 1))
    250
    """
    sizes = [CHUNK] * (n // CHUNK) + ([n % CHUNK] if n % CHUNK else [])
    streams = np.random.default_rng(rng).spawn(len(sizes))
    pool = Parallel(n_jobs=None)
    found: list[Result] = pool(
        delayed(simulate)(size, stream) for size, stream in zip(sizes, streams, strict=True)
    )
    return found
