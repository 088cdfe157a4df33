"""The same numbers by plain loops and from definitions."""

import numpy as np


def frontier(cost: np.ndarray, effect: np.ndarray) -> list[str]:
    """Dominated by one other; else by a mixture of any two others."""
    n, found = cost.size, []
    for i in range(n):
        status = "frontier"
        for j in range(n):
            equal = cost[j] == cost[i] and effect[j] == effect[i]
            if j != i and cost[j] <= cost[i] and effect[j] >= effect[i] and (not equal or j < i):
                status = "dominated"
        for j in range(n):
            for k in range(n):
                if status == "frontier" and effect[j] < effect[i] < effect[k]:
                    share = (effect[i] - effect[j]) / (effect[k] - effect[j])
                    if cost[j] + share * (cost[k] - cost[j]) < cost[i] - 1e-9:
                        status = "extended"
        found.append(status)
    return found


def weighted_mean(
    amounts: np.ndarray, time: np.ndarray, ended: np.ndarray, edges: np.ndarray, weight: np.ndarray
) -> float:
    """Bang & Tsiatis with how often each family counts, each chance by a loop over moments."""

    def seen(until: float) -> float:
        chance = 1.0
        for moment in np.unique(time[~ended & (time < edges[-1])]):
            if moment < until:
                stops = (time == moment) & ~ended
                risk = (time > moment) | stops
                if weight[stops].sum() > 0:
                    chance *= 1 - weight[stops].sum() / weight[risk].sum()
        return chance

    total = 0.0
    for i in range(time.size):
        for j in range(edges.size - 1):
            if ended[i] or time[i] >= edges[j + 1]:
                total += weight[i] * amounts[i, j] / seen(min(time[i], edges[j + 1]))
    return total / float(weight.sum())
