"""Chunks of simulations: the same result one by one, in processes, and on a Dask cluster."""

from collections.abc import Callable

import joblib
import numpy as np
import pandas as pd
import pytest

from mpg_research.mixed import AR1, MixedFit, fit_mixed
from mpg_research.parallel import CHUNK, simulate_in_chunks
from mpg_research.statistics.providers.false_alarms import simulate_false_alarms

N_SIMULATIONS = 2 * CHUNK + 10
# A refit with serial correlation takes some thirty times as long.
N_SERIAL = CHUNK + 2


def draw(size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=size)


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    return fit_mixed("y ~ x + (1 | g)", clustered())


def clustered() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(12), 5)
    y = rng.normal(size=12)[group] + rng.normal(size=60)
    return pd.DataFrame({"y": y, "x": rng.normal(size=60), "g": group, "wave": np.tile(np.arange(5), 12)})


def loops(fit: MixedFit) -> list[Callable[[], object]]:
    """Every loop of simulations there is, as something that can be compared with ==."""
    serial = fit_mixed("y ~ x + (1 | g)", clustered(), residual=AR1("wave", within="g"))
    return [
        lambda: simulate_false_alarms(np.ones(8), tau2=0.5, n_simulations=N_SIMULATIONS, rng=3),
        lambda: fit.bootstrap(N_SIMULATIONS, rng=3).draws.to_dict(),
        lambda: serial.bootstrap(N_SERIAL, rng=3).draws.to_dict(),
    ]


def test_chunks_are_independent_and_add_up() -> None:
    parts = simulate_in_chunks(draw, N_SIMULATIONS, 5)
    assert [part.size for part in parts] == [CHUNK, CHUNK, 10]
    assert abs(np.corrcoef(parts[0], parts[1])[0, 1]) < 0.3
    again = simulate_in_chunks(draw, N_SIMULATIONS, 5)
    assert np.concatenate(again) == pytest.approx(np.concatenate(parts))


def test_two_processes_give_the_same_result(fit: MixedFit) -> None:
    for loop in loops(fit):
        alone = loop()
        with joblib.parallel_config(n_jobs=2):
            assert loop() == alone


def test_a_dask_cluster_gives_the_same_result(fit: MixedFit) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (an optional extra)")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster):
        for loop in loops(fit):
            alone = loop()
            with joblib.parallel_config(backend="dask"):
                assert loop() == alone
