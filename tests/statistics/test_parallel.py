"""Chunks of simulations: the same result one by one, in processes, and on a Dask cluster."""

import joblib
import numpy as np
import pytest

from mpg_research.statistics.funnel import simulate_false_alarms
from mpg_research.statistics.parallel import CHUNK, simulate_in_chunks

N_SIMULATIONS = 2 * CHUNK + 10


def draw(size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=size)


def test_chunks_are_independent_and_add_up() -> None:
    parts = simulate_in_chunks(draw, N_SIMULATIONS, 5)
    assert [part.size for part in parts] == [CHUNK, CHUNK, 10]
    assert abs(np.corrcoef(parts[0], parts[1])[0, 1]) < 0.3
    again = simulate_in_chunks(draw, N_SIMULATIONS, 5)
    assert np.concatenate(again) == pytest.approx(np.concatenate(parts))


def test_two_processes_give_the_same_result() -> None:
    alone = simulate_false_alarms(np.ones(8), tau2=0.5, n_simulations=N_SIMULATIONS, rng=3)
    with joblib.parallel_config(n_jobs=2):
        together = simulate_false_alarms(np.ones(8), tau2=0.5, n_simulations=N_SIMULATIONS, rng=3)
    assert together == alone


def test_a_dask_cluster_gives_the_same_result() -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (an optional extra)")
    alone = simulate_false_alarms(np.ones(8), tau2=0.5, n_simulations=N_SIMULATIONS, rng=3)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        remote = simulate_false_alarms(np.ones(8), tau2=0.5, n_simulations=N_SIMULATIONS, rng=3)
    assert remote == alone
